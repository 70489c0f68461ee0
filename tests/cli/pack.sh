#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 15 s
# sanitized: too
# The pack for boot, on a fake root: what gets in, in which order, what repairs it, and what
# status and show say of it.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/usr/share/elfcast/profiles.d
S=$R/var/lib/elfcast/shadow
V=$R/var/lib/elfcast
C=$R/etc/elfcast/elfcast.conf
mkdir -p "$P" "$R/usr/bin" "$R/usr/lib" "$R/etc/elfcast"

# program NAME PAGES: reads PAGES of its own file, and pages 0-7 of the library
library() {
	make_elf "$R/usr/lib/libc" libc
	truncate -s 1M "$R/usr/lib/libc"
}
library
object() { # path first count when
	printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[%s, %s, 1, %s]] }' \
		"$1" "$(build_id_of "$R$1")" "$(stat -c %s "$R$1")" "$2" "$3" "$4"
}
program() { # name pages
	make_elf "$R/usr/bin/$1" "$1"
	truncate -s 1M "$R/usr/bin/$1"
	profile "$P/v.$1.json" "/usr/bin/$1" "$(object "/usr/bin/$1" 0 "$2" 1), $(object /usr/lib/libc 0 8 0)"
}
compile() { elfcast compile --root="$R" --storage=flash "$@" 2>"$TMP/err"; }
query() { # PYTHON-EXPRESSION of d, the answer of status --pack --json
	elfcast status --pack --json --root="$R" 2>/dev/null |
		python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}
state() { query 'd["pack"]'; }
# "git+9 vi: over-budget": programs by rank with new pages, then the others with the reason
choice() {
	query '" ".join(l["program"][9:] + ("+%d" % l["new_pages"] if l["verdict"] == "taken"
		else ": " + l["verdict"]) for l in d["launches"])'
}
# packed: what the file says, "git+9": the same
packed() {
	elfcast show --json "$V/boot.pack" | python3 -c 'import json, sys; print(" ".join(
		"%s+%d" % (l["program"][9:], l["pages"]) for l in json.load(sys.stdin)[0]["launches"]))'
}
# counts "NAME N"...: as if they had been launched so often, in order of the names
counts() {
	printf 'elfcast-launches 2 1767300000 -\n' >"$V/launches"
	printf '%s\n' "$@" | while read -r name n; do
		printf '%s.000000 1767299999 0 /usr/bin/%s\n' "$n" "$name"
	done >>"$V/launches"
	printf 'end %s\n' $# >>"$V/launches"
}

status "no profiles" 0 compile
check "no pack" test ! -e "$V/boot.pack"
same "and that is as it should be" current "$(state)"
program a 4
program b 4
program c 40
same "before compile" current "$(state)" # there are no shadows yet
compile
# 4 pages save as much as 8, and opening the file as much again: a and b come before c.
same "by saving per byte, the library once" "a+12 b+4 c+40" "$(choice)"
same "the pack holds the same" "a+12 b+4 c+40" "$(packed)"
same "it is current" current "$(state)"
check "twice compiled, not written twice" test "$(compile --json | grep -c '"written": *true')" = 0

# Launches.
before=$(sha256sum "$V/boot.pack")
counts "b 5" "c 40"
same "ranked by launches" "c+48 b+4 a+4" "$(choice)"
same "the pack knows nothing of it yet" "out of date" "$(state)"
same "and status changes nothing" "$before" "$(sha256sum "$V/boot.pack")"
compile
same "compile does" "c+48 b+4 a+4" "$(packed)"
same "then it is current" current "$(state)"
echo torn >"$V/launches"
compile
same "launches that cannot be read: all are equal" "a+12 b+4 c+40" "$(packed)"
rm "$V/launches"

# Settings.
printf 'BootBudget=64K\nNever=a\n' >"$C"
compile
same "budget and never" "b+12 c: over-budget a: never" "$(choice)"
same "so it is" "b+12" "$(packed)"
printf 'Always=/usr/bin/c\n' >"$C"
compile
same "always" "c+48 a+4 b+4" "$(packed)"
printf 'BootTime=3ms\n' >"$C"
compile
same "time" "a+12 b+4 c: over-time" "$(choice)"
printf 'Boot=yes\nBootBudgte=1M\nNever=c\n' >"$C"
status "a bad line" 0 compile
same "is a warning with its place" \
	"elfcast: warning: /etc/elfcast/elfcast.conf:2:1: unknown key 'BootBudgte'" \
	"$(head -n 1 "$TMP/err")"
same "and the others count" "a+12 b+4" "$(packed)"
status "--strict makes it an error" 1 compile --strict
chmod o+w "$C"
compile
same "a file that others may write does not count" "a+12 b+4 c+40" "$(packed)"
same "and that is said" \
	"elfcast: warning: /etc/elfcast/elfcast.conf: not root's, or others may write it: ignored" \
	"$(head -n 1 "$TMP/err")"
chmod o-w "$C"
for off in Boot=no BootBudget=0; do
	echo "$off" >"$C"
	compile
	check "$off: no pack" test ! -e "$V/boot.pack"
	same "$off: as it should be" current "$(state)"
	same "$off: status says so" "elfcast: reading at boot is switched off in /etc/elfcast/elfcast.conf" \
		"$(elfcast status --pack --root="$R" 2>&1 >/dev/null | tail -n 1)"
