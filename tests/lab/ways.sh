# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs that are launched in several ways in turn. Sourced after measure.sh.
#
#   ways_shadow PROFILE NAME MODEL   $LAB_MNT/var/lib/bench/NAME, where a root is attached that may be written to:
#				     the shadow of this profile alone
#   ways_read PROGRAM NAME		 that shadow is read before PROGRAM is launched
#   ways_measure WAY...		 on each of $STORAGE, $ROUNDS times each of ${measured[@]} each way
#
# Who sources it has "prepare MODEL" (before a disk is attached) and "launch PROGRAM WAY ROUND", which ends with
# ways_line: one JSON line of ways.py. They go to $LAB/results, and to $OUT.

ways_shadow() { # profile name model
	local profiles=$LAB_MNT/usr/share/elfcast/profiles.d
	mkdir -p "$LAB_MNT/var/lib/bench" "$profiles"
	rm -rf "$LAB_MNT/var/lib/elfcast/shadow"
	rm -f "$profiles"/*
	cp "$1" "$profiles/bench.json" && "$BUILD/elfcast" compile -q --root="$LAB_MNT" --storage="$(measure_class "$3")" &&
		cp "$LAB_MNT"/var/lib/elfcast/shadow/*.shadow "$LAB_MNT/var/lib/bench/$2" || lab_die "cannot compile $2"
}

ways_read() { # program name
	"${MEASURE_FIRST[@]}" "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" "--shadow=$LAB_MNT/var/lib/bench/$2" ||
		lab_die "reading before '$1' failed"
}

ways_line() { # program way round launch, as lab-launch tells of it
	printf '{"program": "%s", "storage": "%s", "way": "%s", "round": %d, %s\n' "$1" "$LAB_MODEL" "$2" "$3" "${4#\{}"
}

ways_measure() { # way...
	local storage round p way
	for storage in $STORAGE; do
		prepare "$storage"
		lab_attach "$storage"
		for round in $(seq "$ROUNDS"); do
			for p in "${measured[@]:?}"; do
				for way; do
					measure_say "$storage $p: $way, round $round of $ROUNDS"
					launch "$p" "$way" "$round" >>"$LAB/results"
				done
			done
		done
		lab_wait_unused
		lab_detach || lab_die "something still uses the root"
		echo "$storage: $SECONDS s" >&2
	done
	measure_say
	[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
}
