#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab
# takes: 50 s
# Training against an independent oracle: the page cache of a private, cold mount without
# read-ahead, after one launch, by mincore(2). The kernel keeps exactly what was needed.
#
# Usage: tests/system/precision.sh [PROGRAM...]; LIST=1 names the pages that differ.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"

if [ "$(id -u)" != 0 ]; then
	echo "ok - training against the page cache # SKIP needs root"
	exit 0
fi
lab_enter "$@"
[ $# -gt 0 ] || set -- perl python3 git gcc gdb

# The launch alone, on a cold disk.
truth() { # program
	lab_cold
	lab_launch "$1" >"$LAB/launch.json" && "$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/$1.truth"
}

# With everything cached: it must not matter to training, nor can it copy the answer.
train() { # program
	find "$LAB_MNT" -xdev -type f -exec cat {} + >/dev/null
	lab_chroot /usr/bin/elfcast train --until-exit -n "${RUNS:-1}" -o /tmp/profile.json -- "${LAB_CMD[@]}" &&
		cp "$LAB_MNT/tmp/profile.json" "$LAB/$1.json"
}

lab_begin
lab_make "$@"
LAB_RA_KB=0
lab_attach plain
echo "# table: program     cache trained  precision  recall  method"
for p in "$@"; do
	lab_launch_words "$p"
	if ! truth "$p"; then
		echo "not ok - $p: cannot be launched on the cold disk"
	elif [ ! -s "$LAB/$p.truth" ]; then
		echo "not ok - $p: the oracle saw nothing"
	elif ! train "$p" 2>"$LAB/train.log"; then
		sed 's/^/# /' "$LAB/train.log"
		echo "not ok - $p: train failed"
	elif /usr/bin/python3 "$TOP/tests/lab/compare.py" "$p" "$LAB_MNT" "$LAB/$p.truth" \
		"$LAB/$p.json" ${LIST:+--list}; then
		echo "ok - $p: trained pages are the pages that a cold launch needs"
	else
		/usr/bin/python3 "$TOP/tests/lab/compare.py" "$p" "$LAB_MNT" "$LAB/$p.truth" \
			"$LAB/$p.json" --list | sed 1d
		echo "not ok - $p: trained pages differ from what a cold launch needs"
	fi
done
