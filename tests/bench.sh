#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real launches on modelled disks, measured in turn: make bench [PROGRAMS="git gdb"]
# [STORAGE="hdd"] [ROUNDS=9]. Prints a table; results as JSON lines in build/bench/.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
ROUNDS=${ROUNDS:-5}
STORAGE=${STORAGE:-net:1000:3000:125 sd:1500:60 hdd}

installed() { # program...: those that this machine has
	local p
	for p in "$@"; do
		lab_launch_words "$p"
		if [ -x "${LAB_CMD[0]}" ]; then echo "$p"; else echo "not installed: $p" >&2; fi
	done
}

lab_build || lab_die "the build failed"
# shellcheck disable=SC2046,SC2086 # lists of words
set -- $(installed ${PROGRAMS:-perl python3 git gcc gdb})
lab_begin
lab_make "$@"
measure_train "$@"
mkdir -p "$BUILD/bench"
results=$BUILD/bench/$(date +%Y%m%d-%H%M%S).jsonl
for storage in $STORAGE; do
	measure "$storage" "$ROUNDS" "$@" || exit 1
done >"$results"
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$BUILD/bench"
echo "$(uname -sr), $(date +%F), $ROUNDS rounds"
/usr/bin/python3 "$TOP/tests/lab/table.py" rows "$results"
echo "Every launch: ${results#"$TOP"/}"
