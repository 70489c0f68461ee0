#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab
# takes: 25 s
# elfcast bench on an ext4 image of its own, whose device reads nothing ahead by itself and
# whose files nobody else maps: eviction works, and every page that is not there is a major
# fault. Mounts are made in a mount namespace of the test's own.
if [ "$(id -u)" != 0 ]; then
	echo "ok - bench # SKIP needs root"
	exit 0
fi
[ -n "${IN_NAMESPACE:-}" ] ||
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
. "$(dirname "$0")/../lib.sh"

# Not in /tmp, which may be in memory.
work=$(cd "$(mktemp -d /var/tmp/elfcast-bench-XXXXXX)" && pwd -P)
root=$work/root loop='' helpers=''
cleanup() {
	local pid
	for pid in $helpers $(cat "$work"/pids* "$work/daemons" 2>/dev/null); do
		# Only what runs the test's own program.
		case $(readlink "/proc/$pid/exe") in "$root"/*) kill -9 "$pid" ;; esac
	done
	umount "$root" 2>/dev/null || umount -l "$root" 2>/dev/null
	[ -n "$loop" ] && losetup -d "$loop"
	umount -l "$work/slow" 2>/dev/null # also where who serves it has ended
	rm -rf --one-file-system "$work" "$TMP"
}
trap cleanup EXIT

die() {
	not_ok "$1"
	exit 1
}

chmod 755 "$work"
truncate -s 32M "$work/image" && mkfs.ext4 -q -F "$work/image" && mkdir "$root" ||
	die "cannot make an image"
if ! loop=$(losetup -f --show "$work/image" 2>/dev/null); then
	loop=''
	skip bench "no loop device"
	finish
fi
mount "$loop" "$root" || die "cannot mount the image"
echo 0 >"/sys/block/${loop#/dev/}/queue/read_ahead_kb"
mount -t tmpfs none /var/lib || die "cannot hide /var/lib"

prog=$root/prog data=$root/data count=$work/count
gcc -O1 -o "$prog" "$TOP/tests/helpers/bench-prog.c" || die "cannot build the program"
n_pages=800 # of which the program touches every eighth: 100
make_data() { # no shadow: the profile is about every page
	rm -f "$data" "$count" "$work"/pids*
	head -c $((n_pages * 4096)) /dev/urandom >"$data"
	local i
	for ((i = 0; i < n_pages; i += 8)); do echo "$data $i 1"; done >"$work/lines"
	"$BUILD/tests/mkshadow" / "$prog" default test.prog.json <"$work/lines" ||
		die "cannot make a shadow"
}
bench() { # [option... --] argument of the program...; $TMP/out, $TMP/err
	timeout 100 "$BUILD/elfcast" bench "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
}
json() { # NAME python-expression over r
	if /usr/bin/python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
w = r.get("ways")
sys.exit(not eval("(" + sys.argv[2] + ")"))' "$TMP/out" "$2"; then ok "$1"; else
		not_ok "$1"
		sed 's/^/# /' "$TMP/out" "$TMP/err" | head -n 150
	fi
}
err_has() { # name status text: exit status of the bench before, a line on stderr
	local got=$? name=$1
	if [ "$got" = "$2" ] && grep -qF -- "$3" "$TMP/err"; then ok "$name"; else
		not_ok "$name (status $got)"
		sed 's/^/# /' "$TMP/err"
	fi
}
kill_daemons() {
	local pid
	while read -r pid; do
		[ "$(readlink "/proc/$pid/exe")" != "$prog" ] || kill -9 "$pid"
	done <"$work/daemons"
	until ended "$work/daemons"; do :; done
}
ended() { # file: every process that it names
	local pid
	while read -r pid; do
		[ "$(readlink "/proc/$pid/exe")" != "$prog" ] || return 1
	done <"$1"
}

# -- what there is without a shadow ---------------------------------------------------------
bench -- "$prog" "$data" "it's"
err_has "no shadow: the line that makes one" 1 \
	"elfcast: no shadow of '$prog'; make one: elfcast train --install -- $prog $data 'it'\\''s'"
same "no shadow: one line" "1 0" "$(wc -l <"$TMP/err") $(wc -c <"$TMP/out")"
make_data
bench --scenario=none -- "$prog" "$data" x
err_has "no such scenario" 1 "elfcast train --install --scenario=none -- $prog $data x"

# -- cold is cold ---------------------------------------------------------------------------
bench -n 6 --json --svg="$TMP/bench.svg" -- "$prog" "$data" touch
same "exit status" 0 $?
same "a picture: XML, with four ways and a dot for each launch" "4 24" "$(python3 - "$TMP/bench.svg" <<'END'
import sys, xml.dom.minidom
d = xml.dom.minidom.parse(sys.argv[1])
print(len([r for r in d.getElementsByTagName("rect") if r.getAttribute("class") != "bg"]), len(d.getElementsByTagName("circle")))
END
)"
json "all rounds" 'r["rounds"] == 6 and not r["interrupted"] and r["problem"] is None'
json "pages of the shadow" 'r["pages"] == 100 and r["files"] == 1'
json "everything was evicted" \
	'r["eviction"]["was_cold"] and r["eviction"]["pages_kept_max"] == 0 and
	 r["eviction"]["pages_visible"] == 100'
json "cold: a major fault for every page" 'w["cold"]["major_faults"] >= 100'
json "before: none of them" 'w["before"]["major_faults"] < 20'
json "warm: none of them" 'w["warm"]["major_faults"] < 20'
json "together: no more than cold" \
	'w["together"]["major_faults"] <= w["cold"]["major_faults"]'
json "requests and bytes of the device" \
	'w["cold"]["requests"] >= 100 and w["cold"]["bytes"] >= 100 * 4096 and
	 w["before"]["bytes"] >= 100 * 4096 and w["warm"]["requests"] < 20'
json "the prefetcher is measured" \
	'w["before"]["prefetch_ms"] > 0 and w["together"]["prefetch_cpu_ms"] > 0 and
	 w["cold"]["prefetch_ms"] is None'
json "intervals are around their medians" \
	'all(x["ms"]["low"] <= x["ms"]["median"] <= x["ms"]["high"] and
	     len(x["samples_ms"]) == 6 for x in w.values())'
json "a verdict" 'w["before"]["verdict"] in ("gain", "no gain", "loss")'

bench -n 2 -- "$prog" "$data" touch
same "text: exit status" 0 $?
same "text: four ways" "cold before together warm" \
	"$(grep -oE '^(cold|before|together|warm) ' "$TMP/out" | tr -d ' ' | paste -sd ' ')"
same "text: too few rounds for a verdict" 2 "$(grep -c '^read ahead .*2 rounds cannot tell, 6 can' "$TMP/out")"
same "no progress but on a terminal" 0 "$(grep -c round "$TMP/err")"
bench -q -n 1 -- "$prog" "$data" touch
same "quiet" "" "$(cat "$TMP/err")"

# A kernel that reclaims memory may take pages of the C library meanwhile; then the cold launch
# was a little cold, and it is asked once more.
warm_again() {
	local i status
	for ((i = 0; i < 5; i++)); do
		"$@"
		status=$?
		grep -q "cold could not be made" "$TMP/err" && break
	done
	return $status
}

# -- what running processes map -------------------------------------------------------------
"$prog" "$data" hold "$work/pids" &
helpers=$!
until [ -s "$work/pids" ]; do kill -0 "$helpers" || die "the holder ended"; done
bench -n 1 --json -- "$prog" "$data" touch
json "mapped pages are told" \
	'r["eviction"]["pages_kept"] == 100 and r["eviction"]["kept"][0]["kept"] == 100 and
	 w["cold"]["major_faults"] < 50'
warm_again bench -n 1 -- "$prog" "$data" touch
err_has "in words" 0 \
	"100 of 100 pages (100 %; at most 100) could not be evicted: running processes use them (data 100)"
err_has "cold could not be made" 0 "cold could not be made: "
kill "$helpers"
wait "$helpers" 2>/dev/null
helpers=''

# -- without root ---------------------------------------------------------------------------
cp "$BUILD/elfcast" "$root/elfcast"
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
		timeout 100 "$root/elfcast" bench "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
}
as_nobody -n 2 --json -- "$prog" "$data" touch
same "nobody: exit status" 0 $?
json "nobody: evicts, but does not see it" \
	'r["eviction"]["files_invisible"] == 1 and r["eviction"]["pages_visible"] == 0 and
	 r["eviction"]["was_cold"] and w["cold"]["major_faults"] >= 100'
as_nobody -n 1 -- "$prog" "$data" touch
err_has "nobody: in words" 0 "whether all pages of 1 of 1 files left the cache, only root may see"
"$prog" "$data" hold "$work/pids2" &
helpers=$!
until [ -s "$work/pids2" ]; do kill -0 "$helpers" || die "the holder ended"; done
warm_again as_nobody -n 1 -- "$prog" "$data" touch
err_has "nobody: cold could not be made" 0 "cold could not be made without root"
kill "$helpers"
wait "$helpers" 2>/dev/null
helpers=''

# -- commands that are not to be measured ---------------------------------------------------
bench -n 3 -- "$prog" "$data" fail "$count" 1
err_has "fails at once" 1 "'$prog' exited with status 3 (trial run): not measured"
same "fails: nothing on stdout, one run" "0 1" "$(wc -c <"$TMP/out") $(wc -c <"$count")"
rm "$count"
bench -n 3 -- "$prog" "$data" fail "$count" 7
err_has "fails later" 1 \
	"'$prog' exited with status 3 (round 2, together), the first time with status 0: not measured"
same "nothing is averaged" "0 7" "$(wc -c <"$TMP/out") $(wc -c <"$count")"
rm "$count"
bench -n 3 --json -- "$prog" "$data" crash "$count" 4
same "crashes: exit status" 1 $?
json "crashes: JSON" '"was killed by signal 11" in r["problem"] and w is None and r["rounds"] == 0'
rm "$count"
bench -n 9 -- "$prog" "$data" vary "$count" 9
err_has "another amount of work" 1 "does not do the same each time: "
rm "$count"
bench -n 9 -- "$prog" "$data" change "$count" 3
err_has "a file changes" 1 "'$data' changed meanwhile (round 1, "
make_data
bench -n 3 --timeout=1 -- "$prog" "$data" hang "$work/pids"
err_has "hangs" 1 "'$prog' still ran after 1 s (trial run) and was killed: not measured"
check "hangs: it and its child were ended" ended "$work/pids"
same "hangs: two processes" 2 "$(wc -l <"$work/pids")"
bench -n 1 -- "$prog" "$data" daemon "$work/daemons"
err_has "leaves processes" 0 "the command leaves processes running"
same "leaves processes: they live" 5 "$(wc -l <"$work/daemons")"
kill_daemons
printf '#!/none/such\n' >"$root/script" && chmod 755 "$root/script"
"$BUILD/tests/mkshadow" / "$root/script" default test.script.json <"$work/lines"
bench -n 1 -- "$root/script"
err_has "cannot be executed" 1 "cannot execute '$root/script': No such file or directory"
bench -n 1 -- "$root/none"
err_has "no such program" 1 "cannot run '$root/none': No such file or directory"
echo >>"$data"
bench -n 1 -- "$prog" "$data" touch
err_has "nothing is as compiled" 1 "no file of '$prog' is as it was compiled"
make_data

# -- the command's own files ----------------------------------------------------------------
bench -n 1 -- "$prog" "$data" output
same "stdin, stdout and stderr are /dev/null" "0 0" "$? $(grep -c '^output' "$TMP/out")"
bench -n 1 -i -- "$prog" "$data" output
same "-i keeps them" "0 5" "$? $(grep -c '^output' "$TMP/out")"

# -- interrupted ----------------------------------------------------------------------------
interrupt() { # signal runs option...: sends it when the program has run so often
	local signal=$1 runs=$2 pid
	shift 2
	rm -f "$count"
	# A background process of a script would ignore SIGINT.
	env --default-signal=INT "$BUILD/elfcast" bench -n 1000 "$@" -- \
		"$prog" "$data" touch "$count" >"$TMP/out" 2>"$TMP/err" </dev/null &
	pid=$!
	until [ "$(stat -c %s "$count" 2>/dev/null || echo 0)" -ge "$runs" ]; do
		kill -0 $pid 2>/dev/null || break
	done
	kill -"$signal" $pid
	wait $pid
}
for signal in INT TERM; do
	interrupt $signal 10 # a trial, and two rounds of four
	status=$?
	n=$(sed -n 's/^elfcast: warning: stopped after \([0-9]*\) of 1000 rounds$/\1/p' "$TMP/err")
	same "$signal: prints what it has" "130 1" "$status $(grep -cE ", $n rounds\$" "$TMP/out")"
	check "$signal: at least two rounds" [ "${n:-0}" -ge 2 ]
done
interrupt INT 10 --json
same "interrupted, JSON: exit status" 130 $?
json "interrupted, JSON" \
	'r["interrupted"] and 2 <= r["rounds"] < 1000 and
	 len(w["warm"]["samples_ms"]) == r["rounds"]'
rm -f "$work"/pids
env --default-signal=INT "$BUILD/elfcast" bench -- "$prog" "$data" hang "$work/pids" \
	>"$TMP/out" 2>"$TMP/err" </dev/null &
pid=$!
until [ "$(wc -l 2>/dev/null <"$work/pids")" = 2 ]; do kill -0 $pid 2>/dev/null || break; done
kill -INT $pid
wait $pid
err_has "interrupted in a launch" 130 "stopped after 0 of 10 rounds"
check "interrupted in a launch: it was ended" ended "$work/pids"

# -- on a terminal --------------------------------------------------------------------------
# terminal TEXT COMMAND...: what it shows on a terminal where TEXT is typed whenever the program
# asks; its exit status as last line.
terminal() {
	/usr/bin/python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
	size = struct.pack("4H", 24, int(os.environ.get("TERMINAL_COLUMNS", 0)), 0, 0)
	fcntl.ioctl(1, termios.TIOCSWINSZ, size)
	os.execv(sys.argv[2], sys.argv[2:])
text, seen, answers = sys.argv[1].encode().decode("unicode_escape").encode(), b"", 0
try:
	while data := os.read(fd, 4096):
		seen += data
		while answers < seen.count(b"more? "):
			os.write(fd, text)
			answers += 1
except OSError:
	pass
os.write(1, seen)
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@" | tr '\r' '\n'
}
terminal '' "$BUILD/elfcast" bench -n 2 -- "$prog" "$data" touch >"$TMP/out"
check "terminal: progress" grep -q '#\{15\} *\] round 2 of 2: cold' "$TMP/out"
same "terminal: exit status" "status 0" "$(tail -n 1 "$TMP/out")"
# Lines that can be taken back, and a table whose lines are whole.
longest() { # of the lines that are matched
	grep -E "$1" "$TMP/out" | sed $'s/\x1b\\[K//' | awk '{ if (length > n) n = length } END { print n + 0 }'
}
for columns in 30 45 60 80; do
	TERMINAL_COLUMNS=$columns terminal '' "$BUILD/elfcast" bench -n 2 -- "$prog" "$data" touch >"$TMP/out"
	n=$(longest 'round [0-9]+ of')
	check "terminal of $columns columns: progress" [ $((n > 20 && n <= columns)) = 1 ]
	n=$(longest '^(cold|before|together|warm| +median)')
	# the times alone take 39: on 30 columns they go on in the next line
	check "terminal of $columns columns: table" [ $((n >= 20 && n <= columns)) = 1 ]
done
terminal 'x\n' "$BUILD/elfcast" bench -i -n 1 -- "$prog" "$data" ask >"$TMP/out"
same "-i: the command has the terminal" "5 status 0" \
	"$(grep -c '^got it' "$TMP/out") $(tail -n 1 "$TMP/out")"
terminal '\x03' "$BUILD/elfcast" bench -i -n 1 -- "$prog" "$data" ask >"$TMP/out"
same "-i: Ctrl-C" "1 status 130" \
	"$(grep -c 'stopped after 0 of 1 rounds' "$TMP/out") $(tail -n 1 "$TMP/out")"

# -- a disk that takes its time -------------------------------------------------------------
# What was asked for arrives long after the launch, which touches a quarter of it.
slow_disk() { # the same file system on a modelled disk: one request after the other
	local slowdisk=$TOP/build/lab/slowdisk line=
	make -s -C "$TOP" BUILD=build lab >/dev/null 2>&1 || return
	umount "$root" && losetup -d "$loop" || die "cannot unmount"
	loop=''
	mkdir "$work/slow"
	exec {server}< <(exec "$slowdisk" sd:500:60 "$work/image" "$work/slow" 2>&1)
	read -r -t 20 line <&"$server"
	[ "$line" = ready ] || die "slowdisk does not start: $line"
	loop=$(losetup -f --show --read-only --direct-io=on "$work/slow/disk") ||
		die "no loop device"
	echo 0 >"/sys/block/${loop#/dev/}/queue/read_ahead_kb"
	mount -o ro "$loop" "$root" || die "cannot mount the slow disk"
}
for i in 2 4 6; do sed "s/$/ $i/" "$work/lines"; done |
	awk '{ print $1, $2 + $4, $3 }' | sort -k 2n | cat "$work/lines" - |
	"$BUILD/tests/mkshadow" / "$prog" default test.prog.json || die "cannot make a shadow"
sync
if [ -c /dev/fuse ] && slow_disk; then
	bench -n 2 --json -- "$prog" "$data" touch
	json "slow disk: cold reads what it touches" \
		'r["pages"] == 400 and 100 * 4096 <= w["cold"]["bytes"] < 300 * 4096'
	json "slow disk: read ahead is over before the launch" \
		'w["before"]["bytes"] >= 400 * 4096 and w["before"]["major_faults"] < 20'
	json "slow disk: what is on its way is waited for" \
		'w["together"]["bytes"] >= 400 * 4096'
else
	skip "bench on a slow disk" "no FUSE"
fi

# -- misuse ---------------------------------------------------------------------------------
for args in "" "-n 0 -- x" "-n 1001 -- x" "-n 2x -- x" "--timeout=0 -- x" "--timeout=-1 -- x" \
	"--root=/tmp -- x" "-i --json -- x" "--none -- x"; do
	# shellcheck disable=SC2086 # words
	bench $args
	err_has "misuse: bench $args" 2 "Try 'elfcast bench --help'"
done
same "nothing is left running" "" "$(pgrep -f "^$prog .* (touch|hang|hold|ask)" | paste -sd ' ')"
finish
