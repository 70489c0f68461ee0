#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Every good profile compiles to the bytes that it compiled to when it was committed, and so
# does the profile that 'dump' makes of its shadow. After a deliberate change of the format:
# tests/cli/golden.sh --update, and raise SHADOW_VERSION.
. "$(dirname "$0")/../lib.sh"

cd "$TOP/tests/good" || exit 1
sums() {
	for f in *.json; do
		for how in valid mixed; do
			"$BUILD/tests/compile-good" "$f" $how >"$TMP/shadow" 2>"$TMP/err" ||
				{ echo "$f $how: $(cat "$TMP/err")" && continue; }
			echo "$f $how $(sha256sum <"$TMP/shadow" | cut -d' ' -f1)"
		done
	done
}
if [ "${1:-}" = --update ]; then
	sums >SHA256SUMS
	exit
fi
while read -r file how sum; do
	same "$file $how" "$sum" "$(awk -v f="$file" -v h="$how" '$1 == f && $2 == h { print $3 }' SHA256SUMS)"
done < <(sums)
same "as many as were committed" "$(wc -l <SHA256SUMS)" "$(sums | wc -l)"
finish
