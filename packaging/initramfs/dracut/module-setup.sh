#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# dracut: what the boot needs is read ahead from when the root is mounted: elfcast-prefetch(8).
# Nothing of elfcast goes into the initramfs: the root's own program is run.

check() {
	require_binaries chroot || return 1
	return 0
}

install() {
	inst_multiple chroot
	# After what mounts /usr.
	# shellcheck disable=SC2154 # dracut's
	inst_hook pre-pivot 90 "$moddir/elfcast.sh"
}
