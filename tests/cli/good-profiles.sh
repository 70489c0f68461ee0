#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Every form that show has, of each profile that is good, and of those that we ship: what is
# drawn is what the profile says.
. "$(dirname "$0")/../lib.sh"

mkdir "$TMP/root"
failed='' wrong='' n=0
# The shipped ones are many, and alike.
mapfile -t shipped < <(printf '%s\n' "$TOP"/profiles/collection/*.json | sort | sed -n '1~20p')
for f in "$TOP"/tests/good/*.json "${shipped[@]}"; do
	n=$((n + 1))
	for form in "" --json --map "--html=$TMP/page.html"; do
		# shellcheck disable=SC2086
		elfcast show $form --root="$TMP/root" "$f" >"$TMP/out${form%%=*}" 2>"$TMP/err" && [ ! -s "$TMP/err" ] ||
			failed+=" ${f##*/}:$form"
	done
	python3 - "$f" "$TMP/out--json" "$TMP/page.html" <<'END' || wrong+=" ${f##*/}"
import json, re, sys
profile = json.load(open(sys.argv[1]))
said = json.load(open(sys.argv[2]))[0]
page = re.search(r'id="data">(.*?)</script>', open(sys.argv[3]).read(), re.S)[1]
drawn = json.loads(page)[0]
wanted = [[[first, n, runs] for first, n, runs, when in o["pages"]] for o in profile["objects"] if o["pages"]]
got = [[[first, n, runs] for first, n, ms, runs in o["runs"]] for o in drawn["objects"]]
n_pages = sum(n for o in got for first, n, runs in o)
sys.exit(not (sorted(got) == sorted(wanted) and drawn["pages"] == said["pages"] == n_pages))
END
done
same "show, --json, --map and --html of $n profiles" "" "$failed"
same "what the page draws is what they say" "" "$wrong"
check "of all that are good" test $n -ge 5
finish
