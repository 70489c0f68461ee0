#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a profile inside of a program gains, against the same one as installed JSON that was compiled: `elfcast
# run` of the same file in the same root, on modelled disks, truly cold but for elfcast itself. With "json" the root
# has the compiled profiles, with "embedded" it has nothing but the program. Each way in turn.
#
#   PROGRAMS="perl git gdb"   of those that make bench has, and that are not launched by a link
#   AS=65534                  launched by this user, who may not read the file system's own blocks; else by root
#   STORAGE="net:1000:3000:125 sd:1500:60 hdd"  ROUNDS=5  OUT=FILE (JSON lines)
#
# Ends with one line a disk: "result: DISK … embedded takes N of the time of json, gains N of what that gains".
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
. "$TOP/tests/lab/ways.sh"
# shellcheck disable=SC2034 # of lab.sh
LAB_UID=${AS:-}
: "${PROGRAMS:=perl git gdb}" "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd}" "${ROUNDS:=5}"

lab_build || lab_die "the build failed"
lab_has_fuse || lab_die "no modelled disk here: it takes /dev/fuse and libfuse3"
lab_begin
measured=()
for p in $PROGRAMS; do
	why=$(lab_lacks "$p")
	if [ -z "$why" ]; then measured+=("$p"); else echo "not measured: $p: $why" >&2; fi
done
[ ${#measured[@]} -gt 0 ] || lab_die "nothing to measure"

# What was learned goes into the programs, and stays installed beside them.
embed() {
	local p b
	lab_attach plain rw
	for p in "${measured[@]}"; do
		b=$LAB_MNT$(lab_binary "$p")
		cp "$b" "$LAB/program" && "$BUILD/elfcast" embed -q "$LAB/program" "$LAB/lab.$p.json" &&
			install -m 755 "$LAB/program" "$b" || lab_die "cannot embed into $p"
	done
	lab_detach || lab_die "something still uses the root"
}

# elfcast and what it loads are in memory where it is used, and so they are here.
warm_elfcast() {
	local f
	for f in "$LAB_MNT/usr/bin/elfcast" $(echo "$BUILD/elfcast" | lab_libraries); do
		[ ! -f "$LAB_MNT/$f" ] || cat "$LAB_MNT/$f"
		[ ! -f "$f" ] || case $f in "$LAB_MNT"/*) cat "$f" ;; esac
	done >/dev/null
}

prepare() { measure_compile "$1"; }

launch() { # program way round
	local line
	# Its helper may not have ended.
	lab_wait_unused
	lab_cold
	warm_elfcast
	lab_launch_words "$1"
	if [ "$2" = cold ]; then
		# shellcheck disable=SC2034 # of root.sh
		LAB_COMMANDS[way]=${LAB_CMD[*]@Q}
	else
		LAB_COMMANDS[way]="/usr/bin/elfcast run -- ${LAB_CMD[*]@Q}"
	fi
	[ "$2" != embedded ] || mount -t tmpfs -o mode=755 tmpfs "$LAB_MNT/var/lib/elfcast" || lab_die "cannot mount a tmpfs"
	line=$(lab_launch way) || lab_die "launch of '$1' failed ($2)"
	ways_line "$@" "$line"
}

measure_say "making the root"
lab_make "${measured[@]}"
measure_train "${measured[@]}"
embed
ways_measure cold json embedded
PYTHONPATH=$TOP/tests/lab /usr/bin/python3 - "$LAB/results" <<'EOF'
import statistics, sys, ways
for storage, programs in ways.read(sys.argv[1]).items():
    all_times, all_gains = [], []
    for p, by_way in programs.items():
        cold, as_json, embedded = (by_way[way] for way in ("cold", "json", "embedded"))
        times = [e / j for e, j in zip(embedded, as_json)]
        gains = [(c - e) / (c - j) for c, e, j in zip(cold, embedded, as_json) if c > j]
        all_times += times
        all_gains += gains
        print("%-20s%-10scold %-20sjson %-20sembedded %-20sof json's time %.3f, of its gain %s" % (
            storage, p, ways.shown(cold), ways.shown(as_json), ways.shown(embedded), statistics.median(times),
            "%.3f" % statistics.median(gains) if gains else "-"))
    print("result: %s: embedded takes %.3f of the time of json, gains %s of what that gains (medians of %d launches)" % (
        storage, statistics.median(all_times), "%.3f" % statistics.median(all_gains) if all_gains else "-",
        len(all_times)))
EOF
