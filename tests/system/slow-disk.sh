#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab
# takes: 95 s
# The lab itself: the modelled disk serves the right bytes, at the modelled speed, in whole
# requests; cold is cold; a busy machine moves nothing; an interrupted run leaves nothing behind.
#
# Usage: tests/system/slow-disk.sh [PROGRAM...]: whose launches are compared, git
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/lab/lab.sh"

skip() {
	echo "ok - the modelled disk # SKIP $*"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root"
[ -c /dev/fuse ] || skip "needs FUSE"
[ -z "${ELFCAST_SANITIZED:-}" ] || skip "the lab is not sanitized; the other build ran this"

# A lab that waits to be interrupted; started by interrupt_at below.
if [ "${1:-}" = --victim ]; then
	lab_enter "$@"
	lab_begin
	echo "begun $LAB"
	lab_make git
	echo made
	lab_attach sd:1500:60
	echo attached
	while lab_launch git >/dev/null && lab_cold; do :; done
	exit 1
fi

programs=${*:-git}
make -s -C "$TOP" BUILD=build lab >/dev/null 2>&1 || skip "needs libfuse3 to build the disk"
lab_enter "$@"
# shellcheck disable=SC2034 # of lab.sh
LAB_SLOWDISK=$TOP/build/lab/slowdisk
n_bad=0
first=(chrt -r 1) # as the launches: before what else runs here
"${first[@]}" true 2>/dev/null || first=()

check() { # name command...
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		n_bad=$((n_bad + 1))
	fi
}

# A loop device on MODEL without a file system.
raw_disk() {
	LAB_MODEL=$1
	lab_start_server "$1"
	lab_attach_loop
	lab_reset_stats
}

# Microseconds that COUNT reads of BYTES each take, one after the other, in $took_us.
timed_reads() { # bytes count
	local t0=${EPOCHREALTIME/[.,]/}
	"${first[@]}" dd if="$LAB_LOOP" of=/dev/null bs="$1" count="$2" iflag=direct status=none
	took_us=$((${EPOCHREALTIME/[.,]/} - t0))
}

# The disk is busy as long as the model says, by its own clock; who reads never waits less than
# that and the latency. How much more depends on what else runs here.
model_takes() { # bytes count busy_us latency_us
	local busy_us
	lab_reset_stats
	timed_reads "$1" "$2"
	busy_us=$(lab_stat busy_us)
	echo "# $LAB_MODEL: $2 reads of $1 bytes: $took_us us, busy $busy_us us, modelled $3 us + $4 us"
	[ "$took_us" -ge $(($3 + $4)) ] && [ $((busy_us / $2)) = $(($3 / $2)) ]
}

whole_requests() { # bytes count
	lab_reset_stats
	timed_reads "$1" "$2"
	[ "$(lab_stat requests)" = "$2" ] && [ "$(lab_stat max_bytes)" = "$1" ] &&
		[ "$(lab_stat bytes)" = $(($1 * $2)) ]
}

hdd_seeks() {
	local near far t0
	dd if="$LAB_LOOP" of=/dev/null bs=4k count=50 iflag=direct status=none # the head is at 0
	lab_reset_stats
	timed_reads 4k 50
	near=$(lab_stat busy_us)
	lab_reset_stats
	t0=${EPOCHREALTIME/[.,]/}
	for i in $(seq 25); do
		dd if="$LAB_LOOP" of=/dev/null bs=4k count=1 skip=$((i % 2 * 16000)) iflag=direct \
			status=none
	done
	took_us=$((${EPOCHREALTIME/[.,]/} - t0))
	far=$(lab_stat busy_us)
	echo "# hdd: 50 reads in a row $near us, 25 across the disk $far us, which took $took_us us"
	[ "$took_us" -ge "$far" ] || return 1
	# half a turn and nearly a full stroke each, less than 1/3 of that in a row
	[ "$far" -ge $((24 * 15000)) ] && [ "$near" -lt $((far / 3)) ]
}

# What disks.py says that the best time is, in us: for pages that are requests of their own,
# and for pages that are read faster with what lies between them.
best_us() { # model extents
	/usr/bin/python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); import disks
print(round(disks.best_time_s(sys.argv[2], eval(sys.argv[3]), 1000000) * 1e6))' \
		"$TOP/tests/lab" "$1" "$2"
}
best_is() { # model extents us
	local got
	got=$(best_us "$1" "$2")
	[ "$got" = "$3" ] || echo "# $1: $got us, not $3 us"
	[ "$got" = "$3" ]
}
scattered='[(1000 * i, 1) for i in range(200)]'
every_other='[(2 * i, 1) for i in range(200)]'
check "limit: sd, scattered pages" best_is sd:1500:60 "$scattered" $((200 * 2000 / 3))
# A request of 11 pages, 6 of them needed, is the shortest that transfers longer than a slot
# takes: 95 s
check "limit: sd, every other page" best_is sd:1500:60 "$every_other" $(((399 - 32) * 4096 / 60 + 1))
check "limit: net, scattered pages" best_is net:1000:3000:125 "$scattered" $((1000 + 200 * 1000 / 3 + 1))
check "limit: net, every other page" best_is net:1000:3000:125 "$every_other" $((1000 + (399 - 32) * 4096 / 125 + 1))
# half a turn, 1 ms, and 14 ms more for the way: a quarter of the disk is half of that
check "limit: hdd, two pages" best_is hdd '[(0, 1), (250001, 1)]' $((2 * 5170 + 7000 + 2 * 4096 / 120))
check "limit: hdd, every other page" best_is hdd "$every_other" $((5170 + 399 * 4096 / 120))
check "limit: ram" best_is ram "$scattered" 0

