#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What was written to a loop device's read_ahead_kb stays when it is larger than what the kernel would choose, also when
# the device is taken off and made for another file by somebody else; what is smaller is forgotten. A benchmark
# on the next image reads megabytes around each fault, and its table says "the kernel's own read-ahead".
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
truncate -s 8M "$T/one" "$T/other"
# attach FILE: on the same device each time, or not at all
attach() {
	if [ -z "${device:-}" ]; then
		device=$(losetup -f --show "$1") || cannot "no loop device"
		later "losetup -d $device 2>/dev/null"
	else
		losetup "$device" "$1" 2>/dev/null || cannot "somebody else took $device"
	fi
}
attach "$T/one"
queue=/sys/block/${device#/dev/}/queue
own=$(cat "$queue/read_ahead_kb")
# Left by whoever had it before us, even: then this has been seen already, but cannot be shown.
[ "$own" -le 4096 ] || cannot "$device has $own from before"
later "attach $T/one; echo $own >$queue/read_ahead_kb; losetup -d $device"
echo 16384 >"$queue/read_ahead_kb"
losetup -d "$device"
attach "$T/other"
larger=$(cat "$queue/read_ahead_kb")
echo 64 >"$queue/read_ahead_kb"
losetup -d "$device"
attach "$T/one"
smaller=$(cat "$queue/read_ahead_kb")
losetup -d "$device"
[ "$smaller" -gt 64 ] && smaller="more than 64"
seen "$(kernel)" "read_ahead_kb of a loop device that was taken off and made for another file, after 16384 and 64 were written" \
	"16384; more than 64" "$larger; $smaller"
