#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a script starts in the background ignores SIGINT, and hands that on to all that it executes. timeout(1) of GNU
# coreutils was the exception: its command began with the default. Since 9.10 it begins as timeout did, ignoring it:
# the same tests, run in the background of a script, then have no Ctrl-C, and a shell among them cannot trap it. Seen with 9.1 and 9.7
# (default), and 9.10 (ignored).
. "$(dirname "$(readlink -f "$0")")/lib.sh"
ignores() { # COMMAND...: whether grep, executed by it, ignores SIGINT
	local mask
	mask=$(trap '' INT && exec "$@" grep SigIgn /proc/self/status)
	[ $((0x${mask##*[[:space:]]} >> 1 & 1)) = 1 ] && echo ignored || echo default
}
version=$(timeout --version | sed -n '1s/.* //p')
expected=default
[ "$(printf '%s\n' 9.10 "$version" | sort -V | head -n 1)" != 9.10 ] || expected=ignored
seen "GNU coreutils $version" "SIGINT ignored, then env and timeout execute a program" \
	"env: ignored; timeout: $expected" "env: $(ignores env); timeout: $(ignores timeout 5)"
