#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# "Startup finished in ... (userspace)", systemd-analyze, and every time that is taken from UserspaceTimestamp begin when main()
# of systemd runs. By then the kernel has executed it and ld.so has read and relocated its libraries: from a cold SD card 0.3 s, from a
# hard disk 1 s, and more where somebody else reads first. That is in no phase that is shown: it lies between the kernel's and userspace's.
# Whoever makes a boot faster by reading in front of systemd moves time to where nobody looks. Seen here with the manager of a user,
# whose program is the same, and a library that takes a second to be loaded; on a machine, process 1 is.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
systemd=/usr/lib/systemd/systemd
[ -x $systemd ] || cannot "no systemd"
cat >slow.c <<'C'
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void as_from_a_slow_disk(void) { unsetenv("LD_PRELOAD"); sleep(1); }
C
gcc -shared -fPIC -o slow.so slow.c || cannot "no C compiler"
# A manager takes the cgroup that it finds itself in for its own, and moves all that is in it into a scope: one for it alone.
groups=()
while IFS=: read -r _ names path; do
	for at in "/sys/fs/cgroup/${names#name=}" /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ -w "$at$path/cgroup.procs" ] || continue
		group=$at${path%/}/elfcast-finding.$$
		mkdir "$group" || cannot "no cgroup in $at"
		later "find '$group' -depth -type d -exec rmdir {} +"
		groups+=("$group")
		break
	done
done </proc/self/cgroup
[ ${#groups[@]} -gt 0 ] || cannot "no cgroups"
look() { # LIBRARY
	(
		# Not into a cpuset, which is empty.
		for group in "${groups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done 2>/dev/null
		exec unshare -m --propagation private bash "$T/look" "$1" $systemd
	)
}
cat >look <<'S'
mount -t tmpfs look /run && mkdir -p /run/systemd/system /run/user && chmod 700 /run/user || exit
export XDG_RUNTIME_DIR=/run/user
LD_PRELOAD=$1 "$2" --user --unit=basic.target >/dev/null 2>&1 &
pid=$!
ask() { systemctl --user show -P "$1" 2>/dev/null || echo 0; }
for ((i = 0; i < 200; i++)); do
	finish=$(ask FinishTimestampMonotonic)
	[ "$finish" -gt 0 ] && break
	sleep 0.05
done
begun=$(ask UserspaceTimestampMonotonic) process=$(sed 's/.*) //' /proc/$pid/stat | cut -d ' ' -f 20)
kill $pid
wait $pid
[ "$finish" -gt 0 ] || exit
echo "began to count $(((begun / 1000 - process * 1000 / $(getconf CLK_TCK)) / 1000)) s after it was executed, took $(((finish - begun) / 1000000)) s"
S
seen "$($systemd --version | head -n 1 | cut -d ' ' -f 1-2)" \
	"systemd --user executed, as it is; and with a library that takes a second to be loaded" \
	"began to count 0 s after it was executed, took 0 s; began to count 1 s after it was executed, took 0 s" \
	"$(look ''); $(look "$T/slow.so")"
