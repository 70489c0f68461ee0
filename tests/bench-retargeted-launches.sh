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
. "$TOP/tests/lab/ways.sh"
: "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${ROUNDS:=5}"
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
read -ra measured <<<"$PROGRAMS"

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

# The shadows WAY.PROGRAM.
prepare() { # storage
	local way p
	lab_attach plain rw
	for way in fresh retargeted stale; do
		for p in "${measured[@]}"; do ways_shadow "$LAB/profiles/$way/$p.json" "$way.$p" "$1"; done
	done
	lab_detach || lab_die "something still uses the root"
}

launch() { # program way round
	local words companion=() w line
	eval "words=(${COMMANDS[$1]})"
	[ "$2" = cold ] || for w in "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" "--shadow=$LAB_MNT/var/lib/bench/$2.$1"; do
		companion+=(-w "$w")
	done
	lab_cold
	line=$("$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -f "${companion[@]}" -- "${words[@]}") || lab_die "'$1' fails"
	ways_line "$@" "$line"
}

ways_measure cold fresh retargeted stale
PYTHONPATH=$TOP/tests/lab /usr/bin/python3 - "$LAB/results" <<'EOF'
import statistics, sys, ways
WAYS = ("cold", "fresh", "retargeted", "stale")
print("%-18s %-8s" % ("storage", "program") + "".join("%22s" % w for w in WAYS) + "   retargeted   stale, over fresh")
for storage, programs in ways.read(sys.argv[1]).items():
    over = []
    for program, times in programs.items():
        mid = [statistics.median(times[w]) for w in WAYS]
        print("%-18s %-8s" % (storage, program) + "".join("%22s" % ways.shown(times[w]) for w in WAYS) +
              "%11.1f %%%8.1f %%" % (100 * mid[2] / mid[1] - 100, 100 * mid[3] / mid[1] - 100))
        over.append((mid[2] / mid[1], mid[3] / mid[1]))
    print("%-18s mean: retargeted %+.1f %%, stale %+.1f %%" %
          (storage, *(100 * statistics.mean(o[i] for o in over) - 100 for i in (0, 1))))
EOF
