#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each way to record a launch, on each file system, held against an oracle that shares no code with
# it: the page cache of a private, cold mount without read-ahead after one launch, by mincore(2).
# A table for the kernel that runs this, one line each; kernels.sh has it from others.
#   uffd        elfcast train, where all is cached already
#   collapsed   the same, where the program's file was collapsed into huge pages before, which is
#               what khugepaged does
#   pagemap     what train falls back to where there is no such userfaultfd, where all is cached
#               already: told, not held to anything
#   system      train --system's recorder, cold, while others run
#
# Usage: tests/matrix/methods.sh [PROGRAM...]; KINDS="ext4 xfs btrfs"; LIST=1 names the pages that
# differ. Takes some five minutes; needs what the lab needs.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"
[ "$(id -u)" = 0 ] || lab_die "needs root"
# Not below /tmp and its like, of which nothing is recorded.
TMPDIR=${ELFCAST_LAB_DIR:-$(mktemp -d /var/lib/elfcast-test-XXXXXX)} || exit 1
export TMPDIR ELFCAST_LAB_DIR=$TMPDIR
lab_enter "$@"
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- ${PROGRAMS:-perl git}

say() { echo "$1 - $kind $p $method${2:+ # SKIP $2}"; }
truth() {
	lab_cold
	lab_launch "$p" >"$LAB/launch.json" && "$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/truth" && [ -s "$LAB/truth" ]
}
warm() { find "$LAB_MNT" -xdev -type f -exec cat {} + >/dev/null; }
train() {
	lab_fresh_tmp "$p" && lab_chroot /usr/bin/elfcast train --until-exit -n 1 -o /tmp/profile.json -- "${LAB_CMD[@]}" &&
		cp "$LAB_MNT/tmp/profile.json" "$LAB/found.json"
}
trace() { # trace-launch's options
	lab_fresh_tmp "$p"
	"$BUILD/tests/trace-launch" "$@" "$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -- "${LAB_CMD[@]}" \
		>"$LAB/out" && /usr/bin/python3 "$TOP/tests/lab/traced.py" "$LAB_MNT" "$LAB/out" >"$LAB/found.json"
}
# With what did it end? 3: this cannot be had here.
record() {
	case $method in
	uffd) warm && train && grep -q '"method": *"uffd"' "$LAB/found.json" ;;
	collapsed)
		warm
		"$BUILD/tests/trace-touch" collapse "$LAB_MNT$(readlink -f "${LAB_CMD[0]}")" || return 3
		train
		;;
	pagemap) warm && trace -p ;;
	system)
		lab_cold
		trace -s -w 120000
		case $? in
		0) grep -qx '# lost 0' "$LAB/out" ;;
		*) ! grep -qE 'No such device|Operation not permitted' "$LAB/log" || return 3 ;;
		esac
		;;
	esac 2>"$LAB/log"
}
hold() {
	local floor r
	case $method in pagemap) floor=0 ;; system) floor=0.98 ;; *) floor=0.99 ;; esac
	record
	r=$?
	if [ $r = 3 ]; then
		say ok "not with this kernel and file system"
	elif [ $r != 0 ]; then
		tail -n 5 "$LAB/log" | sed 's/^/# /'
		say "not ok"
	elif /usr/bin/python3 "$TOP/tests/lab/compare.py" "$kernel $kind $p $method" "$LAB_MNT" "$LAB/truth" \
		"$LAB/found.json" --floor=$floor ${LIST:+--list}; then
		say ok
	else
		say "not ok"
	fi
}

lab_take lab
lab_take tracefs
lab_begin
trap 'lab_end; rmdir "$TMPDIR"' EXIT
kernel=$(uname -r) kernel=${kernel%%-*}
lab_make "$@"
LAB_RA_KB=0
echo "# table: kernel kind program method   needed  found  precision  recall"
for kind in ${KINDS:-ext4 xfs btrfs}; do
	p=- method=-
	why=$(lab_kind_lacks "$kind")
	[ -z "$why" ] || { say ok "$why" && continue; }
	lab_kind "$kind"
	lab_attach plain
	for p; do
		lab_launch_words "$p"
		truth || { method=oracle && say "not ok" && continue; }
		for method in uffd collapsed pagemap system; do hold; done
	done
	lab_detach
done
