#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The recorders on the kernels of Debian suites, in QEMU without KVM: tests that know which pages
# a program touches, on each file system, with huge pages as distributions have them (always).
#   tests/matrix/kernels.sh [SUITE[/ARCHITECTURE]...]       default: trixie forky
# ARCHITECTURE: amd64, or arm64 and arm64-16k, with pages of 4 and 16 KiB, which are built by a
# cross compiler, and besides train against an oracle, prefetch page by page, and boot with systemd.
# FILE_SYSTEMS="ext4 xfs btrfs"; TESTS="trace train-system"; TESTS=methods: the lines that methods.sh
# has for these kernels, PROGRAMS="perl git" METHODS="uffd pte". Needs root, mmdebstrap, a mirror and
# QEMU ("tests/install-deps.sh system cross"); takes some five minutes a suite, for arm64 half an hour, and
# as much for the first system of it. Systems stay below $ROOTS (default /var/tmp/elfcast-roots), named by what
# is in them. Ends with N passed, N failed, N skipped.
set -u
[ -n "${MATRIX_UNSHARED:-}" ] || MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/matrix/cross-lib.sh"
[ $# -gt 0 ] || set -- trixie forky
PACKAGES="initramfs-tools zstd kmod udev mount util-linux binutils strace libelf1 libjson-c5 zlib1g procps e2fsprogs"

work=$(mktemp -d /var/tmp/elfcast-kernels-XXXXXX) qemu=
cleanup() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null
	mountpoint -q "$work/root" && umount "$work/root"
	[ ! -e "$work/binfmt/elfcast-$$" ] || echo -1 >"$work/binfmt/elfcast-$$"
	mountpoint -q "$work/binfmt" && umount "$work/binfmt"
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# of_machine SUITE/ARCHITECTURE: sets what differs.
of_machine() {
	suite=${1%%/*} flavour=amd64
	[ "$1" = "$suite" ] || flavour=${1#*/}
	case $flavour in
	amd64) # as in tests/helpers/qemu-lib.sh
		arch=amd64 console=ttyS0 seconds=2400 build=${BUILD:-$TOP/build}
		kernels=linux-image-cloud-amd64 image="vmlinuz-*"
		more="python3 perl git systemd systemd-sysv dbus xfsprogs btrfs-progs squashfuse"
		# One thread: beside each other, one executes what another one's kernel is patching, and panics.
		machine=(qemu-system-x86_64 -machine q35 -accel "tcg,thread=single" -cpu "max,-cx16")
		file_systems="ext4 xfs btrfs" tests="trace train-system train-functions"
		;;
	arm64 | arm64-16k)
		arch=arm64 console=ttyAMA0 seconds=3600 build=${BUILD_ARM64:-$work/build-arm64}
		kernels="linux-image-arm64 linux-image-arm64-16k" image="vmlinuz-*-$flavour"
		more="python3 perl git systemd systemd-sysv dbus"
		# It has pages of all three sizes, and runs 32-bit programs.
		machine=(qemu-system-aarch64 -machine "virt,accel=tcg" -cpu neoverse-n1)
		file_systems=ext4 tests="unit trace train-system train-functions prefetch precision boot"
		;;
	*) return 1 ;;
	esac
	case $build in /*) ;; *) build=$TOP/$build ;; esac
	file_systems=${FILE_SYSTEMS:-$file_systems} tests=${TESTS:-$tests}
}

# Programs of another architecture run, by qemu-user, until the end of this script.
can_run() { # architecture
	[ "$1" != "$(dpkg --print-architecture)" ] && ! arch-test "$1" >/dev/null || return 0
	mkdir -p "$work/binfmt" && mount -t binfmt_misc none "$work/binfmt" &&
		printf '%s' ":elfcast-$$:M:0:$ELF_MAGIC_ARM64:$ELF_MASK_ARM64:/usr/bin/qemu-aarch64-static:F" \
			>"$work/binfmt/register"
}
ELF_MAGIC_ARM64='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
ELF_MASK_ARM64='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# make_tar: of the machine's suite and architecture, with its kernels; the path. An index may be
# older than its date allows. Not synced: for dpkg in an emulator that is most of its time.
make_tar() {
	local packages="$kernels $more $PACKAGES" tar
	case $suite in trixie | forky) packages=${packages/libelf1/libelf1t64} ;; esac
	tar=$ROOTS/kernel-$suite-$arch-$(sha256sum <<<"$suite $packages" | cut -c 1-12).tar
	# An initrd with what the disk here needs, and no more; before the kernels, which make it.
	cat >"$work/hook" <<-'HOOK'
		#!/bin/sh
		mkdir -p "$1/etc/initramfs-tools/conf.d"
		echo MODULES=list >"$1/etc/initramfs-tools/conf.d/elfcast-test"
		printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
	HOOK
	chmod +x "$work/hook"
	mkdir -p "$ROOTS"
	[ -s "$tar" ] || { can_run "$arch" &&
		mmdebstrap --quiet --variant=minbase --format=tar --architectures="$arch" \
			--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
			--dpkgopt=force-unsafe-io --essential-hook="$work/hook" \
			--include="$(tr -s ' \n\t' , <<<"$packages" | sed 's/,$//')" \
			"$suite" "$tar.new" "$MIRROR" >&2 && mv "$tar.new" "$tar"; }
	[ -s "$tar" ] && echo "$tar"
}

# The whole of user space: what is tested, file system by file system.
write_init() {
	cat >"$work/root/init-tests" <<-END
		#!/bin/bash
		export PATH=/usr/sbin:/usr/bin TOP=/elfcast BUILD=/elfcast/build LC_ALL=C.UTF-8 TMPDIR=/var/tmp SLOW=10
		mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
		mount -t tmpfs none /run; mount -t tmpfs none /tmp; mkdir -p /dev/shm; mount -t tmpfs none /dev/shm
		ip link set lo up 2>/dev/null
		unit() { # those that this machine has libraries for
			local t
			for t in /elfcast/build/tests/test_*; do
				[ -x \$t ] && [ -f \$t ] && [ "\${t%.d}" = \$t ] || continue
				if timeout 600 \$t >/tmp/unit 2>&1; then echo "ok - \${t##*/}"; else grep -E "FAIL|rror|ERR" /tmp/unit; echo "not ok - \${t##*/}"; fi
			done
		}
		modprobe -a loop fuse
		echo always >/sys/kernel/mm/transparent_hugepage/enabled
		echo "# kernel \$(uname -r), pages of \$(getconf PAGESIZE)"
		for fs in $file_systems; do
			if [ \$fs != ext4 ]; then
				modprobe \$fs 2>/dev/null
				truncate -s 1500M /disk.img; mkfs.\$fs -q -f /disk.img >/dev/null 2>&1 || mkfs.\$fs -f /disk.img >/dev/null
				mount -o loop /disk.img /var/lib && mkdir -p /var/lib/dpkg || { echo "ok - \$fs # SKIP no such file system"; continue; }
			fi
			for t in ${tests/boot/}; do
				case \$t in
				unit) unit ;;
				precision) /elfcast/tests/system/precision.sh perl git 2>&1 ;;
				methods) [ \$fs != ext4 ] || KINDS="$file_systems" PROGRAMS="${PROGRAMS:-}" METHODS="${METHODS:-}" /elfcast/tests/matrix/methods.sh 2>&1 ;;
				*) /elfcast/tests/system/\$t.sh 2>&1 ;;
				esac | sed -E "s,^((not )?ok - ),\\\\1\$fs \$t: ,"
			done
			[ \$fs = ext4 ] || umount /var/lib
		done
		[ ! -x /boot-tests ] || /boot-tests first
		echo "# end"
		sync; echo o >/proc/sysrq-trigger; sleep 60
	END
	chmod +x "$work/root/init-tests"
}

