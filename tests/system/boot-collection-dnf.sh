#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 10 s
# profiles/make-collection in a root that dnf makes of a repository of this machine; in full runs
# programs are trained in it, checked against their .rpm, and again in the root as a directory.
set -u
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$TOP/tests/cache.sh"
for tool in dnf rpm rpmbuild createrepo_c systemd-nspawn nsenter unshare python3; do
	command -v $tool >/dev/null || { skip "collection by dnf" "$tool is not there"; exit 0; }
done
[ "$(id -u)" = 0 ] || { skip "collection by dnf" "not root"; exit 0; }
. "$TOP/tests/helpers/pkg-rpm.sh"
. "$TOP/tests/helpers/small-system.sh"
# Not in memory: what lies there is not recorded.
work=$(mktemp -d /var/tmp/elfcast-test.XXXXXX) || exit 1
trap 'rm -rf --one-file-system "$TMP" "$work"' EXIT
P=$work/repo
mkdir -p "$P" "$work/recipes" "$work/repos" "$work/prog/usr/bin" "$work/base/usr"
printf '[test]\nname=test\nbaseurl=file://%s\ngpgcheck=0\n' "$P" >"$work/repos/test.repo"
make() { # arguments...
	"$TOP/profiles/make-collection" --work="$work/w" --recipes="$work/recipes" --repos="$work/repos" \
		--elfcast="$BUILD/elfcast" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
}
left() { # what is there of us
	findmnt -rno TARGET | grep -F "$work"
	find /sys/fs/cgroup -maxdepth 2 -name 'elfcast-collection-*'
	pgrep -f "$work/w"
}
root=$work/w/dnf-1/root

make --no-train --no-check dnf:1
same "no such repository: one line" "1 make-collection: dnf-1: dnf failed, see $work/w/dnf-1/log/packages" \
	"$? $(grep make-collection "$TMP/err")"
check "and no half of a root" test ! -e "$root"

# All of a small Debian as one package: what is needed here is a system that boots.
codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
if [ -n "${SOAK:-}" ] && [ -n "$codename" ] && command -v mmdebstrap >/dev/null; then
	# shellcheck disable=SC2154 # of cached
	small_system "$codename" && tar -x -C "$work/base" -f "$cached" --exclude='./dev/*' --exclude='./var/lib/dpkg' \
		--exclude='./var/lib/apt' --exclude='./usr/share/doc' --exclude='./usr/share/locale' --exclude='./usr/share/man'
fi
echo 'int main(void) { return 0; }' >"$TMP/prog.c"
gcc -o "$work/prog/usr/bin/prog" "$TMP/prog.c" || exit 1
echo this >"$work/base/usr/base"
plain='AutoReqProv: no
%define _binary_payload w0.gzdio'
provided() {
	printf 'Provides: %s\n' bash coreutils dbus procps-ng shadow-utils systemd util-linux
}
for name in base prog; do
	lines=$plain
	[ $name = prog ] || lines+=$'\n'$(provided)
	check "the package $name" make_rpm "$work/$name" $name 1 "$(uname -m)" "$lines"
	mv "$P/$name-1.rpm" "$P/$name-1-1.$(uname -m).rpm" # as repositories call it
done
check "the repository" createrepo_c -q "$P"

make --no-train --no-check dnf:1
same "a root is made" 0 $?
check "of what dnf installs" test -e "$root/usr/base" -a ! -e "$root/usr/bin/prog"
same "nothing is left" "" "$(left)"
if [ ! -e "$work/base/usr/lib/systemd/systemd" ]; then
	skip "trained in it" "in full runs (SOAK) on Debian: two containers, a minute"
	finish
	exit
fi

recipe() { # name line...
	local name=$1
	shift
	printf '%s\n' "$@" >"$work/recipes/$name"
}
recipe missing "packages: no-such-package" "command: true"
recipe prog "packages: no-such-package" "packages.rpm: prog" "command: prog" "runs: 2"
recipe true "packages: base" "command: true" "runs: 2"
told() { # KEY... of each recipe, in the report
	python3 -c 'import json, sys
for s in json.load(open(sys.argv[1]))["recipes"]:
    print(s["recipe"], *(s.get(k, "-") for k in sys.argv[2:]))' "$work/w/report.json" "$@"
}
make dnf:1
same "a recipe that fails makes the exit status" 1 $?
if grep -q 'does not come up' "$TMP/err"; then
	skip "trained in it" "systemd does not boot here: $(tail -n 1 "$work"/w/dnf-1/log/console)"
	finish
	exit
fi
same "programs of packages that dnf installs" "missing failed its packages cannot be installed: no-such-package
prog trained -
true trained -" "$(told status reason)"
same "all files as their .rpm has them" "missing - prog {'matches': n} true {'matches': n}" \
	"$(told checked | sed 's/: [1-9][0-9]*/: n/' | xargs -d '\n')"
same "profiles, named by programs" "elfcast.prog.json elfcast.true.json" "$(cd "$work/w/collection" && echo *)"
same "evidence of the release" "elfcast.dnf-1.json" "$(cd "$work/w/evidence" && echo *)"
check "of the package's own build" grep -q "$(build_id_of "$work/prog/usr/bin/prog")" "$work/w/collection/elfcast.prog.json"
same "nothing is left" "" "$(left)"
make dnf:1
same "what is done is not done again" 0 "$(grep -c '^\[' "$TMP/err")"

# Another build in the root than the one of the repository.
echo 'int main(void) { return 1 - 1; } int n;' >"$TMP/prog.c"
gcc -o "$root/usr/bin/prog" "$TMP/prog.c"
make --only=prog --again dnf:1
same "a file that is not the package's is told" "prog {'matches': n, 'stale': 1}" "$(told checked | grep ^prog | sed 's/: [0-9]*,/: n,/')"

mv "$root" "$work/image"
make "$work/image"
same "the same root as a directory: nothing is installed, all else is trained" \
	"image missing failed|image prog trained|image true trained" \
	"$(told suite status | awk '{ print $2, $1, $3 }' | paste -s -d '|')"
same "nothing is left" "" "$(left)"
finish
