#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: qemu
# takes: 300 s
# A whole machine, in QEMU: Debian's own kernel, initrd and systemd, a root on ext4 and /opt on
# LVM on LUKS. What one boot reads is recorded with elfcast=train, the next boot, with its disks
# in another order, reads it ahead, from within the initrd on. Two more do so from an initrd of
# dracut's, with systemd, and one has elfcast=off. In full runs only: without KVM three boots take
# more than four minutes of a processor, and CI has fifteen for all.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without mmdebstrap qemu-system-x86_64 dpkg-buildpackage dh python3
if [ -z "${SOAK:-}" ]; then
	skip "a whole machine boots" "in full runs (SOAK)"
	finish
fi

. "$TOP/tests/helpers/qemu-lib.sh"
qemu_image cryptsetup-bin lvm2 perl-base dracut-core

# ---- what runs inside ---------------------------------------------------------------------
guest() {
	cat <<'GUEST'
#!/bin/bash
out=/run/out
mkdir $out
exec >$out/log 2>&1
PS4='+ $SECONDS s: '
set -x
app=(/opt/bin/perl -I/opt/lib -MPOSIX -e 'print floor(2.5)')
ended() { # unit
	for ((i = 0; i < 1800; i++)); do
		case $(systemctl show -P SubState "$1") in dead | failed) return ;; esac
		sleep 0.1
	done
}
tell() { # of a unit
	systemctl show -P "$2" "$1" >"$out/$1.$2"
}
devices() { stat -c '%n %Hd:%Ld' / /opt; }
case $(</proc/cmdline) in
*phase=install*)
	set -e
	disk=/dev/disk/by-id/virtio-vault
	(umask 077 && head -c 32 /dev/urandom >/etc/vault.key)
	cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 -d /etc/vault.key $disk
	cryptsetup open -d /etc/vault.key $disk vault
	vgcreate -q vault /dev/mapper/vault
	lvcreate -q -y -n opt -l 100%FREE vault
	mkfs.ext4 -q /dev/vault/opt
	mount /dev/vault/opt /opt
	mkdir /opt/bin
	cp /usr/bin/perl /opt/bin
	cp -r /usr/lib/x86_64-linux-gnu/perl-base /opt/lib
	echo "vault $disk /etc/vault.key luks" >/etc/crypttab
	echo "/dev/vault/opt /opt ext4 defaults 0 2" >>/etc/fstab
	elfcast train -n 2 --install -- "${app[@]}"
	lsblk -s -no TYPE "$(findmnt -no SOURCE /opt)" >$out/opt
	sync
	;;
