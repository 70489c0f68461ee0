#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What trace_launch() records of programs that touch known pages must be exactly those: as
# root and as nobody, whatever the program does to its memory, threads and children.
# Pages are the processor's (see trace-launch), and what is mapped is touched in whole ones.
# SLOW=N: so many times slower than a processor of today, as an emulated one.
set -u
export SLOW=${SLOW:-1}
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself

# A disk that others may read: neither /tmp (left out of recordings) nor a private home.
if [ "$(id -u)" = 0 ]; then
	dir=$(mktemp -d /var/lib/elfcast-test-XXXXXX) || exit 1
else
	dir=$(mktemp -d "$BUILD/trace-XXXXXX") || exit 1
fi
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir"
cp "$BUILD/tests/trace-launch" "$BUILD/tests/trace-touch" "$dir/"
file=$dir/pages
touch_=$dir/trace-touch
page=$(getconf PAGESIZE)
head -c $((600 * page)) /dev/urandom >"$file"
chmod 666 "$file"

as=
launch() { # arguments of trace-launch
	if [ -n "$as" ]; then
		setpriv --reuid nobody --regid nogroup --clear-groups \
			timeout 60 "$dir/trace-launch" "$@"
	else
		timeout 60 "$dir/trace-launch" "$@"
	fi
}
verdict() { # name ok?
	if [ "$2" = 0 ]; then
		echo "ok - $1${as:+ as $as}"
	else
		echo "not ok - $1${as:+ as $as}"
		sed 's/^/    /' "$dir/out" | cut -c1-300
	fi
}
pages() { sed -n "s,^$file ,,p" "$dir/out"; }
# Of what is read the profile has the 4096-byte pages that were asked for.
pages_read() {
	pages | tr -d '~' | tr ' ' '\n' | awk -F- '
		function put() { printf "%s%s", sep, from == last ? from : from "-" last; sep = " " }
		NR == 1 || $1 != last + 1 { if (NR > 1) put(); from = $1 }
		{ last = $NF }
		END { put() }'
}
has() { grep -qx -- "# $1" "$dir/out"; }
counted() { sed -n "s/^# $1 //p" "$dir/out"; }

exact() { # case pages [lines that the report must have]...
	local name=$1 want=$2 bad=0 line got
	shift 2
	# shellcheck disable=SC2086 # a list of words
	launch $options "$touch_" "$name" "$file" >"$dir/out" 2>&1 || bad=1
	case $name in
	read | pread | many-calls | failing-reads) got=$(pages_read) ;;
	*) got=$(pages) ;;
	esac
	[ "$got" = "$want" ] || bad=1
	[ $# -gt 0 ] || set -- "exit 0"
	for line in "$@" "unseen 0" "method uffd"; do
		has "$line" || bad=1
	done
	[ $bad = 0 ] || echo "    wanted: $want"
	verdict "$name" $bad
}

if ! launch /bin/true | grep -qx '# method uffd'; then
	echo "ok - exact recording # SKIP this kernel has no asynchronous userfaultfd"
	exit 0
fi
third=$(seq -s ' ' 0 3 599)
# Filters of others: root may, who has none itself.
can_suspend() { [ "$(id -u)" = 0 ] && grep -q '^Seccomp:.0$' /proc/self/status; }

cases() {
	options="-w $((4000 * SLOW))"
	exact every-third "$third"
	exact write-private "1 5"
	exact shared-read-only "2 40"
	exact shared-writable "3 50"
	exact read "5-7"
	exact pread "10 20-21 599"
	exact vectors "0-1 30-31 60 90"
	exact copies "4 70 80"
	exact failing-reads "7 30 33-34 50 98-99"
	exact many-calls "0-99"
	# Of these it is enough to know that they begin: the launch does not stop for them.
	[ "$(counted stops)" -lt 100 ] && [ "$(counted announced)" -ge 300 ]
	verdict "calls that are announced and do not stop" $?
	exact fork "1-2 50 100" "exit 0" "processes 2"
	exact thread 44 "exit 0" "processes 1"
	exact many-threads "$(seq -s ' ' 0 2 399)" "exit 0" "processes 1"
	exact spawn "$third" "exit 0" "processes 2"
	exact thread-exec "0-1 ${third#0 }" "exit 0" "processes 1"
	exact unmap "4 8 221"
	exact unmap-middle "12 102 120"
	exact remap "6 25"
	exact remap-grow "7 90"
	exact map-over "3 10 203"
	exact populate "16-23"
	exact sandboxed "9 11"
	exact stop "7-8" "exit 0" "processes 2"
	exact crash 2 "signal 11"
	exact killed 2 "signal 9"
	exact signals "$(seq -s ' ' 1 2 199)" "exit 0" "processes 11"
	exact daemon "6 300" "exit 0" "processes 2"
	exact descriptors 0
	options="-w $((300 * SLOW))"
	exact endless 1 "window-ended 1"
	exact stubborn "1-2" "window-ended 1" "processes 2"
	# As anybody else it takes CAP_SYS_PTRACE: faults of the kernel's are handled, too.
	[ -n "$as" ] || [ "$(id -u)" != 0 ] || exact unserved-memory 1 "window-ended 1"
	options=

	if [ -z "$as" ] && can_suspend; then
		exact sandboxed-child "9 300" "exit 0" "processes 2"
		exact asks-for-filter 5
	else
		# It cannot be asked for a userfaultfd: found all the same, but not exactly.
		launch "$touch_" sandboxed-child "$file" >"$dir/out" 2>&1
		has "exit 0" && has "unseen 1" && pages | tr ' ' '\n' | awk -F- '
			$1 <= 300 && $NF >= 300 { child = 1 }
			$0 == "9" { parent = 1 }
			END { exit !(child && parent) }'
		verdict "sandboxed-child" $?
	fi

	launch -p "$touch_" every-third "$file" >"$dir/out" 2>&1
	has "method pagemap" && has "exit 0" && pages | grep -q '^0'
	verdict "fallback to plain pagemap" $?
}
cases
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	as=nobody
	cases
	as=
