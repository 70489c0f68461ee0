#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Does a live system boot faster? The system of bench-boots.sh as a squashfs or erofs image with an overlay in
# memory on it, booted by systemd-nspawn from modelled disks, cold each time: as the tools lay it out, and with the
# files of the boot first, in the order in which they are needed (`elfcast export`); with and without elfcast, which has a pack in the
# image (`elfcast compile --usr`).
#
#   sudo tests/bench-live.sh
#	PACKAGES="openssh-server nginx"		  what is installed
#	KIND="squashfs erofs"			  squashfs: zstd. erofs: uncompressed, as mkfs.erofs keeps an order in
#						  no other; from 1.8.2 on (MKFS_EROFS=PATH), else not measured
#	STORAGE="sd:1500:60 hdd net:1000:3000:125"	ROUNDS=3	READ_AHEAD_KB=128
#	WAYS="cold ordered eager eager-ordered cached"
#	OUT=FILE				  all that was measured, as JSON lines
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)} BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/boots.sh"
. "$TOP/tests/lab/live.sh"
lab_enter "$@"
: "${PACKAGES:=openssh-server nginx postgresql redis-server php-fpm fail2ban rsyslog cron}"
: "${KIND:=squashfs erofs}" "${STORAGE:=sd:1500:60 hdd net:1000:3000:125}" "${ROUNDS:=3}" "${READ_AHEAD_KB:=128}"
: "${WAYS:=cold ordered eager eager-ordered cached}"

for tool in mmdebstrap systemd-nspawn mkfs.ext4; do
	command -v $tool >/dev/null || lab_die "needs $tool"
done
lab_build && lab_has_fuse || lab_die "needs /dev/fuse and libfuse3, for the modelled disks"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" -j"$(nproc)" all >/dev/null || lab_die "the build failed"
kinds=$(lab_ordered_kinds "$KIND")
[ -n "$kinds" ] || lab_die "nothing to measure"
lab_begin
boots_begin
echo "packages: $PACKAGES; read-ahead $READ_AHEAD_KB, $(uname -r), $(git -C "$TOP" describe --always --dirty)"
boots_root
boots_record
echo "set up: $SECONDS s"
for kind in $kinds; do
	live_images "$kind"
	for model in $STORAGE; do
		for round in $(seq "$ROUNDS"); do
			for way in $WAYS; do
				live_once "$kind" "$way" "$model" "$round" ||
					lab_die "no boot ($way on $kind, $model): $(tail -n 3 "$LAB/console")"
			done
		done
		/usr/bin/python3 "$TOP/tests/lab/boots.py" "$kind/$model" <"$LAB/results"
		echo "# $kind/$model: $SECONDS s"
	done
	live_drop_images "$kind"
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 "$TOP/tests/lab/boots.py" --closing <"$LAB/results"
