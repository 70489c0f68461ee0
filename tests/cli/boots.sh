#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# The log of boots: status --boots and what status says of it, on a fake root; and note-boot.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
V=$R/var/lib/elfcast
mkdir -p "$V" "$R/run/elfcast" "$R/etc/elfcast"
boots() { elfcast status --boots --root="$R" "$@"; }
get() { # expression of what --json prints, s, and of its last boot, b
	boots --json 2>/dev/null | python3 -c 'import json, sys
s = json.load(sys.stdin)
print(eval(sys.argv[1], {"s": s, "b": s["boots"][-1] if s["boots"] else None}))' "$1"
}
# log PLAN:MS[:VERDICT]...: boots of these
log() {
	local n=0 b plan ms verdict
	echo "elfcast-boots 1" >"$V/boots"
	for b; do
		IFS=: read -r plan ms verdict <<<"$b"
		printf '%08x-0000-4000-8000-000000000001 %s %s %s 0123456789abcdef %s 10485760 1500 1048576 2500 - 6.18.44\n' \
			$((++n)) $((1790000000 + n)) "$plan" "${verdict:--}" "$ms" >>"$V/boots"
	done
	echo "end $n" >>"$V/boots"
}

status "without a log" 0 boots
same "nothing is known" "boots: nothing is known yet" "$(cat "$TMP/out")"
same "JSON: no boots" "[] None" "$(get 's["boots"], s["saves_ms"]' | tr -d '(,)')"
same "the metrics have no times then" 0 \
	"$(elfcast status --prometheus --root="$R" 2>/dev/null | grep -c '^elfcast_boot_target_seconds{')"
log eager:3120 control:4510
status "with two boots" 0 boots
same "a line each" "eager 3.12 10.0 1.50 1.0 2.50 - 6.18.44;control 4.51 10.0 1.50 1.0 2.50 - 6.18.44" \
	"$(awk '/^20/ { $1 = $2 = ""; print }' "$TMP/out" | sed 's/^ *//' | paste -sd ';')"
same "too few" "boots: 3.12 s read ahead (1), 4.51 s left alone (1), too few to tell" "$(tail -n 1 "$TMP/out")"
same "JSON: both" "['eager', 'control'] [3120, 4510] None" \
	"$(get '[b["plan"] for b in s["boots"]], [b["target_ms"] for b in s["boots"]], s["saves_ms"]' | sed 's/^(//; s/)$//; s/\], /] /g')"
gain() { # CONTROL-MS VERDICT
	local i all=()
	for ((i = 0; i < 6; i++)); do all+=(eager:$((3000 + i)) eager:$((3003 - i)) control:$(($1 + i))); done
	log "${all[@]}" eager:3000"$2"
}
gain 4500
same "enough of them" "boots: 3.00 s read ahead (13), 4.50 s left alone (6): saves 1.50 s [1.50 to 1.50]" "$(boots | tail -n 1)"
same "JSON: the interval" True "$(get '1490 < s["saves_ms"]["low"] <= s["saves_ms"]["high"] < 1510')"
same "status says it, too" "boots:     3.00 s read ahead (13), 4.50 s left alone (6): saves 1.50 s [1.50 to 1.50]" \
	"$(elfcast status --root="$R" 2>/dev/null | grep '^boots:')"
elfcast status --prometheus --root="$R" >"$TMP/metrics" 2>/dev/null
check "so do the metrics" grep -q '^elfcast_boot_target_seconds{boot="control"} 4\.50' "$TMP/metrics"
gain 4500 :off
same "switched off" "boots: switched off: what is read for the boot gains nothing here" "$(boots | tail -n 1)"
same "JSON: off" "off True" "$(get 's["boot_part"], s["boots"][-1]["turned_off"]' | tr -d "(,)'")"
check "the metrics say it" grep -qx 'elfcast_boot_part_off 1' <(elfcast status --prometheus --root="$R" 2>/dev/null)
check "the line with which it was" grep -q -- '6\.18\.44  -> off$' <(boots)

