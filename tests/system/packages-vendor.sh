#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 25 s
# The vendor's way of profiles/README.md for rpm, its own spec and its own commands: build a program,
# install and train it, check and package the profile, dnf install from a repository, upgrade one of the two.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
. "$TOP/tests/helpers/vendor-lib.sh"
DNF=(dnf --setopt=plugins=0)
if ! command -v dnf >/dev/null; then # dnf 5 is dnf only where a distribution says so
	skip_without dnf5
	DNF=(dnf5 --use-host-config)
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
cd "$P" || exit 1
mkdir hello-1.0
hello_source hello-1.0
sed -n '/^    Name: *hello$/,/^    # end$/p' "$TUTORIAL" | sed 's/^    //' >"$TMP/hello.spec"
check "the tutorial has a spec" grep -q '^%files elfcast' "$TMP/hello.spec"
# The macro as it is installed, but for the program, which is not yet.
sed "s,%{_bindir}/elfcast,$BUILD/elfcast," "$TOP/packaging/rpm/macros.elfcast" >"$TMP/macros"
# All in this directory, as the tutorial's other commands have it. Nothing of who runs this.
sources=(--define "_sourcedir $P")
mkdir "$TMP/home"
rpmbuild() {
	HOME=$TMP/home ELFCAST_EXEC_PATH=$BUILD command rpmbuild --nodeps --load "$TMP/macros" \
		--define "_topdir $TMP/rpmbuild" --define "_tmppath $TMP" "${sources[@]}" --define "_rpmdir $P" \
		--define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --define '_build_id_links none' \
		"$@"
}
source_of() { # release
	sed "s/^Release: .*/Release: $1/" "$TMP/hello.spec" >hello.spec
	tar -czf hello-1.0.tar.gz hello-1.0
}
# A cache of its own each time: dnf takes metadata that changed within a second for the old.
dnf() {
	command "${DNF[@]}" -y -q --setopt=cachedir="$(mktemp -d "$TMP/cache.XXXXXX")" --installroot="$R" \
		--releasever=1 --setopt=reposdir=/nonexistent --setopt=metadata_expire=0 --repo=test "$@" </dev/null
}
# from_repository VERB PACKAGE...: as the tutorial has it for its profile
from_repository() {
	local command
	command=$(said "dnf install") || return 1
	command=${command/ install / "$1" }
	shift
	eval "${command% *} $*"
}
repository() { says "a repository" createrepo_c; }

# ---- train on the package as built ----
says "something in place of the profile" "echo "
source_of 1
says "a first build" "rpmbuild -bb --nocheck"
rm hello-elfcast*
repository
new_root empty disk
does "dnf installs the program and elfcast" from_repository install base hello elfcast
mkdir -p "$R/tmp"
says "training" "elfcast train -n"
says "looking at it" "elfcast show hello.hello"

# ---- check, package ----
if [ -x "$BUILD/elfcast-check" ]; then
	says "check against the package" "elfcast check --against=hello-1.0-1" "s/x86_64/$(uname -m)/"
	says "a second build, with %check: same sources, same build-id" "rpmbuild -bb hello.spec"
	another_hello hello-1.0
	source_of 2
	if rpmbuild -bb hello.spec >"$TMP/out" 2>&1; then
		not_ok "%check refuses the profile of another build"
	else
		check "%check refuses the profile of another build" grep -q 'hello.*stale\|stale.*hello' "$TMP/out"
	fi
else
	skip "check against the package" "elfcast-check is not built"
	says "a second build" "rpmbuild -bb --nocheck"
	another_hello hello-1.0
	source_of 2
fi

# ---- the users ----
repository
says "dnf installs the profile from the repository" "dnf install"
same "the trigger has compiled it" valid "$(hello_is)"
same "and it is read ahead" 1 "$(in_root elfcast prefetch --json hello | python3 -c 'import json, sys
print(int(json.load(sys.stdin)[0]["objects_used"] >= 2))')"
says "the program is released again" "rpmbuild -bb --nocheck"
mv hello-elfcast-1.0-2.* "$TMP"
repository
does "dnf upgrades the program" from_repository upgrade hello
same "its pages are not read any more" stale "$(hello_is)"
says "training again" "elfcast train -n"
says "the profile is released again" "rpmbuild -bb --nocheck"
repository
does "dnf upgrades the profile" from_repository upgrade hello-elfcast
same "they are read again" valid "$(hello_is)"

# Supplements: with weak dependencies dnf brings the profile by itself.
new_root empty disk
does "dnf installs the program beside elfcast" from_repository install base elfcast
does "in a second transaction" from_repository install hello
check "and the profile comes along" test -e "$R/usr/share/elfcast/profiles.d/hello.hello.json"
same "compiled" valid "$(hello_is)"

# ---- a package of its own ----
rm hello-elfcast*
sed -n '/^    Name: *hello-elfcast$/,/^    # end of hello-elfcast.spec$/p' "$TUTORIAL" | sed 's/^    //' >hello-elfcast.spec
sources=() # the command says where they are
says "a package of its own is built" "rpmbuild -bb --define"
same "it has the profile, and nothing else" /usr/share/elfcast/profiles.d/hello.hello.json \
	"$(command rpm -qp --nosignature -l hello-elfcast-1.0-1.noarch.rpm 2>/dev/null)"
same "and comes by itself" "(hello and elfcast)" "$(command rpm -qp --nosignature --supplements hello-elfcast-1.0-1.noarch.rpm 2>/dev/null)"
repository
new_root empty disk
does "dnf installs all three" from_repository install base hello elfcast hello-elfcast
same "the profile is compiled" valid "$(hello_is)"
finish