lab_begin
head -c 67108864 /dev/urandom >"$LAB/disk.img"
raw_disk ram
check "the disk holds the bytes of its file" cmp "$LAB_LOOP" "$LAB/disk.img"
check "requests of 4096 bytes arrive whole" whole_requests 4096 200
check "requests of 131072 bytes arrive whole" whole_requests 131072 100
lab_detach
# LAB_MODE: a loop device that may be written to.
LAB_MODE=rw raw_disk ram
sum=$(sha256sum <"$LAB/disk.img")
head -c 8192 /dev/zero >"$LAB/zeros"
keeps_writes() {
	dd if="$LAB/zeros" of="$LAB_LOOP" bs=4k seek=5 oflag=direct conv=notrunc status=none &&
		cmp -n 8192 -i 20480:0 "$LAB_LOOP" "$LAB/zeros" &&
		cmp -n 20480 "$LAB_LOOP" "$LAB/disk.img" && cmp -i 28672 "$LAB_LOOP" "$LAB/disk.img"
}
check "what is written is on the disk" keeps_writes
check "and not in its file" test "$sum" = "$(sha256sum <"$LAB/disk.img")"
changed_model() {
	echo sd:1500:60 >"$LAB/slow/stats" && model_takes 4096 200 $((200 * 666)) 0 &&
		! echo no-such >"$LAB/slow/stats"
}
check "the model can be changed" changed_model 2>/dev/null
lab_detach
raw_disk net:1000:3000:125
# one after the other: latency, and the larger of a slot and the transfer
check "net: 1 ms and one slot a request" model_takes 4096 200 $((200 * 333)) $((200 * 1000))
check "net: 128 KiB take their transfer" model_takes 131072 100 $((100 * 1048)) $((100 * 1000))
lab_detach
raw_disk sd:1500:60
check "sd: small requests are bound by IOPS" model_takes 4096 200 $((200 * 666)) 0
check "sd: large requests are bound by bandwidth" model_takes 131072 100 $((100 * 2184)) 0
lab_detach
raw_disk hdd
check "hdd: seeks cost, reading on does not" hdd_seeks
lab_detach
rm "$LAB/disk.img"

# ---- cold ----

# shellcheck disable=SC2046,SC2086 # words
lab_make $(printf '%s\n' git $programs | sort -u)
lab_attach ram

