#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON lines of measured launches to tables.

Usage: table.py bars FILE    one block with a bar per line for each launch (demo)
       table.py check FILE   TAP: prefetch removes what a cold launch waits for of the disk, and
                             its major faults
"""
import json
import shutil
import statistics
import sys

MODES = (
    ("cold", "cold"),
    ("together", "started together"),
    ("before", "prefetched before"),
    ("warm", "warm (all cached)"),
)
COLOURS = {"cold": 31, "together": 33, "before": 32, "warm": 34}
GONE_FLOOR = 0.90  # of the disk's time, by its own clock, in the median
MAJFLT_CEILING = 0.02  # of the cold launch's


def load(path):
    groups = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            modes = groups.setdefault((r["program"], r["storage"]), {})
            modes.setdefault(r["mode"], []).append(r)
    return groups


def ms(rows):
    return [r["wall_us"] / 1000 for r in rows]


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def gone(modes, mode):
    """Share of the cold penalty that MODE removes, in the medians."""
    cold, warm, now = (statistics.median(ms(modes[m])) for m in ("cold", "warm", mode))
    return (cold - now) / (cold - warm) if cold > warm else 0.0


def bar(mode, value, largest, width):
    fancy = "utf" in (sys.stdout.encoding or "").lower()
    n = round(value / largest * width * (8 if fancy else 1))
    text = "█" * (n // 8) + " ▏▎▍▌▋▊▉"[n % 8].strip() if fancy else "#" * max(n, 1)
    if sys.stdout.isatty():
        return f"\033[{COLOURS[mode]}m{text}\033[0m"
    return text


def print_bars(groups):
    columns = min(shutil.get_terminal_size((80, 24)).columns, 100)
    for modes in groups.values():
        print(modes["cold"][0]["command"])
        largest = max(statistics.median(ms(rows)) for rows in modes.values())
        print(f"{'':<18}  median   min-max ms  pages read")
        for mode, label in MODES:
            t = ms(modes[mode])
            spread = f"{min(t):.0f}-{max(t):.0f}"
            m = statistics.median(t)
            print(f"  {label:<17}{m:6.0f} ms {spread:>10} {median(modes[mode], 'pages'):8.0f}"
                  f"  {bar(mode, m, largest, columns - 52)}")
        print_saved(modes)


def print_saved(modes):
    cold, warm = (statistics.median(ms(modes[m])) for m in ("cold", "warm"))
    penalty = cold - warm
    for mode, label in ("before", "before the launch"), ("together", "with the launch"):
        saved = cold - statistics.median(ms(modes[mode]))
        if saved <= 0:
            what = "no gain here"
        elif saved >= penalty:
            what = f"all of the {penalty:.0f} ms that cold costs are gone"
        else:
            what = (f"saves {saved:.0f} of the {penalty:.0f} ms that cold costs"
                    f" ({saved / penalty * 100:.0f} %)")
        print(f"  Reading {label}: {what}.")
    print()


def check(groups):
    print("# table: launch   disk           cold  before    warm  together   gone  major faults")
    for (program, storage), modes in groups.items():
        t = {m: statistics.median(ms(rows)) for m, rows in modes.items()}
        share = gone(modes, "before")
        cold_faults, faults = (median(modes[m], "majflt") for m in ("cold", "before"))
        print(f"# table: {program:<8} {storage:<11} {t['cold']:5.0f} ms {t['before']:4.0f} ms"
              f" {t['warm']:4.0f} ms {t['together']:6.0f} ms {share * 100:5.1f} %"
              f"  {cold_faults:.0f} -> {faults:.0f}")
        cold_us, disk_us = (median(modes[m], "disk_us") for m in ("cold", "before"))
        print(f"# {program} on {storage}: the disk is busy for {cold_us:.0f} us, {disk_us:.0f} after prefetch")
        good = 0 < cold_us and disk_us <= (1 - GONE_FLOOR) * cold_us
        print(f"{'ok' if good else 'not ok'} - {program} on {storage}: prefetch removes"
              f" {GONE_FLOOR * 100:.0f} % of the disk's time")
        good = faults <= cold_faults * MAJFLT_CEILING and cold_faults > 0
        print(f"{'ok' if good else 'not ok'} - {program} on {storage}: prefetch leaves at most"
              f" {MAJFLT_CEILING * 100:.0f} % of the major faults")


def main():
    what, path = sys.argv[1:]
    {"bars": print_bars, "check": check}[what](load(path))


main()