*elfcast=train*)
	{
		ended app
		echo "during $(</sys/kernel/debug/fault_around_bytes)"
		systemctl stop elfcast-train-boot
		ended elfcast-train-boot
		echo "after $(</sys/kernel/debug/fault_around_bytes)"
	} >$out/fault-around
	cp /etc/elfcast/profiles.d/*.boot.json $out/profile.json
	;;
*)
	for ((i = 0; i < 1800; i++)); do
		[ -n "$(systemctl show -P ExecMainExitTimestamp elfcast-boot)" ] && break
		[ "$(systemctl show -P ConditionResult elfcast-boot)" = no ] && break
		sleep 0.1
	done
	cp /run/elfcast/boot.json $out/
	/pkg/lab-launch -r / -d / -- "${app[@]}" >$out/launch
	systemd-analyze critical-chain --no-pager >$out/chain
	systemctl show -P UserspaceTimestampMonotonic >$out/userspace
	systemctl show -P ActiveEnterTimestampMonotonic sysinit.target >$out/sysinit
	systemctl show '*.service' -p Id -p ExecMainStartTimestampMonotonic >$out/starts
	ls /run/elfcast >$out/run
	;;
esac
devices >$out/devices
for unit in elfcast-train-boot elfcast-boot elfcast-boot-early; do
	tell $unit ConditionResult
	tell $unit Result
	tell $unit ExecMainStatus
	journalctl -b -q -o cat _SYSTEMD_UNIT=$unit.service >$out/$unit.journal
done
systemctl --failed --plain --no-legend >$out/failed
uname -r >$out/kernel
tar -C $out -cf /dev/disk/by-id/virtio-out .
systemctl poweroff --no-wall
GUEST
}

root=$TMP/root.img vault=$TMP/vault.img out=$TMP/out.img
truncate -s 64M "$vault"
if ! qemu_disk "$root" 2G; then
	not_ok "a disk with the system"
	finish
fi
mkdir "$R/pkg"
for p in elfcast elfcast-tools elfcast-initramfs; do cp "$PKGS"/deb/${p}_*.deb "$R/pkg"; done
# Not by the machine itself: without KVM that takes a minute.
if ! chroot "$R" sh -c 'dpkg -i /pkg/*.deb && systemctl enable elfcast-train-boot' \
	>"$TMP/install.log" 2>&1; then
	not_ok "the packages are installed"
	sed 's/^/# /' "$TMP/install.log"
	finish
fi
cp "$R"/boot/initrd.img-* "$TMP/initrd"
# To its end: what still runs there keeps the disk from being unmounted, and so from being whole.
chroot "$R" sh -c 'lsinitramfs /boot/initrd.img-*' >"$TMP/initrd.names"
check "the initrd has our script" grep -qx scripts/init-bottom/elfcast "$TMP/initrd.names"
# What this root needs, and systemd; nothing of the host's.
dracut() { # option…
	chroot "$R" dracut --no-hostonly --no-hostonly-cmdline --drivers "virtio_pci virtio_blk ext4" \
		--modules "systemd systemd-initrd dracut-systemd rootfs-block udev-rules fs-lib kernel-modules base" \
		"$@" --force /dracut.img "$(cd "$R/boot" && echo vmlinuz-* | sed 's/vmlinuz-//')" >"$TMP/dracut.log" 2>&1
}
check "dracut makes one, too" dracut --add elfcast
mv "$R/dracut.img" "$TMP/initrd.dracut"
# As mkinitcpio does it, which Debian has not.
unit=usr/lib/systemd/system/elfcast-initrd.service
mkdir -p "$R/initrd/${unit%/*}/initrd.target.wants" && ln -s ../${unit##*/} "$R/initrd/${unit%/*}/initrd.target.wants"
cp "$TOP/packaging/initramfs/mkinitcpio/elfcast-initrd.service" "$R/initrd/$unit"
check "and one with mkinitcpio's unit" dracut --install chroot --include /initrd /
mv "$R/dracut.img" "$TMP/initrd.unit" && rm -r "$R/initrd"
cp "$BUILD/tests/lab-launch" "$R/pkg"
echo BootEager=yes >>"$R/etc/elfcast/elfcast.conf" # no boot is a control
guest >"$R/pkg/guest" && chmod +x "$R/pkg/guest"
cat >"$R/etc/systemd/system/guest.service" <<-'UNIT'
	[Unit]
	After=multi-user.target
	[Service]
	ExecStart=/pkg/guest
UNIT
# Of the boot that is recorded; a part of it lies on the encrypted volume.
cat >"$R/etc/systemd/system/app.service" <<-'UNIT'
	[Unit]
	ConditionKernelCommandLine=elfcast=train
	[Service]
	ExecStart=/opt/bin/perl -I/opt/lib -MPOSIX -e 'print floor(2.5)'
UNIT
# As long as an emulated boot takes, which nobody knows: the guest ends it.
mkdir "$R/etc/systemd/system/elfcast-train-boot.service.d"
cat >"$R/etc/systemd/system/elfcast-train-boot.service.d/long.conf" <<-'UNIT'
	[Service]
	ExecStart=
	ExecStart=/usr/bin/elfcast train --system --for=600 --install
