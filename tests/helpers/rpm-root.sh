# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests that have rpm pack and sign: by the rpm of another root, as "make matrix" keeps them, so
# that the librpm of this machine is held against packages that are newer than it is. First of all:
#   rpm_root_enter DIRECTORY     goes on in a mount namespace (re-executes the test)
# then, after lib.sh:
#   rpm_root_use DIRECTORY       rpm, rpmbuild, rpmsign, rpmkeys, gpg are those of the directory, which
#                                is not written; 1: they cannot be
#   rpm_root_leave               before $TMP goes

rpm_root_enter() {
	[ -n "${RPM_ROOT_UNSHARED:-}" ] || RPM_ROOT_UNSHARED=1 exec unshare --mount --propagation private "$0"
}
# Not below $TMP: what removes that does not find the root there.
rpm_root_use() {
	local tool
	RPM_ROOT_AT=$(mktemp -d /tmp/elfcast-rpm-root-XXXXXX) || return
	mount --bind "$1" "$RPM_ROOT_AT" && mount -o remount,bind,ro "$RPM_ROOT_AT" &&
		mount -t tmpfs none "$RPM_ROOT_AT/tmp" && mkdir "$RPM_ROOT_AT/$TMP" "$TMP/of-root" &&
		mount --bind "$TMP" "$RPM_ROOT_AT/$TMP" && mount --rbind /dev "$RPM_ROOT_AT/dev" &&
		mount -t proc none "$RPM_ROOT_AT/proc" || return
	for tool in rpm rpmbuild rpmsign rpmkeys gpg gpgconf; do
		[ -x "$1/usr/bin/$tool" ] || return
		printf '#!/bin/sh\nexec chroot %s /usr/bin/env -C "$PWD" PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 %s "$@"\n' \
			"$RPM_ROOT_AT" "$tool" >"$TMP/of-root/$tool"
		chmod +x "$TMP/of-root/$tool"
	done
	PATH=$TMP/of-root:$PATH
}
rpm_root_leave() {
	[ -n "${RPM_ROOT_AT:-}" ] || return 0
	umount -R -l "$RPM_ROOT_AT"
	rmdir "$RPM_ROOT_AT"
}
