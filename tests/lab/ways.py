# SPDX-License-Identifier: LGPL-2.1-or-later
"""The JSON lines of ways.sh: programs that were launched in several ways, in turn."""
import json
import statistics


def read(path):
    """{storage: {program: {way: [ms of round 1, 2, ...]}}}, in the order of the lines."""
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    times = {}
    for r in sorted(rows, key=lambda r: r["round"]):
        ways = times.setdefault(r["storage"], {}).setdefault(r["program"], {})
        ways.setdefault(r["way"], []).append(r["wall_us"] / 1000)
    return times


def shown(times):
    return "%.0f (%.0f-%.0f)" % (statistics.median(times), min(times), max(times))
