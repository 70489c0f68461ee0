#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast train never waits for what it has stopped, nor for anything else that hangs.
set -u
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
elfcast=$BUILD/elfcast
# A disk: what is below /tmp is left out of recordings.
if [ "$(id -u)" = 0 ]; then
	dir=$(mktemp -d /var/lib/elfcast-test-XXXXXX) || exit 1
else
	dir=$(mktemp -d "$BUILD/train-XXXXXX") || exit 1
fi
memory=$(mktemp -d /dev/shm/elfcast-test-XXXXXX) || exit 1
temporary=$(mktemp -d /tmp/elfcast-test-XXXXXX) || exit 1
cleanup() {
	fusermount3 -qu "$dir/mnt"
	rm -rf "$dir" "$memory" "$temporary"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$dir" || exit 1

. "$TOP/tests/helpers/train-lib.sh"
# Its own hang is a failure, and SIGTERM alone would not tell of it.
train() { timeout -s KILL 60 "$elfcast" train -n 1 -o x.json "$@" >"$dir/out" 2>"$dir/err"; }

# Who hangs here is the recorder itself: the launch stops it. Runs beside all that follows.
printf '#!/bin/sh\nkill -STOP $PPID\nexec sleep 4242\n' >stopper
chmod 755 stopper
"$elfcast" train -n 1 --window=200 -o hung.json -- ./stopper >hung.out 2>hung.err &
hung=$!

# A launch that mounts its own payload, and needs it.
fuse_launch() { # name [already mounted?]
	cat >app <<-END
		#!/bin/sh
		[ -n "${2:-}" ] || squashfuse "$dir/app.sqfs" "$dir/mnt" || exit 9
		"$dir/mnt/prog" -e 'exit 0' || exit 8
		[ -n "${2:-}" ] || fusermount3 -u "$dir/mnt"
	END
	chmod 755 app
	[ -z "${2:-}" ] || squashfuse "$dir/app.sqfs" "$dir/mnt"
	train --json -- ./app
	[ $? = 0 ] && ! grep -q exited err && ! grep -q "$dir/mnt" x.json &&
		grep -q "left out: .* on FUSE .*'$dir/mnt/prog'" err &&
		grep -q "\"path\": \"$dir/app\"" x.json && grep -q '"unseen":.*0' out
	verdict "$1" $?
	fusermount3 -qu "$dir/mnt"
}
mkdir in mnt
cp "$(type -P perl)" in/prog
if command -v squashfuse >/dev/null && mksquashfs in app.sqfs -quiet -no-progress >/dev/null &&
	squashfuse app.sqfs mnt && fusermount3 -u mnt; then
	fuse_launch "a launch that mounts FUSE itself"
	fuse_launch "a launch on FUSE that was mounted before" yes
else
	echo "ok - launches on FUSE # SKIP no squashfuse here"
fi

# Programs where nothing is recorded: it says so.
for place in "$temporary:below /tmp" "$memory:in memory"; do
	cp in/prog "${place%%:*}/prog"
	train -- "${place%%:*}/prog" -e 'exit 0'
	[ $? = 0 ] && grep -q "left out: 1 file .*${place##*:}.*'${place%%:*}/prog'" err
	verdict "a program ${place##*:} is left out, and that is said" $?
done

# A name that no profile can hold: said after the first run, not after the last.
bad=$dir/$(printf 'pr\377g')
cp in/prog "$bad"
rm -f x.json
"$elfcast" train -n 3 -o x.json -- "$bad" -e 'print "run\n"' >out 2>err
[ $? = 1 ] && [ ! -e x.json ] && grep -q "pr?g' cannot have a profile: its name is not UTF-8" err && [ "$(grep -c 'elfcast: ' err)" = 2 ]
verdict "a program by a name that is not UTF-8: it says so" $?
train -- in/prog -e 'open F, "<", $ARGV[0]; read F, $a, 9' "$bad"
[ $? = 0 ] && grep -q "left out: 1 file by a name that is not UTF-8 ('$dir/pr?g')" err
verdict "a file by such a name is left out, and that is said" $?
rm "$bad"

train --window=200 -- sleep 4242
[ $? = 0 ] && grep -q '1 of 1 run had not ended after 200 ms' err
verdict "a launch that the window cuts: it says so" $?

# Another mount namespace: the same path is another file there. On an overlay of two file
# systems, too, where neither device nor inode number of stat() are what mappings show.
container() { # how to train...
	cat >container <<-END
		#!/bin/sh
		mount --bind "$dir/there/prog" "$place/prog" && exec "$place/prog" -e 'exit 0'
	END
	chmod 755 container
	"$@" -- unshare --mount ./container
	[ $? = 0 ] && ! grep -q exited err && ! grep -q "\"path\": \"$place/prog\"" x.json &&
		grep -q "\"path\": \"$dir/there/prog\"" x.json
}
on_overlay() { # options of train...
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t tmpfs none up && mkdir up/u up/w &&
		mount -t overlay -o "lowerdir=$PWD/low,upperdir=$PWD/up/u,workdir=$PWD/up/w" none ov &&
		exec timeout -s KILL 60 "$@"' sh "$elfcast" train -n 1 -o x.json "$@" >out 2>err
}
mkdir there low up ov
cp "$(type -P perl)" there/prog
cp "$(type -P true)" prog
cp "$(type -P perl)" low/prog
if [ "$(id -u)" = 0 ]; then
	place=$dir
	container train
	verdict "a file of another mount namespace is recorded by where it lies here" $?
	place=$dir/ov
	on_overlay -- "$place/prog" -e 'exit 0'
	status=$?
	if [ -s x.json ] || ! grep -q 'unknown filesystem type' err; then
		[ $status = 0 ] && grep -q "\"path\": \"$place/prog\"" x.json
		verdict "a program on an overlay of two file systems" $?
		container on_overlay
		verdict "also where an overlay has one of its name" $?
	fi
else
	echo "ok - files of another mount namespace # SKIP needs root"
fi

# Who may not trace is told why. strace traces the program already: nobody else may.
scope() { # what it says, of which sysctl
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t tmpfs none /proc/sys/kernel && mkdir /proc/sys/kernel/yama &&
		echo "$1" >/proc/sys/kernel/yama/ptrace_scope && shift && exec "$@"' sh "$2" \
		strace -f -o /dev/null "$elfcast" train -n 1 -o never.json -- true >out 2>err
	[ $? = 1 ] && grep -q "ptrace_scope is $2: $1" err && [ ! -e never.json ]
	verdict "ptrace_scope $2: it says so" $?
}
if [ "$(id -u)" = 0 ]; then
	scope "only root may trace" 2
	scope "nobody may trace" 3
else
	echo "ok - ptrace_scope # SKIP needs root"
fi

# SIGTERM ends it although who records hangs, and nothing is left.
"$elfcast" train -n 1 --window=60000 -o never.json -- ./stopper >out 2>err &
tracer=$!
until recorder=$(pgrep -P $tracer) && kid=$(pgrep -P "$recorder") &&
	grep -q 'State:.T' "/proc/$recorder/status"; do
	kill -0 $tracer || break
done
kill -TERM $tracer
wait $tracer
[ $? = 130 ] && grep -q 'interrupted in run 1: nothing is written' err && [ ! -e never.json ]
status=$?
is_alive() { grep -q 'State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }
for _ in $(seq 200); do # how soon the kernel ends what was killed, nobody promises
	is_alive "$recorder" || is_alive "$kid" || break
	sleep 0.05
done
is_alive "$recorder" || is_alive "$kid" && status=1
verdict "SIGTERM while the recorder hangs" $status

wait $hung
[ $? = 1 ] && grep -q "the recorder hung" hung.err && [ ! -e hung.json ]
verdict "a recorder that hangs is left" $?
