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
status "of a program whose profile is not compiled" 0 status_of one
check "its state" grep -q '^state:     not compiled,' "$TMP/out"
check "compile mends that, not train" grep -qx "to mend:   'elfcast compile'" "$TMP/out"
same "so it is listed" "not compiled /usr/bin/one" "$(elfcast list --root="$R" | awk '$NF ~ /one/ { print $1, $2, $NF }')"
status "show of it" 1 elfcast show --root="$R" one
check "says where to look" grep -qx "elfcast: no shadow of '/usr/bin/one': 'elfcast status /usr/bin/one' tells why" "$TMP/err"

elfcast compile -q --root="$R"
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
elfcast compile -q --root="$R"
status "check: a package's profile that is stale is nobody's fault here" 0 status_of --check
status "but it is told" 0 status_of
check "as a hint" grep -q "^hint: .*1 program is not the build that packages' profiles know: 'elfcast list'" "$TMP/out"
sed 's/"default"/"other"/' "$P/test.two.json" >"$P/test.two.other.json"
elfcast compile -q --root="$R"
check "a program with two profiles is one" grep -q "^hint: .*1 program is not the build that" <<<"$(status_of)"
rm "$P/test.two.other.json"
elfcast compile -q --root="$R"
mkdir -p "$R/etc/elfcast/profiles.d"

# A profile that cannot be compiled never will be.
echo '{}' >"$P/test.three.json"
echo '[' >"$R/etc/elfcast/profiles.d/local.four.json"
elfcast compile -q --root="$R" 2>/dev/null
same "damaged profiles are listed as such, and why" \
	"$(printf '%s\n' '/etc/elfcast/profiles.d/local.four.json:2:1: expected a value, found end of file' \
		"/usr/share/elfcast/profiles.d/test.three.json:1:1: 'elfcast' is missing")" \
	"$(elfcast list --root="$R" --json | python3 -c 'import json, sys
print("\n".join(sorted(p["problem"] for p in json.load(sys.stdin) if p["state"] == "damaged")))')"
status "check: damaged profiles" 1 status_of --check
same "check: what to do about them: remove one's own; compile would not help" "elfcast WARNING: 2 problems
/etc/elfcast/profiles.d/local.four.json:2:1: expected a value, found end of file: 'elfcast remove local.four.json'
/usr/share/elfcast/profiles.d/test.three.json:1:1: 'elfcast' is missing" "$(cat "$TMP/out")"
same "JSON: counted" "2 0" "$(get '"%d %d" % (s["profiles"]["damaged"], s["profiles"]["without_shadow"])')"
cp "$R/usr/bin/one" "$R/usr/bin/three"
status "of a program whose profile is damaged" 1 status_of three
check "says that, and not to train" grep -qx "elfcast: /usr/share/elfcast/profiles.d/test.three.json:1:1: 'elfcast' is missing" "$TMP/err"
check "and that there is no other" grep -qx "elfcast: there is no profile of '/usr/bin/three' that can be used" "$TMP/err"
elfcast remove -q --root="$R" local.four.json
ln -s one.json "$P/test.five.json"
check "one that may not be used is told with the reason" grep -qx "/usr/share/elfcast/profiles.d/test.five.json: is a symbolic link" <<<"$(status_of --check)"
rm "$P/test.five.json"
rm "$P/test.three.json" "$R/usr/bin/three"

mv "$P/test.two.json" "$R/etc/elfcast/profiles.d/local.two.json"
elfcast compile -q --root="$R"
status "check: one of this machine's own" 1 status_of --check
same "quiet: what is to be mended alone" "$(tail -n +2 "$TMP/out")" "$(status_of -q)"
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
printf 'elfcast-launch-times 1\nread 50 /usr/bin/two\nend 1\n' >"$R/var/lib/elfcast/launch-times"
mkdir -p "$R/run/elfcast"
{
	echo "elfcast-watch 3"
	for line in pid start programs unwatched overflows error "read 1" alone resident again "dropped 1" "pages 256" timed timed-ms; do
		[[ $line = *" "* ]] && echo "$line" || echo "$line 0"
	done
} >"$R/run/elfcast/watch"
status_of >"$TMP/out" 2>"$TMP/err"
check "one cold launch" grep -qx 'saved:     1 cold one timed, 0 left alone: too few to tell' "$TMP/out"
check "one launch" grep -qx 'watcher:   not running, since boot 1 launch read ahead (1.0 MiB asked for), 0 in memory already' "$TMP/out"
check "one that was dropped" grep -q '1 launch was not read ahead: ' "$TMP/err"
rm "$R/run/elfcast/watch"
rm "$R/var/lib/elfcast/launch-times"
status "of a program without a profile" 1 status_of sh
status "of nothing" 1 elfcast status chromum
same "of nothing: says what was looked for" "elfcast: there is no program 'chromum' in \$PATH, and no profile of that name" "$(cat "$TMP/err")"

