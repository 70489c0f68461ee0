#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# "make matrix": what a suite of Debian makes of us, in a root of it: built with its gcc and its
# clang, warnings as errors; unit, command line and fuzz tests, its package managers (tests/system/
# packages-*.sh, against*.sh) with what gcc built. "boot" among TESTS: our packages are made there, and
# a system of that suite installs and uses them under nspawn (tests/system/boot-nspawn.sh).
#   tests/matrix/run.sh [SUITE...]      default: bookworm trixie forky
# TESTS="unit packages-rpm" picks some, as tests/run does. Needs root, mmdebstrap and a mirror; a
# quarter of an hour a suite. Roots stay below $ROOTS (default /var/tmp/elfcast-roots), named by a
# sum of what is in them.
set -u
if [ -z "${MATRIX_UNSHARED:-}" ]; then
	MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
fi
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/matrix/roots.sh"
TESTS=${TESTS:-unit cli fuzz packages- against status-packages boot}
[ $# -gt 0 ] || set -- bookworm trixie forky

# A root's own: git knows nothing of the files, and source-tarball.sh asks it.
# shellcheck disable=SC2016
INSIDE='cd /elfcast && git init -q && git add -A &&
	git -c user.name=t -c user.email=t@example.org commit -qm sources || exit 1
	bad=0
	for cc in gcc clang; do
		what="builds with $cc $($cc -dumpversion)"
		build=build; [ $cc = gcc ] || build=build-$cc
		began=$SECONDS
		if make -j2 -k CC=$cc BUILD=$build DEVELOPER=1 all test-programs >/tmp/build.log 2>&1; then
			echo "ok - $what  ($((SECONDS - began))s)"
		else
			grep -A 5 -E "error:|warning:" /tmp/build.log | head -n 40 | sed "s/^/# /"
			echo "not ok - $what"
			bad=1
		fi
	done
	echo "# $(rpm --version), $(dpkg --version | head -n 1), glibc $(getconf GNU_LIBC_VERSION)"
	[ $# = 0 ] || tests/run --build build "$@" 2>&1 || bad=1
	[ -z "$DEBS" ] || { make deb >/tmp/deb.log 2>&1 && cp -r build/packages/deb "$DEBS"; } ||
		{ sed "s/^/# /" /tmp/deb.log | tail -n 20; echo "not ok - make deb"; bad=1; }
	exit $bad'

# What a system of SUITE makes of the packages in DIRECTORY.
boots() { # suite directory
	SUITE=$1 DEBS=$2 MIRROR=$MIRROR "$TOP/tests/system/boot-nspawn.sh" | sed -E 's/^((not )?ok - )/\1boots: /'
}
tests=() debs=
for t in $TESTS; do
	if [ "$t" = boot ]; then debs=/debs; else tests+=("$t"); fi
done

n_passed=0 n_failed=0 n_skipped=0
for suite; do
	began=$SECONDS
	echo "# ---- $suite"
	work=$(mktemp -d /var/tmp/elfcast-matrix.XXXXXX)
	if root=$(make_root "$suite"); then
		{
			run_in "$root" "$work" DEBS=$debs bash -c "$INSIDE" bash "${tests[@]}"
			[ ! -d "$work/upper${debs:-/none}" ] || boots "$suite" "$work/upper$debs"
		} 2>&1 | tee "$work/log"
	else
		echo "not ok - $suite: a root" | tee "$work/log"
	fi
	# The builds, the last line of tests/run, the system that boots.
	read -r passed failed skipped <<<"$(awk '/^ok - boots.*# SKIP/ { s++; ran = 1; next }
		/^ok - builds/ { p++ } /^ok - boots/ { p++; ran = 1 } /^not ok - / { f++ }
		/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5; ran = 1 }
		END { print p + 0, f + !ran, s + 0 }' "$work/log")"
	n_passed=$((n_passed + passed)) n_failed=$((n_failed + failed)) n_skipped=$((n_skipped + skipped))
	echo "# $suite: $passed passed, $failed failed, $skipped skipped  ($((SECONDS - began))s)"
	rm -rf --one-file-system "$work"
done
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ $n_failed = 0 ]
