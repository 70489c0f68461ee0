#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 5 s
# elfcastd and programs that bring their profile inside: nothing is ever compiled here. The programs do
# nothing: whatever of their files is brought in afterwards, the watcher has read.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/helpers/watcher-lib.sh"

trap clean_up EXIT

R=$TMP/root LOG=$TMP/log D=$TMP/root/usr/share/data C=$TMP/root/etc/elfcast/elfcast.conf
chmod 755 "$TMP"
PATH=$BUILD/tests:$PATH
mkdir -p "$R/opt/elsewhere" "$D/elsewhere" "$R/var" "$R/run" "$R/etc/elfcast"
echo 'void _start(void) { __asm__ volatile("syscall" : : "a"(60), "D"(0)); }' >"$TMP/tiny.c"
elfcast embed --print-reserve=4096 >"$TMP/reserve.s"
elfcast embed --print-reserve=512 >"$TMP/small.s"
build() { gcc -O1 -static -nostdlib -Wl,--build-id=sha1 -o "$@" "$TMP/tiny.c"; }
if [ "$(uname -m)" != x86_64 ] || ! build "$TMP/plain" || ! build "$TMP/reserved" "$TMP/reserve.s" ||
	! build "$TMP/small" "$TMP/small.s"; then
	skip "programs that bring their profile" "needs gcc on x86-64"
	finish
fi

# add NAME BUILD [TRAINED]: BUILD, which needs itself and pages 4 to 11 and 40 of its data, as /opt/NAME.
add() {
	local trained=${3:-/opt/$1}
	head -c 262144 /dev/urandom >"$D/$1"
	profile "$TMP/p.json" "$trained" "{ \"path\": \"$trained\", \"build_id\": \"$(build_id_of "$TMP/$2")\",
		\"size\": $(stat -c %s "$TMP/$2"), \"pages\": [[0, 1, 1, 0]] },
		{ \"path\": \"/usr/share/data/$1\", \"size\": 262144, \"pages\": [[4, 8, 1, 0], [40, 1, 1, 3]] }"
	elfcast embed -q -o "$R/opt/$1" "$TMP/$2" "$TMP/p.json"
	chmod 755 "$R/opt/$1"
}
has_read() { [ "$(brought "$D/$1")" = "4 8 40 1" ]; }
# launch NAME: from cold, the program too
launch() {
	sync "$D/$1" "$R/opt/$1"
	residency --evict "$D/$1"
	residency --evict "$R/opt/$1"
	"$R/opt/$1"
}
is_told() { kill -HUP "$watcher" && [ "$(state "$1")" = "$2" ]; }
is_counted() { [ "$(awk -v p="/opt/$1" '$0 ~ p "$" { print int($1) }' "$R/var/lib/elfcast/launches" 2>/dev/null)" = "$2" ]; }

add trailer plain
add note reserved
add elsewhere/moved reserved /usr/bin/where-it-was-made
add small small
add damaged plain
add others plain
add never plain
add known plain
size=$(stat -c %s "$R/opt/damaged")
printf x | dd of="$R/opt/damaged" bs=1 seek=$((size - 20)) conv=notrunc status=none
chmod 777 "$R/opt/others"
echo "Embedded=/opt/trailer /opt/note /opt/elsewhere/moved /opt/small /opt/damaged /opt/others /opt/never" >"$C"
echo "Never=never" >>"$C"

start_watcher setsid
same "it watches what elfcast.conf names" 6 "$(state programs)"
check "no compile has been" test ! -e "$R/var/lib/elfcast/index"
launch trailer
check "of a profile behind the end what it needs is read" wait_until has_read trailer
launch note
check "and of one in a note" wait_until has_read note
launch elsewhere/moved
check "that lies elsewhere than where it was made" wait_until has_read elsewhere/moved
check "read they are counted" wait_until is_told read 3
same "each with a page of itself" 30 "$(state pages)"
launch small
launch damaged
launch others
launch never
launch known
# The readers take them in turn, and this one comes last.
cp "$R/opt/trailer" "$R/opt/last"
echo "Embedded=/opt/trailer /opt/note /opt/small /opt/damaged /opt/others /opt/last" >"$C"
kill -HUP "$watcher"
wait_until grep -q "watching '/opt/last'" "$LOG"
residency --evict "$D/trailer"
residency --evict "$R/opt/last"
"$R/opt/last"
check "settings that are read again" wait_until has_read trailer
for name in small damaged others never known; do
	same "nothing is read: $name" "" "$(brought "$D/$name")"
done
end_watcher
check "launches are counted" is_counted trailer 1

# Who was launched here, as elfcast run counts it, needs not be named.
rm "$C"
sed -i 's,/opt/last$,/opt/known,' "$R/var/lib/elfcast/launches"
start_watcher setsid
launch known
check "a program that launches names" wait_until has_read known
end_watcher

# With ExecReadAhead=no it counts only.
echo "ExecReadAhead=no" >"$C"
start_watcher setsid
launch known
end_watcher
same "ExecReadAhead=no: nothing is read" "" "$(brought "$D/known")"
check "but it is counted" is_counted known 3

# Compiled, it is one like others.
echo "Embedded=/opt/trailer" >"$C"
elfcast compile -q --root="$R"
start_watcher setsid
launch trailer
check "compiled it is read, too" wait_until has_read trailer
end_watcher
finish
