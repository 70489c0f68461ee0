#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How much of what each program of a session needs is in memory when it is launched, on modelled
# disks: the first one FIRST ms after the start of elfcast-prefetch, each one EVERY ms after the one
# before. Read by worth, as where no boot was watched, and as sessions launch them. Counts are
# the same for all. "saved" is the mean, each weighed by what a cold launch waits for, as modelled.
# The programs are not really launched: the disk is idle.
#
#   sudo tests/bench-sessions.sh    STORAGE="net:1000:3000:125 sd:1500:60 hdd" ROUNDS=3
#       FIRST=1000 EVERY=1000
#       PROGRAMS="bash chromium vim git gcc gdb python3 node" (in the order of launches)
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)} BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/rows.sh"
lab_enter "$@"
: "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${ROUNDS:=3}" "${FIRST:=1000}" "${EVERY:=1000}"
: "${PROGRAMS:=bash chromium vim git gcc gdb python3 node}"

lab_build || lab_die "the build failed"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "$BUILD/elfcast-prefetch" >/dev/null || lab_die "the build failed"
lab_begin
session=()
for p in $PROGRAMS; do [ -n "$(lab_lacks "$p")" ] || session+=("$p"); done
lab_make "${session[@]}"
measure_train "${session[@]}"
rows_needed "${session[@]}"
paths=()
for p in "${session[@]}"; do paths+=("$p:$(readlink -f "$(lab_binary "$p")")"); done
echo "set up: $SECONDS s"

# counts MODE: that all of the session were launched as often, and when
counts() {
	local p ms=8000
	printf 'elfcast-launches 3 1767300000 - %s\n' \
		"$([ "$1" = worth ] && echo '- 0' || echo '6f1c2d3e-0000-4000-8000-0123456789ab 1')"
	for p in "${session[@]}"; do
		printf '20.000000 1767200000 0%s %s\n' "$([ "$1" = worth ] || echo " $ms")" \
			"$(readlink -f "$(lab_binary "$p")")"
		ms=$((ms + EVERY))
	done | LC_ALL=C sort -k "$([ "$1" = worth ] && echo 4 || echo 5)"
	echo "end ${#session[@]}"
}
compile() { # model mode
	lab_attach plain rw
	mkdir -p "$LAB_MNT/etc/elfcast" "$LAB_MNT/var/lib/elfcast"
	printf 'BootBudget=2G\nBootTime=600000\n' >"$LAB_MNT/etc/elfcast/elfcast.conf"
	counts "$2" >"$LAB_MNT/var/lib/elfcast/launches"
	"$BUILD/elfcast" compile --root "$LAB_MNT" --storage "$(measure_class "$1")" \
		>"$LAB/compile.log" 2>&1 || lab_die "compile failed: $(tail -n 3 "$LAB/compile.log")"
	cp "$LAB_MNT/var/lib/elfcast/boot.pack" "$LAB/pack"
	"$BUILD/elfcast" status --pack --json --root="$LAB_MNT" 2>"$LAB/compile.log" >"$LAB/status"
	lab_detach || lab_die "something still uses the root"
}
boot_prefetch() {
	local _
	for _ in 1 2 3 4 5; do
		lab_cold
		"$BUILD/elfcast-prefetch" --quiet --root="$LAB_MNT" --deadline=600000 \
			--report="$LAB/report" || lab_die "the boot prefetch failed"
		grep -q '"stopped": null' "$LAB/report" && return
	done
	lab_die "the boot prefetch always stops early: $(grep stopped "$LAB/report")"
}

for model in $STORAGE; do
	for mode in worth session; do
		compile "$model" "$mode"
		lab_attach "$model"
		for round in $(seq "$ROUNDS"); do
			measure_say "$model, $mode, round $round of $ROUNDS"
			boot_prefetch
			/usr/bin/python3 "$TOP/tests/lab/there.py" "$LAB/pack" "$LAB/report" "$LAB/status" \
				"$LAB/needed." "$FIRST" "$EVERY" "${paths[@]}" |
				sed "s/^/$model $mode /" >>"$LAB/results"
		done
		measure_say
		lab_detach || lab_die "something still uses the root"
	done
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 - "$LAB/results" "${session[@]}" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    model, mode, *figures = line.split()
    rows.setdefault((model, mode), []).append([float(x) for x in figures])
for (model, mode), rounds in rows.items():
    columns = list(zip(*rounds))
    saved = [r[-2] for r in rounds]
    print("%-18s %-8s" % (model, mode), " ".join("%s %.0f" % (p, statistics.median(c))
          for p, c in zip(sys.argv[2:], columns)), "| saved %.0f %% (%.0f-%.0f), all there after %.0f ms" %
          (statistics.median(saved), min(saved), max(saved), statistics.median(columns[-1])))
END
