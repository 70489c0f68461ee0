#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each way to record a launch, on each file system, held against an oracle that shares no code with
# it: the page cache of a private, cold mount without read-ahead after one launch, by mincore(2).
# A table for the kernel that runs this, one line each; kernels.sh has it from others.
#   uffd        elfcast train, where all is cached already, and the kernel has it (Linux 6.7)
#   collapsed   the same, where the program's file was collapsed into huge pages before, which is
#               what khugepaged does
#   pte         train --method=pte, which is root's where there is no such userfaultfd, where all is cached
#               already, and faults map single pages (before Linux 6.18)
#   pagemap     what train falls back to where there is no such userfaultfd, where all is cached
#               already: told, not held to anything
#   exit        train --method=exit, where all is cached already
#   residency   train --method=residency, with read-ahead of 128 KiB
#   system      train --system's recorder (--method=filemap), cold, while others run
#   faults      the same, light: what fault-around maps along is guessed
# At last a line for each of them: the median and the worst of all programs, and how much longer a
# launch of 20 ms and more takes that is recorded, from its execution to its end, where it is the launch
# that is slowed. uffd, pte and system are held to a floor.
#
# LAB_UID=65534: nobody runs the program and records it.
#
# Usage: tests/matrix/methods.sh [PROGRAM...]; KINDS="ext4 xfs btrfs"; METHODS="uffd exit"; LIST=1 names the
# pages that differ. Takes some ten minutes; needs what the lab needs. `all`: all bench programs; `more`: twenty.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"
[ "$(id -u)" = 0 ] || lab_die "needs root"
# Not below /tmp and its like, of which nothing is recorded.
TMPDIR=${ELFCAST_LAB_DIR:-$(mktemp -d /var/lib/elfcast-test-XXXXXX)} || exit 1
export TMPDIR ELFCAST_LAB_DIR=$TMPDIR
lab_enter "$@"
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- ${PROGRAMS:-perl git}
methods=${METHODS:-uffd collapsed pte pagemap exit residency system faults}

