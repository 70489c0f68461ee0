#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: memory-pressure
# takes: 60 s
# A Debian system, booted with systemd: apt installs our packages inside, triggers compile, the
# unit compiles at the next boot what no trigger saw, and a purge leaves nothing.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without mmdebstrap systemd-nspawn nsenter dpkg-buildpackage dh python3 git

. "$TOP/tests/helpers/nspawn-lib.sh"
nspawn_image

# The unit's job is done when its program has started: wait for its end.
unit_ended() {
	for ((i = 0; i < 1800; i++)); do
		[ "$(inside systemctl show -P ActiveState elfcast-compile)" = inactive ] &&
			[ -n "$(inside systemctl show -P ExecMainExitTimestamp elfcast-compile)" ] &&
			[ "$(inside systemctl show -P ExecMainStatus elfcast-compile)" = 0 ] && return 0
		sleep 0.1
	done
	return 1
}
journal() { inside journalctl -b -q -o cat _SYSTEMD_UNIT=elfcast-compile.service; }
fresh_inside() { # as fresh(), by the system itself
	mv "$R/var/lib/elfcast" "$R/saved"
	inside elfcast compile --force --quiet
	shadows
	rm -rf "$R/var/lib/elfcast"
	mv "$R/saved" "$R/var/lib/elfcast"
}

vendor_trees
for v in 1 2; do
	for name in prog prog-elfcast; do
		mkdir "$T/$name-$v/DEBIAN"
		printf '%s\n' "Package: $name" "Version: $v" "Maintainer: test <t@example.org>" \
			"Architecture: $(dpkg --print-architecture)" "Description: test" \
			>"$T/$name-$v/DEBIAN/control"
		dpkg-deb --root-owner-group -b "$T/$name-$v" "$P/$name-$v.deb" >/dev/null
	done
