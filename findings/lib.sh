# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the scripts here: a temporary folder, pinned packages unpacked in it, and the three lines.
set -u
T=$(mktemp -d /var/tmp/elfcast-finding.XXXXXX) || exit 1
undo=()
finish() {
	local i
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}"; done
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$T" || exit 1

# later COMMAND: done at the end, the last one first
later() { undo+=("$1"); }
cannot() {
	echo "cannot run: $*"
	exit 77
}
need_root() { [ "$(id -u)" = 0 ] || cannot "wants root"; }
# fetch PACKAGE=VERSION...: from Debian, unpacked in $T/root
fetch() {
	local p
	mkdir -p "$T/root" "$T/deb"
	for p; do
		(cd "$T/deb" && apt-get download -qq "$p" >/dev/null 2>&1) || cannot "no $p here"
	done
	for p in "$T"/deb/*.deb; do dpkg -x "$p" "$T/root" || exit 1; done
}
# program NAME: compile C from standard input
program() { gcc -O2 -D_GNU_SOURCE -x c -o "$T/$1" - || cannot "no C compiler"; }
# loop SIZE MKFS...: a file system of that size on a loop device of its own, mounted at $T/mnt
loop() {
	local size=$1
	shift
	need_root
	mkdir -p "$T/mnt"
	truncate -s "$size" "$T/image"
	[ $# -eq 0 ] || "$@" "$T/image" >/dev/null 2>&1 || cannot "$1 failed"
	device=$(losetup -f --show "$T/image") || cannot "no loop device"
	later "losetup -d $device"
	[ $# -eq 0 ] || mount_loop
}
mount_loop() {
	mount "$device" "$T/mnt" || cannot "cannot mount"
	later "umount $T/mnt"
}
# seen VERSION DONE EXPECTED ACTUAL: prints the three, and ends
seen() {
	echo "version: $1"
	echo "done:    $2"
	echo "seen:    $4"
	[ "$3" = "$4" ] && exit 0
	echo "was:     $3"
	exit 1
}
kernel() { echo "Linux $(uname -r | cut -d- -f1)"; }
