#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How fast programs start with a profile that was carried over from another build: not part of make check.
#   tests/bench-retargeted-launches.sh OLD NEW
# OLD and NEW as with bench-retarget.sh, which trains both first. Then NEW's launches are measured on
# the lab's modelled disks (STORAGE), ROUNDS (5) in turn: cold; read ahead from the moment of the
# launch on by the profile that was trained in NEW (fresh), by the one that was carried from OLD to NEW
# (retargeted), and by the one of OLD without its fingerprints (stale: what is of another build is not
# read). Medians in ms, and the time over fresh in percent. PROGRAMS of bench-retarget's: those below.
# As root.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
[ $# = 2 ] || lab_die "usage: ${0##*/} OLD NEW"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
ROUNDS=${ROUNDS:-5}
declare -A COMMANDS=(
	[git]="/usr/bin/git -C /srv/work status"
	[python]="/usr/bin/python3 -c 'import json, ssl, sqlite3, subprocess, argparse, email'"
	[perl]="/usr/bin/perl -MPOSIX -e 'print 1'"
	[vim]="/usr/bin/vim -es -c q"
	[gdb]="/usr/bin/gdb -batch -ex 'print 1'"
	[gcc]="/usr/bin/gcc -c -o /dev/null /srv/work/a.c"
	[node]="/usr/bin/node -e 1"
	[ruby]="/usr/bin/ruby -e 1"
	[curl]="/usr/bin/curl -V"
	[openssl]="/usr/bin/openssl version"
	[ssh]="/usr/bin/ssh -G localhost"
)
PROGRAMS=${PROGRAMS:-git python perl vim gdb gcc}

lab_build || lab_die "cannot be built"
lab_has_fuse || lab_die "there is no modelled disk without libfuse3"
lab_begin
mkdir "$LAB/profiles" "$LAB/profiles/stale"
# shellcheck disable=SC2086 # a list
WORK=$LAB/profiles "$TOP/tests/bench-retarget.sh" "$1" "$2" $PROGRAMS >"$LAB/retarget.log" ||
	lab_die "cannot be trained: $(cat "$LAB/retarget.log")"
grep -E '^(  |stale|retargeted|not )' "$LAB/retarget.log"
/usr/bin/python3 - "$LAB/profiles" <<'EOF'
import glob, json, os, sys
for path in glob.glob(sys.argv[1] + "/old/*.json"):
    with open(path) as f:
        profile = json.load(f)
    for o in profile["objects"]:
        o.pop("fingerprint", None)
    with open(path.replace("/old/", "/stale/"), "w") as f:
        json.dump(profile, f)
EOF
mv "$LAB/profiles/new" "$LAB/profiles/fresh"

new=$2
[ -d "$new" ] || new=${ROOTS:-/var/lib/elfcast-retarget-roots}/$(tr -c 'a-z0-9.+\n' _ <<<"$2" | cut -c 1-60)
tar -C "$new" --one-file-system --exclude=./var/cache --exclude=./var/lib/apt --exclude=./usr/share/doc \
	--exclude=./usr/share/locale -cf - . | tar -C "$LAB/root" -xf - || lab_die "cannot copy '$new'"
mkdir -p "$LAB/root"/{work,proc,run,tmp,var/lib/elfcast,usr/share/elfcast/profiles.d}
lab_mkimage

# compile STORAGE: $LAB_MNT/var/lib/bench/MODE.PROGRAM, the shadows
compile() {
	local mode p profiles=$LAB_MNT/usr/share/elfcast/profiles.d
	lab_attach plain rw
	mkdir -p "$LAB_MNT/var/lib/bench"
	for mode in fresh retargeted stale; do
		for p in $PROGRAMS; do
			rm -rf "$LAB_MNT/var/lib/elfcast/shadow"
			rm -f "$profiles"/*
			cp "$LAB/profiles/$mode/$p.json" "$profiles/bench.$p.json"
			"$BUILD/elfcast" compile -q --root="$LAB_MNT" --storage="$(measure_class "$1")" &&
				cp "$LAB_MNT"/var/lib/elfcast/shadow/*.shadow "$LAB_MNT/var/lib/bench/$mode.$p" ||
				lab_die "cannot compile $mode.$p"
		done
	done
	lab_detach || lab_die "something still uses the root"
}

launch() { # program mode
	local words companion=() w
	eval "words=(${COMMANDS[$1]})"
	[ "$2" = cold ] || for w in "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" "--shadow=$LAB_MNT/var/lib/bench/$2.$1"; do
		companion+=(-w "$w")
	done
	lab_cold
	printf '{ "storage": "%s", "program": "%s", "mode": "%s", "launch": ' "$LAB_MODEL" "$1" "$2"
	"$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -f "${companion[@]}" -- "${words[@]}" || lab_die "'$1' fails"
	echo "}"
}

for storage in ${STORAGE:-net:1000:3000:125 sd:1500:60 hdd}; do
	compile "$storage"
	lab_attach "$storage"
	for ((round = 1; round <= ROUNDS; round++)); do
		for p in $PROGRAMS; do
			for mode in cold fresh retargeted stale; do
				measure_say "$storage $p: $mode, round $round of $ROUNDS"
				launch "$p" "$mode"
			done
		done
	done | tr -d '\n' | sed 's/}}/}}\n/g' >>"$LAB/lines"
	lab_detach || lab_die "something still uses the root"
done
measure_say
/usr/bin/python3 - "$LAB/lines" <<'EOF'
import collections, json, statistics, sys
times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    d = json.loads(line)
    times[d["storage"], d["program"], d["mode"]].append(d["launch"]["wall_us"] / 1000)
modes = ("cold", "fresh", "retargeted", "stale")
print("%-18s %-8s" % ("storage", "program") + "".join("%22s" % m for m in modes) + "   retargeted   stale, over fresh")
over = collections.defaultdict(list)
for storage, program in dict.fromkeys((s, p) for s, p, _ in times):
    rows = [times[storage, program, m] for m in modes]
    mid = [statistics.median(r) for r in rows]
    print("%-18s %-8s" % (storage, program) +
          "".join("%8.0f (%5.0f-%5.0f)" % (m, min(r), max(r)) for m, r in zip(mid, rows)) +
          "%11.1f %%%8.1f %%" % (100 * mid[2] / mid[1] - 100, 100 * mid[3] / mid[1] - 100))
    over[storage].append((mid[2] / mid[1], mid[3] / mid[1]))
for storage, o in over.items():
    print("%-18s mean: retargeted %+.1f %%, stale %+.1f %%" %
          (storage, *(100 * statistics.mean(x[i] for x in o) - 100 for i in (0, 1))))
EOF
