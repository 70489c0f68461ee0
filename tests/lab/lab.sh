# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab: real programs in a small root, on an image, on a disk that is truly cold.
# Sourced; see README.md here. Everything lives in a mount namespace of this process and on
# a tmpfs in it: when the last process of the namespace ends, mounts, images and (by
# autoclear) loop devices are gone, however it ended.
#
#   lab_enter "$@"           go on in a namespace of our own (re-executes the script)
#   lab_begin                working directory, traps
#   lab_make PROGRAM...      root and its ext4 image; programs: $LAB_ALL in root.sh
#   lab_kind KIND            from now on the same tree as ext4, xfs, btrfs, squashfs, erofs
#   lab_attach MODEL [rw]    MODEL: plain (a loop device) or one of slowdisk's
#   lab_cold                 unmount, detach, attach, mount: nothing of it is cached
#   lab_detach, lab_end
#
# Sets LAB (directory), LAB_MNT (where the root is mounted), LAB_RA_KB (read-ahead, 128; "kernel":
# what it chooses for disks that it takes for rotational, which are most: clouds', cards', USB's),
# LAB_OPTIONS (of mounts, but for rw and ro).
# shellcheck disable=SC2034 # used by those who source this

: "${TOP:?}" "${BUILD:?}"
LAB=
LAB_RA_KB=128
LAB_OPTIONS=
LAB_SLOWDISK=$BUILD/lab/slowdisk
LAB_LOOP=
LAB_MODEL=
LAB_MNT=
LAB_MODE=ro
LAB_SERVER=
LAB_PROGRAMS=
LAB_KIND=ext4
LAB_IMAGE=

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

. "$TOP/tests/lab/root.sh"
. "$TOP/tests/lab/image.sh"

lab_enter() {
	[ "$(id -u)" = 0 ] || lab_die "only root can make loop devices and mounts"
	if [ -n "${ELFCAST_LAB_NS:-}" ]; then
		unset ELFCAST_LAB_NS
		return
	fi
	ELFCAST_LAB_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
}

# A signal may get lost: see interrupt_at in tests/system/slow-disk.sh. The next one is not.
lab_begin() {
	trap lab_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	LAB=$(mktemp -d "${TMPDIR:-/tmp}/elfcast-lab.XXXXXX") || lab_die "no temporary directory"
	mount -t tmpfs -o mode=700,size=75% elfcast-lab "$LAB" || lab_die "cannot mount a tmpfs"
	mkdir "$LAB/root" "$LAB/mnt" "$LAB/slow" "$LAB/tree" "$LAB/state"
	LAB_KIND=ext4 LAB_IMAGE=$LAB/disk.img
	mkfifo "$LAB/never" # nobody writes: reading is waiting, without a process
	LAB_MNT=$LAB/mnt
}

# What was killed with us may still be in a request to the disk.
lab_wait_unused() {
	local i
	for ((i = 0; i < 100; i++)); do
		if lab_unmount 2>/dev/null; then return; fi
		read -r -t 0.05 <>"$LAB/never"
	done
}

lab_end() {
	# Once, and not interrupted by a second Ctrl-C.
	trap '' INT TERM HUP
	trap - EXIT
	[ -n "$LAB" ] || return 0
	if [ -t 2 ]; then printf '\r\033[K' >&2; fi # a line of progress
	lab_wait_unused
	lab_detach || umount -l "$LAB_MNT" 2>/dev/null
	lab_drop_tree
	umount "$LAB" 2>/dev/null || umount -l "$LAB" 2>/dev/null
	rmdir "$LAB"
	LAB=
	trap - INT TERM HUP
}

