#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# sanitized: too
# elfcast retarget: a made-up program in several builds. Which functions it needs is known, so that
# it is known which pages each build needs.
. "$(dirname "$0")/../lib.sh"

. "$TOP/tests/helpers/retarget-lib.sh"

mkdir -p "$R/usr/lib/app-1.2"
# ---- usage ----
status "no profile" 2 elfcast retarget --to="$R"
status "no --to" 2 elfcast retarget "$TMP/p.json"
status "--json to standard output" 2 elfcast retarget --json --to="$R" "$TMP/p.json"
status "no such profile" 1 elfcast retarget --to="$R" "$TMP/none.json"
build "$TMP/old" 1 -O1
profile_of "$TMP/old" /usr/bin/app
status "no such root" 1 elfcast retarget --to="$TMP/none" "$TMP/p.json"
status "an empty root" 1 elfcast retarget --to="$R" "$TMP/p.json"
same "says that nothing is known" "elfcast: nothing of '$TMP/p.json' is known of '$R'" "$(cat "$TMP/err")"

# ---- the build that was trained ----
cp "$TMP/old" "$R/usr/bin/app"
status "the same build" 0 retarget --to="$R" "$TMP/p.json"
same "says so" "elfcast: 1 objects as they were, 0 retargeted, 0 left out" "$(cat "$TMP/err")"
same "its pages" "$(needed "$TMP/old" | paste -s -d ' ')" "$(object pages)"
same "is not marked" "-" "$(object retargeted_from)"
same "keeps its fingerprint" "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["objects"][0]["fingerprint"])' "$TMP/p.json")" \
	"$(object fingerprint)"
"$BUILD/tests/profile-check" "$TMP/new.json" | cmp -s - "$TMP/new.json"
check "is canonical text" test $? = 0

# ---- another build-id alone ----
first=$(printf '00112233%.0s' 1 2 3 4 5) second=$(printf '44556677%.0s' 1 2 3 4 5)
gcc -Wl,--build-id=0x$first -o "$TMP/b" "$(compiled 1 -O1)" && gcc -Wl,--build-id=0x$second -o "$TMP/c" "$(compiled 1 -O1)"
cp "$TMP/b" "$TMP/b.full"
profile_of "$TMP/b" /usr/bin/app
cp "$TMP/c" "$R/usr/bin/app"
status "another build-id of the same content" 0 retarget --to="$R" "$TMP/p.json"
same "same pages" "$(needed "$TMP/b" | paste -s -d ' ')" "$(object pages)"
same "from" "$first" "$(object retargeted_from)"
same "id" "$second" "$(object build_id)"
same "sure" 100 "$(object confidence)"
same "no fingerprint" "-" "$(object fingerprint)"
same "what is unknown is kept" 1 "$(object note)"

# ---- never what was retargeted ----
cp "$TMP/new.json" "$TMP/again.json"
status "a retargeted profile for its build" 0 retarget --to="$R" "$TMP/again.json"
same "stays marked" "$first" "$(object retargeted_from)"
cp "$TMP/b" "$R/usr/bin/app"
status "a retargeted profile for another build" 1 retarget -v --to="$R" "$TMP/again.json"
check "says why" grep -q "was retargeted already" "$TMP/err"

# ---- a new version, other flags ----
profile_of "$TMP/old" /usr/bin/app
for how in "2 -O1" "2 -Os -fno-omit-frame-pointer"; do
	# shellcheck disable=SC2086
	build "$TMP/new" $how
	cp "$TMP/new" "$R/usr/bin/app"
	status "version and flags $how" 0 retarget --to="$R" "$TMP/p.json"
	at_least "version and flags $how: pages" 90 50 "$(score "$TMP/new")"
	same "from" "$(id_of "$TMP/old")" "$(object retargeted_from)"
	check "sure within its limits" test "$(object confidence)" -le 100 -a "$(object confidence)" -ge 50
done
status "--to a file" 0 retarget --to="$R/usr/bin/app" "$TMP/p.json"
at_least "--to a file: pages" 90 50 "$(score "$TMP/new")"
status "--json" 0 retarget --json --to="$R" "$TMP/p.json"
check "summary" python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert d["retargeted"] == 1 and d["exact"] == 0 and d["left_out"] == 0 and d["pages"] > 10, d
assert 50 <= d["confidence"] <= 100, d' "$TMP/out"
status "to standard output" 0 elfcast retarget --to="$R" "$TMP/p.json"
check "the same" cmp -s "$TMP/out" "$TMP/new.json"

