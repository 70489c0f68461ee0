#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pack-root.py ROOT PROGRAMS: a root with that many profiles, for measuring the pack.

Six files a program (sparse, so that they cost nothing): five of its own with about 90 pages
each, and for every program one library more, of which each uses 40, parts of 150 pages. So
500 programs name 3,000 files and need some 300,000 different pages.
"""
import json
import os
import random
import sys

root, n = sys.argv[1], int(sys.argv[2])
random.seed(n)
SIZE = 8 << 20  # 2048 pages


def make(path):
    with open(root + path, "wb") as f:
        f.truncate(SIZE)


def places(n_runs, n_pages, low, high):
    """About N_PAGES pages in N_RUNS runs in pages LOW to HIGH."""
    starts = sorted(random.sample(range(low, high, 20), n_runs))
    return [[s, max(1, min(19, int(random.expovariate(n_runs / n_pages)))), 5,
             random.randrange(40)] for s in starts]


os.makedirs(root + "/usr/share/elfcast/profiles.d")
os.makedirs(root + "/usr/lib/own")
libraries = ["/usr/lib/lib%05d.so" % i for i in range(n)]
# What all users of a library need, and what only some do.
common = {}
for path in libraries:
    make(path)
    common[path] = places(8, 80, 0, 400)
pages = 0
for i in range(n):
    objects = []
    for k in range(5):
        path = "/usr/lib/own/p%05d-%d" % (i, k)
        make(path)
        objects.append([path, places(12, 90, 0, 2000)])
    # The first libraries are the libc and its like: needed by most.
    used = set(random.sample(libraries[:max(30, n // 20)], 25)) | set(
        random.sample(libraries, min(15, n)))
    for path in used:
        objects.append([path, common[path] + places(4, 24, 420, 1500)])
    objects.sort()
    profile = {
        "elfcast": 1, "program": "/usr/bin/p%05d" % i, "arch": "x86_64",
        "trained": {"runs": 5, "window_ms": 4000, "method": "uffd", "kernel": "6"},
        "objects": [{"path": p, "size": SIZE, "pages": r} for p, r in objects]}
    with open("%s/usr/share/elfcast/profiles.d/v.p%05d.json" % (root, i), "w") as f:
        json.dump(profile, f)
