# SPDX-License-Identifier: LGPL-2.1-or-later
"""
What is known of each build that profiles of a collection name, once for all of them: a file of
evidence for each release, elfcast-profile(5). A library that a hundred programs load has one fingerprint here.
"""
import json
import subprocess

from . import profile

PROGRAM = "/usr/share/elfcast/evidence.d"
# elfcast takes no longer file.
MAX_BYTES = 7500000
# A file that is lost makes a profile stale, however few its pages are: it counts as so many of them.
FILE_WORTH = 64
# Merged apart, so that no result is too long.
GROUPS = 16


def _object(build_id, size, **more):
    """Paths say nothing here; they are what objects are sorted by."""
    return {"path": f"/{build_id[:16]}", "build_id": build_id, "size": size, "pages": [], **more}


def _evidence(arch, objects):
    return {"elfcast": 1, "program": PROGRAM, "scenario": "default", "arch": arch,
            "trained": {"runs": 1, "window_ms": 1, "method": "merged", "kernel": "-"},
            "objects": objects}


def builds(profiles):
    """{build-id: (size, worth)}: how many pages, of all profiles, are found again by it."""
    found = {}
    for p in profiles:
        for o in p["objects"]:
            if "build_id" in o and "retargeted_from" not in o:
                worth = found[o["build_id"]][1] if o["build_id"] in found else 0
                found[o["build_id"]] = (o["size"], worth + FILE_WORTH + sum(n for _, n, *_ in o["pages"]))
    return found


def _prints(o):
    """What ran is of its fingerprint, and stays with it."""
    return {k: o[k] for k in ("fingerprint", "ran") if k in o}


def merge(profiles, command):
    """{build-id: {"fingerprint", "ran"}} of all pages that any of PROFILES needs of it, as elfcast merges them."""
    groups = [[] for _ in range(GROUPS)]
    for p in profiles:
        for o in p["objects"]:
            if "fingerprint" in o:
                groups[int(o["build_id"][:2], 16) % GROUPS].append(
                    _evidence(p["arch"], [_object(o["build_id"], o["size"], **_prints(o))]))
    found = {}
    for group in groups:
        lines = "".join(json.dumps(p) + "\n" for p in group)
        done = subprocess.run([command, "merge", "-q", "--lines"], input=lines.encode(), capture_output=True,
                              check=True)
        for line in done.stdout.splitlines():
            found.update((o["build_id"], _prints(o)) for o in json.loads(line)["objects"])
    return found


def _bytes(value):
    return len(json.dumps(value, separators=(",", ":"))) + 2


def files(releases, fingerprints, room):
    """
    {name: bytes}, one for each release, at most ROOM in all: all builds, by which a release is told, and
    fingerprints as far as there is room, first those by which a byte finds most pages. RELEASES: {name:
    profiles}; FINGERPRINTS: {name: {build-id: {"fingerprint", "ran"}}}.
    """
    known = {name: builds(profiles) for name, profiles in releases.items()}
    chosen = {name: {i: _object(i, size) for i, (size, _) in found.items()} for name, found in known.items()}
    left = {name: MAX_BYTES - sum(map(_bytes, found.values())) for name, found in chosen.items()}
    room -= sum(MAX_BYTES - n for n in left.values())
    wanted = sorted((-worth / _bytes(fingerprints[name][i]), name, i) for name, found in known.items()
                    for i, (_, worth) in found.items() if i in fingerprints[name])
    for _, name, i in wanted:
        n = _bytes(fingerprints[name][i])
        if n <= min(room, left[name]):
            room -= n
            left[name] -= n
            chosen[name][i].update(fingerprints[name][i])
    return {f"elfcast.{name}.json": profile.dense(_evidence(releases[name][0]["arch"], list(found.values())))
            for name, found in chosen.items() if found}
