#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real launches on modelled disks, every way of reading ahead beside the others, in turn.
#
#   make bench [PROGRAMS="git gdb"] [STORAGE="hdd ram"] [KIND="ext4 squashfs"] [ROUNDS=5]
#              [MODES="cold warm before"] [OUT=DIR]
#
# KIND: ext4 xfs btrfs squashfs erofs. OUT (build/bench/DATE) gets a file for each row,
# results.json, table.md and plot.svg; with OUT given, rows that are there already are not
# measured again, so an interrupted run can go on. ROUNDS_LARGE: of Chromium, LibreOffice.
# NOTE: a sentence about the machine, for the results.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
MEASURE_MODES=${MODES:-cold warm huge whole stale other before together}
command -v vmtouch >/dev/null || {
	[[ $MEASURE_MODES != *whole* ]] || echo "not measured: whole files ('vmtouch' is not installed)" >&2
	MEASURE_MODES=${MEASURE_MODES/whole/}
}
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/rows.sh"
ROUNDS=${ROUNDS:-5}
ROUNDS_LARGE=${ROUNDS_LARGE:-$((ROUNDS < 3 ? ROUNDS : 3))}

can_be_measured() { # program...
	local p why
	for p in "$@"; do
		why=$(lab_lacks "$p")
		if [ -z "$why" ]; then echo "$p"; else echo "not measured: $p: $why" >&2; fi
	done
}

can_be_made() { # kind...
	local k why
	for k in "$@"; do
		why=$(lab_kind_lacks "$k")
		if [ -z "$why" ]; then echo "$k"; else echo "not measured: on $k: $why" >&2; fi
	done
}

# The other kinds only where the question is the image, not the disk.
storage_of() { # kind
	if [ -n "${STORAGE:-}" ]; then
		echo "$STORAGE"
	elif [ "$1" = ext4 ]; then
		echo net:1000:3000:125 sd:1500:60 hdd ram
	else
		echo sd:1500:60
	fi
}

row_file() { # kind storage program
	echo "$OUT/rows/$1.${2//:/_}.$3.jsonl"
}

missing_rows() { # kind program...
	local kind=$1 storage p
	shift
	for storage in $(storage_of "$kind"); do
		for p in "$@"; do
			[ -s "$(row_file "$kind" "$storage" "$p")" ] || echo "$storage $p"
		done
	done
}

bench_row() { # storage program
	local file rounds=$ROUNDS
	file=$(row_file "$LAB_KIND" "$1" "$2")
	if lab_has_state "$2"; then rounds=$ROUNDS_LARGE; fi
	ROUNDS=$rounds rows_measure "$1" "$rounds" "$2" >"$LAB/row" &&
		cp "$LAB/row" "$file.tmp" && mv "$file.tmp" "$file"
	echo "$LAB_KIND $1 $2: $SECONDS s" >&2
}

bench_kind() { # kind program...
	local storage p rows
	rows=$(missing_rows "$@")
	[ -n "$rows" ] || return 0
	measure_say "making the $1 image"
	lab_kind "$1"
	while read -r storage p <&3; do
		bench_row "$storage" "$p" || return 1
	done 3<<<"$rows"
	[ "$1" = ext4 ] || rm -f "$LAB_IMAGE"
}

# What is not the disk differs between machines, virtual ones above all, and by the hour.
start_us() { # of /bin/true, all cached
	for _ in {1..21}; do "$BUILD/tests/lab-launch" -- /bin/true; done |
		sed 's/.*"wall_us": \([0-9]*\).*/\1/' | sort -n | sed -n 11p
}

describe_run() {
	printf '{"mode": "run", "date": "%s", "kernel": "%s", "cpu": "%s", "cores": %d, "start_us": %d, ' \
		"$(date -u +%F)" "$(uname -sr)" "$(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1)" \
		"$(nproc)" "$(start_us)"
	[ -z "${NOTE:-}" ] || printf '"note": "%s", ' "${NOTE//\"/}"
	printf '"elfcast": "%s"}\n' "$(git -C "$TOP" describe --always --dirty 2>/dev/null ||
		"$BUILD/elfcast" --version | head -n 1)"
}

lab_build || lab_die "the build failed"
# shellcheck disable=SC2046,SC2086 # lists of words
set -- $(can_be_measured ${PROGRAMS:-$LAB_ALL})
kinds=$(can_be_made ${KIND:-ext4 squashfs})
[ $# -gt 0 ] && [ -n "$kinds" ] || lab_die "nothing to measure"
OUT=${OUT:-$BUILD/bench/$(date +%Y%m%d-%H%M%S)}
case $OUT in /*) ;; *) OUT=$TOP/$OUT ;; esac
mkdir -p "$OUT/rows"
lab_begin
describe_run >"$OUT/rows/run.jsonl"
measure_say "making a disk"
# All there are, whichever are measured: where files lie and how large directories are makes a
# difference of up to 16 % to a cold launch, and a row measured alone is to be the same row.
# shellcheck disable=SC2046,SC2086 # words
lab_make $(rows_programs $(can_be_measured $LAB_ALL 2>/dev/null))
# shellcheck disable=SC2046
measure_train $(rows_programs "$@")
rows_needed "$@"
[[ " $MEASURE_MODES " != *' stale '* ]] || rows_stale "$@"
echo "set up: $SECONDS s" >&2
for kind in $kinds; do
	bench_kind "$kind" "$@" || exit 1
done
/usr/bin/python3 "$TOP/tests/lab/results.py" "$OUT"
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$OUT"
echo "All of it: ${OUT#"$TOP"/}/{results.json,table.md,plot.svg}"
