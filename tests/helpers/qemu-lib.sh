# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests that boot a machine: Debian's kernel and systemd in QEMU, without KVM. Sourced
# after pkg-lib.sh.
#   qemu_image PACKAGE…     $image: a tar of a system with them, what our packages in $PKGS/deb
#                           depend on, and a kernel, or skips
#   qemu_disk FILE SIZE     a raw disk with that system; mounted at $R
#   qemu_run SECONDS WORDS DISK…    boot it, until it powers itself off, or has had so much time;
#                           WORDS: of the kernel's command line, DISK: SERIAL=FILE; $QEMU_READS:
#                           bytes that each disk reads in a second at most

# Linux 6.12: what records a boot needs 6.10, and Debian 12 has 6.1.
QEMU_SUITE=bookworm QEMU_KERNEL=linux-image-cloud-amd64

# "deb [...] URI" of this machine's Debian, for another suite of it.
qemu_sources() {
	local uri key=/usr/share/keyrings/debian-archive-keyring.gpg
	# shellcheck disable=SC2016 # apt's own word
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		"Codename: $QEMU_SUITE" 'Origin: Debian' | head -n 1)
	[ -n "$uri" ] || return 1
	printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" $QEMU_SUITE \
		"$key" "$uri" $QEMU_SUITE-backports
}

qemu_image() { # package...
	local depends sources
	if [ "$(. /etc/os-release && echo "$VERSION_CODENAME")" != $QEMU_SUITE ] ||
		[ "$(uname -m)" != x86_64 ]; then
		skip "a machine" "our packages link this system's libraries, and this is not $QEMU_SUITE"
		exit 0
	fi
	if ! built deb; then
		not_ok "make deb"
		finish
	fi
	depends=$(deb_depends)
	if ! sources=$(qemu_sources); then
		skip "a machine" "apt has no source of Debian's"
		exit 0
	fi
	if ! cached qemu "$(versions "$depends") $* $(declare -f qemu_bootstrap)" qemu_bootstrap \
		"$depends,$(tr ' ' , <<<"$*")" "$sources"; then
		skip "a machine" "mmdebstrap failed: $(grep -m 1 '^E:' "$TMP/mmdebstrap.log")"
		exit 0
	fi
	# shellcheck disable=SC2154 # of cache.sh
	image=$cached
}

qemu_bootstrap() { # packages sources file
	# An initrd with what the disks here need, and no more: it is unpacked without KVM.
	cat >"$TMP/initramfs" <<-'HOOK'
		#!/bin/sh
		echo MODULES=list >"$1/etc/initramfs-tools/conf.d/elfcast-test"
		printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
		chroot "$1" update-initramfs -u >/dev/null
	HOOK
	chmod +x "$TMP/initramfs"
	mmdebstrap -q --variant=minbase --skip=cleanup/apt --format=tar \
		--include="systemd,systemd-sysv,udev,kmod,initramfs-tools,zstd,$1" \
		--include=$QEMU_KERNEL/$QEMU_SUITE-backports --customize-hook="$TMP/initramfs" \
		$QEMU_SUITE "$3" - <<<"$2" >"$TMP/mmdebstrap.log" 2>&1
}

qemu_disk() { # file size
	truncate -s "$2" "$1" && mkfs.ext4 -q -L elfcast-root "$1" && mkdir -p "$R" &&
		mount -o loop "$1" "$R" && tar -x -C "$R" -f "$image" || return 1
	cp "$R"/boot/vmlinuz-* "$TMP/vmlinuz" && cp "$R"/boot/initrd.img-* "$TMP/initrd" || return 1
	echo "LABEL=elfcast-root / ext4 defaults 0 1" >"$R/etc/fstab"
}

# waited PID: seconds for which one of its threads, that which waited longest, was ready to run
# while others had the CPU, as the kernel counts
waited() {
	cat "/proc/$1/task"/*/schedstat 2>/dev/null |
		awk '$2 > most { most = $2 } END { print int(most / 1e9) }'
}

# 0 when it powered itself off; what its console said is in $TMP/console. What other processes
# take of the machine is not its time; but all ends when the test is SECONDS_IN_ALL old.
qemu_run() { # seconds words disk...
	local seconds=$1 words=$2 args=() disk pid t0=$SECONDS
	shift 2
	for disk; do
		args+=(-drive "if=none,format=raw,cache=unsafe,id=${disk%%=*},file=${disk#*=},throttling.bps-read=${QEMU_READS:-0}"
			-device "virtio-blk-pci,drive=${disk%%=*},serial=${disk%%=*}")
	done
	# Without cmpxchg16b: TCG of QEMU 7.2 spoils the flags, and Linux panics in
	# kmem_cache_alloc_noprof() within seconds.
	qemu-system-x86_64 -nodefaults -no-user-config \
		-machine q35,accel=tcg -cpu max,-cx16 -smp 2 -m 1G -display none -no-reboot \
		-serial "file:$TMP/console" -kernel "$TMP/vmlinuz" -initrd "$TMP/initrd" \
		-append "root=LABEL=elfcast-root rw console=ttyS0 quiet systemd.show_status=yes panic=-1 $words" \
		"${args[@]}" </dev/null >"$TMP/qemu.log" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		[ $((SECONDS - t0 - $(waited $pid))) -le "$seconds" ] &&
			[ $SECONDS -le "$SECONDS_IN_ALL" ] || kill $pid
		sleep 1
	done
	wait $pid
}
