#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a profile is worth for a command line that it was not trained with: not part of make check.
#   tests/bench-leave-one-out.sh [FILE]     RUNS=3: how often each command line is run
# Each line of FILE is a command line, words as a shell takes them; those that begin with the same word are of one
# program. It is run in an empty directory with some documents (see below), which leave no trace: files below /var/tmp
# are not recorded. Of each program that has at least three and is installed, profiles of all but one are merged and
# held against the profile of that one, in turn: recall, the share of its pages that they have, and precision, the share
# of theirs that it needed. "all" takes each page that was needed once, as networks and hard disks are served; "half" those
# of half of the runs at least, as flash is where no neighbour is read anyway. Minutes.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
PATH=/usr/bin:/bin:/usr/sbin:/sbin # not the shims of version managers
dir=$(mktemp -d /var/tmp/elfcast-leave-one-out-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

defaults() {
	cat <<'END'
git status
git log -5
git diff HEAD~1
git blame hello.c
git grep -n main
python3 -c 'import json'
python3 -c 'import http.server'
python3 -c 'import asyncio, ssl'
python3 -c 'import sqlite3, csv'
python3 -m json.tool doc.json
perl -e 'use POSIX'
perl -MData::Dumper -e 'print Dumper [1]'
perl -MFile::Find -e 'find(sub {}, ".")'
perl -MJSON::PP -e 'decode_json("[1]")'
perl -ne 'print if /main/' hello.c
gcc -c hello.c
gcc -O2 -g -c hello.c
gcc -E hello.c
gcc -o hello hello.c
node -e 'require("http")'
node -e 'require("fs").readdirSync(".")'
node -p 'require("crypto").createHash("sha256").update("a").digest("hex")'
node --check doc.js
gdb --batch
gdb --batch -ex 'info line main' ./program
gdb --batch -ex 'disassemble main' ./program
gdb --batch -ex 'python print(1)'
vim -es -c q
vim -es -c 'silent! syntax on' -c q hello.c
vim -es -c '%s/main/niam/' -c 'w! out.c' -c q hello.c
vim -es -c 'silent! help' -c qa
sqlite3 :memory: 'select 1'
sqlite3 doc.db 'create table if not exists t(a); insert into t values(1)'
sqlite3 doc.db .schema
sqlite3 :memory: "select json_extract('[1]', '$[0]')"
tar -cf out.tar hello.c
tar -czf out.tar.gz hello.c
tar -tf doc.tar
tar -xf doc.tar
openssl version
openssl dgst -sha256 hello.c
openssl rand -hex 8
openssl genpkey -algorithm ed25519
java -version
java --list-modules
java -XshowSettings:vm -version
java Doc.java
apt-cache policy
apt-cache policy bash
apt-cache show bash
apt-cache pkgnames lib
END
}
documents() {
	export HOME=$dir
	mkdir "$dir/work" && cd "$dir/work" || exit 1
	printf '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n' >hello.c
	echo '{"a": [1, 2]}' >doc.json
	echo 'console.log(1)' >doc.js
	echo 'class Doc { public static void main(String[] a) { System.out.println("hello"); } }' >Doc.java
	tar -cf doc.tar hello.c doc.json
	gcc -g -o program hello.c 2>/dev/null
	git init -q . && git config user.email a@example.org && git config user.name a && git add . &&
		git commit -qm one && echo '/* two */' >>hello.c && git commit -qam two
}
if [ $# -gt 0 ]; then cat "$1"; else defaults; fi >"$dir/list" || exit 1
documents 2>/dev/null
/usr/bin/python3 - "$BUILD/elfcast" "$dir" "${RUNS:-3}" <<'END'
import json, os, shlex, shutil, statistics, subprocess, sys
elfcast, directory, runs = sys.argv[1:]

def call(*words):
    return subprocess.run([elfcast, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)

def train(words, out):
    r = call("train", "-n", runs, "--as-root", "--scenario=default", "--portable=no", "-o", out, "--", *words)
    if r.returncode:
        print("#", shlex.join(words), "failed:", (r.stderr.strip() or "?").splitlines()[-1])
    return r.returncode == 0

def halve(path, out):
    with open(path) as f:
        p = json.load(f)
    n = p["trained"]["runs"]
    for o in p["objects"]:
        o["pages"] = [r for r in o["pages"] if 2 * r[2] >= n]
    with open(out, "w") as f:
        json.dump(p, f)

def score(trained, other):
    pages = json.loads(call("diff", "--json", trained, other).stdout)["pages"]
    both = pages["both"]
    return 100 * both / max(both + pages["only_b"], 1), 100 * both / max(both + pages["only_a"], 1)

def cells(values):
    return "%6.1f %5.1f-%5.1f" % (statistics.median(values), min(values), max(values))

commands = {}
with open(directory + "/list") as f:
    for words in filter(None, (shlex.split(line, comments=True) for line in f)):
        if shutil.which(words[0]):
            commands.setdefault(words[0], []).append(words)
print("%-10s %2s  %-19s %-19s %-19s %-19s" % ("program", "n", "recall (all)", "precision (all)", "recall (half)",
                                                "precision (half)"))
medians = []
for name, lines in commands.items():
    profiles = ["%s/%s.%d.json" % (directory, os.path.basename(name), i) for i in range(len(lines))]
    profiles = [p for p, words in zip(profiles, lines) if train(words, p)]
    if len(profiles) < 3:
        continue
    rows = []
    for one in profiles:
        merged, half = directory + "/merged.json", directory + "/half.json"
        if call("merge", "-o", merged, *(p for p in profiles if p != one)).returncode:
            sys.exit("elfcast merge failed")
        halve(merged, half)
        rows.append(score(merged, one) + score(half, one))
    columns = list(zip(*rows))
    medians.append([statistics.median(c) for c in columns])
    print("%-10s %2d " % (name, len(rows)), *("%-19s" % cells(c) for c in columns), flush=True)
if medians:
    print("%-10s %2d " % ("median", len(medians)), *("%-19s" % ("%6.1f" % statistics.median(c)) for c in zip(*medians)))
END
