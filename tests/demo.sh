#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sudo make demo: real programs started from a cold disk, with and without elfcast.
# Leaves nothing behind but the build; Ctrl-C ends it at any time.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD
if [ "$(id -u)" != 0 ]; then
	echo "the demo mounts a cold disk and needs root: sudo make demo" >&2
	exit 1
fi
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
ROUNDS=${ROUNDS:-5}

launches() { # what of these this machine has
	local p
	for p in python3 git gcc; do
		lab_launch_words "$p"
		if [ -x "${LAB_CMD[0]}" ]; then echo "$p"; fi
	done
}

explain_disk() {
	if [ "$storage" = plain ]; then
		cat <<-'END'
			The disk is a plain loop device: there is no FUSE here to model a slow one. On a
			fast disk little can be gained; the numbers are what they are.
		END
	else
		cat <<-'END'
			The disk is a modelled cloud volume: 1 ms a request, 3000 requests/s, 125 MB/s.
			File system and block device are real, only the time of a request is modelled.
		END
	fi
}

explain() {
	cat <<-'END'

		elfcast ran each program twice, recorded which pages of which files it needs,
		compiled that, and now reads just these pages ahead. Each line is one way to
		start the program:
		  cold              nothing is cached: unmounted, detached, mounted again
		  started together  cold, and read-ahead starts with the program
		  prefetched before cold, but read-ahead is done by then, as after a boot
		  warm              started once more, everything is cached
	END
	explain_disk
	echo
}

measure_say "building"
lab_build >&2 || lab_die "the build failed"
storage=net:1000:3000:125 MEASURE_LABEL="1 ms volume,"
lab_has_fuse || storage=plain MEASURE_LABEL="plain disk,"
# shellcheck disable=SC2046 # a list of words
set -- $(launches)
lab_begin
measure_say "making a disk with $*"
lab_make "$@"
measure_train "$@"
measure "$storage" "$ROUNDS" "$@" >"$LAB/results"
explain
/usr/bin/python3 "$TOP/tests/lab/table.py" bars "$LAB/results"
