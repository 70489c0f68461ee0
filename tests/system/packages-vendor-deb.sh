#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 25 s
# The vendor's way of profiles/README.md for Debian: its own text as debian/, built, trained, checked,
# installed, upgraded.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
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
		on && seen { exit }' "$TOP/profiles/README.md" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
for f in control rules hello.install hello-elfcast.install; do
	block "debian/$f" >"$V/debian/$f"
	check "the tutorial has debian/$f" test -s "$V/debian/$f"
done
chmod +x "$V/debian/rules"
echo "3.0 (native)" >"$V/debian/source/format"
cat >"$V/hello.c" <<'END'
#include <stdio.h>
static const char table[300000] = { 1 };
int main(void)
{
	int sum = 0;

	for (unsigned i = 0; i < sizeof(table); i += 9000)
		sum += table[i];
	printf("hello, world %d\n", sum);
	return 0;
}
END
build() { # version
	printf 'hello (%s) unstable; urgency=low\n\n  * Hello.\n\n -- You <you@example.org>  Wed, 25 Nov 2026 00:00:00 +0000\n' \
		"$1" >"$V/debian/changelog"
	(cd "$V" && dpkg-buildpackage -b -uc -us -d >"$TMP/out" 2>&1)
}
does() { # name command...
	local name=$1
	shift
	"$@" && ok "$name" && return
	not_ok "$name"
	sed 's/^/# /' "$TMP/out" | tail -n 15
}
deb() { echo "$TMP/vendor/$1_$2_$3.deb"; }

new_root disk
mkdir -p "$R"/var/lib/dpkg/{info,updates,triggers} "$R/var/log"
LIBELF=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' libelf1 libelf1t64 2>/dev/null |
	sed -n 's/^installed //p')
for p in libc6 $LIBELF libjson-c5 zlib1g; do
	dpkg-query -s "$p" | grep -vE '^(Depends|Pre-Depends|Conffiles| /)'
	echo
	: >"$R/var/lib/dpkg/info/$p:$arch.list"
done >"$R/var/lib/dpkg/status"
(cd "$BASE" && find . -type d -printf '/%P\n' | sed 's,^/$,/.,') >"$R/var/lib/dpkg/info/libc6:$arch.list"
dpkg_in() { dpkg --root="$R" --force-unsafe-io --force-downgrade --no-pager "$@" >"$TMP/out" 2>&1 </dev/null; }
train() { # as the tutorial says, on the package as built
	in_root elfcast train -n 3 -o /tmp/hello.hello.json -- hello >"$TMP/out" 2>&1 && mv "$R/tmp/hello.hello.json" "$V"
}
now() {
	in_root elfcast show --json hello 2>/dev/null | python3 -c 'import json, sys
for s in json.load(sys.stdin):
	print(*[o["now"] for o in s["objects"] if o["path"] == "/usr/bin/hello"])'
}

echo '{}' >"$V/hello.hello.json"
does "a first build" build 1.0-1
does "dpkg installs elfcast and the program" dpkg_in -i "$PKGS"/deb/elfcast_*_"$arch".deb "$(deb hello 1.0-1 "$arch")"
mkdir -p "$R/tmp"
does "training" train
does "a second build, of the same version" build 1.0-1
if [ -x "$BUILD/elfcast-check" ]; then
	export ELFCAST_EXEC_PATH=$BUILD
	status "the profile is of that package" 0 elfcast check --against="$(deb hello 1.0-1 "$arch")" "$V/hello.hello.json"
fi
does "dpkg installs the profile" dpkg_in -i "$(deb hello-elfcast 1.0-1 all)"
same "the trigger has compiled it" valid "$(now)"
sed -i 's/hello, world/good bye/' "$V/hello.c"
does "the program is released again" build 1.0-2
[ ! -x "$BUILD/elfcast-check" ] ||
	status "the old profile is not of that package" 1 elfcast check --against="$(deb hello 1.0-2 "$arch")" "$V/hello.hello.json"
does "dpkg upgrades the program" dpkg_in -i "$(deb hello 1.0-2 "$arch")"
same "its pages are not read any more" stale "$(now)"
check "status says why" grep -q '/usr/bin/hello: another build' <<<"$(in_root elfcast status hello)"
does "training again" train
does "the profile is released again" build 1.0-2
does "dpkg upgrades the profile" dpkg_in -i "$(deb hello-elfcast 1.0-2 all)"
same "they are read again" valid "$(now)"
finish
