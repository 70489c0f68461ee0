#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same verdicts, messages and bytes, and no profile that lost a part when memory ended,
# with every json-c: builds each and runs the tests of profiles with it.
#
# Usage: tests/json-c.sh [SOURCE...]   a SOURCE is a Debian suite or a directory with json-c's
# source; without any bullseye (0.15), bookworm (0.16), trixie (0.18) and forky (0.19). Needs
# cmake, and for suites a mirror (MIRROR=…); BUILD is where elfcast was built.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
bad=0

# An apt of its own: nothing of the machine's is asked or changed.
get_suite() { # suite
	local apt="$dir/$1/apt"
	mkdir -p "$apt"/{state/lists/partial,cache/archives/partial} "$dir/$1/source"
	: >"$apt/state/status"
	echo "deb-src [check-valid-until=no signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" \
		>"$apt/sources.list"
	local apt_get=(apt-get -q -o Dir::State="$apt/state" -o Dir::State::status="$apt/state/status"
		-o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist="$apt/sources.list"
		-o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root)
	"${apt_get[@]}" update && (cd "$dir/$1" && "${apt_get[@]}" source --tar-only json-c) &&
		tar -xf "$dir/$1"/json-c_*.orig.tar.* --strip-components=1 -C "$dir/$1/source"
}

build_library() { # source to
	cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_SHARED_LIBS=ON \
		-DBUILD_STATIC_LIBS=OFF -DBUILD_TESTING=OFF -DBUILD_APPS=OFF \
		-DDISABLE_WERROR=ON -DCMAKE_POLICY_VERSION_MINIMUM=3.5 &&
		make -C "$2" -j2 json-c
}

try() { # source
	local from=$1 to="$dir/${1##*/}/library" version
	mkdir -p "$dir/${1##*/}"
	if [ ! -d "$1" ]; then
		get_suite "$1" >"$dir/log" 2>&1 || return 1
		from=$dir/$1/source
	fi
	build_library "$from" "$to" >"$dir/log" 2>&1 || return 1
	version=$(python3 -c 'import ctypes, sys
f = ctypes.CDLL(sys.argv[1]).json_c_version
f.restype = ctypes.c_char_p
print(f().decode())' "$to/libjson-c.so.5") || return 1
	export LD_LIBRARY_PATH=$to
	if ! ldd "$build/tests/profile-check" | grep -qF "$to/libjson-c.so.5"; then
		echo "$build/tests/profile-check does not use $to" >"$dir/log"
		return 1
	fi
	for t in unit/test_profile fuzz/fuzz_profile cli/bad-profiles cli/golden cli/profile-memory; do
		tests/run --build "$build" $t >"$dir/log" 2>&1 || return 1
		echo "ok - json-c $version: $t: $(tail -n 1 "$dir/log")"
	done
}

[ $# -gt 0 ] || set -- bullseye bookworm trixie forky
for source in "$@"; do
	(try "$source") && continue
	echo "not ok - json-c of $source"
	tail -n 40 "$dir/log" | sed 's/^/    /'
	bad=1
done
exit $bad
