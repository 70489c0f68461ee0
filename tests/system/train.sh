#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast train against real launches: the profile, the verb's manners, --install.
set -u
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
elfcast=$BUILD/elfcast
dir=$(mktemp -d /var/tmp/elfcast-train-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir" || exit 1

verdict() { # name ok?
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/    /' "$dir/err" "$dir/out" 2>/dev/null | cut -c1-200 | head -n 30
	fi
}
train() { "$elfcast" train "$@" >"$dir/out" 2>"$dir/err"; }

train -n 3 -- perl -e 'use POSIX'
[ $? = 0 ] && [ -s perl.json ] && grep -q '"runs": 3' perl.json &&
	grep -q "\"program\": \"$(readlink -f "$(command -v perl)")\"" perl.json &&
	grep -qE "^elfcast: .*: [0-9]+ objects, [0-9]+ pages \([0-9.]+ MiB\), 3 runs" "$dir/err" &&
	[ ! -s "$dir/out" ]
verdict "writes PROGRAM.json and one line" $?

# The launch is the same each time: what is not in all runs is what differs by address space
# layout and the like.
python3 - perl.json <<'PY' 2>"$dir/err"
import json, sys
p = json.load(open(sys.argv[1]))
pages = [(r[1], r[2]) for o in p["objects"] for r in o["pages"]]
total = sum(n for n, _ in pages)
always = sum(n for n, runs in pages if runs == 3)
posix = [o for o in p["objects"] if o["path"].endswith("/POSIX.so")]
ids = [o for o in p["objects"] if "build_id" in o]
data = [o for o in p["objects"] if "digest" in o]
assert total > 200 and always / total > 0.9, (always, total)
assert len(posix) == 1 and posix[0].get("build_id"), posix
assert len(ids) + len(data) == len(p["objects"]) and ids and data
PY
verdict "objects have identities, and runs agree" $?

train -n 1 -o - -- true && grep -q '"elfcast": 1' "$dir/out"
verdict "profile to standard output" $?

train -n 2 --json -o t.json -- true &&
	python3 -c 'import json,sys
r = json.load(open(sys.argv[1]))
assert r["runs"] == 2 and r["pages"] > 0 and r["output"] == "t.json" and r["installed"] is None' "$dir/out"
verdict "summary as JSON" $?

mkdir root && train --root="$dir/root" --install --scenario=list -n 1 -- ls &&
	[ -s root/etc/elfcast/profiles.d/local.ls.list.json ] && [ ! -e ls.json ] &&
	ls root/var/lib/elfcast/shadow/*.local.ls.list.json.shadow >/dev/null
verdict "--install" $?

cp /bin/true 'my prog' && train --root="$dir/root" --install -n 1 -- "./my prog" &&
	ls "root/etc/elfcast/profiles.d/local.$(pwd -P | tr / - | cut -c 2-)-my-prog.json" >/dev/null &&
	[ "$(ls root/var/lib/elfcast/shadow | wc -l)" = 2 ]
verdict "--install of a program with an odd path" $?

train -n 1 -o crash.json -- perl -e 'kill 9, $$'
[ $? = 1 ] && [ ! -e crash.json ] && grep -q 'killed by signal 9' "$dir/err" &&
	grep -q 'no run of' "$dir/err"
verdict "a run that is killed does not count" $?

train -n 2 -o seven.json -- sh -c 'exit 7'
[ $? = 0 ] && [ -s seven.json ] && [ "$(grep -c 'exited with status 7' "$dir/err")" = 1 ]
verdict "a status other than 0 is told once" $?

mkdir flip # its second run differs
train -n 2 -o flip.json -- sh -c '[ ! -e flip/ran ] && : >flip/ran'
[ $? = 0 ] && grep -q 'run 2 exited with status 1, an earlier one with 0' "$dir/err"
verdict "runs that end differently are told" $?

train -n 1 --window=200 -o sleep.json -- sleep 1000
[ $? = 0 ] && [ -s sleep.json ] && [ ! -s <(grep warning "$dir/err") ]
verdict "the window ends the launch" $?

train -n 1 -- "$dir/none"
[ $? = 1 ] && grep -q "cannot run '$dir/none': No such file" "$dir/err"
verdict "no such program" $?

usage() { # what arguments...
	local what=$1
	shift
	train "$@"
	[ $? = 2 ] && grep -qF "$what" "$dir/err" && grep -q "Try 'elfcast train --help'" "$dir/err"
	verdict "misuse: $what" $?
}
usage "no command given" -n 3
usage "bad number of runs '0'" -n 0 -- true
usage "bad number of runs '-1'" -n -1 -- true
usage "bad window '9x'" --window=9x -- true
usage "bad scenario '../x'" --scenario=../x -- true
usage "cannot both go" --json -o - -- true

# Ctrl-C: nothing written, nothing left running.
"$elfcast" train -n 1 --window=60000 -o never.json -- sleep 5000 >"$dir/out" 2>"$dir/err" &
tracer=$!
until kid=$(pgrep -P $tracer -x sleep); do
	kill -0 $tracer || break
done
kill -TERM $tracer
wait $tracer
[ $? = 1 ] && [ ! -e never.json ] && ! [ -e "/proc/$kid" ] && grep -q 'Interrupted' "$dir/err" &&
	! ls never.json.* >/dev/null 2>&1
verdict "interrupted" $?

echo kept >old.json
chmod 600 old.json
train -n 1 -o "$dir/nowhere/x.json" -- true
[ $? = 1 ] && grep -q "cannot write '$dir/nowhere/x.json'" "$dir/err"
verdict "output that cannot be written" $?
train -n 1 -o /dev/null -- true && [ -c /dev/null ]
verdict "output to a device does not replace it" $?
