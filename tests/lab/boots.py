#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/lab/boots.sh measured.

Usage: boots.py --line WAY DISK ROUND TIMES BYTES REPORT	one boot, as a JSON line
       boots.py DISK <RESULTS					the table of a disk
       boots.py --closing <RESULTS				a line a disk
       boots.py --by-block ROOT <LIST			lab-mincore's output by place on the disk
"""
import fcntl
import json
import os
import random
import statistics
import struct
import sys

MIB = 1 << 20


def blocks(text):
    """systemctl show: one unit after the other, with an empty line between."""
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values:
            yield values


def line(way, disk, number, times, read, report):
    manager, units = {}, {}
    for b in blocks(open(times).read()):
        if "Id" in b:
            units[b["Id"]] = b
        else:
            manager.update(b)
    start = int(manager["UserspaceTimestampMonotonic"])
    # systemd is started, and finds its libraries, before it takes a time: who reads ahead from before it on has
    # that wait, and a time from there on does not show it.
    lead = start / 1000 - int(manager["Process1Ticks"]) * 1000 / os.sysconf("SC_CLK_TCK")

    def since(us):
        return (int(us) - start) / 1000 if int(us) > start else None

    target = units["multi-user.target"]
    took = {}
    for name, u in units.items():
        begin, end = since(u["InactiveExitTimestampMonotonic"]), since(u["ActiveEnterTimestampMonotonic"])
        if name.endswith(".service") and begin is not None and end is not None:
            took[name] = [round(begin, 1), round(end - begin, 1)]
    own = units.get("elfcast-boot-early.service") or units.get("elfcast-boot.service", {})
    n_bytes, n_requests, all_bytes = (int(x) for x in open(read).read().split())
    report = open(report).read()
    print(json.dumps({
        "way": way, "disk": disk, "round": int(number), "ms": since(target["ActiveEnterTimestampMonotonic"]),
        "all_ms": since(target["ActiveEnterTimestampMonotonic"]) + lead, "lead_ms": lead,
        "generators_ms": [since(manager["GeneratorsStartTimestampMonotonic"]),
                          since(manager["GeneratorsFinishTimestampMonotonic"])],
        "loaded_ms": since(manager["UnitsLoadFinishTimestampMonotonic"]),
        "unit_ms": since(own.get("InactiveExitTimestampMonotonic", 0)),
        "bytes": n_bytes, "requests": n_requests, "all_bytes": all_bytes, "units": took,
        "report": json.loads(report) if report else None}))


def median(values):
    return statistics.median(values) if values else float("nan")


def interval(f, *samples):
    """95 %, by resampling: F of medians of each sample."""
    random.seed(1)
    got = sorted(f(*(median(random.choices(s, k=len(s))) for s in samples)) for _ in range(4000))
    return got[100], got[3899]


def gone(cold, eager, cached):
    return 100 * (cold - eager) / (cold - cached) if cold != cached else float("nan")


def against(ms, way, base):
    samples = ms[way], ms[base]

    def percent(a, b):
        return 100 * (a / b - 1)

    return ", %s - %s %+.1f %% [%+.1f, %+.1f]" % (way, base, percent(*map(median, samples)),
                                                  *interval(percent, *samples))


def closing(disk, ms, all_bytes, what="result:"):
    text = what + " %s cold %.0f" % (disk, median(ms["cold"]))
    for way in ms:
        if way != "cold":
            text += " %s %.0f" % (way, median(ms[way]))
    text += " ms"
    if "eager" in ms and "cached" in ms:
        samples = ms["cold"], ms["eager"], ms["cached"]
        text += ", gone %.0f %% [%.0f, %.0f]" % (gone(*map(median, samples)), *interval(gone, *samples))
    for way in "unit", "derived", "derived-unit":
        if way in ms and "cached" in ms:
            samples = ms["cold"], ms[way], ms["cached"]
            text += ", by %s %.0f %% [%.0f, %.0f]" % (
                way, gone(*map(median, samples)), *interval(gone, *samples))
    for way, base in (("eager", "cold"), ("stale", "cold"), ("large", "cold"), ("foreign", "fewer"),
                      ("eager", "predecessor"), ("ordered", "cold"),
                      ("eager-ordered", "eager"), ("recorded", "cold"), ("recorded-cached", "cached")):
        if way in ms and base in ms:
            text += against(ms, way, base)
    if "eager" in ms and "predecessor" in ms:
        text += ", bytes %.2f of predecessor's" % (
            median(all_bytes["eager"]) / median(all_bytes["predecessor"]))
    if "eager" in ms and "old" in ms:
        samples = ms["old"], ms["eager"]
        text += ", old / eager %.2f [%.2f, %.2f]" % (
            median(ms["old"]) / median(ms["eager"]), *interval(lambda o, e: o / e, *samples))
    return text


def table(rows):
    by_way = {}
    for r in rows:
        by_way.setdefault(r["way"], []).append(r)
    print("%-12s %7s %15s %7s %11s %7s %9s %7s %9s" % (
        "way", "ms", "from-to", "before", "generators", "loaded", "our unit", "MiB", "requests"))
    for way, rs in by_way.items():
        ms = [r["ms"] for r in rs]

        def m(get):
            return median([get(r) for r in rs if get(r) is not None])

        print("%-12s %7.0f %7.0f-%7.0f %7.0f %5.0f-%5.0f %7.0f %9.0f %7.1f %9.0f" % (
            way, median(ms), min(ms), max(ms), m(lambda r: r["lead_ms"]), m(lambda r: r["generators_ms"][0]),
            m(lambda r: r["generators_ms"][1]), m(lambda r: r["loaded_ms"]), m(lambda r: r["unit_ms"]),
            m(lambda r: r["all_bytes"] / MIB), m(lambda r: r["requests"])))
    names = sorted({n for rs in by_way.values() for r in rs for n in r["units"]})
    print("\n%-40s" % "unit: when it starts, and how long that takes" + "".join("%17s" % w for w in by_way))
    for name in names:
        cells = []
        for rs in by_way.values():
            got = [r["units"][name] for r in rs if name in r["units"]]
            cells.append("%8.0f + %6.0f" % (median([g[0] for g in got]), median([g[1] for g in got]))
                         if got else "")
        if any(float(c.split("+")[1]) >= 20 for c in cells if c):
            print("%-40s" % name + "".join("%17s" % c for c in cells))


def by_block(root):
    """Files by the first block of their first run; FIBMAP is 1 (linux/fs.h)."""
    files = {}
    for text in sys.stdin:
        path = text.rstrip("\n").split(" ", 2)[2]
        files.setdefault(path, []).append(text)

    def place(path):
        with open(root + path, "rb") as f:
            block = struct.pack("i", int(files[path][0].split(" ", 1)[0]))
            return struct.unpack("i", fcntl.ioctl(f, 1, block))[0]

    for path in sorted(files, key=place):
        sys.stdout.writelines(files[path])


def main(argv):
    if argv[1] == "--line":
        line(*argv[2:])
        return
    if argv[1] == "--by-block":
        by_block(argv[2])
        return
    rows = [json.loads(text) for text in sys.stdin]
    if argv[1] == "--closing":
        disks = list(dict.fromkeys(r["disk"] for r in rows))
    else:
        disks = [argv[1]]
        table([r for r in rows if r["disk"] == argv[1]])
    for disk in disks:
        ms, all_ms, all_bytes = {}, {}, {}
        for r in rows:
            if r["disk"] == disk:
                ms.setdefault(r["way"], []).append(r["ms"])
                all_ms.setdefault(r["way"], []).append(r["all_ms"])
                all_bytes.setdefault(r["way"], []).append(r["all_bytes"])
        if "cold" in ms:
            print(closing(disk, ms, all_bytes))
            print(closing(disk, all_ms, all_bytes, "from process 1 on:"))


main(sys.argv)
