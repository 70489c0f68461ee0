#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# What an administrator does with programs, on a fake root: list, disable, enable, remove, evict.
. "$(dirname "$0")/../lib.sh"

make_root
E=$R/etc/elfcast
list() { elfcast list --root="$R" "$@" 2>"$TMP/err" | awk 'NR > 1 { print $1, $NF }' | paste -s -d ,; }
in_pack() { elfcast show --json "$R/var/lib/elfcast/boot.pack" | python3 -c \
	'import json, sys; print(*[l["program"][9:] for l in json.load(sys.stdin)[0]["launches"]])'; }
in_bundle() { # PROGRAM: what elfcastd would read for it
	LC_ALL=C grep -caF "/usr/bin/$1" "$R/var/lib/elfcast/exec.bundle"
}
disable() { status "$1" "$2" elfcast disable --root="$R" "${@:3}"; }

status "dry run of a first compile" 0 elfcast compile --dry-run --root="$R"
same "names each profile" 2 "$(grep -c 'profiles.d/test\..*\.json: not compiled yet' "$TMP/err")"
check "and counts" grep -q '2 profiles: 2 to compile' "$TMP/err"
check "and writes nothing" test ! -e "$R/var/lib/elfcast"
elfcast compile -q --root="$R" --storage=flash
same "quiet: names alone" "/usr/bin/one
/usr/bin/two" "$(elfcast list -q --root="$R")"
same "both are listed" "valid /usr/bin/one,valid /usr/bin/two" "$(list)"
same "and in the pack" "one two" "$(in_pack)"

# Disabled.
disable "disable, by name below another root" 0 one
check "and says what undoes that" grep -q "'elfcast enable one' undoes that" "$TMP/err"
same "its file" "Never=/usr/bin/one" "$(grep -v '^#' "$E/disabled.conf")"
same "list says so" "disabled /usr/bin/one,valid /usr/bin/two" "$(list)"
same "the pack is without it at once" "two" "$(in_pack)"
same "the bundle, too" 0 "$(in_bundle one)"
disable "once more" 0 /usr/bin/one
check "says so" grep -q 'was disabled already' "$TMP/err"
disable "two at once" 0 one two
same "in order" "Never=/usr/bin/one Never=/usr/bin/two" "$(grep -v '^#' "$E/disabled.conf" | paste -s -d ' ')"
disable "what is nowhere" 1 three
same "is an error" "elfcast: there is no program 'three' below '$R'" "$(cat "$TMP/err")"
disable "nothing" 2
status "enable" 0 elfcast enable --root="$R" --json one two
same "names them" '{"enable":["/usr/bin/one","/usr/bin/two"]}' "$(tr -d ' \n\t' <"$TMP/out")"
check "the file goes with the last one" test ! -e "$E/disabled.conf"
same "the pack has both again" "one two" "$(in_pack)"
cp "$R/usr/bin/one" "$R/usr/bin/gone"
disable "a program without a profile" 0 gone
rm "$R/usr/bin/gone"
status "enable what is only in disabled.conf by now" 0 elfcast enable --root="$R" gone
same "by its name" "elfcast: '/usr/bin/gone' is enabled" "$(cat "$TMP/err")"
check "it is gone there" test ! -e "$E/disabled.conf"
printf 'Never=/opt/x /usr/x\nNever=by-hand\n' >"$E/disabled.conf"
status "enable one of two of that name" 1 elfcast enable --root="$R" x
check "says so" grep -q "several disabled programs are called 'x', use a path" "$TMP/err"
status "enable by path" 0 elfcast enable --root="$R" /opt/x
status "enable what was written there by hand" 0 elfcast enable --root="$R" by-hand
same "the others stay" "Never=/usr/x" "$(grep -v '^#' "$E/disabled.conf")"
status "enable the last one" 0 elfcast enable --root="$R" x
cp "$R/usr/bin/one" "$R/usr/bin/a b"
disable "a path that no line can hold" 1 "/usr/bin/a b"
check "is refused" grep -q "has a character that '/etc/elfcast/disabled.conf' cannot hold" "$TMP/err"
echo "Never=one" >"$E/elfcast.conf"
status "enable what elfcast.conf forbids" 1 elfcast enable --root="$R" one
check "names that file" grep -q "Never= in '/etc/elfcast/elfcast.conf' names it" "$TMP/err"
rm "$E/elfcast.conf"
# Whatever else is there: a stranger's file counts as none, and is named.
disable "again" 0 one
chmod 666 "$E/disabled.conf"
elfcast compile --root="$R" 2>"$TMP/err"
check "a file that others may write" grep -q '/etc/elfcast/disabled.conf: not root.s, or others may write it: ignored' "$TMP/err"
same "does not count" "one two" "$(in_pack)"
chmod 644 "$E/disabled.conf"
elfcast compile -q --root="$R"
same "mended, it does" "two" "$(in_pack)"
elfcast enable -q --root="$R" one

