#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How long the pack takes: medians over ROUNDS (9), everything warm, in roots with N programs,
# 6 N files and some 600 N pages. "One profile changed" is what a package's hook does, "only
# ranked" what the unit at boot does.
# Usage: tests/bench-pack.sh [N...]; default 50 500 5000
. "$(dirname "$0")/lib.sh"

ROUNDS=${ROUNDS:-9}
make -s -C "$TOP" all >/dev/null || exit 1

timed() { # label prepare command...
	local label=$1 prepare=$2 i
	shift 2
	for ((i = 0; i < ROUNDS; i++)); do
		eval "$prepare"
		python3 - "$@" <<'EOF'
import resource, subprocess, sys, time
t = time.monotonic()
subprocess.run(sys.argv[1:], check=True)
ms = (time.monotonic() - t) * 1000
print("%.1f %d" % (ms, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
EOF
	done | sort -n | awk -v l="$label" -v n="$N" '{ v[NR] = $1; if ($2 > m) m = $2 } END {
		printf "%8d  %-34s %9.1f ms  (%.1f-%.1f)  %5d MiB\n", n, l, v[int((NR + 1) / 2)],
			v[1], v[NR], m / 1024 }'
}

echo "programs  what compile does                     median     (min-max)          RSS"
[ $# -gt 0 ] || set -- 50 500 5000
for N; do
	R=$TMP/root-$N
	mkdir -p "$R/etc/elfcast"
	python3 "$TOP/tests/helpers/pack-root.py" "$R" "$N"
	for setup in BootBudget=64G Boot=no; do
		printf '%s\nBootTime=0\n' "$setup" >"$R/etc/elfcast/elfcast.conf"
		compile=(elfcast compile --quiet --root="$R" --storage=network)
		"${compile[@]}"
		[ $setup = Boot=no ] || elfcast show "$R/var/lib/elfcast/boot.pack" | head -n 1 | sed "s/^/# /"
		change='sed -i "s/\[\[[0-9]*,/[[$((i % 2)),/" "$R/usr/share/elfcast/profiles.d/v.p00007.json"'
		timed "one profile changed ($setup)" "$change" "${compile[@]}"
		timed "only ranked ($setup)" : "${compile[@]}"
	done
	rm -rf "$R"
done