# ---- other functions beside each other ----
# shuffled N FILE: functions without texts, each N-th one after the other; each has a number of its own
shuffled() {
	awk -v step="$1" 'BEGIN {
		srand(3)
		print "int sum;"
		for (i = 0; i < 1000; i++) {
			text = ""
			n = 1 + int(rand() * 14)
			for (k = 0; k < n; k++) text = text " p[" k "] += sum ^ " k * 7 ";"
			functions[i] = "void function_" i "(int *p) {" text " sum += p[1] ^ " 65536 + i * 97 "; }"
		}
		for (i = 0; i < 1000; i++) print functions[i * step % 1000]
		print "int main(void) { int p[64] = { 0 }; function_1(p); return 0; }"
	}' | gcc -O1 -fno-toplevel-reorder -Wl,--build-id=sha1 -x c -o "$2.full" - && strip -o "$2" "$2.full"
}
shuffled 1 "$TMP/ordered"
shuffled 7 "$R/usr/bin/app" && mv "$R/usr/bin/app.full" "$TMP/shuffled.full"
profile_of "$TMP/ordered" /usr/bin/app
status "functions in another order" 0 retarget --to="$R" "$TMP/p.json"
at_least "functions in another order: pages" 90 50 "$(score "$TMP/shuffled")"
cp "$TMP/new" "$R/usr/bin/app"
profile_of "$TMP/old" /usr/bin/app

# ---- who calls whom ----
# A library calls its own exported functions by stubs; what is handed on counts, too.
echo '__attribute__((noinline)) void called(int *p) { p[0] += p[1]; p[2] ^= 5; }
	__attribute__((noinline, visibility("hidden"))) void handed(int *p) { p[1] -= p[2]; p[0] |= 3; }
	void taker(void (*)(int *), int *);
	void caller(int *p) { called(p); p[3]++; taker(handed, p); p[4]++; }' >"$TMP/calls.c"
for how in -Wl,-z,lazy -Wl,-z,now -fcf-protection=full -fno-plt; do
	[ $how != -fcf-protection=full ] || [ "$(uname -m)" = x86_64 ] || continue
	gcc -O1 -shared -fPIC -fcf-protection=none $how -o "$TMP/calls.so" "$TMP/calls.c" || continue
	"$BUILD/tests/fingerprint" "$TMP/calls.so" calls >"$TMP/calls"
	at() { nm "$TMP/calls.so" | awk -v name="$1" '$3 == name { print $1 }'; }
	[ "$(uname -m)" = x86_64 ] || break
	check "$how: by a stub" grep -q "^$(at caller) $(at called)$" "$TMP/calls"
	check "$how: an address that is taken" grep -q "^$(at caller) $(at handed)$" "$TMP/calls"
done

