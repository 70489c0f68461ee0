#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 15 s
# sanitized: too
# A profile directory from hell: every bad profile at once, and things that are no profiles.
# Each is named with its reason, nothing is written for it, and the good ones still compile.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/usr/share/elfcast/profiles.d
S=$R/var/lib/elfcast/shadow
mkdir -p "$P" "$R/usr/bin"
cp "$TOP"/tests/bad/*.json "$P"
chmod 644 "$P"/*
n_bad=$(find "$P" -name '*.json' | wc -l)
for size in 0 1; do rm -f "$P/empty-$size.json"; done

elfcast compile --root="$R" --strict 2>"$TMP/err"
same "--strict: exit status 1" 1 $?
missing=0
for expect in "$TOP"/tests/bad/*.expect; do
	line="elfcast: warning: /usr/share/elfcast/profiles.d/$(head -n 1 "$expect")"
	grep -qxF -- "$line" "$TMP/err" || { missing=$((missing + 1)) && echo "# no line: $line"; }
done
same "each with its exact message" 0 $missing
same "one line each, and the summary" $((n_bad + 1)) "$(wc -l <"$TMP/err")"
same "nothing was written" "" "$(ls "$S" 2>/dev/null)"

make_elf "$R/usr/bin/one" one
profile "$P/good.one.json" /usr/bin/one "{ \"path\": \"/usr/bin/one\", \"build_id\":
	\"$(build_id_of "$R/usr/bin/one")\", \"size\": $(stat -c %s "$R/usr/bin/one"), \"pages\": [[0, 1, 1, 0]] }"
mkdir "$P/directory.json"
ln -s nowhere "$P/dangling.json"
ln -s good.one.json "$P/link.json"
ln -s /proc/self/mem "$P/magic.json"
mkfifo "$P/fifo.json"
cp "$P/good.one.json" "$P/writable.json" && chmod 666 "$P/writable.json"
truncate -s 1G "$P/huge.json"
cp "$P/good.one.json" "$P/"$'new\nline.json'
cp "$P/good.one.json" "$P/$(printf '%0230d' 0).json"
[ "$(id -u)" = 0 ] && cp "$P/good.one.json" "$P/stranger.json" && chown 12345 "$P/stranger.json"

timeout 20 elfcast compile --root="$R" 2>"$TMP/err"
same "without --strict: exit status 0, and no hang" 0 $?
same "the good one compiles" 1 "$(find "$S" -name '*.shadow' | wc -l)"
said() { check "$1: $2" grep -qF "profiles.d${1:+/$1}: $2" "$TMP/err"; }
said directory.json "is a directory"
said dangling.json "is a symbolic link"
said link.json "is a symbolic link"
said magic.json "is a symbolic link"
said fifo.json "is not a regular file with a plain name"
said writable.json "is not root's, or others may write it"
said huge.json "is larger than the limit (8388608 bytes)"
check "a newline in a name cannot forge a line" grep -qF 'profiles.d/new?line.json: is not' "$TMP/err"
check "too long a name" grep -qF '0.json: has a name longer than the limit (200 bytes)' "$TMP/err"
[ "$(id -u)" = 0 ] && said stranger.json "is not root's, or others may write it"

chmod 777 "$P"
elfcast compile --root="$R" 2>"$TMP/err"
same "a directory that others may write: nothing of it is read" 0 "$(find "$S" -name '*.shadow' | wc -l)"
check "and that is said" grep -qF '/usr/share/elfcast/profiles.d: is not root' "$TMP/err"
chmod 755 "$P"

# Objects from hell, in a profile that is one by its form.
profile "$P/objects.json" /usr/bin/one "{ \"path\": \"/proc/self/mem\", \"size\": 9, \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"/dev/zero\", \"size\": 9, \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"/sys/kernel/notes\", \"size\": 9, \"pages\": [[0, 1, 1, 0]] }"
sed -i 's/x86_64/s390x/' "$P/objects.json"
mkdir -p "$R/proc" "$R/dev"
[ "$(id -u)" = 0 ] && mknod "$R/dev/zero" c 1 5 2>/dev/null
timeout 20 elfcast compile --quiet --root="$R"
same "objects that are no files: exit status 0, and no hang" 0 $?
elfcast show --root="$R" --json "$S"/*objects.json.shadow >"$TMP/json"
check "none of them is usable" python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))[0]
assert d["usable_objects"] == 0 and len(d["objects"]) == 3, d' "$TMP/json"

# Many.
find "$P" -mindepth 1 -not -name good.one.json -delete
for i in $(seq 1000); do ln "$P/good.one.json" "$P/many.$i.json"; done
elfcast compile --root="$R" 2>"$TMP/err"
same "1001 profiles" 1001 "$(find "$S" -name '*.shadow' | wc -l)"
if [ -n "${SOAK:-}" ]; then # make soak: minutes on a slow disk
	# A hundred thousand and two; ext4 allows 65,000 links to a file.
	python3 - "$P" <<'EOF'
import os, shutil, sys
for i in range(100001):
    source = "%s/z%d.json" % (sys.argv[1], i // 50000 * 50000)
    if i % 50000 == 0:
        shutil.copy(sys.argv[1] + "/good.one.json", source)
    else:
        os.link(source, "%s/z%d.json" % (sys.argv[1], i))
EOF
	find "$P" -name 'many.*' -delete
	elfcast compile --root="$R" 2>"$TMP/err"
	same "100,002 profiles: exit status 0" 0 $?
	same "100,000 of them are compiled" 100000 "$(find "$S" -name '*.shadow' | wc -l)"
	said "" "more than 100000 profiles: the last ones are not read"
fi
finish
