#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# A Debian system, booted with systemd: each boot is noted in the log, a control reads nothing for
# the boot, and what is switched off stays off.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without mmdebstrap systemd-nspawn nsenter dpkg-buildpackage dh python3 git

. "$TOP/tests/helpers/nspawn-lib.sh"
nspawn_image
cp "$PKGS"/deb/elfcast_*.deb "$P"
chmod 755 "$TMP"
# shellcheck disable=SC2154 # of nspawn_image
tar -x -C "$R" -f "$image"
if ! boot; then
	skip "boot" "systemd does not boot here: $(tail -n 1 "$TMP/console")"
	exit 0
fi
debs=("$P"/elfcast_*.deb)
if ! inside dpkg -i "${debs[@]/#$P//pkg}" >"$TMP/out" 2>&1; then
	not_ok "dpkg installs elfcast"
	sed 's/^/# /' "$TMP/out"
	exit 1
fi
same "the timer is enabled" enabled "$(inside systemctl is-enabled elfcast-boot-note.timer)"
check "systemd finds no fault with the units" \
	inside systemd-analyze --man=no verify elfcast-boot-note.service elfcast-boot-note.timer
same "in a container they are not for" no "$(inside systemctl show -P ConditionResult elfcast-boot-note.timer)"
same "the note's exposure is 1.5 at most" 0 \
	"$(inside systemd-analyze security --offline=true --threshold=15 --no-pager elfcast-boot-note.service >/dev/null; echo $?)"
same "after a minute" OnActiveSec=1min "$(grep OnActiveSec "$R/lib/systemd/system/elfcast-boot-note.timer")"

mkdir -p "$R/etc/systemd/system/elfcast-boot.service.d"
printf '[Unit]\nConditionVirtualization=\n' >"$R/etc/systemd/system/elfcast-boot.service.d/here.conf"
# What the boot needs: three extents; a launch: one.
printf '%s\n' "/usr/bin/systemd-analyze 0 4 0" "/usr/bin/bash 0 8 0" "/usr/bin/apt-get 0 2 0" "/usr/bin/perl 0 5 1" |
	"$BUILD/tests/mkpack" "$R" 3 >"$R/var/lib/elfcast/boot.pack"
log=$R/var/lib/elfcast/boots
report() { # expression
	inside cat /run/elfcast/boot.json | python3 -c 'import json, sys
r = json.load(sys.stdin)
print(*eval(sys.argv[1]))' "$1"
}
# field NUMBER: of the last boot in the log
field() { tail -n 2 "$log" | head -n 1 | cut -d ' ' -f "$1"; }
# noted NAME N: boots again, and has it noted: N boots are in the log; the last is this one
noted() {
	halt
	boot || return 1
	for ((i = 0; i < 1800; i++)); do
		inside test -e /run/elfcast/boot.json && break
		sleep 0.1
	done
	inside systemctl start elfcast-boot-note
	for ((i = 0; i < 1800; i++)); do
		[ "$(inside systemctl show -P SubState elfcast-boot-note)" = dead ] && break
		sleep 0.1
	done
	same "$1: in the log" "end $2 $(inside cat /proc/sys/kernel/random/boot_id)" \
		"$(tail -n 1 "$log") $(field 1)"
	same "$1: no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
}
noted "the first boot" 1
same "the first boot: all is read, 14 pages of it for the boot" "eager 14 19" \
	"$(report '(r["plan"], r["eager"]["asked_bytes"] // 4096, r["asked_pages"])')"
same "so says the log" eager "$(field 3)"
# What systemd says of it, from where process 1 was started: that is earlier, and known to a tick.
target=$(inside systemctl show -P ActiveEnterTimestampMonotonic default.target)
ticks=$(inside cat /proc/1/stat | sed 's/.*) //' | cut -d ' ' -f 20)
took=$((target / 1000 - ticks * 1000 / $(getconf CLK_TCK)))
check "its time is that from process 1 to the default target: $(field 6), $took ms" \
	test $(($(field 6) - took)) -ge -2 -a $(($(field 6) - took)) -le 2
check "systemd began later than that" \
	test $((took - (target - $(inside systemctl show -P UserspaceTimestampMonotonic)) / 1000)) -gt 2
inside elfcast status --plot=/root/boot.svg
drawn=$(inside grep -o 'default target after [0-9.]*' /root/boot.svg | tr -dc 0-9) # of 10 ms
check "and the picture's: $drawn" test $((10#$drawn * 10 - $(field 6))) -ge -7 -a $((10#$drawn * 10 - $(field 6))) -le 7
check "it began just now" test $(($(date +%s) - $(field 2))) -lt 600
noted "the second boot" 2
want=eager
[[ $(field 1) == *0 ]] && want=control # one of 16
same "the second boot is what its ID says" $want "$(field 3)"
same "both are shown" 2 "$(inside elfcast status --boots | grep -cE '^20.*(eager|control) ')"

# Of another part, and so this one is a control.
key=$(field 5)
other=$(printf %016x $((~0x$key)))
printf '%s\n' "elfcast-boots 1" "6f1c2d3e-0000-4000-8000-012345678901 0 eager - $other 3000 0 0 0 0 - k" "end 1" >"$log"
noted "a control" 2
same "a control: nothing is read for the boot, the rest is" "control 0 0 5" \
	"$(report '(r["plan"], r["eager"]["asked_bytes"], r["eager"]["metadata_asked_bytes"], r["asked_pages"])')"
same "it stands in the log, with its time and the key" "control 0 $key" "$(field 3) $(field 7) $(field 5)"
check "its time is known" test "$(field 6)" -gt 0

# Switched off.
sed -i "s/ control - / control off /" "$log"
for n in 3 4; do
	noted "switched off, boot $n" $n
	same "boot $n: nothing is read for the boot" "off 0 5" \
		"$(report '(r["plan"], r["eager"]["asked_bytes"], r["asked_pages"])')"
	same "boot $n: off" "off" "$(field 3)"
done
same "status says so" 1 "$(inside elfcast status 2>/dev/null | grep -c '^boots: .*switched off')"
mkdir -p "$R/etc/elfcast"
echo BootEager=yes >>"$R/etc/elfcast/elfcast.conf"
noted "BootEager=yes" 5
same "it is read" "eager 14" "$(report '(r["plan"], r["eager"]["asked_bytes"] // 4096)')"
halt
finish
