# shellcheck shell=bash disable=SC2034 # variables of those who source this
# SPDX-License-Identifier: LGPL-2.1-or-later
# The images of the lab's root. The ext4 image is the master: programs are trained on it,
# and all other kinds are copies of what it holds. Sourced by lab.sh.
: "${BUILD:?}"
LAB_FIRST=()

lab_mkimage() {
	local kb
	kb=$(du -sk --apparent-size "$LAB/root" | cut -f1)
	truncate -s $((kb * 5 / 4 + 65536))K "$LAB/disk.img"
	# All tables written now: nothing may be initialised behind a measurement's back.
	mkfs.ext4 -q -F -b 4096 -m 0 -J size=4 -E lazy_itable_init=0,lazy_journal_init=0 \
		-d "$LAB/root" "$LAB/disk.img" || lab_die "mkfs.ext4 failed"
	find "${LAB:?}/root" -mindepth 1 -maxdepth 1 ! -name dev -exec rm -rf {} + # see lab_attach
	lab_attach plain rw
	if [ -x "$LAB_MNT/usr/bin/fc-cache" ]; then
		lab_chroot /usr/bin/fc-cache -f || lab_die "fc-cache failed in the root"
	fi
	lab_detach
}

lab_make() {
	lab_mkroot "$@"
	lab_mkimage
}

# Why KIND cannot be made or mounted here, if so.
lab_kind_lacks() {
	local mkfs=mkfs.$1
	[ "$1" != squashfs ] || mkfs=mksquashfs
	case $1 in
	ext4 | xfs | btrfs | squashfs | erofs) ;;
	*)
		echo "no kind of image named '$1'"
		return
		;;
	esac
	if ! grep -qw "$1" /proc/filesystems && ! modprobe -q "$1"; then
		echo "this kernel has no $1"
	elif ! command -v "$mkfs" >/dev/null; then
		echo "'$mkfs' is not installed"
	fi
}

lab_is_readonly_kind() {
	case $1 in squashfs | erofs) ;; *) false ;; esac
}

# What the master holds, at $LAB/tree: below, and what was written over it.
lab_mount_tree() {
	mkdir -p "$LAB/tree/master" "$LAB/tree/upper" "$LAB/tree/work" "$LAB/tree/merged"
	mount -o loop,ro "$LAB/disk.img" "$LAB/tree/master" || lab_die "cannot mount the master image"
	mount -t overlay -o "lowerdir=$LAB/tree/master,upperdir=$LAB/tree/upper,workdir=$LAB/tree/work" \
		overlay "$LAB/tree/merged" || lab_die "cannot mount an overlay"
}

lab_drop_tree() {
	local m
	for m in "$LAB/tree/merged" "$LAB/tree/master"; do
		if mountpoint -q "$m"; then umount "$m" || umount -l "$m"; fi
	done
	rm -rf "${LAB:?}/tree"/{upper,work}
}

# One that is written to: empty, mounted, filled.
lab_fill() { # kind
	local kb
	kb=$(du -sk --apparent-size "$LAB/tree/merged" | cut -f1)
	truncate -s $((kb * 5 / 4 + 393216))K "$LAB_IMAGE" # xfs wants 300 MiB at least
	case $1 in
	xfs) mkfs.xfs -q -f "$LAB_IMAGE" ;;
	btrfs) mkfs.btrfs -q -f "$LAB_IMAGE" ;;
	esac >"$LAB/mkfs.log" 2>&1 || lab_die "mkfs.$1 failed: $(tail -n 3 "$LAB/mkfs.log")"
	mount -t "$1" -o loop "$LAB_IMAGE" "$LAB_MNT" || lab_die "cannot mount the $1 image"
	tar -C "$LAB/tree/merged" -cf - . | tar -C "$LAB_MNT" -xpf - || lab_die "cannot copy the root"
	umount "$LAB_MNT" || lab_die "something still uses the root"
}

# What the profiles $LAB_FIRST read, as this kind of image takes it.
lab_first() { # kind
	"$BUILD/elfcast" export -q --format="$1" --root="$LAB/tree/merged" "${LAB_FIRST[@]}"
}

# Those of KINDS that can be made here with files in an order; of the others why not, to standard error.
lab_ordered_kinds() { # kinds
	local kind why
	for kind in $1; do
		why=$(lab_kind_lacks "$kind")
		[ "$kind" != erofs ] || [ -n "$why" ] || lab_erofs_keeps_order ||
			why="mkfs.erofs keeps no order before 1.8.2"
		if [ -z "$why" ]; then echo "$kind"; else echo "not measured: $kind: $why" >&2; fi
	done | paste -sd ' '
}