UNIT
mkdir -p "$R/etc/systemd/system/multi-user.target.wants"
ln -s ../guest.service ../app.service "$R/etc/systemd/system/multi-user.target.wants"
if ! umount "$R"; then
	not_ok "the disk is whole"
	finish
fi

# What the guest left is in $got. Without KVM, kernels panic or hang now and then, most often
# before systemd starts: that boot is begun again with the disks as they were. Nothing that we
# run can make a kernel panic; where three tries end so, or a slow machine's time is over,
# nothing is said of elfcast. A system that starts twice and does not end is a failure.
SECONDS_IN_ALL=${SECONDS_IN_ALL:-700} SECONDS_A_BOOT=${SECONDS_A_BOOT:-150}
machine() { # name words disk...
	local name=$1 words=$2 t0=$SECONDS try disk left hung=0
	shift 2
	got=$TMP/got.$name
	for try in 1 2 3; do
		left=$((SECONDS_IN_ALL - SECONDS))
		if [ $left -le 0 ] || [ $hung -ge 2 ]; then break; fi
		for disk in "$root" "$vault"; do cp --sparse=always "$disk" "$disk.before"; done
		rm -rf "$out" "$got"
		truncate -s 16M "$out"
		mkdir "$got"
		qemu_run $((left < SECONDS_A_BOOT ? left : SECONDS_A_BOOT)) "$words" "$@" out="$out"
		tar -x -C "$got" -f "$out" 2>/dev/null
		[ -e "$got/kernel" ] && break
		sed 's/^/# /' "$TMP/qemu.log"
		[ ! -e "$got/log" ] || sed 's/^/# /' "$got/log"
		echo "# $name, try $try: $(grep -a -m 1 'Kernel panic\|Oops:' "$TMP/console" ||
			tail -n 1 "$TMP/console")"
		[ $left -lt "$SECONDS_A_BOOT" ] || [ $SECONDS -gt $SECONDS_IN_ALL ] || grep -aq 'Kernel panic' "$TMP/console" ||
			! grep -aq 'Welcome to' "$TMP/console" || hung=$((hung + 1))
		for disk in "$root" "$vault"; do mv "$disk.before" "$disk"; done
	done
	if [ -e "$got/kernel" ]; then
		echo "# $name: $((SECONDS - t0)) s"
		ok "$name: the machine boots and shuts down"
	elif [ $hung -ge 2 ]; then
		not_ok "$name: the machine boots and shuts down"
		tail -n 30 "$TMP/console" | sed 's/^/# /'
		finish
	else
		skip "$name" "the kernel panics or hangs in QEMU here, or there is no time left"
		finish
	fi
	same "$name: no unit has failed" "" "$(cat "$got/failed")"
}
json() { # file expression
	python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
def begun_before(ms): # services
	for unit in open(sys.argv[3] + "/starts").read().split("\n\n"):
		v = dict(line.split("=", 1) for line in unit.splitlines())
		if 0 < int(v.get("ExecMainStartTimestampMonotonic") or 0) < ms * 1000: yield v["Id"]
v = eval(sys.argv[2])
print(*v if isinstance(v, tuple) else (v,))' "$got/$1" "$2" "$got"
}
unit() { # did it start, how did it end
	echo "$(<"$got/$1.ConditionResult") $(<"$got/$1.Result") $(<"$got/$1.ExecMainStatus")"
}

machine install "phase=install" root="$root" vault="$vault"
same "install: /opt is on LVM on LUKS" "crypt disk lvm" "$(sort "$got/opt" | xargs)"

machine train "phase=record elfcast=train" root="$root" vault="$vault"
sed 's/^/# /' "$got/elfcast-train-boot.journal"
first_devices=$(cat "$got/devices")
same "train: the unit has recorded the boot, and ended well" "yes success 0" \
	"$(unit elfcast-train-boot)"