# Of the machine's own.
mkdir -p "$E/profiles.d"
cp "$P/test.one.json" "$E/profiles.d/local.one.json"
elfcast compile -v --root="$R" 2>"$TMP/err"
check "compile -v says what and why" grep -q '^elfcast: /etc/elfcast/profiles.d/local.one.json: not compiled yet' "$TMP/err"
same "two profiles of one scenario are told apart" \
	"valid [local.one.json],valid [test.one.json],valid /usr/bin/two" "$(list)"
status "dump of both" 1 elfcast dump --root="$R" one
check "names them" grep -q -- '--profile=local.one.json (scenario default)' "$TMP/err"
status "dump of one" 0 elfcast dump --root="$R" --profile=local.one one
check "is that profile" grep -q '"program": "/usr/bin/one"' "$TMP/out"
status "show of one" 0 elfcast show --root="$R" --profile=test.one.json one
same "says which" 1 "$(grep -c 'shadow of test.one.json' "$TMP/out")"
status "show of none" 1 elfcast show --root="$R" --profile=other one
elfcast status --pack --root="$R" >"$TMP/out" 2>/dev/null
check "status --pack tells them apart" grep -q '/usr/bin/one \[local.one.json\]' "$TMP/out"
status "remove: another scenario" 1 elfcast remove --root="$R" --scenario=other one
status "remove" 0 elfcast remove --root="$R" one
same "only that of the machine's own" "valid /usr/bin/one,valid /usr/bin/two" "$(list)"
check "is gone" test ! -e "$E/profiles.d/local.one.json"
status "remove a package's" 1 elfcast remove --root="$R" one
check "names disable" grep -q "belongs to a package: 'elfcast disable one'" "$TMP/err"
status "remove a package's by its file" 1 elfcast remove --root="$R" test.one
check "names the program, which disable knows" grep -q "belongs to a package: 'elfcast disable /usr/bin/one'" "$TMP/err"
ln -s /dev/null "$E/profiles.d/test.two.json"
elfcast compile -q --root="$R"
same "masked" "valid /usr/bin/one,masked test.two.json" "$(list)"
status "remove a mask, by the profile's name" 0 elfcast remove --root="$R" test.two
same "unmasked" "valid /usr/bin/one,valid /usr/bin/two" "$(list)"

# Gone.
rm "$R/usr/bin/two"
status "dry run after a removal" 0 elfcast compile --dry-run --root="$R"
check "names the file" grep -q "test.two.json: '/usr/bin/two' changed" "$TMP/err"
elfcast compile -q --root="$R"
same "a program that is not there is not listed" "valid /usr/bin/one" "$(list)"
check "but counted" grep -q '1 profile of programs that are not installed; --all lists it' "$TMP/err"
same "listed with --all" "valid /usr/bin/one,absent /usr/bin/two" "$(list --all)"
same "nor in the pack" "one" "$(in_pack)"
elfcast status --pack --root="$R" 2>/dev/null >"$TMP/out"
check "which says why" grep -q '/usr/bin/two: not installed' "$TMP/out"
status "its profile can still be shown by name" 0 elfcast show --root="$R" two
disable "and disabled" 0 two