# The same machine with systemd, as who installs elfcast has it: a program is trained there, the next
# boot reads it ahead, and the watcher counts its launches.
write_boot() {
	make -s -C "$TOP" BUILD="$build" PKG_LIBS= DESTDIR="$work/root" -o all install >/dev/null || return
	install -m 755 "$TOP/tests/matrix/boot-tests.sh" "$work/root/boot-tests"
	cat >"$work/root/etc/systemd/system/boot-tests.service" <<-'UNIT'
		[Unit]
		After=multi-user.target
		[Service]
		ExecStart=/boot-tests second
		StandardOutput=tty
		StandardError=tty
		TTYPath=/dev/console
	UNIT
	ln -s ../boot-tests.service "$work/root/etc/systemd/system/multi-user.target.wants/"
	echo "LABEL=elfcast-root / ext4 defaults 0 1" >"$work/root/etc/fstab"
	echo BootEager=yes >>"$work/root/etc/elfcast/elfcast.conf" # no boot is a control
}

run_machine() { # kernel's words
	timeout "$seconds" "${machine[@]}" -nodefaults -no-user-config -smp 2 -m 3G -display none -no-reboot \
		-serial "file:$work/console" -kernel "$work/vmlinuz" -initrd "$work/initrd" \
		-append "root=LABEL=elfcast-root rw console=$console quiet panic=-1 $1" \
		-drive "if=none,format=raw,cache=unsafe,id=d,file=$work/disk" -device virtio-blk-pci,drive=d </dev/null &
	qemu=$!
	wait $qemu
	qemu=
	tr -d '\r' <"$work/console" >>"$work/said"
}

