#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hold a trained profile against the page cache of a cold run.

Usage: compare.py NAME ROOT TRUTH PROFILE [--floor=SHARE] [--list]
TRUTH is lab-mincore's output for ROOT. Files are matched by inode: hard links have several
names. Pages are of 4096 bytes; where the processor's are larger, one of them is needed as a whole,
also where read() asked for less. Prints a TAP comment (a row of the table) and exits 1 below the floors, or below --floor of both; --list names
the files in which both differ, with pages.
"""
import json
import os
import sys

PRECISION_FLOOR = 0.99
RECALL_FLOOR = 0.97
MAX_LISTED = 20
NATIVE = os.sysconf("SC_PAGESIZE") // 4096  # of our pages in one of the processor's


def read_truth(path, inode):
    pages = set()
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            first, count, name = line.rstrip("\n").split(" ", 2)
            i = inode(name)
            pages.update((i, p) for p in range(int(first), int(first) + int(count)))
    return pages


def read_profile(path, inode):
    pages, outside = set(), []
    with open(path, encoding="utf-8") as f:
        profile = json.load(f)
    for obj in profile["objects"]:
        i = inode(obj["path"])
        if i is None:
            outside.append(obj["path"])
            i = obj["path"]
        end = -(-obj["size"] // 4096) if "size" in obj else sys.maxsize
        for first, count, *_ in obj["pages"]:
            whole = range(first // NATIVE * NATIVE, -(-(first + count) // NATIVE) * NATIVE)
            pages.update((i, p) for p in whole if p < end)
    return pages, outside, profile


def runs(pages):
    out = []
    for p in sorted(pages):
        if out and out[-1][1] == p:
            out[-1][1] = p + 1
        else:
            out.append([p, p + 1])
    return " ".join(f"{a}" if b == a + 1 else f"{a}-{b - 1}" for a, b in out)


def list_differences(truth, trained, names):
    for title, pages in ("missed", truth - trained), ("excess", trained - truth):
        by_file = {}
        for i, p in pages:
            by_file.setdefault(i, []).append(p)
        for i, ps in sorted(by_file.items(), key=lambda x: -len(x[1]))[:MAX_LISTED]:
            print(f"#   {title} {len(ps):5} {names.get(i, i)}: {runs(ps)[:200]}")


def main():
    name, root, truth_path, profile_path, *options = sys.argv[1:]
    names = {}

    def inode(path):
        try:
            st = os.lstat(root + path)
        except OSError:
            return None
        names.setdefault(st.st_ino, path)
        return st.st_ino

    truth = read_truth(truth_path, inode)
    trained, outside, profile = read_profile(profile_path, inode)
    both = len(truth & trained)
    precision = both / len(trained) if trained else 0.0
    recall = both / len(truth) if truth else 0.0
    method = profile["trained"]["method"]
    print(f"# table: {name:<9} {len(truth):6} {len(trained):6} {precision:10.4f} {recall:7.4f}"
          f"  {method}")
    for path in outside:
        print(f"# note: {name}: '{path}' is in the profile but not on the disk")
    if "--list" in options:
        list_differences(truth, trained, names)
    floors = [float(o[8:]) for o in options if o.startswith("--floor=")]
    good = precision >= (floors or [PRECISION_FLOOR])[0] and recall >= (floors or [RECALL_FLOOR])[0]
    sys.exit(0 if good else 1)


main()
