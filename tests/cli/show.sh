#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# show and dump on a fake root: what they find, what they say about it, what they refuse.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/usr/share/elfcast/profiles.d
S=$R/var/lib/elfcast/shadow
mkdir -p "$P" "$R/usr/bin" "$R/data"
make_elf "$R/usr/bin/one" one
make_elf "$R/usr/bin/two" two
size=$(stat -c %s "$R/usr/bin/one")
pages=$(((size + 4095) / 4096))
head -c 40960 /dev/zero >"$R/data/table"
head -c 100 /dev/zero >"$R/data/small"
head -c 100000 /dev/zero >"$R/data/other"
mkdir "$R/data/dir"
ln -s table "$R/data/link"

data() { # path size pages
	printf '{ "path": "%s", "size": %s, "pages": [%s] }' "$@"
}
elf() { # path build-id pages
	printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [%s] }' "$1" "$2" "$size" "$3"
}
id=$(build_id_of "$R/usr/bin/one")
profile "$P/test.one.json" /usr/bin/one "
	$(elf /usr/bin/one "$id" '[0, 1, 4, 0], [2, 1, 3, 3]'),
	$(elf /usr/bin/two "$id" '[0, 2, 4, 5]'),
	$(data /data/table 40960 '[1, 2, 4, 30], [5, 1, 4, 37]'),
	$(data /data/small 5000 '[0, 2, 2, 10]'),
	$(data /data/other 5000 '[0, 1, 1, 10]'),
	$(data /data/dir 4096 '[0, 1, 4, 10]'),
	$(data /data/link 40960 '[0, 1, 4, 10]'),
	$(data /data/none 4096 '[0, 1, 4, 10]'),
	$(data /data/unused 0 '')"
sed -i 's/"runs": 1,/"runs": 4,/' "$P/test.one.json"
show() { elfcast show --root="$R" "$@" 2>"$TMP/err"; }

# --- A profile
status "shows a profile" 0 show "$P/test.one.json"
share=$(awk "BEGIN { s = 200 / $pages; printf s < 9.95 ? \"%.1f%%\" : \"%.0f%%\", s }")
same "says all of it" "$(
	cat <<EOF
/usr/bin/one, scenario default (profile, x86_64)
trained: 4 runs, window 1000 ms, method uffd, kernel 6.18

  pages  share      runs   before  now         path
      1   100%    always   9.3 ms  not a file  /data/dir
      1    10%    always   9.3 ms  not a file  /data/link
      1   100%    always   9.3 ms  missing     /data/none
      1    50%         1   9.3 ms  stale       /data/other
      2   100%         2   9.3 ms  whole       /data/small
      3    30%    always   807 ms  valid       /data/table
      0      -         -        -  missing     /data/unused
      2 $(printf %6s "$share")       3-4   1.0 ms  valid       /usr/bin/one
      2 $(printf %6s "$share")    always   3.0 ms  stale       /usr/bin/two

13 pages (52 KiB) of 9 objects; usable now: 7 pages (28 KiB) of 3 objects
EOF
)" "$(cat "$TMP/out")"

# --- What it looks at
sed 's|\] }$|], "lookups": [["/", 0, [4, "a"]], ["/etc", 2, [3, "b", "c"]]] }|' "$P/test.one.json" >"$TMP/l.json"
status "lookups" 0 show "$TMP/l.json"
same "are counted" "looked at: 3 names in 2 directories, 1 listed" "$(tail -n 1 "$TMP/out")"
sed 's/"runs": 4/&, "without_lookups": 1/; s/\[4, "a"/[3, "a"/' "$TMP/l.json" >"$TMP/some.json"
status "lookups of some runs" 0 show "$TMP/some.json"
same "and it says so" "looked at: 3 names in 2 directories, 1 listed (recorded in 3 of 4 runs)" "$(tail -n 1 "$TMP/out")"
status "lookups --json" 0 show --json "$TMP/l.json"
same "and in JSON" "{'directories': 2, 'listed': 1, 'names': 3}" \
	"$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[0]["lookups"])' "$TMP/out")"

