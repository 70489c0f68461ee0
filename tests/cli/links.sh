#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Two links to one file have two profiles; who knows the file alone gets both.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/etc/elfcast/profiles.d
S=$R/var/lib/elfcast/shadow
mkdir -p "$P" "$R/usr/bin" "$R/usr/lib/box" "$R/etc/alternatives" "$R/usr/share/data"
make_elf "$R/usr/lib/box/box" box
make_elf "$R/usr/lib/box/other" other
make_elf "$R/usr/bin/plain" plain
for f in red green; do head -c 20000 /dev/zero >"$R/usr/share/data/$f"; done
ln -s ../lib/box/box "$R/usr/bin/red"
ln -s /etc/alternatives/green "$R/usr/bin/green"
ln -s /usr/lib/box/box "$R/etc/alternatives/green"
ln -s red "$R/usr/bin/blue" # without a profile

object() { # path
	printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0]] }' \
		"$1" "$(build_id_of "$R$1")" "$(stat -c %s "$R$1")"
}
data() { printf '{ "path": "/usr/share/data/%s", "size": 20000, "pages": [[0, 4, 1, 2]] }' "$1"; }
profile "$P/local.red.json" /usr/bin/red "$(object /usr/lib/box/box), $(data red)"
profile "$P/local.green.json" /usr/bin/green "$(object /usr/lib/box/box), $(data green)"
compile() { elfcast compile --root="$R" --storage=flash "$@" 2>"$TMP/err"; }
counts() { sed -n 's/^elfcast: [0-9]* profiles*: //p' "$TMP/err"; }
# read_for PROGRAM: the data files that are read ahead for it
read_for() {
	elfcast show --root="$R" --json "$1" 2>>"$TMP/err" |
		python3 -c 'import json, sys
def paths(x):
    if isinstance(x, dict):
        if str(x.get("path", "")).startswith("/usr/share/data/"): yield x["path"][16:]
        x = list(x.values())
    if isinstance(x, list):
        for y in x: yield from paths(y)
print(*sorted(set(paths(json.load(sys.stdin)))))'
}

status "compiles" 0 compile
same "both" "2 compiled, 0 unchanged, 0 bad; 0 shadows removed" "$(counts)"
same "a link has its own" red "$(read_for /usr/bin/red)"
same "through two links as well" green "$(read_for /usr/bin/green)"
same "one without: all of the file" "green red" "$(read_for /usr/bin/blue)"
same "and so the file itself" "green red" "$(read_for /usr/lib/box/box)"
same "by another path of its directory" red "$(ln -s bin "$R/usr/sbin" && read_for /usr/sbin/red)"
same "their names name the same file" 1 "$(find "$S" -name '*.shadow' -printf '%f\n' | cut -d . -f 1 | sort -u | wc -l)"
same "a link is dumped as what it is" '"program": "/usr/bin/green",' \
	"$(elfcast dump --root="$R" /usr/bin/green | grep '"program"' | xargs -d '\n' | sed 's/^[ \t]*//')"
same "status tells of links" "/usr/bin/green /usr/bin/red" \
	"$(elfcast status --root="$R" --json | python3 -c 'import json,sys; print(*[p["program"] for p in json.load(sys.stdin)["programs"]])')"
same "elfcastd, which sees files, has both under one" "2 /usr/lib/box/box" "$(python3 - "$R/var/lib/elfcast/exec.bundle" <<'PY'
import struct, sys
b = open(sys.argv[1], "rb").read()
n, objects, extents, strings = struct.unpack_from("<4I", b, 32)
text = b[len(b) - strings:]
print(n, *{text[o:text.index(b"\0", o)].decode() for o in (struct.unpack_from("<I", b, 64 + 32 * i)[0] for i in range(n))})
PY
)"

compile
same "nothing to do" "0 compiled, 2 unchanged, 0 bad; 0 shadows removed" "$(counts)"
# An alternative is chosen anew: what the index says of links is looked at.
ln -sfn /usr/lib/box/other "$R/etc/alternatives/green"
compile
same "a link on the way changes" "1 compiled, 1 unchanged, 0 bad; 1 shadow removed" "$(counts)"
same "its file is the other one now" green "$(read_for /usr/lib/box/other)"
same "and not of the old one any more" red "$(read_for /usr/lib/box/box)"
before=$(cd "$R/var/lib/elfcast" && find . -type f ! -name lock -exec sha256sum {} + | sort -k 2)
compile --force
same "as --force finds it" "$before" "$(cd "$R/var/lib/elfcast" && find . -type f ! -name lock -exec sha256sum {} + | sort -k 2)"
rm "$R/usr/bin/green"
compile
same "a link that is gone" "1 compiled, 1 unchanged, 0 bad; 1 shadow removed" "$(counts)"
ln -s /etc/alternatives/green "$R/usr/bin/green"
compile
same "and comes back" green "$(read_for /usr/lib/box/other)"

# Links that lead nowhere, in circles and out of the root hurt nobody.
ln -sfn green "$R/etc/alternatives/green" && ln -sfn ../../etc/alternatives/green "$R/usr/bin/green"
status "a circle" 0 compile
ln -sfn ../../../../../../../../../../usr/lib/box/./box "$R/usr/bin/green"
status "more .. than directories" 0 compile
same "stays below the root" "green red" "$(read_for /usr/lib/box/box)"
ln -sfn "$(printf 'x%.0s' {1..4000})" "$R/usr/bin/green"
status "a name that cannot be" 0 compile
profile "$P/local.plain.json" /usr/bin/plain "$(object /usr/bin/plain)"
status "no link at all" 0 compile
check "is found" elfcast show --root="$R" /usr/bin/plain
# The profile of the file itself, beside those of links.
ln -sfn ../lib/box/box "$R/usr/bin/green"
profile "$P/local.box.json" /usr/lib/box/box "$(object /usr/lib/box/box)"
compile
same "of the file, its own" "" "$(read_for /usr/lib/box/box)"
same "of a link, its own still" red "$(read_for /usr/bin/red)"
same "of another, all" "green red" "$(read_for /usr/bin/blue)"
finish
