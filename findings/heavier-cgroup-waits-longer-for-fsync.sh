#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who gives a group of processes more of the processors has its fsync(2) take longer. ext4 commits in a kernel thread of its own
# (jbd2/DEVICE), which is in the root of the cpu controller and weighs as much as one process there: next to a group with 256 times that, busy
# on all processors, it is woken, and runs when the group leaves it something. The process that called fsync(2) belongs to the
# group and waits for it, as everybody else does who needs the same commit. So a weight that is to protect a benchmark, a
# database or a boot from the rest of the machine slows down what in it writes: journald was traced to wait 88 ms for one.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
loop 64M mkfs.ext4 -q -F
for at in /sys/fs/cgroup/cpu:cpu.shares:1024:262144 /sys/fs/cgroup:cpu.weight:100:10000; do
	IFS=: read -r root file usual heavy <<<"$at"
	group=$root/elfcast-finding.$$
	mkdir "$group" 2>/dev/null || continue
	later "rmdir '$group'"
	[ -e "$group/$file" ] && break
	group=
done
[ -n "${group:-}" ] || cannot "no cpu controller"
cat >sync.py <<'P'
import os, statistics, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
took = []
for i in range(40):
    os.pwrite(fd, b"x" * 4096, i * 4096)
    began = time.monotonic()
    os.fsync(fd)
    took.append(time.monotonic() - began)
print(round(statistics.mean(took) * 1e6))
P
look() { # WEIGHT: us an fsync takes in the group, all of whose processors are busy
	local pids=() i
	echo "$1" >"$group/$file"
	for ((i = 0; i < 2 * $(nproc); i++)); do
		(
			echo "$BASHPID" >"$group/cgroup.procs"
			while :; do :; done
		) &
		pids+=($!)
	done
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec python3 sync.py "$T/mnt/file"
	)
	kill "${pids[@]}"
	wait "${pids[@]}" 2>/dev/null
}
usual_us=$(look $usual) heavy_us=$(look $heavy)
[ $((heavy_us)) -ge $((usual_us * 3 / 2)) ] && tell="longer with the larger weight" || tell="no longer: $usual_us us, $heavy_us us"
echo "         $usual_us us with $file $usual, $heavy_us us with $heavy"
seen "$(kernel), ext4" "40 times 4 KiB and fsync(2) in a group that keeps all processors busy, with two weights" \
	"longer with the larger weight" "$tell"