fi

# What is looked up: there or not, through links, in directories that are listed. Paths that the
# program itself has not touched are read when the kernel has. What it makes is not looked up.
make_dirs() {
	rm -rf "$dir/seen" "$dir/listed" "$dir/there" "$dir/link"
	mkdir "$dir/seen" "$dir/listed" "$dir/there"
	touch "$dir/there/file" "$dir/listed/file"
	ln -s there "$dir/link"
	ln -s loop "$dir/there/loop"
	chmod 777 "$dir/seen"
}
looked() { sed -n "s,^? $dir,,p" "$dir/out" | grep -v -e ' trace-touch$' -e ' pages$'; }
for as in "" nobody; do
	[ "$(id -u)" = 0 ] || [ -z "$as" ] || continue
	make_dirs
	launch -k "$touch_" lookups "$file" >"$dir/out" 2>&1
	[ "$(looked)" = "$(printf '%s\n' ' link' ' listed' ' seen' ' there' /listed/ "/seen access" "/seen dots" \
		"/seen execve" "/seen open" "/seen readlink" "/seen stat" "/seen statx" \
		"/seen unread" "/there file" "/there loop")" ] && has "exit 0" &&
		! grep -q '^? /\(proc\|tmp\|sys\|dev\)\b' "$dir/out"
	verdict lookups $?
	told=$(counted announced)
	launch "$touch_" lookups "$file" >"$dir/out" 2>&1
	! grep -q '^?' "$dir/out" && has "exit 0" && [ "$(counted announced)" -le $((told - 10)) ]
	verdict "and without them it does not wait for us" $?
done
as=
if [ "$(id -u)" = 0 ]; then
	launch -k "$touch_" lookups-elsewhere "$file" >"$dir/out" 2>&1
	has "exit 0" && [ "$(grep -o 'not-there.*' "$dir/out")" = not-there-before ]
	verdict "lookups below another root, with other mounts" $?
fi

