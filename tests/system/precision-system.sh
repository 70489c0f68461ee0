#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab tracefs
# takes: 60 s
# Recording the whole system against 'elfcast train' of the same launches: what the recorder
# tells of a real program on a cold disk, while other programs run.
#
# Usage: tests/system/precision-system.sh [PROGRAM...]; LIST=1 names the pages that differ.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"

if [ "$(id -u)" != 0 ]; then
	echo "ok - recording the system against training # SKIP needs root"
	exit 0
fi
# Not below /tmp and its like, which are never recorded.
TMPDIR=${ELFCAST_LAB_DIR:-$(mktemp -d /var/lib/elfcast-test-XXXXXX)} || exit 1
export TMPDIR ELFCAST_LAB_DIR=$TMPDIR
lab_enter "$@"
[ $# -gt 0 ] || set -- perl python3 git gdb

train() { # program
	find "$LAB_MNT" -xdev -type f -exec cat {} + >/dev/null
	lab_chroot /usr/bin/elfcast train --until-exit -n "${RUNS:-1}" -o /tmp/profile.json -- "${LAB_CMD[@]}" &&
		cp "$LAB_MNT/tmp/profile.json" "$LAB/$1.json"
}
# What the recorder says of files below the root, as a profile; and the trained one as truth.
convert() { # program
	/usr/bin/python3 "$TOP/tests/lab/traced.py" "$LAB_MNT" "$LAB/$1.out" >"$LAB/$1.seen" &&
		/usr/bin/python3 -c 'import json, sys
for o in json.load(open(sys.argv[1]))["objects"]:
    for first, count, *_ in o["pages"]: print(first, count, o["path"])' "$LAB/$1.json" >"$LAB/$1.truth"
}
record() { # program
	lab_cold
	lab_fresh_tmp "$1"
	"$BUILD/tests/trace-launch" -s -w 120000 "$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -- \
		"${LAB_CMD[@]}" >"$LAB/$1.out" 2>"$LAB/log"
}

# What was trained, on the disk as it is attached.
hold() { # program kind
	local p=$1 what="$1 on $2"
	lab_launch_words "$p"
	if ! train "$p" 2>"$LAB/log"; then
		sed 's/^/# /' "$LAB/log"
		echo "not ok - $what: train failed"
	elif ! record "$p"; then
		if grep -qE 'No such device|Operation not permitted' "$LAB/log"; then
			skip "$what" "this kernel has no tracepoints for it"
			return
		fi
		sed 's/^/# /' "$LAB/log"
		echo "not ok - $what: cannot be recorded"
	elif convert "$p" && grep -qx '# lost 0' "$LAB/$p.out" &&
		/usr/bin/python3 "$TOP/tests/lab/compare.py" "$p" "$LAB_MNT" "$LAB/$p.truth" \
			"$LAB/$p.seen" ${LIST:+--list}; then
		echo "ok - $what: the system was seen to read what was trained"
	else
		/usr/bin/python3 "$TOP/tests/lab/compare.py" "$p" "$LAB_MNT" "$LAB/$p.truth" \
			"$LAB/$p.seen" --list | sed 1d
		grep '^#' "$LAB/$p.out"
		echo "not ok - $what: the system was seen to read something else than what was trained"
	fi
}
skip() { echo "ok - $1 # SKIP $2"; }

lab_begin
trap 'lab_end; rmdir "$TMPDIR"' EXIT
lab_make "$@"
lab_attach plain
echo "# table: program    trained    seen  precision  recall  method"
for p in "$@"; do
	hold "$p" ext4
done
# Not those that decompress: with a page come its neighbours, whatever read-ahead is.
for kind in xfs btrfs; do
	why=$(lab_kind_lacks $kind)
	if [ -n "$why" ]; then
		skip "$1 on $kind" "$why"
		continue
	fi
	lab_detach
	lab_kind $kind
	lab_attach plain
	hold "$1" $kind
done
