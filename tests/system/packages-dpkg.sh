#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 80 s
# dpkg: every transaction from every state; triggers put off; a hook that fails.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without dpkg dpkg-deb dpkg-buildpackage dh python3 git

if ! built deb; then
	not_ok "make deb"
	finish
fi
ok "make deb: packages"

# make_deb TREE NAME VERSION ARCH
make_deb() {
	mkdir -p "$1/DEBIAN"
	printf '%s\n' "Package: $2" "Version: $3" "Architecture: $4" "Maintainer: test <t@example.org>" \
		"Description: test" >"$1/DEBIAN/control"
	dpkg-deb -Znone --root-owner-group -b "$1" "$P/$2-$3.deb" >/dev/null
}
pkg_file() { echo "$P/$1-$2.deb"; }

arch=$(dpkg --print-architecture)
base_tree
# The real ones are perl; what they do with the unit is looked at in boot-nspawn.sh.
for p in deb-systemd-helper deb-systemd-invoke; do
	printf '#!/bin/sh\nexit 0\n' >"$BASE/usr/bin/$p"
	chmod 755 "$BASE/usr/bin/$p"
done
vendor_trees
for v in 1 2; do
	make_deb "$T/prog-$v" prog $v "$arch"
	make_deb "$T/prog-elfcast-$v" prog-elfcast $v all
done
cp "$PKGS"/deb/elfcast_*_"$arch".deb "$P/elfcast-1.deb"
dpkg-deb -R "$P/elfcast-1.deb" "$TMP/next"
sed -i 's/^Version: .*/&+2/' "$TMP/next/DEBIAN/control"
dpkg-deb -Znone -b "$TMP/next" "$P/elfcast-2.deb" >/dev/null

# Where it has the other name this one is known, but not installed.
LIBELF=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' libelf1 libelf1t64 2>/dev/null |
	sed -n 's/^installed //p')
start() {
	new_root
	mkdir -p "$R"/var/lib/dpkg/{info,updates,triggers} "$R/var/log"
	# The libraries are the host's, and so is what dpkg is to know of them.
	for p in libc6 $LIBELF libjson-c5 zlib1g; do
		dpkg-query -s "$p" | grep -vE '^(Depends|Pre-Depends|Conffiles| /)'
		echo
		: >"$R/var/lib/dpkg/info/$p:$arch.list"
	done >"$R/var/lib/dpkg/status"
	(cd "$BASE" && find . -type d -printf '/%P\n' | sed 's,^/$,/.,') >"$R/var/lib/dpkg/info/libc6:$arch.list"
}
dpkg_in() {
	dpkg --root="$R" --force-unsafe-io --no-pager "$@" >"$TMP/raw" 2>&1 </dev/null
	local status=$?
	grep -v 'warning: downgrading' "$TMP/raw" >"$TMP/out"
	return $status
}
DPKG_FLAGS=
transact() {
	local -a files=() names
	local name version action=-r
	while read -r name version; do files+=("$(pkg_file "$name" "$version")"); done < <(to_install "$@")
	mapfile -t names < <(to_erase "$@")
	# Version 2 is purged, version 1 removed.
	[[ $1 == *:2:0 ]] && action=-P
	# shellcheck disable=SC2086
	if [ ${#files[@]} -gt 0 ]; then
		dpkg_in $DPKG_FLAGS -i "${files[@]}"
	else
		dpkg_in $DPKG_FLAGS "$action" "${names[@]}"
	fi
}

start
if [ -n "${SOAK:-}" ]; then
	walk "dpkg, all sequences of two" --depth 2 prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
	start
	walk "dpkg, several packages at once" --joint prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
else
	walk "dpkg, all transactions" prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1
	start
	walk "dpkg, several packages at once" --joint prog=0,1 prog-elfcast=0,1 elfcast=0,1
fi

start
upgrades "dpkg"
steps="prog:1:2 prog-elfcast:1:2 prog:2:1 prog-elfcast:2:1 prog:1:0 prog-elfcast:1:0 prog-elfcast:0:1 prog:0:1"
DPKG_FLAGS=--no-triggers
# shellcheck disable=SC2086
stale_then_repaired "dpkg --no-triggers" $steps
DPKG_FLAGS=
transact prog:1:2
check "dpkg: triggers that were put off run with the next transaction" converged
transact prog:2:1
# shellcheck disable=SC2086
broken_hooks "dpkg" $steps

umount "$R/proc"
check "dpkg without /proc: the transaction succeeds" transact prog:1:2
mount -t proc proc "$R/proc"
in_root elfcast compile --quiet
check "and the next compile repairs" converged

# What the machine learned survives a removal, and goes with the purge; the cache goes at once.
learned="boot.blocks boot.own boot.training boots launch-times launches"
learn() {
	for p in $learned; do : >"$R/var/lib/elfcast/$p"; done
	in_root elfcast disable --quiet /usr/bin/prog
	cp "$R"/usr/share/elfcast/profiles.d/*.json "$R/etc/elfcast/profiles.d/local.prog.json"
	cp "$R"/usr/share/elfcast/profiles.d/*.json "$R/etc/elfcast/profiles.d/admin.prog.json"
	in_root elfcast compile --quiet
}
learn
check "dpkg: the package is removed" dpkg_in -r elfcast
# shellcheck disable=SC2086
same "what was learned stays, and nothing else" "$(printf '%s ' $learned)" \
	"$(find "$R/var/lib/elfcast" -mindepth 1 -printf '%P\n' | sort | paste -s -d ' ') "
check "what disable said, too" test -e "$R/etc/elfcast/disabled.conf"
transact elfcast:0:1
check "dpkg: installed again, it counts on" test -e "$R/var/lib/elfcast/launches"
same "and the program is disabled still" disabled "$(in_root elfcast list | awk '/prog/ { print $1; exit }')"
check "dpkg: purged" dpkg_in -P elfcast
same "it names the profiles of this machine that go" "Purging /etc/elfcast/profiles.d/local.prog.json, a profile that was trained here" \
	"$(grep trained "$TMP/out")"
same "all that elfcast wrote is gone, not what the administrator did" "admin.prog.json" \
	"$(find "$R/etc/elfcast" "$R/var/lib/elfcast" ! -type d -printf '%P\n' 2>/dev/null | xargs -n 1 basename)"
rm -r "$R/etc/elfcast"
transact elfcast:0:1

check "dpkg: the package is purged" transact elfcast:2:0 prog-elfcast:1:0
same "with no complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
same "and nothing of ours left" "" \
	"$(find "$R" -xdev -name '*elfcast*' ! -path "$R/var/lib/dpkg/*" -printf '%P ')"

# Chrootless: scripts run on the host, and must leave the host's own state alone.
start
mkdir -p "$TMP/host/var/lib/elfcast" && echo host >"$TMP/host/var/lib/elfcast/mark"
mount --bind "$TMP/host/var/lib" /var/lib
for p in elfcast prog prog-elfcast; do
	check "dpkg --force-script-chrootless: $p installs" \
		dpkg_in --force-script-chrootless -i "$(pkg_file $p 1)"
done
check "the root has its shadow" test -n "$(shadows)"
check "and removes" dpkg_in --force-script-chrootless -P elfcast
check "taking it along" test ! -e "$R/var/lib/elfcast"
same "the host's state is as it was" "mark" "$(ls /var/lib/elfcast)"
umount /var/lib
finish
