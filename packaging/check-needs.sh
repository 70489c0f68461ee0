#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What building needs (CC, CPPFLAGS, PKG_CONFIG and SCDOC as make has them): nothing is said where all is there.
missing=

# needs DEBIAN FEDORA WHAT...
needs() {
	deb=$1 rpm=$2
	shift 2
	missing="$missing
  $*: package $deb of Debian, $rpm of Fedora"
}
has_tool() { command -v "$1" >/dev/null 2>&1; }
# shellcheck disable=SC2086 # several words
has_header() { printf '#include <%s>\n' "$1" | $CC $CPPFLAGS -E - >/dev/null 2>&1; }

# shellcheck disable=SC2086 # it may be "ccache gcc"
if ! has_tool ${CC%% *}; then
	needs gcc gcc "the compiler, '$CC'"
else
	has_header stdio.h || needs libc6-dev glibc-devel "the C library's headers"
	has_header gelf.h || needs libelf-dev elfutils-libelf-devel "libelf, <gelf.h>"
	has_header json.h || has_header json-c/json.h || needs libjson-c-dev json-c-devel "json-c, <json.h>"
	has_header xxhash.h || needs libxxhash-dev xxhash-devel "xxhash, <xxhash.h>"
	has_header zlib.h || needs zlib1g-dev zlib-devel "zlib, <zlib.h>"
fi
has_tool "$PKG_CONFIG" || needs pkg-config pkgconf-pkg-config "'$PKG_CONFIG'"
[ -z "$SCDOC" ] || has_tool "$SCDOC" || needs scdoc scdoc "'$SCDOC', for the manuals ('make SCDOC=' builds none)"
[ -n "$missing" ] || exit 0
echo "cannot build elfcast; missing:$missing" >&2
exit 1