# All that the lab runs. Built as the owner of the tree under sudo: no files of root's in it.
# Without libfuse3 there is no modelled disk, and lab_has_fuse says so.
lab_build() {
	local as=() build=${BUILD#"$TOP"/}
	if [ -n "${SUDO_UID:-}" ] && [ "$(stat -c %u "$TOP")" = "$SUDO_UID" ] &&
		[ -z "$(find "$BUILD" -user 0 -print -quit 2>/dev/null)" ]; then
		as=(setpriv --reuid "$SUDO_UID" --regid "${SUDO_GID:-$SUDO_UID}" --clear-groups)
	fi
	unset MAKEFLAGS MFLAGS
	"${as[@]}" make -s -C "$TOP" BUILD="$build" -j"$(nproc)" "$build/elfcast" \
		"$build/tests/lab-launch" "$build/tests/lab-mincore" "$build/tests/lab-replay" >/dev/null || return 1
	"${as[@]}" make -s -C "$TOP" BUILD="$build" lab >/dev/null 2>&1
	return 0
}

# What only one may use on this machine, as tests/run has it; until the shell ends, or
# lab_give_back. A test that runs this has it already.
lab_take() { # name
	local locks=${ELFCAST_TEST_LOCKS:-/run/lock/elfcast-tests}
	lab_lock=
	case " ${ELFCAST_TEST_HOLDS:-} " in *" $1 "*) return ;; esac
	mkdir -p "$locks" && exec {lab_lock}>"$locks/$1" && flock "$lab_lock"
}
lab_give_back() {
	[ -z "$lab_lock" ] || exec {lab_lock}>&-
}

# ---- launches -----------------------------------------------------------------------------

# Run CMD in the root, its output only on failure.
lab_chroot() {
	"$BUILD/tests/lab-launch" -v -t 600 -r "$LAB_MNT" -d /work -- "$@" >"$LAB/chroot.log" 2>&1 || {
		cat "$LAB/chroot.log" >&2
		return 1
	}
}

# An empty /tmp, or with what a first start of PROGRAM left of the user's.
lab_fresh_tmp() { # [program]
	if mountpoint -q "$LAB_MNT/tmp"; then umount "$LAB_MNT/tmp" || return 1; fi
	mount -t tmpfs -o mode=1777 tmpfs "$LAB_MNT/tmp" || lab_die "cannot mount /tmp in the root"
	if [ -d "$LAB/state/${1:-}/state" ]; then cp -a "$LAB/state/$1/state" "$LAB_MNT/tmp/"; fi
}

# The first start of PROGRAM, which need not succeed (LibreOffice wants to be restarted).
lab_make_state() {
	lab_has_state "$1" || return 0
	lab_fresh_tmp
	lab_launch_words "$1"
	lab_chroot "${LAB_CMD[@]}" 2>/dev/null
	[ -d "$LAB_MNT/tmp/state" ] || lab_die "$1 does not start in the root: $(tail -n 3 "$LAB/chroot.log")"
	rm -f "$LAB_MNT"/tmp/state/Singleton*
	mkdir -p "$LAB/state/$1"
	cp -a "$LAB_MNT/tmp/state" "$LAB/state/$1/"
}

# One launch of PROGRAM, as it is now: a JSON line on stdout. More words: a companion, which
# may fail when LAB_MAY_FAIL is set. By the user LAB_UID, if that is set.
lab_launch() {
	local w=(${LAB_MAY_FAIL:+-f}) word
	lab_launch_words "$1"
	lab_fresh_tmp "$1" || return 1
	shift
	for word; do w+=(-w "$word"); done
	"$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work ${LAB_UID:+-u "$LAB_UID"} "${w[@]}" -- "${LAB_CMD[@]}" \
		2>"$LAB/launch.err" || {
		tail -n 5 "$LAB/launch.err" >&2
		return 1
	}
}

# ---- the disk -----------------------------------------------------------------------------

lab_has_fuse() {
	[ -c /dev/fuse ] && [ -x "$LAB_SLOWDISK" ]
}

lab_start_server() {
	local line=
	[ -z "$LAB_SERVER" ] || return 0
	exec {LAB_SERVER_FD}< <(exec "$LAB_SLOWDISK" "$1" "$LAB_IMAGE" "$LAB/slow" 2>&1)
	LAB_SERVER=$!
	read -r -t 20 line <&"$LAB_SERVER_FD"
	[ "$line" = ready ] || lab_die "slowdisk does not start: $line"
}

lab_stop_server() {
	[ -n "$LAB_SERVER" ] || return 0
	umount "$LAB/slow" || kill "$LAB_SERVER"
	exec {LAB_SERVER_FD}<&-
	wait "$LAB_SERVER" 2>/dev/null
	LAB_SERVER=
}

