#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Build the RPM packages into build/packages/rpm, and check that they hold their triggers.
# Usage: build-rpm.sh [RPMBUILD-OPTION...]; OUT: another directory
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS MFLAGS MAKELEVEL # the user's make is not the package's

version=$(sed -n 's/^VERSION := //p' Makefile)
out=${OUT:-$PWD/build/packages/rpm}
top=$out/rpmbuild
mkdir -p "$top/SOURCES"
if ! grep -q "^Version: *$version\$" packaging/elfcast.spec; then
	echo "build-rpm.sh: packaging/elfcast.spec is not of version $version" >&2
	exit 1
fi
packaging/source-tarball.sh "$version" "$top/SOURCES/elfcast-$version.tar.gz"
cp hooks/rpm/triggers.inc "$top/SOURCES"
# Where rpm does not manage the system it cannot know what is installed.
rpm -q rpm >/dev/null 2>&1 || set -- --nodeps "$@"
if ! rpmbuild -ba --define "_topdir $top" "$@" packaging/elfcast.spec >"$out/log" 2>&1; then
	tail -n 30 "$out/log" >&2
	exit 1
fi
rm -f "$out"/*.rpm
mv "$top"/RPMS/*/*.rpm "$top"/SRPMS/*.rpm "$out"
hooks/rpm/check-triggers hooks/rpm/triggers.inc \
	"$(find "$out" -maxdepth 1 -name "elfcast-$version-*.rpm" ! -name '*.src.rpm')"
rm -rf "$top"
if command -v rpmlint >/dev/null && [ -z "${NO_LINT:-}" ]; then
	rpmlint -c packaging/rpmlint.toml "$out"/*.rpm >"$out/rpmlint.log" 2>&1 || {
		cat "$out/rpmlint.log" >&2
		exit 1
	}
fi
ls "$out"/*.rpm
