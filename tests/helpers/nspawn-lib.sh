# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests that boot a Debian system with systemd, in nspawn: sourced after pkg-lib.sh.
#   nspawn_image      $image: a tar with what our packages in $PKGS/deb depend on, or skips. Of this
#                     Debian; with DEBS=DIRECTORY of SUITE, for which these packages were built
#   boot              start the system in $R and wait until it says that it runs
#   inside COMMAND…   there
#   halt

nspawn_image() {
	local codename depends
	codename=${SUITE:-$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")}
	if [ -z "$codename" ]; then
		skip "boot" "our packages link this system's libraries, and this is not Debian"
		exit 0
	fi
	if [ -n "${DEBS:-}" ]; then
		mkdir -p "$PKGS" && ln -sfn "$DEBS" "$PKGS/deb"
	elif ! built deb; then
		not_ok "make deb"
		finish
	fi
	# With what our packages depend on: no network is needed inside.
	depends=$(deb_depends)
	if ! cached nspawn "$codename ${DEBS:+$depends }$(versions "$depends" 2>/dev/null)" nspawn_bootstrap "$codename" "$depends"; then
		skip "boot" "mmdebstrap failed: $(grep -m 1 '^E:' "$TMP/mmdebstrap.log")"
		exit 0
	fi
	# shellcheck disable=SC2034,SC2154 # for the test; of cache.sh
	image=$cached
}
nspawn_bootstrap() { # codename depends file
	mmdebstrap -q --variant=minbase --format=tar --aptopt='Acquire::Check-Valid-Until "false"' \
		--include="systemd,systemd-sysv,$2" "$1" "$3" ${SUITE:+${MIRROR:+"$MIRROR"}} \
		>"$TMP/mmdebstrap.log" 2>&1
}
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
		# What the watcher calls is not for containers by default.
		exec systemd-nspawn -q --register=no --keep-unit -D "$R" --bind-ro="$P:/pkg" \
			--system-call-filter="fanotify_init fanotify_mark" --console=read-only --boot
	) </dev/null >"$TMP/console" 2>&1 &
	nspawn=$!
	for ((i = 0; i < 1800; i++)); do
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
