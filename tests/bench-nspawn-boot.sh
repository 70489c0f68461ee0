#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Does the boot prefetch make a boot longer? A Debian system in nspawn, on a disk that is cold
# each time and gives READ_IOPS reads a second, booted ROUNDS times with and without the unit
# in turn; its pack holds what that boot does not need. Time from the start of systemd to its
# default target, medians, and the difference with its 95 % interval (bootstrap).
#
#   sudo [ROUNDS=10] [READ_IOPS=1500] tests/bench-nspawn-boot.sh
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
export TOP BUILD
. "$TOP/tests/helpers/pkg-lib.sh"
skip_without mmdebstrap systemd-nspawn nsenter dpkg-buildpackage dh python3
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "${BUILD#"$TOP"/}"/tests/mkpack || exit 1
. "$TOP/tests/helpers/nspawn-lib.sh"
nspawn_image
: "${ROUNDS:=10}" "${READ_IOPS:=1500}"

work=$(mktemp -d /var/tmp/elfcast-bench-XXXXXX)
blkio=/sys/fs/cgroup/blkio/$cgroup
mkdir "$blkio" && cgroups+=("$blkio")
leave() {
	umount "$R" 2>/dev/null
	rm -rf --one-file-system "$work"
	clean_up
}
trap leave EXIT
cold() {
	! mountpoint -q "$R" || umount "$R" || exit 1
	loop=$(losetup -f --show --direct-io=on "$work/disk") || exit 1
	echo "$(cat "/sys/block/${loop#/dev/}/dev") $READ_IOPS" >"$blkio/blkio.throttle.read_iops_device"
	mount "$loop" "$R" || exit 1
	losetup -d "$loop" # as soon as it is not mounted any more, whoever unmounts it
}
truncate -s 3G "$work/disk" && mkfs.ext4 -q "$work/disk" && mkdir -p "$R"
cold
tar -x -C "$R" -f "$image"
boot || exit 1
debs=("$PKGS"/deb/elfcast_*.deb)
cp "${debs[@]}" "$P"
inside apt-get -y -q -o APT::Sandbox::User=root install /pkg/"${debs[0]##*/}" >"$TMP/out" 2>&1 || {
	cat "$TMP/out"
	exit 1
}
# In the units themselves: a drop-in's directory would be one more for that boot to read.
unit=$(inside systemctl show -P FragmentPath elfcast-boot)
halt
sed -i /ConditionVirtualization/d "$R$unit" "$R${unit%.service}-early.service"
# 300 large files that no boot reads, as if they were everyone's programs.
mkdir "$R/usr/lib/load"
for i in $(seq 300); do head -c 400K /dev/urandom >"$R/usr/lib/load/$i"; done
for i in $(seq 300); do printf "/usr/lib/load/$i %d 12 0\n" 0 20 40 60 80; done |
	"$BUILD/tests/mkpack" "$R" >"$R/var/lib/elfcast/boot.pack"

one() { # with|without
	local t
	cold
	if [ "$1" = with ]; then
		rm -f "$R"/etc/systemd/system/elfcast-boot{,-early}.service
	else
		for masked in elfcast-boot elfcast-boot-early; do
			ln -sf /dev/null "$R/etc/systemd/system/$masked.service"
		done
	fi
	cold # the unit's state is on disk, and no name of it in memory
	boot || exit 1
	t=$(($(inside systemctl show -P ActiveEnterTimestampMonotonic default.target) -
		$(inside systemctl show -P UserspaceTimestampMonotonic)))
	if [ "$1" = with ]; then
		for ((i = 0; i < 400; i++)); do
			[ "$(inside systemctl show -P SubState elfcast-boot)" = dead ] && break
			sleep 0.1
		done
		[ -z "$(inside systemd-analyze critical-chain --no-pager | grep elfcast-boot)" ] ||
			echo "critical-chain names it"
		inside journalctl -b -q -o cat _SYSTEMD_UNIT=elfcast-boot.service >>"$TMP/journal"
	fi
	halt
	echo "$1 $t"
}
# shellcheck disable=SC2034
for round in $(seq "$ROUNDS"); do
	one without
	one with
done | tee "$TMP/times"
python3 - "$TMP/times" <<'P'
import random, statistics, sys
t = {"with": [], "without": []}
for line in open(sys.argv[1]):
    how, us = line.split()
    t[how].append(int(us) / 1000)
random.seed(1)
m = statistics.median
d = sorted(m(random.choices(t["with"], k=len(t["with"]))) - m(random.choices(t["without"], k=len(t["without"])))
           for _ in range(10000))
print("boot: without %.0f ms, with %.0f ms, difference %.0f ms [%.0f, %.0f]" % (
    m(t["without"]), m(t["with"]), m(t["with"]) - m(t["without"]), d[250], d[9750]))
P
tail -n 1 "$TMP/journal"
