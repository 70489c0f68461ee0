#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whether "elfcast retarget" tells builds of a program from other programs: not part of make check.
#   tests/bench-kin.sh ROOT... [-- PROFILE...]
# Each object of the profiles (default: the collection's) is held against the files below the roots:
# the one of its name in other builds, and others by lot, those of about its size eight times as
# often (ONE_OF=400 of all). Prints how many of each were taken, how sure it was of their pages, and
# which others were taken: first in how many pairs, then what was trained, and the file.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
roots=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	roots+=("$1")
	shift
done
[ ${#roots[@]} -gt 0 ] || {
	echo "usage: ${0##*/} ROOT... [-- PROFILE...]" >&2
	exit 1
}
[ $# -gt 1 ] && shift || set -- "$TOP"/profiles/collection/*.json
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# Fingerprints of packaged profiles are with the evidence.
mkdir "$work/profiles"
python3 - "$work/profiles" "$TOP"/profiles/evidence/*.json -- "$@" <<'EOF' || exit 1
import json, sys
end = sys.argv.index("--")
known = {}
for path in sys.argv[2:end]:
    with open(path) as f:
        known.update((o["build_id"], o["fingerprint"]) for o in json.load(f)["objects"] if "fingerprint" in o)
for i, path in enumerate(sys.argv[end + 1:]):
    with open(path) as f:
        profile = json.load(f)
    for o in profile["objects"]:
        if o.get("build_id") in known:
            o.setdefault("fingerprint", known[o["build_id"]])
    with open("%s/%04d.json" % (sys.argv[1], i), "w") as f:
        json.dump(profile, f)
EOF
for root in "${roots[@]}"; do
	find "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" -xdev -type f -size +8k
done | sort | nice "$BUILD/tests/retarget-kin" "${ONE_OF:-400}" "$work"/profiles/*.json >"$work/pairs" || exit 1
sort -t $'\t' -k 6,6n "$work/pairs" | awk -F'\t' '
	function quantile(kind, q) { return n[kind] ? sure[kind, int(q * (n[kind] - 1)) + 1] : "-" }
	{ all[$1]++; pages[$1] += $4 }
	$7 == "kin" && $5 > 0 { sure[$1, ++n[$1]] = $6 }
	$7 == "foreign" { foreign[$1]++; lost[$1] += $4 }
	END {
		printf "%-6s %8s %8s %7s %9s   %s\n", "name", "pairs", "foreign", "percent", "of pages",
			"confidence of those taken: least, 5 %, 50 %, 95 %, most"
		for (kind in all)
			printf "%-6s %8d %8d %7.2f %9.2f   %s %s %s %s %s\n", kind, all[kind], foreign[kind],
				100 * foreign[kind] / all[kind], 100 * lost[kind] / pages[kind],
				quantile(kind, 0), quantile(kind, .05), quantile(kind, .5), quantile(kind, .95),
				quantile(kind, 1)
	}'
echo
echo "same name, foreign:"
awk -F'\t' '$1 == "same" && $7 == "foreign" { print $2, $3 }' "$work/pairs" | sort | uniq -c
echo "other name, taken:"
awk -F'\t' '$1 == "other" && $7 == "kin" && $5 > 0 { print $2, $3 }' "$work/pairs" | sort | uniq -c
