#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of what each program needs, of what a pack has, was there when it was launched.

Usage: there.py PACK REPORT STATUS PREFIX FIRST EVERY NAME:PROGRAM...
STATUS is that of status --pack --json, PREFIXNAME are lab-mincore's outputs. The first program is launched
FIRST ms after the start of elfcast-prefetch, each one EVERY ms after the one before. Prints per cents, their
mean weighed by what a cold launch waits for, and the milliseconds until all of the pack was there. A gentle reader waits for what it asks for, so
what its timeline says was asked for is there but for the last few requests.
"""
import json
import struct
import sys


def read_pack(path):
    """[(file, first page, pages)] in reading order"""
    data = open(path, "rb").read()
    n_launches, n_objects, n_extents = struct.unpack_from("<III", data, 32)
    objects = 64 + 32 * n_launches
    extents = objects + 84 * n_objects
    strings = extents + 20 * n_extents

    def name(i):
        start = strings + struct.unpack_from("<I", data, objects + 84 * i)[0]
        return data[start:data.index(b"\0", start)].decode()

    names = [name(i) for i in range(n_objects)]
    for i in range(n_extents):
        o, first, n = struct.unpack_from("<III", data, extents + 20 * i)
        yield names[o], first, n


def needed(path):
    out = set()
    for line in open(path):
        first, n, name = line.rstrip("\n").split(" ", 2)
        out.update((name, int(first) + i) for i in range(int(n)))
    return out


def main():
    pack, report, status, prefix, first_ms, every_ms, *pairs = sys.argv[1:]
    programs = dict(pair.split(":") for pair in pairs)
    timeline = json.load(open(report))["timeline"]["data"]
    saving = {l["program"]: l["saving_ms"] for l in json.load(open(status))["launches"]}
    asked, wanted = 0, {p: needed(prefix + p) for p in programs}
    launched = {p: int(first_ms) + i * int(every_ms) for i, p in enumerate(programs)}
    there, all_of_it = dict.fromkeys(programs, 0), dict.fromkeys(programs, 0)
    by = {p: max((a for us, a, _ in timeline if us <= 1000 * t), default=0) for p, t in launched.items()}
    for name, first, n in read_pack(pack):
        for page in range(first, first + n):
            asked += 1
            for p in programs:
                if (name, page) in wanted[p]:
                    all_of_it[p] += 1
                    there[p] += asked <= by[p]
    share = {p: 100 * there[p] / all_of_it[p] for p in programs}
    mean = sum(share[p] * saving[path] for p, path in programs.items()) / sum(
        saving[path] for path in programs.values())
    print(*("%.1f" % s for s in share.values()), "%.1f" % mean, "%.1f" % (timeline[-1][0] / 1000))


main()
