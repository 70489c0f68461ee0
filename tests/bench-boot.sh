#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the boot prefetch costs: with everything cached, for packs of 50, 500 and 5,000
# programs; its time on modelled disks against the best that those could do; how much it
# slows down a launch at the same time.
#
#   sudo tests/bench-boot.sh [cached] [disk] [beside]     PROGRAMS=… STORAGE=… ROUNDS=…
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/rows.sh"
lab_enter "$@"
: "${PROGRAMS:=python3 git perl vim gcc}" "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${ROUNDS:=5}"
what=" ${*:-cached disk beside} "

lab_build || exit 1
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "${BUILD#"$TOP"/}"/{elfcast-prefetch,tests/mkpack,tests/places} || exit 1
lab_begin

# ---- everything cached -------------------------------------------------------------------
# Six files a program, 100 pages of each in about 13 extents. Holes of files read as fast as
# what is cached, and need no disk.
make_files() { # directory programs
	/usr/bin/python3 - "$1" "$2" <<'P'
import os, random, sys
root, n = sys.argv[1], int(sys.argv[2])
random.seed(1)
os.makedirs(root + "/usr/lib/x86_64-linux-gnu", exist_ok=True)
for i in range(6 * n):
    path = "/usr/lib/x86_64-linux-gnu/lib%05d.so" % i
    with open(root + path, "wb") as f:
        f.truncate(2 << 20)
    at, left = random.randrange(3), 100 if n <= 500 else 20
    while left > 0:
        k = min(left, random.choice([1, 2, 4, 4, 8, 10, 16, 20]))
        print(path, at, k, i // 6)
        at += k + random.randrange(1, 12)
        left -= k
P
}
cached() { # programs
	local loop
	truncate -s 3G "$LAB/files.img"
	mkfs.ext4 -q -F -N 100000 "$LAB/files.img"
	loop=$(losetup -f --show "$LAB/files.img") && mount "$loop" "$LAB_MNT" || exit 1
	losetup -d "$loop"
	make_files "$LAB_MNT" "$1" >"$LAB/lines"
	"$BUILD/tests/mkpack" "$LAB_MNT" <"$LAB/lines" >"$LAB/pack"
	for i in 0 1 2 3 4 5; do
		/usr/bin/time -f %M -o "$LAB/rss" "$BUILD/elfcast-prefetch" -q --root="$LAB_MNT" \
			--pack="$LAB/pack" --report="$LAB/report" --max-bytes=100G --reserve=0 || exit 1
		[ $i = 0 ] || /usr/bin/python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(r["cpu_ms"], r["ms"], int(open(sys.argv[2]).read()) / 1024, r["asked_pages"], r["asked_extents"], r["objects_used"])' \
			"$LAB/report" "$LAB/rss"
	done | sort -n | sed -n 3p | {
		read -r cpu ms rss pages extents objects
		printf 'cached: %5d programs, %5d objects, %7d pages in %6d extents: CPU %5.1f ms, %5.1f ms, RSS %4.1f MB\n' \
			"$1" "$objects" "$pages" "$extents" "$cpu" "$ms" "$rss"
	}
	umount "$LAB_MNT"
	rm "$LAB/files.img"
}
if [[ $what == *' cached '* ]]; then
	for n in 50 500 5000; do cached $n; done
fi

# ---- modelled disks ----------------------------------------------------------------------
storage_number() {
	case $1 in
	net:*) echo 1 ;;
	hdd) echo 0 ;;
	*) echo 2 ;;
	esac
}
needed_by() { # program...
	local p
	LAB_RA_KB=0
	lab_attach plain
	for p; do
		lab_make_state "$p"
		lab_cold
		lab_launch "$p" >"$LAB/launch.log" || lab_die "launch of '$p' failed"
		"$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/needed.$p"
	done
	LAB_RA_KB=128
	lab_detach
}
make_pack() { # model [-x program] program...: what is attached holds the files
	local model=$1 p args=()
	shift
	for p; do [ "$p" = -x ] && args+=(-x) || args+=("$LAB/needed.$p"); done
	/usr/bin/python3 -B "$TOP/tests/lab/pack_lines.py" "$LAB_MNT" "$(storage_number "$model")" \
		"${args[@]}" >"$LAB/lines" 2>"$LAB/pages" &&
		"$BUILD/tests/mkpack" "$LAB_MNT" <"$LAB/lines" >"$LAB/pack" || lab_die "no pack"
	cut -d ' ' -f 1 "$LAB/lines" | sort -u |
		"$BUILD/tests/places" build "$LAB_MNT" "$(measure_class "$model")" "$LAB/places" >"$LAB/places.log" ||
		lab_die "no places"
}
prefetch() { # options
	"$BUILD/elfcast-prefetch" -q "$@" --root="$LAB_MNT" --pack="$LAB/pack" --places="$LAB/places" \
		--report="$LAB/report" --max-bytes=100G --reserve=0 || lab_die "prefetch failed"
}
value() { /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$LAB/report" "$1"; }
median() { sort -n | sed -n "$((($1 + 1) / 2))p"; }

if [[ $what == *' disk '* || $what == *' beside '* ]]; then
	# shellcheck disable=SC2086 # words
	lab_make $PROGRAMS
	# shellcheck disable=SC2086
	needed_by $PROGRAMS
fi
if [[ $what == *' disk '* ]]; then
	for model in $STORAGE; do
		lab_attach "$model"
		# shellcheck disable=SC2086
		make_pack "$model" $PROGRAMS
		best=$(/usr/bin/python3 -B "$TOP/tests/lab/pages.py" best "$LAB_MNT" "$LAB/pages" "$LAB_IMAGE" "$model")
		for step in --no-metadata --verbose; do
			for _ in $(seq "$ROUNDS"); do
				lab_cold
				prefetch $step
				echo "$(value ms) $(value cpu_ms) $(value read_bytes) $(value asked_bytes) $(lab_stat requests) $(lab_stat busy_us)"
			done >"$LAB/times"
			read -r ms cpu bytes asked requests busy < <(median "$ROUNDS" <"$LAB/times")
			echo "disk: $model: $([ $step = --verbose ] && echo with || echo without) metadata: $ms ms, best ${best}, CPU $cpu ms, asked $asked, read $bytes bytes in $requests requests, the disk was busy $busy us, $(value yields) yields in the last"
		done
		lab_detach
	done
fi

# ---- beside a launch ---------------------------------------------------------------------
if [[ $what == *' beside '* ]]; then
	wall() { sed 's/.*"wall_us": \([0-9]*\).*/\1/'; }
	for model in $STORAGE; do
		lab_attach "$model"
		for p in ${BESIDE:-git python3}; do
			# shellcheck disable=SC2046,SC2086
			make_pack "$model" -x "$p" $(printf '%s\n' $PROGRAMS | grep -vx "$p")
			rm -f "$LAB"/{alone,beside}
			for _ in $(seq "$ROUNDS"); do
				lab_cold
				lab_launch "$p" | wall >>"$LAB/alone"
				lab_cold
				lab_launch "$p" "$BUILD/elfcast-prefetch" -q --root="$LAB_MNT" --pack="$LAB/pack" \
					--places="$LAB/places" --report="$LAB/report" --max-bytes=100G --reserve=0 | wall >>"$LAB/beside"
			done
			alone=$(median "$ROUNDS" <"$LAB/alone") beside=$(median "$ROUNDS" <"$LAB/beside")
			echo "beside: $model: $p alone $((alone / 1000)) ms, beside $((beside / 1000)) ms" \
				"($((beside * 1000 / alone - 1000)) permille), prefetch $(value ms) ms," \
				"yields $(value yields)"
		done
		lab_detach
	done
fi
