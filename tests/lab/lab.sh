# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab: real programs in a small root, on an image, on a disk that is truly cold.
# Sourced; see README.md here. Everything lives in a mount namespace of this process and on
# a tmpfs in it: when the last process of the namespace ends, mounts, images and (by
# autoclear) loop devices are gone, however it ended.
#
#   lab_enter "$@"           go on in a namespace of our own (re-executes the script)
#   lab_begin                working directory, traps
#   lab_make PROGRAM...      root and image; launches: perl python3 git gcc gdb
#   lab_attach MODEL [rw]    MODEL: plain (a loop device) or one of slowdisk's
#   lab_cold                 unmount, detach, attach, mount: nothing of it is cached
#   lab_detach, lab_end
#
# Sets LAB (directory), LAB_MNT (where the root is mounted), LAB_RA_KB (read-ahead, 128).
# shellcheck disable=SC2034 # used by those who source this

: "${TOP:?}" "${BUILD:?}"
LAB=
LAB_RA_KB=128
LAB_SLOWDISK=$BUILD/lab/slowdisk
LAB_LOOP=
LAB_MODEL=
LAB_MNT=
LAB_MODE=ro
LAB_SERVER=
LAB_PROGRAMS=

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

lab_enter() {
	[ "$(id -u)" = 0 ] || lab_die "only root can make loop devices and mounts"
	if [ -n "${ELFCAST_LAB_NS:-}" ]; then
		unset ELFCAST_LAB_NS
		return
	fi
	ELFCAST_LAB_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
}

lab_begin() {
	trap lab_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	LAB=$(mktemp -d "${TMPDIR:-/tmp}/elfcast-lab.XXXXXX") || lab_die "no temporary directory"
	mount -t tmpfs -o mode=700,size=75% elfcast-lab "$LAB" || lab_die "cannot mount a tmpfs"
	mkdir "$LAB/root" "$LAB/mnt" "$LAB/slow"
	mkfifo "$LAB/never" # nobody writes: reading is waiting, without a process
	LAB_MNT=$LAB/mnt
}

lab_end() {
	# Once, and not interrupted by a second Ctrl-C.
	trap '' INT TERM HUP
	trap - EXIT
	[ -n "$LAB" ] || return 0
	if [ -t 2 ]; then printf '\r\033[K' >&2; fi # a line of progress
	lab_detach || umount -l "$LAB_MNT" 2>/dev/null
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
		"$build/tests/lab-launch" >/dev/null || return 1
	"${as[@]}" make -s -C "$TOP" BUILD="$build" lab >/dev/null 2>&1
	return 0
}

# ---- the root -----------------------------------------------------------------------------

# How PROGRAM is launched, in /work of the root: LAB_CMD, and LAB_SHOWN for people and JSON.
lab_launch_words() {
	case $1 in
	perl) LAB_CMD=(/usr/bin/perl -e 'use POSIX') ;;
	python3) LAB_CMD=(/usr/bin/python3 -c 'import json,http.server') ;;
	git) LAB_CMD=(/usr/bin/git status) ;;
	gcc) LAB_CMD=(/usr/bin/gcc -c -o /tmp/hello.o hello.c) ;;
	gdb) LAB_CMD=(/usr/bin/gdb --batch) ;;
	*) lab_die "no launch named '$1'" ;;
	esac
	case $1 in
	perl | python3) LAB_SHOWN="$1 ${LAB_CMD[1]} '${LAB_CMD[2]}'" ;;
	*) LAB_SHOWN="$1 ${LAB_CMD[*]:1}" ;;
	esac
}

lab_python_seeds() {
	/usr/bin/python3 -Ic 'import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(os.__file__)
print(sysconfig.get_path("platstdlib") + "/lib-dynload")
import json, http.server
for m in json, http.server: print(m.__file__)'
}

# FILE, and every link on the way to what it is.
lab_links() {
	local f=$1
	while [ -L "$f" ]; do
		echo "$f"
		f=$(cd "${f%/*}" && realpath -s "$(readlink "$f")")
	done
	echo "$f"
}

# Files that PROGRAM needs; their packages come whole.
lab_seeds() {
	lab_links "/usr/bin/$1"
	case $1 in
	perl)
		# shellcheck disable=SC2016 # perl's
		/usr/bin/perl -e 'use POSIX; print "$_\n" for values %INC'
		;;
	python3) lab_python_seeds ;;
	git) echo "$(/usr/bin/git --exec-path)/git" ;;
	gcc)
		/usr/bin/gcc -print-prog-name=cc1
		lab_links "$(PATH=/usr/bin command -v "$(/usr/bin/gcc -print-prog-name=as)")"
		echo /usr/include/stdio.h
		ls /usr/include/linux/errno.h
		/usr/bin/gcc -print-file-name=include/stddef.h
		;;
	gdb) lab_python_seeds ;;
	esac
}

