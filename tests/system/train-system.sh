#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab tracefs
# takes: 15 s
# Recording the whole system: of a program that touches known pages, exactly those must be
# seen, whoever else reads; and the kernel is afterwards as it was before.
set -u
if [ "$(id -u)" != 0 ]; then
	echo "ok - recording the system # SKIP needs root"
	exit 0
fi
dir=$(mktemp -d /var/lib/elfcast-test-XXXXXX) || exit 1
trap 'umount "$dir/looked" "$dir/also" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir"
cp "$BUILD/tests/trace-launch" "$BUILD/tests/trace-touch" "$dir/"
elfcast=$BUILD/elfcast file=$dir/pages touch_=$dir/trace-touch
page=$(getconf PAGESIZE)
head -c $((600 * page)) /dev/urandom >"$file"
chmod 666 "$file"
sync "$file"

. "$TOP/tests/helpers/train-lib.sh"
record() { timeout 60 "$dir/trace-launch" -s -w 50000 "$@" >"$dir/out" 2>"$dir/err"; }
pages() { sed -n "s,^$file ,,p" "$dir/out"; }
has() { grep -qx -- "# $1" "$dir/out"; }
# Other disks may come and go.
disk=/sys/dev/block/$(findmnt -no MAJ:MIN -T "$dir")
# Not where they usually are: there they may be mounted already, and cannot be once more.
mkdir "$dir/tracefs" "$dir/debugfs"
kernel_state() {
	cat "$disk/bdi/read_ahead_kb" "$disk/../bdi/read_ahead_kb" 2>/dev/null
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c '
		mount -t tracefs none "$1/tracefs" &&
			if [ -e "$1/tracefs/instances/elfcast" ]; then echo recording; else echo idle; fi
		mount -t debugfs none "$1/debugfs" && cat "$1/debugfs/fault_around_bytes"' sh "$dir"
}
# Where fault-around stays on, only what was not cached is exact.
uncache() { dd if="$file" iflag=nocache count=0 status=none; }

before=$(kernel_state)
if ! record /bin/true; then
	if grep -qE 'No such device|Operation not permitted' "$dir/err"; then
		echo "ok - recording the system # SKIP this kernel has no tracepoints for it"
		exit 0
	fi
	verdict "a recording" 1
	exit 1
fi
[ "$before" != "${before/idle/}" ]
verdict "the kernel's settings can be read" $?
exact=
if has "exact 1"; then exact=1 && uncache() { :; }; fi

exact() { # case pages
	uncache
	record "$touch_" "$1" "$file"
	[ $? = 0 ] && [ "$(pages)" = "$2" ] && has "lost 0" && has "overflows 0"
	verdict "$1" $?
}
third=$(seq -s ' ' 0 3 599)
exact every-third "$third"
exact write-private "1 5"
exact shared-writable "3 50"
exact read "5-7"
exact pread "10 20-21 599"
exact vectors "0-1 30-31 60 90"
exact copies "4 70 80"
exact fork "1-2 50 100"
exact many-threads "$(seq -s ' ' 0 2 399)"
exact spawn "$third"
exact thread-exec "0-1 ${third#0 }"
exact map-over "3 10 203"
exact populate "16-23"
exact sandboxed "9 11"
exact sandboxed-child "9 300"
exact killed 2

# Large folios, which newer kernels map whole: exact when they are brought in, told when they
# were there before.
dd if=/dev/urandom of="$dir/large" bs=$((2048 * page)) count=1 iflag=fullblock status=none
sync "$dir/large"
# Others use files of that kind at the same time: what is told of all is at least as much.
large() { sed -n "s,^# large $1 ,,p" "$dir/out"; }
all_large() { sed -n 's/^# all-large //p' "$dir/out"; }
record "$touch_" write-every-third "$file"
few=$(large "$file")
record "$touch_" write-every-third "$dir/large"
many=$(large "$dir/large")
if "$touch_" maps-whole "$dir/large"; then
	grep -qx "$dir/large $third" "$dir/out" && [ "$many" -ge 200 ] && [ "$few" -lt 200 ] &&
		[ "$(all_large)" -ge "$many" ]
	verdict "pages in large folios are told" $?
	dd if="$dir/large" iflag=nocache count=0 status=none
	record "$touch_" every-third "$dir/large"
	grep -qx "$dir/large $third" "$dir/out" && [ "$(large "$dir/large")" -lt 200 ]
	verdict "a file that may have large folios, brought in while it is recorded" $?
else
	echo "ok - large folios # SKIP none here, or they are not mapped whole"
fi