lab_attach_loop() {
	local file=$LAB_IMAGE opts=(--find --show) queue
	[ "$LAB_MODEL" = plain ] || {
		file=$LAB/slow/disk
		opts+=(--direct-io=on)
	}
	[ "$LAB_MODE" = rw ] || opts+=(--read-only)
	LAB_LOOP=$(losetup "${opts[@]}" "$file") || lab_die "no loop device"
	queue=/sys/block/${LAB_LOOP#/dev/}/queue
	# Last: writing any other limit of the queue sets this one anew.
	lab_set_ra "$queue/read_ahead_kb"
}

lab_set_ra() { # file
	local got kb=$LAB_RA_KB
	# Twice the largest request (block/blk-settings.c, Linux 6.17). Our loop device is none of these
	# disks, and keeps what was written to it the last time it was one.
	[ "$kb" != kernel ] || kb=$((2 * $(cat "/sys/block/${LAB_LOOP#/dev/}/queue/max_sectors_kb")))
	echo "$kb" >"$1"
	got=$(cat "$1")
	[ "$got" = "$kb" ] || lab_die "read_ahead_kb is $got, not $kb"
}

lab_attach() {
	LAB_MODEL=$1 LAB_MODE=${2:-ro}
	[ "$LAB_MODEL" = plain ] || lab_start_server "$LAB_MODEL"
	lab_attach_loop
	mount -t "$LAB_KIND" -o "$LAB_MODE${LAB_OPTIONS:+,$LAB_OPTIONS}" "$LAB_LOOP" "$LAB_MNT" || lab_die "cannot mount $LAB_LOOP"
	# Taken off as soon as it is no longer mounted, whoever does that.
	losetup --detach "$LAB_LOOP"
	# btrfs does not go by its device's: 4 MiB, if nobody says otherwise.
	if [ "$LAB_KIND" = btrfs ]; then
		lab_set_ra "/sys/fs/btrfs/$(blkid -p -s UUID -o value "$LAB_IMAGE")/bdi/read_ahead_kb"
	fi
	mount -t proc proc "$LAB_MNT/proc" || lab_die "cannot mount /proc in the root"
	# As on any machine, no directory of the disk.
	if [ -d "$LAB/root/dev" ]; then
		mount --bind "$LAB/root/dev" "$LAB_MNT/dev" || lab_die "cannot mount /dev in the root"
	fi
	lab_fresh_tmp
}

# Only the device that is still ours: numbers are given out again.
lab_detach_loop() {
	local i
	[ -n "$LAB_LOOP" ] || return 0
	for ((i = 0; i < 100; i++)); do
		case $(losetup --noheadings --output BACK-FILE "$LAB_LOOP" 2>/dev/null) in
		"$LAB"/*) losetup --detach "$LAB_LOOP" 2>/dev/null; read -r -t 0.05 <>"$LAB/never" ;;
		*) break ;;
		esac
	done
	[ $i -lt 100 ] || echo "lab: $LAB_LOOP does not let go" >&2
	LAB_LOOP=
}

lab_unmount() {
	local m
	for m in "$LAB_MNT"/{tmp,proc,dev,run,var/lib/elfcast} "$LAB_MNT"; do
		mountpoint -q "$m" || continue
		umount "$m" || return 1
	done
}

lab_cold() {
	lab_unmount || lab_die "something still uses the root"
	lab_detach_loop
	lab_attach "$LAB_MODEL" "$LAB_MODE"
	lab_reset_stats
}

lab_detach() {
	local r=0
	lab_unmount || r=1
	lab_detach_loop
	lab_stop_server
	return $r
}

lab_reset_stats() {
	[ -z "$LAB_SERVER" ] || : >"$LAB/slow/stats"
}

# requests, bytes, busy_us, max_bytes of the modelled disk since the last reset
lab_stat() {
	[ -n "$LAB_SERVER" ] || { echo 0; return; }
	awk -v key="$1" '$1 == key { print $2 }' "$LAB/slow/stats"
}
