#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# profiles/make-collection in a small root: a command, a unit and recipes that fail are trained
# in a container; it resumes, is interrupted, and leaves nothing behind.
set -u
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$TOP/tests/cache.sh"
. "$TOP/tests/helpers/small-system.sh"
codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
for tool in mmdebstrap systemd-nspawn nsenter unshare python3; do
	command -v $tool >/dev/null || { skip "collection" "$tool is not there"; exit 0; }
done
[ -n "${SOAK:-}" ] || { skip "collection" "in full runs (SOAK): two containers, a minute and a half"; exit 0; }
[ "$(id -u)" = 0 ] || { skip "collection" "not root"; exit 0; }
[ -n "$codename" ] || { skip "collection" "elfcast as built is for this system, which is not Debian"; exit 0; }

if ! small_system "$codename"; then
	skip "collection" "mmdebstrap failed: $(grep -m 1 '^E:' "$TMP/mmdebstrap.log")"
	exit 0
fi
# Not in memory: what lies there is not recorded.
work=$(mktemp -d /var/tmp/elfcast-test.XXXXXX) || exit 1
trap 'rm -rf --one-file-system "$TMP" "$work"' EXIT
mkdir "$work/small" "$work/recipes"
# shellcheck disable=SC2154 # of cached
tar -x -C "$work/small" -f "$cached"

recipe() { # name line...
	local name=$1
	shift
	printf '%s\n' "$@" >"$work/recipes/$name"
}
recipe cron "packages: cron" "unit: cron.service" "window: 1000" "runs: 2"
recipe fails "packages: coreutils" "command: false"
recipe ls "packages: coreutils" "command: ls -l /usr here" "setup: mkdir here" "runs: 2"
recipe missing "packages: no-such-package" "command: true"
recipe nowhere "packages: coreutils" "command: no-such-command"
recipe setup "packages: coreutils" "command: true" "setup: echo so it is; exit 7"
recipe silent "packages: coreutils" "command: echo hello" "expect: goodbye"
recipe top "packages: procps" "command: top" "terminal: yes" "exit: never" "window: 1000" "runs: 2"
make() { # arguments...
	"$TOP/profiles/make-collection" --work="$work/w" --recipes="$work/recipes" \
		--elfcast="$BUILD/elfcast" --no-check -j 2 "$@" "$work/small" >"$TMP/out" 2>"$TMP/err" </dev/null
}
left() { # what is there of us
	findmnt -rno TARGET | grep -F "$work"
	find /sys/fs/cgroup -maxdepth 2 -name 'elfcast-collection-*-small'
	pgrep -f "$work/small"
}
states() { # of recipes, in the report
	python3 -c 'import json, sys
print(*(s["recipe"] + " " + s["status"] + ": " + s.get("reason", "") for s in json.load(open(sys.argv[1]))["recipes"]),
      sep="\n")' "$work/w/report.json"
}

make
same "recipes that fail make the exit status" 1 $?
if grep -q 'does not come up' "$TMP/err"; then
	skip "collection" "systemd does not boot here: $(tail -n 1 "$work"/w/small/log/console)"
	exit 0
fi
same "each costs itself alone, with its reason" "cron trained: 
fails failed: exits with status 1 in place of 0: no output
ls trained: 
missing failed: its packages cannot be installed: no-such-package
nowhere failed: exits with status 127 in place of 0: setpriv: failed to execute no-such-command: No such file or directory
setup failed: setup 'echo so it is; exit 7': status 7: so it is
silent failed: does not print 'goodbye': hello
top trained: " "$(states | sed 's/timeout: /setpriv: /')"
same "profiles, named by programs" "elfcast.cron.json elfcast.ls.json elfcast.top.json" \
	"$(cd "$work/w/collection" && echo *)"
same "evidence of the release, and none in the profiles" "elfcast.small.json 0" \
	"$(cd "$work/w/evidence" && echo *) $(cat "$work"/w/collection/*.json | grep -c fingerprint)"
same "nothing is left" "" "$(left)"
check "they name no machine" "$TOP/profiles/make-collection" --lint "$work"/w/collection/*.json
has() { # what is wrong with the profile of "ls" by this expression
	python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
paths = [o["path"] for o in p["objects"]]
sys.exit(not eval(sys.argv[2]))' "$work/w/collection/elfcast.$1.json" "$2"
}
check "of the command's own files" has ls '"/usr/bin/ls" in paths and len(paths) > 3'
check "recorded exactly" has ls 'p["trained"]["method"] == "uffd" and p["trained"]["runs"] == 2'
check "as its user: nobody's home" has ls 'not any("/home/" in x or "/root" in x for x in paths)'
check "a unit's program as systemd starts it" \
	has cron 'p["program"] == "/usr/sbin/cron" and "/etc/crontab" in paths'
check "nothing of the recorder" has cron 'not any("elfcast" in x for x in paths)'
check "a terminal's program, which goes on" has top 'p["program"] == "/usr/bin/top"'
check "two recordings of ls differ in at most 2 %" \
	grep -Eq '^small +ls +[0-9]+ pages +[01]\.[0-9]+ % differ' "$work/w/report.txt"

# ---- again ----

stamps() { (cd "$work/w/small/results" && stat -c '%n %Y %i' -- *.json); }
before=$(stamps)
make
same "what is done is not done again" "$before" "$(stamps)"
same "nor what has failed" 0 "$(grep -c '^\[' "$TMP/err")"
recipe ls "packages: coreutils" "command: ls /usr" "runs: 3"
recipe fails "packages: coreutils" "command: false" "exit: 1"
make
same "what has changed is" "fails ls" \
	"$(sed -n 's/^\[.*\] small \(.*\): .*/\1/p' "$TMP/err" | sort | xargs)"
check "by the new recipe" has ls 'p["trained"]["runs"] == 3'
make --only=ls --again
same "one alone" "[1/1] small ls" "$(sed -n 's/^\(\[.*\): .* pages.*/\1/p' "$TMP/err")"

# ---- interrupted ----

recipe top "packages: procps" "command: top" "terminal: yes" "exit: never" "window: 60000" "runs: 9"
make --only=top &
pid=$!
for ((i = 0; i < 600; i++)); do
	[ -e "$work/w/small/exchange/elfcast" ] && pgrep -f "elfcast train.*-- top" >/dev/null && break
	sleep 0.1
done
maker=$(pgrep -f "make-collection --work=$work/w" | head -n 1)
kill -INT "$maker"
wait $pid
same "Ctrl-C ends it" "130 make-collection: interrupted" "$? $(tail -n 1 "$TMP/err")"
same "and leaves nothing" "" "$(left)"
recipe top "packages: procps" "command: top" "terminal: yes" "exit: never" "window: 1000" "runs: 2"
make --only=top
same "the next run goes on" 0 $?
finish
