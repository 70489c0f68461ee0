#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How long the hook holds a transaction: medians over ROUNDS (15), everything warm, in a root
# with N profiles that name 6 N objects, 20 of them shared by most.
# Usage: tests/bench-hook.sh [N...]; default 50 500
. "$(dirname "$0")/lib.sh"

ROUNDS=${ROUNDS:-15}
[ "$(id -u)" = 0 ] || { echo "bench-hook.sh needs root" >&2; exit 1; }
make -s -C "$TOP" all test-programs >/dev/null || exit 1

make_root() { # N
	R=$TMP/root-$1
	mkdir -p "$R/usr/share/elfcast/profiles.d" "$R/usr/lib/objects" "$R/hook"
	make_elf "$TMP/template" template
	cp "$BUILD/elfcast-hook" /bin/true "$R/hook/"
	ldd "$BUILD/elfcast-hook" | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r lib; do
		mkdir -p "$R/${lib%/*}" && cp -L "$lib" "$R/$lib"
	done
	python3 - "$R" "$1" "$TMP/template" "$(build_id_of "$TMP/template")" <<'EOF'
import json, os, random, shutil, sys
root, n, template, build_id = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
random.seed(1)
objects = ["/usr/lib/objects/lib%05d.so" % i for i in range(6 * n)]
for o in objects:
    shutil.copy(template, root + o)
size = os.path.getsize(template)
for i in range(n):
    names = set(random.sample(objects[:50], 20)) | set(objects[6 * i:6 * i + 6])
    profile = {"elfcast": 1, "program": "/usr/bin/p%d" % i, "arch": "x86_64",
               "trained": {"runs": 5, "window_ms": 4000, "method": "uffd", "kernel": "6"},
               "objects": [{"path": o, "build_id": build_id, "size": size,
                            "pages": [[0, 1, 5, 1], [2, 1, 4, 7]]} for o in sorted(names)]}
    with open("%s/usr/share/elfcast/profiles.d/v.p%d.json" % (root, i), "w") as f:
        json.dump(profile, f)
EOF
}

# median of ROUNDS: prepare-command, then the hook timed; standard input from $INPUT
timed() { # label prepare
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		eval "$2"
		python3 - "$BUILD/tests/in-root" "$R" "${INPUT:-/dev/null}" "${PROGRAM:-elfcast-hook}" <<'EOF'
import subprocess, sys, time
data = open(sys.argv[3], "rb").read() if sys.argv[3] != "/dev/null" else None
t = time.monotonic()
p = subprocess.Popen([sys.argv[1], sys.argv[2], "/hook/" + sys.argv[4]], stdin=subprocess.PIPE)
p.communicate(data)
print("%.2f" % ((time.monotonic() - t) * 1000))
EOF
	done | sort -n | awk -v l="$1" -v n="$N" '{ v[NR] = $1 } END {
		printf "%8d  %-42s %8.1f ms  (%.1f-%.1f)\n", n, l, v[int((NR + 1) / 2)], v[1], v[NR] }'
}

echo "profiles  what the hook finds                          median     (min-max)"
[ $# -gt 0 ] || set -- 50 500
for N; do
	make_root "$N"
	seq -f '/usr/lib/some/path/%06.0f' 200000 >"$TMP/paths"
	PROGRAM=true timed "(an empty program started the same way)" ':'
	# Not removed: ext4 without a journal passes over each inode that was freed of late, a quarter of the time then.
	timed "first compile of all" '[ ! -e "$R/var" ] || mv "$R/var" "$(mktemp -d "$TMP/gone-XXXXXX")"'
	timed "nothing to do" ':'
	INPUT=$TMP/paths timed "nothing to do, 200,000 paths on stdin" ':'
	timed "one object replaced" 'cp "$TMP/template" "$R/usr/lib/objects/new" && mv "$R/usr/lib/objects/new" "$R/usr/lib/objects/lib00299.so"'
	timed "one profile touched" 'touch "$R/usr/share/elfcast/profiles.d/v.p7.json"'
done
