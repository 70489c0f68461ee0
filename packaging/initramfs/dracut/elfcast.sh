#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Read by dracut's shell, with and without systemd; nothing waits for it.
if [ -x "$NEWROOT/usr/bin/elfcast-prefetch" ]; then
	chroot "$NEWROOT" /usr/bin/elfcast-prefetch --initramfs </dev/null >/dev/null 2>&1 &
fi
