#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine before an upgrade: copies of all objects of PROFILE, from below ROOT, with
other build-ids and sizes, below OLD, and the profile that fits them.

Usage: stale.py PROFILE ROOT OLD
What is compiled below OLD is then stale for ROOT, in every object.
"""
import json
import os
import sys


def other_id(build_id):
    return "".join(f"{15 - int(c, 16):x}" for c in build_id)


def age(obj, data):
    """DATA of another build; OBJ is made to fit it."""
    if obj.get("build_id"):
        was = bytes.fromhex(obj["build_id"])
        obj["build_id"] = other_id(obj["build_id"])
        if was not in data:
            sys.exit(f"stale.py: no build-id in '{obj['path']}'")
        return data.replace(was, bytes.fromhex(obj["build_id"]))
    obj["size"] += 1
    obj.pop("digest", None)
    return data + b"\n"


def main():
    profile_path, root, old = sys.argv[1:]
    with open(profile_path, encoding="utf-8") as f:
        profile = json.load(f)
    for obj in profile["objects"]:
        with open(root + obj["path"], "rb") as f:
            data = f.read()
        data = age(obj, data)
        os.makedirs(os.path.dirname(old + obj["path"]), exist_ok=True)
        with open(old + obj["path"], "wb") as f:
            f.write(data)
    profiles = old + "/usr/share/elfcast/profiles.d"
    os.makedirs(profiles, exist_ok=True)
    with open(f"{profiles}/{os.path.basename(profile_path)}", "w", encoding="utf-8") as f:
        json.dump(profile, f)


main()