done
cp "$PKGS"/deb/elfcast*_0*.deb "$P"
rm -f "$P"/*dbgsym*
chmod 755 "$TMP"
tar -x -C "$R" -f "$image"
if ! boot; then
	skip "boot" "systemd does not boot here: $(tail -n 1 "$TMP/console")"
	exit 0
fi
ok "a system boots"
t0=$SECONDS

# ---- packages ----
apt() { inside apt-get -y -q --allow-downgrades -o APT::Sandbox::User=root "$@" >"$TMP/out" 2>&1; }
debs=("$P"/elfcast_*.deb "$P"/elfcast-tools_*.deb "$P"/elfcast-profiles_*.deb)
if ! apt install "${debs[@]/#$P//pkg}"; then
	not_ok "apt installs elfcast, -tools and -profiles"
	sed 's/^/# /' "$TMP/out"
	exit 1
fi
ok "apt installs elfcast, -tools and -profiles"
same "without a complaint" "" "$(grep -iE 'elfcast.*(error|warning|fail)|^(E|W):' "$TMP/out")"
same "the timer is enabled" enabled "$(inside systemctl is-enabled elfcast-compile.timer)"
check "systemd finds no fault with them" inside systemd-analyze --man=no verify \
	elfcast-compile.service elfcast-compile.timer
# A minute of a processor each time that all of them are compiled: they go.
check "with shadows for the collection's programs that are there" test "$(shadows | grep -c elfcast)" -gt 5
check "apt removes the collection" apt purge elfcast-profiles
same "and its shadows" 0 "$(shadows | grep -c elfcast)"
check "apt installs a program" apt install /pkg/prog-1.deb
check "and its profile" apt install /pkg/prog-elfcast-1.deb
same "the trigger has compiled it" 1 "$(shadows | grep -c prog)"
same "to the bytes of a fresh compile" "$(fresh_inside)" "$(shadows)"
uses() {
	inside elfcast prefetch --json prog 2>/dev/null |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["objects_used"])'
}
same "a launch would read all of its files ahead" 3 "$(uses)"
check "apt upgrades the program only" apt install /pkg/prog-2.deb
same "nothing would be read ahead" 0 "$(uses)"
check "apt upgrades its profile" apt install /pkg/prog-elfcast-2.deb
same "all of it would" 3 "$(uses)"

# ---- the unit, at boot: a new /var, as image updates bring ----
want=$(shadows)
halt
rm -rf "$R/var/lib/elfcast"
same "after a minute" OnBootSec=1min "$(grep OnBootSec "$R/lib/systemd/system/elfcast-compile.timer")"
early=$R/etc/systemd/system/elfcast-compile.timer.d
mkdir -p "$early"
printf '[Timer]\nOnBootSec=\nOnBootSec=1s\nAccuracySec=100ms\n' >"$early/here.conf"
check "boots again" boot
check "the unit ran to its end" unit_ended
echo "# journal: $(journal | tail -n 1)"
check "the journal has what it did" grep -qE '^elfcast: [0-9]+ profiles?: [1-9][0-9]* compiled' <(journal)
same "the shadows are back" "$(sed 's/.* //' <<<"$want")" "$(shadows | sed 's/.* //')"
same "with the bytes of a fresh compile" "$(fresh_inside)" "$(shadows)"
same "and all would be read ahead" 3 "$(uses)"
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
stamps=$(stat -c '%n %i %y %z' "$R"/var/lib/elfcast/shadow/*prog.*)
inside systemctl start elfcast-compile
check "the unit runs again" unit_ended
same "and writes nothing" "$stamps" \
	"$(stat -c '%n %i %y %z' "$R"/var/lib/elfcast/shadow/*prog.*)"

# ---- the boot pack ----
# Of the program, and of a part of systemd: nobody else reads this one then.
boot_json() {
	python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$TMP/boot.json" "$1"
}
same "the boot units are enabled" "enabled enabled" \
	"$(inside systemctl is-enabled elfcast-boot elfcast-boot-early | xargs)"
check "systemd finds no fault with the boot units" \
	inside systemd-analyze --man=no verify elfcast-boot.service elfcast-boot-early.service
for unit in elfcast-boot elfcast-boot-early; do
	exposure=$(inside systemd-analyze security --offline=true --threshold=35 --no-pager $unit.service)
	same "$unit: its exposure is 3.5 at most" "0 1" "$? $(grep -c 'Overall exposure level' <<<"$exposure")"
done
same "there is a user to read ahead" elfcast "$(inside getent passwd elfcast | cut -d : -f 1)"
same "in a container it is not for" no "$(inside systemctl show -P ConditionResult elfcast-boot)"
for unit in elfcast-boot elfcast-boot-early; do
	mkdir -p "$R/etc/systemd/system/$unit.service.d"
	printf '[Unit]\nConditionVirtualization=\n' >"$R/etc/systemd/system/$unit.service.d/here.conf"
done
rm -r "$early"
# The first two lines are the boot's: the second of them is on what is mounted later.
boot_pack() {
	mkdir -p "$R/srv/late" "$R/srv/mounted" && cp "$R/usr/bin/env" "$R/srv/late/env" &&
		mount --bind "$R/srv/late" "$R/srv/mounted" &&
		printf '%s\n' "/usr/bin/prog 0 1 0" "/srv/mounted/env 0 3 0" \
			"/usr/bin/systemd-analyze 0 4 1" "/usr/share/prog/data 0 2 1" |
		"$BUILD/tests/mkpack" "$R" 2 >"$R/var/lib/elfcast/boot.pack" &&
		umount "$R/srv/mounted" &&
		echo "/srv/late /srv/mounted none bind,x-systemd.requires=late.service 0 0" >>"$R/etc/fstab"
}
# As a passphrase that is typed: the mount waits until all that comes before has been read.
cat >"$R/etc/systemd/system/late.service" <<-'UNIT'
	[Unit]
	DefaultDependencies=no
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	ExecStart=/bin/sh -c 'until [ -e /run/elfcast/boot.early ]; do sleep 0.1; done'
	TimeoutStartSec=60s
UNIT
boot_unit_ended() {
	for ((i = 0; i < 1800; i++)); do
		[ "$(inside systemctl show -P SubState elfcast-boot)" = dead ] &&
			[ -n "$(inside systemctl show -P ExecMainExitTimestamp elfcast-boot)" ] && break
		sleep 0.1
	done
	same "$1: result" "success 0" \
		"$(inside systemctl show -P Result elfcast-boot) $(inside systemctl show -P ExecMainStatus elfcast-boot)"
	boot_journal=$(inside journalctl -b -q -o cat _SYSTEMD_UNIT=elfcast-boot.service)
	echo "# journal: $boot_journal"
	same "$1: one line" 1 "$(wc -l <<<"$boot_journal")"
	inside cat /run/elfcast/boot.json >"$TMP/boot.json"
}
check "a pack is made" boot_pack
halt
check "boots with a pack" boot
boot_unit_ended "with a pack"
check "the journal says what was asked for" grep -q '^elfcast-prefetch: asked for .* 4 objects' <<<"$boot_journal"
same "the report: all of it" "('read', None, 10, 4)" \
	"$(boot_json '(r["outcome"], r["stopped"], r["asked_pages"], r["objects_used"])')"
same "a page early, and three when their file system was mounted" "(1, 4)" \
	"$(boot_json '(r["eager"]["early_asked_bytes"] // 4096, r["eager"]["asked_bytes"] // 4096)')"
us() { inside systemctl show -P "$2" "$1"; }
from=$(boot_json 'int(r["eager"]["from_ms"] * 1000)') until=$(boot_json 'int(r["eager"]["until_ms"] * 1000)')
# When it was about to be started: that it was, process 1 may note after it has begun to read.
check "read before that" test "$from" -gt "$(us elfcast-boot-early ConditionTimestampMonotonic)" -a \
	"$until" -lt "$(us srv-mounted.mount ActiveEnterTimestampMonotonic)"
check "before local file systems" test "$until" -lt "$(us local-fs.target ActiveEnterTimestampMonotonic)"
same "the early one ended well, and said nothing" "success 0 " "$(us elfcast-boot-early Result) \
$(us elfcast-boot-early ExecMainStatus) $(inside journalctl -b -q -o cat _SYSTEMD_UNIT=elfcast-boot-early.service)"
same "what it left is gone" "boot.json" "$(inside ls /run/elfcast)"
same "the boot as a picture, with nothing to say about it" "" \
	"$(inside elfcast status --plot=/tmp/boot.svg 2>&1)"
check "and its units in it" inside grep -q elfcast-boot /tmp/boot.svg
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
same "nothing that boots waits for it" "" \
	"$(inside systemd-analyze critical-chain --no-pager | grep elfcast-boot)"
# On the way to what systemd starts: nobody is ordered after it but shutdown.
same "only shutdown is ordered after it" "shutdown.target" \
	"$(inside systemctl show -P Before elfcast-boot)"
same "and after the early one" "shutdown.target" "$(us elfcast-boot-early Before)"
same "which is after nothing that takes time" "-.mount system.slice" \
	"$(us elfcast-boot-early After | tr ' ' '\n' | grep -v '^run.mount$' | sort | xargs)"
sed -i '$d' "$R/etc/fstab"
truncate -s 100 "$R/var/lib/elfcast/boot.pack"
halt
check "boots with half a pack" boot
boot_unit_ended "with half a pack"
check "the journal says so" grep -q 'rebuilds .*: damaged$' <<<"$boot_journal"
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
rm -r "$R"/etc/systemd/system/{elfcast-boot.service.d,elfcast-boot-early.service.d,late.service} \
	"$R/var/lib/elfcast/boot.pack" "$R"/srv/{late,mounted}

# A profile that nobody announced: copied by hand.
mkdir -p "$R/etc/elfcast/profiles.d"
sed 's/"scenario": "default"/"scenario": "by-hand"/' \
	"$T/prog-elfcast-2/usr/share/elfcast/profiles.d/prog.prog.json" >"$R/etc/elfcast/profiles.d/local.prog.json"
inside systemctl start elfcast-compile
check "the unit runs with a profile copied by hand" unit_ended
same "which has a shadow now" 1 "$(shadows | grep -c 'local\.prog')"

# ---- the watcher ----
mkdir -p "$R/etc/systemd/system/elfcastd.service.d"
printf '[Unit]\nConditionVirtualization=\n' >"$R/etc/systemd/system/elfcastd.service.d/here.conf"
inside systemctl daemon-reload
launches() { # expression
	inside elfcast status --launches --json | python3 -c 'import json, sys
print(eval(sys.argv[1], {"s": json.load(sys.stdin)}))' "$1"
}
same "the watcher is off until somebody enables it" disabled "$(inside systemctl is-enabled elfcastd)"
# What status says of the units, as this systemd answers.
says_of_units() { # NAME TEXT: among hints, and what is to be mended
	check "status: $1" grep -qF "$2" <<<"$(inside elfcast status 2>/dev/null | sed -n '/^hint:/p; /^to mend:/,$p')"
}
says_of_units "recommends the watcher" "counted: 'systemctl enable --now elfcastd'"
inside systemctl --quiet mask elfcastd
says_of_units "not where it is masked" "elfcastd is masked: "
inside systemctl --quiet unmask elfcastd
mkdir -p "$R/etc/systemd/system/elfcastd.service.d"
printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >"$R/etc/systemd/system/elfcastd.service.d/fails.conf"
inside systemctl daemon-reload
inside systemctl start elfcastd
fails() { [ "$(inside systemctl show -P Result elfcastd)" = exit-code ]; }
wait_until fails
says_of_units "nor where it fails" "elfcastd fails: "
rm "$R/etc/systemd/system/elfcastd.service.d/fails.conf"
inside systemctl stop elfcastd
inside systemctl reset-failed elfcastd 2>/dev/null
inside systemctl daemon-reload
inside systemctl --quiet disable elfcast-compile.timer
says_of_units "what is not enabled is to be mended" "are not enabled: 'systemctl enable elfcast-compile.timer'"
inside systemctl --quiet enable elfcast-compile.timer
check "it starts" inside systemctl start elfcastd
for ((i = 0; i < 1800; i++)); do
	[ "$(launches 's["watcher"]["running"] and s["watcher"]["programs"] > 0')" = True ] && break
	sleep 0.1
done
# Of itself a small program has read all when it is looked at: there is data beside it.
head -c 262144 /dev/urandom >"$R/usr/share/probe"
profile "$R/etc/elfcast/profiles.d/local.probe.json" /usr/bin/true '{ "path": "/usr/share/probe", "size": 262144, "pages": [[4, 8, 1, 0]] }'
inside elfcast compile -q
sync "$R/usr/share/probe"
"$BUILD/tests/residency" --evict "$R/usr/share/probe"
before=$(launches 'sum(p["launches"] for p in s["programs"] if p["program"] == "/usr/bin/prog")')
for i in 1 2 3; do inside /usr/bin/prog >/dev/null 2>&1; done
pid=$(inside systemctl show -P MainPID elfcastd)
check "it reloads" inside systemctl reload elfcastd
same "and is the same" "active $pid" \
	"$(inside systemctl is-active elfcastd) $(inside systemctl show -P MainPID elfcastd)"
has_read() { [ "$(brought "$R/usr/share/probe")" = "4 8" ]; }
runs_and_reads() { inside /usr/bin/true && has_read; }
check "the service, confined, reads ahead what is launched" wait_until runs_and_reads
rm "$R/usr/share/probe" "$R/etc/elfcast/profiles.d/local.probe.json"
check "it stops" inside systemctl stop elfcastd
same "three launches were counted" 3 \
	"$(launches "round(sum(p['launches'] for p in s['programs'] if p['program'] == '/usr/bin/prog') - $before)")"
same "it ended well" "success 0" \
	"$(inside systemctl show -P Result elfcastd) $(inside systemctl show -P ExecMainStatus elfcastd)"
rm -r "$R/etc/systemd/system/elfcastd.service.d"
inside systemctl daemon-reload

# ---- away ----
rm "$R/etc/elfcast/profiles.d/local.prog.json"
check "apt purges" apt purge elfcast elfcast-tools prog-elfcast
same "without a complaint" "" "$(grep -iE 'elfcast.*(error|warning|fail)|^(E|W):' "$TMP/out")"
same "nothing of ours is left" "" \
	"$(find "$R"/{etc,usr,run,var/lib,var/cache} -xdev -name '*elfcast*' -printf '%P ')"
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
halt
echo "# table: booted four times, seven apt transactions, the unit four times ($((SECONDS - t0)) s)"
finish
