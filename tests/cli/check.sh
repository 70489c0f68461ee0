#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# sanitized: too
# check without packages, and against a directory: every message and exit status.
. "$(dirname "$0")/../lib.sh"
export ASAN_OPTIONS=detect_leaks=0 # who checks strangers' bytes is alone: LeakSanitizer needs others

if [ ! -x "$BUILD/elfcast-check" ]; then
	skip "check" "built without librpm or libarchive"
	finish
fi
export ELFCAST_EXEC_PATH=$BUILD
check_() { elfcast check "$@"; }
said() { sed "s|$TMP/||g" "$TMP/$1"; }
json_ok() { python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$TMP/out"; }

# ---- elfcast runs elfcast-check, and nothing else by accident ----
status "no profile" 2 check_
same "says so" "elfcast: check: no profile given|Try 'elfcast check --help'" "$(tr '\n' '|' <"$TMP/err" | sed 's/|$//')"
status "unknown option" 2 check_ --nonsense
status "--help" 0 check_ --help
same "names the verb" "Usage: elfcast check [--against=PACKAGE|DIR]... [--all] [--quick] [--strict] PROFILE..." \
	"$(head -n 1 "$TMP/out")"
status "--root" 2 check_ --root=/ x
status "--all alone" 2 check_ --all x
status "--help of elfcast" 0 elfcast --help
check "lists it" grep -q '^  check ' "$TMP/out"
mkdir "$TMP/exec"
printf '#!/bin/sh\necho "ran $*"\nexit 7\n' >"$TMP/exec/elfcast-hello"
chmod +x "$TMP/exec/elfcast-hello"
cp "$TMP/exec/elfcast-hello" "$TMP/exec/elfcast-"
cp "$TMP/exec/elfcast-hello" "$TMP/exec/elfcast--hello"
ELFCAST_EXEC_PATH=$TMP/exec status "any elfcast-VERB is run" 7 elfcast hello a b
same "with its arguments" "ran a b" "$(cat "$TMP/out")"
ELFCAST_EXEC_PATH=$TMP/exec status "not installed" 1 elfcast check x
same "says so" "elfcast: check: elfcast-check is not installed" "$(cat "$TMP/err")"
for verb in ../exec/elfcast-hello hello/../hello Hello hell0 '' 'a b'; do
	ELFCAST_EXEC_PATH=$TMP/exec status "no verb: '$verb'" 2 elfcast "$verb"
	same "no verb: '$verb': says so" "elfcast: unknown verb '$verb'" "$(head -n 1 "$TMP/err")"
done
ELFCAST_EXEC_PATH=$TMP/exec status "no verb, but an option" 2 elfcast -hello
chmod -x "$TMP/exec/elfcast-hello"
ELFCAST_EXEC_PATH=$TMP/exec status "not executable" 1 elfcast hello
same "says so" "elfcast: cannot run elfcast-hello: Permission denied" "$(cat "$TMP/err")"

# ---- bad profiles: the messages of the parser ----
wrong=0 n=0
for expect in "$TOP"/tests/bad/*.expect; do
	json=${expect%.expect}.json
	(cd "$TOP/tests/bad" && elfcast check "${json##*/}") >"$TMP/out" 2>"$TMP/err"
	s=$? n=$((n + 1))
	[ $s = 1 ] && [ ! -s "$TMP/out" ] && [ "$(cat "$TMP/err")" = "elfcast: $(head -n 1 "$expect")" ] && continue
	wrong=$((wrong + 1))
	echo "# ${json##*/}: status $s: $(cat "$TMP/err")"
done
same "$n bad profiles, each with its message" 0 $wrong
status "bad ones do not hide good ones" 1 check_ "$TOP/tests/bad/empty.json" "$TOP/tests/good/git.json"
check "the good one is reported" grep -q 'git.json: /usr/bin/git' "$TMP/out"
status "no such file" 1 check_ "$TMP/none.json"
same "says so" "elfcast: none.json: No such file or directory" "$(said err)"
status "a directory" 1 check_ "$TMP"
mkfifo "$TMP/fifo"
status "a FIFO" 1 timeout 20 elfcast check "$TMP/fifo"
same "says so" "elfcast: fifo: is not a regular file" "$(said err)"
truncate -s 1G "$TMP/large.json"
status "1 GiB" 1 check_ "$TMP/large.json"
same "says so" "elfcast: large.json: 1073741824 bytes (at most 8388608)" "$(said err)"
rm "$TMP/large.json"

