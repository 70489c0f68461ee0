#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# status --packages on roots with rpm's and with dpkg's database.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/packages.sh"

if [ ! -x "$BUILD/elfcast-status-packages" ]; then
	skip "status --packages" "built without librpm or libarchive"
	finish
fi
if [ "$(id -u)" != 0 ]; then
	skip "status --packages" "not root"
	finish
fi
export ELFCAST_EXEC_PATH=$BUILD
packages() { elfcast status --packages --root="$R" "$@"; }
elf() { printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0]] }' \
	"$1" "$(build_id_of "$D$1")" "$(stat -c %s "$D$1")"; }
says() { # name expected-out
	status "$1" 0 packages
	same "$1: says" "$2" "$(cat "$TMP/out")"
}

D=$TMP/d
mkdir -p "$D/usr/bin" "$D/usr/lib"
make_elf "$D/usr/bin/hello" one
make_elf "$D/usr/bin/alone" two
make_elf "$D/usr/lib/libx.so.1" three

# A root with both packages and one program of none, shadows compiled.
prepare() {
	mkdir -p "$R/usr/bin" "$R/usr/lib" "$R/usr/share/elfcast/profiles.d"
	cp "$D/usr/bin/alone" "$R/usr/bin"
	profile "$R/usr/share/elfcast/profiles.d/t.hello.json" /usr/bin/hello "$(elf /usr/bin/hello), $(elf /usr/lib/libx.so.1)"
	profile "$R/usr/share/elfcast/profiles.d/t.alone.json" /usr/bin/alone "$(elf /usr/bin/alone)"
	elfcast compile --quiet --root="$R" --storage=flash
}

