#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands of services, for a shell.

Usage: execs.py ROOT <SHOWN	what `systemctl show '*.service' -p Id -p FragmentPath` said;
	with -p ExecMainStartTimestampMonotonic, by which those that were started are known

Of each unit file the ExecStart= lines, as a shell can run them: systemd's quotes are nearly its
own. Without systemd's prefixes and the other name of "@"; the instance for %i and %I.
"""
import os
import re
import sys


def instance(unit):
    name = unit.rsplit(".", 1)[0]
    return name.split("@", 1)[1] if "@" in name else ""


def commands(text, unit):
    for line in re.sub(r"\\\n", " ", text).splitlines():
        m = re.match(r"ExecStart=([-@:+!]*)(\S+)(.*)", line)
        if not m:
            continue
        words = m[3].lstrip().split(" ", 1)[1:] if "@" in m[1] else [m[3]]
        command = m[2] + " " + "".join(words).strip()
        yield re.sub("%[iI]", instance(unit), command).replace("%%", "%")


def main(root):
    for block in sys.stdin.read().split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        path = shown.get("FragmentPath")
        if shown.get("ExecMainStartTimestampMonotonic", "0") == "0":
            continue
        # Not what a generator made of something else, and not ours.
        if not path or "elfcast" in path or not os.path.isfile(root + path):
            continue
        with open(root + path, encoding="utf-8") as f:
            for command in commands(f.read(), shown["Id"]):
                print(command)


main(sys.argv[1])
