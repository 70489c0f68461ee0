# shellcheck shell=bash disable=SC2034,SC2154 # variables of boots.sh and lab.sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A live system: an image that is only read, with an overlay in memory on it. Sourced after boots.sh.
#
#   live_images KIND		$LAB/KIND.no and $LAB/KIND.yes: the system of base.img, with the files of the
#				recorded boot first or not; both with a pack of that boot in /usr/lib/elfcast
#   live_once KIND WAY MODEL ROUND	one cold boot; a JSON line in $LAB/results
#   live_drop_images KIND
: "${LAB_SLOWDISK:?}"

live_images() { # kind
	local order
	ln -sf base.img "$LAB/disk.img"
	lab_mount_tree
	"$BUILD/elfcast" compile --usr --root "$LAB/tree/merged" --storage image >"$LAB/compile.log" 2>&1 ||
		lab_die "compile failed: $(tail -n 3 "$LAB/compile.log")"
	for order in no yes; do
		LAB_IMAGE=$LAB/$1.$order LAB_FIRST=() LAB_PLAIN=yes
		[ $order = no ] || LAB_FIRST=("$LAB/boot.json")
		lab_pack "$1"
		echo "$1, ordered: $order: $(($(stat -c %s "$LAB_IMAGE") >> 20)) MiB, $SECONDS s"
	done
	lab_drop_tree
}

live_drop_images() { # kind
	rm -f "$LAB/$1".{no,yes}
}

live_attach() { # kind order model
	LAB_IMAGE=$LAB/$1.$2 LAB_MODEL=$3 LAB_MODE=ro LAB_RA_KB=$READ_AHEAD_KB
	mkdir -p "$LAB/lower" "$LAB/over"
	[ "$3" = plain ] || lab_start_server "$3"
	lab_attach_loop
	mount -t "$1" -o ro "$LAB_LOOP" "$LAB/lower" || lab_die "cannot mount $LAB_LOOP"
	losetup --detach "$LAB_LOOP"
	mount -t tmpfs -o mode=755 live "$LAB/over" && mkdir -p "$LAB/over"/{upper,work} || lab_die "cannot mount a tmpfs"
}

# As if the image had no pack.
live_hide_pack() {
	mkdir -p "$LAB/over/upper/usr/lib" && mknod "$LAB/over/upper/usr/lib/elfcast" c 0 0 || lab_die "cannot hide the pack"
}

live_mount() {
	mount -t overlay -o "lowerdir=$LAB/lower,upperdir=$LAB/over/upper,workdir=$LAB/over/work" overlay "$LAB_MNT" ||
		lab_die "cannot mount an overlay"
}

live_umount() { # directory
	local i
	for ((i = 0; i < 200; i++)); do
		if ! mountpoint -q "$1" || umount "$1" 2>/dev/null; then return; fi
		read -r -t 0.05 <>"$LAB/never"
	done
	lab_die "something still uses $1"
}

live_detach() {
	boots_kill
	live_umount "$LAB_MNT"
	live_umount "$LAB/over"
	live_umount "$LAB/lower"
	lab_detach || lab_die "something still uses the disk"
}

live_once() { # kind way model round
	local order=no
	case $2 in *ordered) order=yes ;; esac
	live_attach "$1" $order "$3"
	case $2 in eager*) ;; *) live_hide_pack ;; esac
	live_mount
	[ "$2" != cached ] || boots_read_all
	lab_reset_stats
	case $2 in
	eager*) boots_start /usr/bin/elfcast-prefetch ;;
	*) boots_start ;;
	esac && boots_wait || return 1
	boots_times >"$LAB/times"
	{ lab_stat bytes && lab_stat requests; } >"$LAB/bytes"
	case $2 in eager*) boots_wait_unit elfcast-boot ;; esac
	lab_stat bytes >>"$LAB/bytes"
	cp "/proc/$boots_leader/root/run/elfcast/boot.json" "$LAB/report" 2>/dev/null || : >"$LAB/report"
	/usr/bin/python3 "$TOP/tests/lab/boots.py" --line "$2" "$1/$3" "$4" "$LAB/times" "$LAB/bytes" "$LAB/report" \
		>>"$LAB/results" || return 1
	live_detach
}
