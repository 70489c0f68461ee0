#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab
# takes: 70 s
# Launches on a truly cold, modelled disk: what prefetching before the launch takes away.
# The full version is tests/bench.sh.
#
# Usage: tests/system/cold-launch.sh [PROGRAM...]; ROUNDS=5, STORAGE=sd:1500:60
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"

skip() {
	echo "ok - launches on a modelled cold disk # SKIP $*"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root"
[ -c /dev/fuse ] || skip "needs FUSE"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
ROUNDS=${ROUNDS:-5}
if [ $# = 0 ]; then
	# The sanitizers slow elfcast down, not the launch: one launch shows what there is.
	if [ -n "${ELFCAST_SANITIZED:-}" ]; then set -- gdb; else set -- perl python3 git gcc gdb; fi
fi

# The disk is no product: never sanitized, one for both builds.
LAB_SLOWDISK=$TOP/build/lab/slowdisk
make -s -C "$TOP" BUILD=build lab >/dev/null 2>&1 || skip "needs libfuse3 to build the disk"
lab_begin
lab_make "$@"
measure_train "$@"
measure "${STORAGE:-sd:1500:60}" "$ROUNDS" "$@" >"$LAB/results"
/usr/bin/python3 "$TOP/tests/lab/table.py" check "$LAB/results"
