#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests of package managers (tests/system/packages-*.sh) in roots of other Debian suites,
# each with its own compiler, rpm, dnf or dnf5, zypper, dpkg and pacman.
#   tests/matrix/packages.sh [SUITE...]      default: trixie forky
# TESTS="packages-rpm packages-dpkg" picks some. Needs root, mmdebstrap and a mirror; takes some
# ten minutes a suite. Roots stay below $ROOTS (default /var/tmp/elfcast-roots), named by what is
# in them.
set -u
if [ -z "${MATRIX_UNSHARED:-}" ]; then
	MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
fi
TOP=$(cd "$(dirname "$0")/../.." && pwd)
ROOTS=${ROOTS:-/var/tmp/elfcast-roots}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}
[ $# -gt 0 ] || set -- trixie forky

PACKAGES="gcc make pkg-config libc6-dev libelf-dev libjson-c-dev libxxhash-dev scdoc git python3
	librpm-dev libarchive-dev zlib1g-dev rpm zypper createrepo-c pacman-package-manager
	libarchive-tools dpkg-dev debhelper build-essential"
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
		mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
			--aptopt='APT::Install-Recommends "false"' --include="${packages// /,}" \
			"$1" "$root.new" "$MIRROR" >&2 && mv "$root.new" "$root"
	fi
	exec 8>&-
	[ -e "$root/etc/debian_version" ] && echo "$root"
}

# run_in ROOT WORK COMMAND...: with the sources in /elfcast; what it writes goes to WORK
run_in() {
	local root=$1 work=$2
	shift 2
	mkdir -p "$work/upper" "$work/work" "$work/merged"
	mount -t overlay none -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" \
		"$work/merged" || return 1
	mount -t proc proc "$work/merged/proc"
	mount --rbind /dev "$work/merged/dev"
	mkdir -p "$work/merged/elfcast"
	git -C "$TOP" ls-files -z | tar -C "$TOP" --null -T - -c | tar -x -C "$work/merged/elfcast"
	chroot "$work/merged" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 \
		NO_LINT=1 "$@"
	set -- $?
	umount -R -l "$work/merged"
	return "$1"
}

# A root's own: git knows nothing of the files, and source-tarball.sh asks it.
# shellcheck disable=SC2016
INSIDE='cd /elfcast && git init -q && git add -A &&
	git -c user.name=t -c user.email=t@example.org commit -qm sources && make -j2 >/tmp/build.log 2>&1 ||
	{ tail -n 20 /tmp/build.log; echo "not ok - builds"; exit 1; }
	echo "ok - builds: gcc $(gcc -dumpversion), $(rpm --version)"
	bad=0
	for t; do echo "# $t"; BUILD=/elfcast/build bash tests/system/$t.sh </dev/null || bad=1; done
	exit $bad'

failed=
for suite; do
	echo "# ---- $suite"
	root=$(make_root "$suite") || { echo "not ok - $suite: a root"; failed+=" $suite"; continue; }
	work=$(mktemp -d /var/tmp/elfcast-matrix.XXXXXX)
	# shellcheck disable=SC2086
	run_in "$root" "$work" bash -c "$INSIDE" bash \
		${TESTS:-packages-rpm packages-dnf packages-dnf5 packages-zypper packages-dpkg packages-pacman} ||
		failed+=" $suite"
	rm -rf --one-file-system "$work"
done
[ -z "$failed" ] && exit 0
echo "# failed:$failed"
exit 1
