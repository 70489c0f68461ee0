# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Measuring launches in the lab: cold, prefetched before, started together, warm. Sourced
# after lab.sh; results are JSON lines, read by table.py.
: "${LAB_MNT?}"

measure_say() { # progress, for people
	if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; fi
}

# Learn on the image itself, mounted writable, and install what was learned.
measure_train() { # program...
	local p profiles=$LAB_MNT/usr/share/elfcast/profiles.d
	lab_attach plain rw
	for p in "$@"; do
		measure_say "training $p"
		lab_launch_words "$p"
		lab_chroot /usr/bin/elfcast train -n "${TRAIN_RUNS:-2}" -o /tmp/profile.json -- \
			"${LAB_CMD[@]}" || lab_die "train of '$p' failed"
		install -m 644 "$LAB_MNT/tmp/profile.json" "$profiles/lab.$p.json"
	done
	lab_detach || lab_die "something still uses the root"
	measure_say
}

# What elfcast would find out on a real disk of that kind; below a loop device it cannot.
measure_class() { # model
	case $1 in
	net:*) echo network ;;
	hdd) echo rotational ;;
	*) echo flash ;;
	esac
}

measure_compile() { # model
	measure_say "compiling"
	lab_attach plain rw
	"$BUILD/elfcast" compile --root "$LAB_MNT" --storage "$(measure_class "$1")" \
		>"$LAB/compile.log" 2>&1 || {
		cat "$LAB/compile.log" >&2
		lab_die "compile failed"
	}
	lab_detach || lab_die "something still uses the root"
}

# Reads and sectors that the block layer asked of the disk so far.
measure_io() {
	awk '{ print $1, $3 }' "/sys/block/${LAB_LOOP#/dev/}/stat"
}

# One launch, one line: who, where, how, what it cost, what was read meanwhile.
measure_launch() { # program mode round [companion word...]
	local program=$1 mode=$2 round=$3 line io0 io1
	shift 3
	# shellcheck disable=SC2207 # two numbers
	io0=($(measure_io))
	if [ "$mode" = before ]; then
		"$BUILD/elfcast" prefetch -q --root "$LAB_MNT" "${LAB_CMD[0]}" >"$LAB/prefetch.log" 2>&1 || {
			cat "$LAB/prefetch.log" >&2
			lab_die "prefetch failed"
		}
	fi
	line=$(lab_launch "$program" "$@") || lab_die "launch of '$program' failed ($mode): $line"
	# shellcheck disable=SC2207
	io1=($(measure_io))
	printf '{"program": "%s", "command": "%s", "storage": "%s", "mode": "%s", "round": %d, ' \
		"$program" "$LAB_SHOWN" "$LAB_MODEL" "$mode" "$round"
	printf '"requests": %d, "pages": %d, %s\n' $((io1[0] - io0[0])) $(((io1[1] - io0[1]) / 8)) \
		"${line#\{}"
}

# The four ways in turn, so that what changes over time hits all of them. Warm follows cold:
# nothing is evicted in between.
measure_round() { # program round
	lab_launch_words "$1"
	measure_say "${MEASURE_LABEL:-$LAB_MODEL} $1: round $2${ROUNDS:+ of $ROUNDS}"
	lab_cold
	measure_launch "$1" cold "$2"
	measure_launch "$1" warm "$2"
	lab_cold
	measure_launch "$1" before "$2"
	lab_cold
	measure_launch "$1" together "$2" "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" \
		"${LAB_CMD[0]}"
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
