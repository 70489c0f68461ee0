#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The first launch of many programs after a boot, on modelled disks: from cold, from cold after
# the boot prefetch of one pack with all of them, and warm. Every measured launch is the first
# one after a mount of its own.
#
#   sudo tests/bench-boot-launches.sh    STORAGE="net:1000:3000:125 sd:1500:60 hdd"
#       N=30 (programs; N_NET=100 on net)  ROUNDS=1  PROGRAMS="…"  CONFIG='BootBudget=2G'
#
# Asked (issue 5): of (cold - warm), at least 0.97 gone in the median, 0.90 for each program.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)} BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/rows.sh"
lab_enter "$@"
: "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${N:=30}" "${N_NET:=100}" "${ROUNDS:=1}"
: "${CONFIG:=BootBudget=2G
BootTime=600000}"

lab_build || lab_die "the build failed"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "$BUILD/elfcast-prefetch" >/dev/null || lab_die "the build failed"
lab_begin

heavy=()
for p in $LAB_ALL; do [ -n "$(lab_lacks "$p")" ] || heavy+=("$p"); done
# shellcheck disable=SC2206 # words
most=$((N > N_NET ? N : N_NET))
if [ -n "${PROGRAMS:-}" ]; then
	# shellcheck disable=SC2206
	all=($PROGRAMS)
else
	# shellcheck disable=SC2207
	all=("${heavy[@]}" $(lab_more $((most - ${#heavy[@]}))))
fi
echo "${#all[@]} programs: ${all[*]}"
measure_say "making the root"
lab_make "${all[@]}"
measure_train "${all[@]}"
rows_needed "${all[@]}"
echo "set up: $SECONDS s"

compile() { # model
	lab_attach plain rw
	mkdir -p "$LAB_MNT/etc/elfcast"
	echo "$CONFIG" >"$LAB_MNT/etc/elfcast/elfcast.conf"
	"$BUILD/elfcast" compile --root "$LAB_MNT" --storage "$(measure_class "$1")" \
		>"$LAB/compile.log" 2>&1 || lab_die "compile failed: $(tail -n 3 "$LAB/compile.log")"
	lab_detach || lab_die "something still uses the root"
}

# Again when it stopped early: other tests of this machine use memory, too.
boot_prefetch() { # options...
	local _
	for _ in 1 2 3 4 5; do
		"$BUILD/elfcast-prefetch" --quiet --root="$LAB_MNT" --deadline=600000 \
			--report="$LAB/report" "$@" || lab_die "the boot prefetch failed"
		grep -q '"stopped": null' "$LAB/report" && return
		lab_cold
	done
	lab_die "the boot prefetch always stops early: $(grep stopped "$LAB/report")"
}

# One launch as a JSON line, with what was read before it and by it.
launch() { # program mode round
	local line
	lab_launch_words "$1"
	line=$(lab_launch "$1") || lab_die "launch of '$1' failed ($2)"
	printf '{"program": "%s", "storage": "%s", "mode": "%s", "round": %d, "requests": %d, "bytes": %d, %s\n' \
		"$1" "$LAB_MODEL" "$2" "$3" "$(lab_stat requests)" "$(lab_stat bytes)" "${line#\{}"
}

launch_cold() { # program mode round
	lab_cold
	[ "$2" != prefetched ] || boot_prefetch
	lab_reset_stats
	launch "$@"
}

rounds() { # program...
	local p round
	for round in $(seq "$ROUNDS"); do
		for p; do
			measure_say "$LAB_MODEL $p, round $round of $ROUNDS"
			measure_undisturbed launch_cold "$p" cold "$round"
			measure_undisturbed launch "$p" warm "$round"
			measure_undisturbed launch_cold "$p" prefetched "$round"
		done
	done
	measure_say
}

# What the prefetch itself took and read: with and without the metadata.
whole() {
	local mode options
	for mode in all no-metadata; do
		options=()
		[ $mode = all ] || options=(--no-metadata)
		for _ in 1 2 3; do
			lab_cold
			boot_prefetch "${options[@]}"
			printf '{"mode": "prefetch-%s", "storage": "%s", "requests": %d, "bytes": %d, "report": %s}\n' \
				$mode "$LAB_MODEL" "$(lab_stat requests)" "$(lab_stat bytes)" "$(tr -d '\n' <"$LAB/report")"
		done
	done
}

for model in $STORAGE; do
	case $model in net:*) n=$N_NET ;; *) n=$N ;; esac
	compile "$model"
	lab_attach "$model"
	for p in "${all[@]}"; do cat "$LAB/needed.$p"; done | sort -u >"$LAB/needed"
	printf '{"mode": "best", "storage": "%s", %s}\n' "$model" "$(/usr/bin/python3 "$TOP/tests/lab/pages.py" \
		best "$LAB_MNT" "$LAB/needed" "$LAB_IMAGE" "$model")" >>"$LAB/results"
	whole >>"$LAB/results"
	rounds "${all[@]:0:n}" >>"$LAB/results"
	lab_detach || lab_die "something still uses the root"
	echo "$model: $SECONDS s"
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 "$TOP/tests/lab/boot_table.py" "$LAB/results"
