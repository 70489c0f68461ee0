#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Writing one limit of a block device's queue sets another file back: read_ahead_kb. Whoever tunes both
# must write read_ahead_kb last, and read it back.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M
q=/sys/block/${device#/dev/}/queue
echo 512 >"$q/read_ahead_kb"
before=$(cat "$q/read_ahead_kb")
cat "$q/max_sectors_kb" >"$T/limit"
cat "$T/limit" >"$q/max_sectors_kb" # the value that it has already
seen "$(kernel), loop device" "read_ahead_kb 512, then max_sectors_kb written with its own value" \
	"read_ahead_kb 512, then not 512" \
	"read_ahead_kb $before, then $([ "$(cat "$q/read_ahead_kb")" = 512 ] && echo 512 || echo not 512)"
