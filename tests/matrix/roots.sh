# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Roots of Debian's suites in which we are built and tested, for the scripts beside this one. $TOP is
# the checkout. Roots stay below $ROOTS, named by a sum of what is in them; who sources it is in a
# mount namespace of its own.
: "${TOP:?}"
: "${ROOTS:=/var/tmp/elfcast-roots}"
: "${MIRROR:=$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}"

PACKAGES="gcc clang make pkgconf libc6-dev libelf-dev libjson-c-dev libxxhash-dev libcmocka-dev scdoc
	git python3 python3-jsonschema fish zsh man-db strace e2fsprogs elfutils libarchive-dev librpm-dev zlib1g-dev rpm gnupg zypper
	createrepo-c pacman-package-manager libarchive-tools dpkg-dev debhelper build-essential"
packages_of() { # suite
	case $1 in
	bookworm | trixie) echo $PACKAGES dnf ;;
	*) echo $PACKAGES dnf5 ;;
	esac
}

# make_root SUITE: its path. An index may be older than its date allows: the suites are not
# for use, and of the same day as long as nobody removes them.
make_root() {
	local packages root
	packages=$(packages_of "$1")
	root=$ROOTS/$1-$(sha256sum <<<"$1 $packages" | cut -c 1-12)
	mkdir -p "$ROOTS"
	exec 8>"$root.lock"
	flock 8
	if [ ! -e "$root/etc/debian_version" ]; then
		rm -rf --one-file-system "$root.new"
		mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
			--aptopt='APT::Install-Recommends "false"' --include="${packages// /,}" \
			"$1" "$root.new" "$MIRROR" >&2 && mv "$root.new" "$root"
	fi
	exec 8>&-
	[ -e "$root/etc/debian_version" ] && echo "$root"
}

# run_in ROOT WORK COMMAND...: with the sources in /elfcast; what it writes goes to WORK, and
# temporary files to its file system: overlayfs tells nothing of what is in memory.
run_in() {
	local root=$1 work=$2 dir
	shift 2
	mkdir -p "$work/upper" "$work/work" "$work/merged" "$work/tmp"
	chmod 1777 "$work/tmp"
	mount -t overlay none -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" \
		"$work/merged" || return 1
	mount -t proc proc "$work/merged/proc"
	mount -t sysfs sysfs "$work/merged/sys"
	mount --rbind /dev "$work/merged/dev"
	for dir in tmp var/tmp; do mount --bind "$work/tmp" "$work/merged/$dir"; done
	mkdir -p "$work/merged/elfcast"
	git -C "$TOP" ls-files -z | tar -C "$TOP" --null -T - -c | tar -x -C "$work/merged/elfcast"
	chroot "$work/merged" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 \
		NO_LINT=1 "$@"
	set -- $?
	umount -R -l "$work/merged"
	return "$1"
}
