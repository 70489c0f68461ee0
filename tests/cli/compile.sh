#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# compile on a fake root: what it writes, what it leaves alone, what it repairs.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/usr/share/elfcast/profiles.d
S=$R/var/lib/elfcast/shadow
mkdir -p "$P" "$R/usr/bin" "$R/usr/share/data" "$R/etc/elfcast/profiles.d"
make_elf "$R/usr/bin/one" one
make_elf "$R/usr/bin/two" two
head -c 10000 /dev/zero >"$R/usr/share/data/table"

object() { # path
	printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0], [2, 1, 1, 3]] }' \
		"$1" "$(build_id_of "$R$1")" "$(stat -c %s "$R$1")"
}
data() { printf '{ "path": "%s", "size": %s, "pages": [[0, 1, 1, 2]] }' "$1" "$2"; }
compile() { elfcast compile --root="$R" --storage=flash "$@" 2>"$TMP/err"; }
state() { (cd "$R/var/lib/elfcast" && find . -type f ! -name lock -exec sha256sum {} + | sort -k 2); }
fresh() { # the bytes that a compile without any state gives
	mv "$R/var" "$TMP/saved"
	elfcast compile --quiet --root="$R" --storage=flash
	shadows
	rm -rf "${R:?}/var"
	mv "$TMP/saved" "$R/var"
}
shadows() { (cd "$S" && sha256sum -- * ../boot.pack 2>/dev/null); }

profile "$P/test.one.json" /usr/bin/one "$(object /usr/bin/one), $(data /usr/share/data/table 10000)"
profile "$P/test.two.json" /usr/bin/two "$(object /usr/bin/two)"

status "compiles" 0 compile
same "says what it did" "elfcast: 2 profiles: 2 compiled, 0 unchanged, 0 bad; 0 shadows removed" "$(cat "$TMP/err")"
same "two shadows" 2 "$(find "$S" -name '*.shadow' | wc -l)"