done
echo Storage=rotational >"$C"
elfcast compile --quiet --root="$R"
same "storage" 0 "$(od -An -tu1 -j $((64 + 32 * 3 + 6)) -N 1 "$V/boot.pack" | tr -d ' ')"
sed 's/^#\([A-Z]\)/\1/' "$TOP/packaging/elfcast.conf" >"$C"
status "the example, its comments removed" 0 elfcast compile --quiet --strict --root="$R"
cp "$TOP/packaging/elfcast.conf" "$C"
status "the example" 0 elfcast compile --quiet --strict --root="$R"
rm "$C"
compile

# Whatever happens to it or to what it is made of: the next compile makes it again. So does
# the hook, which is this without ranking.
repairs() { # NAME STATE: it is said to be so, and compile repairs it to what a fresh one makes
	local want
	same "$1: status says" "$2" "$(state)"
	compile
	same "$1: repaired" current "$(state)"
	want=$(sha256sum <"$V/boot.pack")
	mv "$V" "$TMP/saved"
	compile
	same "$1: as a fresh one" "$(sha256sum <"$V/boot.pack")" "$want"
	rm -rf "$V"
	mv "$TMP/saved" "$V"
}
cp "$V/boot.pack" "$TMP/good"
rm "$V/boot.pack"
repairs "deleted" missing
truncate -s 100 "$V/boot.pack"
repairs "half written" damaged
: >"$V/boot.pack"
repairs "empty" damaged
printf x | dd of="$V/boot.pack" bs=1 seek=300 conv=notrunc status=none
repairs "one byte" damaged
cp "$V/index" "$V/boot.pack"
repairs "an index in its place" damaged
cp "$S"/*v.a.json.shadow "$V/boot.pack"
repairs "a shadow in its place" damaged
rm "$V/boot.pack" && ln -s /etc/passwd "$V/boot.pack"
repairs "a link in its place" damaged
"$BUILD/tests/reversion" 9 <"$TMP/good" >"$V/boot.pack"
repairs "another version" "other version"
make_elf "$R/usr/bin/a" rebuilt
truncate -s 1M "$R/usr/bin/a"
compile
same "a program rebuilt, not its profile" "b+12 a+0 c+40" "$(packed)"
rm "$R/usr/bin/a" "$R/usr/lib/libc"
compile
same "files gone" "b+4 c+40 a: absent" "$(choice)"
rm "$P/v.b.json"
compile
same "profile gone" "c+40" "$(packed)"
repairs "all this" current
rm "$P"/*
compile
check "no profile: no pack" test ! -e "$V/boot.pack"

# What the boot starts comes first; boot-programs.sh tells how it is found.
mkdir -p "$R/usr/lib/systemd/system/default.target.wants"
printf '[Unit]\n' >"$R/usr/lib/systemd/system/default.target"
printf '[Service]\nExecStart=/usr/bin/b\n' >"$R/usr/lib/systemd/system/b.service"
library
program a 4
program b 4
counts "a 9"
compile
same "by counts" "a+12 b+4" "$(packed)"
ln -s ../b.service "$R/usr/lib/systemd/system/default.target.wants/"
compile
same "a service that is enabled" "b+12 a+4" "$(packed)"
same "status agrees" "current [True, False]" "$(state) $(query '[l["at_boot"] for l in d["launches"]]')"
elfcast status --pack --root="$R" 2>/dev/null >"$TMP/out"
same "and says so" "/usr/bin/b (boot)" "$(sed -n '2s/.*  //p' "$TMP/out")"
rm -r "$R/usr/lib/systemd" "${P:?}"/* "$V/launches"

# Scenarios, and an image.
library
program g 4
sed 's/"default"/"clone"/' "$P/v.g.json" >"$P/w.g.json"
check "two scenarios" grep -q clone "$P/w.g.json"
compile
same "the default one" "g: other-scenario" "$(choice | grep -o 'g: .*')"
status "--usr" 0 compile --usr
check "has a pack of its own" cmp "$V/boot.pack" "$R/usr/lib/elfcast/boot.pack"
rm -rf "$V"
same "and is looked at where /var has none" current "$(state)"

# What is printed.
elfcast status --pack --root="$R" >"$TMP/out" 2>"$TMP/err"
same "a table" "RANK WEIGHT BOOTS AFTER SAVES MS NEW MIB SHARED SUM PROGRAM" "$(head -n 1 "$TMP/out" | xargs)"
same "with the reasons" "/usr/bin/g, clone: not the default scenario" "$(sed -n 's/^    - .*  //p' "$TMP/out")"
same "and a sum" "elfcast: 1 of 2 launches, 0.0 of 512.0 MiB, about 0.0 of 30.0 s to read" "$(cat "$TMP/err")"
elfcast show "$R/usr/lib/elfcast/boot.pack" >"$TMP/out"
same "show" "Pack for boot: 1 launch, 2 files, 0.0 MiB in 2 extents" "$(head -n 1 "$TMP/out")"
status "dump" 1 elfcast dump "$R/usr/lib/elfcast/boot.pack"
same "says what it is" "elfcast: '$R/usr/lib/elfcast/boot.pack' is a pack of 1 launches, not one program's shadow; 'elfcast show' lists them" \
	"$(cat "$TMP/err")"

# As README says of every verb.
status "prefetch --boot --json" 0 elfcast prefetch --boot --json --root="$R"
check "prints its report" python3 -c 'import json, sys; json.load(open(sys.argv[1]))["outcome"]' "$TMP/out"
status "prefetch --boot with an option that is none" 2 elfcast prefetch --boot --no-such
same "its message has the prefix of all others" "elfcast-prefetch: unrecognized option '--no-such'" "$(head -n 1 "$TMP/err")"
finish
