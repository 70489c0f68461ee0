#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Build the Debian packages into build/packages/deb.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS MFLAGS MAKELEVEL # the user's make is not the package's

version=$(sed -n 's/^VERSION := //p' Makefile)
out=${OUT:-$PWD/build/packages/deb}
tree=$out/elfcast-$version
case $(head -n 1 packaging/debian/changelog) in
"elfcast ($version-"*) ;;
*)
	echo "build-deb.sh: packaging/debian/changelog is not of version $version" >&2
	exit 1
	;;
esac
rm -rf "$out"
mkdir -p "$out"
packaging/source-tarball.sh "$version" "$out/elfcast_$version.orig.tar.gz"
tar -x -C "$out" -f "$out/elfcast_$version.orig.tar.gz"
# Links there lead to hooks/: a Debian source package holds the files.
cp -rL "$tree/packaging/debian" "$tree/debian"
if ! (cd "$tree" && dpkg-buildpackage -us -uc) >"$out/log" 2>&1; then
	tail -n 30 "$out/log" >&2
	exit 1
fi
rm -rf "$tree"
if command -v lintian >/dev/null && [ -z "${NO_LINT:-}" ]; then
	# An unreleased package has no bug to close and no signature.
	lintian --allow-root --fail-on error,warning \
		--suppress-tags initial-upload-closes-no-bugs,bad-distribution-in-changes-file \
		"$out"/*.changes >"$out/lintian.log" 2>&1 || {
		cat "$out/lintian.log" >&2
		exit 1
	}
fi
ls "$out"/*.deb