nothing_cached() {
	lab_cold
	[ -z "$("$BUILD/tests/lab-mincore" "$LAB_MNT")" ]
}
cached_after_launch() {
	lab_launch git >/dev/null && [ -n "$("$BUILD/tests/lab-mincore" "$LAB_MNT")" ]
}
check "a launch fills the cache" cached_after_launch
check "after lab_cold nothing is cached" nothing_cached
check "read-ahead is what was asked for" [ "$(cat "/sys/block/${LAB_LOOP#/dev/}/queue/read_ahead_kb")" = 128 ]

# ---- the same again ----

# Cold launches of PROGRAM; what each took, in us and sorted, in $wall; what the disk was busy
# with, the median, in $busy_us.
n_launches=5
cold_launches() { # program
	local line busy=()
	wall=()
	for ((i = 0; i < n_launches; i++)); do
		lab_cold
		line=$(lab_launch "$1") || return 1
		line=${line#*wall_us\": }
		wall+=("${line%%,*}")
		busy+=("$(lab_stat busy_us)")
	done
	mapfile -t wall < <(printf '%s\n' "${wall[@]}" | sort -n)
	busy_us=$(printf '%s\n' "${busy[@]}" | sort -n | sed -n $((n_launches / 2 + 1))p)
}
hogs=()
start_hogs() {
	local i
	for ((i = 0; i < $(nproc); i++)); do
		# Ends with us.
		setpriv --pdeathsig KILL sh -c 'while :; do :; done' &
		hogs+=($!)
	done
}
stop_hogs() {
	kill -KILL "${hogs[@]}"
	wait "${hogs[@]}" 2>/dev/null
	hogs=()
}
permille() { # a b: how much larger b is than a
	echo $((($2 - $1) * 1000 / $1))
}
percent() { # permille
	printf '%s%d.%d %%' "$([ "$1" -ge 0 ] || echo -)" $((${1#-} / 10)) $((${1#-} % 10))
}
# Not asserted, because this machine may be busy or idle as it likes: at most 5 % between five
# idle launches, at most 10 % between the medians. Asserted: the disk had as much to do.
with_hogs() { # model program
	local idle idle_busy_us m=$((n_launches / 2)) last=$((n_launches - 1)) label
	cold_launches "$2" || return 1
	idle=("${wall[@]}") idle_busy_us=$busy_us
	start_hogs
	cold_launches "$2"
	stop_hogs
	printf -v label '%-18s %-8s' "$1" "$2"
	printf '# table: %s %d times cold: %5d ms, spread %s; with hogs: %5d ms, spread %s; moves %s\n' \
		"$label" $n_launches $((idle[m] / 1000)) \
		"$(percent "$(permille "${idle[0]}" "${idle[last]}")")" $((wall[m] / 1000)) \
		"$(percent "$(permille "${wall[0]}" "${wall[last]}")")" \
		"$(percent "$(permille "${idle[m]}" "${wall[m]}")")"
	m=$(permille "$idle_busy_us" "$busy_us")
	[ "${m#-}" -le 100 ]
}
for model in net:1000:3000:125 sd:1500:60 hdd; do
	lab_detach
	lab_attach "$model"
	for program in $programs; do
		check "$model: $program, cold, with and without hogs" with_hogs "$model" "$program"
	done
done

# ---- nothing waits for a turn, and nothing keeps the right not to ----

workers_of_real_time() { # of the priority that the disk gives
	ps -e -o pid=,cls=,rtprio=,comm= | awk '$2 == "FF" && $3 == 9 && $4 ~ /^kworker/ { print $1 }'
}
promotes_workers() {
	lab_launch git >/dev/null && [ -n "$(workers_of_real_time)" ]
}
# The one who gives back is a child of the disk until that ends.
demotes_workers() { # command
	local keeper
	keeper=$(pgrep -P "$LAB_SERVER")
	[ -n "$keeper" ] && [ -n "$(workers_of_real_time)" ] || return 1
	"$@"
	timeout 20 tail --pid="$keeper" -f /dev/null
	! kill -0 "$keeper" 2>/dev/null || return 1
	# Another lab of this machine's gives them the priority again, and takes it back later.
	[ -z "$(workers_of_real_time)" ] || pgrep -x slowdisk >/dev/null
}
kill_disk() {
	kill -KILL "$LAB_SERVER"
	wait "$LAB_SERVER" 2>/dev/null
}
launches_in_real_time() {
	"$BUILD/tests/lab-launch" -v -- "$(command -v chrt)" -p 0 | grep -q SCHED_RR
}
if [ ${#first[@]} -gt 0 ]; then
	check "launches go before what else runs" launches_in_real_time
	check "workers that bring requests go before launches" promotes_workers
	check "workers are as they were when the disk ended" demotes_workers lab_detach
	lab_attach sd:1500:60
	promotes_workers
	check "workers are as they were when the disk was killed" demotes_workers kill_disk
	LAB_SERVER='' # dead
	lab_detach
	umount "$LAB/slow"
	lab_attach sd:1500:60
else
	echo "ok - real-time priority # SKIP not allowed here"
fi

# ---- image kinds ----

# The same tree on another file system: launched cold, every file as on ext4.
digest_root() {
	(cd "$LAB_MNT" && find . -xdev -type f ! -path './var/lib/elfcast/*' -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum) | sha256sum
}
other_kind() { # kind
	local r
	lab_kind "$1"
	lab_attach ram
	[ "$(stat -f -c %T "$LAB_MNT")" != ext2/ext3 ] && [ "$(digest_root)" = "$on_ext4" ] &&
		nothing_cached && cached_after_launch
	r=$?
	lab_detach
	rm -f "$LAB_IMAGE"
	return $r
}
lab_detach
lab_attach ram
on_ext4=$(digest_root)
lab_detach
for kind in xfs btrfs squashfs erofs; do
	why=$(lab_kind_lacks $kind)
	if [ -n "$why" ]; then
		echo "ok - the root on $kind # SKIP $why"
	else
		check "the root on $kind" other_kind $kind
	fi
done
lab_end

# ---- interrupted ----

ours() { # what an interrupted lab could leave
	losetup --noheadings --output NAME,BACK-FILE | grep -F "$1"
	grep -F "$1" /proc/1/mountinfo /proc/self/mountinfo
	ls -d "$1" 2>/dev/null
	pgrep -f "slowdisk .*$1"
}

interrupt_at() { # signal, state to wait for, then some more ms
	local signal=$1 line dir='' pid left i
	# As from a terminal: what a shell starts in the background ignores SIGINT for good.
	exec {fd}< <(exec env --default-signal=INT setsid "$0" --victim 2>/dev/null)
	pid=$!
	shift
	while read -r -t 60 line <&"$fd"; do
		case $line in 'begun '*) dir=${line#begun } ;; esac
		[ "${line%% *}" = "$1" ] && break
	done
	read -r -t "0.$2" line <&"$fd" # lets it work on: the points differ from run to run
	# A signal that comes while bash 5.2.15 parses a command substitution may be lost, one of some
	# hundred: "trap: unexpected EOF while looking for matching `)'", and the script goes on as if nothing had
	# been sent. So it is sent again; a clean-up that has begun ignores that.
	for ((i = 0; i < 9; i++)); do
		kill "-$signal" -- "-$pid" 2>/dev/null
		timeout 10 tail --pid="$pid" -f /dev/null && break
	done
	[ "$i" -lt 9 ] || kill -KILL -- "-$pid"
	exec {fd}<&-
	left=$(ours "$dir")
	[ -z "$left" ] || echo "$left" | sed 's/^/# left: /'
	[ -n "$dir" ] && [ -z "$left" ]
}
check "interrupted while the root is made" interrupt_at INT begun 3
check "interrupted while it is attached" interrupt_at INT made 01
check "interrupted in a launch" interrupt_at INT attached 4
check "terminated in a launch" interrupt_at TERM attached 2
exit $((n_bad > 0))
