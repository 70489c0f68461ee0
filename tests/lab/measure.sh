# shellcheck shell=bash disable=SC2034 # variables of those who source this
# SPDX-License-Identifier: LGPL-2.1-or-later
# Measuring launches in the lab: cold, prefetched before, started together, seen by a watcher, warm. Sourced
# after lab.sh; results are JSON lines, read by table.py.
: "${LAB_MNT?}"
MEASURE_MODES=${MEASURE_MODES:-cold warm before together} # warm only right after cold
MEASURE_HUGE_KB=4096
LAB_STALE=var/lib/elfcast-stale
LAB_OLD=var/lib/elfcast-old # what a build in $OLD has compiled, if there is one
# As lab-launch does for what it starts: before what else runs here.
MEASURE_FIRST=(chrt -r 1)
"${MEASURE_FIRST[@]}" true 2>/dev/null || MEASURE_FIRST=()

measure_say() { # progress, for people
	if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; fi
}

# Learn on the image itself, mounted writable, and install what was learned.
measure_train() { # program...
	local p profiles=$LAB_MNT/usr/share/elfcast/profiles.d
	lab_attach plain rw
	for p in "$@"; do
		measure_say "training $p"
		lab_make_state "$p"
		lab_fresh_tmp "$p"
		lab_launch_words "$p"
		# The launches here end by themselves, under the tracer later than after 4 s.
		lab_chroot /usr/bin/elfcast train --as-root -n "${TRAIN_RUNS:-2}" --until-exit \
			-o /tmp/profile.json -- "${LAB_CMD[@]}" || lab_die "train of '$p' failed"
		install -m 644 "$LAB_MNT/tmp/profile.json" "$profiles/lab.$p.json"
		cp "$LAB_MNT/tmp/profile.json" "$LAB/lab.$p.json"
	done
	lab_detach || lab_die "something still uses the root"
	measure_say
}

# What elfcast would find out on a real disk of that kind; below a loop device it cannot.
measure_class() { # model
	if lab_is_readonly_kind "$LAB_KIND"; then
		echo image
		return
	fi
	case $1 in
	net:*) echo network ;;
	hdd) echo rotational ;;
	*) echo flash ;;
	esac
}

# Compressed images carry their shadows, compiled when they were made (image.sh); a watcher of one
# has what is compiled here.
measure_compile() { # model
	measure_say "compiling"
	if lab_is_readonly_kind "$LAB_KIND"; then
		lab_attach plain
		mount -t tmpfs -o mode=755 tmpfs "$LAB_MNT/var/lib/elfcast" || lab_die "cannot mount a tmpfs"
	else
		lab_attach plain rw
	fi
	if [ -n "${OLD:-}" ]; then
		measure_compile_with "$OLD/build/elfcast" "$1"
		rm -rf "${LAB_MNT:?}/$LAB_OLD" && mv "$LAB_MNT/var/lib/elfcast" "$LAB_MNT/$LAB_OLD" &&
			mkdir "$LAB_MNT/var/lib/elfcast" || lab_die "cannot keep what $OLD compiles"
	fi
	measure_compile_with "$BUILD/elfcast" "$1"
	rm -rf "$LAB/watched" && cp -a "$LAB_MNT/var/lib/elfcast" "$LAB/watched"
	lab_detach || lab_die "something still uses the root"
}

measure_compile_with() { # elfcast model
	"$1" compile --root "$LAB_MNT" --storage "$(measure_class "$2")" >"$LAB/compile.log" 2>&1 || {
		cat "$LAB/compile.log" >&2
		lab_die "compile failed: $1"
	}
}

# Reads and sectors that the block layer asked of the disk so far.
measure_io() {
	awk '{ print $1, $3 }' "/sys/block/${LAB_LOOP#/dev/}/stat"
}

# What is read before the launch in MODE, if anything.
measure_read_before() { # program mode
	local r=0
	case $2 in
	before)
		"${MEASURE_FIRST[@]}" "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" \
			"$(lab_binary "$1")" \
			>"$LAB/before.log" 2>&1 || r=1
		;;
	whole)
		sed "s,^,$LAB_MNT," "$LAB/objects.$1" |
			"${MEASURE_FIRST[@]}" xargs -d '\n' vmtouch -q -t >"$LAB/before.log" 2>&1 || r=1
		;;
	esac
	[ $r = 0 ] || lab_die "reading before '$1' failed ($2): $(tail -n 3 "$LAB/before.log")"
}

# The command that starts in the same moment in MODE, in $companion.
measure_companion() { # program mode
	companion=("$BUILD/elfcast" prefetch -q --root "$LAB_MNT")
	case $2 in
	together) companion+=("$(lab_binary "$1")") ;;
	old)
		companion[0]=$OLD/build/elfcast
		companion+=("$(lab_binary "$1")")
		;;
	stale) companion+=("--shadow=$LAB_MNT/$LAB_STALE/$1") ;;
	other) companion+=("$(lab_binary "$(measure_other "$1")")") ;;
	*) companion=() ;;
	esac
}

