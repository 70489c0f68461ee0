#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make says what is missing before it builds anything, and installs no empty manual.
. "$(dirname "$0")/../lib.sh"

build() { make -s -C "$TOP" BUILD="$TMP/build" "$@" all >"$TMP/out" 2>"$TMP/err"; }
# misses NAME LINE WHAT...: make WHAT fails with that line, and nothing is compiled
misses() {
	local name=$1 line=$2
	shift 2
	build "$@"
	check "$name: make fails" test $? -ne 0
	check "$name: says what is missing, and its packages" grep -qxF "  $line" "$TMP/err"
	same "$name: and built nothing" "" "$(find "$TMP/build" -type f -name '*.[o1-8]')"
}
misses "no scdoc" "'no-scdoc', for the manuals ('make SCDOC=' builds none): package scdoc of Debian, scdoc of Fedora" SCDOC=no-scdoc
misses "no pkg-config" "'no-such': package pkg-config of Debian, pkgconf-pkg-config of Fedora" PKG_CONFIG=no-such
misses "no compiler" "the compiler, 'no-cc -x': package gcc of Debian, gcc of Fedora" CC="no-cc -x"
without() { printf '#!/bin/sh\n! grep -q "<%s>"\n' "$1" >"$TMP/cc" && chmod 755 "$TMP/cc"; }
for lib in "gelf.h libelf, <gelf.h>: package libelf-dev of Debian, elfutils-libelf-devel of Fedora" \
	"xxhash.h xxhash, <xxhash.h>: package libxxhash-dev of Debian, xxhash-devel of Fedora" \
	"zlib.h zlib, <zlib.h>: package zlib1g-dev of Debian, zlib-devel of Fedora"; do
	without "${lib%% *}"
	misses "no ${lib%% *}" "${lib#* }" CC="$TMP/cc"
done
printf '#!/bin/sh\n! grep -q "json.h>"\n' >"$TMP/cc"
misses "no json.h" "json-c, <json.h>: package libjson-c-dev of Debian, json-c-devel of Fedora" CC="$TMP/cc"

# One that is there, and fails: no manual, rather than half a one.
printf '#!/bin/sh\necho .TH half\nexit 1\n' >"$TMP/scdoc" && chmod 755 "$TMP/scdoc"
make -s -C "$TOP" BUILD="$TMP/build" SCDOC="$TMP/scdoc" "$TMP/build/man/elfcast.1" >"$TMP/out" 2>"$TMP/err"
check "scdoc fails: so does make" test $? -ne 0
check "and there is no manual" test ! -e "$TMP/build/man/elfcast.1"
same "without manuals, where somebody says so" "" "$(make -s -C "$TOP" BUILD="$TMP/build" SCDOC= -n all 2>/dev/null | grep scdoc)"
finish
