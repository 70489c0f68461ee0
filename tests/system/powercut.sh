#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 40 s
# Power cuts: /var is a file system of its own; a compile is killed at one of its system
# calls (or finishes), something unrelated is fsynced, so that the journal is written, and
# the image is copied as the disk is at that moment. Mounted again: whatever shadow can be
# read is whole, the old or the new one, and the next compile repairs the rest.
# STEP=1 takes every system call, as SOAK does; default: every 6th.
. "$(dirname "$0")/../lib.sh"

STEP=${STEP:-${SOAK:+1}}
STEP=${STEP:-6}
if [ "$(id -u)" != 0 ]; then
	skip "power cuts" "needs root"
	finish
fi
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "power cuts" "the other build ran this"
	finish
fi
# All mounts are in a namespace that goes with this process.
[ "${POWERCUT_NS:-}" ] || { rm -rf "$TMP"; POWERCUT_NS=1 exec unshare -m --propagation private "$0" "$@"; }

make_root
trap 'umount "$R/var" 2>/dev/null; rm -rf "$TMP"' EXIT
cp "$P/test.one.json" "$TMP/one.old"
sed 's/\[\[0, 1, 1, 0\]\]/[[1, 2, 1, 0]]/' "$TMP/one.old" >"$TMP/one.new"
compile() { elfcast compile --quiet --root="$R" --storage=flash; }

cut() { # type mkfs-command...
	local type=$1 old new few n cuts=0 bad=0 unread=0 sum file status
	shift
	local options=loop
	[ "$type" = xfs ] && options=loop,nouuid
	rm -f "$TMP"/*.image
	truncate -s 320M "$TMP/base.image"
	"$@" "$TMP/base.image" >/dev/null 2>&1 || { skip "$type" "no mkfs" && return; }
	# The old state, safely on disk; "two" is still to come.
	mount -o $options "$TMP/base.image" "$R/var" || { skip "$type" "cannot be mounted" && return; }
	cp "$TMP/one.old" "$P/test.one.json"
	mv "$P/test.two.json" "$TMP/two.json"
	compile
	old=$(sums)
	umount "$R/var"
	mv "$TMP/two.json" "$P/test.two.json"
	cp "$TMP/one.new" "$P/test.one.json"
	cp --sparse=always "$TMP/base.image" "$TMP/work.image"
	mount -o $options "$TMP/work.image" "$R/var"
	compile
	new=$(sums)
	umount "$R/var"
	few=$(packs_of_one)

	for ((n = 1; ; n += STEP)); do
		cp --sparse=always "$TMP/base.image" "$TMP/work.image"
		mount -o $options "$TMP/work.image" "$R/var"
		"$BUILD/tests/fault-at" $n elfcast compile --quiet --root="$R" --storage=flash >/dev/null 2>&1
		status=$?
		echo unrelated >"$R/var/unrelated"
		sync "$R/var/unrelated"
		cp --sparse=always "$TMP/work.image" "$TMP/cut.image"
		umount "$R/var"
		mount -o $options "$TMP/cut.image" "$R/var" || { bad=$((bad + 1)) && continue; }
		while read -r sum file; do
			case $old$new$few in *"$sum"*) continue ;; esac
			if elfcast show --quiet "$S/$file" >/dev/null 2>&1; then
				bad=$((bad + 1)) && echo "# $type, call $n: '$file' is neither old nor new"
			else
				unread=$((unread + 1))
			fi
		done < <(sums)
		compile || { bad=$((bad + 1)) && echo "# $type, call $n: compile failed"; }
		[ "$(sums)" = "$new" ] || { bad=$((bad + 1)) && echo "# $type, call $n: not repaired"; }
		umount "$R/var"
		cuts=$((cuts + 1))
		[ $status -eq 3 ] && break
	done
	check "$type: cuts after some calls" test $cuts -gt 10
	same "$type: shadows that are wrong, or not repaired" 0 $bad
	echo "# table: $type: $cuts power cuts, $unread torn shadows seen and refused, $bad wrong or not repaired"
}
cut ext4 mkfs.ext4 -q -F
cut xfs mkfs.xfs -q
finish
