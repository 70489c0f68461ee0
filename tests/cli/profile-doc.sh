#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast-profile(5) and the JSON Schema say what the parser does: the page's example is
# canonical text, its limits are those of bounds.h, and the schema refuses all bad profiles
# but those whose fault a schema cannot express.
set -u
: "${BUILD:?}" "${TOP:?}"
page=$TOP/src/man/elfcast-profile.5.scd
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP

result() { # name what-is-wrong
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "$2" | sed 's/^/    /'
	fi
}

sed -n '/^# EXAMPLE/,/^# FILES/p' "$page" | sed -n '/^```/,/^```/p' | grep -v '^```' >"$dir/example"
result "the man page's example is canonical" \
	"$("$BUILD/tests/profile-check" "$dir/example" 2>&1 | diff - "$dir/example")"

cat >"$dir/limits.c" <<'C'
#include <stdio.h>
#include "bounds.h"
int main(void)
{
	printf("1 \\.\\. %u\\.$\n1 \\.\\. %u:\n^:  %u bytes$\n^:  %u$\n^:  %u$\n^:  %u$\n^:  %u$\n^:  %u bytes$\n"
	       "1 to %u bytes:\n1 to %u bytes without\n^:  %u$\n^:  %u$\n1 to %u bytes without slash\n   %u bytes\\. Optional\n0 \\.\\. %u$\n0 \\.\\. %llu \n",
	       LIMIT_PROFILE_RUNS, LIMIT_WINDOW_MS, LIMIT_PROFILE_BYTES, LIMIT_JSON_DEPTH,
	       LIMIT_JSON_KEYS, LIMIT_PROFILE_OBJECTS, LIMIT_PROFILE_PAGE_RUNS,
	       LIMIT_EXTRA_BYTES, LIMIT_PATH_BYTES, LIMIT_NAME_BYTES, LIMIT_LOOKUP_DIRS,
	       LIMIT_LOOKUP_NAMES, LIMIT_FILE_NAME_BYTES, LIMIT_DIGEST_BYTES,
	       LIMIT_WHEN, (unsigned long long)LIMIT_FILE_BYTES);
	return 0;
}
C
${CC:-cc} -I"$TOP/src/format" -o "$dir/limits" "$dir/limits.c" && "$dir/limits" >"$dir/wanted"
result "the man page states every limit" "$([ -s "$dir/wanted" ] || echo "cannot compile"
	while read -r line; do
		grep -q -- "$line" "$page" || echo "not in the page: $line"
	done <"$dir/wanted")"

if ! python3 -W ignore -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
	echo "ok - JSON Schema # SKIP needs python3-jsonschema 4.0"
	exit 0
fi
cat >"$dir/schema.py" <<'PY'
import glob, json, os, sys
from jsonschema import Draft202012Validator

# What no schema can say, and numbers and strings that Python's reader takes.
beyond = """count-overflow-largest-file duplicate-key duplicate-key-escaped duplicate-key-in-object
duplicate-key-surrogates duplicate-unknown-key elfcast-1.0 equal-data-objects equal-objects
fingerprint-cut fingerprint-other-file high-surrogate-twice lone-high-surrogate lone-low-surrogate lookups-equal-directories
lookups-listed-above-trained lookups-of-no-run lookups-name-in-two-groups lookups-name-twice lookups-not-looked-at
lookups-runs-above-telling lookups-runs-above-trained lookups-unsorted nested-9 pages-equal-runs
pages-exponent pages-first-past-end pages-of-empty-file pages-overlap pages-past-end
pages-runs-above-trained pages-unsorted ran-damaged size-1.0 size-1e3 without-lookups-above-runs""".split()
top = sys.argv[1]
schema = json.load(open(top + "/profiles/elfcast-profile.schema.json"))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
def name(path):
    return os.path.basename(path)[:-5]
for path in sorted(glob.glob(top + "/tests/good/*.json")):
    for e in validator.iter_errors(json.load(open(path, encoding="utf-8"))):
        print("good/" + name(path) + ": " + e.message)
accepted = []
for path in sorted(glob.glob(top + "/tests/bad/*.json")):
    try:
        value = json.load(open(path, encoding="utf-8"))
    except ValueError:
        continue
    if validator.is_valid(value):
        accepted.append(name(path))
for n in sorted(set(accepted) ^ set(beyond)):
    print("bad/" + n + (": accepted" if n in accepted else ": refused, but listed here"))
PY
result "the schema agrees with the parser" "$(python3 -W ignore "$dir/schema.py" "$TOP" 2>&1)"