bad=0
say() {
	echo "$1 - $kind $p $method${2:+ # SKIP $2}"
	[ "$1" = ok ] || bad=1
}
truth() {
	lab_cold
	lab_launch "$p" >"$LAB/launch.json" && "$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/truth" && [ -s "$LAB/truth" ]
}
warm() { find "$LAB_MNT" -xdev -type f -exec cat {} + >/dev/null; }
train() { # options
	lab_fresh_tmp "$p" &&
		"$BUILD/tests/lab-launch" -v -t 600 -r "$LAB_MNT" -d /work ${LAB_UID:+-u "$LAB_UID"} -- \
			/usr/bin/elfcast train --until-exit -n 1 "$@" -o /tmp/profile.json -- "${LAB_CMD[@]}" >&2 &&
		cp "$LAB_MNT/tmp/profile.json" "$LAB/found.json"
}
# What elfcast-train(1) says of x86-64: without, it is pte.
has_uffd() { printf '%s\n' 6.7 "$kernel" | sort -CV; }
trace() { # trace-launch's options
	lab_fresh_tmp "$p"
	"$BUILD/tests/trace-launch" "$@" "$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -- "${LAB_CMD[@]}" \
		>"$LAB/out" && /usr/bin/python3 "$TOP/tests/lab/traced.py" "$LAB_MNT" "$LAB/out" >"$LAB/found.json"
}
# As disks have it, else: not at all.
residency() {
	local r
	LAB_RA_KB=128
	lab_cold
	train --method=residency
	r=$?
	LAB_RA_KB=0
	lab_cold
	return $r
}
system() { # -l
	lab_cold
	trace -s "$@" -w 120000
	case $? in
	0) grep -qx '# lost 0' "$LAB/out" ;;
	*) ! grep -qE 'No such device|Operation not permitted' "$LAB/log" || return 3 ;;
	esac
}
# With what did it end? 3: this cannot be had here.
record() {
	case $method in
	uffd)
		has_uffd || return 3
		warm && train && grep -q '"method": *"uffd"' "$LAB/found.json"
		;;
	collapsed)
		has_uffd || return 3
		warm
		"$BUILD/tests/trace-touch" collapse "$LAB_MNT$(readlink -f "${LAB_CMD[0]}")" || return 3
		train
		;;
	pte)
		[ -z "${LAB_UID:-}" ] && ! printf '%s\n' 6.18 "$kernel" | sort -CV || return 3
		warm && train --method=pte && grep -q '"method": *"pte"' "$LAB/found.json"
		;;
	pagemap) warm && trace -p ;;
	exit) warm && train --method=exit ;;
	residency) residency ;;
	system) system ;;
	faults) system -l ;;
	esac 2>"$LAB/log"
}
hold() {
	local floor r
	case $method in system) floor=0.98 ;; uffd | collapsed | pte) floor=0.99 ;; *) floor=0 ;; esac
	record
	r=$?
	if [ $r = 3 ]; then
		say ok "not with this kernel and file system"
	elif [ $r != 0 ]; then
		tail -n 5 "$LAB/log" | sed 's/^/# /'
		say "not ok"
	elif /usr/bin/python3 "$TOP/tests/lab/compare.py" "$kernel $kind $p $method" "$LAB_MNT" "$LAB/truth" \
		"$LAB/found.json" --floor=$floor ${LIST:+--list} | tee "$LAB/compared"; then
		say ok
	else
		say "not ok"
	fi
	[ $r != 0 ] || sed -n 's/^# table: //p' "$LAB/compared" >>"$LAB/table"
}
# How much longer it takes: five pairs; or five launches, and five while the system is recorded.
slow() {
	local how
	lab_fresh_tmp "$p"
	case $method in
	uffd) how= ;;
	pagemap) how=-p ;;
	exit) how=-e ;;
	system | faults)
		slow_system
		return
		;;
	*) return ;;
	esac
	# shellcheck disable=SC2086 # none or one
	"$BUILD/tests/trace-bench" -n 5 $how "$method" "$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -- \
		"${LAB_CMD[@]}" >>"$LAB/times"
}
slow_system() {
	local launch=("$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work -- "${LAB_CMD[@]}") i how=()
	[ "$method" = system ] || how=(-l)
	"${launch[@]}" >"$LAB/launch.json"
	for i in 1 2 3 4 5; do "${launch[@]}"; done >"$LAB/plain"
	# shellcheck disable=SC2016 # for the inner shell
	"$BUILD/tests/trace-launch" -s "${how[@]}" -w 120000 /bin/sh -c 'for i in 1 2 3 4 5; do "$@"; done >"$0"' \
		"$LAB/recorded" "${launch[@]}" >"$LAB/out"
	/usr/bin/python3 -c 'import json, statistics, sys
a, b = (statistics.median(json.loads(l)["wall_us"] / 1000 for l in open(f)) for f in sys.argv[2:])
print(sys.argv[1], a, b, b / a, b, b / a)' "$method" "$LAB/plain" "$LAB/recorded" >>"$LAB/times"
}
summary() {
	/usr/bin/python3 - "$LAB/table" "$LAB/times" <<-'PY'
		import statistics, sys
		table, slow = ([l.split() for l in open(f)] for f in sys.argv[1:])
		print("# all: method      n  precision (worst)   recall (worst)  slowdown")
		for m in dict.fromkeys(l[3] for l in table):
		    p, r = ([float(l[i]) for l in table if l[3] == m] for i in (6, 7))
		    s = [float(l[5]) for l in slow if l[0] == m and float(l[1]) >= 20]
		    print(f"# all: {m:<10} {len(p):3}  {statistics.median(p):7.3f}  ({min(p):.3f})  "
		          f"{statistics.median(r):7.3f}  ({min(r):.3f})  " + (f"{statistics.median(s):.2f}" if s else "-"))
	PY
}

set -o pipefail
lab_take lab
case " $methods " in *" system "* | *" faults "*) lab_take tracefs ;; esac
lab_begin
trap 'lab_end; rmdir "$TMPDIR"' EXIT
kernel=$(uname -r) kernel=${kernel%%-*}
programs=()
for p; do
	case $p in
	all) for b in $LAB_ALL; do [ -n "$(lab_lacks "$b")" ] || programs+=("$b"); done ;;
	more) mapfile -t -O ${#programs[@]} programs < <(lab_more 20) ;;
	*) programs+=("$p") ;;
	esac
done
set -- "${programs[@]}"
lab_make "$@"
LAB_RA_KB=0
touch "$LAB/table" "$LAB/times"
echo "# table: kernel kind program method   needed  found  precision  recall"
for kind in ${KINDS:-ext4 xfs btrfs}; do
	p=- method=-
	why=$(lab_kind_lacks "$kind")
	[ -z "$why" ] || { say ok "$why" && continue; }
	lab_kind "$kind"
	lab_attach plain
	for p; do
		lab_launch_words "$p"
		truth || { method=oracle && say "not ok" && continue; }
		for method in $methods; do hold && slow; done
	done
	lab_detach
done
summary
exit $bad
