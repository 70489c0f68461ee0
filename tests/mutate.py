#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which single-line changes of src/ do the tests catch?

Usage: tests/mutate.py [-n NUMBER] [--seed SEED] [--only PART-OF-A-PATH] [--out FILE.md]
                       [--sanitize] [FILE:LINE:OPERATOR...]

Takes a sample of lines on which a check can be removed, a comparison or a condition turned, a
number moved by one; changes one at a time in a copy of HEAD, builds, and runs the tests from the
fast ones to the slow ones until one is red. What does not compile, or compiles to the same code, is
no change. Prints a table of Markdown. --sanitize is for those that nothing caught: in a build with
sanitizers, what reads past an end is seen, too. Not part of `make check`: it takes about a minute a
change. As root, so that the system's tests run.
"""
import argparse
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

# Operators: (name, pattern, replacement). Of a line's matches the first one is changed.
OPERATORS = [
    ("no-check", re.compile(r"^(\t+)if \((.+)\)$"), r"\1if (0 && (\2))"),
    ("no-check", re.compile(r"^(\t+)return (.+) && (.+);$"), r"\1return \2;"),
    ("less", re.compile(r" < (?!<)"), " <= "),
    ("less-equal", re.compile(r" <= "), " < "),
    ("greater", re.compile(r" > (?!>)"), " >= "),
    ("greater-equal", re.compile(r" >= "), " > "),
    ("equal", re.compile(r" == "), " != "),
    ("unequal", re.compile(r" != "), " == "),
    ("and", re.compile(r" && "), " || "),
    ("or", re.compile(r" \|\| "), " && "),
    ("plus-one", re.compile(r" \+ 1\b"), " + 0"),
    ("minus-one", re.compile(r" - 1\b"), " - 0"),
    ("not", re.compile(r"\(!"), "("),
    ("constant", re.compile(r"^(#define \w+\s+)(\d+)(u?)$"), r"\1(\2 + 1)\3"),
]

# The system's tests that a folder's code is for, after unit, fuzz and cli tests.
SYSTEM = {
    "trace": ["system/trace.sh", "system/train"],
    "read": ["system/prefetch.sh", "system/boot-prefetch"],
    "disk": ["system/prefetch.sh", "system/places"],
    "boot": ["system/boot-prefetch"],
    "daemon": ["system/watcher"],
    "pkg": ["system/against", "system/status-packages"],
    "installed": ["system/status-packages"],
    "tools": ["system/against", "system/status-packages"],
    "bench": ["system/bench"],
    "cmd": ["system/bench", "system/prefetch.sh", "system/train", "system/status-packages"],
    "base": ["system/hook", "system/prefetch.sh", "system/trace.sh"],
}
MAKE, BUILD = [], ["build"]
DEFAULT = ["system/hook", "system/faults", "system/prefetch.sh"]


def candidates(top, only):
    for directory, _, names in sorted(os.walk(os.path.join(top, "src"))):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(directory, name), top)
            if not path.endswith((".c", ".h")) or (only and only not in path):
                continue
            with open(os.path.join(top, path), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    line = line.rstrip("\n")
                    if line.lstrip().startswith(("*", "/*", "//")) or "log_" in line:
                        continue
                    for op, (kind, pattern, _) in enumerate(OPERATORS):
                        if pattern.search(line.split("/*")[0]):
                            yield path, number, op, kind


def change(top, path, number, op):
    full = os.path.join(top, path)
    with open(full, encoding="utf-8") as f:
        lines = f.read().split("\n")
    old = lines[number - 1]
    _, pattern, replacement = OPERATORS[op]
    lines[number - 1] = pattern.sub(replacement, old, count=1)
    with open(full, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    return old.strip(), lines[number - 1].strip()


def run(top, *command, timeout=1800):
    return subprocess.run(command, cwd=top, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout)


def build(top):
    # Not DEVELOPER=1: a variable that is not used any more is a change all the same.
    return run(top, "make", "-j%d" % os.cpu_count(), *MAKE, "BUILD=" + BUILD[0], "test-programs").returncode == 0


def code(top):
    """What the programs do: a sum of their code and data without debug information."""
    sums = []
    for program in sorted(os.listdir(os.path.join(top, BUILD[0]))):
        full = os.path.join(top, BUILD[0], program)
        if not os.path.isfile(full) or not os.access(full, os.X_OK):
            continue
        subprocess.run(["objcopy", "-S", "--remove-section=.note.gnu.build-id", full,
                        full + ".bare"], check=True)
        with open(full + ".bare", "rb") as f:
            sums.append(hashlib.sha256(f.read()).hexdigest())
        os.unlink(full + ".bare")
    return sums


def first_red(top, path):
    """The name of the first test that fails, or None."""
    folder = path.split("/")[1]
    for patterns in (["unit/", "fuzz/"], ["cli/"], SYSTEM.get(folder, DEFAULT)):
        r = run(top, "tests/run", "-j", str(os.cpu_count()), "--build", "build", *patterns)
        if r.returncode != 0:
            failed = re.search(r"^failed: (.*)$", r.stdout, re.M)
            return failed.group(1)[:100] if failed else patterns[0]
    return None


def parse_chosen(text, found):
    path, number, kind = text.rsplit(":", 2)
    for c in found:
        if c[0] == path and c[1] == int(number) and c[3] == kind:
            return c
    sys.exit("mutate.py: '%s' names no change" % text)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=60)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", default="")
    p.add_argument("--out")
    p.add_argument("chosen", nargs="*")
    p.add_argument("--sanitize", action="store_true")
    args = p.parse_args()
    if args.sanitize:
        MAKE.append("SANITIZE=address,undefined")
        BUILD[0] = "build-asan"
    source = subprocess.run(["git", "rev-parse", "--show-toplevel"], check=True,
                            capture_output=True, text=True).stdout.strip()
    top = tempfile.mkdtemp(prefix="elfcast-mutate-")
    out = open(args.out, "w", encoding="utf-8") if args.out else sys.stdout
    try:
        subprocess.run(["git", "clone", "-q", source, top], check=True)
        found = list(candidates(top, args.only))
        if not build(top):
            sys.exit("mutate.py: HEAD does not build")
        before = code(top)
        sample = [parse_chosen(c, found) for c in args.chosen]
        if not sample:
            sample = random.Random(args.seed).sample(found, min(len(found), 3 * args.n))
        mutate_all(top, sample, len(args.chosen) or args.n, before, out)
    finally:
        shutil.rmtree(top)


def mutate_all(top, sample, wanted, before, out):
    n = caught = 0
    print("| Change | From | To | Caught by |\n|---|---|---|---|", file=out, flush=True)
    for path, number, op, kind in sample:
        if n == wanted:
            break
        old, new = change(top, path, number, op)
        if build(top) and code(top) != before:
            red = first_red(top, path)
            n += 1
            caught += red is not None
            print("| %s:%d %s | `%s` | `%s` | %s |" % (
                path, number, kind, old.replace("|", "\\|"), new.replace("|", "\\|"),
                red or "**none**"), file=out, flush=True)
        run(top, "git", "checkout", "-q", "src")
    print("\n%d of %d caught" % (caught, n), file=out)


if __name__ == "__main__":
    main()