same "train: what is recorded is not read ahead" no "$(cat "$got/elfcast-boot.ConditionResult")"
same "train: fault-around is off meanwhile, and then as it was" \
	"$(printf 'during 4096\nafter 65536')" "$(cat "$got/fault-around")"
same "train: the profile has systemd's program, and what lies on the encrypted volume" "True True" \
	"$(json profile.json 'tuple(any(o["path"].startswith(p) for o in r["objects"])
		for p in ("/usr/lib/systemd/", "/opt/"))')"
same "train: and nothing that is written" "[]" \
	"$(json profile.json '[o["path"] for o in r["objects"]
		if o["path"].startswith(("/var/log/", "/run/", "/tmp/"))]')"

# What root alone may read, as the volume's key, is left out.
same "train: no secret is recorded" "[]" "$(json profile.json '[o["path"] for o in r["objects"]
	if o["path"] in ("/etc/vault.key", "/etc/lvm/backup/vault")]')"

machine boot "phase=boot" vault="$vault" root="$root"
sed 's/^/# /' "$got/elfcast-boot.journal"
same "boot: the disks have other numbers" no \
	"$([ "$first_devices" = "$(cat "$got/devices")" ] && echo yes || echo no)"
same "boot: the unit has run, and ended well" "yes success 0" "$(unit elfcast-boot)"
same "boot: the pack was read to its end" "read None" "$(json boot.json 'r["outcome"], r["stopped"]')"
same "boot: every object was found to be what it was" "" \
	"$(json boot.json '" ".join(sorted(o["path"] + " " + o["why"] for o in r["skipped_first"]))')"
same "boot: the launch from the encrypted volume reads nothing" 0 "$(json launch 'r["majflt"]')"
# read_early NAME: what the boot needs was asked for before systemd itself began, but for what is
# on the encrypted volume
read_early() {
	same "$1: before systemd began" True \
		"$(json boot.json "0 < r['eager']['from_ms'] * 1000 < $(<"$got/userspace")")"
	same "$1: but for the encrypted volume" True \
		"$(json boot.json '0 < r["eager"]["early_asked_bytes"] < r["eager"]["asked_bytes"]')"
	same "$1: once: the early unit found it done" "yes success 0 boot.json" \
		"$(unit elfcast-boot-early) $(<"$got/run")"
	echo "# $1: $(json boot.json 'r["eager"]'), systemd $(<"$got/userspace"), sysinit.target $(<"$got/sysinit")"
	echo "# $1: services begun before all was asked for: $(json boot.json '" ".join(begun_before(r["eager"]["until_ms"]))')"
}
read_early boot
same "boot: all of it before the services that sysinit.target comes before" True \
	"$(json boot.json "r['eager']['until_ms'] * 1000 < $(<"$got/sysinit")")"
same "boot: the chain that the default target waited for is known" 1 \
	"$(grep -c '^[a-z]*\.target' "$got/chain")"
same "boot: and elfcast is not in it" "" "$(grep elfcast "$got/chain")"

cp "$TMP/initrd" "$TMP/initrd.debian"
for initrd in dracut unit; do
	cp "$TMP/initrd.$initrd" "$TMP/initrd"
	# So slowly that it is not done when systemd leaves the initrd.
	QEMU_READS=1500000 machine $initrd "phase=$initrd" vault="$vault" root="$root"
	same "$initrd: the unit has run, and ended well" "yes success 0" "$(unit elfcast-boot)"
	read_early $initrd
	same "$initrd: it went on when systemd had left the initrd" True \
		"$(json boot.json "r['eager']['until_ms'] * 1000 > $(<"$got/userspace")")"
done
cp "$TMP/initrd.debian" "$TMP/initrd"
machine off "phase=off elfcast=off" vault="$vault" root="$root"
same "off: the unit does not run" no "$(cat "$got/elfcast-boot.ConditionResult")"
same "off: and that launch reads from the disk" True "$(json launch 'r["majflt"] > 10')"
finish