# ---- lint ----
good='{ "path": "/usr/bin/p", "build_id": "00aa", "size": 8192, "pages": [[0, 1, 10, 0]] }'
profile "$TMP/p.json" /usr/bin/p "$good"
sed -i 's/"runs": 1,/"runs": 10,/' "$TMP/p.json"
status "a good one" 0 check_ "$TMP/p.json"
same "no warning" "" "$(said err)"
same "one line" "p.json: /usr/bin/p, scenario default: 1 object, 1 page" "$(said out)"
status "--quiet" 0 check_ -q "$TMP/p.json"
same "says nothing" "" "$(said out)$(said err)"

sed 's|\] }$|], "lookups": [["/etc", 1, [10, "a", "b"]]] }|' "$TMP/p.json" >"$TMP/l.json"
status "with lookups" 0 check_ "$TMP/l.json"
same "says how many" "l.json: /usr/bin/p, scenario default: 1 object, 1 page, 2 names looked up" "$(said out)"

warns() { # name sed-script expected-warning
	sed "$2" "$TMP/p.json" >"$TMP/w.json"
	status "$1" 0 check_ "$TMP/w.json"
	same "$1: warning" "elfcast: warning: w.json: $3" "$(said err)"
	status "$1: --strict" 1 check_ --strict "$TMP/w.json"
}
warns "one run" 's/"runs": 10/"runs": 1/; s/1, 10, 0/1, 1, 0/' \
	"trained in 1 run: what differs between launches is unknown"
warns "pagemap" 's/uffd/pagemap/' "trained with 'pagemap', which takes neighbours of needed pages for needed"
warns "few runs" 's/\[0, 1, 10, 0\]/[0, 1, 2, 0], [1, 1, 1, 0]/' "1 of 2 pages were needed in less than 1/6 of the 10 runs"
warns "scenario" 's/"default"/"Git Status"/' "scenario 'Git Status' has other characters than a-z, 0-9, '-', '.', '_'"
warns "long scenario" 's/"default"/"abcdefghijklmnopqrstuvwxyz-0123456"/' \
	"scenario 'abcdefghijklmnopqrstuvwxyz-0123456' has 34 bytes (better at most 32)"
warns "home" 's|\] }$|, { "path": "/home/joe/.gitconfig", "size": 1, "pages": [] } ] }|' \
	"/home/joe/.gitconfig: lies in /home, a place for a home directory"
warns "root's home" 's|\] }$|, { "path": "/root/x", "size": 1, "pages": [] } ] }|' "/root/x: lies in /root, a place for a home directory"
warns "lookups in a home" 's|\] }$|], "lookups": [["/etc", 1], ["/home", 1]] }|' "/home/: lies in /home, a place for a home directory"
warns "no build-id" 's|\] }$|, { "path": "/usr/lib/liba.so.1", "size": 1, "pages": [] } ] }|' \
	"/usr/lib/liba.so.1: has no build-id, only its size tells builds apart"
warns "without the program" 's|"path": "/usr/bin/p"|"path": "/usr/bin/q"|' \
	"the program itself, /usr/bin/p, is not among the objects"
warns "large" 's/"size": 8192/"size": 8589934592/; s/\[0, 1, 10, 0\]/[0, 200000, 10, 0]/' \
	"200000 pages (781 MiB): more than any launch should need"
warns "no pages" 's/\[0, 1, 10, 0\]//' "has no pages at all"
status "--json" 0 check_ --json "$TMP/w.json"
check "is JSON" json_ok
same "with the warning" "has no pages at all" \
	"$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["profiles"][0]["warnings"][0])' "$TMP/out")"
status "--json of a bad one" 1 check_ --json "$TOP/tests/bad/arch-number.json"
check "is JSON" json_ok
same "with the position" "4 10 'arch' must be a string, not an integer" "$(python3 -c '
import json,sys; e=json.load(open(sys.argv[1]))["profiles"][0]["error"]; print(e["line"], e["column"], e["message"])' "$TMP/out")"