terminal() { # COLUMNS: what a terminal of that width gets
	python3 -c 'import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
out = b""
try:
    while chunk := os.read(fd, 65536): out += chunk
except OSError: pass
sys.stdout.write(out.decode().replace("\r", ""))' "$1" elfcast status --boots --root="$R"
}
log eager:3120 control:4510
for columns in 40 60 80 100; do
	same "nothing but the last line is longer than $columns" "" \
		"$(terminal $columns | sed 's/\x1b\[[0-9]*m//g' | head -n -1 | awk -v n=$columns 'length > n')"
done
check "all columns fit in 120" grep -q 'KERNEL$' <(terminal 120)
check "colours on a terminal" grep -q $'\x1b\[33mcontrol' <(terminal 120)
check "none with NO_COLOR" test -z "$(NO_COLOR=1 terminal 120 | grep $'\x1b')"

truncate -s -1 "$V/boots"
status "a torn log" 0 boots
check "a torn log is none" grep -q '^boots: nothing is known yet' "$TMP/out"
check "which is said" grep -q 'the log of boots cannot be used: damaged$' "$TMP/err"
if [ "$(id -u)" = 0 ]; then
	log eager:1
	chmod 666 "$V/boots"
	status "a log that others may write" 0 boots
	check "is none" grep -q '^boots: nothing is known yet' "$TMP/out"
	rm "$V/boots"
fi
status "two things" 2 boots --pack

# ---- the picture ----
picture() { # what an XML parser says of it
	python3 -c 'import sys, xml.dom.minidom
d = xml.dom.minidom.parse(sys.argv[1]).documentElement
print(d.tagName, len(d.getElementsByTagName("script")), [a for e in d.getElementsByTagName("*") for a in e.attributes.keys() if "href" in a or a.startswith("on")])' "$1"
}
status "without a report there is none" 1 elfcast status --plot="$TMP/a.svg" --root="$R"
same "and no file" "no 1" "$(ls "$TMP/a.svg" 2>/dev/null || echo no) $(grep -c 'nothing is known of the last boot' "$TMP/err")"
cp "$TOP/tests/fuzz/corpus/boot_report/timeline" "$R/run/elfcast/boot.json"
status "of a control boot" 0 elfcast status --plot="$TMP/a.svg" --root="$R"
same "a picture, and nothing that is executed or fetched" "svg 0 []" "$(picture "$TMP/a.svg")"
check "it says what was read" grep -q 'nothing was read for the boot (control)' "$TMP/a.svg"
sed -i 's/"control"/"eager"/' "$R/run/elfcast/boot.json"
check "to a pipe" test "$(elfcast status --plot=/dev/stdout --root="$R" | tail -n 1)" = "</svg>"
printf 'elfcast-launched 1\nread 123456 747 31 120 /usr/bin/<git>\nthere 124000 0 0 0 /usr/bin/vim\nend 2\n' >"$R/run/elfcast/launched"
status "with launches" 0 elfcast status --plot="$TMP/a.svg" --root="$R"
same "the picture has them, and is one" "svg 0 []" "$(picture "$TMP/a.svg")"
same "a row for each program, a mark for each launch" "1 1 1 1" \
	"$(for what in '>/usr/bin/&lt;git&gt;</text>' '>/usr/bin/vim</text>' '2.9 MiB asked for in 31 ms; it took 120 ms' '<title>[0-9.]* s: in memory'; do grep -c "$what" "$TMP/a.svg"; done | xargs)"
rm "$R/run/elfcast/boot.json"
status "launches alone are drawn, too" 0 elfcast status --plot="$TMP/a.svg" --root="$R"
check "with what is known of the boot" grep -q 'nothing was read ahead' "$TMP/a.svg"
echo torn >"$R/run/elfcast/launched"
status "torn" 1 elfcast status --plot="$TMP/a.svg" --root="$R"
check "a log that is no log is told" grep -q 'warning: without launches: ' "$TMP/err"
rm "$R/run/elfcast/launched"
cp "$TOP/tests/fuzz/corpus/boot_report/timeline" "$R/run/elfcast/boot.json"
sed -i 's/"control"/"eager"/' "$R/run/elfcast/boot.json"
check "of a boot that was read ahead" grep -q 'MiB read for the boot until' <(elfcast status --plot=/dev/stdout --root="$R")
status "where no file can be" 1 elfcast status --plot="$TMP/none/a.svg" --root="$R"
check "it is said" grep -q "cannot write '$TMP/none/a.svg': No such file" "$TMP/err"
status "without a file" 2 elfcast status --plot
status "a picture in JSON" 2 elfcast status --plot="$TMP/a.svg" --json
rm "$R/run/elfcast/boot.json"

