#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: tracefs
# takes: 15 s
# train --method: what each way to record sees, and does not see, of a program that touches known pages.
# How exact they are on real programs shows tests/matrix/methods.sh.
set -u
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
if [ "$(id -u)" != 0 ]; then
	echo "ok - train --method # SKIP needs root"
	exit 0
fi
elfcast=$BUILD/elfcast
dir=$(mktemp -d /var/lib/elfcast-test-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir" && cp "$BUILD/tests/trace-touch" "$dir/"
page=$(getconf PAGESIZE) file=$dir/data
head -c $((600 * page)) /dev/urandom >"$file" && sync "$file"

. "$TOP/tests/helpers/train-lib.sh"
train() { timeout 120 "$elfcast" train "$@" >"$dir/out" 2>"$dir/err"; }
# Pages of the processor's of $file that the profile has, one a line; its method is that, or INSTEAD.
method() { # METHOD CASE [INSTEAD]
	cat "$file" >/dev/null
	train --method="$1" -n 1 --json -o "$dir/p.json" -- "$dir/trace-touch" "$2" "$file" &&
		grep -q "\"method\": \"${3:-$1}\"" "$dir/out" && python3 - "$dir/p.json" "$file" "$page" "${3:-$1}" >"$dir/seen" <<-'PY'
			import json, sys
			profile, file, size, method = sys.argv[1:]
			p = json.load(open(profile))
			assert p["trained"]["method"] == method
			per = int(size) // 4096
			pages = {(f + i) // per for o in p["objects"] if o["path"] == file
			         for f, n, *_ in o["pages"] for i in range(n)}
			print(*sorted(pages), sep="\n")
		PY
}
has() { # PAGE...
	local p
	for p; do grep -qx "$p" "$dir/seen" || return 1; done
}
only() { [ "$(paste -sd ' ' "$dir/seen")" = "$*" ]; }

instead=
printf '%s\n' 6.7 "$(uname -r)" | sort -CV || instead=pte
method uffd unmap $instead && only 4 8 221
verdict "uffd" $?
method pagemap unmap && has 4 8 221
verdict "pagemap: more than that" $?
# Where faults map single pages and there is debugfs: on other kernels (TESTS=train-methods tests/matrix/kernels.sh).
around() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'mount -t debugfs none "$1" && cat "$1/fault_around_bytes"' sh "$dir/debugfs" 2>/dev/null
}
mkdir "$dir/debugfs"
before=$(around)
train --method=pte -n 1 -o "$dir/p.json" -- true
if grep -q 'fault-around cannot be turned off here' "$dir/err"; then
	grep -q '"method": "pagemap"' "$dir/p.json"
	verdict "pte: where it cannot be had, pagemap" $?
	echo "ok - pte # SKIP debugfs is shut, or faults map more than a page"
else
	method pte unmap && only 4 8 221
	verdict "pte" $?
	mkfifo "$dir/started"
	"$elfcast" train --method=pte -n 1 -o "$dir/none.json" -- sh -c 'echo >"$1"; exec sleep 100' sh "$dir/started" &
	read -r _ <"$dir/started"
	during=$(around)
	train --method=pte -n 1 -o "$dir/p.json" -- true
	grep -q 'fault-around cannot be turned off here' "$dir/err" && grep -q '"method": "pagemap"' "$dir/p.json"
	verdict "pte: not beside another recording" $?
	kill -KILL $!
	wait $! 2>/dev/null
	# How soon, nobody promises.
	for _ in $(seq 1200); do
		[ "$(around)" = "$before" ] && break
		sleep 0.05
	done
	[ "$during" = 4096 ] && [ "$(around)" = "$before" ]
	verdict "pte: killed, it leaves fault-around as before" $?
fi
[ "$(around)" = "$before" ]
verdict "pte: fault-around is as before" $?
method exit every-third && has 0 3 597
verdict "exit: what is mapped at the end" $?
method exit unmap && ! has 4
verdict "exit: not what was unmapped before" $?
method exit pread && only
verdict "exit: nothing that was read" $?
method exit spawn && has 0 3 597
verdict "exit: of children, and before another program is executed" $?
# All of it was cached before.
method residency pread && has 10 20 21 599 && ! has 300
verdict "residency: of a cold launch" $?
# Who has it mapped keeps it there, and that is told.
coproc python3 -c 'import ctypes, mmap, sys
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
ctypes.CDLL(None).mlockall(1) # what is mapped, and reads it
print(len(m), flush=True)
sys.stdin.read()' "$file"
read -r _ <&"${COPROC[0]}"
method residency pread
grep -q 'do not leave memory, since others use them' "$dir/err" && has 300
verdict "residency: what others use stays" $?
eval "exec ${COPROC[1]}>&-"
wait
traced=filemap
for how in filemap faults; do
	method $how pread
	r=$?
	if [ $r != 0 ] && grep -q 'tracepoints\|locked down' "$dir/err"; then
		echo "ok - $how # SKIP $(tail -n 1 "$dir/err")"
		traced=
		continue
	fi
	[ $r = 0 ] && only 10 20 21 599
	verdict "$how: what is read" $?
done

for how in exit residency $traced; do
	train --method=$how -n 1 -o "$dir/none.json" -- sh -c 'echo hopeless >&2; exit 3'
	[ $? = 1 ] && [ ! -e "$dir/none.json" ] && grep -q 'exited with status 3' "$dir/err" &&
		grep -q '| hopeless$' "$dir/err"
	verdict "$how: a run that fails writes nothing" $?
done
# Whoever ends it ends all: the launch, who waits for it and who records.
interrupt() { # METHOD
	rm -f "$dir/started"
	timeout 60 "$elfcast" train --method="$1" -n 1 -o "$dir/none.json" -- \
		sh -c "echo \$\$ >'$dir/started'; exec sleep 1000" >"$dir/out" 2>"$dir/err" &
	until [ -s "$dir/started" ] || ! kill -0 $! 2>/dev/null; do read -r -t 0.05 <>"$dir/never"; done
	pkill -INT -P $! 2>/dev/null # elfcast, below timeout
	wait $!
	[ $? = 130 ] && [ ! -e "$dir/none.json" ] && grep -q 'interrupted in run 1: nothing is written' "$dir/err" &&
		! kill -0 "$(cat "$dir/started")" 2>/dev/null
}
mkfifo "$dir/never"
for how in exit residency filemap; do
	interrupt $how
	verdict "$how: interrupted" $?
done
mkdir "$dir/root" && train --root="$dir/root" --install --method=exit -n 1 -- true &&
	grep -rq '"--method=exit"' "$dir/root/etc/elfcast/profiles.d"
verdict "the profile keeps it for --again" $?
setpriv --reuid 65534 --clear-groups "$elfcast" train --method=residency -n 1 -o - -- true >"$dir/out" 2>"$dir/err"
[ $? = 1 ] && grep -qx 'elfcast: only root sees what is in the page cache (--method=residency)' "$dir/err"
verdict "residency is root's" $?
train --method=magic -- true
[ $? = 2 ] && grep -q "bad method 'magic'" "$dir/err"
verdict "another method" $?
train --method=exit --system --for=1
[ $? = 2 ] && grep -q -- '--method is not for --system' "$dir/err"
verdict "not with --system" $?