# ---- against a directory ----
D=$TMP/dir
mkdir -p "$D/usr/bin" "$D/usr/lib" "$D/usr/share/p"
make_elf "$D/usr/bin/p" one
make_elf "$D/usr/lib/liba.so.1.2" two
make_elf "$D/usr/bin/short" three
echo data >"$D/usr/share/p/data"
id=$(build_id_of "$D/usr/bin/p") size=$(stat -c %s "$D/usr/bin/p") other=$(build_id_of "$D/usr/lib/liba.so.1.2")
short=$(build_id_of "$D/usr/bin/short") short_size=$(stat -c %s "$D/usr/bin/short")
short_pages=$(((short_size + 4095) / 4096))
# XXH3-128 of "data\n", as xxh128sum(1) has it.
digest=xxh3-128:3e29596d3a5545aae26324780e945ea2
elf() { printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[%s, 1, 10, 0]] }' "$@"; }
data() { printf '{ "path": "%s", "size": %s, "digest": "%s", "pages": [[0, 1, 10, 0]] }' "$@"; }
against() { # name expected-status expected-out objects [option...]
	local name=$1 expected=$2 out=$3 objects=$4
	shift 4
	profile "$TMP/p.json" /usr/bin/p "$objects"
	sed -i 's/"runs": 1,/"runs": 10,/' "$TMP/p.json"
	status "$name" "$expected" check_ --against="${AGAINST:-$D}" "$@" "$TMP/p.json"
	same "$name: verdict" "$out" "$(said out)"
	same "$name: no complaint" "" "$(said err | grep -v ': directory$')"
}
P=$(elf /usr/bin/p "$id" "$size" 0)
against "matches" 0 "p.json: matches: /usr/bin/p
p.json: 1 matches" "$P"
against "--quiet" 0 "" "$P" -q
against "other build-id" 1 "p.json: stale: /usr/bin/p: build-id 00ff wanted, $id found
p.json: 0 matches, 1 stale" "$(elf /usr/bin/p 00ff "$size" 0)"
against "the same of several builds" 0 "p.json: other build: /usr/bin/p: build-id 00ff wanted, $id found
p.json: matches: /usr/bin/p
p.json: 1 matches, 1 other build" "$(elf /usr/bin/p 00ff "$size" 0), $P" -v
against "not stripped yet" 0 "p.json: matches: /usr/bin/p: $size bytes, not 4096
p.json: 1 matches" "$(elf /usr/bin/p "$id" 4096 0)"
against "past the end" 1 "p.json: past the end: /usr/bin/short: page 99 is past the end ($short_pages pages)" "$P, $(elf /usr/bin/short "$short" 409600 99)" -q
against "one past the end" 1 "p.json: past the end: /usr/bin/short: page $short_pages is past the end ($short_pages pages)" \
	"$P, $(elf /usr/bin/short "$short" 409600 "$short_pages")" -q
against "last page" 0 "p.json: matches: /usr/bin/p
p.json: matches: /usr/bin/short: $short_size bytes, not 409600
p.json: 2 matches" "$P, $(elf /usr/bin/short "$short" 409600 $((short_pages - 1)))"
AGAINST=$TMP/exec against "the program is missing" 1 "p.json: missing: /usr/bin/p
p.json: 0 matches, 1 missing" "$P"
against "elsewhere" 0 "p.json: elsewhere: /lib/libc.so.6
p.json: matches: /usr/bin/p
p.json: 1 matches, 1 elsewhere" "$P, $(elf /lib/libc.so.6 00 4096 0)" -v
against "elsewhere is silent" 0 "p.json: matches: /usr/bin/p
p.json: 1 matches, 1 elsewhere" "$P, $(elf /lib/libc.so.6 00 4096 0)"
against "--all" 1 "p.json: missing: /lib/libc.so.6
p.json: matches: /usr/bin/p
p.json: 1 matches, 1 missing" "$P, $(elf /lib/libc.so.6 00 4096 0)" --all
against "another version of a library" 1 "p.json: matches: /usr/bin/p
p.json: missing: /usr/lib/liba.so.1.1: there is liba.so.1.2
p.json: 1 matches, 1 missing" "$P, $(elf /usr/lib/liba.so.1.1 00 4096 0)"
against "merged /usr" 0 "p.json: matches: /lib/liba.so.1.2: $(stat -c %s "$D/usr/lib/liba.so.1.2") bytes, not 4096
p.json: matches: /usr/bin/p
p.json: 2 matches" "$P, $(elf /lib/liba.so.1.2 "$other" 4096 0)"
against "size of data" 1 "p.json: matches: /usr/bin/p
p.json: stale: /usr/share/p/data: 7 bytes wanted, 5 found
p.json: 1 matches, 1 stale" "$P, $(data /usr/share/p/data 7 "$digest")"
against "data of unknown digest" 0 "p.json: matches: /usr/bin/p
p.json: matches: /usr/share/p/data
p.json: 2 matches" "$P, $(data /usr/share/p/data 5 sha256:00)"
against "digest" 0 "p.json: matches: /usr/bin/p
p.json: matches: /usr/share/p/data
p.json: 2 matches" "$P, $(data /usr/share/p/data 5 "$digest")"
against "other digest" 1 "p.json: matches: /usr/bin/p
p.json: digest differs: /usr/share/p/data: xxh3-128:00 wanted, $digest found
p.json: 1 matches, 1 digest differs" "$P, $(data /usr/share/p/data 5 xxh3-128:00)"
ln -s p "$D/usr/bin/link"
ln -s bin "$D/usr/sbin2"
mkfifo "$D/usr/bin/fifo"
mkdir "$D/usr/bin/directory"
echo text >"$D/usr/bin/text"
head -c 100 "$D/usr/bin/p" >"$D/usr/bin/cut"
gcc -x c -o "$D/usr/bin/no-id" -Wl,--build-id=none - <<<'int main(void) { return 0; }'
against "what is not a file" 1 "p.json: not a file: /usr/bin/directory: neither a file nor a link
p.json: not a file: /usr/bin/fifo: neither a file nor a link
p.json: not a file: /usr/bin/link: a symbolic link to 'p'
p.json: not a file: /usr/sbin2/p: a symbolic link leads to it" "$P, $(elf /usr/bin/directory 00 9 0), $(elf /usr/bin/fifo 00 9 0),
	$(elf /usr/bin/link "$id" "$size" 0), $(elf /usr/sbin2/p "$id" "$size" 0)" -q