passed=0 failed=0 skipped=0
kernel() { # suite/architecture
	local tar t0=$SECONDS ends=1
	of_machine "$1" && tar=$(make_tar) || { echo "not ok - $1: no system" && failed=$((failed + 1)) && return; }
	if [ "$build" = "$work/build-arm64" ] && [ ! -x "$build/elfcast" ] && ! cross_build arm64 "$build" >"$work/log" 2>&1; then
		tail -n 20 "$work/log" | sed 's/^/# /'
		echo "not ok - $1: no build" && failed=$((failed + 1)) && return
	fi
	rm -f "$work/disk" "$work/said"
	truncate -s 5G "$work/disk" && mkfs.ext4 -q -L elfcast-root "$work/disk" && mkdir -p "$work/root" &&
		mount -o loop "$work/disk" "$work/root" && tar -x -C "$work/root" -f "$tar" --exclude='./dev/*' || return
	mkdir -p "$work/root/elfcast/build"
	tar -C "$TOP" -c tests packaging | tar -x -C "$work/root/elfcast"
	tar -C "$build" --exclude="*.o" --exclude="*.log" --exclude=./boots -c . | tar -x -C "$work/root/elfcast/build"
	[ "$arch" = amd64 ] || cp "$(cross_root $arch)"/usr/lib/*/libcmocka.so.0 "$work"/root/usr/lib/*-linux-gnu/
	# trace.sh has no assembler for it there.
	[ "$arch" != arm64 ] || { arm-linux-gnueabihf-as -o "$work/32.o" "$TOP/tests/helpers/touch-32.s" &&
		arm-linux-gnueabihf-ld -o "$work/root/elfcast/build/tests/touch-32" "$work/32.o"; }
	write_init
	case " $tests " in *" boot "*) write_boot && ends=2 ;; esac
	# shellcheck disable=SC2086 # a pattern
	cp "$work/root"/boot/$image "$work/vmlinuz" && cp "$work/root"/boot/${image/vmlinuz/initrd.img} "$work/initrd"
	umount "$work/root"
	# no_timer_check: emulated timers are late.
	run_machine "no_timer_check init=/init-tests"
	[ $ends = 1 ] || run_machine systemd.show_status=no
	sed -n "s/^\(not \)\{0,1\}ok - /\1ok - ${1//\//\\/} /p; s/^# kernel/# kernel/p; s/^# table/# table/p" "$work/said"
	[ "$(grep -c '# end$' "$work/said")" = $ends ] ||
		{ echo "not ok - $1: did not end: $(tail -n 3 "$work/said" | cut -c 1-200)" && failed=$((failed + 1)); }
	failed=$((failed + $(grep -c '^not ok' "$work/said")))
	skipped=$((skipped + $(grep -c '^ok - .*# SKIP' "$work/said")))
	passed=$((passed + $(grep '^ok - ' "$work/said" | grep -vc '# SKIP')))
	[ -z "${LOG:-}" ] || cp "$work/said" "$LOG.${1//\//-}"
	echo "# $1: $((SECONDS - t0)) s"
}
for machine_name; do kernel "$machine_name"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