before=$(state) stamps=$(stat -c '%n %i %y %z' "$S"/* "$R"/var/lib/elfcast/{index,boot.pack})
status "again" 0 compile
same "nothing to do" "elfcast: 2 profiles: 0 compiled, 2 unchanged, 0 bad; 0 shadows removed" "$(cat "$TMP/err")"
same "and nothing written" "$stamps" "$(stat -c '%n %i %y %z' "$S"/* "$R"/var/lib/elfcast/{index,boot.pack})"
same "--force gives the same bytes" "$before" "$(compile --force && state)"

reads=$(strace -f -e trace=openat,openat2,open -o "$TMP/trace" elfcast compile --quiet --root="$R" \
	--storage=flash 2>/dev/null; grep -cE 'test\.(one|two)\.json"|/usr/bin/(one|two)"' "$TMP/trace")
if [ -s "$TMP/trace" ] && [ -z "$ELFCAST_SANITIZED" ]; then
	same "unchanged: no profile and no object is opened" 0 "$reads"
else
	skip "unchanged: no profile and no object is opened" "no strace, or sanitizers"
fi

# One thing after the other changes; each time the result is that of a fresh compile.
converges() { # name expected-counts
	compile
	same "$1: counts" "$2" "$(sed -n 's/^elfcast: [0-9]* profiles*: //p' "$TMP/err")"
	same "$1: same bytes as a fresh compile" "$(fresh)" "$(shadows)"
	same "$1: and what is carried over in the index is what --force finds" "$(state)" \
		"$(compile --force && state)"
}
make_elf "$R/usr/bin/one" rebuilt
converges "program rebuilt" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
head -c 10001 /dev/zero >"$R/usr/share/data/table"
converges "data file of another size" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
rm "$R/usr/bin/two"
converges "program gone" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
mkdir "$R/usr/bin/two"
converges "a directory in its place" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
rmdir "$R/usr/bin/two"
ln -s one "$R/usr/bin/two"
converges "a link in its place" "1 compiled, 1 unchanged, 0 bad; 1 shadow removed"
rm "$R/usr/bin/two"
mkfifo "$R/usr/bin/two"
converges "a FIFO in its place" "1 compiled, 1 unchanged, 0 bad; 1 shadow removed"
rm "$R/usr/bin/two"
make_elf "$R/usr/bin/two" two
converges "program back" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
mv "$R/usr/bin" "$R/usr/moved" && ln -s moved "$R/usr/bin"
converges "its directory is a link now" "2 compiled, 0 unchanged, 0 bad; 2 shadows removed"
rm "$R/usr/bin" && mv "$R/usr/moved" "$R/usr/bin"
converges "and a directory again" "2 compiled, 0 unchanged, 0 bad; 2 shadows removed"
sed -i 's/\[0, 1, 1, 0\]/[0, 1, 1, 2]/' "$P/test.two.json"
converges "profile changed" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
# The clock was set back: what is new looks old.
sed -i 's/\[0, 1, 1, 2\]/[0, 1, 1, 1]/' "$P/test.two.json"
touch -d '2001-01-01' "$P/test.two.json"
converges "profile changed, with a time of long ago" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
make_elf "$R/usr/bin/two" older
touch -d '2001-01-01' "$R/usr/bin/two"
converges "program replaced, with a time of long ago" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
touch -d '2040-01-01' "$S"/* "$R/var/lib/elfcast/index"
converges "our own files are from the future" "0 compiled, 2 unchanged, 0 bad; 0 shadows removed"
cp "$P/test.two.json" "$R/etc/elfcast/profiles.d/"
converges "overridden in /etc by the same text" "0 compiled, 2 unchanged, 0 bad; 0 shadows removed"
ln -sf /dev/null "$R/etc/elfcast/profiles.d/test.two.json"
converges "masked" "0 compiled, 1 unchanged, 0 bad; 1 shadow removed"
rm "$R/etc/elfcast/profiles.d/test.two.json"
converges "unmasked" "1 compiled, 1 unchanged, 0 bad; 0 shadows removed"
rm "$P/test.one.json"
converges "profile gone" "0 compiled, 1 unchanged, 0 bad; 1 shadow removed"

# What did not change costs a stat, however much of it there is (but the pack is made of all).
cp "$P/test.two.json" "$TMP/two.json"
for i in 1 2 3; do
	sed "s/\"default\"/\"s$i\"/" "$TMP/two.json" >"$P/test.more$i.json"
	make_elf "$R/usr/bin/own$i" "own$i"
	profile "$P/test.own$i.json" "/usr/bin/own$i" "$(object "/usr/bin/own$i"), $(object /usr/bin/two)"
done
converges "six more profiles" "6 compiled, 1 unchanged, 0 bad; 0 shadows removed"
printf 'Boot=no\nExecReadAhead=no\n' >"$R/etc/elfcast/elfcast.conf"
compile
make_elf "$R/usr/bin/own2" rebuilt
strace -f -e trace=openat,openat2,open -o "$TMP/trace" elfcast compile --quiet --root="$R" \
	--storage=flash 2>/dev/null
if [ -s "$TMP/trace" ] && [ -z "$ELFCAST_SANITIZED" ]; then
	same "one of seven changed: of the profiles and shadows only its own are opened" "test.own2.json" \
		"$(grep -oE 'test\.[a-z0-9]+\.json(\.shadow)?"' "$TMP/trace" | sed 's/\.shadow//; s/"//' | sort -u)"
else
	skip "one of seven changed: only its own files are opened" "no strace, or sanitizers"
fi
rm "$R/etc/elfcast/elfcast.conf"
converges "all of it" "0 compiled, 7 unchanged, 0 bad; 0 shadows removed"
rm "$P"/test.more?.json "$P"/test.own?.json "$R"/usr/bin/own?
converges "six profiles gone" "0 compiled, 1 unchanged, 0 bad; 6 shadows removed"

# More profiles than there may be open files.
for ((i = 0; i < 60; i++)); do
	sed "s/\"default\"/\"many$i\"/" "$TMP/two.json" >"$P/test.many$i.json"
done
(ulimit -n 48 && exec elfcast compile --root="$R" --storage=flash) >"$TMP/out" 2>&1
same "sixty profiles with forty-eight descriptors" "60 compiled, 1 unchanged, 0 bad; 0 shadows removed" \
	"$(grep -o '[0-9]* compiled.*removed' "$TMP/out")"
rm "$P"/test.many*.json
converges "sixty profiles gone" "0 compiled, 1 unchanged, 0 bad; 60 shadows removed"

# Damage of our own state.
f=$(find "$S" -name '*two*')
printf x | dd of="$f" bs=1 seek=100 conv=notrunc status=none
converges "shadow damaged" "1 compiled, 0 unchanged, 0 bad; 0 shadows removed"
rm "$f"
converges "shadow deleted" "1 compiled, 0 unchanged, 0 bad; 0 shadows removed"
truncate -s 20 "$R/var/lib/elfcast/index"
converges "index damaged" "0 compiled, 1 unchanged, 0 bad; 0 shadows removed"
touch "$S/stranger"
converges "a file that is not ours in the directory" "0 compiled, 1 unchanged, 0 bad; 1 shadow removed"

# Bad profiles beside good ones.
echo '{ "elfcast": 1, }' >"$P/test.bad.json"
status "a bad profile is a warning" 0 compile
check "that names file, line and column" \
	grep -qE '^elfcast: warning: /usr/share/elfcast/profiles.d/test.bad.json:1:[0-9]+: ' "$TMP/err"
status "--strict makes it an error" 1 compile --strict
elfcast compile --root="$R" --storage=flash --json >"$TMP/json" 2>/dev/null
check "--json is JSON" python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); assert d["bad"]==1 and d["problems"][0]["line"]==1, d' "$TMP/json"
rm "$P/test.bad.json"

status "--usr" 0 compile --usr
check "writes below /usr" test -n "$(ls "$R/usr/lib/elfcast/shadow")"

status "unknown storage class" 2 elfcast compile --storage=tape
same "and says so" "elfcast: compile: unknown storage class 'tape'" "$(head -n 1 "$TMP/err")"
status "argument too many" 2 elfcast compile x
status "no such root" 1 elfcast compile --root="$TMP/none"
same "in one line" "elfcast: cannot open root '$TMP/none': No such file or directory" "$(cat "$TMP/err")"
status "help" 0 elfcast compile --help
check "on standard output" grep -q 'Usage: elfcast compile' "$TMP/out"
finish