# ---- note-boot ----
rm -f "$V/boots"
note() { elfcast note-boot --root="$R" 2>"$TMP/err"; }
status "usage" 2 elfcast note-boot x
check "without a report" note
same "nothing is noted" "no 1" "$(ls "$V/boots" 2>/dev/null || echo no) $(grep -c 'nothing was read ahead' "$TMP/err")"
report() { # OUTCOME PLAN
	cat >"$R/run/elfcast/boot.json" <<-END
		{ "elfcast": 1, "boot_id": "6f1c2d3e-0000-4000-8000-0123456789ab", "outcome": "$1", "plan": "$2", "read_bytes": 3000000, "ms": 9000.5,
		  "eager": { "key": "0123456789abcdef", "read_bytes": 1000000, "ms": 1000.25, "metadata_read_bytes": 500000, "metadata_ms": 1200.5 },
		  "metadata": { "read_bytes": 700000 } }
	END
}
report "no pack" none
check "of a boot without a pack" note
same "nothing is noted" no "$(ls "$V/boots" 2>/dev/null || echo no)"
report read control
check "of a boot with a pack" note
# How long it took only systemd knows, where that runs the machine.
same "it is noted" "control 0123456789abcdef 1500000 1200 2200000 9000" \
	"$(get "b['plan'], open('$V/boots').read().split()[6], b['eager_bytes'], b['eager_ms'], b['rest_bytes'], b['rest_ms']" | tr -d "(,)'")"
same "of that boot and this kernel" "6f1c2d3e-0000-4000-8000-0123456789ab $(uname -r)" "$(get "b['boot_id'] + ' ' + b['kernel']")"
check "once" note
same "not twice" "1 1" "$(get 'len(s["boots"])') $(grep -c 'in the log already' "$TMP/err")"

# What this boot adds is judged: its own time is not known here, but the others are enough.
gain 3000
report read eager
check "a boot after which it is clear that nothing is gained" note
same "switches it off" "19 True" "$(get 'len(s["boots"]) - 1, b["turned_off"]' | tr -d "(,)")"
check "and says so" grep -q 'gains nothing here: 3\.00 s without' "$TMP/err"
gain 3000
echo BootEager=yes >"$R/etc/elfcast/elfcast.conf"
check "BootEager=yes" note
same "nothing is switched off" False "$(get 'b["turned_off"]')"
rm "$R/etc/elfcast/elfcast.conf"
rm "$V/boots"
report read unused
check "a boot that uses little of what is read for it" note
sed -i 's/6f1c2d3e/7f1c2d3e/' "$V/boots"
same "tells nothing yet" "unused False" "$(get "b['plan'], b['turned_off']" | tr -d "(,)'")"
check "a second one" note
same "switches it off" "2 True" "$(get 'len(s["boots"]), b["turned_off"]' | tr -d "(,)")"
check "and says so" grep -q 'twice, the boot used little of what was read for it' "$TMP/err"
same "status, too" "boots: switched off: the boot used little of what is read for it" "$(boots | tail -n 1)"
gain 4500
check "a boot after which it is clear that it gains" note
same "keeps it on" False "$(get 'b["turned_off"]')"
echo torn >"$V/boots"
check "a log that is none" note
same "is begun anew" 1 "$(get 'len(s["boots"])')"
report read "$(printf '\\u001b[31m')"
rm "$V/boots"
check "a report that is hostile" note
same "is of no plan" none "$(get 'b["plan"]')"
finish
