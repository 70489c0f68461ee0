#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bench-boot-launches.sh measured, as a table.

Usage: boot_table.py RESULTS
"""
import json
import statistics
import sys

PAGE = 4096


def medians(rows, mode):
    """{program: median wall time in ms}"""
    times = {}
    for r in rows:
        if r["mode"] == mode:
            times.setdefault(r["program"], []).append(r["wall_us"] / 1000)
    return {p: statistics.median(t) for p, t in times.items()}


def print_launches(storage, rows):
    cold, warm, now = (medians(rows, m) for m in ("cold", "warm", "prefetched"))
    gone = {p: (cold[p] - now[p]) / (cold[p] - warm[p]) for p in cold if cold[p] > warm[p]}
    if not gone:
        return
    requests = {r["program"]: r["requests"] for r in rows if r["mode"] == "prefetched"}
    order = sorted(gone, key=gone.get)
    print(f"{storage}: {len(gone)} programs, gone of (cold - warm): median "
          f"{statistics.median(gone.values()):.3f}, lowest {gone[order[0]]:.3f}; "
          f"below 0.97: {sum(g < 0.97 for g in gone.values())}, "
          f"below 0.90: {sum(g < 0.90 for g in gone.values())}")
    again = [r for r in rows if r.get("tries", 1) > 1]
    if again:
        print(f"    {len(again)} of {sum('tries' in r for r in rows)} launches were measured again, as the "
              "machine took pages away from the page cache meanwhile; of the ones that count, "
              f"{sum(r['refaults'] > 0 for r in again)} still had such pages")
    for p in order[:8]:
        print(f"    {p:14} {gone[p]:.3f}   cold {cold[p]:8.1f}  prefetched {now[p]:7.1f}  "
              f"warm {warm[p]:7.1f} ms   {requests[p]} requests left")


def print_prefetch(storage, rows):
    best = next((r for r in rows if r["mode"] == "best"), None)
    for mode in ("prefetch-all", "prefetch-no-metadata"):
        some = [r for r in rows if r["mode"] == mode]
        if not some:
            continue
        ms = statistics.median(r["report"]["ms"] for r in some)
        read = statistics.median(r["bytes"] for r in some)
        print(f"{storage}: {mode}: {ms:.0f} ms, {read / 2**20:.1f} MiB in "
              f"{some[0]['requests']} requests", end="")
        if best:
            print(f"; the best for these pages {best['best_us'] / 1000:.0f} ms, ratio "
                  f"{ms * 1000 / best['best_us']:.2f}", end="")
            if "needed_pages" in best:
                print(f"; read {read / (best['needed_pages'] * PAGE):.2f} x needed", end="")
        print()


def main():
    storages = {}
    with open(sys.argv[1], encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            storages.setdefault(r["storage"], []).append(r)
    for storage, rows in storages.items():
        print_prefetch(storage, rows)
        print_launches(storage, rows)


main()