# what follows is the same for both managers
goes_through_life() { # manager hello-name
	local m=$1 hello=$2
	says "$m: all valid" "(no package): /usr/bin/alone (default): valid, 1 of 1 object
$hello: /usr/bin/hello (default): valid, 2 of 2 objects
1 of 3 packages ($m) has profiles: 1 valid, 0 partly stale, 0 stale; 1 has only objects of others, 1 nothing"
	same "$m: no complaint" "" "$(cat "$TMP/err")"
	make_elf "$R/usr/lib/libx.so.1" four
	says "$m: library replaced" "(no package): /usr/bin/alone (default): valid, 1 of 1 object
$hello: /usr/bin/hello (default): partly stale, 1 of 2 objects
1 of 3 packages ($m) has profiles: 0 valid, 1 partly stale, 0 stale; 1 has only objects of others, 1 nothing"
	make_elf "$R/usr/bin/hello" five
	says "$m: program replaced" "(no package): /usr/bin/alone (default): valid, 1 of 1 object
$hello: /usr/bin/hello (default): stale, 0 of 2 objects
1 of 3 packages ($m) has profiles: 0 valid, 0 partly stale, 1 stale; 1 has only objects of others, 1 nothing"
	status "$m: --json" 0 packages --json
	same "$m: --json: says" "None valid 1, $hello stale 1, x none 1, z none 0" "$(python3 -c '
import json, sys
print(", ".join("%s %s %d" % (p["name"] if p["name"] in (None, sys.argv[2]) else p["name"][0], p["state"], p["objects"])
	for p in sorted(json.load(open(sys.argv[1]))["packages"], key=lambda p: p["name"] or "")))' "$TMP/out" "$hello")"
	mv "$R/usr/bin/hello" "$TMP/hello-away"
	says "$m: the program is not there: nothing is valid" "(no package): /usr/bin/alone (default): valid, 1 of 1 object
0 of 3 packages ($m) have profiles: 0 valid, 0 partly stale, 0 stale; 2 have only objects of others, 1 nothing"
	same "$m: it is told" "elfcast: 1 profile of programs that are not installed" "$(cat "$TMP/err")"
	same "$m: --verbose has it" "absent" "$(packages -v 2>/dev/null | sed -n 's/.*: .usr.bin.hello (default): \(.*\),.*/\1/p')"
	same "$m: --json, too" "absent" "$(packages --json | python3 -c 'import json, sys
print(*[q["state"] for p in json.load(sys.stdin)["packages"] for q in p["programs"] if q["program"] == "/usr/bin/hello"])')"
	mv "$TMP/hello-away" "$R/usr/bin/hello"
	echo '{' >"$R/usr/share/elfcast/profiles.d/t.bad.json"
	truncate -s 100 "$R"/var/lib/elfcast/shadow/*t.hello.json.shadow
	status "$m: bad profile, damaged shadow" 0 packages
	same "$m: both are told" "elfcast: warning: 1 profile without a shadow, 1 damaged shadow: see 'elfcast status'" "$(cat "$TMP/err")"
}

# ---- dpkg ----
R=$TMP/deb
mkdir -p "$R/var/lib/dpkg/info" "$R/usr/bin" "$R/usr/lib"
cp "$D/usr/bin/hello" "$R/usr/bin"
cp "$D/usr/lib/libx.so.1" "$R/usr/lib"
status "no database" 1 packages
same "says so" "elfcast: $R: no database of rpm or dpkg" "$(cat "$TMP/err")"
stanza() { printf 'Package: %s\nStatus: %s\nVersion: 1.2-3\nArchitecture: amd64\nDescription: x\n Package: y\n\n' "$@"; }
{
	stanza hello "install ok installed"
	stanza x1 "install ok installed"
	stanza zero "install ok installed"
	stanza gone "deinstall ok config-files"
	stanza ../../../outside "install ok installed"
} >"$R/var/lib/dpkg/status"
printf '/.\n/usr\n/usr/bin\n/usr/bin/hello\n' >"$R/var/lib/dpkg/info/hello.list"
printf '/.\n/lib\n/lib/libx.so.1\n' >"$R/var/lib/dpkg/info/x1:amd64.list"
printf '/usr/bin/alone\n' >"$R/outside.list"
printf '/usr/bin/alone\n' >"$R/var/lib/dpkg/info/gone.list"
ln -s hello.list "$R/var/lib/dpkg/info/zero.list"
prepare
goes_through_life dpkg hello_1.2-3_amd64
start=$(date +%s%N)
elfcast status --packages >"$TMP/out" 2>"$TMP/err" &&
	echo "# note: this system: $(tail -n 1 "$TMP/out"), $((($(date +%s%N) - start) / 1000000)) ms"

# ---- rpm ----
R=$TMP/rpm
if command -v rpmbuild >/dev/null && command -v rpm >/dev/null; then
	mkdir -p "$TMP/one/usr/bin" "$TMP/two/usr/lib" "$TMP/three"
	mkdir -p "$R/usr/bin"
	cp "$D/usr/bin/hello" "$TMP/one/usr/bin"
	cp "$D/usr/lib/libx.so.1" "$TMP/two/usr/lib"
	make_rpm "$TMP/hello.rpm" "$TMP/one"
	make_rpm "$TMP/x.rpm" "$TMP/two" w6.xzdio x1
	make_rpm "$TMP/zero.rpm" "$TMP/three" w6.xzdio zero
	rpm --root "$R" --define '_dbpath /var/lib/rpm' --nodeps --noscripts -i "$TMP"/{hello,x,zero}.rpm 2>&1 | sed 's/^/# /'
	prepare
	goes_through_life rpm "hello-1.2-3.$(uname -m)"
	printf 'nonsense' >"$R/var/lib/rpm/rpmdb.sqlite"
	rm -f "$R"/var/lib/rpm/rpmdb.sqlite-*
	LSAN_OPTIONS=suppressions=$TOP/tests/lsan.supp:print_suppressions=0 \
		status "a damaged database" 1 packages
	check "says so" grep -q "^elfcast: $R: /var/lib/rpm: " "$TMP/err"
	same "in one line" 1 "$(wc -l <"$TMP/err")"
else
	skip "rpm" "no rpmbuild"
fi
finish
