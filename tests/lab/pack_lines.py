#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Input for mkpack: what several launches need, merged in their order.

Usage: pack_lines.py ROOT STORAGE [-x NEEDED]... NEEDED...
NEEDED are lab-mincore's outputs, best launch first. Holes are filled as compile does. STORAGE is the number of the class; for 0 (rotational) the extents lie in the
order of the disk. Pages of -x are left out. Pages needed, without what fills holes, go to
stderr in lab-mincore's format.
"""
import os
import sys

import pages

GAPS = {"0": 32, "1": 10, "2": 9, "3": 16}  # select_gap_pages()


def runs(needed):
    out = []
    for p in sorted(needed):
        if out and p == out[-1][1]:
            out[-1][1] = p + 1
        else:
            out.append([p, p + 1])
    return out


def filled(needed, size_pages, gap):
    out = []
    for first, end in runs(needed):
        if out and first - out[-1][1] <= gap:
            out[-1][1] = end
        else:
            out.append([first, min(end, size_pages)])
    return out


def position(root, name, first):
    fd = os.open(root + name, os.O_RDONLY)
    try:
        for logical, physical, length in pages.fiemap(fd, os.fstat(fd).st_size):
            if logical <= first * 4096 < logical + length:
                return physical + first * 4096 - logical
    finally:
        os.close(fd)
    return 0


def main():
    root, storage, *files = sys.argv[1:]
    without, wanted, skip = {}, {}, False
    for launch, path in enumerate(files):
        if path == "-x":
            skip = True
            continue
        for inode, (name, needed) in pages.read_pages(root, path).items():
            if skip:
                without.setdefault(inode, set()).update(needed)
                continue
            entry = wanted.setdefault(inode, (name, launch, set()))
            entry[2].update(needed)
        skip = False
    lines = []
    for inode, (name, launch, needed) in wanted.items():
        if not os.path.isfile(root + name) or os.path.islink(root + name):
            continue
        needed -= without.get(inode, set())
        for first, end in runs(needed):
            print(first, end - first, name, file=sys.stderr)
        for first, end in filled(needed, -(-os.stat(root + name).st_size // 4096), GAPS[storage]):
            lines.append((name, first, end - first, launch))
    if storage == "0":
        lines.sort(key=lambda l: position(root, l[0], l[1]))
    for name, first, count, launch in lines:
        print(name, first, count, launch, storage)


main()