# --- Its shadow
elfcast compile --quiet --root="$R" --storage=flash
shadow=$(echo "$S"/*.shadow)
status "shows a program" 0 show /usr/bin/one
cp "$TMP/out" "$TMP/program"
same "all of the shadow" "$(
	cat <<EOF
/usr/bin/one, scenario default (shadow of test.one.json, x86_64)

  pages  share   before  now         path
      0      -        -  not a file  /data/dir
      0      -        -  not a file  /data/link
      0      -        -  missing     /data/none
      0      -        -  stale       /data/other
      1   100%   9.3 ms  whole       /data/small
      5    50%   807 ms  valid       /data/table
      0      -        -  missing     /data/unused
      3 $(printf %6s "$(awk "BEGIN { s = 300 / $pages; printf s < 9.95 ? \"%.1f%%\" : \"%.0f%%\", s }")")   1.0 ms  valid       /usr/bin/one
      0      -        -  stale       /usr/bin/two

9 pages (36 KiB) of 9 objects; usable now: 9 pages (36 KiB) of 3 objects
EOF
)" "$(cat "$TMP/out")"
status "shows a shadow file" 0 show "$shadow"
same "as the program's, whose profile it does not know" "$(sed "1s/ of [^,]*//" "$TMP/program")" "$(cat "$TMP/out")"

now() { show "$shadow" | awk -v p="$1" '$NF == p { print $(NF - 1) }'; }
touch "$R/data/table"
same "a data file that was touched: changed" changed "$(now /data/table)"
touch "$R/usr/bin/one"
same "a program that was touched has its build-id: valid" valid "$(now /usr/bin/one)"
mv "$R/usr/bin/one" "$R/usr/bin/saved"
same "gone: missing" missing "$(now /usr/bin/one)"
make_elf "$R/usr/bin/one" rebuilt
same "rebuilt: changed" changed "$(now /usr/bin/one)"
mv "$R/usr/bin/saved" "$R/usr/bin/one"
touch "$R/data/other"
same "stale and touched: changed, compile decides" changed "$(now /data/other)"
touch "$R/data/none"
same "there now: changed" changed "$(now /data/none)"
rm "$R/data/none"

# --- JSON
status "--json of a profile" 0 show --json "$P/test.one.json"
same "holds what the table does" "profile 13 7 3 9 2 3 4 stale $id" "$(python3 -c '
import json, sys
s, = json.load(sys.stdin)
o, t = s["objects"][7], s["objects"][8]
print(s["kind"], s["pages"], s["usable_pages"], s["usable_objects"], len(s["objects"]),
      o["pages"], o["min_runs"], o["max_runs"], t["now"], o["build_id"])' <"$TMP/out")"
status "--json of a shadow" 0 show --json /usr/bin/one
same "knows no runs" "shadow False None" "$(python3 -c '
import json, sys
s, = json.load(sys.stdin)
print(s["kind"], "min_runs" in s["objects"][5], s["objects"][5]["build_id"])' <"$TMP/out")"

# --- Colours: only on a terminal, and only if wanted
escapes() { grep -c $'\033' "$1"; }
show "$P/test.one.json" >"$TMP/out"
same "no colours in a pipe" 0 "$(escapes "$TMP/out")"
if command -v script >/dev/null; then
	on_terminal() { script -qec "$BUILD/elfcast show --root=$R $P/test.one.json" /dev/null </dev/null; }
	on_terminal >"$TMP/out"
	check "colours on a terminal" test "$(escapes "$TMP/out")" -gt 3
	NO_COLOR=1 on_terminal >"$TMP/out"
	same "none with NO_COLOR" 0 "$(escapes "$TMP/out")"
else
	skip "colours on a terminal" "no script(1)"
fi

# --- What the argument is: a file first, then a program in PATH
cp "$P/test.one.json" "$TMP/perl"
same "a bare word that is a file" "/usr/bin/one, scenario default (profile, x86_64)" \
	"$(cd "$TMP" && elfcast show perl | head -n 1)"
printf '\n\t %s' "$(cat "$P/test.one.json")" >"$TMP/indented"
status "white space before a profile" 0 show "$TMP/indented"
mkdir "$TMP/empty-dir"
(cd "$TMP/empty-dir" && PATH=$BUILD:/usr/bin:/bin status "a bare word that is a program" 1 elfcast show sh)
grep -q "no shadow of '/" "$TMP/err" || not_ok "looked sh up: $(cat "$TMP/err")"

# --- dump
status "dumps a program" 0 elfcast dump --root="$R" /usr/bin/one
cp "$TMP/out" "$TMP/dumped.json"
status "dumps a shadow" 0 elfcast dump "$shadow"
same "to the same text" "$(cat "$TMP/dumped.json")" "$(cat "$TMP/out")"
elfcast compile --quiet --root="$R" --storage=flash
elfcast dump --root="$R" /usr/bin/one >"$TMP/dumped.json"
before=$(sha256sum <"$shadow")
cp "$TMP/dumped.json" "$P/test.one.json"
rm -rf "${R:?}/var"
elfcast compile --quiet --root="$R" --storage=flash
same "what was dumped compiles to the same bytes" "$before" "$(sha256sum <"$shadow")"
status "a profile is not dumped" 1 elfcast dump "$P/test.one.json"

# --- Scenarios
for s in a b; do
	sed "s/\"default\"/\"$s\"/" "$TMP/dumped.json" >"$P/test.$s.json"
done
rm "$P/test.one.json"
elfcast compile --quiet --root="$R" --storage=flash
show /usr/bin/one >"$TMP/out"
same "shows all scenarios" 2 "$(grep -c scenario "$TMP/out")"
show --scenario=b /usr/bin/one >"$TMP/out"
same "or one" "/usr/bin/one, scenario b (shadow of test.b.json, x86_64)" "$(grep scenario "$TMP/out")"
status "dump wants to know which" 1 elfcast dump --root="$R" /usr/bin/one
same "and lists them" 2 "$(grep -cE '^elfcast:   --profile=test.[ab].json \(scenario [ab]\)$' "$TMP/err")"
status "then it dumps it" 0 elfcast dump --root="$R" --scenario=a /usr/bin/one
same "that one" '	"scenario": "a",' "$(grep scenario "$TMP/out")"

# --- Refusals
refuses() { # name status message command...
	local name=$1 wanted=$2 message=$3
	shift 3
	status "$name" "$wanted" "$@"
	same "$name: message" "$message" "$(cat "$TMP/err")"
}
cd "$TMP" || exit 1
head -c 100 "$(echo "$S"/*.a.json.shadow)" >cut.shadow
refuses "a cut shadow" 1 "elfcast: cannot read shadow 'cut.shadow': damaged" elfcast show cut.shadow
refuses "an index" 1 "elfcast: '$R/var/lib/elfcast/index' is neither a program's shadow nor a pack" \
	elfcast dump "$R/var/lib/elfcast/index"
echo '{ "elfcast": 2 }' >two.json
refuses "a profile of version 2" 1 "elfcast: two.json:1:14: version 2 is not supported (this is version 1)" \
	elfcast show two.json
: >empty
refuses "an empty file" 1 "elfcast: '$TMP/empty' is no profile, no shadow and no program" \
	elfcast show "$TMP/empty"
refuses "nothing" 1 "elfcast: './none' is no profile, no shadow and no program" \
	elfcast show ./none
refuses "a name that a terminal would obey" 1 \
	"elfcast: './a?b?31mc?d?e' is no profile, no shadow and no program" \
	elfcast show $'./a\e'"b"$'\xc2\x9b31mc\xe2\x80\xaed\x9be'
mkfifo fifo
refuses "a FIFO" 1 "elfcast: './fifo' is no profile, no shadow and no program" \
	timeout 10 elfcast show ./fifo
refuses "a program without shadow" 1 "elfcast: no shadow of '/usr/bin/two': 'elfcast status /usr/bin/two' tells why" \
	elfcast show --root="$R" /usr/bin/two
refuses "an unknown scenario" 1 "elfcast: no shadow of '/usr/bin/one' for scenario 'c'" \
	elfcast show --root="$R" --scenario=c /usr/bin/one
for verb in show dump; do
	status "$verb without argument" 2 elfcast $verb
	status "$verb with two" 2 elfcast $verb a b
	status "$verb with an unknown option" 2 elfcast $verb --none a
	status "$verb --help" 0 elfcast $verb --help
	status "$verb on a full disk" 1 bash -c "elfcast $verb --root='$R' --scenario=a /usr/bin/one >/dev/full"
done

# A profile of several releases: what belongs to another one is held against nobody.
B=$TMP/builds
mkdir -p "$B/usr/bin" "$B/usr/lib" "$B/usr/share/elfcast/profiles.d" "$B/var"
make_elf "$B/usr/bin/app" app
make_elf "$B/usr/lib/libnew.so.2" new
object() { # PATH BUILD_ID
	printf '{ "path": "%s", "build_id": "%s", "size": %d, "pages": [[0, 1, 1, 0]] }' "$1" "$2" \
		"$(stat -c %s "$B$1" 2>/dev/null || echo 16384)"
}
objects="$(object /usr/bin/app "$(build_id_of "$B/usr/bin/app")"), $(object /usr/bin/app 0123456789abcdef),
	$(object /usr/lib/libnew.so.2 "$(build_id_of "$B/usr/lib/libnew.so.2")"), $(object /usr/lib/libold.so.1 0123456789abcdef)"
profile "$B/usr/share/elfcast/profiles.d/test.app.json" /usr/bin/app "$objects"
elfcast compile -q --root="$B"
elfcast show --root="$B" /usr/bin/app >two
check "two builds: those of the other are not listed" sh -c "! grep -q 'stale\|missing\|libold' two"
check "but told" grep -qx "of other builds: 2 objects, which --verbose lists" two
same "--verbose lists them" 2 "$(elfcast show -v --root="$B" /usr/bin/app 2>/dev/null | grep -c "other build  *[/]")"
elfcast prefetch -v --root="$B" /usr/bin/app 2>two
check "prefetch skips none of them, and tells" sh -c "grep -q ' of 2 objects, 0 skipped, ' two && ! grep -q ': skipped' two"
check "with --verbose" grep -qx "elfcast: 2 objects of the profile are not here, or are of another build: see 'elfcast show'" two
check "it is valid" sh -c "elfcast list --root='$B' | grep -q '^valid  *2/2 '"
make_elf "$B/usr/lib/libnew.so.2" newer
elfcast compile -q --root="$B"
check "a file that is no build of them is stale" sh -c "elfcast list --root='$B' | grep -q '^partly stale  *1/2 '"
make_elf "$B/usr/bin/app" newer
elfcast compile -q --root="$B"
elfcast status --root="$B" /usr/bin/app >two
same "a program that is none of its builds is told of once" "1 0 of 2 files" \
	"$(grep -c '/usr/bin/app: another build' two) $(grep -o '0 of 2 files' two)"
# Programs are named by links, too, and those that lead nowhere are not installed, whatever else is there.
make_elf "$B/usr/lib/libnew.so.2" new
make_elf "$B/usr/lib/libboth.so.1" both
profile "$B/usr/share/elfcast/profiles.d/test.link.json" /usr/bin/link "$(object /usr/lib/app-1/link 0123456789abcdef),
	$(object /usr/lib/app-2/link fedcba9876543210), $(object /usr/lib/libnew.so.2 "$(build_id_of "$B/usr/lib/libnew.so.2")"),
	$(object /usr/lib/libboth.so.1 "$(build_id_of "$B/usr/lib/libboth.so.1")"), $(object /usr/lib/libboth.so.1 0123456789abcdef)"
state_of() { elfcast list --all --root="$B" | sed -n "s,^\(.*[^ ]\)  *[0-9]*/[0-9]*  .*  /usr/bin/$1\$,\1,p"; }
verdict_of() { elfcast status --pack --json --root="$B" 2>/dev/null | python3 -c "import json, sys
print(*[l['verdict'] for l in json.load(sys.stdin)['launches'] if l['profile'] == 'test.$1.json'])"; }
for step in nothing link; do # that leads nowhere
	[ $step = nothing ] || ln -s ../lib/app-1/link "$B/usr/bin/link"
	elfcast compile -q --root="$B"
	same "$step is there: absent, and not in the pack" "absent absent" "$(state_of link) $(verdict_of link)"
done
mkdir "$B/usr/lib/app-1"
make_elf "$B/usr/lib/app-1/link" linked
sed -i "s/0123456789abcdef\", \"size\": 16384,/$(build_id_of "$B/usr/lib/app-1/link")\", \"size\": $(stat -c %s "$B/usr/lib/app-1/link"),/" \
	"$B/usr/share/elfcast/profiles.d/test.link.json"
elfcast compile -q --root="$B"
same "what it leads to is there: valid, and in the pack" "valid taken" "$(state_of link) $(verdict_of link)"
rm -r "$B/usr/lib/app-1"
rm "$B/usr/bin/app"
elfcast compile -q --root="$B"
check "without the program it is absent" sh -c "elfcast list --all --root='$B' | grep -q '^absent'"
finish
