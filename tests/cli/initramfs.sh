#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is installed for those who make initramfs images, and what that tells them.
. "$(dirname "$0")/../lib.sh"

installed() { # words of INITRAMFS: what is there more than without
	rm -rf "$TMP/root"
	make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" DESTDIR="$TMP/root" prefix=/usr INITRAMFS="$*" install >/dev/null 2>&1 ||
		echo "make failed"
	(cd "$TMP/root" && find . \( -path '*dracut*' -o -path '*init*' \) ! -type d -printf '%P %m\n' | sort)
}
same "nothing unless it is asked for" "" "$(installed)"
same "dracut" "usr/lib/dracut/modules.d/95elfcast/elfcast.sh 755
usr/lib/dracut/modules.d/95elfcast/module-setup.sh 755" "$(installed dracut)"
same "initramfs-tools" "usr/share/initramfs-tools/scripts/init-bottom/elfcast 755" "$(installed initramfs-tools)"
same "mkinitcpio" "usr/lib/initcpio/elfcast-initrd.service 644
usr/lib/initcpio/hooks/elfcast 644
usr/lib/initcpio/install/elfcast 644" "$(installed mkinitcpio)"

# What mkinitcpio(8) and dracut.modules(7) offer, here said aloud.
# shellcheck disable=SC2329,SC2317,SC1090 # called by what is read
said() (
	add_binary() { echo "binary $*"; }
	add_runscript() { echo "runscript"; }
	add_file() { echo "file $2 $(cmp "$TMP/root$1" "$TOP/packaging/initramfs/mkinitcpio/${1##*/}" && echo same)"; }
	add_symlink() { echo "symlink $*"; }
	require_binaries() { [ "$*" = "chroot" ]; }
	inst_multiple() { echo "binary $*"; }
	inst_hook() { echo "hook $1 $2 $(test -x "$3" && echo there)"; }
	. "$1" && shift && "$@"
)
same "mkinitcpio: what goes into an image" "binary chroot
runscript
file /usr/lib/systemd/system/elfcast-initrd.service same
symlink /usr/lib/systemd/system/initrd.target.wants/elfcast-initrd.service /usr/lib/systemd/system/elfcast-initrd.service" \
	"$(said "$TMP/root/usr/lib/initcpio/install/elfcast" build)"
check "mkinitcpio: its help says where it comes" grep -q "after 'usr'" \
	<(said "$TMP/root/usr/lib/initcpio/install/elfcast" help)
installed dracut >/dev/null
moddir=$TMP/root/usr/lib/dracut/modules.d/95elfcast
same "dracut: what goes into an image" "binary chroot
hook pre-pivot 90 there" "$(said "$moddir/module-setup.sh" check && said "$moddir/module-setup.sh" install)"
if command -v systemd-analyze >/dev/null; then
	same "systemd finds no fault with the unit" "" \
		"$(systemd-analyze --man=no verify "$TOP/packaging/initramfs/mkinitcpio/elfcast-initrd.service" 2>&1)"
else
	skip "systemd finds no fault with the unit" "no systemd-analyze"
fi
finish
