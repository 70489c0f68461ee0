#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bench-images.sh measured, as a table: medians in ms, with the spread from fastest to slowest.

Usage: images_table.py RESULTS
"""
import json
import statistics
import sys

HEAD = "%-10s%-20s%-10s%19s%19s%12s%19s%19s%12s%8s"


def times(rows, ordered, mode):
    return {r["round"]: r["wall_us"] / 1000 for r in rows if (r["ordered"], r["mode"]) == (ordered, mode)}


def ms(value):
    return "%.0f" % value if value >= 100 else "%.1f" % value


def spread(t):
    return "%s (%s-%s)" % (ms(statistics.median(t.values())), ms(min(t.values())), ms(max(t.values())))


def ratio(rows, mode):
    no, yes = times(rows, "no", mode), times(rows, "yes", mode)
    return statistics.median(yes[n] / no[n] for n in no)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    print(HEAD % ("image", "disk", "launch", "cold", "ordered", "ordered/not", "with elfcast", "ordered",
                  "ordered/not", "warm"))
    for kind, storage in dict.fromkeys((r["kind"], r["storage"]) for r in rows):
        ratios = {"cold": [], "exec": []}
        for p in dict.fromkeys(r["program"] for r in rows):
            of = [r for r in rows if (r["kind"], r["storage"], r["program"]) == (kind, storage, p)]
            for mode, all_of in ratios.items():
                all_of.append(ratio(of, mode))
            warm = statistics.median(times(of, "no", "warm").values())
            print(HEAD % (kind, storage, p, spread(times(of, "no", "cold")), spread(times(of, "yes", "cold")),
                          "%.2f" % ratios["cold"][-1], spread(times(of, "no", "exec")),
                          spread(times(of, "yes", "exec")), "%.2f" % ratios["exec"][-1], ms(warm)))
        print("result: %s on %s: ordered takes %.2f of the time, with elfcast %.2f (medians of %d launches)" % (
            kind, storage, statistics.median(ratios["cold"]), statistics.median(ratios["exec"]),
            len(ratios["cold"])))


if __name__ == "__main__":
    main()