lab_erofs_keeps_order() { "${MKFS_EROFS:-mkfs.erofs}" --help 2>&1 | grep -q -- --sort; }

# Not compressed: data lies as members do in the archive, the first ones first.
lab_pack_archive() {
	([ ${#LAB_FIRST[@]} = 0 ] || lab_first erofs
		cd "$LAB/tree/merged" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort) |
		awk '!seen[$0]++' >"$LAB/members" &&
		tar -C "$LAB/tree/merged" --no-recursion --verbatim-files-from --no-unquote -T "$LAB/members" -cf - |
		"${MKFS_EROFS:-mkfs.erofs}" --quiet --tar=f --sort=none '-E^inline_data' "$LAB_IMAGE"
}

# LAB_FIRST: profiles whose files lie first; LAB_PLAIN: erofs without compression.
lab_pack() { # kind
	local sort=()
	rm -f "$LAB_IMAGE"
	case $1${LAB_PLAIN:+-plain} in
	squashfs*)
		# Level 3 packs much faster and unpacks as fast.
		# Any sort file, an empty one too, also turns the order of what it does not name.
		[ ${#LAB_FIRST[@]} = 0 ] || { lab_first squashfs >"$LAB/sort" && sort=(-sort "$LAB/sort"); }
		mksquashfs "$LAB/tree/merged" "$LAB_IMAGE" -comp zstd -Xcompression-level 3 \
			-no-progress -noappend "${sort[@]}"
		;;
	erofs-plain) lab_pack_archive ;;
	erofs) mkfs.erofs -zlz4 ${LAB_CLUSTER_BYTES:+-C "$LAB_CLUSTER_BYTES"} "$LAB_IMAGE" "$LAB/tree/merged" ;;
	esac >"$LAB/mkfs.log" 2>&1 || lab_die "making $1 failed: $(tail -n 3 "$LAB/mkfs.log")"
}

# Shadows know inodes, which such an image gives out when it is made, with the shadows in
# it: pack, compile on it, put the shadows into the tree, until they are those inside.
lab_pack_compiled() { # kind
	local pass shadows=var/lib/elfcast/shadow
	if ! ls "$LAB/tree/merged"/usr/share/elfcast/profiles.d/*.json >/dev/null 2>&1; then
		lab_pack "$1" # nothing was learned
		return
	fi
	mkdir -p "$LAB/tree/merged/$shadows"
	for pass in 1 2 3 4; do
		lab_pack "$1"
		lab_attach plain
		mount -t tmpfs -o mode=755 tmpfs "$LAB_MNT/var/lib/elfcast" || lab_die "cannot mount a tmpfs"
		"$BUILD/elfcast" compile --root "$LAB_MNT" --storage image >"$LAB/compile.log" 2>&1 ||
			lab_die "compile on $1 failed: $(tail -n 3 "$LAB/compile.log")"
		rm -rf "$LAB/compiled" && cp -a "$LAB_MNT/$shadows" "$LAB/compiled" ||
			lab_die "compile made no shadows"
		umount "$LAB_MNT/var/lib/elfcast"
		if diff -r "$LAB/compiled" "$LAB_MNT/$shadows" >/dev/null; then
			lab_detach
			return
		fi
		lab_detach || lab_die "something still uses the root"
		rm -rf "$LAB/tree/merged/$shadows" && cp -a "$LAB/compiled" "$LAB/tree/merged/$shadows"
		# A name for each, so that only times could differ: none are kept.
		find "$LAB/tree/merged/var/lib/elfcast" -exec touch -d 2020-01-01T00:00Z {} +
	done
	lab_die "the inodes of $1 do not settle in $pass passes"
}

# From now on the tree of the master, as it is now, on an image of KIND.
lab_kind() {
	LAB_KIND=$1
	LAB_IMAGE=$LAB/disk.img
	[ "$1" != ext4 ] || return 0
	LAB_IMAGE=$LAB/disk.$1.img
	LAB_KIND=ext4 lab_mount_tree
	if lab_is_readonly_kind "$1"; then lab_pack_compiled "$1"; else lab_fill "$1"; fi
	lab_drop_tree
}
