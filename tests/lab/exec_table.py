#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bench-exec.sh measured, as a table: medians in ms, and ratios to the limit: max(warm, best time to
read the pages that are needed). "all" counts what has to be looked at, directories, inodes and maps of blocks, too.

Usage: exec_table.py RESULTS
"""
import json
import statistics
import sys

COLUMNS = ("cold", "cold-kernel", "before", "together", "exec", "together-kernel", "exec-kernel", "old", "old-kernel", "warm")


def times(rows, mode):
    return sorted(r["wall_us"] / 1000 for r in rows if r["mode"] == mode)


def median_of(rows, mode):
    t = times(rows, mode)
    return statistics.median(t) if t else None


def ms(value):
    return "-" if value is None else "%.0f" % value if value >= 100 else "%.1f" % value


def limit_of(rows, key):
    """None where nobody knows: compressed images do not say where pages lie, "all" is of ext4."""
    best = next((r[key] / 1000 for r in rows if r["mode"] == "best" and key in r), None)
    return None if best is None else max(median_of(rows, "warm") or 0, best)


def ratio_text(value):
    return "-" if value is None else "%.2f" % value


def paired(rows, a, b):
    """Ratios a / b of the same rounds."""
    t = {(r["mode"], r["round"]): r["wall_us"] for r in rows if "wall_us" in r}
    return [t[a, n] / t[b, n] for m, n in sorted(t) if m == a and (b, n) in t]


def print_disk(storage, rows):
    programs = list(dict.fromkeys(r["program"] for r in rows))
    shown = {r["program"]: r["command"] for r in rows if "command" in r}
    ratios, ratios_all, gains, slower = [], [], [], []
    columns = [c for c in COLUMNS if times(rows, c)]
    print("%s, medians of %d rounds in ms" % (storage, max(r["round"] for r in rows)))
    print("%-24s" % "" + "".join("%10s" % c.replace("together", "run").replace("-kernel", " k")
                                 for c in columns) +
          "%10s%7s%8s%7s%12s" % ("limit", "ratio", "all", "ratio", "spread"))
    for p in programs:
        of = [r for r in rows if r["program"] == p]
        limit, limit_all = limit_of(of, "best_us"), limit_of(of, "best_all_us")
        now = median_of(of, "exec")
        t = times(of, "exec")
        line = "%-24.24s" % shown.get(p, p) + "".join("%10s" % ms(median_of(of, c)) for c in columns)
        if now is not None:
            ratio, ratio_all = (l and now / l for l in (limit, limit_all))
            ratios += [ratio] if ratio else []
            ratios_all += [ratio_all] if ratio_all else []
            line += "%10s%7s%8s%7s%12s" % (ms(limit), ratio_text(ratio), ms(limit_all), ratio_text(ratio_all),
                                          "%s-%s" % (ms(t[0]), ms(t[-1])))
        if paired(of, "together", "exec"):
            gains.append(statistics.median(paired(of, "together", "exec")))
        for a, b in (("exec", "cold"), ("exec-kernel", "cold-kernel")):
            if paired(of, a, b) and statistics.median(paired(of, a, b)) > 1:
                slower.append("%s (%s: %.2f)" % (shown.get(p, p), a, statistics.median(paired(of, a, b))))
        print(line)
    for s in slower:
        print("slower than plain cold: " + s)
    if ratios:
        extra = ", `elfcast run` takes %.2f x as long" % statistics.median(gains) if gains else ""
        if ratios_all:
            extra += ", to all %.2f (at most %.2f)" % (statistics.median(ratios_all), max(ratios_all))
        print("result: %s %d launches%s, highest ratio %.2f, median ratio to the limit %.2f" % (
            storage, len(ratios), extra, max(ratios), statistics.median(ratios)))
    for old, new in (("old", "exec"), ("old-kernel", "exec-kernel")):
        of = [paired([r for r in rows if r["program"] == p], old, new) for p in programs]
        if any(of):
            each = [statistics.median(ratios) for ratios in of if ratios]
            print("result: %s %s / %s: median %.2f, from %.2f to %.2f" % (
                storage, old, new, statistics.median(each), min(each), max(each)))
    print()


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    for storage in dict.fromkeys(r["storage"] for r in rows):
        print_disk(storage, [r for r in rows if r["storage"] == storage])


if __name__ == "__main__":
    main()
