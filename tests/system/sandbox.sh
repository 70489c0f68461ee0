#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 6 s
# What a parser that hostile input has taken over could do, in the hook, compile and check.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip "sandbox" "needs root"
	finish
fi
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "sandbox" "the sanitizer's run time cannot be preloaded behind it"
	finish
fi
make_root
programs=("$BUILD/elfcast" "$BUILD/elfcast-hook")
[ -x "$BUILD/elfcast-check" ] && programs+=("$BUILD/elfcast-check")
populate "${programs[@]}"
cp "$BUILD/tests/forbidden.so" "$R/hook/"
elfcast compile --quiet --root="$R"
good=$(sums)
rm -rf "$R/var/lib"
# A key that elfcast does not know goes to json-c.
sed -i 's/"elfcast": 1,/& "x-note": { "x": 1 },/' "$P/test.one.json"
echo secret >"$R/secret"
chmod 600 "$R/secret"
mkdir -p "$R/tmp" && chmod 1777 "$R/tmp"
tar -C "$R" -cf "$R/package.tar" usr/bin/one

# forbidden COMMAND...: what each try got, in one line; 77 is a descriptor it inherits
forbidden() {
	head -c 4096 /dev/zero >"$R/log"
	FORBIDDEN_LOG=/log in_root -p /hook/forbidden.so "$@" \
		</dev/null >"$TMP/out" 2>&1 77<"$R/secret"
	tr -d '\0' <"$R/log" | paste -sd ' '
}
all="user other kill EPERM ptrace EPERM socket EPERM execve EPERM fork EPERM create EACCES unlink EPERM secret EACCES io_uring EPERM"
same "the hook's parser" "$all inherited EBADF" "$(forbidden /hook/elfcast-hook)"
same "which goes on" 2 "$(n_shadows)"
rm -rf "$R/var/lib"
same "compile's parser" "$all inherited EBADF" "$(forbidden /hook/elfcast compile)"
same "which goes on" 2 "$(n_shadows)"
if [ -x "$BUILD/elfcast-check" ]; then
	# What it inherits may be what it is to check: /dev/fd/63.
	same "check" "$all inherited done" "$(forbidden /hook/elfcast-check /usr/share/elfcast/profiles.d/test.one.json)"
	same "check against a package" "$all inherited done" \
		"$(forbidden /hook/elfcast-check --against=/package.tar /usr/share/elfcast/profiles.d/test.one.json)"
	check "which goes on" grep -q "1 matches" "$TMP/out"
	same "check against a directory: root's files stay root's" "${all/other/root}" \
		"$(forbidden /hook/elfcast-check --against=/usr /usr/share/elfcast/profiles.d/test.one.json |
			sed 's/secret done/secret EACCES/; s/ inherited done//')"
else
	skip "check" "built without librpm or libarchive"
fi
check "no file was made" test ! -e "$R/tmp/elfcast-forbidden" -a -e "$R/secret"

state_of_two() {
	elfcast show --root="$R" --json "$S"/*.test.two.json.shadow | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["usable_objects"])'
}
# Profiles are root's, and may be for root alone; objects are for everybody.
chmod 600 "$P/test.one.json"
chmod 700 "$R/usr/share/elfcast/profiles.d"
chmod 640 "$R/usr/bin/two"
rm -rf "$R/var/lib"
in_root /hook/elfcast-hook </dev/null
same "profiles for root alone are compiled" 2 "$(n_shadows)"
same "objects for root alone are not read ahead" 0 \
	"$(state_of_two)"
stamp=$(stat -c '%i %y %z' "$S"/* "$R/var/lib/elfcast/index")
in_root /hook/elfcast-hook </dev/null
same "and that is remembered" "$stamp" "$(stat -c '%i %y %z' "$S"/* "$R/var/lib/elfcast/index")"
chmod 755 "$R/usr/bin/two"
in_root /hook/elfcast-hook </dev/null
same "until they are for all" 1 \
	"$(state_of_two)"
elfcast compile --quiet --root="$R" --force
good=$(sums)

# Where nobody can be become: a user namespace with one user, and a root that is closed.
if has_user_namespaces; then
	rm -rf "$R/var/lib"
	cp "$BUILD/elfcast" "$TMP/" # its root may not look into another user's home
	same "a user namespace with one user" "compiled" "$(unshare --user --map-root-user --mount \
		"$TMP/elfcast" compile --quiet --root="$R" 2>&1 && echo compiled)"
	same "it compiles the same" "$good" "$(sums)"
else
	skip "a user namespace with one user" "no user namespaces here"
fi
rm -rf "$R/var/lib"
chmod 700 "$R"
elfcast compile --quiet --root="$R"
same "a root that is closed to others" "$good" "$(sums)"
chmod 755 "$R"
same "as many profiles as there are, a few at a time" "$good" "$(rm -rf "$R/var/lib"
	(ulimit -n 24 && elfcast compile --quiet --root="$R")
	sums)"
finish
