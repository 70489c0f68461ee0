# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots of a whole system on the lab's disks. Sourced after lab.sh, in its namespace.
#
#   boots_begin
#   boots_root			a Debian system with $PACKAGES and this build, in $LAB/base.img
#   boots_record		one boot, recorded by elfcast-train-boot.service
#   boots_list			what predecessors would read ahead
#   boots_train			profiles of the programs that services start, each by itself
#   boots_image WAY MODEL	the disk of a way
#   boots_once WAY MODEL ROUND	one cold boot; a JSON line in $LAB/results
#   boots_drop_images
#
# PID 1 of the container is asked by the systemctl of this machine, through its socket: what
# asks is cached, and reads nothing from the disk that is measured. It has to be in the
# container's process namespace, or PID 1 does not know who asks.
# shellcheck disable=SC2034
: "${LAB_SLOWDISK:?}"
BOOTS_UNITS=/usr/lib/systemd/system
boots_nspawn=
boots_leader=
boots_cgroups=()

boots_begin() {
	local h
	# Ours, so that nspawn has a place outside of the disk, and PID 1's socket can be put here.
	mkdir -p /run/systemd && mount -t tmpfs -o mode=755 boots /run/systemd || lab_die "cannot mount a tmpfs"
	mkdir /run/systemd/system /run/systemd/nspawn
	for h in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
		if [ -e "$h/cgroup.procs" ] && mkdir "$h/elfcast-boots-$$" 2>/dev/null; then
			boots_cgroups+=("$h/elfcast-boots-$$")
		fi
	done
	# Before what else runs here, and all that boots alike.
	if mkdir "/sys/fs/cgroup/cpu/elfcast-boots-$$" 2>/dev/null; then
		boots_cgroups+=("/sys/fs/cgroup/cpu/elfcast-boots-$$")
		echo 262144 >"${boots_cgroups[-1]}/cpu.shares"
	fi
	trap 'boots_end; lab_end' EXIT
	: >"$LAB/results"
}

boots_end() {
	local h i
	boots_kill
	for h in "${boots_cgroups[@]}"; do
		for ((i = 0; i < 50; i++)); do
			find "$h" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -e "$h" ] || break
			read -r -t 0.1 <>"$LAB/never"
		done
	done
}

# ---- the container ------------------------------------------------------------------------

