#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Launches that elfcastd reads ahead at exec, on modelled disks: beside plain cold ones, `elfcast
# run`, and the limit, max(warm, best time to read the pages that are needed). Each way in turn,
# truly cold each time; with read_ahead_kb 128 and, "-kernel", with what this kernel chooses.
#
#   COMMANDS=FILE        launches, one a line, as a shell reads them; the packages of the files that
#                        they need are taken from this system
#   PROGRAMS="git gdb"   or those of `make bench`; without both, all of these
#   STORAGE="net:1000:3000:125 sd:1500:60 hdd"  ROUNDS=5  OUT=FILE (JSON lines)
#   KIND=ext4            or xfs, btrfs, squashfs, erofs (of it LAB_CLUSTER_BYTES=65536, 1048576: what is
#                        packed together)
#   MODES="cold warm cold-kernel together exec together-kernel exec-kernel"
#   OLD=DIR              a source tree with an older build in it: what it reads beside a launch, as "together", is
#                        MODE "old", or "old-kernel"
#
# Ends with one line a disk: "result: DISK … median ratio to the limit N".
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
MEASURE_MODES=${MODES:-cold warm cold-kernel together exec together-kernel exec-kernel ${OLD:+old old-kernel}}
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/rows.sh"
: "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${ROUNDS:=5}" "${KIND:=ext4}"

lab_build || lab_die "the build failed"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "$BUILD/elfcastd" >/dev/null || lab_die "the build failed"
lab_has_fuse || lab_die "no modelled disk here: it takes /dev/fuse and libfuse3"
why=$(lab_kind_lacks "$KIND")
[ -z "$why" ] || lab_die "$why"
lab_begin

all=()
if [ -n "${COMMANDS:-}" ]; then
	[ -r "$COMMANDS" ] || lab_die "cannot read '$COMMANDS'"
	n=0
	while IFS= read -r line <&3; do
		case $line in '' | '#'*) continue ;; esac
		n=$((n + 1))
		if lab_add_command "command$n" "$line"; then all+=("command$n"); else echo "not measured" >&2; fi
	done 3<"$COMMANDS"
elif [ -z "${PROGRAMS:-}" ]; then
	PROGRAMS=$LAB_ALL
fi
for p in ${PROGRAMS:-}; do
	why=$(lab_lacks "$p")
	if [ -z "$why" ]; then all+=("$p"); else echo "not measured: $p: $why" >&2; fi
done
[ ${#all[@]} -gt 0 ] || lab_die "nothing to measure"

measure_say "making the root"
lab_make "${all[@]}"
measure_train "${all[@]}"
rows_needed "${all[@]}"
lab_kind "$KIND"
echo "set up: $SECONDS s" >&2
for storage in $STORAGE; do
	measure "$storage" "$ROUNDS" "${all[@]}" >>"$LAB/results"
	lab_attach plain
	for p in "${all[@]}"; do rows_best "$p"; done >>"$LAB/results"
	lab_detach || lab_die "something still uses the root"
	echo "$storage: $SECONDS s" >&2
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 "$TOP/tests/lab/exec_table.py" "$LAB/results"
