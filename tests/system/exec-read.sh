#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# elfcastd reads ahead what a program needs when it is executed. The programs here do nothing:
# whatever of their files is brought in afterwards, the watcher has read.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/helpers/watcher-lib.sh"
export PATH

trap clean_up EXIT

echo 'void _start(void) { __asm__ volatile("syscall" : : "a"(60), "D"(0)); }' >"$TMP/tiny.c"
if [ "$(uname -m)" != x86_64 ] || ! gcc -O1 -static -nostdlib -Wl,--build-id=sha1 -o "$TMP/tiny" "$TMP/tiny.c"; then
	skip "reading ahead at exec" "needs gcc on x86-64"
	finish
fi
chmod 755 "$TMP"
R=$TMP/root P=$R/usr/share/elfcast/profiles.d LOG=$TMP/log
PATH=$BUILD/tests:$PATH
mkdir -p "$R/usr/bin" "$R/usr/share/data" "$R/var" "$R/run" "$R/etc/elfcast" "$P"

# add_program NAME: tiny, which is said to need itself and pages 4 to 11 and 40 of 64 of its data.
add_program() {
	cp "$TMP/tiny" "$R/usr/bin/$1"
	head -c 262144 /dev/urandom >"$R/usr/share/data/$1"
	profile "$P/test.$1.json" "/usr/bin/$1" "{ \"path\": \"/usr/bin/$1\",
		\"build_id\": \"$(build_id_of "$TMP/tiny")\", \"size\": $(stat -c %s "$TMP/tiny"),
		\"pages\": [[0, 1, 1, 0]] },
		{ \"path\": \"/usr/share/data/$1\", \"size\": 262144, \"pages\": [[4, 8, 1, 0], [40, 1, 1, 3]] }"
}
make_cold() { # NAME: all of its data, and in the disk's hands
	sync "$R/usr/share/data/$1"
	residency --evict "$R/usr/share/data/$1"
}
read_of() { brought "$R/usr/share/data/$1"; }
has_read() { [ "$(read_of "$1")" = "${2:-4 8 40 1}" ]; }
# told NAME VALUE: what it has counted since boot; it tells when it is asked
is_told() { kill -HUP "$watcher" && [ "$(state "$1")" = "$2" ]; }
told() { check "$1" wait_until is_told "$2" "$3"; }

add_program one
add_program two
elfcast compile -q --root="$R"
check "compile leaves what is to be read" test -s "$R/var/lib/elfcast/exec.bundle"

start_watcher setsid
make_cold one
make_cold two
"$R/usr/bin/one"
"$R/usr/bin/one"
check "what a launch needs is read, and nothing else" wait_until has_read one
same "of the others nothing" "" "$(read_of two)"
told "it counts a launch that was read ahead" read 1
told "and the pages" pages 10
told "a moment later it does not look again" again 1
"$R/usr/bin/two"
wait_until has_read two
told "two launches" read 2
end_watcher
# In time: what became of each launch, and the pages that were asked for.
LAUNCHED=$R/run/elfcast/launched
log_of() { awk -v p="/usr/bin/$1" '$6 == p { print $1, $3 }' "$LAUNCHED" | xargs; }
same "the log has both launches" "read 10 read 10" "$(log_of one) $(log_of two)"
same "in their order, since the kernel's start" yes "$(awk 'NF == 6 { if ($2 < t) exit 1; t = $2 }
	END { exit !(t > 0) }' "$LAUNCHED" && awk -v now="$(cut -d . -f 1 /proc/uptime)" 'NF == 6 && $2 > (now + 1) * 1000 { exit 1 }' \
	"$LAUNCHED" && echo yes)"
same "others may not read it" 640 "$(stat -c %a "$LAUNCHED")"
status "they are drawn" 0 elfcast status --root="$R" --plot="$TMP/plot.svg"
check "with what was done" grep -q '>2 read ahead (0.1 MiB asked for), 1 in memory already, 0 left alone, 0 dropped<' "$TMP/plot.svg"
same "a mark for each, and one in the legend" 3 "$(grep -c '<circle .*class="dot"' "$TMP/plot.svg")"

elfcast status --root="$R" >"$TMP/status" 2>&1
check "status says what it did" grep -q '^watcher: .* since boot 2 launches read ahead (0.1 MiB asked for), 1 in memory' "$TMP/status"
elfcast status --root="$R" --prometheus >"$TMP/metrics"
check "so do the metrics" grep -q '^elfcast_launches_total{what="read"} 2$' "$TMP/metrics"
elfcast status --root="$R" --json >"$TMP/json"
check "and JSON" grep -q '"pages_asked": 20' "$TMP/json"

# What is in memory already is looked at, and left.
start_watcher setsid
cat "$R/usr/bin/two" "$R/usr/share/data/two" >/dev/null # which the kernel may have taken away
"$R/usr/bin/two"
told "a launch that is in memory" resident 1
told "is not read, nor is the count lost with the watcher" read 2
same "nor is the log" "read 10 there 0" "$(log_of two)"

# Another file in place of the one that was compiled.
head -c 262144 /dev/urandom >"$R/usr/share/data/new"
sync "$R/usr/share/data/new"
residency --evict "$R/usr/share/data/new"
mv "$R/usr/share/data/new" "$R/usr/share/data/one"
"$R/usr/bin/one"
told "a launch with a file that changed" read 3
same "of the changed file nothing is read" "" "$(read_of one)"

# A compile is noticed.
elfcast compile -q --root="$R"
add_program three
elfcast compile -q --root="$R"
check "it reads the new index" wait_until is_watching 3
make_cold three
"$R/usr/bin/three"
check "and what belongs to it" wait_until has_read three

# A compile that comes before a launch counts for it, however late the watcher gets to run.
is_stopped() { grep -q '^State:.*stopped' "/proc/$watcher/status"; }
kill -STOP "$watcher"
wait_until is_stopped
sed -i 's/\[\[4, 8, 1, 0\], \[40, 1, 1, 3\]\]/[[20, 5, 1, 0]]/' "$P/test.three.json"
elfcast compile -q --root="$R"
make_cold three
"$R/usr/bin/three"
kill -CONT "$watcher"
check "what was compiled before the launch" wait_until has_read three "20 5"

# Through another mount namespace, under another path.
if [ "$(id -u)" = 0 ]; then
	add_program elsewhere
	elfcast compile -q --root="$R"
	wait_until is_watching 4
	make_cold elsewhere
	unshare -m --propagation private sh -c 'mount --bind "$1" /mnt && /mnt/usr/bin/elsewhere' sh "$R"
	check "a launch in another mount namespace" wait_until has_read elsewhere
else
	skip "a launch in another mount namespace" "needs root"
fi

# A script, by its own file.
printf '#!%s\n' "$R/usr/bin/two" >"$R/usr/bin/script"
chmod 755 "$R/usr/bin/script"
head -c 262144 /dev/urandom >"$R/usr/share/data/script"
profile "$P/test.script.json" /usr/bin/script "{ \"path\": \"/usr/bin/script\",
	\"size\": $(stat -c %s "$R/usr/bin/script"), \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"/usr/share/data/script\", \"size\": 262144, \"pages\": [[4, 8, 1, 0], [40, 1, 1, 3]] }"
elfcast compile -q --root="$R"
has_line() { grep -qF "watching '$1'" "$LOG"; }
wait_until has_line /usr/bin/script
make_cold script
"$R/usr/bin/script"
check "a script" wait_until has_read script

# Many at once: more than are read at the same time, fewer than are kept waiting.
for ((i = 0; i < 100; i++)); do add_program "many$i"; done
elfcast compile -q --root="$R"
wait_until has_line /usr/bin/many99
for ((i = 0; i < 100; i++)); do make_cold "many$i"; done
launched=()
for ((i = 0; i < 100; i++)); do
	"$R/usr/bin/many$i" &
	launched+=($!)
done
wait "${launched[@]}"
have_read_many() {
	local i
	for ((i = 0; i < 100; i++)); do has_read "many$i" || return 1; done
}
check "a hundred programs at once" wait_until have_read_many
end_watcher

# A disk that hangs keeps who reads from it; nobody else, and not the end.
if [ -z "${ELFCAST_SANITIZED:-}" ]; then
	start_watcher setsid env LD_PRELOAD="$BUILD/tests/hangread.so" HANGREAD_LOG="$R/run/elfcast/hung"
	launches() { sed -n "s/^\([0-9]*\)\.000000 [0-9 ]* ${1//\//\\/}\$/\1/p" "$R/var/lib/elfcast/launches"; }
	before=$(launches /usr/bin/many50)
	for ((i = 0; i < 6; i++)); do
		make_cold "many$i"
		"$R/usr/bin/many$i"
	done
	is_stuck() { [ "$(sort -u "$R/run/elfcast/hung" 2>/dev/null)" = "$watcher" ] && [ "$(wc -l <"$R/run/elfcast/hung")" -ge 4 ]; }
	check "reading hangs" wait_until is_stuck
	check "programs start as ever" "$BUILD/tests/exec-many" "$R/usr/bin/many50" 1000 >/dev/null
	kill -TERM "$watcher"
	check "and the watcher ends" wait_until sh -c "! kill -0 $watcher 2>/dev/null"
	wait "$watcher"
	same "having counted" $((before + 1000)) "$(launches /usr/bin/many50)"
fi

# A program that is replaced while it is launched again and again.
start_watcher setsid
upgrade() {
	local i
	for ((i = 0; i < 30; i++)); do
		cp "$TMP/tiny" "$R/usr/bin/.one"
		mv "$R/usr/bin/.one" "$R/usr/bin/one"
		head -c 262144 /dev/urandom >"$R/usr/share/data/.one"
		mv "$R/usr/share/data/.one" "$R/usr/share/data/one"
		elfcast compile -q --root="$R" || return 1
	done
}
upgrade &
upgrading=$!
failed=0 n=0
while kill -0 $upgrading 2>/dev/null; do
	"$R/usr/bin/one" || failed=$((failed + 1))
	n=$((n + 1))
done
wait $upgrading
same "upgrades beside launches" 0 $?
echo "# note: $n launches"
same "no launch failed" 0 $failed
check "the watcher goes on" is_watching

# What the administrator says.
echo "Never=three" >"$R/etc/elfcast/elfcast.conf"
elfcast compile -q --root="$R"
make_cold three
make_cold two
end_watcher
start_watcher setsid
"$R/usr/bin/three"
"$R/usr/bin/two"
check "two is read" wait_until has_read two
same "Never=three: three is not" "" "$(read_of three)"
echo "ExecReadAhead=no" >"$R/etc/elfcast/elfcast.conf"
elfcast compile -q --root="$R"
end_watcher
start_watcher setsid
make_cold two
make_cold one
before=$(state read)
"$R/usr/bin/two"
"$R/usr/bin/one"
end_watcher
same "ExecReadAhead=no: nothing is read" " $before" "$(read_of two) $(state read)"
check "but launches are counted" grep -q " /usr/bin/one$" "$R/var/lib/elfcast/launches"

# How long a cold launch takes that is read ahead, and now and then one that is left alone. This one sleeps,
# and then waits for the end of its standard input.
# Who was launched seconds ago is not looked at: what is to be read is new each time.
rm "$R/etc/elfcast/elfcast.conf"
cat >"$TMP/sleeper.c" <<'EOF'
void _start(void) {
	long time[2] = { 0, 200000000 }, r = 0;
	__asm__ volatile("syscall" : : "a"(35), "D"(time), "S"(0) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : "+a"(r) : "D"(0), "S"(time), "d"(1) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : : "a"(60), "D"(0));
}
EOF
gcc -O1 -static -nostdlib -Wl,--build-id=sha1 -o "$TMP/sleeper" "$TMP/sleeper.c"
mv "$TMP/tiny" "$TMP/tiny.0"
mv "$TMP/sleeper" "$TMP/tiny"
add_program sleeper
cp "$TMP/tiny.0" "$TMP/tiny"
n_pads=0
TIMES=$R/var/lib/elfcast/launch-times
renew() { # what is to be read
	n_pads=$((n_pads + 1))
	add_program "pad$n_pads"
	elfcast compile -q --root="$R"
	wait_until has_line "/usr/bin/pad$n_pads"
	make_cold sleeper
	residency --evict "$R/usr/bin/sleeper"
}
n_times() { grep -cE "^$1 [0-9]+ /usr/bin/sleeper\$" "$TIMES" 2>/dev/null; }
heard() { # what was told it before
	rm -f "$R/run/elfcast/watch"
	kill -HUP "$watcher"
	wait_until test -s "$R/run/elfcast/watch"
}
is_timed() { kill -HUP "$watcher" && [ "$(n_times "$1")" = "$2" ]; }
rm -f "$TIMES"
start_watcher setsid
n_alone=$(state alone) # where the machine is slow, others before took long enough to be timed
for n in 1 2; do
	renew
	"$R/usr/bin/sleeper" </dev/null
	check "cold launch $n is read ahead and timed" wait_until is_timed read "$n"
	same "it was read" "4 8 40 1" "$(read_of sleeper)"
done
renew
"$R/usr/bin/sleeper" </dev/null
check "the third is timed without" wait_until is_timed alone 1
same "nothing of it was read" "" "$(read_of sleeper)"
told "which is counted" alone $((n_alone + 1))
renew
"$R/usr/bin/sleeper" </dev/null
check "the fourth is read again" wait_until is_timed read 3
check "no launch ended before it was over" sh -c "! grep -vE '^(read|alone) (1[5-9][0-9]|[2-9][0-9][0-9]|[0-9]{4,}) |^e' '$TIMES'"
renew
mkfifo "$TMP/hold"
is_up() { [ "$(readlink "/proc/$!/exe")" = "$R/usr/bin/sleeper" ]; }
"$R/usr/bin/sleeper" <"$TMP/hold" &
exec 9>"$TMP/hold"
wait_until is_up
"$R/usr/bin/sleeper" </dev/null
exec 9>&-
wait $!
renew
"$R/usr/bin/sleeper" <"$TMP/hold" &
exec 9>"$TMP/hold"
wait_until has_read sleeper
heard # its reader is sooner, and who looks at it before would be taken for the one that ends
cat "$R/usr/bin/sleeper" >/dev/null
exec 9>&-
wait $!
printf '#!%s\n' "$R/usr/bin/two" >"$R/usr/bin/script"
elfcast compile -q --root="$R"
wait_until has_line /usr/bin/script
make_cold script
"$R/usr/bin/script"
wait_until has_read script
end_watcher
same "two at once, and a file that others read, are not timed" "read 3 alone 1" \
	"read $(n_times read) alone $(n_times alone)"
same "the log has the same times" "$(sed -nE 's#^((read|alone) [0-9]+) /usr/bin/sleeper$#\1#p' "$TIMES")" \
	"$(awk '$6 ~ /sleeper$/ && $5 > 0 { print $1, $5 }' "$LAUNCHED")"
check "nor is a script" sh -c "! grep -q /usr/bin/script '$TIMES'"

# What was learned is known after a restart; nothing is gained, and it is left alone.
{
	echo "elfcast-launch-times 1"
	for ((i = 0; i < 8; i++)); do
		for ((j = 0; j < 3; j++)); do echo "read $((100 + j)) /usr/bin/sleeper"; done
		echo "alone 90 /usr/bin/sleeper"
	done
	echo "end 32"
} >"$TIMES"
start_watcher setsid
renew
"$R/usr/bin/sleeper" </dev/null
check "what gains nothing is left alone" wait_until is_timed alone 9
same "and nothing is read" "" "$(read_of sleeper)"
end_watcher
elfcast status --launches --root="$R" >"$TMP/status"
check "status says so" grep -qE '  off  /usr/bin/sleeper$' "$TMP/status"
check "and of all together" grep -qE '^read ahead: -[0-9]+ % of a cold one saved \[-[0-9]+ to -[0-9]+\]' "$TMP/status"
elfcast status --launches --root="$R" --json >"$TMP/json"
same "JSON too" "True 9 False" "$(python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))
p = next(p for p in s["programs"] if p["program"] == "/usr/bin/sleeper")
print(p["is_off"], p["cold_controls"], s["gain"]["is_off"])' "$TMP/json")"
echo "elfcast-launch-times 1" >"$TIMES"
: >"$LOG"
start_watcher setsid
check "damaged times are reported" grep -q "times of launches cannot be used" "$LOG"
renew
"$R/usr/bin/sleeper" </dev/null
check "and begin anew" wait_until is_timed read 1
end_watcher

# A damaged bundle is none.
elfcast compile -q --root="$R"
B=$R/var/lib/elfcast/exec.bundle
cp "$B" "$TMP/whole"
rm "$B"
elfcast compile -q --root="$R"
check "compile makes what was removed" cmp "$B" "$TMP/whole"
printf x | dd of="$B" bs=1 seek=100 conv=notrunc status=none
start_watcher setsid
before=$(state read)
check "a damaged bundle is reported" wait_until grep -q "cannot use what compile left" "$LOG"
make_cold two
"$R/usr/bin/two"
told "and launches go on" read "$before"
same "unread" "" "$(read_of two)"
elfcast compile -q --root="$R"
check "the next compile repairs" cmp "$B" "$TMP/whole"
end_watcher

# Five hundred profiles of a hundred files.
rm -r "$P" "$R/var/lib/elfcast"
mkdir -p "$P" "$R/usr/share/pool"
head -c 8192000 /dev/zero | split -b 4096 -a 4 -d - "$R/usr/share/pool/file"
python3 - "$P" <<'EOF'
import json, sys
for n in range(500):
    files = sorted({"/usr/share/pool/file%04d" % ((n * 7 + k * 19) % 2000) for k in range(100)})
    objects = [{"path": p, "size": 4096, "pages": [[0, 1, 1, 0]]} for p in files]
    profile = {"elfcast": 1, "program": "/usr/bin/many%d" % n, "scenario": "default", "arch": "x86_64",
               "trained": {"runs": 1, "window_ms": 1000, "method": "uffd", "kernel": "6.18"}, "objects": objects}
    with open("%s/test.%d.json" % (sys.argv[1], n), "w") as f:
        json.dump(profile, f)
EOF
elfcast compile -q --root="$R"
start_watcher setsid
wait_until is_watching 500
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$watcher/status"; }
echo "# note: $(rss) KiB resident, bundle $(stat -c %s "$R/var/lib/elfcast/exec.bundle") bytes"
[ -n "${ELFCAST_SANITIZED:-}" ] || check "resident memory is at most 8 MiB" test "$(rss)" -le 8192
finish
