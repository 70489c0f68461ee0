#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 15 s
# The build-id readers on what is installed here: they agree with each other on all
# programs, and with readelf on a sample.
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

# Only libelf looks at sections. Relocatable objects have nothing else, and some Go programs
# have a GNU build-id that no segment names.
in_segment() { # the section lies in a segment of type NOTE
	readelf -lW "$1" 2>/dev/null | awk '
		/^  Type / { headers = 1; next }
		headers && /^  [A-Z]/ { if ($1 == "NOTE") note[sprintf("%02d", i)] = 1; i++ }
		/^  Segment Sections/ { headers = 0; map = 1; next }
		map && ($1 in note) && /\.note\.gnu\.build-id/ { found = 1 }
		END { exit !found }'
}
n=0 same=0 sections=0 differ=0
while read -r small big path; do
	n=$((n + 1))
	if [ "$small" = "$big" ]; then
		[ ${#small} -lt 16 ] || same=$((same + 1))
	elif [ "$small" = -2 ] && [ ${#big} -ge 16 ] && ! in_segment "$path"; then
		sections=$((sections + 1))
	else
		echo "# $small $big $path"
		differ=$((differ + 1))
	fi
done <"$tmp"
echo "# note: $n files, $same with a build-id, $sections more in sections only"
[ $differ -eq 0 ] || printf 'not '
echo "ok - both readers agree"
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