# An image has all below /usr, which is not written to.
elfcast enable -q --root="$R" two
rm -rf "$R/var/lib/elfcast"
elfcast compile -q --usr --root="$R"
before=$(cd "$R/usr/lib/elfcast" && find . -type f -exec sha256sum {} + | sort)
disable "disable, of an image" 0 one
same "the image's files are as they were" "$before" "$(cd "$R/usr/lib/elfcast" && find . -type f -exec sha256sum {} + | sort)"
same "what counts is compiled beside it" "" "$(in_pack 2>/dev/null)"
check "in /var" test -e "$R/var/lib/elfcast/index"
elfcast enable -q --root="$R" one

status "evict" 0 elfcast evict --root="$R" --json one
same "says what it did" "/usr/bin/one 1 1" "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))[0]; print(d["program"], d["files"], d["pages"])' "$TMP/out")"
status "evict what has no profile" 1 elfcast evict --root="$R" "/usr/bin/a b"

for verb in evict disable prefetch; do
	status "$verb what is not there" 1 elfcast $verb --root="$R" nosuch
	same "$verb: says where" "elfcast: there is no program 'nosuch' below '$R'" "$(cat "$TMP/err")"
done
for verb in disable enable remove evict; do
	status "$verb without a program" 2 elfcast $verb --root="$R"
done
status "getopt's message has the prefix of all others" 2 elfcast disable --no-such
same "getopt: prefix" "elfcast: disable: unrecognized option '--no-such'" "$(head -n 1 "$TMP/err")"
status "an option before the verb" 2 elfcast --json list
check "says where it belongs" grep -q "options come behind the verb" "$TMP/err"

