#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 10 s
# Files that users name, --report= of elfcast-prefetch and -o of train: what is replaced, what
# is written through, and that nothing else becomes a file.
. "$(dirname "$0")/../lib.sh"
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
exec </dev/null
mkdir -p "$TMP/root/run" "$TMP/dir" && cd "$TMP/dir" || exit 1

report() { # FILE: exit status aside, it is written there; complaints in $TMP/err
	timeout -s KILL 20 elfcast-prefetch --quiet --root="$TMP/root" --report="$1" 2>"$TMP/err"
}
has_report() { grep -q '"outcome": "no pack"' <<<"$1"; }
holds() { has_report "$(cat "$1")"; }
complains() { # NAME WORDS
	same "$1" "elfcast-prefetch: cannot write the report: $2" "$(cat "$TMP/err")"
}
alone() { [ -z "$(find . -name '.elfcast*')" ]; }

# ---- a file, or nothing -------------------------------------------------------------------
(umask 027 && report new)
check "a new file" holds new
same "as umask has it" 640 "$(stat -c %a new)"
echo old >kept && ln kept other-name && chmod 604 kept
report kept
check "a file is replaced" holds kept
same "as a whole" old "$(cat other-name)"
same "with its mode" 604 "$(stat -c %a kept)"
check "no temporary file stays" alone
report nowhere/x
complains "no such directory" "No such file or directory"
report kept/x
complains "a file on the way" "Not a directory"
ln -s loop loop
report loop/x
complains "another error on the way" "Too many levels of symbolic links"
report .
complains "a directory" "Is a directory"
same "so nothing was made" "kept loop new other-name" "$(ls -x | tr -s ' \n' ' ' | sed 's/ $//')"

# ---- links --------------------------------------------------------------------------------
echo old >target && ln -s target link
report link
same "a link stays" target "$(readlink link)"
check "what it leads to is written" holds target
ln -s nothing dangling
report dangling
complains "a link to nothing" "No such file or directory"
same "stays one" nothing "$(readlink dangling)"

# ---- descriptors --------------------------------------------------------------------------
# in_place WORD FILE: a file that is open there, with a line before and one after
in_place() {
	{ echo before && report "$2" && echo after; } >file
	same "$1: before, report, after" "before after 1" \
		"$(sed -n '1p;$p' file | tr '\n' ' ')$(grep -c '"outcome"' file)"
}
before=$(stat -c '%N %i' /dev/stdout /dev/fd)
for f in /dev/stdout /dev/fd/1 /proc/self/fd/1 /proc/thread-self/fd/1; do
	in_place "$f" $f
done
same "they are what they were" "$before" "$(stat -c '%N %i' /dev/stdout /dev/fd)"
ln -s /proc/self/fd stdio && ln -s stdio/1 out
in_place "links to it" out
same "they stay" "/proc/self/fd stdio/1" "$(readlink stdio) $(readlink out)"
check "a pipe" has_report "$(report /dev/stdout)"
echo kept >appended
report /dev/stdout >>appended
same "appended" "kept" "$(head -n 1 appended)"
report /proc/self/fd/77
complains "none that is open" "No such file or directory"
train() { elfcast train --quiet -n 1 -o "$1" -- true; }
if train probe 2>/dev/null; then
	{ echo before && train /dev/stdout && echo after; } >file
	same "train: before, profile, after" "before after 1" \
		"$(sed -n '1p;$p' file | tr '\n' ' ')$(grep -c '"elfcast": 1' file)"
	mkfifo lonely
	train lonely 2>"$TMP/err"
	same "train, and a FIFO without a reader" \
		"1 elfcast: cannot write 'lonely': nobody reads from it" "$? $(cat "$TMP/err")"
else
	skip "train" "launches cannot be recorded here"
fi