# Packages are known by the path before or after the merge of /usr.
lab_packages_of() {
	if command -v dpkg-query >/dev/null; then
		sed 'p; s,^/usr/,/,' | xargs dpkg-query -S 2>/dev/null |
			sed -n '/^diversion/d; s/: .*//p' | tr -d ' ' | tr , '\n'
	else
		xargs rpm -qf --queryformat '%{NAME}\n' 2>/dev/null | grep -v ' '
	fi | sort -u
}

lab_package_files() {
	if command -v dpkg-query >/dev/null; then
		xargs dpkg-query -L
	else
		xargs rpm -ql
	fi
}

# What no launch reads, and static libraries; lto1 is the twin of cc1.
lab_wanted() {
	grep -E '^/' | grep -vE \
		-e '^/usr/(share/(doc|man|locale|info|lintian|bug|gitweb)|src|lib/debug)/|^/(var|run)/' \
		-e '/(__pycache__|idlelib|tkinter|ensurepip|turtledemo|lib2to3|pydoc_data)/' \
		-e '^/usr/lib/git-core/git-[a-z-]+$' \
		-e '\.a$|/(lto1|lto-wrapper|[^/]*lto-dump[^/]*)$'
}

# Compiled modules that installing made, where the list has the source.
lab_with_pycache() {
	awk '{ print } /\.py$/ {
		d = $0; sub("/[^/]*$", "", d)
		if (!(d in seen)) { seen[d]; print d "/__pycache__" > "/dev/stderr" }
	}' 2>"$LAB/pycache.dirs"
	xargs -r ls -d <"$LAB/pycache.dirs" 2>/dev/null | while read -r d; do
		printf '%s\n' "$d" "$d"/*.pyc
	done
}

# What the programs named on stdin load, links and all.
lab_libraries() {
	xargs -r ldd 2>/dev/null | grep -oE '/[^ ():]+' | sort -u |
		while read -r f; do
			[ -e "$f" ] && printf '%s\n' "$f" "$(readlink -f "$f")"
		done
}

lab_with_libraries() {
	tee "$LAB/files"
	grep -E '/s?bin/|/libexec/|/git-core/|\.so(\.|$)|/(cc1|as|collect2)$' "$LAB/files" |
		while read -r f; do
			[ -f "$f" ] && [ ! -L "$f" ] && echo "$f"
		done | lab_libraries
}

# Where / has links to /usr, paths go by /usr.
lab_merged_usr() {
	local d s=
	for d in bin sbin lib lib64; do
		[ -L /$d ] && s="$s;s,^/$d/,/usr/$d/,"
	done
	sed "${s#;}" | grep -vE '^/(usr/)?(s?bin|lib|lib64)?$'
}

# Copy the files named on stdin into the root; times and hard links stay.
lab_copy() {
	lab_merged_usr | sort -u | while read -r f; do
		if [ -d "$f" ] && [ ! -L "$f" ]; then continue; fi
		[ -e "$f" ] && printf '%s\0' ".$f"
	done | (cd / && tar --null --no-recursion -T - -cf - 2>/dev/null) | tar -C "$LAB/root" -xf -
}

lab_skeleton() {
	local r=$LAB/root d
	mkdir -p "$r"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,dev,proc,tmp,root,work,var/lib}
	for d in bin sbin lib lib64; do
		if [ -L /$d ]; then ln -s "usr/$d" "$r/$d"; else mkdir -p "$r/$d"; fi
	done
	mknod -m 666 "$r/dev/null" c 1 3
	mknod -m 666 "$r/dev/zero" c 1 5
	mknod -m 666 "$r/dev/urandom" c 1 9
	echo 'root:x:0:0:root:/root:/bin/sh' >"$r/etc/passwd"
	echo 'root:x:0:' >"$r/etc/group"
}

# 120 small files in 6 directories, one commit; of fixed content and dates.
lab_repository() {
	local w=$LAB/root/work i
	for i in $(seq 120); do
		mkdir -p "$w/d$((i % 6))"
		seq "$i" $((i + 60)) >"$w/d$((i % 6))/f$i.txt"
	done
	(
		cd "$w" && unset GIT_DIR GIT_WORK_TREE
		export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='2020-01-01T00:00Z' \
			GIT_COMMITTER_DATE='2020-01-01T00:00Z'
		git init -q -b main . && git config user.name lab && git config user.email lab@localhost &&
			git add . && git commit -q -m lab && git gc -q
	) || lab_die "cannot make the git repository"
}

lab_mkroot() {
	local p
	LAB_PROGRAMS=$*
	[ $# -gt 0 ] || lab_die "no program to measure"
	lab_skeleton
	cat >"$LAB/root/work/hello.c" <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int main(void) { puts("hello"); return 0; }
	END
	for p in "$@"; do
		[ -x "/usr/bin/$p" ] || lab_die "'/usr/bin/$p' is not installed"
		lab_seeds "$p"
		if [ "$p" = git ]; then lab_repository; fi
	done >"$LAB/seeds"
	{
		cat "$LAB/seeds"
		lab_packages_of <"$LAB/seeds" | lab_package_files
	} | lab_wanted | sort -u | lab_with_pycache | lab_with_libraries | lab_copy
	lab_install_elfcast
	ldconfig -r "$LAB/root" 2>/dev/null || lab_die "ldconfig failed on the root"
}

# As a package would, so that it can train inside.
lab_install_elfcast() {
	[ -x "$BUILD/elfcast" ] || return 0
	install "$BUILD/elfcast" "$LAB/root/usr/bin/elfcast"
	echo "$BUILD/elfcast" | lab_libraries | lab_copy
	mkdir -p "$LAB/root/usr/share/elfcast/profiles.d"
}

# ---- the image ----------------------------------------------------------------------------

lab_mkimage() {
	local kb
	kb=$(du -sk --apparent-size "$LAB/root" | cut -f1)
	truncate -s $((kb * 5 / 4 + 65536))K "$LAB/disk.img"
	# All tables written now: nothing may be initialised behind a measurement's back.
	mkfs.ext4 -q -F -b 4096 -m 0 -J size=4 -E lazy_itable_init=0,lazy_journal_init=0 \
		-d "$LAB/root" "$LAB/disk.img" || lab_die "mkfs.ext4 failed"
	rm -rf "${LAB:?}/root"
	case " $LAB_PROGRAMS " in
	*' git '*) # the index knows inodes and times of the copies
		lab_attach plain rw
		GIT_OPTIONAL_LOCKS=1 lab_chroot /usr/bin/git update-index -q --refresh ||
			lab_die "git update-index failed in the root"
		lab_detach
		;;
	esac
}

lab_make() {
	lab_mkroot "$@"
	lab_mkimage
}

# Run CMD in the root, its output only on failure.
lab_chroot() {
	"$BUILD/tests/lab-launch" -v -r "$LAB_MNT" -d /work -- "$@" >"$LAB/chroot.log" 2>&1 || {
		cat "$LAB/chroot.log" >&2
		return 1
	}
}

# One launch of PROGRAM, as it is now: a JSON line on stdout. More words: a companion.
lab_launch() {
	local w=() word
	lab_launch_words "$1"
	shift
	for word; do w+=(-w "$word"); done
	"$BUILD/tests/lab-launch" -r "$LAB_MNT" -d /work "${w[@]}" -- "${LAB_CMD[@]}"
}

# ---- the disk -----------------------------------------------------------------------------

lab_has_fuse() {
	[ -c /dev/fuse ] && [ -x "$LAB_SLOWDISK" ]
}

lab_start_server() {
	local line=
	[ -z "$LAB_SERVER" ] || return 0
	exec {LAB_SERVER_FD}< <(exec "$LAB_SLOWDISK" "$1" "$LAB/disk.img" "$LAB/slow" 2>&1)
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
	local file=$LAB/disk.img opts=(--find --show) queue got
	[ "$LAB_MODEL" = plain ] || {
		file=$LAB/slow/disk
		opts+=(--direct-io=on)
	}
	[ "$LAB_MODE" = rw ] || opts+=(--read-only)
	LAB_LOOP=$(losetup "${opts[@]}" "$file") || lab_die "no loop device"
	queue=/sys/block/${LAB_LOOP#/dev/}/queue
	# Last: writing any other limit of the queue sets this one anew.
	echo "$LAB_RA_KB" >"$queue/read_ahead_kb"
	got=$(cat "$queue/read_ahead_kb")
	[ "$got" = "$LAB_RA_KB" ] || lab_die "read_ahead_kb is $got, not $LAB_RA_KB"
}

lab_attach() {
	LAB_MODEL=$1 LAB_MODE=${2:-ro}
	[ "$LAB_MODEL" = plain ] || lab_start_server "$LAB_MODEL"
	lab_attach_loop
	mount -t ext4 -o "$LAB_MODE" "$LAB_LOOP" "$LAB_MNT" || lab_die "cannot mount $LAB_LOOP"
	# Taken off as soon as it is no longer mounted, whoever does that.
	losetup --detach "$LAB_LOOP"
	mount -t proc proc "$LAB_MNT/proc" || lab_die "cannot mount /proc in the root"
	mount -t tmpfs -o mode=1777 tmpfs "$LAB_MNT/tmp" || lab_die "cannot mount /tmp in the root"
}

# Only the device that is still ours: numbers are given out again.
lab_detach_loop() {
	local i
	[ -n "$LAB_LOOP" ] || return 0
	for ((i = 0; i < 100; i++)); do
		case $(losetup --noheadings --output BACK-FILE "$LAB_LOOP" 2>/dev/null) in
		"$LAB"/*) losetup --detach "$LAB_LOOP" && read -r -t 0.05 <>"$LAB/never" ;;
		*) break ;;
		esac
	done
	[ $i -lt 100 ] || echo "lab: $LAB_LOOP does not let go" >&2
	LAB_LOOP=
}

lab_unmount() {
	local m
	for m in "$LAB_MNT/tmp" "$LAB_MNT/proc" "$LAB_MNT"; do
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
