#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 10 s
# needs: etc-elfcast
# A profile keeps its command: train --again and --stale run it once more. With an /etc/elfcast and a
# /var/lib/elfcast of its own.
if [ -z "${AGAIN_UNSHARED:-}" ]; then
	if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
		echo "ok - train --again # SKIP needs root and mount namespaces"
		exit 0
	fi
	AGAIN_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"

# On a disk, where the files of launches lie; what is not there is made, and goes again.
# Not below /tmp or /var/tmp, which train leaves out.
work=$(mktemp -d /opt/elfcast-test.XXXXXX) || exit 1
made=
for dir in /etc/elfcast /var/lib/elfcast; do
	[ -d $dir ] || { mkdir -p $dir && made+=" $dir"; }
	mount -t tmpfs -o mode=755 elfcast-test $dir || exit 1
done
# shellcheck disable=SC2086
trap 'umount /etc/elfcast /var/lib/elfcast; rm -rf "$TMP" "$work"; [ -z "$made" ] || rmdir $made' EXIT
chmod 755 "$work"
P=/etc/elfcast/profiles.d
key() { # FILE KEY: of "trained"
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["trained"].get(sys.argv[2]))' "$1" "$2"
}
state() { elfcast list --json | python3 -c 'import json, sys
print(*[p["state"] for p in json.load(sys.stdin) if p["program"] == sys.argv[1]])' "$work/prog"; }

build() { # TEXT: of main()
	printf 'char seed[70000] = "seed"; int f(int x) { return x * 3; } int main(int c, char **v) { %s }\n' "$1" >"$TMP/e.c"
	gcc -O1 -o "$work/prog" "$TMP/e.c" -Wl,--build-id=sha1
}
export ELFCAST_EXEC_PATH=$BUILD
build 'return 0;'
status "training" 0 elfcast train -q -n 1 --window=2000 --as-root --install -- "$work/prog" "a b" '"'
profile=$(echo $P/local.*prog.json)
same "the profile keeps its command" "['$work/prog', 'a b', '\"']" "$(key "$profile" command)"
same "and the options that say how" "['--window=2000', '--as-root']" "$(key "$profile" options)"
[ ! -x "$BUILD/elfcast-check" ] || check "it is a profile" elfcast check -q "$profile"
status "nothing is stale" 0 elfcast train --stale
same "says so" "elfcast: no profile of this machine's own is stale" "$(cat "$TMP/err")"
status "again, dry" 0 elfcast train --again --dry-run "$work/prog"
same "prints what would be run" "elfcast: elfcast train --install --window=2000 --as-root -- $work/prog a b \"" "$(cat "$TMP/err")"

build 'return f(seed[c]) * 0 + (v == 0);'
# Nothing to find its pages by in another build.
python3 -c 'import json, sys
p = json.load(open(sys.argv[1])); [o.pop("fingerprint", 0) for o in p["objects"]]; json.dump(p, open(sys.argv[1], "w"))' "$profile"
elfcast compile -q
status "check: there is something to mend" 1 elfcast status --check
check "by train --again" grep -q "'elfcast train --again $work/prog'" "$TMP/out"
status "an option behind a program" 2 elfcast train --again "$work/prog" --dry-run
check "it is not trained by then" grep -q "options come before programs: '--dry-run'" "$TMP/err"
status "stale, dry" 0 elfcast train --stale --dry-run
check "names it" grep -q -- "-- $work/prog a b" "$TMP/err"
old=$(sha256sum <"$profile")
status "stale" 0 elfcast train --stale --runs=2
same "it is valid again" valid "$(state)"
check "by another profile" test "$old" != "$(sha256sum <"$profile")"
same "with so many runs" 2 "$(key "$profile" runs)"
same "that knows its command still" "['$work/prog', 'a b', '\"']" "$(key "$profile" command)"
status "again, all" 0 elfcast train --again
same "that is one" 1 "$(grep -c '^elfcast: elfcast train --install' "$TMP/err")"

mkdir -m 700 "$work/private" && : >"$work/private/secret"
for word in "$work/private/secret" "--file=$work/private/secret" "$work/private/not-yet"; do
	status "a command that names what others may not see: $word" 0 \
		elfcast train -n 1 --as-root --scenario=private --install -- "$work/prog" "$word"
	check "it is not kept: $word" test "$(key $P/local.*private.json command)" = None
	check "and that is said: $word" grep -q 'the command is not kept for --again' "$TMP/err"
done
elfcast remove -q --scenario=private "$work/prog"

# What a profile says is not believed.
hostile() { # NAME PYTHON-STATEMENT
	python3 -c 'import json, sys
p = json.load(open(sys.argv[1])); t = p["trained"]; exec(sys.argv[2]); json.dump(p, open(sys.argv[1], "w"))' "$profile" "$2"
	elfcast compile -q
	status "$1" 1 elfcast train --again "$work/prog"
	check "$1: says what to do" grep -q "does not tell by which command it was trained: 'elfcast train --install -- " "$TMP/err"
}
hostile "an option that says where to write" 't["options"] = ["--output=/etc/passwd"]'
hostile "an end of options" 't["options"] = ["--"]'
hostile "options that are no array" 't["options"] = {"a": 1}'
hostile "words that are no strings" 't["options"] = []; t["command"] = ["true", 1]'
hostile "a command of nothing" 't["command"] = []'
hostile "no command" 'del t["command"]'
status "a program without a profile" 1 elfcast train --again sh
check "a program without a profile: says so" grep -q "has no profile of its own of" "$TMP/err"
status "an option that --stale has not" 2 elfcast train --install --stale
same "names both" "elfcast: train: --install does not go with --stale, which takes programs, --runs and --dry-run" \
	"$(head -n 1 "$TMP/err")"
status "one that --again has not" 2 elfcast train --again --window=5
check "names it" grep -q -- '--window does not go with --again' "$TMP/err"
for usage in "--again --install -o x" "--again --system" "--dry-run -- true" "--again --window=5"; do
	# shellcheck disable=SC2086
	status "train $usage" 2 elfcast train $usage
done
finish
