#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# prefetch and run against the real kernel, on an ext4 image of their own whose device reads
# nothing ahead by itself: what is resident afterwards is exactly what was asked for. Cold
# means unmounted and mounted again. Mounts are made in a mount namespace of the test's own.
if [ "$(id -u)" != 0 ]; then
	echo "ok - prefetch # SKIP needs root"
	exit 0
fi
[ -n "${IN_NAMESPACE:-}" ] ||
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
. "$(dirname "$0")/../lib.sh"

# Not in /tmp, which may be in memory.
work=$(cd "$(mktemp -d /var/tmp/elfcast-prefetch-XXXXXX)" && pwd -P)
root=$work/root loop='' hangfs='' helpers=''
elfcast=$BUILD/elfcast

cleanup() {
	local pid
	for pid in $hangfs $helpers; do
		kill -9 "$pid" 2>/dev/null
	done
	umount -l "$root/usr/lib/sub" 2>/dev/null
	umount "$root" 2>/dev/null || umount -l "$root" 2>/dev/null
	[ -n "$loop" ] && losetup -d "$loop"
	rm -rf --one-file-system "$work" "$TMP"
}
trap cleanup EXIT

die() {
	not_ok "$1"
	exit 1
}

limits() { # max_sectors_kb: read_ahead_kb goes last, other limits reset it
	echo "$1" >"/sys/block/${loop#/dev/}/queue/max_sectors_kb"
	echo 0 >"/sys/block/${loop#/dev/}/queue/read_ahead_kb"
	[ "$(cat "/sys/block/${loop#/dev/}/queue/read_ahead_kb")" = 0 ] ||
		die "read_ahead_kb is not 0"
}
cold() {
	[ -z "$hangfs" ] || stop_hangfs
	umount "$root" && mount "$loop" "$root" || die "cannot mount again"
}
resident() (cd "$root" && "$BUILD/tests/residency" "$@" | paste -sd ' ')
all="usr/bin/prog usr/lib/a.so usr/lib/sub/b.so usr/share/data"
shadow() { # lines: "PATH FIRST PAGES", below the image
	"$BUILD/tests/mkshadow" "$root" /usr/bin/prog default >"$work/shadow"
}
prefetch() { # extra options; stderr goes to $work/err
	timeout 60 "$elfcast" prefetch --root="$root" --shadow="$work/shadow" --verbose "$@" \
		2>"$work/err"
}

# An ELF file of about 75 pages with the build-id $2.
elf() {
	printf '.data\n.globl pad\npad: .fill 300000, 1, 1\n' | as -o "$work/pad.o" - &&
		ld -shared --build-id="0x$2" -o "$1" "$work/pad.o"
}
# What of these ranges ("FILE FIRST PAGES", below the image) is resident when they are asked for:
# whole pages of the processor's, which may be larger than the 4096 bytes of ours.
native() {
	local per=$(($(getconf PAGESIZE) / 4096))
	while read -r file first n; do
		echo "$file $(((first / per) * per)) $((((first + n + per - 1) / per) * per)) $((($(stat -c %s "$root/$file") + 4095) / 4096))"
	done < <(xargs -n 3 <<<"$*") | awk '
		{ end = $3 > $4 ? $4 : $3
		  if ($1 == file && $2 <= last) { if (end > last) last = end }
		  else { if (file) print file, from, last - from; file = $1; from = $2; last = end } }
		END { if (file) print file, from, last - from }' | paste -sd ' '
}
lines="/usr/bin/prog 2 3
/usr/lib/a.so 1 1
/usr/lib/sub/b.so 10 40
/usr/bin/prog 30 7
/usr/share/data 0 2
/usr/lib/a.so 50 2"

make_tree() {
	mkdir -p "$root"/usr/{bin,lib/sub,share} "$root/old"
	elf "$root/usr/bin/prog" 00112233445566778899aabbccddeeff00000001 &&
		elf "$root/usr/lib/a.so" 00112233445566778899aabbccddeeff00000002 &&
		elf "$root/usr/lib/sub/b.so" 00112233445566778899aabbccddeeff00000003 &&
		head -c 40000 /dev/zero >"$root/usr/share/data" &&
		chmod 755 "$root/usr/bin/prog" || die "cannot make the files"
}

truncate -s 64M "$work/image" && mkfs.ext4 -q -F "$work/image" && mkdir "$root" ||
	die "cannot make an image"
if ! loop=$(losetup -f --show "$work/image" 2>/dev/null); then
	loop=''
	skip prefetch "no loop device"
	finish
fi
mount "$loop" "$root" || die "cannot mount the image"
limits 1280
make_tree
shadow <<<"$lines" || die "cannot make a shadow"
want_prog=$(native usr/bin/prog 2 3 usr/bin/prog 30 7)
want_a=$(native usr/lib/a.so 1 1 usr/lib/a.so 50 2)
want_b=$(native usr/lib/sub/b.so 10 40)
want_data=$(native usr/share/data 0 2)

# -- exactly the pages -------------------------------------------------------------------
status='' got='' # of reads_cold
cold
same "cold is cold" "" "$(resident $all)"
reads_cold "$all" prefetch
same "exit status" 0 $status
same "exactly these pages" "$want_prog $want_a $want_b $want_data" "$got"
same "summary" 1 "$(grep -c '55 pages (0.2 MiB) of 4 objects, 0 skipped' "$work/err")"
cold
prefetch --quiet
same "quiet is quiet" "" "$(cat "$work/err")"
prefetch --json >"$work/json" && python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
assert len(r) == 1 and r[0]["pages"] == 55 and r[0]["objects_used"] == 4, r
assert r[0]["skipped"] == [] and not r[0]["deadline_hit"], r' "$work/json"
same "json" 0 $?

# -- calls that a device would cut short --------------------------------------------------
limits 16
without_waiting() { # which would read what was cut off, page by page
	prefetch --no-wait
	for _ in $(seq 400); do # it is on its way
		[ "$(resident usr/lib/sub/b.so)" = "$want_b" ] && break
		"$BUILD/tests/residency" --evicted "$root/usr/lib/sub/b.so" && break
		sleep 0.05
	done
}
reads_cold usr/lib/sub/b.so without_waiting
same "a device with small requests gets small calls" "$want_b" "$got"
limits 1280

# -- an object that is no longer what it was ----------------------------------------------
# replaced NAME REASON PATH WANTED: the tree was changed; PATH is skipped, the rest is read
replaced() {
	local status got
	if [ "$1" = fuse ]; then reads_cold "$4" beside_hangfs; else reads_cold "$4" prefetch; fi
	same "$1: exit status" 0 $status
	same "$1: one line" "elfcast: $3: skipped: $2" "$(grep skipped: "$work/err")"
	same "$1: the rest is read" "$5" "$got"
	[ "$1" = fuse ] && stop_hangfs
	rm -rf --one-file-system "${root:?}/usr" "$root/old"
	make_tree
	shadow <<<"$lines"
}
beside_hangfs() {
	start_hangfs
	prefetch
}
start_hangfs() {
	coproc HANG { exec "$BUILD/tests/hangfs" "$root/usr/lib/sub"; }
	hangfs=$HANG_PID
	read -r _ <&"${HANG[0]}"
}
stop_hangfs() {
	kill "$hangfs"
	wait "$hangfs" 2>/dev/null
	hangfs=''
	umount "$root/usr/lib/sub"
}
changed='changed since it was compiled'
gone='no such file, or a symbolic link in its path'
not_regular='not a regular file, or empty'
a=/usr/lib/a.so
rest="usr/bin/prog usr/lib/sub/b.so usr/share/data"
want_rest="$want_prog $want_b $want_data"

elf "$root/new" 00112233445566778899aabbccddeeff000000ff && mv "$root/new" "$root$a"
replaced rebuilt "$changed" $a "$rest" "$want_rest"
truncate -s 150000 "$root$a"
replaced truncated "$changed" $a "$rest" "$want_rest"
head -c 4096 /dev/zero >>"$root$a"
replaced grown "$changed" $a "$rest" "$want_rest"
truncate -s 0 "$root$a"
replaced emptied "$not_regular" $a "$rest" "$want_rest"
mv "$root$a" "$root/old/a.so" && ln -s /old/a.so "$root$a"
replaced symlink "$gone" $a "$rest" "$want_rest"
rm "$root$a" && mkfifo "$root$a"
replaced FIFO "$not_regular" $a "$rest" "$want_rest"
rm "$root$a" && mkdir "$root$a"
replaced directory "$not_regular" $a "$rest" "$want_rest"
rm "$root$a" && mknod "$root$a" c 5 0
replaced "device node" "$not_regular" $a "$rest" "$want_rest"
rm "$root$a"
replaced missing "$gone" $a "$rest" "$want_rest"
mv "$root/usr/lib/sub" "$root/old/sub" && ln -s /old/sub "$root/usr/lib/sub"
replaced "symlink in a parent" "$gone" /usr/lib/sub/b.so "usr/bin/prog usr/lib/a.so" \
	"$want_prog $want_a"
head -c 41000 /dev/zero >"$root/usr/share/data"
replaced "data of another size" "$changed" /usr/share/data "usr/bin/prog usr/lib/a.so" \
	"$want_prog $want_a"
if [ -w /dev/fuse ]; then
	replaced fuse "not on a local file system" /usr/lib/sub/b.so \
		"usr/bin/prog usr/lib/a.so" "$want_prog $want_a"
else
	skip "a mount that hangs" "no FUSE"
fi
# Touched or copied, the build-id still says that it is the same file.
cp "$root$a" "$root/new" && mv "$root/new" "$root$a"
cold
prefetch
same "copied: read by its build-id" "0" "$(grep -c skipped: "$work/err")"
shadow <<<"$lines"
rm "$root"/usr/bin/prog "$root"/usr/lib/a.so "$root"/usr/lib/sub/b.so "$root"/usr/share/data
prefetch
same "nothing usable: exit status" 1 $?
make_tree
shadow <<<"$lines"

# -- from a program's name, below a root --------------------------------------------------
install_shadow() { # root program scenario name, lines on stdin
	"$BUILD/tests/mkshadow" "$@" || die "cannot install a shadow"
}
install_shadow "$root" /usr/bin/prog default test.prog.json <<<"/usr/lib/a.so 1 1"
install_shadow "$root" /usr/bin/prog other test.prog-other.json <<<"/usr/lib/a.so 5 1"
ln -s prog "$root/usr/bin/link"
ln -s /usr/bin/link "$root/bin-link"
by_name() { timeout 60 "$elfcast" prefetch -q --root="$root" "$@"; }
reads_cold usr/lib/a.so by_name /bin-link
same "links are followed below the root" "0 $(native usr/lib/a.so 1 1)" "$status $got"
reads_cold usr/lib/a.so by_name --scenario=other /usr/bin/prog
same "scenario" "0 $(native usr/lib/a.so 5 1)" "$status $got"
mkdir -p "$root/usr/lib/elfcast" && mv "$root/var/lib/elfcast/shadow" "$root/usr/lib/elfcast/"
: >"$root/usr/lib/elfcast/index"
reads_cold usr/lib/a.so by_name /usr/bin/prog
same "shadows of an image build" "0 $(native usr/lib/a.so 1 1)" "$status $got"
for arg in "--scenario=none /usr/bin/prog" /usr/lib/a.so /none ./prog none /usr; do
	# shellcheck disable=SC2086 # words
	timeout 60 "$elfcast" prefetch --root="$root" $arg 2>"$work/err"
	same "prefetch $arg: exit status, one line" "1 1" "$? $(wc -l <"$work/err")"
done
head -c 100 "$work/shadow" >"$work/torn"
"$elfcast" prefetch --root="$root" --shadow="$work/torn" 2>"$work/err"
same "torn shadow" "1 elfcast: cannot read shadow '$work/torn': damaged" "$? $(cat "$work/err")"
"$elfcast" prefetch --deadline=0 x 2>/dev/null
same "usage" 2 $?

# -- run: shadows of the test's own in place of the system's ------------------------------
mount -t tmpfs none /var/lib || die "cannot hide /var/lib"
prog=$root/usr/bin/run-me
printf '#!/bin/sh\nexec "$@"\n' >"$prog" && chmod 755 "$prog"
install_shadow / "$prog" default test.run.json <<<"$root/usr/lib/sub/b.so 10 40"
run_and_look() {
	timeout 20 "$elfcast" run --wait=10000 -- "$prog" "$BUILD/tests/residency" \
		"$root/usr/lib/sub/b.so" >"$work/seen"
}
reads_cold usr/lib/sub/b.so run_and_look
same "run --wait: read before the command starts" "$root/$want_b" "$(cat "$work/seen")"
"$elfcast" run -v --wait=10000 -- "$prog" true 2>"$work/err"
check "run -v: says what it read" grep -q "^elfcast: $prog (default): asked for 40 pages of 1 objects in" "$work/err"
"$elfcast" run -v --wait=10000 -- "$work/image" 2>"$work/err"
check "run -v: says why nothing was" grep -q "^elfcast: nothing read ahead for '$work/image': Permission denied" "$work/err"
"$elfcast" run -v --wait=10000 -- /bin/true 2>"$work/err"
check "run -v: says that there is no profile" grep -q "^elfcast: nothing read ahead for '/bin/true': no profile" "$work/err"
# An interpreter's program has a scenario of its own, where it was trained.
perl=$(readlink -f /usr/bin/perl) && echo 'exit 0' >"$work/app.pl" && cp "$work/app.pl" "$work/other.pl"
install_shadow / "$perl" default test.perl.json <<<"$root/usr/lib/a.so 1 1"
install_shadow / "$perl" "$work/app.pl" test.app.json <<<"$root/usr/lib/sub/b.so 10 40"
scenario_of() { # command...
	(cd "$work" && "$elfcast" run -v --wait=10000 -- "$@" 2>&1 | sed -n "s|^elfcast: $perl (\(.*\)): asked for .*|\1|p")
}
same "run: an interpreter's program" "$work/app.pl" "$(scenario_of "$perl" -w ./app.pl)"
same "run: another one of it" default "$(scenario_of "$perl" other.pl)"
same "run: itself" default "$(scenario_of "$perl" -e 1)"
rm /var/lib/elfcast/shadow/*.test.perl.json.shadow /var/lib/elfcast/shadow/*.test.app.json.shadow
"$elfcast" run -- "$prog" sh -c 'exit 7'
same "run: the command's exit status" 7 $?
"$elfcast" run -- "$work/none" 2>"$work/err"
same "run: not found" "127 elfcast: cannot execute '$work/none': No such file or directory" \
	"$? $(cat "$work/err")"
"$elfcast" run -- "$work/image" 2>"$work/err"
same "run: not executable" "126 elfcast: cannot execute '$work/image': Permission denied" \
	"$? $(cat "$work/err")"
"$elfcast" run 2>/dev/null
same "run: usage" 2 $?
same "run: same process" 1 \
	"$(sh -c 'echo $$; exec "$0" run -- sh -c "echo \$\$"' "$elfcast" | uniq | wc -l)"
same "run: the command has no child" "[]" "$("$elfcast" run -- "$prog" \
	sh -c 'read -r c </proc/$$/task/$$/children; echo "[$c]"')"
same "run: no signal is left behind" "SigPnd: 0000000000000000 ShdPnd: 0000000000000000" \
	"$(python3 -c '
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
os.execv(sys.argv[1], sys.argv[1:])' "$elfcast" run -- "$prog" \
		grep -E 'SigPnd|ShdPnd' /proc/self/status | tr '\t' ' ' | paste -sd ' ')"
same "run: ignores what is wrong with shadows" hello \
	"$(printf x >"$(ls /var/lib/elfcast/shadow/*.shadow)"
	"$elfcast" run -- "$prog" echo hello 2>&1)"

# -- reading that never comes back --------------------------------------------------------
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "reading that never comes back" "a sanitizer must be the first library"
	finish
fi
install_shadow / "$prog" default test.run.json <<<"$root/usr/lib/sub/b.so 10 40"
preload="LD_PRELOAD=$BUILD/tests/hangread.so HANGREAD_LOG=$work/hung"
# shellcheck disable=SC2086
same "run: a stuck helper holds no pipe" finished \
	"$(env $preload timeout 60 "$elfcast" run -- "$prog" echo finished | cat)"
for _ in $(seq 1200); do # the command does not wait for its helper, but here we do
	[ -s "$work/hung" ] && break
	sleep 0.05
done
helper=$(head -n 1 "$work/hung")
helpers=$helper
kill -0 "$helper" 2>/dev/null
same "run: the helper is still stuck" 0 $?
same "run: the helper has its own session" "$helper" "$(ps -o sid= -p "$helper" | tr -d ' ')"
same "run: the helper holds no file of the caller" "/dev/null" \
	"$(find "/proc/$helper/fd" -type l -printf '%f %l\n' |
		awk '$1 < 3 { print $2 }' | sort -u)"
same "run: nor a pipe or socket" 0 \
	"$(find "/proc/$helper/fd" -type l -printf '%l\n' | grep -cE 'pipe|socket|tty')"
same "run: nor the directory" / "$(readlink "/proc/$helper/cwd")"
# shellcheck disable=SC2086
same "run --wait: leaves when the time is over" finished \
	"$(env $preload timeout 60 "$elfcast" run --wait=200 -- "$prog" echo finished | cat)"
# shellcheck disable=SC2086
env $preload timeout 60 "$elfcast" prefetch --deadline=300 "$prog" 2>"$work/err" | cat
same "prefetch --deadline: leaves when the time is over" \
	"1 1" "${PIPESTATUS[0]} $(grep -c 'stopped at the deadline' "$work/err")"
helpers=$(sort -u "$work/hung" | paste -sd ' ')
finish
