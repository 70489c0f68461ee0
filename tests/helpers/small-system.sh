# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests/system/boot-collection*.sh: a small system that boots, after cache.sh.

# With what elfcast as it is built here needs: no network is needed inside.
SMALL=systemd,systemd-sysv,dbus,procps,libpam-systemd,cron,libelf1,libjson-c5,libxxhash0

# small_system CODENAME: sets $cached to its tar file; or why there is none is in $TMP/mmdebstrap.log
small_system() { cached collection "$1 $SMALL" bootstrap "$1"; }
bootstrap() { # codename file
	mmdebstrap -q --variant=minbase --format=tar --include=$SMALL "$1" "$2" >"$TMP/mmdebstrap.log" 2>&1
}