# What the kernel looks up to execute: the links to a program, to its interpreter and to that of a script.
ln -s /bin/sh "$dir/shell"
printf '#! %s -e\n' "$dir/shell" >"$dir/script"
chmod 755 "$dir/script"
ln -s script "$dir/name"
launch -k "$dir/name" >"$dir/out" 2>&1
loader=$(readelf -lW /bin/sh | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
[ "$(looked)" = "$(printf ' %s\n' name script shell)" ] && has "exit 0" &&
	grep -qx "? / $(cut -d/ -f2 <<<"$loader")" "$dir/out" && grep -q "^? /.* ${loader##*/}$" "$dir/out"
verdict "links that exec follows" $?
rm "$dir/shell" "$dir/script" "$dir/name"

# Now and then a time bucket ends, and all is scanned, while the pages are being moved.
bad=0
for _ in $(seq 60); do
	launch "$touch_" remap "$file" >"$dir/out" 2>&1
	[ "$(pages)" = "6 25" ] || { bad=1 && break; }
done
verdict "pages that are moved while others are scanned" $bad

# Folios of the size of a page table (2 MiB; 32 where pages are 16 KiB) in the page cache: from one large write, or collapsed afterwards.
small=$file
file=$dir/large
dd if=/dev/urandom of="$file" bs=$((2048 * page)) count=1 iflag=fullblock status=none
chmod 644 "$file"
for as in "" nobody; do
	[ "$(id -u)" = 0 ] || [ -z "$as" ] || continue
	exact every-third "$third"
	exact large-steps "0 513 1026 1539"
done
as=
file=$dir/collapsed
cat "$dir/large" | dd of="$file" bs="$page" status=none
sync "$file"
if "$touch_" collapse "$file"; then
	exact every-third "$third"
else
	echo "ok - a file that was collapsed # SKIP not on this kernel and file system"
fi
file=$small

# A script: its own page, its interpreter's, and the children of a pipeline.
printf '#!/bin/sh\n%s every-third %s & /bin/true | cat\nwait\n' "$touch_" "$file" >"$dir/script"
chmod 755 "$dir/script"
launch "$dir/script" >"$dir/out" 2>&1
[ "$(pages)" = "$third" ] && grep -qx "$dir/script 0" "$dir/out" && has "processes 4" &&
	grep -qE '^/usr/bin/(dash|bash) 0' "$dir/out"
verdict "script with a pipeline and a background job" $?

# Other ABIs: of an x32 program only mappings are seen, and that is counted; so of a 32-bit one.
make_32() {
	[ "$(uname -m)" = x86_64 ] || { cp "$BUILD/tests/touch-32" "$dir/32" 2>/dev/null && return; }
	# open(argv[1]); mmap2(0, 4096 * 8, PROT_READ, MAP_PRIVATE, fd, 40); touch; read(); exit
	as --32 -o "$dir/32.o" - <<-'END' 2>/dev/null && ld -m elf_i386 -o "$dir/32" "$dir/32.o"
		.globl _start
		_start:
			mov 8(%esp), %ebx; xor %ecx, %ecx; mov $5, %eax; int $0x80
			mov %eax, %edi; xor %ebx, %ebx; mov $32768, %ecx; mov $1, %edx
			mov $2, %esi; mov $40, %ebp; mov $192, %eax; int $0x80
			mov 8200(%eax), %eax
			mov %edi, %ebx; mov %esp, %ecx; mov $1, %edx; mov $3, %eax; int $0x80
			xor %ebx, %ebx; mov $1, %eax; int $0x80
	END
}
if [ "$(uname -m)" = x86_64 ]; then
	launch "$touch_" x32-calls "$file" >"$dir/out" 2>&1
	has "exit 0" && has "unseen 1" && [ "$(pages)" = 5 ]
	verdict "x32 calls" $?
fi
# 4096 bytes have the pages of which it maps eight, whatever the processor's are.
mapped=$(seq -s '|' $((40 * 4096 / page)) $((42 * 4096 / page)))
if make_32 && "$dir/32" "$file" 2>/dev/null; then
	for how in "" -p; do
		# shellcheck disable=SC2086 # a list of words
		launch $how "$dir/32" "$file" >"$dir/out" 2>&1
		has "exit 0" && has "unseen 1" && pages | grep -qE "^($mapped)(-$((47 * 4096 / page)))?\$"
		verdict "a 32-bit program $how" $?
	done
else
	echo "ok - a 32-bit program # SKIP they do not run here"
fi

# A static program; its interpreter is none.
ldconfig=$(command -v ldconfig.real || command -v ldconfig || echo /sbin/ldconfig)
launch "$(readlink -f "$ldconfig")" -p >"$dir/out" 2>&1
has "exit 0" && has "unseen 0" && grep -q "ldconfig" "$dir/out"
verdict "static program" $?

launch "$dir/none" >"$dir/out" 2>&1
[ $? = 1 ] && grep -q 'No such file' "$dir/out"
verdict "program that does not exist" $?
launch "$file" >"$dir/out" 2>&1
[ $? = 1 ] && grep -q 'Permission denied' "$dir/out"
verdict "program that cannot be executed" $?

# A launch of two processes that ignore SIGTERM; sets tracer and kids. Between: who records.
start_stubborn() {
	"$dir/trace-launch" "$touch_" stubborn "$file" >"$dir/out" 2>&1 &
	tracer=$!
	until recorder=$(pgrep -P $tracer) && kids=$(pgrep -P "$recorder") &&
		grand=$(pgrep -P "$kids"); do
		kill -0 $tracer || return
	done
	kids="$kids $grand"
}
is_alive() { grep -q 'State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }

start_stubborn
kill -INT $tracer
wait $tracer
[ $? = 1 ] && grep -q 'Interrupted' "$dir/out"
status=$?
for pid in $kids; do
	is_alive "$pid" && status=1
done
verdict "interrupted: all processes are ended" $status

# The kernel ends the launch after its tracer; how soon, nobody promises.
start_stubborn
kill -KILL $tracer
wait $tracer 2>/dev/null
status=1
for _ in $(seq 1200); do
	status=0
	for pid in $kids; do
		is_alive "$pid" && status=1
	done
	[ $status = 0 ] && break
	sleep 0.05
done
verdict "killed tracer: all processes end" $status

# Last: it changes the file.
launch "$touch_" write-file "$file" >"$dir/out" 2>&1
has "exit 0" && [ -z "$(pages)" ]
verdict "a file that the launch wrote is left out" $?
launch "$touch_" write-secretly "$file" >"$dir/out" 2>&1
has "exit 0" && [ -z "$(pages)" ]
verdict "though its time of modification is set back" $?
touch -d '2 days' "$file"
launch "$touch_" every-third "$file" >"$dir/out" 2>&1
has "exit 0" && [ -n "$(pages)" ]
verdict "a file from the future is not: it was changed before" $?
temporary=$(mktemp /tmp/elfcast-trace-XXXXXX)
trap 'rm -rf "$dir" "$temporary"' EXIT
cat "$file" >"$temporary"
launch "$touch_" every-third "$temporary" >"$dir/out" 2>&1
has "exit 0" && ! grep -q '^/tmp' "$dir/out"
verdict "temporary files are left out" $?
