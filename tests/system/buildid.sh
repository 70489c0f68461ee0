#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 15 s
# The build-id reader on what is installed here: as libelf says for all programs, as readelf for a
# sample.
set -u

tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
trap 'exit 1' INT TERM

find /usr/bin/ /usr/lib/ -xdev -type f \( -perm -u=x -o -name '*.so*' -o -name '*.ko' -o -name '*.o' \) \
	-print0 2>/dev/null | head -z -n 4000 | xargs -0 "$BUILD/tests/buildids" >"$tmp" ||
	echo "not ok - the helper failed"

if ! command -v readelf >/dev/null; then
	echo "ok - build-ids of installed files # SKIP no readelf"
	exit 0
fi

n=0 same=0 differ=0
while read -r small big path; do
	n=$((n + 1))
	if [ "$small" = "$big" ]; then
		[ ${#small} -lt 16 ] || same=$((same + 1))
	else
		echo "# $small $big $path"
		differ=$((differ + 1))
	fi
done <"$tmp"
echo "# note: $n files, $same with a build-id"
[ $differ -eq 0 ] || printf 'not '
echo "ok - it is as libelf says"
[ $same -gt 50 ] || printf 'not '
echo "ok - there was something to compare"

n=0 bad=0
while read -r id _ path; do
	n=$((n + 1))
	want=$(readelf -n "$path" 2>/dev/null | sed -n 's/^ *Build ID: //p' | head -n 1)
	if [ "$want" != "$id" ]; then
		echo "# $path: '$id', readelf says '$want'"
		bad=$((bad + 1))
	fi
done < <(awk 'length($1) >= 16' "$tmp" | awk 'NR % 37 == 1' | head -n 60)
if [ $bad -eq 0 ] && [ $n -gt 0 ]; then
	echo "ok - readelf agrees on $n files"
else
	echo "not ok - readelf agrees on $n files: $bad differ"
fi