# Start the system at $LAB_MNT. It has no network, so that its services disturb nobody. With words:
# they are process 1.
boots_start() { # [command…]
	local i init=(--boot)
	[ $# = 0 ] || init=(-- "$@")
	(
		for h in "${boots_cgroups[@]}"; do echo "$BASHPID" >"$h/cgroup.procs"; done
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		exec systemd-nspawn -q --register=no --keep-unit --private-network -D "$LAB_MNT" \
			--bind="$LAB_LOOP" ${BOOTS_TOOLS:+--bind-ro="$LAB/tools:/tools"} --system-call-filter="fanotify_init fanotify_mark pidfd_getfd ptrace userfaultfd" \
			--console=read-only ${BOOTS_ENV:+--setenv="$BOOTS_ENV"} "${init[@]}"
	) </dev/null >"$LAB/console" 2>&1 &
	boots_nspawn=$! boots_leader=
	for ((i = 0; i < 1000; i++)); do
		kill -0 "$boots_nspawn" 2>/dev/null || return 1
		read -r boots_leader _ 2>/dev/null <"/proc/$boots_nspawn/task/$boots_nspawn/children"
		[ -n "$boots_leader" ] && [ -S "/proc/$boots_leader/root/run/systemd/private" ] && break
		read -r -t 0.05 <>"$LAB/never"
	done
	ln -sfn "/proc/$boots_leader/root/run/systemd/private" /run/systemd/private
}

boots_ctl() {
	SYSTEMD_IGNORE_CHROOT=1 LC_ALL=C timeout 120 \
		nsenter -t "$boots_leader" --pid systemctl --system "$@" 2>/dev/null
}

# Until the default target is reached, and nothing is left to be started: one question, so
# that the boot is not disturbed by being looked at.
boots_wait() {
	case $(boots_ctl is-system-running --wait) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

boots_wait_unit() { # unit: until it has ended
	local i
	for ((i = 0; i < 1200; i++)); do
		case $(boots_ctl show -P SubState "$1") in
		dead | failed) return 0 ;;
		esac
		read -r -t 0.1 <>"$LAB/never"
	done
	return 1
}

boots_wait_file() { # path in the container
	local i
	for ((i = 0; i < 600; i++)); do
		[ ! -e "/proc/$boots_leader/root$1" ] || return 0
		read -r -t 0.1 <>"$LAB/never"
	done
	return 1
}

boots_halt() {
	kill -RTMIN+4 "$boots_leader" # systemd(1): powers off
	wait "$boots_nspawn"
	boots_nspawn=
	# Or what ran long enough ago, by its timer, runs in boots of an image that has become old.
	rm -f "$LAB_MNT"/var/lib/systemd/timers/stamp-*
}

# What was measured is known, and what was written goes with the disk.
boots_kill() {
	[ -n "$boots_nspawn" ] || return 0
	[ -z "$boots_leader" ] || kill -KILL "$boots_leader" 2>/dev/null
	kill -KILL "$boots_nspawn" 2>/dev/null
	wait "$boots_nspawn" 2>/dev/null
	boots_nspawn=
}

# ---- the disk -----------------------------------------------------------------------------

boots_attach() { # image model
	LAB_IMAGE=$1 LAB_MODEL=$2 LAB_MODE=rw
	LAB_RA_KB=$READ_AHEAD_KB
	[ "$2" != plain ] || LAB_RA_KB=128
	[ "$2" = plain ] || lab_start_server "$2"
	lab_attach_loop
	mount "$LAB_LOOP" "$LAB_MNT" || lab_die "cannot mount $LAB_LOOP"
	# Its journal's thread is in no group: next to one with 256 times the weight it came to run 20 to 90 ms late, and
	# whoever calls fsync(2), journald among them, waited for it.
	chrt --fifo --pid 1 "$(pgrep -x "jbd2/${LAB_LOOP##*/}-8")" || lab_die "no real-time priority for the journal's thread"
	losetup --detach "$LAB_LOOP"
}

boots_detach() {
	local i
	boots_kill
	for ((i = 0; i < 200; i++)); do
		if ! mountpoint -q "$LAB_MNT" || umount "$LAB_MNT" 2>/dev/null; then break; fi
		read -r -t 0.05 <>"$LAB/never"
	done
	lab_detach || lab_die "something still uses the disk"
}

# ---- what is on it ------------------------------------------------------------------------

# The tree is kept: installing takes a minute or two.
boots_tar() {
	local codename cache=$BUILD/boots key
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	key=$(echo "$codename $PACKAGES" | tr ' ' '\n' | sort | sha256sum | cut -c 1-12)
	BOOTS_TAR=$cache/$codename-$key.tar
	[ -s "$BOOTS_TAR" ] && return
	mkdir -p "$cache"
	echo "installing, once: $PACKAGES"
	mmdebstrap -q --variant=minbase --include="systemd systemd-sysv dbus $(boots_libraries) $PACKAGES" \
		"$codename" "$LAB/root.tar" >"$LAB/mmdebstrap.log" 2>&1 ||
		lab_die "mmdebstrap failed: $(tail -n 3 "$LAB/mmdebstrap.log")"
	mv "$LAB/root.tar" "$BOOTS_TAR"
}

# Packages of what our programs are linked with.
boots_libraries() {
	ldd "$BUILD"/elfcast | sed -n 's/.*=> \([^ ]*\) .*/\1/p' | xargs -n 1 readlink -f |
		sed 's,^/lib/,/usr/lib/,' | while read -r f; do
		dpkg -S "${f#/usr}" 2>/dev/null || dpkg -S "$f" 2>/dev/null
	done | cut -d : -f 1 | sort -u | tr '\n' ' '
}

# Ours, of the tree at DIR, without the profiles that come with it: what is read for launches after the
# boot is not measured here. In containers the unit does nothing: here it shall.
boots_install() { # tree build
	make -s -C "$1" BUILD="${2#"$1"/}" prefix=/usr DESTDIR="$LAB_MNT" install >/dev/null 2>&1 || lab_die "cannot install $1"
	rm -rf "$LAB_MNT/usr/share/elfcast/profiles.d"
	sed -i /ConditionVirtualization/d "$LAB_MNT$BOOTS_UNITS"/elfcast-*.service
	systemd-sysusers --root="$LAB_MNT" elfcast.conf 2>/dev/null
	systemctl --root="$LAB_MNT" -q enable elfcast-boot.service || lab_die "cannot enable the unit"
}

boots_root() {
	local base=$LAB/base.img
	boots_tar
	truncate -s 2500M "$base"
	# All tables written now: nothing may be initialised behind a measurement's back.
	mkfs.ext4 -q -F -b 4096 -m 0 -J size=8 -E lazy_itable_init=0,lazy_journal_init=0 "$base" ||
		lab_die "mkfs.ext4 failed"
	boots_attach "$base" plain
	tar -x -C "$LAB_MNT" -f "$BOOTS_TAR" --exclude='./dev/*' || lab_die "cannot unpack $BOOTS_TAR"
	rm -rf "$LAB_MNT"/var/cache/apt/archives "$LAB_MNT"/var/lib/apt/lists
	boots_install "$TOP" "$BUILD"
	# What only a first boot does.
	boots_start && boots_wait || lab_die "it does not boot: $(tail -n 3 "$LAB/console")"
	boots_halt
	boots_detach
}

# Programs of this machine with what they load, for the container, so that they read nothing of
# its disk: boots_tools PATH…, and there $BOOTS_RUN /tools/NAME.
BOOTS_RUN="/tools/ld.so --library-path /tools"
boots_tools() {
	mkdir -p "$LAB/tools"
	cp "$@" "$LAB/tools"
	ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | xargs -I{} cp {} "$LAB/tools"
	cp "$(ldd "$1" | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p')" "$LAB/tools/ld.so"
}

# From before process 1 on, inside, as elfcast=train does with init=/usr/bin/elfcast-prefetch. In a
# container nothing may be set that makes a recording exact, unless that is asked for.
boots_record() {
	local profile i
	lab_take tracefs
	boots_tools "$BUILD/elfcast" /bin/sh "$(command -v setsid)"
	boots_attach "$LAB/base.img" plain
	BOOTS_ENV=LC_ALL=C BOOTS_TOOLS=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 boots_start $BOOTS_RUN /tools/sh -c "
		$BOOTS_RUN /tools/setsid $BOOTS_RUN /tools/elfcast train --system --for=20 --install \
			</dev/null >/run/train 2>&1 &
		until read -r line </run/train; do :; done 2>/dev/null
		unset LC_ALL
		exec /sbin/init" && boots_wait || lab_die "it does not boot: $(tail -n 3 "$LAB/console")"
	for ((i = 0; i < 600; i++)); do
		[ ! -e "$LAB_MNT/var/lib/elfcast/boot.pack" ] || break
		read -r -t 0.1 <>"$LAB/never"
	done
	cat "/proc/$boots_leader/root/run/train"
	boots_halt
	for profile in "$LAB_MNT"/etc/elfcast/profiles.d/*.boot.json; do
		[ -s "$profile" ] || lab_die "nothing was recorded"
		cp "$profile" "$LAB/boot.json"
	done
	rm -rf "$LAB_MNT/var/lib/elfcast/"{boot.pack,boot.places,shadow,index}
	boots_detach
	lab_give_back
}

# What the page cache holds after a boot, as predecessors recorded it: in the order of names, and
# of blocks.
boots_list() {
	boots_tools "$BUILD/tests/lab-replay"
	cp --sparse=always "$LAB/base.img" "$LAB/list.img"
	boots_attach "$LAB/list.img" plain
	boots_start && boots_wait || lab_die "it does not boot: $(tail -n 3 "$LAB/console")"
	"$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/tools/by-name" || lab_die "cannot list the page cache"
	boots_detach
	boots_attach "$LAB/list.img" plain
	/usr/bin/python3 "$TOP/tests/lab/boots.py" --by-block "$LAB_MNT" \
		<"$LAB/tools/by-name" >"$LAB/tools/by-block" || lab_die "cannot find blocks"
	boots_detach
	rm "$LAB/list.img"
}

# One boot: which commands its services start, in $LAB/tools/commands, and what its generators
# made, in $LAB/generated: a machine that has booted has that in /run, an image does not.
boots_look() {
	boots_attach "$LAB/train.img" plain
	boots_start && boots_wait || lab_die "it does not boot: $(tail -n 3 "$LAB/console")"
	boots_ctl show '*.service' -p Id -p FragmentPath -p ExecMainStartTimestampMonotonic |
		/usr/bin/python3 "$TOP/tests/lab/execs.py" "$LAB_MNT" >"$LAB/tools/commands"
	mkdir "$LAB/generated"
	cp -a "/proc/$boots_leader/root/run/systemd/"generator* "$LAB/generated" || lab_die "nothing was generated"
	boots_halt
	boots_detach
}

# Each of these commands, recorded as any launch, in $LAB/programs. One that fails because another
# system is not running has started, and read what that takes. Process 1 is one of them, in a process
# namespace of its own, and starts nothing but what each boot does.
boots_train_each() {
	boots_attach "$LAB/train.img" plain
	rm -f "$LAB_MNT"/etc/elfcast/profiles.d/*.boot.json
	BOOTS_TOOLS=1 boots_start $BOOTS_RUN /tools/sh -c '
		train() { elfcast train --install -q --runs=1 --as-root --allow-failed "$@"; }
		while read -r command; do
			eval "train --window=3000 -- $command"
		done </tools/commands
		train --for=10 --program=/usr/lib/systemd/systemd -- unshare --pid --fork --mount --mount-proc \
			--kill-child /usr/lib/systemd/systemd --unit=basic.target'
	wait "$boots_nspawn"
	boots_nspawn=
	cp -a "$LAB_MNT/etc/elfcast/profiles.d" "$LAB/programs"
	boots_detach
}

# With $PROFILES: what lies there, as a package of profiles brings it.
boots_train() {
	boots_tools "$BUILD/elfcast" /bin/sh
	cp --sparse=always "$LAB/base.img" "$LAB/train.img"
	boots_look
	if [ -n "${PROFILES:-}" ]; then
		cp -a "$PROFILES" "$LAB/programs" || lab_die "no profiles in $PROFILES"
	else
		boots_train_each
	fi
	echo "$(find "$LAB/programs" -name '*.json' | wc -l) profiles, $(wc -l <"$LAB/tools/commands") commands of services"
	rm "$LAB/train.img"
}

boots_class() { # model
	case $1 in
	net:*) echo network ;;
	hdd) echo rotational ;;
	*) echo flash ;;
	esac
}

boots_compile() { # elfcast model [root]
	"$1" compile --root "${3:-$LAB_MNT}" --storage "$(boots_class "$2")" >"$LAB/compile.log" 2>&1 ||
		lab_die "compile failed: $(tail -n 3 "$LAB/compile.log")"
}

# The pack that fitted before each of its files was replaced.
boots_make_stale() { # model
	local old=$LAB/old
	mkdir -p "$old/etc/elfcast"
	cp -a "$LAB_MNT/etc/passwd" "$LAB_MNT/etc/group" "$old/etc/"
	/usr/bin/python3 "$TOP/tests/lab/stale.py" "$LAB/boot.json" "$LAB_MNT" "$old" || lab_die "cannot make it stale"
	boots_compile "$BUILD/elfcast" "$1" "$old"
	cp -a "$old/var/lib/elfcast" "$LAB_MNT/var/lib/" || lab_die "no pack"
	rm -rf "$old"
}

# The services of $PACKAGES, and what they bring, are not started any more.
boots_disable() {
	local unit
	for unit in $(systemctl --root="$LAB_MNT" list-unit-files --state=enabled --no-legend --type=service |
		awk '{print $1}'); do
		case $unit in elfcast-*) ;; *) systemctl --root="$LAB_MNT" -q disable "$unit" 2>/dev/null ;; esac
	done
}

boots_make_large() {
	local profile
	for profile in "$LAB_MNT"/etc/elfcast/profiles.d/*.boot.json; do
		/usr/bin/python3 "$TOP/tests/lab/large.py" "$LAB/boot.json" "$LAB_MNT" 4 >"$profile" ||
			lab_die "cannot make it large"
	done
}

boots_image() { # way model
	local image=$LAB/$1.img
	cp --sparse=always "$LAB/base.img" "$image"
	case $1 in cold | cached | read-cached | predecessor) return ;; esac
	boots_attach "$image" plain
	case $1 in
	eager | unit) boots_compile "$BUILD/elfcast" "$2" ;;
	derived*)
		rm -rf "$LAB_MNT"/etc/elfcast/profiles.d "$LAB_MNT"/var/lib/elfcast
		cp -a "$LAB/programs" "$LAB_MNT/etc/elfcast/profiles.d"
		mkdir -p "$LAB_MNT/run/systemd"
		cp -a "$LAB/generated/." "$LAB_MNT/run/systemd"
		boots_compile "$BUILD/elfcast" "$2"
		rm -rf "$LAB_MNT/run/systemd"
		;;
	old)
		boots_install "$OLD" "$OLD/build"
		boots_compile "$OLD/build/elfcast" "$2"
		;;
	stale) boots_make_stale "$2" ;;
	large)
		boots_make_large
		boots_compile "$BUILD/elfcast" "$2"
		;;
	foreign)
		boots_compile "$BUILD/elfcast" "$2"
		boots_disable
		;;
	fewer) boots_disable ;;
	recorded*)
		systemctl --root="$LAB_MNT" -q enable elfcast-train-auto.service || lab_die "cannot enable the unit"
		mkdir -p "$LAB_MNT/var/lib/elfcast"
		echo -n none >"$LAB_MNT/var/lib/elfcast/boot.train"
		;;
	esac
	boots_detach
}

boots_drop_images() {
	local way
	for way in $WAYS; do rm -f "$LAB/$way.img"; done
}

# ---- one boot -----------------------------------------------------------------------------

# All that there is, and all of the file system's own; the disk takes no time for it.
boots_read_all() {
	echo ram >"$LAB/slow/stats"
	find "$LAB_MNT" -xdev -type f -exec cat {} + >/dev/null
	echo "$LAB_MODEL" >"$LAB/slow/stats"
}

# As much as a boot needs, in as many pieces, for nobody: what reading alone takes from a boot.
boots_read_along() {
	local k h
	(
		for h in "${boots_cgroups[@]}"; do echo "$BASHPID" >"$h/cgroup.procs"; done
		for k in 0 1 2 3; do
			dd if="$LAB_LOOP" iflag=direct bs=52k count=266 skip=$((k * 400 + 100)) of=/dev/null status=none &
		done
		wait
	) &
}

# Moments in us of CLOCK_MONOTONIC, and in ticks when process 1 was started.
boots_times() {
	sed 's/.*) //' "/proc/$boots_leader/stat" | awk '{ print "Process1Ticks=" $20 }'
	echo
	boots_ctl show '*' -p Id -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic
	echo
	boots_ctl show -p UserspaceTimestampMonotonic -p UnitsLoadFinishTimestampMonotonic \
		-p GeneratorsStartTimestampMonotonic -p GeneratorsFinishTimestampMonotonic
}

boots_once() { # way model round
	boots_attach "$LAB/$1.img" "$2"
	case $1 in *cached) boots_read_all ;; esac
	lab_reset_stats
	case $1 in
	eager | derived | stale | large | foreign) boots_start /usr/bin/elfcast-prefetch ;;
	read-cached) boots_read_along && boots_start ;;
	predecessor)
		if [ "$2" = hdd ]; then
			BOOTS_TOOLS=1 boots_start $BOOTS_RUN /tools/lab-replay /tools/by-block 1 /run/replayed /sbin/init
		else
			BOOTS_TOOLS=1 boots_start $BOOTS_RUN /tools/lab-replay /tools/by-name 4 /run/replayed /sbin/init
		fi
		;;
	*) boots_start ;;
	esac && boots_wait || return 1
	boots_times >"$LAB/times"
	lab_stat bytes >"$LAB/bytes"
	lab_stat requests >>"$LAB/bytes"
	case $1 in
	cold | cached | read-cached | fewer) ;;
	predecessor) boots_wait_file /run/replayed || return 1 ;;
	recorded*) [ "$(boots_ctl show -P ActiveState elfcast-train-auto)" = active ] || lab_die "it is not recorded" ;;
	*) boots_wait_unit elfcast-boot ;;
	esac
	lab_stat bytes >>"$LAB/bytes"
	cp "/proc/$boots_leader/root/run/elfcast/boot.json" "$LAB/report" 2>/dev/null || : >"$LAB/report"
	/usr/bin/python3 "$TOP/tests/lab/boots.py" --line "$1" "$2" "$3" "$LAB/times" "$LAB/bytes" "$LAB/report" \
		>>"$LAB/results" || return 1
	boots_detach
}
