#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Install what building, checking or the demo needs, with the system's package manager.
# Usage: tests/install-deps.sh build|check|system|ci|matrix|cross|collection|kernels|demo|bench|fuzz. Does nothing when all
# is there; says what is missing and how to install it where only root can.
set -eu

what=${1:-build}
deb="gcc make pkg-config libc6-dev libelf-dev libjson-c-dev libxxhash-dev zlib1g-dev scdoc"
rpm="gcc make pkgconf-pkg-config glibc-devel elfutils-libelf-devel json-c-devel xxhash-devel zlib-devel scdoc"
case $what in
build) ;;
check)
	deb="$deb libcmocka-dev e2fsprogs xfsprogs btrfs-progs squashfs-tools strace bubblewrap man-db libfuse3-dev fuse3 squashfuse
	     erofs-utils cpio python3 python3-distributed perl git gdb gcc patchelf"
	rpm="$rpm libcmocka-devel e2fsprogs xfsprogs btrfs-progs squashfs-tools strace bubblewrap man-db fuse3-devel fuse3 squashfuse
	     erofs-utils cpio python3 perl git gdb libasan libubsan patchelf"
	# elfcast-tools, and what holds the completions against their shells.
	deb="$deb librpm-dev libarchive-dev rpm gnupg dpkg-dev fish zsh"
	rpm="$rpm rpm-devel libarchive-devel rpm-build rpm-sign gnupg2 dpkg fish zsh"
	;;
system) # besides check: package managers, and systems to boot
	deb="rpm rpmlint dnf zypper createrepo-c pacman-package-manager libarchive-tools dpkg-dev
	     debhelper lintian mmdebstrap systemd-container qemu-system-x86"
	rpm="rpm-build rpmlint createrepo_c"
	;;
ci) # besides check: what .ci/run looks with
	deb="clang clang-format shellcheck"
	rpm="clang clang-tools-extra ShellCheck"
	;;
matrix)
	deb="$deb mmdebstrap systemd-container"
	rpm="$rpm mmdebstrap systemd-container"
	;;
cross) # other processors: tests/matrix/cross.sh, and kernels.sh for arm64
	deb="mmdebstrap qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	     gcc-arm-linux-gnueabihf libc6-dev-armhf-cross gcc-i686-linux-gnu libc6-dev-i386-cross
	     gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-powerpc64le-linux-gnu
	     libc6-dev-ppc64el-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross"
	rpm="gcc-aarch64-linux-gnu gcc-arm-linux-gnu qemu-user-static mmdebstrap"
	;;
collection) # profiles/make-collection
	deb="mmdebstrap systemd-container python3 libzstd-dev liblzma-dev libbz2-dev"
	rpm="mmdebstrap systemd-container python3 glibc-static elfutils-libelf-devel-static"
	;;
kernels)
	deb="mmdebstrap arch-test qemu-user-static qemu-system-x86 qemu-system-arm gcc-aarch64-linux-gnu
	     libc6-dev-arm64-cross binutils-arm-linux-gnueabihf scdoc make"
	rpm="mmdebstrap qemu-user-static qemu-system-x86 qemu-system-aarch64 gcc-aarch64-linux-gnu scdoc make"
	;;
fuzz)
	deb="$deb clang libclang-rt-dev librpm-dev libarchive-dev"
	rpm="$rpm clang compiler-rt rpm-devel libarchive-devel"
	;;
demo)
	deb="$deb libfuse3-dev fuse3 e2fsprogs python3"
	rpm="$rpm fuse3-devel fuse3 e2fsprogs python3"
	;;
bench) # the programs that are launched are those that are there
	deb="$deb libfuse3-dev fuse3 e2fsprogs python3 vmtouch xfsprogs btrfs-progs squashfs-tools
	     erofs-utils"
	rpm="$rpm fuse3-devel fuse3 e2fsprogs python3 vmtouch xfsprogs btrfs-progs squashfs-tools
	     erofs-utils"
	;;
*)
	echo "install-deps.sh: unknown set '$what'" >&2
	exit 2
	;;
esac

need_root() { # command that installs
	[ "$(id -u)" = 0 ] && return 0
	echo "missing:$missing" >&2
	echo "As root: $1$missing" >&2
	exit 1
}

missing=
if command -v dpkg-query >/dev/null 2>&1; then
	for p in $deb; do
		case $(dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | head -n 1) in
		installed) ;;
		*) missing="$missing $p" ;;
		esac
	done
	[ -n "$missing" ] || exit 0
	need_root "apt-get install --no-install-recommends"
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif command -v dnf >/dev/null 2>&1; then
	for p in $rpm; do
		rpm -q --whatprovides "$p" >/dev/null 2>&1 || missing="$missing $p"
	done
	[ -n "$missing" ] || exit 0
	need_root "dnf install"
	echo "installing:$missing"
	# shellcheck disable=SC2086
	dnf install -y -q $missing
else
	echo "neither apt nor dnf: install by hand what this needs: $deb" >&2
fi
