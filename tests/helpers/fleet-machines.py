#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
What MACHINES machines have recorded of the programs of some profiles, a file each in DIRECTORY.

  fleet-machines.py DIRECTORY MACHINES RUNS PROFILE...

Each machine has RUNS runs of each program, and its own idea of which pages they needed: it lacks some
runs of pages, and saw others in a few of its runs only.
"""
import json
import pathlib
import random
import sys

directory, machines, runs, *profiles = sys.argv[1:]
directory, machines, runs = pathlib.Path(directory), int(machines), int(runs)
programs = [json.loads(pathlib.Path(p).read_text()) for p in profiles]
for p in programs:
    for key in list(p):  # of builds, what a recording has
        if key not in ("elfcast", "program", "scenario", "arch", "trained", "objects"):
            del p[key]
    for o in p["objects"]:
        for key in ("fingerprint", "fingerprint2", "lookups"):
            o.pop(key, None)

for machine in range(machines):
    rng = random.Random(machine)
    with open(directory / f"{machine:05}.lines", "w", encoding="utf-8") as f:
        for p in programs:
            mine = dict(p, trained=dict(p["trained"], runs=runs), objects=[])
            for o in p["objects"]:
                pages = [[page[0], page[1], runs if rng.random() < 0.9 else rng.randint(1, runs), *page[3:]]
                         for page in o["pages"] if rng.random() < 0.95]
                if pages:
                    mine["objects"].append(dict(o, pages=pages))
            f.write(json.dumps(mine) + "\n")