# Its own file: opened before recording begins, and then mapped by nobody but read on.
exec 9<"$file"
uncache
record /bin/sh -c "dd bs=$page skip=30 count=2 status=none <&9 >/dev/null"
[ "$(pages)" = 30-31 ]
verdict "a file that was open before" $?
exec 9<&-

cat "$file" >"$dir/new"
uncache
record /bin/sh -c "cat '$dir/new' >/dev/null; echo x >>'$dir/new'; cat '$file' >/dev/null"
[ "$(pages)" = 0-599 ] && ! grep -q "^$dir/new" "$dir/out"
verdict "a file that was changed meanwhile is left out" $?

uncache
record /bin/sh -c "mkdir '$dir/m' && mv '$file' '$dir/m/x' && '$touch_' pread '$dir/m/x'; mv '$dir/m/x' '$file'"
! grep -q "^$dir/m" "$dir/out"
verdict "a file that is elsewhere at the end is not named by its old path" $?

# A container's view of the same disk: its paths are not ours.
uncache
record /usr/bin/unshare --mount sh -c "mount --bind '$dir' /mnt && '$touch_' pread /mnt/pages"
! grep -q '^/mnt' "$dir/out"
verdict "paths of another mount namespace are not taken for ours" $?
uncache
record /bin/sh -c "unshare --mount sh -c 'mount --bind \"$dir\" /mnt && exec 3</mnt/pages' && '$touch_' pread '$file'"
[ "$(pages)" = "10 20-21 599" ]
verdict "a file that was first opened elsewhere is known by our path" $?

# Live systems: pages belong to the file of a layer, on a disk that is mounted nowhere else.
overlay() { # name file system of the upper layer
	local status
	mkdir -p "$dir/low" "$dir/up" "$dir/ov"
	cp "$file" "$dir/low/pages"
	sync "$dir/low/pages"
	dd if="$dir/low/pages" iflag=nocache count=0 status=none
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c '{ [ "$2" = same ] || mount -t "$2" none "$1/up"; } &&
		mkdir -p "$1/up/u" "$1/up/w" &&
		mount -t overlay -o "lowerdir=$1/low,upperdir=$1/up/u,workdir=$1/up/w" none "$1/ov" &&
		exec timeout 60 "$1/trace-launch" -s -w 50000 "$1/trace-touch" pread "$1/ov/pages"' \
		sh "$dir" "$2" >"$dir/out" 2>"$dir/err"
	grep -qx "$dir/ov/pages 10 20-21 599" "$dir/out"
	status=$?
	rm -rf "$dir/low" "$dir/up" "$dir/ov"
	verdict "$1" $status
}
if grep -qw overlay /proc/filesystems; then
	overlay "overlayfs" same
	overlay "overlayfs over tmpfs" tmpfs
fi

record /bin/sh -c "seq -f 'x%g' 20000 >/dev/null; find /usr/share/doc -type f | head -n 4000 | xargs cat >/dev/null"
has "lost 0" && has "overflows 0" && [ "$(sed -n 's/^# events //p' "$dir/out")" -gt 1000 ]
verdict "nothing is lost when 4000 files are read" $?

[ "$(kernel_state)" = "$before" ]
verdict "the kernel's settings are as before" $?

# Killed: its keeper puts everything back. How soon, nobody promises.
"$dir/trace-launch" -s -w 50000 /bin/sh -c "echo >'$dir/started'; exec sleep 100" \
	>"$dir/out" 2>"$dir/err" &
recorder=$!
until [ -e "$dir/started" ]; do kill -0 $recorder || break; done
during=$(kernel_state)
kids=$(pgrep -P $recorder)
"$dir/trace-launch" -b -s -w 1000 /bin/true >"$dir/out" 2>"$dir/err"
[ $? = 1 ] && grep -q 'Device or resource busy' "$dir/err" && kill -0 $recorder
verdict "one recording at a time" $?
kill -KILL $recorder
for kid in $kids; do # the starter of sleep; the keeper has none
	grandkids=$(pgrep -P "$kid")
	[ -z "$grandkids" ] || kill -KILL "$kid" $grandkids
done
wait $recorder 2>/dev/null
for _ in $(seq 1200); do
	[ "$(kernel_state)" = "$before" ] && break
	sleep 0.05
done
[ "$during" != "$before" ] && [ "$(kernel_state)" = "$before" ]
verdict "a killed recording leaves nothing behind" $?

# Who has fault-around turned off, as train does by --method=pte, holds this lock.
what="not while a launch is recorded that needs the same setting"
if [ -n "$exact" ]; then
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'mount -t debugfs none "$1/debugfs" && exec 9<"$1/debugfs/fault_around_bytes" &&
		flock 9 && exec "$1/trace-launch" -b -s -w 1000 /bin/true' sh "$dir" >"$dir/out" 2>"$dir/err"
	[ $? = 1 ] && grep -q 'Device or resource busy' "$dir/err" && [ "$(kernel_state)" = "$before" ]
	verdict "$what" $?