if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
	without_proc() { unshare --mount bash -c 'umount -l /proc && exec "$@"' bash "$@"; }
	# Sanitizers have something to say of their own then.
	for verb in status list "prefetch one" "evict one" "show one"; do
		# shellcheck disable=SC2086
		status "$verb without /proc" 1 without_proc elfcast $verb --root="$R"
		check "$verb without /proc: says so, and nothing else" \
			test "$(grep -c '/proc is not mounted' "$TMP/err") $(grep -c '^elfcast: ' "$TMP/err")" = "1 1"
	done
	# In this root, where commands run: each says what is missing.
	for verb in "train -n 1 -o $TMP/x.json -- /bin/true" "bench -n 1 -- true" "compile --dry-run" "prefetch --boot"; do
		# shellcheck disable=SC2086
		without_proc elfcast $verb >/dev/null 2>"$TMP/err"
		check "$verb without /proc: says so" grep -q '/proc is not mounted' "$TMP/err"
	done
	# The helper is nobody's child; its pipe is closed when it ends.
	same "run -v without /proc does not hide it" 1 \
		"$(without_proc elfcast run -v -- /bin/true 2>&1 | grep -c '^elfcast: nothing read ahead.*/proc is not mounted')"
	chmod -R go+rX "$TMP" && chmod 755 "$TMP"
	cp "$R/usr/share/elfcast/profiles.d"/*.json "$TMP/closed.json" 2>/dev/null || echo '{}' >"$TMP/closed.json"
	chmod 600 "$TMP/closed.json"
	status "show what one may not read" 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BUILD/elfcast" show --root="$R" "$TMP/closed.json"
	same "says why" "elfcast: cannot read '$TMP/closed.json': Permission denied" "$(grep -v 'not root.s' "$TMP/err")"
	# A profile that only root may read: compiled, it is everybody's; before that, somebody else is told no more than that.
	chmod 440 "$R/usr/share/elfcast/profiles.d/test.one.json"
	as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/elfcast" "$@" --root="$R" 2>"$TMP/err"; }
	elfcast compile -q --root="$R"
	chmod -R go+rX "$R/var"
	same "mode 0440: its shadow is for everybody" "valid /usr/bin/one" "$(as_nobody list | awk '/one$/ { print $1, $NF }')"
	check "show it" as_nobody show one
	rm -r "$R/var/lib/elfcast" "$R/usr/lib/elfcast"
	same "not compiled: that is all that is known" "not test.one.json" "$(as_nobody list | awk '/one/ { print $1, $NF }')"
	check "and what mends it" grep -q "profile.* no shadow: 'elfcast compile'" <<<"$(as_nobody status)"
	chmod 644 "$R/usr/share/elfcast/profiles.d/test.one.json"
	elfcast compile -q --root="$R"
	# A file of a launch that only root may read, or that lies where only root may go.
	mkdir -p "$R/usr/share/closed"
	make_elf "$R/usr/bin/three" three
	cp "$R/usr/bin/one" "$R/usr/bin/inner"
	echo data >"$R/usr/share/closed/data"
	of() { echo "{ \"path\": \"$1\", \"build_id\": \"$(build_id_of "$R$1")\", \"size\": $(stat -c %s "$R$1"), \"pages\": [[0, 1, 1, 0]] }"; }
	profile "$E/profiles.d/local.three.json" /usr/bin/three "$(of /usr/bin/three), $(of /usr/bin/inner),
		{ \"path\": \"/usr/share/closed/data\", \"size\": 5, \"pages\": [[0, 1, 1, 0]] }"
	chmod 440 "$R/usr/bin/inner"
	chmod 700 "$R/usr/share/closed"
	elfcast compile -q --root="$R"
	same "what only root may read: its state" "unreadable unreadable valid" "$(elfcast show --json --root="$R" three |
		python3 -c 'import json, sys; print(*sorted(o["now"] for o in json.load(sys.stdin)[0]["objects"]))')"
	elfcast status --root="$R" three >"$TMP/out" 2>"$TMP/err"
	check "is told so" grep -q '/usr/bin/inner: not for everybody to read' "$TMP/out"
	check "and there too" grep -q '/usr/share/closed/data: not for everybody to read' "$TMP/out"
	same "neither compile nor train would help" 0 "$(grep -c 'to mend' "$TMP/out")"
	elfcast status --root="$R" >"$TMP/out" 2>"$TMP/err"
	same "nor is anything to be mended, or compiled soon" "to mend:   nothing" "$(sed -n '/^hint/p; /^to mend/,$p' "$TMP/out")"
	rm "$R/usr/bin/three" "$R/usr/bin/inner" "$E/profiles.d/local.three.json"
	elfcast compile -q --root="$R"
	status "disable by somebody else" 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BUILD/elfcast" disable --root="$R" one
	same "says who may" "elfcast: cannot change '/etc/elfcast/disabled.conf': only root may" "$(grep -v 'not root.s' "$TMP/err")"
else
	skip "without /proc, and by somebody else" "needs root and mount namespaces"
fi

# Ctrl-C, as a terminal sends it: said once, and 130 for a shell.
flock "$R/var/lib/elfcast/lock" sleep 60 &
holder=$!
wait_until eval '! flock -n "$R/var/lib/elfcast/lock" true'
# SIGINT is ignored in what a script starts in the background.
python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' elfcast compile --root="$R" 2>"$TMP/err" &
compile=$!
wait_until eval 'readlink /proc/$compile/fd/* 2>/dev/null | grep -q "elfcast/lock$"'
kill -INT $compile
wait $compile
same "interrupted: status" 130 $?
same "interrupted: says so once" "elfcast: interrupted" "$(cat "$TMP/err")"
kill $holder
wait $holder 2>/dev/null
finish
