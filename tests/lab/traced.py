#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What trace-launch printed of files below ROOT, as a profile for compare.py.

Usage: traced.py ROOT OUT
"""
import json
import os
import re
import sys

PER = os.sysconf("SC_PAGESIZE") // 4096  # of a profile's pages in one that is printed


def main():
    root, out = sys.argv[1:]
    objects, method = [], None
    with open(out, errors="surrogateescape") as f:
        for line in f:
            if line.startswith("# method "):
                method = line.split()[2]
            m = re.fullmatch(r"(/.*?)((?: \d+(?:-\d+)?~?)+)\n", line)
            if not m or not m[1].startswith(root + "/"):
                continue
            runs = [[int(x) for x in r.replace("~", "").split("-")] for r in m[2].split()]
            objects.append({"path": m[1][len(root):],
                            "size": os.lstat(m[1]).st_size,
                            "pages": [[r[0] * PER, (r[-1] - r[0] + 1) * PER, 1, 0] for r in runs]})
    json.dump({"trained": {"method": method}, "objects": objects}, sys.stdout)


main()
