#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# elfcast-prefetch with each of its system calls failing in turn, in all of its processes, with
# several errors, and killed at each: it ends, with status 0, or 1 and a line that says why; its
# report is whole or not there; and nothing in /dev is replaced when that is where it goes.
# STEP=1 takes every system call, as SOAK does; default: every 9th.
. "$(dirname "$0")/../lib.sh"

STEP=${STEP:-${SOAK:+1}}
STEP=${STEP:-9}
if [ "$(id -u)" != 0 ]; then
	skip "faults of the boot reader" "needs root"
	finish
fi
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "faults of the boot reader" "the sanitizer's own calls would fail"
	finish
fi
make_root
elfcast compile --quiet --root="$R" --storage=flash || exit 1
read_boot() { # fault-at-options N
	timeout 60 "$BUILD/tests/fault-at" "$@" "$BUILD/elfcast-prefetch" --root="$R" --deadline=5000 \
		--report="$report" >"$TMP/out" 2>"$TMP/err"
}
devices() { find /dev -xdev \( -type f -o -name null -o -name zero -o -name full -o -name stdout \) -printf '%y %p %l\n' | sort; }
before=$(devices)

report=$TMP/report.json
read_boot 1000000
same "without a fault it reads" "3 read" "$? $(sed -n 's/^.*"outcome": "\([a-z]*\)".*/\1/p' "$report")"

# What breaks the loader is no news: its calls are among those of a program that does nothing.
loader=1
while "$BUILD/tests/fault-at" $loader "$BUILD/elfcast-prefetch" --version >/dev/null 2>&1; do
	loader=$((loader + 1))
done
injected=0 bad=0 said=0
wrong() { bad=$((bad + 1)) && echo "# $*"; }
inject() { # name report fault-at-options
	local what=$1 n status
	report=$2
	shift 2
	for ((n = 1; n < 5000; n += STEP)); do
		rm -f "$TMP/report.json"
		read_boot "$@" $n
		status=$?
		[ $status -ne 3 ] || break
		injected=$((injected + 1))
		case $status in
		0) ;;
		1) [ -s "$TMP/err" ] && said=$((said + 1)) || wrong "$what at call $n: status 1, and not a word" ;;
		127 | 139) [ $n -lt $loader ] || wrong "$what at call $n: status $status" ;;
		*) wrong "$what at call $n: status $status" ;;
		esac
		[ ! -e "$TMP/report.json" ] || python3 -m json.tool "$TMP/report.json" >/dev/null 2>&1 ||
			wrong "$what at call $n: the report is cut"
	done
}
for e in EIO:5 ENOMEM:12 EACCES:13; do inject "${e%:*}" "$TMP/report.json" -e "${e#*:}"; done
inject "EIO, to /dev/null" /dev/null -e 5
inject "killed" "$TMP/report.json"
check "enough faults" test $injected -gt $((900 / STEP))
check "some are reported, so they are real" test $said -gt 0
same "statuses, silence, cut reports" 0 $bad
same "nothing in /dev is replaced" "$before" "$(devices)"
echo "# table: elfcast-prefetch: $injected faults (EIO, ENOMEM, EACCES, killed; every $STEP. call), $bad bad"
finish
