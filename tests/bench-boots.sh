#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Does a boot get faster? A Debian system with real services, booted by systemd-nspawn from
# modelled disks, cold each time: without elfcast, with it, with all cached, in turn. The time
# is that from systemd's start to its default target; a second line has it from the start of process 1,
# which is earlier: systemd's own libraries are read in between. Each boot has a disk of its own, written
# to in memory, so that all boots of a way are the same one.
#
#   sudo tests/bench-boots.sh
#	PACKAGES="openssh-server nginx"		  what is installed
#	STORAGE="net:1000:3000:125 sd:1500:60 hdd ram"	ROUNDS=10
#	READ_AHEAD_KB=128			  "kernel": what the kernel chooses
#	WAYS="cold eager unit cached"
#	    eager	read ahead from before systemd on (init=/usr/bin/elfcast-prefetch), and the unit
#	    unit	the unit alone
#	    derived	as eager, but no boot was recorded: of the programs that services start alone,
#			trained one by one, in the order in which units start
#	    derived-unit	the same, by the unit alone
#	    read-cached	as cached, and 54 MiB are read from the disk meanwhile, for nobody
#	    recorded	as cold, and recorded by itself; recorded-cached: as cached
#	    old		a build of elfcast in OLD=DIR, a source tree, with its own unit and pack
#	    predecessor	the page cache after a boot with read-ahead 128, replayed file by file
#	    stale	eager, with a pack of files that have all been replaced
#	    large	eager, with a pack of four times as much
#	    fewer	cold, with no service but the system's own
#	    foreign	the same system, eager, with the pack of all services
#	PROFILES=profiles/collection		  for derived, instead of training each program
#	OUT=FILE				  all that was measured, as JSON lines
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)} BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/boots.sh"
lab_enter "$@"
: "${PACKAGES:=openssh-server nginx postgresql redis-server php-fpm fail2ban rsyslog cron}"
: "${STORAGE:=net:1000:3000:125 sd:1500:60 hdd ram}" "${ROUNDS:=10}" "${READ_AHEAD_KB:=128}"
: "${OLD:=}" "${WAYS:=cold eager unit cached${OLD:+ old}}"

for tool in mmdebstrap systemd-nspawn mkfs.ext4; do
	command -v $tool >/dev/null || lab_die "needs $tool"
done
lab_build && lab_has_fuse || lab_die "needs /dev/fuse and libfuse3, for the modelled disks"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" -j"$(nproc)" all >/dev/null || lab_die "the build failed"
lab_begin
boots_begin
echo "packages: $PACKAGES; read-ahead $READ_AHEAD_KB, $(uname -r), $(git -C "$TOP" describe --always --dirty)"
boots_root
boots_record
case " $WAYS " in *" derived"*) boots_train ;; esac
case " $WAYS " in *" predecessor "*) boots_list ;; esac
echo "set up: $SECONDS s"
for model in $STORAGE; do
	for way in $WAYS; do boots_image "$way" "$model"; done
	for round in $(seq "$ROUNDS"); do
		for way in $WAYS; do
			boots_once "$way" "$model" "$round" || lab_die "no boot ($way on $model): $(tail -n 3 "$LAB/console")"
		done
	done
	boots_drop_images
	/usr/bin/python3 "$TOP/tests/lab/boots.py" "$model" <"$LAB/results"
	echo "# $model: $SECONDS s"
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 "$TOP/tests/lab/boots.py" --closing <"$LAB/results"