# ---- FIFOs --------------------------------------------------------------------------------
mkfifo fifo
report fifo
complains "a FIFO without a reader" "nobody reads from it"
cat fifo >from-fifo &
reader=$!
# Until cat has opened it.
while report fifo && [ -s "$TMP/err" ]; do :; done
wait $reader
check "a FIFO with one" holds from-fifo
check "stays one" test -p fifo
# Full, and nobody takes anything out of it: a descriptor that reads and writes waits for none.
exec 3<>fifo
perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK); 1 while syswrite(STDOUT, "x" x 4096)' >&3
report fifo
complains "a FIFO that is full" "Connection timed out"
exec 3>&-

# ---- devices ------------------------------------------------------------------------------
if ! unshare -m true 2>/dev/null; then
	skip "devices" "needs root"
	finish
fi
# Nodes come and go on a busy machine, files do not.
devices() { stat -c '%n %F %t:%T %i' /dev/{null,zero,full,tty,stdout,fd} && find /dev -xdev -type f; }
before=$(devices)
# A file system of devices of our own, which mountinfo says is a devtmpfs: there is but one of
# these, the machine's. Its /proc/PID/mountinfo is ours to change, PID stays across exec.
mkdir dev
cat >in-namespace <<'END'
set -e
mount -t tmpfs -o dev,mode=755 none dev
mknod dev/null c 1 3
echo old >dev/file
stat -c %i dev/file
sed '/ '"${PWD//\//\\/}"'\/dev / s/ - tmpfs / - devtmpfs /' /proc/self/mountinfo >mountinfo
grep -q "$PWD/dev .* - devtmpfs " mountinfo
for f in null file new; do
	(
		mount --bind mountinfo /proc/$BASHPID/mountinfo
		exec elfcast-prefetch --quiet --root=../root --report=dev/$f 2>err-$f
	)
done
stat -c '%F %t:%T' dev/null
cat dev/file | grep -c outcome
stat -c %i dev/file
ls dev
cat err-new
END
unshare -m bash in-namespace >seen 2>&1
inode=$(head -n 1 seen)
same "of devices nothing is replaced, and none made" \
	"$inode;character special file 1:3;1;$inode;file;null;elfcast-prefetch: cannot write the report: No such file or directory" \
	"$(paste -sd ';' seen)"
# Every call failing, with "there is nothing" among the errors, and killed at each.
faults=0 bad=0
node() { [ "$(stat -c %F "$1")" = "$2" ] || { bad=$((bad + 1)) && echo "# $3: $1 is no $2"; }; }
fault() { # fault-at-options: false when there were fewer calls
	local what="${*:2} at call $1" n=$1 f status
	shift
	rm -f n/* && mknod n/node c 1 3 && ln -s file n/link && echo old >n/target
	ln -s target n/through && echo old >n/file
	for f in node through file; do
		"$BUILD/tests/fault-at" -s "$@" "$n" "$BUILD/tests/write-output" n/$f new 2>/dev/null
		status=$?
		faults=$((faults + (status != 3)))
		[ $f = file ] || continue
		# Killed, or told of it; else new. Where it cannot exit, glibc 2.43 crashes it (139).
		case $status:$(cat n/file) in
		0:new | [13]:old | 3:new | 1:new | 139:new) ;;
		0:old) [ $# = 0 ] ;;
		*) false ;;
		esac || { bad=$((bad + 1)) && echo "# $what: status $status: $(cat n/file)"; }
	done
	node n/node "character special file" "$what"
	node n/through "symbolic link" "$what"
	node n/file "regular file" "$what"
	[ $status != 3 ]
}
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "faults" "the sanitizer's own calls would fail"
else
	mkdir n
	for how in "" "-e 2" "-e 5"; do
		# shellcheck disable=SC2086 # words
		for ((i = 1; i < 100; i++)); do fault $i $how || break; done
	done
	check "more than 100 faults" test $faults -gt 100
	same "nothing but files is replaced, and these as a whole" 0 $bad
	echo "# table: output files: $faults faults, $bad of them visible"
fi
same "the machine's devices are what they were" "$before" "$(devices)"
finish
