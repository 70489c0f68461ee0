#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 25 s
# The vendor's way of profiles/README.md from end to end: build a program, install and train
# it, check and package the profile, dnf install from a repository, upgrade one of the two.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
DNF=(dnf --setopt=plugins=0 --nogpgcheck "--repofrompath=test,$P")
if ! command -v dnf >/dev/null; then # dnf 5 is dnf only where a distribution says so
	skip_without dnf5
	DNF=(dnf5 --use-host-config --no-gpgchecks "--repofrompath=test,file://$P")
fi
skip_without rpm rpmbuild createrepo_c python3 git
built rpm || {
	not_ok "make rpm"
	exit 1
}
base_tree
make_rpm "$BASE" base 1 "$(uname -m)" "Provides: rtld(GNU_HASH) /bin/sh" || exit 1
cp "$PKGS"/rpm/elfcast-0*."$(uname -m)".rpm "$P"

# ---- the vendor's package: what the tutorial shows ----
V=$TMP/vendor
mkdir -p "$V/hello-1.0"
cat >"$V/hello-1.0/hello.c" <<'END'
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
sed -n '/^    Name: *hello/,/^    # end/p' "$TOP/profiles/README.md" |
	sed 's/^    //' >"$V/hello.spec"
check "the tutorial has a spec" grep -q '^%files elfcast' "$V/hello.spec"
build_hello() { # release rpmbuild-option...
	local release=$1
	shift
	sed "s/^Release: .*/Release: $release/" "$V/hello.spec" >"$TMP/hello.spec"
	tar -C "$V" -czf "$V/hello-1.0.tar.gz" hello-1.0
	# The macro as it is installed, but for the program, which is not yet.
	sed "s,%{_bindir}/elfcast,$BUILD/elfcast," "$TOP/packaging/rpm/macros.elfcast" >"$TMP/macros"
	ELFCAST_EXEC_PATH=$BUILD rpmbuild -bb --nodeps --load "$TMP/macros" \
		--define "_topdir $TMP/rpmbuild" --define "_sourcedir $V" --define "_rpmdir $P" \
		--define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm" --define '_build_id_links none' \
		"$@" "$TMP/hello.spec" >"$TMP/out" 2>&1
}
# A cache of its own each time: dnf takes metadata that changed within a second for the old.
dnf_in() {
	"${DNF[@]}" -y -q --setopt=cachedir="$(mktemp -d "$TMP/cache.XXXXXX")" --installroot="$R" \
		--releasever=1 --setopt=reposdir=/nonexistent --setopt=metadata_expire=0 --repo=test \
		"$@" >"$TMP/out" 2>&1 </dev/null
}
repo() { createrepo_c -q "$P" >/dev/null 2>&1; }

# does NAME COMMAND...: as check(), with its output where it fails
does() {
	local name=$1
	shift
	"$@" && ok "$name" && return
	not_ok "$name"
	sed 's/^/# /' "$TMP/out" | tail -n 15
}

# ---- train on the package as built ----
echo '{}' >"$V/hello.hello.json"
does "a first build, without a profile worth checking" build_hello 1 --nocheck
rm "$P"/hello-elfcast*
repo
new_root empty disk
does "dnf installs the program and elfcast" dnf_in install base hello elfcast
rm -f "$R/tmp/hello.hello.json"
status "training" 0 in_root elfcast train -n 3 -o /tmp/hello.hello.json -- hello
mv "$R/tmp/hello.hello.json" "$V" || exit 1

# ---- check, package ----
if [ -x "$BUILD/elfcast-check" ]; then
	export ELFCAST_EXEC_PATH=$BUILD
	status "check against the package" 0 elfcast check --against="$P/hello-1.0-1.rpm" "$V/hello.hello.json"
	does "a second build, with %check: same sources, same build-id" build_hello 1
	sed -i 's/hello, world/good bye/' "$V/hello-1.0/hello.c"
	if build_hello 2; then
		not_ok "%check refuses the profile of another build"
	else
		check "%check refuses the profile of another build" grep -q 'hello.*stale\|stale.*hello' "$TMP/out"
	fi
else
	skip "check against the package" "elfcast-check is not built"
	does "a second build" build_hello 1 --nocheck
	sed -i 's/hello, world/good bye/' "$V/hello-1.0/hello.c"
fi

# ---- the users ----
now() { # state of hello itself in its shadow
	in_root elfcast show --json hello 2>/dev/null | python3 -c 'import json, sys
for s in json.load(sys.stdin):
	print(*[o["now"] for o in s["objects"] if o["path"] == "/usr/bin/hello"])'
}
repo
does "dnf installs the profile from the repository" dnf_in install hello-elfcast
same "the trigger has compiled it" valid "$(now)"
same "and it is read ahead" 1 "$(in_root elfcast prefetch --json hello | python3 -c 'import json, sys
print(int(json.load(sys.stdin)[0]["objects_used"] >= 2))')"
rm -f "$P"/hello-1.0-2.rpm "$P"/hello-elfcast-1.0-2.rpm
does "the program is released again" build_hello 2 --nocheck
mv "$P/hello-elfcast-1.0-2.rpm" "$TMP"
repo
does "dnf upgrades the program" dnf_in upgrade hello
same "its pages are not read any more" stale "$(now)"
status "training again" 0 in_root elfcast train -n 3 -o /tmp/hello.hello.json -- hello
mv "$R/tmp/hello.hello.json" "$V" || exit 1
does "the profile is released again" build_hello 2 --nocheck
repo
does "dnf upgrades the profile" dnf_in upgrade hello-elfcast
same "they are read again" valid "$(now)"

# Supplements: with weak dependencies dnf brings the profile by itself.
new_root empty disk
does "dnf installs the program beside elfcast" dnf_in install base elfcast
does "in a second transaction" dnf_in install hello
check "and the profile comes along" test -e "$R/usr/share/elfcast/profiles.d/hello.hello.json"
same "compiled" valid "$(now)"
finish
