#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast-shadow(5) has the offsets, sizes and limits of the source.
set -u
. "$(dirname "$0")/../lib.sh"
page=$TOP/src/man/elfcast-shadow.5.scd

# The rows of the four record tables: "OFFSET SIZE FIELD".
awk '/^\|  [0-9]+$/ { off = $2; n = 1; next }
	/^:  / && n == 1 { size = $2; n = 2; next }
	/^:  [a-z0-9_]+$/ && n == 2 && size ~ /^[0-9]+$/ { print off, size, $2 }
	{ n = 0 }' "$page" >"$TMP/documented"

cat >"$TMP/fields.c" <<'C'
#include <stddef.h>
#include <stdio.h>
#include "bounds.h"
#include "shadow-format.h"
#define F(type, field) \
	printf("%zu %zu %s\n", offsetof(struct type, field), sizeof(((struct type *)0)->field), #field)
int main(void)
{
FIELDS
	fprintf(stderr, "%zu\n%zu x\n%zu x\n%zu x\n%u bytes, a bundle %u, a pack\nat most %u\\.\n0 to %u,\nmost %llu\\.\n"
		"to %u bytes, is\n^to %u bytes\\.\n0 to %u\\. 0:\n^:  %u\\.$\nto %u bytes without\n",
		sizeof(struct shadow_header), sizeof(struct shadow_launch),
		sizeof(struct shadow_object), sizeof(struct shadow_extent), LIMIT_SHADOW_BYTES,
		LIMIT_BUNDLE_BYTES, LIMIT_PACK_BYTES, LIMIT_WHEN, (unsigned long long)LIMIT_FILE_BYTES,
		LIMIT_PATH_BYTES, LIMIT_NAME_BYTES, SHADOW_BUILDID_BYTES, SHADOW_VERSION,
		LIMIT_PROFILE_NAME_BYTES);
	return 0;
}
C
# Every field of the structs, so that a new one is missed in the page.
awk '/^struct / { type = $2 } /^}/ { type = "" }
	type && /^\t(le|uint)/ { sub(/;.*/, ""); sub(/\[.*/, ""); print "\tF(" type ", " $NF ");" }' \
	"$TOP/src/format/shadow-format.h" >"$TMP/list"
sed -i -e "/^FIELDS/{r $TMP/list" -e 'd}' "$TMP/fields.c"
${CC:-cc} -I"$TOP/src/base" -I"$TOP/src/format" -o "$TMP/fields" "$TMP/fields.c" &&
	"$TMP/fields" >"$TMP/real" 2>"$TMP/numbers"

check "there are fields to compare" test "$(wc -l <"$TMP/real")" -ge 30
same "the man page has every field" "$(cat "$TMP/real")" "$(cat "$TMP/documented")"
missing=$(while IFS= read -r line; do
	grep -q -- "$line" "$page" || echo "not in the page: $line"
done <"$TMP/numbers")
check "there are numbers to compare" test -s "$TMP/numbers"
same "the man page states every size and limit" "" "$missing"
finish