against "ELF files of other kinds" 1 "p.json: stale: /usr/bin/cut: build-id 00 wanted, a damaged ELF file found
p.json: stale: /usr/bin/no-id: build-id 00 wanted, none found
p.json: stale: /usr/bin/text: build-id 00 wanted, no ELF file found" \
	"$P, $(elf /usr/bin/cut 00 9 0), $(elf /usr/bin/no-id 00 9 0), $(elf /usr/bin/text 00 9 0)" -q

mkdir -p "$TMP/second/usr/bin"
cp "$D/usr/bin/p" "$TMP/second/usr/bin/second"
against "two at once" 0 "p.json: matches: /usr/bin/p
p.json: matches: /usr/bin/second
p.json: 2 matches" "$P, $(elf /usr/bin/second "$id" "$size" 0)" --all --against="$TMP/second"
status "--json" 0 check_ --json --against="$D" "$TMP/p.json"
check "is JSON" json_ok
status "nothing there" 1 check_ --against="$TMP/nothing" "$TMP/p.json"
same "says so" "elfcast: nothing: No such file or directory" "$(said err)"
status "neither package nor directory" 1 timeout 20 elfcast check --against="$D/usr/bin/fifo" "$TMP/p.json"
same "says so" "elfcast: dir/usr/bin/fifo: is neither a package nor a directory" "$(said err)"
status "no package" 1 check_ --against="$TMP/p.json" "$TMP/p.json"
same "says so" "elfcast: p.json: is neither an rpm, a .deb nor a tar archive" "$(said err)"
: >"$TMP/empty"
status "an empty file" 1 check_ --against="$TMP/empty" "$TMP/p.json"
same "says so" "elfcast: empty: is neither an rpm, a .deb nor a tar archive" "$(said err)"
status "standard output is full" 1 sh -c "elfcast check '$TMP/p.json' >/dev/full"

# Of each of many packages is kept what it has, not what was looked for in it.
if [ -x /usr/bin/time ] && [ -z "${ELFCAST_SANITIZED:-}" ]; then
	python3 - "$TMP" <<-'PY'
		import json, os, sys, tarfile
		objects = [{"path": "/usr/share/p/%04d" % i, "size": 4096, "pages": [[0, 1, 1, 0]]} for i in range(4000)]
		json.dump({"elfcast": 1, "program": "/usr/bin/p", "scenario": "default", "arch": "x86_64",
		           "trained": {"runs": 1, "window_ms": 1000, "method": "uffd", "kernel": "6.18"}, "objects": objects},
		          open(os.path.join(sys.argv[1], "wide.json"), "w"))
		open(os.path.join(sys.argv[1], "page"), "wb").write(bytes(4096))
		for i in range(200):
		    with tarfile.open(os.path.join(sys.argv[1], "one%d.tar" % i), "w") as t:
		        t.add(os.path.join(sys.argv[1], "page"), "usr/share/p/%04d" % i)
	PY
	many=()
	for ((i = 0; i < 200; i++)); do many+=("--against=$TMP/one$i.tar"); done
	status "against 200 packages" 0 /usr/bin/time -f %M -o "$TMP/kib" "$BUILD/elfcast-check" "${many[@]}" --verbose "$TMP/wide.json"
	same "each has its file" "wide.json: 200 matches, 3800 elsewhere" "$(said out | tail -n 1)"
	check "in little memory" test "$(tail -n 1 "$TMP/kib")" -lt 65536
fi
finish
