#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# status without an option, on a fake root: text, JSON, metrics.
. "$(dirname "$0")/../lib.sh"

make_root
status_of() { elfcast status --root="$R" "$@"; }
get() { status_of --json | python3 -c 'import json, sys; print(eval(sys.argv[1], {"s": json.load(sys.stdin)}))' "$1"; }

status "of a root where nothing was compiled" 0 status_of
check "there is no pack" grep -q '^pack:  *missing' "$TMP/out"
check "profiles without shadows are to be mended" grep -q "^  2 profiles have no shadow: 'elfcast compile'" "$TMP/out"
status "check: finds that" 1 status_of --check
same "check: what and how" "elfcast WARNING: 1 problem
2 profiles have no shadow: 'elfcast compile'" "$(cat "$TMP/out")"
same "JSON: no program" "[]" "$(get 's["programs"]')"
same "JSON: two profiles without a shadow" 2 "$(get 's["profiles"]["without_shadow"]')"
same "JSON: nothing is known of the last boot" None "$(get 's["last_boot"]')"

elfcast compile -q --root="$R" --storage=flash
status "after a compile" 0 status_of
check "the programs are counted" grep -q '^programs:  2 valid$' "$TMP/out"
check "nothing is to be mended" grep -qx 'to mend:   nothing' "$TMP/out"
check "in ten lines" test "$(wc -l <"$TMP/out")" -le 10
status "check" 0 status_of --check
same "check: in a line" "elfcast OK: 2 programs" "$(cat "$TMP/out")"
same "and no warning" "" "$(cat "$TMP/err")"
same "JSON: both are valid" "['valid', 'valid']" "$(get '[p["state"] for p in s["programs"]]')"
same "JSON: the pack has both" "('there', 2, 2)" \
	"$(get '(s["pack"]["state"], s["pack"]["launches"], s["pack"]["pages"])')"

make_elf "$R/usr/bin/two" rebuilt
same "a rebuilt program is stale" "['valid', 'stale']" "$(get '[p["state"] for p in s["programs"]]')"
status "check: it changed, and nobody looked" 1 status_of --check
check "check: compile mends that" grep -q "files of 1 program changed and were not looked at since: 'elfcast compile'" "$TMP/out"
elfcast compile -q --root="$R" --storage=flash
status "check: a package's profile that is stale is nobody's fault here" 0 status_of --check
status "but it is told" 0 status_of
check "as a hint" grep -q "^hint: .*1 program is another build than packages' profiles know: 'elfcast list'" "$TMP/out"
mkdir -p "$R/etc/elfcast/profiles.d"
mv "$P/test.two.json" "$R/etc/elfcast/profiles.d/local.two.json"
elfcast compile -q --root="$R" --storage=flash
status "check: one of this machine's own" 1 status_of --check
check "check: train mends that" grep -q "^/usr/bin/two is another build than its profile 'local.two.json' knows: 'elfcast train --again /usr/bin/two'" "$TMP/out"
same "check: JSON" "False stale" "$(status_of --check --json | python3 -c 'import json, sys
d = json.load(sys.stdin); print(d["ok"], *[p["kind"] for p in d["problems"]])')"
status "of a program" 0 status_of two
check "of a program: why it is stale" grep -q '/usr/bin/two: another build or size than the profile knows' "$TMP/out"
check "of a program: its place at boot" grep -q '^at boot:   not read: nothing to read' "$TMP/out"
check "of a program: how to mend it" grep -q "^to mend:   'elfcast train --again /usr/bin/two'" "$TMP/out"
status "of two programs" 0 status_of --json one /usr/bin/two
same "of two programs: JSON" "[('/usr/bin/one', 'valid', 'taken', None, []), ('/usr/bin/two', 'stale', 'stale', 'elfcast', ['stale'])]" \
	"$(python3 -c 'import json, sys
print([(p["program"], q["state"], q["at_boot"], q["command"] and q["command"].split()[0], [f["now"] for f in q["files"]])
	for p in json.load(open(sys.argv[1])) for q in p["profiles"]])' "$TMP/out")"
{
	echo "elfcast-launch-times 1"
	for _ in 1 2 3 4 5 6; do printf 'read 50 /usr/bin/two\nread 50 /usr/bin/two\nalone 100 /usr/bin/two\n'; done
	echo "end 18"
} >"$R/var/lib/elfcast/launch-times"
status "of a program: what its launches gain" 0 status_of two
check "of a program: half of a cold one" grep -qx 'gain:      saves 50 % of a cold launch \[50 to 50\]: 50 ms, left alone 100 ms' "$TMP/out"
same "of a program: as JSON" "50.0 6" "$(status_of --json two | python3 -c 'import json, sys
d = json.load(sys.stdin)[0]; print(d["saves_percent"]["median"], d["cold_controls"])')"
same "of a program that was not timed: nothing" 0 "$(status_of one | grep -c '^gain:')"
rm "$R/var/lib/elfcast/launch-times"
status "of a program without a profile" 1 status_of sh
elfcast disable -q --root="$R" one two
status "check: all are disabled, and one is stale: nothing is missed" 0 status_of --check
elfcast enable -q --root="$R" one two
printf x | dd of="$(echo "$S"/*one*)" bs=1 seek=100 conv=notrunc status=none
same "a damaged shadow is counted" 1 "$(get 's["damaged_shadows"]')"
echo x >"$R/var/lib/elfcast/boot.pack"
same "and a damaged pack is told" damaged "$(get 's["pack"]["state"]')"

mkdir -p "$R/run/elfcast"
cp "$TOP/tests/fuzz/corpus/boot_report/read" "$R/run/elfcast/boot.json"
same "the last boot" "('read', 42360832, 243)" \
	"$(get '(s["last_boot"]["outcome"], s["last_boot"]["asked_bytes"], s["last_boot"]["objects_used"])')"
status_of >"$TMP/out" 2>/dev/null
check "in words" grep -qE '^last boot: read, 40\.4 MiB asked for: 40\.2 read, 0\.2 there already; 243 of 243 objects' "$TMP/out"
echo '{' >"$R/run/elfcast/boot.json"
same "a damaged report is none" None "$(get 's["last_boot"]')"
cp "$TOP/tests/fuzz/corpus/boot_report/read" "$R/run/elfcast/boot.json"

status "metrics" 0 status_of --prometheus
same "each one named, typed and explained" "" "$(python3 - "$TMP/out" <<'END'
import re, sys
helped, typed = set(), set()
for line in open(sys.argv[1]):
    if m := re.fullmatch(r"# HELP (\w+) .+\n", line): helped.add(m[1])
    elif m := re.fullmatch(r"# TYPE (\w+) (gauge|counter)\n", line): typed.add(m[1])
    elif m := re.fullmatch(r"(\w+)(\{\w+=\"[\w-]+\"\})? [0-9.e+-]+\n", line):
        if m[1] not in helped & typed: print("not described:", line)
    else: print("not understood:", line)
END
)"
check "problems are among them" grep -qE '^elfcast_problems [1-9]' "$TMP/out"
check "stale shadows are among them" grep -qx 'elfcast_shadows{state="stale"} 1' "$TMP/out"
check "so is the last boot" grep -qx 'elfcast_boot_asked_bytes 42360832' "$TMP/out"

status "two formats" 2 status_of --prometheus --json
status "two things" 2 status_of --pack --launches
status "an argument too many" 2 status_of --pack one
status "check: no such root" 3 elfcast status --check --root="$TMP/none"
status "no such root" 1 elfcast status --root="$TMP/none"
finish
