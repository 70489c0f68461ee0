#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The recorders on the kernels of Debian suites, in QEMU without KVM: tests that know which pages
# a program touches, on each file system, with huge pages as distributions have them (always).
#   tests/matrix/kernels.sh [SUITE...]       default: trixie forky
# FILE_SYSTEMS="ext4 xfs btrfs"; TESTS="trace train-system". Needs root, mmdebstrap, a mirror and
# qemu-system-x86_64; takes some five minutes a suite. Disks stay below $ROOTS (default
# /var/tmp/elfcast-roots), named by what is in them. Ends with N passed, N failed, N skipped.
set -u
[ -n "${MATRIX_UNSHARED:-}" ] || MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
TOP=$(cd "$(dirname "$0")/../.." && pwd) BUILD=${BUILD:-build}
ROOTS=${ROOTS:-/var/tmp/elfcast-roots} FILE_SYSTEMS=${FILE_SYSTEMS:-ext4 xfs btrfs} TESTS=${TESTS:-trace train-system}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}
[ $# -gt 0 ] || set -- trixie forky
SECONDS_A_KERNEL=1200
PACKAGES="linux-image-cloud-amd64 initramfs-tools zstd kmod udev mount util-linux python3-minimal binutils strace
	libelf1 libjson-c5 xfsprogs btrfs-progs squashfuse procps"

work=$(mktemp -d /var/tmp/elfcast-kernels-XXXXXX) qemu=
cleanup() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null
	mountpoint -q "$work/root" && umount "$work/root"
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# make_tar SUITE: its path. An index may be older than its date allows.
make_tar() {
	local packages=$PACKAGES tar
	[ "$1" != forky ] || packages=${packages/libelf1/libelf1t64}
	[ "$1" != trixie ] || packages=${packages/libelf1/libelf1t64}
	tar=$ROOTS/kernel-$1-$(sha256sum <<<"$1 $packages" | cut -c 1-12).tar
	cat >"$work/hook" <<-'HOOK'
		#!/bin/sh
		echo MODULES=list >"$1/etc/initramfs-tools/conf.d/elfcast-test"
		printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
		chroot "$1" update-initramfs -u >/dev/null
	HOOK
	chmod +x "$work/hook"
	mkdir -p "$ROOTS"
	[ -s "$tar" ] || mmdebstrap --quiet --variant=minbase --format=tar --aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='APT::Install-Recommends "false"' --include="$(tr -s ' \n\t' , <<<"$packages" | sed 's/,$//')" \
		--customize-hook="$work/hook" "$1" "$tar.new" "$MIRROR" >&2 && { [ -s "$tar" ] || mv "$tar.new" "$tar"; }
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
		modprobe loop
		echo always >/sys/kernel/mm/transparent_hugepage/enabled
		echo "# kernel \$(uname -r)"
		for fs in $FILE_SYSTEMS; do
			if [ \$fs != ext4 ]; then
				modprobe \$fs 2>/dev/null
				truncate -s 1500M /disk.img; mkfs.\$fs -q -f /disk.img >/dev/null 2>&1 || mkfs.\$fs -f /disk.img >/dev/null
				mount -o loop /disk.img /var/lib && mkdir -p /var/lib/dpkg || { echo "ok - \$fs # SKIP no such file system"; continue; }
			fi
			for t in $TESTS; do
				/elfcast/tests/system/\$t.sh 2>&1 | sed -E "s,^((not )?ok - ),\\\\1\$fs \$t: ,"
			done
			[ \$fs = ext4 ] || umount /var/lib
		done
		echo "# end"
		sync; echo o >/proc/sysrq-trigger; sleep 60
	END
	chmod +x "$work/root/init-tests"
}

passed=0 failed=0 skipped=0
kernel() { # suite
	local tar t0=$SECONDS
	tar=$(make_tar "$1") || { echo "not ok - $1: no system" && failed=$((failed + 1)) && return; }
	rm -f "$work/disk"
	truncate -s 5G "$work/disk" && mkfs.ext4 -q -L elfcast-root "$work/disk" && mkdir -p "$work/root" &&
		mount -o loop "$work/disk" "$work/root" && tar -x -C "$work/root" -f "$tar" --exclude='./dev/*' || return
	mkdir -p "$work/root/elfcast"
	tar -C "$TOP" --exclude="*.o" --exclude="*.log" --exclude="$BUILD/boots" -c tests packaging "$BUILD" | tar -x -C "$work/root/elfcast"
	write_init
	cp "$work/root"/boot/vmlinuz-* "$work/vmlinuz" && cp "$work/root"/boot/initrd.img-* "$work/initrd"
	umount "$work/root"
	# As in tests/helpers/qemu-lib.sh; no_timer_check: emulated timers are late.
	timeout $SECONDS_A_KERNEL qemu-system-x86_64 -nodefaults -no-user-config -machine q35,accel=tcg -cpu max,-cx16 -smp 2 -m 3G \
		-display none -no-reboot -serial "file:$work/console" -kernel "$work/vmlinuz" -initrd "$work/initrd" \
		-append "root=LABEL=elfcast-root rw console=ttyS0 quiet panic=-1 no_timer_check init=/init-tests" \
		-drive "if=none,format=raw,cache=unsafe,id=d,file=$work/disk" -device virtio-blk-pci,drive=d </dev/null &
	qemu=$!
	wait $qemu
	qemu=
	tr -d '\r' <"$work/console" | sed -n "s/^\(not \)\{0,1\}ok - /\1ok - $1 /p; s/^# kernel/# $1: kernel/p"
	grep -q '^# end' <(tr -d '\r' <"$work/console") || { echo "not ok - $1: did not end: $(tail -n 3 "$work/console" | cut -c 1-200)" && failed=$((failed + 1)); }
	failed=$((failed + $(grep -c '^not ok' "$work/console")))
	skipped=$((skipped + $(grep -c '^ok - .*# SKIP' "$work/console")))
	passed=$((passed + $(grep '^ok - ' "$work/console" | grep -vc '# SKIP')))
	[ -z "${LOG:-}" ] || cp "$work/console" "$LOG.$1"
	echo "# $1: $((SECONDS - t0)) s"
}
for suite; do kernel "$suite"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
