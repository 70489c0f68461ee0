#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 50 s
# pacman: every transaction from every state with the alpm hook; a hook that fails.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
skip_without pacman bsdtar python3

# make_pacman TREE NAME VERSION [.INSTALL]: as makepkg would, which refuses to run as root
make_pacman() {
	printf '%s\n' "pkgname = $2" "pkgver = $3-1" "pkgdesc = test" "url = test" \
		"builddate = 1" "packager = test" "size = 1" "arch = any" >"$1/.PKGINFO"
	[ -z "${4:-}" ] || cp "$4" "$1/.INSTALL"
	# pacman wants the files about the package first.
	(cd "$1" && bsdtar -cf "$P/$2-$3.tar" --uid 0 --gid 0 --uname root --gname root .PKGINFO \
		${4:+.INSTALL} *)
}
pkg_file() { echo "$P/$1-$2.tar"; }

base_tree
vendor_trees
make -s -C "$TOP" BUILD="$BUILD" DESTDIR="$T/elfcast" install >"$TMP/install.log" 2>&1 || {
	sed 's/^/# /' "$TMP/install.log"
	not_ok "make install"
	finish
}
rm -rf "$T/elfcast/usr/share/elfcast/profiles.d/"*.json
install -D -m 644 "$TOP/hooks/pacman/elfcast.hook" "$T/elfcast/usr/share/libalpm/hooks/elfcast.hook"
for v in 1 2; do
	make_pacman "$T/prog-$v" prog $v
	make_pacman "$T/prog-elfcast-$v" prog-elfcast $v
	make_pacman "$T/elfcast" elfcast $v "$TOP/hooks/pacman/elfcast.install"
done
printf '[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n' >"$TMP/pacman.conf"

start() {
	new_root
	mkdir -p "$R/var/lib/pacman" "$R/var/cache/pacman/pkg" "$R/var/log"
}
pacman_in() {
	# Its own directory of hooks must be there since 7.1, and goes with its last hook.
	mkdir -p "$R/usr/share/libalpm/hooks"
	pacman --root "$R" --dbpath "$R/var/lib/pacman" --cachedir "$R/var/cache/pacman/pkg" \
		--hookdir "$R/usr/share/libalpm/hooks" --config "$TMP/pacman.conf" \
		--noconfirm --noprogressbar "$@" >"$TMP/raw" 2>&1 </dev/null
	local status=$?
	# Of pacman's own: a downgrade, and a keyring that is not there.
	grep -vE '^warning: (downgrading|[a-z-]+-[0-9-]+ is up to date -- reinstalling)' "$TMP/raw" >"$TMP/out"
	return $status
}
PACMAN_FLAGS=
transact() {
	local -a files=() names
	local name version
	while read -r name version; do files+=("$(pkg_file "$name" "$version")"); done < <(to_install "$@")
	mapfile -t names < <(to_erase "$@")
	# shellcheck disable=SC2086
	if [ ${#files[@]} -gt 0 ]; then
		pacman_in -U $PACMAN_FLAGS "${files[@]}"
	else
		pacman_in -R $PACMAN_FLAGS "${names[@]}"
	fi
}

start
if [ -n "${SOAK:-}" ]; then
	walk "pacman, all sequences of two" --depth 2 prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
	start
	walk "pacman, several packages at once" --joint prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
else
	walk "pacman, all transactions" prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1
fi
start
upgrades "pacman"
steps="prog:1:2 prog-elfcast:1:2 prog:2:1 prog-elfcast:2:1 prog:1:0 prog-elfcast:1:0 prog-elfcast:0:1 prog:0:1"
# shellcheck disable=SC2086
broken_hooks "pacman" $steps
check "pacman: the package is removed" transact elfcast:1:0 prog-elfcast:1:0
same "with no complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
same "and nothing of ours left" "" \
	"$(find "$R" -xdev -name '*elfcast*' ! -path "$R/var/log/*" -printf '%P ')"
finish