# ---- paths with other numbers, data files ----
cp "$TMP/new" "$R/usr/lib/app-1.2/libapp.so.7.1"
cp "$TMP/new" "$R/usr/lib/app-1.2/libapp3.so.9" # another library
ln -s libapp.so.7.1 "$R/usr/lib/app-1.2/libapp.so.8"
cp "$TMP/new" "$R/usr/lib/app-1.2/liba2.so.3"
cp "$TMP/new" "$R/usr/lib/app-1.2/liba3.so.9" # another one, too
head -c 5000 /dev/zero >"$R/usr/lib/app-1.2/small"
head -c 300000 /dev/zero >"$R/usr/lib/app-1.2/big"
head -c 300000 /dev/zero >"$R/usr/lib/app-1.2/bigger"
profile_of "$TMP/old" /usr/lib/app-1.1/liba2.so.1
status "a number in its name" 0 retarget -v --to="$R" "$TMP/p.json"
same "is kept rather than its version" "/usr/lib/app-1.2/liba2.so.3" "$(object path)"
cp "$TMP/new" "$R/usr/lib/app-1.2/libapp-2.4-more.2026.so"
profile_of "$TMP/old" /usr/lib/app-1.1/libapp-2.3-more.so
status "a number more in its name" 0 retarget -v --to="$R" "$TMP/p.json"
same "takes its place, too" "/usr/lib/app-1.2/libapp-2.4-more.2026.so" "$(object path)"
profile_of "$TMP/old" /usr/lib/app-1.1/libapp.so.6.3 ",
	{ \"path\": \"/usr/lib/app-1.1/small\", \"size\": 9000, \"pages\": [[1, 1, 1, 4]] },
	{ \"path\": \"/usr/lib/app-1.1/big\", \"size\": 300000, \"pages\": [[7, 2, 1, 4]] },
	{ \"path\": \"/usr/lib/app-1.1/bigger\", \"size\": 200000, \"pages\": [[7, 2, 1, 4]] }"
status "other numbers" 0 retarget -v --to="$R" "$TMP/p.json"
same "paths" "/usr/lib/app-1.2/big /usr/lib/app-1.2/libapp.so.7.1 /usr/lib/app-1.2/small" "$(object path | paste -s -d ' ')"
same "a data file of the same size" "7 8" "$(object pages /usr/lib/app-1.2/big)"
same "a small one of another size" "0 1" "$(object pages /usr/lib/app-1.2/small)"
check "a big one is left out" grep -q "bigger: left out: a data file of another size" "$TMP/err"

# ---- another program ----
# trained NAME FILE: a profile of /usr/bin/NAME as if each second page of FILE had been needed
trained() {
	local pages
	pages=$(seq 0 2 $((($(stat -L -c %s "$2") - 1) / 4096)))
	# shellcheck disable=SC2086 # a list
	profile "$TMP/p.json" "/usr/bin/$1" "{ \"path\": \"/usr/bin/$1\", \"build_id\": \"$(id_of "$2")\",
		\"size\": $(stat -L -c %s "$2"), \"pages\": [$(sed 's/.*/[&, 1, 1, 3]/' <<<"$pages" | paste -s -d ,)],
		\"fingerprint\": \"$("$BUILD/tests/fingerprint" "$2" "$3" $pages)\" }"
}
echo 'int puts(const char *); int main(void) { return puts("Hello, world!") < 0; }' >"$TMP/hello.c"
gcc -O2 -o "$TMP/hello" "$TMP/hello.c" && strip "$TMP/hello"
programs="$TMP/hello"
# shellcheck disable=SC2046 # names
for name in bash dash sed grep $([ "${ELFCAST_SANITIZED:-}" ] || echo awk tar gzip ld as); do
	file=$(readlink -f "$(type -P "$name")") && [ "$(id_of "$file")" ] && programs+=" $file"
done
taken='' n=0 # which program is one that it is not
for a in $programs; do
	for level in sizes keys; do
		trained app "$a" "$level"
		for b in $programs; do
			[ "$a" != "$b" ] || continue
			n=$((n + 1))
			cp "$b" "$R/usr/bin/app"
			retarget --to="$R" "$TMP/p.json" 2>/dev/null && taken+=" ${a##*/}:${b##*/}"
		done
	done
done
echo "# $n pairs of programs"
check "there are some" test "$n" -ge 40
same "no program is another one" "" "$taken"
status "another program" 1 retarget -v --to="$R" "$TMP/p.json"
check "says why" grep -q "left out: another program" "$TMP/err"
# Small files are known, too: the same source, other flags, and a little more of it.
trained hello "$TMP/hello" keys
sed 's/world/moon/; s/< 0/!= 11/' "$TMP/hello.c" >"$TMP/hello2.c"
gcc -O1 -fno-omit-frame-pointer -o "$R/usr/bin/hello" "$TMP/hello2.c" && strip "$R/usr/bin/hello"
status "a small program, built anew" 0 retarget --to="$R" "$TMP/p.json"
same "from" "$(id_of "$TMP/hello")" "$(object retargeted_from)"

# ---- compile does it on the machine ----
P=$R/usr/share/elfcast/profiles.d
mkdir -p "$P" "$R/var"
cp "$TMP/new" "$R/usr/bin/app"
profile_of "$TMP/old" /usr/bin/app
cp "$TMP/p.json" "$P/test.app.json"
compile() { elfcast compile --root="$R" --storage=flash "$@"; }
shown() { # KEY
	elfcast show --root="$R" --json "$R/var/lib/elfcast/shadow"/*.shadow |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["objects"][0].get(sys.argv[1], "-"))' "$1"
}
retarget --to="$R" "$TMP/p.json" 2>/dev/null
status "compile" 0 compile --json
same "nothing is left for later" 0 "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["deferred"])' "$TMP/out")"
same "as sure as retarget" "$(object confidence)" "$(shown retargeted)"
same "is of the build that is there" "$(id_of "$TMP/new") valid" "$(shown build_id) $(shown now)"
check "has its pages" test "$(shown pages)" -ge "$(object pages | wc -w)"
elfcast show --root="$R" "$R/var/lib/elfcast/shadow"/*.shadow >"$TMP/out"
check "show says so" grep -q "retargeted $(object confidence)%  /usr/bin/app" "$TMP/out"
elfcast status --root="$R" /usr/bin/app >"$TMP/out" 2>/dev/null
check "status names it" grep -q "^ *\(state: .*\)\?/usr/bin/app: another build, retargeted: $(object confidence) % sure$" "$TMP/out"
check "status tells it from what is exact" grep -q "^state: *valid, 0 of 1 file as the profile knows them, 1 retargeted, " "$TMP/out"
same "status --json names it" "/usr/bin/app $(object confidence)" "$(elfcast status --json --root="$R" /usr/bin/app 2>/dev/null |
	python3 -c 'import json, sys; r, = json.load(sys.stdin)[0]["profiles"][0]["retargeted"]; print(r["path"], r["confidence"])')"
elfcast list --root="$R" >"$TMP/out" 2>&1
check "list says so" grep -q "/usr/bin/app (1 retargeted)" "$TMP/out"
same "as JSON, too" 1 "$(elfcast status --json --root="$R" 2>/dev/null |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["programs"][0]["retargeted_objects"])')"
elfcast dump --root="$R" "$R/var/lib/elfcast/shadow"/*.shadow >"$TMP/dump.json"
same "dump is marked" "$(id_of "$TMP/new")" "$(sed -n 's/.*"retargeted_from": "\(.*\)",/\1/p' "$TMP/dump.json")"
cp "$R/var/lib/elfcast/shadow"/*.shadow "$TMP/first"
cp "$TMP/dump.json" "$P/test.app.json"
status "compile what was dumped" 0 compile
check "the same bytes" cmp -s "$TMP/first" "$R/var/lib/elfcast/shadow"/*.shadow
cp "$TMP/p.json" "$P/test.app.json"
status "compile again" 0 compile
status "and again" 0 compile
check "nothing to do" grep -q "0 compiled, 1 unchanged" "$TMP/err"
cp "$TMP/old" "$R/usr/bin/app"
status "compile for the build that was trained" 0 compile
same "is trained" "- valid" "$(shown retargeted) $(shown now)"
# The id is the same, the file is not: what is loaded has moved, as patchelf does it.
cp "$TMP/old" "$TMP/moved" && head -c 5000 /dev/zero >>"$TMP/moved" && cp "$TMP/moved" "$R/usr/bin/app"
status "compile for a file that is longer" 0 compile
same "the same content is as trained" "- valid" "$(shown retargeted) $(shown now)"
cp "$TMP/c" "$R/usr/bin/app" && profile_of "$TMP/b" /usr/bin/app && cp "$TMP/p.json" "$P/test.app.json"
status "compile for another build-id alone" 0 compile
same "is as trained, of the id that is there" "- valid $second" "$(shown retargeted) $(shown now) $(shown build_id)"

# Nothing is applied to another program: not by its fingerprint, not without.
cp "$(type -P bash)" "$R/usr/bin/app"
for how in with without; do
	profile_of "$TMP/old" /usr/bin/app
	[ $how = with ] || sed -i 's/"fingerprint": "[^"]*"/"note2": 2/' "$TMP/p.json"
	cp "$TMP/p.json" "$P/test.app.json"
	status "compile for another program, $how fingerprint" 0 compile
	same "leaves it, $how fingerprint" "- stale" "$(shown retargeted) $(shown now)"
	elfcast list --root="$R" >"$TMP/out" 2>&1
	check "list says so, $how fingerprint" grep -q "^stale .*0/1 .*/usr/bin/app$" "$TMP/out"
done

# ---- the same build-id, another file, and nothing is known but where it ended ----
# now_of OLD NEW: what compile and show say of NEW where OLD was trained, without a fingerprint
now_of() {
	profile_of "$1" /usr/bin/app
	sed 's/"fingerprint": "[^"]*"/"note2": 2/' "$TMP/p.json" >"$P/test.app.json"
	cp "$2" "$R/usr/bin/app"
	elfcast compile -q --root="$R" --storage=flash
	echo "$(shown now) $(elfcast show --root="$R" --json "$P/test.app.json" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["objects"][0]["now"])')"
}
same "something behind the end" "valid valid" "$(now_of "$TMP/old" "$TMP/moved")"
same "more sections" "stale stale" "$(objcopy --add-section .more="$TMP/hello.c" "$TMP/old" "$TMP/more"
	now_of "$TMP/old" "$TMP/more")"
gcc -Wl,--build-id=0x$first -o "$TMP/d" "$(compiled 2 -O1)"
same "an id that was set by hand" "stale stale" "$(now_of "$TMP/b" "$TMP/d")"
if type -P patchelf >/dev/null; then
	cp "$TMP/old" "$TMP/patched"
	patchelf --set-interpreter "/a/much/longer/path/to/the/dynamic/linker/than/there/was/ld.so.2" "$TMP/patched"
	same "patchelf keeps the id" "$(id_of "$TMP/old")" "$(id_of "$TMP/patched")"
	same "patchelf moved it" "stale stale" "$(now_of "$TMP/old" "$TMP/patched")"
fi
# What was compiled before the file became another one: prefetch goes by the size, and so does show.
now_of "$TMP/old" "$TMP/old" >/dev/null
cp "$TMP/moved" "$R/usr/bin/app"
same "another size since it was compiled" "changed" "$(shown now)"

# ---- no build-id at all: its first page tells versions apart, also of the same size ----
for seed in 1 2; do
	gcc -Wl,--build-id=none -o "$TMP/none$seed" "$(compiled $seed -O1)" && cp "$TMP/none$seed" "$TMP/none$seed.full"
	truncate -s 400000 "$TMP/none$seed"
done
made_id() { "$BUILD/tests/fingerprint" "$1" id; }
check "their ids differ" test "$(made_id "$TMP/none1")" != "$(made_id "$TMP/none2")"
id_of() { made_id "$1"; }
same "the one that was trained" "valid valid" "$(now_of "$TMP/none1" "$TMP/none1")"
same "another one of its size" "stale stale" "$(now_of "$TMP/none1" "$TMP/none2")"
profile_of "$TMP/none1" /usr/bin/app
status "can be retargeted" 0 retarget --to="$R" "$TMP/p.json"
same "from" "$(made_id "$TMP/none1")" "$(object retargeted_from)"
id_of() { build_id_of "$1"; }

# ---- check says what could be ----
if [ -x "$BUILD/elfcast-check" ]; then
	cp "$TMP/new" "$R/usr/bin/app"
	profile_of "$TMP/old" /usr/bin/app
	ELFCAST_EXEC_PATH=$BUILD ASAN_OPTIONS=detect_leaks=0 status "check against another build" 1 \
		elfcast check --against="$R" "$TMP/p.json"
	retarget --to="$R" "$TMP/p.json" 2>/dev/null
	check "says how sure that is" grep -q "found; can be retargeted, $(object confidence) % sure" "$TMP/out"
	tar -C "$R" -cf "$TMP/app.tar" usr/bin/app
	ELFCAST_EXEC_PATH=$BUILD ASAN_OPTIONS=detect_leaks=0 status "in an archive" 1 \
		elfcast check --against="$TMP/app.tar" "$TMP/p.json"
	check "says the same" grep -q "found; can be retargeted, $(object confidence) % sure" "$TMP/out"
	cp "$(type -P bash)" "$R/usr/bin/app"
	ELFCAST_EXEC_PATH=$BUILD ASAN_OPTIONS=detect_leaks=0 status "check against another program" 1 \
		elfcast check --against="$R" "$TMP/p.json"
	check "says that it cannot" grep -q "found; cannot be retargeted" "$TMP/out"
	cp "$TMP/new" "$R/usr/bin/app"
fi

# ---- what cannot be ----
profile_of "$TMP/old" /usr/bin/app
tr '\n\t' '  ' <"$TMP/p.json" | sed 's/, *"fingerprint": "[^"]*"//' >"$TMP/plain.json"
status "trained without --portable" 1 retarget -v --to="$R" "$TMP/plain.json"
check "says so" grep -q "trained without --portable" "$TMP/err"
head -c 3000 "$TMP/new" >"$R/usr/bin/app"
status "a file that is cut" 1 retarget -v --to="$R" "$TMP/p.json"
finish