else
	echo "ok - $what # SKIP debugfs is shut"
fi

# The verb. Process 1 is a shell of our own.
in_system() { # shell code; $elfcast, $dir, $touch_, $file are known
	export elfcast dir touch_ file
	rm -f "$dir/talk"
	unshare --pid --fork --mount-proc /bin/bash -c "$1; true" >"$dir/out" 2>"$dir/err"
	[ ! -e "$dir/talk" ] || cat "$dir/talk" >>"$dir/err" # for who asks why
}
until_recording='
	until grep -qs "recording for" "$dir/talk"; do kill -0 $! || exit; done'
mkdir -m 700 "$dir/private" && cp "$file" "$dir/private/pages"
uncache
# shellcheck disable=SC2016 # for the inner shell
in_system '"$elfcast" train --system --for 50 -o "$dir/boot.json" 2>"$dir/talk" &'"$until_recording"'
	"$touch_" every-third "$file"; cat "$dir/private/pages" >/dev/null
	kill -TERM $!
	wait $! && echo fine'
grep -qx fine "$dir/out" && python3 - "$dir/boot.json" "$file" "$page" <<'PY' 2>"$dir/err"
import json, os, sys
p = json.load(open(sys.argv[1]))
assert p["program"] == os.path.realpath("/bin/bash"), p["program"]
assert p["scenario"] == "boot" and p["trained"]["method"] == "filemap", p["trained"]
assert p["trained"]["runs"] == 1 and p["trained"]["window_ms"] == 50000
[o] = [o for o in p["objects"] if o["path"] == sys.argv[2]]
pages = [i for first, n, runs, when in o["pages"] for i in range(first, first + n)]
page = int(sys.argv[3])
assert pages == [i for i in range(600 * page // 4096) if i * 4096 // page % 3 == 0], pages
assert o["size"] == 600 * page and o["digest"]
when = [w for first, n, runs, w in o["pages"]]
assert when == sorted(when), when
PY
verdict "SIGTERM ends it, and a profile is written" $?
grep -q 'that not everybody may read: left out' "$dir/talk" && ! grep -q "$dir/private" "$dir/boot.json"
verdict "of one user nothing is told to others" $?
"$elfcast" show "$dir/boot.json" >"$dir/out" 2>"$dir/err"
verdict "the profile can be read" $?

head -c 9000 /dev/zero >"$dir/changes"
# A directory in which is looked for what is not there, on disks of their own, cold; their numbers
# are not in the order of their paths.
mkdir "$dir/looked" "$dir/also"
looked_in=
make_disk() { # name
	truncate -s 32M "$dir/$1.img" && mke2fs -q -F -t ext4 -b 4096 "$dir/$1.img" &&
		mount -o loop "$dir/$1.img" "$dir/$1" || return
	mkdir "$dir/$1/in" "$dir/$1/not_in"
	umount "$dir/$1"
}
if make_disk looked 2>"$dir/err" && make_disk also &&
	mount -o loop "$dir/looked.img" "$dir/looked" && mount -o loop "$dir/also.img" "$dir/also"; then
	looked_in=$(debugfs -R "blocks /in" "$dir/looked.img" 2>/dev/null | tr -d ' ')
	not_looked_in=$(debugfs -R "blocks /not_in" "$dir/looked.img" 2>/dev/null | tr -d ' ')
fi
# shellcheck disable=SC2016
in_system 'mkdir "$dir/root"
	"$elfcast" train --system --for "${SLOW:-1}" --root="$dir/root" --install --json 2>"$dir/talk" &'"$until_recording"'
	"$touch_" read "$file"; cat "$dir/private/pages" >/dev/null; echo more >>"$dir/changes"; cat "$dir/changes" >/dev/null
	[ ! -e "$dir/looked/in/none" ] && [ ! -e "$dir/also/in/none" ]
	wait $!'
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert r["scenario"] == "boot" and r["method"] == "filemap" and r["lost_events"] == 0, r
assert r["installed"] == "local.bash.boot.json", r' "$dir/out" 2>"$dir/err" &&
	[ -s "$dir/root/etc/elfcast/profiles.d/local.bash.boot.json" ] &&
	ls "$dir"/root/var/lib/elfcast/shadow/*.local.bash.boot.json.shadow >/dev/null
verdict "it ends by itself, --install, --json" $?
own=$dir/root/var/lib/elfcast/boot.own
[ "$(stat -c %a "$own")" = 600 ] && strings -n 8 "$own" | grep -qx "$dir/private/pages" &&
	strings -n 8 "$own" | grep -qx "$dir/changes" && ! strings -n 8 "$own" | grep -qx "$file" &&
	! grep -rlE "$dir/(private|changes)" "$dir/root" | grep -vx "$own"
verdict "what is this machine's own is noted for root alone" $?
if [ -z "$looked_in" ]; then
	echo "ok - where was looked in vain # SKIP no loop devices: $(head -n 1 "$dir/err")"
else
	blocks=$dir/root/var/lib/elfcast/boot.blocks
	"$BUILD/tests/places" pages "$dir/looked" "$blocks" >"$dir/out" 2>"$dir/err"
	[ "$(stat -c %a "$blocks")" = 600 ] && grep -qE "(^| )$looked_in\$" "$dir/out" &&
		[ "$(grep -cE "(^| )$looked_in\$" "$dir/out")" = 2 ] &&
		! grep -qE "(^| )$not_looked_in\$" "$dir/out"
	verdict "where was looked in vain" $?
	# In memory by now, as if read ahead: the next recording does not see it read, and keeps it.
	# shellcheck disable=SC2016
	in_system '"$elfcast" train --system --for "${SLOW:-1}" --root="$dir/root" --install --json 2>"$dir/talk" &'"$until_recording"'
		[ ! -e "$dir/looked/in/none" ]; wait $!'
	"$BUILD/tests/places" pages "$dir/looked" "$blocks" >"$dir/again" 2>"$dir/err"
	[ "$(grep -cE "(^| )$looked_in\$" "$dir/again")" = 2 ]
	verdict "and is known after a recording in which it was in memory" $?
fi

# Its unit: no more privileges than it says, and none of systemd's complaints.
unit=$TOP/packaging/systemd/elfcast-train-boot.service
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | sed 's/CAP_/+/g; s/ /,/g' | tr A-Z a-z)
export caps
# shellcheck disable=SC2016
in_system 'rm -r "$dir/root"; mkdir "$dir/root"
	setpriv --bounding-set "-all,$caps" --no-new-privs \
		"$elfcast" train --system --for "${SLOW:-1}" --root="$dir/root" --install --json 2>"$dir/talk" &'"$until_recording"'
	setpriv --reuid 65534 --regid 65534 --clear-groups "$touch_" read "$file"; wait $!'
[ -n "$caps" ] && grep -q "^\s*\"path\": \"$file\"" "$dir/root/etc/elfcast/profiles.d/local.bash.boot.json" &&
	ls "$dir"/root/var/lib/elfcast/shadow/*.local.bash.boot.json.shadow >/dev/null
verdict "the unit's capabilities are enough" $?
grep -qx 'ConditionKernelCommandLine=elfcast=train' "$unit" &&
	grep -qx 'ConditionKernelCommandLine=!elfcast=off' "$unit"
verdict "the unit waits to be asked for" $?

setpriv --reuid 65534 --regid 65534 --clear-groups "$elfcast" train --system --for 1 \
	>"$dir/out" 2>"$dir/err"
[ $? = 1 ] && [ "$(wc -l <"$dir/err")" = 1 ] && grep -q 'needs root' "$dir/err"
verdict "one line without root" $?

# On a kernel locked down to confidentiality tracefs is not touched.
# shellcheck disable=SC2016 # for the inner shell
in_system 'mount -t tmpfs none /sys/kernel/security &&
	echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown &&
	strace -f -o "$dir/trace" -e trace=fsopen "$elfcast" train --system --for 1 && echo recorded'
[ "$(wc -l <"$dir/err")" = 1 ] && grep -q 'locked down to confidentiality' "$dir/err" &&
	[ ! -s "$dir/out" ] && [ -e "$dir/trace" ] && ! grep -q tracefs "$dir/trace"
verdict "a kernel that is locked down" $?

usage() { # what arguments...
	local what=$1
	shift
	"$elfcast" train "$@" >"$dir/out" 2>"$dir/err"
	[ $? = 2 ] && grep -qF -- "$what" "$dir/err" && grep -q "Try 'elfcast train --help'" "$dir/err"
	verdict "misuse: $what" $?
}
usage "--system needs --for=SECONDS" --system
usage "bad time '0'" --system --for 0
usage "bad time '3601'" --system --for 3601
usage "bad time '1x'" --system --for 1x
usage "--system runs no command" --system --for 3 -- true
usage "--for and --window cannot both be" --for 3 --window=5 -- true
usage "--runs is not for --system" --system --for 3 -n 2
exit 0