# A watcher of the root, which is not written to: what it writes goes to a tmpfs.
measure_watch() {
	local d
	for d in run var/lib/elfcast; do
		mount -t tmpfs -o mode=755 tmpfs "$LAB_MNT/$d" || lab_die "cannot mount a tmpfs"
	done
	cp -a "$LAB/watched/." "$LAB_MNT/var/lib/elfcast/"
	"${MEASURE_FIRST[@]}" "$BUILD/elfcastd" --root="$LAB_MNT" 2>"$LAB/watch.log" &
	MEASURE_WATCHER=$!
	until grep -qs "^pid $MEASURE_WATCHER\$" "$LAB_MNT/run/elfcast/watch" &&
		grep -q '^programs [1-9]' "$LAB_MNT/run/elfcast/watch"; do
		kill -0 "$MEASURE_WATCHER" 2>/dev/null ||
			lab_die "the watcher does not start: $(tail -n 3 "$LAB/watch.log")"
		read -r -t 0.01 <>"$LAB/never"
	done
}

measure_unwatch() { # it must have read ahead, or that would be another experiment
	kill "$MEASURE_WATCHER"
	wait "$MEASURE_WATCHER" 2>/dev/null
	grep -q '^read [1-9]' "$LAB_MNT/run/elfcast/watch" || lab_die "the watcher read nothing"
	umount "$LAB_MNT/run" "$LAB_MNT/var/lib/elfcast" || lab_die "something still uses the watcher's files"
}

# One launch, one line: who, where, how, what it cost, how long the disk was busy for it (by its
# own clock, on which nothing else that runs here has an influence), what was read meanwhile.
measure_launch() { # program mode round
	local program=$1 mode=$2 round=$3 line io0 io1 t0 t1 busy_us companion
	measure_companion "$program" "${mode%-kernel}"
	[ "${mode%-kernel}" != exec ] || measure_watch
	if [ "${mode%-kernel}" = old ]; then
		mount --bind "$LAB_MNT/$LAB_OLD" "$LAB_MNT/var/lib/elfcast" || lab_die "cannot mount the other build's shadows"
	fi
	# shellcheck disable=SC2207 # two numbers
	io0=($(measure_io))
	t0=${EPOCHREALTIME/[.,]/}
	measure_read_before "$program" "${mode%-kernel}"
	t1=${EPOCHREALTIME/[.,]/}
	busy_us=$(lab_stat busy_us)
	line=$(LAB_MAY_FAIL=${companion:+$([ "$mode" != stale ] || echo 1)} \
		lab_launch "$program" "${companion[@]}") ||
		lab_die "launch of '$program' failed ($mode): $line"
	busy_us=$(($(lab_stat busy_us) - busy_us))
	# shellcheck disable=SC2207
	io1=($(measure_io))
	[ "${mode%-kernel}" != exec ] || measure_unwatch
	[ "${mode%-kernel}" != old ] || umount "$LAB_MNT/var/lib/elfcast" || lab_die "something still uses the shadows"
	printf '{"program": "%s", "command": "%s", "kind": "%s", "storage": "%s", ' "$program" \
		"${LAB_SHOWN//\"/\\\"}" "$LAB_KIND" "$LAB_MODEL"
	printf '"mode": "%s", "round": %d, "before_us": %d, "disk_us": %d, "requests": %d, "pages": %d, %s\n' \
		"$mode" "$round" $((t1 - t0)) "$busy_us" $((io1[0] - io0[0])) $(((io1[1] - io0[1]) / 8)) \
		"${line#\{}"
}

# COMMAND prints one launch as measured. It is repeated when the machine took pages away
# from the page cache meanwhile ("refaults"): the one with the fewest counts, and how many
# there were is in its line.
measure_undisturbed() { # command...
	local line best='' least='' n tries
	for tries in 1 2 3 4; do
		"$@" >"$LAB/line" || return 1
		line=$(<"$LAB/line")
		n=${line##*'"refaults": '} n=${n%%[!0-9]*}
		if [ -z "$best" ] || [ "$n" -lt "$least" ]; then best=$line least=$n; fi
		[ "$least" -gt 0 ] || break
	done
	printf '%s, "tries": %d}\n' "${best%\}}" "$tries"
}

# MODE-kernel: with the read-ahead that the kernel chooses for such a disk by itself.
measure_from_cold() { # program mode round
	case $2 in
	huge) LAB_RA_KB=$MEASURE_HUGE_KB ;;
	*-kernel) LAB_RA_KB=kernel ;;
	esac
	[ "$2" = warm ] || lab_cold
	LAB_RA_KB=128
	measure_launch "$@"
}

# Cold, then warm: nothing is evicted in between. Every other way from cold again. All in
# turn, so that what changes over time hits all of them.
measure_round() { # program round
	local mode
	lab_launch_words "$1"
	for mode in $MEASURE_MODES; do
		measure_say "${MEASURE_LABEL:-$LAB_KIND $LAB_MODEL} $1: $mode, round $2${ROUNDS:+ of $ROUNDS}"
		measure_undisturbed measure_from_cold "$1" "$mode" "$2"
	done
}

# All rounds on one disk.
measure() { # storage rounds program...
	local storage=$1 rounds=$2 round p
	shift 2
	measure_compile "$storage"
	lab_attach "$storage"
	for p in "$@"; do
		for round in $(seq "$rounds"); do
			measure_round "$p" "$round"
		done
	done
	lab_detach || lab_die "something still uses the root"
	measure_say
}
