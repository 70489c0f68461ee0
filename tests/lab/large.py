#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recorded boot that says TIMES as much as is needed: whole files instead of their pages, and
files of ROOT that no boot needs, used throughout the boot.

Usage: large.py PROFILE ROOT TIMES >LARGER
"""
import json
import os
import random
import sys

PAGE = 4096


def pages(path):
    return (os.lstat(path).st_size + PAGE - 1) // PAGE


def others(root, known):
    for directory, _, names in os.walk(root + "/usr"):
        for name in sorted(names):
            full = os.path.join(directory, name)
            path = full[len(root):]
            if path not in known and os.path.isfile(full) and not os.path.islink(full) and pages(full) > 0:
                yield path, full


def main():
    profile_path, root, times = sys.argv[1:]
    rng = random.Random(1)
    with open(profile_path, encoding="utf-8") as f:
        profile = json.load(f)
    objects = profile["objects"]
    wanted = int(times) * sum(run[1] for o in objects for run in o["pages"])
    evidence = [run[2:] for o in objects for run in o["pages"]]
    n = 0
    for o in objects:
        o["pages"] = [[0, pages(root + o["path"])] + o["pages"][0][2:]]
        n += o["pages"][0][1]
    known = {o["path"] for o in objects}
    found = list(others(root, known))
    rng.shuffle(found)
    for path, full in found:
        if n >= wanted:
            break
        with open(full, "rb") as f:
            if f.read(4) == b"\x7fELF":
                continue
        objects.append({"path": path, "size": os.path.getsize(full),
                        "pages": [[0, pages(full)] + rng.choice(evidence)]})
        n += pages(full)
    objects.sort(key=lambda o: o["path"])
    json.dump(profile, sys.stdout)


main()
