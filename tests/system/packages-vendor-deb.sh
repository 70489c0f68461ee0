#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 25 s
# The vendor's way of profiles/README.md for Debian: its own text as debian/, its own commands: built,
# trained, checked, installed, upgraded.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/vendor-lib.sh"
skip_without dpkg dpkg-deb dpkg-buildpackage dh python3 git
built deb || {
	not_ok "make deb"
	finish
}
arch=$(dpkg --print-architecture)
base_tree
for p in deb-systemd-helper deb-systemd-invoke; do
	printf '#!/bin/sh\nexit 0\n' >"$BASE/usr/bin/$p"
	chmod 755 "$BASE/usr/bin/$p"
done

# ---- the source package: what the tutorial shows ----
V=$TMP/vendor/hello-1.0
mkdir -p "$V/debian/source"
# block FILE: the indented lines behind "`FILE`:" in the tutorial
block() {
	awk -v head="\`$1\`:" 'index($0, head) { on = 1; next }
		on && /^    / { sub(/^    /, ""); print; seen = 1; next }
		on && seen && /^$/ { print ""; next }
		on && seen { exit }' "$TUTORIAL" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
# files_of DIRECTORY PREFIX FILE...: these of its debian/ as the tutorial has them, whose names have that PREFIX there
files_of() {
	local dir=$1 prefix=$2 f
	shift 2
	mkdir -p "$dir/debian/source"
	for f; do
		block "${prefix}debian/$f" >"$dir/debian/$f"
		check "the tutorial has ${prefix}debian/$f" test -s "$dir/debian/$f"
	done
	chmod +x "$dir/debian/rules"
}
files_of "$V" "" control rules changelog hello.install hello-elfcast.install source/format
hello_source "$V"
cd "$V" || exit 1

# What it needs is here, and need not be a package; nobody signs.
dpkg-buildpackage() { command dpkg-buildpackage -uc -us -d "$@"; }
builds() { # name version
	sed -i "1s/(.*)/($2)/" debian/changelog
	says "$1" "dpkg-buildpackage -b"
}
trains() { # name
	says "$1" "elfcast train -n"
	says "$1: looking at it" "elfcast show hello.hello"
	mv hello.hello.json debian
}
deb() { echo "../$1_$2_$3.deb"; }
dpkg_in() { dpkg --root="$R" --force-unsafe-io --force-downgrade --no-pager "$@" </dev/null; }
check_words="elfcast check --against=../hello"

new_root disk
mkdir -p "$R"/var/lib/dpkg/{info,updates,triggers} "$R/var/log" "$R/tmp"
LIBELF=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' libelf1 libelf1t64 2>/dev/null |
	sed -n 's/^installed //p')
for p in libc6 $LIBELF libjson-c5 zlib1g; do
	dpkg-query -s "$p" | grep -vE '^(Depends|Pre-Depends|Conffiles| /)'
	echo
	: >"$R/var/lib/dpkg/info/$p:$arch.list"
done >"$R/var/lib/dpkg/status"
(cd "$BASE" && find . -type d -printf '/%P\n' | sed 's,^/$,/.,') >"$R/var/lib/dpkg/info/libc6:$arch.list"

echo '{}' >debian/hello.hello.json
tar -czf ../hello_1.0.orig.tar.gz --exclude=debian -C .. hello-1.0
says "the profile is no change of upstream's sources" "dpkg-buildpackage -S"
builds "a first build" 1.0-1
does "dpkg installs elfcast and the program" dpkg_in -i "$PKGS"/deb/elfcast_*_"$arch".deb "$(deb hello 1.0-1 "$arch")"
trains "training"
builds "a second build, of the same version" 1.0-1
[ ! -x "$BUILD/elfcast-check" ] || says "the profile is of that package" "$check_words" "s/amd64/$arch/"
does "dpkg installs the profile" dpkg_in -i "$(deb hello-elfcast 1.0-1 all)"
same "the trigger has compiled it" valid "$(hello_is)"
another_hello .
builds "the program is released again" 1.0-2
[ ! -x "$BUILD/elfcast-check" ] ||
	status "the old profile is not of that package" 1 elfcast check --against="$(deb hello 1.0-2 "$arch")" debian/hello.hello.json
does "dpkg upgrades the program" dpkg_in -i "$(deb hello 1.0-2 "$arch")"
same "its pages are not read any more" stale "$(hello_is)"
check "status says why" grep -q '/usr/bin/hello: another build' <<<"$(in_root elfcast status hello)"
trains "training again"
builds "the profile is released again" 1.0-2
does "dpkg upgrades the profile" dpkg_in -i "$(deb hello-elfcast 1.0-2 all)"
same "they are read again" valid "$(hello_is)"

# ---- a package of its own ----
O=$TMP/own/hello-elfcast-1.0
files_of "$O" hello-elfcast/ control rules changelog install source/format
cp debian/hello.hello.json "$O"
cd "$O" || exit 1
does "a package of its own is built" dpkg-buildpackage -b
same "it has the profile, and nothing else" ./usr/share/elfcast/profiles.d/hello.hello.json \
	"$(dpkg-deb --fsys-tarfile ../hello-elfcast_1.0_all.deb | tar -t | grep json)"
does "dpkg takes it in place of the other" dpkg_in -i ../hello-elfcast_1.0_all.deb
same "it is compiled" valid "$(hello_is)"

# ---- a source package that had one binary package, with a "make install" ----
M=$TMP/made/hello-1.0
mkdir -p "$M"
cp -r "$V/debian" "$V/hello.c" "$M"
cd "$M" || exit 1
rm debian/hello.install
printf 'all:\n\t$(CC) -o hello hello.c\ninstall:\n\tinstall -D hello $(DESTDIR)/usr/bin/hello\n' >Makefile
printf '#!/usr/bin/make -f\n%%:\n\tdh $@\n' >debian/rules
has_hello() { dpkg-deb --fsys-tarfile "$(echo ../hello_*.deb)" | tar -t | grep -c /usr/bin/hello; }
status "a second binary package ends the build" 2 dpkg-buildpackage -b
check "as the tutorial says" grep -q 'dh_missing.*usr/bin/hello\|missing files' "$TMP/err"
sed -n '/^    override_dh_auto_install:/,/^$/p' "$TUTORIAL" | sed 's/^    //' >>debian/rules
does "with what the tutorial has in debian/rules" dpkg-buildpackage -b
same "it has what it had" 1 "$(has_hello)"
rm -f ../*.deb
sed -i '/^override_dh_auto_install/,$d' debian/rules
echo usr >debian/hello.install
does "or with what it has in debian/hello.install" dpkg-buildpackage -b
same "so it has" 1 "$(has_hello)"
finish