# A data file of its own changes at any time, and a build that is to be retargeted waits for the timer.
echo data >"$R/etc/ld.so.cache"
make_elf "$TMP/five" old
profile "$R/etc/elfcast/profiles.d/local.five.json" /usr/bin/five "{ \"path\": \"/usr/bin/five\",
	\"build_id\": \"$(build_id_of "$TMP/five")\", \"size\": $(stat -c %s "$TMP/five"),
	\"pages\": [[0, 4, 1, 0]], \"fingerprint\": \"$("$BUILD/tests/fingerprint" "$TMP/five" keys 0 1 2 3)\" },
	{ \"path\": \"/etc/ld.so.cache\", \"size\": 5, \"pages\": [[0, 1, 1, 0]] }"
cp "$TMP/five" "$R/usr/bin/five"
mv "$R/etc/elfcast/profiles.d/local.two.json" "$TMP/"
elfcast compile -q --root="$R"
same "quiet: nothing, where nothing is to be mended" "" "$(status_of -q)"
status "check: a program with a data file" 0 status_of --check
echo more data >"$R/etc/ld.so.cache"
status "check: the data file changed" 0 status_of --check
same "check: no warning" "elfcast OK: 2 programs" "$(cat "$TMP/out")"
status_of five >"$TMP/out"
check "of a program: compile takes it up" grep -qx "to mend:   'elfcast compile'" "$TMP/out"
status_of >"$TMP/out"
check "a hint says so" grep -qx "hint:      the next compile takes up changed files of 1 program: 'elfcast compile'" "$TMP/out"
elfcast compile -q --root="$R"
same "then it is whole again" "['valid', 'valid']" "$(get '[p["state"] for p in s["programs"]]')"
rm "$R/usr/bin/five"
make_elf "$R/usr/bin/five" new
elfcast disable -q --root="$R" one # as a package manager's hook: without the time to retarget
same "upgraded: stale so far" "['stale', 'disabled']" "$(get '[p["state"] for p in s["programs"]]')"
status "upgraded: nothing for monitoring" 0 status_of --check
check "upgraded: a hint says what compile does" grep -qx "hint:      1 program has other builds now, in which the next compile looks for their pages: 'elfcast compile'" <<<"$(status_of)"
status_of five >"$TMP/out"
check "upgraded: compile mends it, not train" grep -qx "to mend:   'elfcast compile'" "$TMP/out"
elfcast compile -q --root="$R"
same "upgraded: it does" "['valid', 'disabled']" "$(get '[p["state"] for p in s["programs"]]')"
status_of one >"$TMP/out"
check "disabled: nothing is to be mended" test "$(grep -c 'to mend' "$TMP/out")" = 0
check "disabled: what undoes it" grep -qx "disabled:  'elfcast enable /usr/bin/one' undoes that" "$TMP/out"
rm "$R/usr/bin/one"
status_of one >"$TMP/out"
check "disabled, and not installed: nor is then" test "$(grep -c 'to mend' "$TMP/out")" = 0
elfcast enable -q --root="$R" one five
status_of one >"$TMP/out"
check "not installed: nothing is to be mended" test "$(grep -c 'to mend' "$TMP/out")" = 0
check "not installed: in a line" grep -qx 'state:     not installed' "$TMP/out"
same "not installed: and no more" 0 "$(grep -c 'not there' "$TMP/out")"
make_elf "$R/usr/bin/one" one
rm "$R/etc/elfcast/profiles.d/local.five.json" "$R/usr/bin/five"
mv "$TMP/local.two.json" "$R/etc/elfcast/profiles.d/"
elfcast compile -q --root="$R"

# A recorded boot is of many files: without one of them it is none of another build, and nobody trains process 1.
mkdir -p "$R/usr/lib/systemd"
make_elf "$R/usr/lib/systemd/systemd" one
boot=$R/etc/elfcast/profiles.d/local.systemd.boot.json
echo issue >"$R/etc/issue"
profile "$boot" /usr/lib/systemd/systemd "{ \"path\": \"/usr/bin/one\", \"build_id\": \"$(build_id_of "$R/usr/bin/one")\",
	\"size\": $(stat -c %s "$R/usr/bin/one"), \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"/etc/issue\", \"size\": 6, \"pages\": [[0, 1, 1, 0]] }"
cp "$boot" "$TMP/boot.json"
boot_is() { get '[p["state"] for p in s["programs"] if p["program"] == "/usr/lib/systemd/systemd"]'; }
elfcast compile -q --root="$R"
rm "$R/etc/issue"
elfcast compile -q --root="$R"
same "a profile that does not name its program, and one file is missing" "['partly stale']" "$(boot_is)"
same "process 1: no command" "" "$(status_of systemd | grep -o 'to mend:.*')"
sed 's/"default"/"boot"/' "$TMP/boot.json" >"$boot"
elfcast compile -q --root="$R"
same "a recorded boot of which a file is missing" "['partly stale']" "$(boot_is)"
status_of systemd >"$TMP/out"
check "the file is named" grep -qx '           /etc/issue: not there' "$TMP/out"
check "and when it is recorded again" grep -qx 'to mend:   nothing: recorded again at a next boot, once much has changed' "$TMP/out"
same "the check says nothing of it" 0 "$(status_of --check | grep -c systemd)"
printf 'BootTrain=no\n' >"$R/etc/elfcast/elfcast.conf"
same "without BootTrain= nothing is said" "" "$(status_of systemd | grep -o 'to mend:.*')"
rm "$R/etc/elfcast/elfcast.conf"
rm "$R/usr/bin/one"
elfcast compile -q --root="$R"
same "of which all are missing" "['stale']" "$(boot_is)"
same "no command, either" 0 "$(status_of --check | grep -c systemd)"
make_elf "$R/usr/bin/one" one
elfcast compile -q --root="$R"
rm "$boot"
same "check: a profile that is gone" 1 "$(status_of --check | grep -cx "1 profile is gone, and still used: 'elfcast compile'")"
status_of systemd >"$TMP/out"
check "gone: of the program" grep -qx "to mend:   'elfcast compile'" "$TMP/out"
elfcast compile -q --root="$R"
same "compile mends it" 0 "$(status_of --check | grep -c 'is gone')"
rm -r "$R/usr/lib/systemd"

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
