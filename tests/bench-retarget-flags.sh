#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "elfcast retarget" finds in builds with other flags, or of another compiler: not part of make check.
#   tests/bench-retarget-flags.sh [DIR]
# elfcast itself is built in each of the ways below, below DIR (default /opt/elfcast-flags; not in /tmp or
# /var/tmp, whose files training leaves out), and three launches of it are trained in each. What was trained in
# the first is carried to the others, and compared page by page with what was trained there. As root.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
dir=${1:-/opt/elfcast-flags}
[ "$(id -u)" = 0 ] && mkdir "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
build() { # NAME FLAGS [COMPILER [LDFLAGS]]
	make -s -C "$TOP" BUILD="$dir/$1" CC="${3:-gcc}" CFLAGS="-g0 $2" LDFLAGS="${4:-}" "$dir/$1/elfcast" >"$dir/log" 2>&1 &&
		mkdir "$dir/of-$1" && strip -o "$dir/of-$1/elfcast" "$dir/$1/elfcast" && rm -r "${dir:?}/$1" && return
	echo "$1 cannot be built: $(tail -n 1 "$dir/log")" >&2
}
build O2 -O2
build O3 -O3
build Os -Os
build frame-pointers "-O2 -fno-omit-frame-pointer"
build lto "-O2 -flto" gcc -flto
build clang -O2 clang
python3 - "$TOP" "$BUILD/elfcast" "$dir" <<'EOF'
import glob, json, os, subprocess, sys
top, elfcast, directory = sys.argv[1:]
profile = top + "/profiles/collection/elfcast.git.json"
launches = [["show", profile], ["status"], ["merge", "-o", "/dev/null", profile, profile]]
first = "O2"
names = sorted(os.path.basename(d)[3:] for d in glob.glob(directory + "/of-*"))

def train(name, words):
    program, out = "%s/of-%s/elfcast" % (directory, name), directory + "/profile.json"
    subprocess.run([elfcast, "train", "-q", "-n", "3", "--as-root", "--allow-failed", "-o", out, "--", program] + words,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(out) as f:
        p = json.load(f)
    return dict(p, program="/usr/bin/elfcast",
                objects=[dict(o, path="/usr/bin/elfcast") for o in p["objects"] if o["path"] == program])

def pages(p):
    return {i for o in p["objects"] for r in o["pages"] for i in range(r[0], r[0] + r[1])}

def carry(p, name):
    with open(directory + "/old.json", "w") as f:
        json.dump({k: v for k, v in p.items() if k != "lookups"}, f)
    r = subprocess.run([elfcast, "retarget", "-q", "-o", directory + "/new.json",
                        "--to=%s/of-%s/elfcast" % (directory, name), directory + "/old.json"])
    if r.returncode:
        return None
    with open(directory + "/new.json") as f:
        return json.load(f)

def ratio(hits, needed, taken):
    return "%5.1f/%5.1f" % (100 * hits / max(needed, 1), 100 * hits / max(taken, 1))

trained = {name: [train(name, words) for words in launches] for name in names}
print("%s to    stale        retargeted   confidence, needed pages (recall/precision in percent)" % first)
for name in names:
    if name == first:
        continue
    n = {"needed": 0, "stale": 0, "stale hits": 0, "taken": 0, "hits": 0}
    sure = []
    for old, new in zip(trained[first], trained[name]):
        carried, wanted, stale = carry(old, name), pages(new), pages(old)
        taken = pages(carried) if carried else set()
        sure.append(carried["objects"][0].get("confidence", 100) if carried else "another program")
        for key, value in (("needed", wanted), ("stale", stale), ("stale hits", stale & wanted),
                           ("taken", taken), ("hits", taken & wanted)):
            n[key] += len(value)
    print("%-14s %s  %s  %s, %d" % (name, ratio(n["stale hits"], n["needed"], n["stale"]),
                                   ratio(n["hits"], n["needed"], n["taken"]), sure, n["needed"]))
EOF
