#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian system, booted with systemd: apt installs our packages inside, triggers compile, the
# unit compiles at the next boot what no trigger saw, and a purge leaves nothing.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without mmdebstrap systemd-nspawn nsenter dpkg-buildpackage dh python3 git

codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
if [ -z "$codename" ]; then
	skip "boot" "our packages link this system's libraries, and this is not Debian"
	exit 0
fi
if ! built deb; then
	not_ok "make deb"
	finish
fi

# ---- the system ----
# With what our packages depend on: no network is needed inside.
depends=$(for f in "$CACHE"/deb/*.deb; do dpkg-deb -f "$f" Depends; done | tr ',|' '\n\n' |
	sed 's/(.*//; s/ //g; /^elfcast/d; /^$/d' | sort -u | paste -s -d ,)
image=$CACHE/$codename-$(cksum <<<"$depends" | cut -d ' ' -f 1).tar
if [ ! -s "$image" ]; then
	if ! mmdebstrap -q --variant=minbase --include="systemd,systemd-sysv,$depends" \
		"$codename" "$TMP/image.tar" >"$TMP/mmdebstrap.log" 2>&1; then
		skip "boot" "mmdebstrap failed: $(grep -m 1 '^E:' "$TMP/mmdebstrap.log")"
		exit 0
	fi
	mv "$TMP/image.tar" "$image"
fi
# nspawn refuses /run on a disk; our namespace has one of its own.
mkdir -p /run/systemd/nspawn && mount -t tmpfs nspawn /run/systemd/nspawn
# A cgroup of our own, so that what nspawn leaves behind can be told and removed.
cgroup=elfcast-test-$$
cgroups=()
for h in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	[ -e "$h/cgroup.procs" ] && mkdir "$h/$cgroup" 2>/dev/null && cgroups+=("$h/$cgroup")
done
nspawn=
clean_up() {
	[ -z "$nspawn" ] || kill -KILL "$nspawn" 2>/dev/null
	[ -z "$nspawn" ] || wait "$nspawn" 2>/dev/null
	for h in "${cgroups[@]}"; do
		while read -r p; do kill -KILL "$p"; done 2>/dev/null \
			< <(find "$h" -name cgroup.procs -exec cat {} + 2>/dev/null)
		for ((i = 0; i < 50; i++)); do
			find "$h" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -e "$h" ] || break
			sleep 0.1
		done
	done
	rm -rf --one-file-system "$TMP"
}
trap clean_up EXIT

# boot: start the system and wait until it says that it runs
boot() {
	(
		for h in "${cgroups[@]}"; do echo "$BASHPID" >"$h/cgroup.procs"; done
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		exec systemd-nspawn -q --register=no --keep-unit -D "$R" --bind-ro="$P:/pkg" \
			--console=read-only --boot
	) </dev/null >"$TMP/console" 2>&1 &
	nspawn=$!
	for ((i = 0; i < 300; i++)); do
		leader=$(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null)
		leader=${leader%% *}
		case $(inside systemctl is-system-running --wait 2>/dev/null) in
		running | degraded) return 0 ;;
		esac
		kill -0 "$nspawn" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
inside() {
	nsenter -t "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd \
		/usr/bin/env -i PATH=/usr/sbin:/usr/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
halt() {
	inside systemctl poweroff --no-wall 2>/dev/null # the bus goes away under it
	wait "$nspawn"
	nspawn=
}
# The unit's job is done when its program has started: wait for its end.
unit_ended() {
	for ((i = 0; i < 300; i++)); do
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
cp "$CACHE"/deb/elfcast*_0*.deb "$P"
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
same "the unit is enabled" enabled "$(inside systemctl is-enabled elfcast-compile)"
check "systemd finds no fault with it" inside systemd-analyze --man=no verify elfcast-compile.service
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
check "boots again" boot
check "the unit ran to its end" unit_ended
echo "# journal: $(journal | tail -n 1)"
check "the journal has what it did" grep -qE '^elfcast: [0-9]+ profiles?: [1-9][0-9]* compiled' <(journal)
same "the shadows are back" "$(sed 's/.* //' <<<"$want")" "$(shadows | sed 's/.* //')"
same "with the bytes of a fresh compile" "$(fresh_inside)" "$(shadows)"
same "and all would be read ahead" 3 "$(uses)"
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
stamps=$(stat -c '%n %i %y %z' "$R"/var/lib/elfcast/shadow/* "$R/var/lib/elfcast/index")
inside systemctl start elfcast-compile
check "the unit runs again" unit_ended
same "and writes nothing" "$stamps" \
	"$(stat -c '%n %i %y %z' "$R"/var/lib/elfcast/shadow/* "$R/var/lib/elfcast/index")"

# A profile that nobody announced: copied by hand.
mkdir -p "$R/etc/elfcast/profiles.d"
sed 's/"scenario": "default"/"scenario": "by-hand"/' \
	"$T/prog-elfcast-2/usr/share/elfcast/profiles.d/prog.prog.json" >"$R/etc/elfcast/profiles.d/local.prog.json"
inside systemctl start elfcast-compile
check "the unit runs with a profile copied by hand" unit_ended
same "which has a shadow now" 1 "$(shadows | grep -c 'local\.prog')"

# ---- away ----
rm "$R/etc/elfcast/profiles.d/local.prog.json"
check "apt purges" apt purge elfcast elfcast-tools elfcast-profiles prog-elfcast
same "without a complaint" "" "$(grep -iE 'elfcast.*(error|warning|fail)|^(E|W):' "$TMP/out")"
same "nothing of ours is left" "" \
	"$(find "$R"/{etc,usr,run,var/lib,var/cache} -xdev -name '*elfcast*' -printf '%P ')"
same "no unit has failed" "" "$(inside systemctl --failed --plain --no-legend)"
halt
echo "# table: booted twice, six apt transactions, the unit four times ($((SECONDS - t0)) s)"
finish
