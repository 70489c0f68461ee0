#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 75 s
# elfcastd against the real kernel: counting real execs, with and without root, in the face of
# floods, stops, kills, full disks, and directories that come and go.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/helpers/watcher-lib.sh"
export PATH

mounts=()
clean_up() {
	local m
	for m in "${pids[@]}"; do kill -9 "$m" 2>/dev/null; done
	wait
	for ((m = ${#mounts[@]} - 1; m >= 0; m--)); do umount "${mounts[m]}"; done
	rm -rf "$TMP"
}
trap clean_up EXIT

# No C library: an exec and nothing else.
echo 'void _start(void) { __asm__ volatile("syscall" : : "a"(60), "D"(0)); }' >"$TMP/tiny.c"
if [ "$(uname -m)" != x86_64 ] || ! gcc -O1 -static -nostdlib -Wl,--build-id=sha1 -o "$TMP/tiny" "$TMP/tiny.c"; then
	skip "the watcher" "needs gcc on x86-64"
	finish
fi
chmod 755 "$TMP"

# add_program PATH: tiny, with a profile
add_program() {
	mkdir -p "$R${1%/*}" "$P"
	cp "$TMP/tiny" "$R$1"
	add_profile "$1"
}
add_profile() {
	profile "$P/test$(tr / - <<<"$1").json" "$1" "{ \"path\": \"$1\",
		\"build_id\": \"$(build_id_of "$TMP/tiny")\", \"size\": $(stat -c %s "$TMP/tiny"),
		\"pages\": [[0, 1, 1, 0]] }"
}
new_root() { # name
	R=$TMP/$1 P=$TMP/$1/usr/share/elfcast/profiles.d
	mkdir -p "$R/var" "$R/run"
	LOG=$TMP/$1.log
}
launches() { sed -n "s/^\([0-9]*\)\.000000 [0-9 ]* ${1//\//\\/}\$/\1/p" "$R/var/lib/elfcast/launches"; }
counted() { # NAME EXPECTED PROGRAM: ends the watcher
	end_watcher
	same "$1" "$2" "$(launches "$3")"
}
run_times() { exec-many "$R$1" "$2" "${3:-1}"; }
PATH=$BUILD/tests:$PATH

# --- counting

new_root counting
add_program /usr/bin/tiny
cp "$TMP/tiny" "$R/usr/bin/other"
elfcast compile -q --root="$R"
start_watcher
run_times /usr/bin/tiny 100 >/dev/null
counted "counts 100 execs" 100 /usr/bin/tiny
start_watcher
run_times /usr/bin/tiny 7 >/dev/null
run_times /usr/bin/other 50 >/dev/null
counted "counts on after a restart" 107 /usr/bin/tiny
same "counts no program without a profile" "1" "$(grep -c / "$R/var/lib/elfcast/launches")"
start_watcher
same "holds no capability" "0000000000000000" "$(sed -n 's/^CapEff:\t//p' "/proc/$watcher/status")"
ln -s tiny "$R/usr/bin/link"
ln "$R/usr/bin/tiny" "$R/usr/bin/hard"
"$R/usr/bin/link"
"$R/usr/bin/hard"
counted "a link is its target, another hard link is not" 108 /usr/bin/tiny

# What is read ahead at boot and was launched is struck off; this watcher came too late to say
# anything against the others.
add_program /usr/bin/idle
elfcast compile -q --root="$R"
L=$R/var/lib/elfcast/launches
now=$(date +%s)
cat >"$L" <<-END
	elfcast-launches 2 $now 6f1c2d3e-0000-4000-8000-0123456789ab
	0.000000 0 4 /usr/bin/idle
	108.000000 $now 3 /usr/bin/tiny
	end 2
END
start_watcher
run_times /usr/bin/tiny 1 >/dev/null
end_watcher
if [ "$(cut -d. -f1 /proc/uptime)" -gt 700 ]; then
	same "at its end, strikes off what was read ahead and launched" "4 /usr/bin/idle 0 /usr/bin/tiny" \
		"$(grep / "$L" | cut -d ' ' -f 3- | xargs)"
fi
sed -i -e 's/^109\./108./' -e '/idle$/d' -e 's/^end .*/end 1/' "$L" # as before
rm "$R/usr/bin/idle"

printf '#!%s\n' "$R/usr/bin/tiny" >"$R/usr/bin/script"
chmod 755 "$R/usr/bin/script"
profile "$P/test.script.json" /usr/bin/script "{ \"path\": \"/usr/bin/script\",
	\"size\": $(stat -c %s "$R/usr/bin/script"), \"pages\": [[0, 1, 1, 0]] }"
elfcast compile -q --root="$R"
start_watcher
run_times /usr/bin/script 5 >/dev/null
end_watcher
same "a script counts under its own path" 5 "$(launches /usr/bin/script)"
same "and its interpreter too" 113 "$(launches /usr/bin/tiny)"

start_watcher
status "there is one watcher" 1 timeout 20 elfcastd --root="$R"
check "and it says so" grep -q "another watcher" "$TMP/err"
elfcast status --launches --root="$R" --json >"$TMP/json"
check "status: the watcher runs" grep -q '"running": true' "$TMP/json"
check "status: counts" grep -q '"launches": 113.000' "$TMP/json"
kill -9 "$watcher"
wait "$watcher"
elfcast status --launches --root="$R" --json >"$TMP/json"
check "status: the watcher was killed" grep -q '"running": false' "$TMP/json"

mkdir -p "$R/etc/elfcast"
echo Watch=no >"$R/etc/elfcast/elfcast.conf"
status "Watch=no: it ends at once" 0 timeout 20 elfcastd --root="$R"
check "and says why" grep -q "Watch=no" "$TMP/err"

# --- what an exec is: a file opened for execution, whatever becomes of it

new_root opened
add_program /usr/bin/tiny
add_program /usr/bin/forbidden
chmod 644 "$R/usr/bin/forbidden"
add_text() { # path text
	printf '%s' "$2" >"$R$1"
	chmod 755 "$R$1"
	profile "$P/test$(tr / - <<<"$1").json" "$1" "{ \"path\": \"$1\", \"size\": ${#2}, \"pages\": [[0, 1, 1, 0]] }"
}
add_text /usr/bin/damaged "no program, nor a script"
add_text /usr/bin/no-interpreter "#!$R/nothing"
elfcast compile -q --root="$R"
start_watcher
same "a file that is no program: ENOEXEC" 8 "$(exec-at 0 "$R/usr/bin/damaged")"
same "a script without its interpreter: ENOENT" 2 "$(exec-at 0 "$R/usr/bin/no-interpreter")"
same "a file that may not be executed: EACCES" 13 "$(exec-at 0 "$R/usr/bin/forbidden")"
checked=$(exec-at 0x10000 "$R/usr/bin/tiny") # EINVAL before Linux 6.14
end_watcher
same "counted: it was opened" 1 "$(launches /usr/bin/damaged)"
same "the script, too" 1 "$(launches /usr/bin/no-interpreter)"
same "what could not be opened is not" "" "$(launches /usr/bin/forbidden)"
if [ "$checked" = 0 ]; then
	same "a mere check (AT_EXECVE_CHECK) counts" 1 "$(launches /usr/bin/tiny)"
else
	skip "a mere check (AT_EXECVE_CHECK) counts" "needs Linux 6.14"
fi

# --- SIGHUP

new_root hangup
add_program /usr/bin/tiny
elfcast compile -q --root="$R"
start_watcher setsid # without the terminal that this test may have
run_times /usr/bin/tiny 5 >/dev/null
has_launches() { [ "$(launches "$1")" = "$2" ]; }
n_reloads() { grep -cF "watching 1 programs" "$LOG"; }
has_reloaded() { [ "$(n_reloads)" -gt "$1" ]; }
reload() {
	local before
	before=$(n_reloads)
	kill -HUP "$watcher" && wait_until has_reloaded "$before"
}
check "SIGHUP: it reads the index again" reload
check "and writes what it has counted" wait_until has_launches /usr/bin/tiny 5
run_times /usr/bin/tiny 2 >/dev/null
check "and goes on" is_watching
mkdir -p "$R/etc/elfcast"
echo Watch=no >"$R/etc/elfcast/elfcast.conf"
kill -HUP "$watcher"
wait "$watcher"
same "SIGHUP with Watch=no: it ends" 0 $?
same "with all that was counted" 7 "$(launches /usr/bin/tiny)"
rm "$R/etc/elfcast/elfcast.conf"
# hang_up: a watcher on a terminal of its own, which then goes; its exit status
hang_up() {
	python3 - "$R" <<-'EOF'
	import os, pty, sys, time
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp("elfcastd", ["elfcastd", "--root=" + sys.argv[1], "--quiet"])
	state = sys.argv[1] + "/run/elfcast/watch"
	for _ in range(400):
	    if os.path.exists(state) and "pid %d\n" % pid in open(state).read():
	        break
	    time.sleep(0.05)
	os.close(fd)
	print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOF
}
if command -v python3 >/dev/null; then
	same "a terminal that hangs up ends it" 0 "$(hang_up)"
else
	skip "a terminal that hangs up ends it" "no python3"
fi

# An index of some megabytes, and as much memory after forty of them as after one.
objects=
for ((i = 0; i < 4000; i++)); do
	objects+=", { \"path\": \"/usr/share/$(printf '%0500d' $i)\", \"size\": 8192, \"pages\": [[0, 1, 1, 0]] }"
done
profile "$P/test-usr-bin-tiny.json" /usr/bin/tiny "{ \"path\": \"/usr/bin/tiny\",
	\"build_id\": \"$(build_id_of "$TMP/tiny")\", \"size\": $(stat -c %s "$TMP/tiny"),
	\"pages\": [[0, 1, 1, 0]] } $objects"
elfcast compile -q --root="$R"
check "the index is large" test "$(stat -c %s "$R/var/lib/elfcast/index")" -gt 2000000
start_watcher setsid
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$watcher/status"; }
is_steady() { steady=$(rss); sleep 0.2; [ "$(rss)" = "$steady" ]; }
wait_until is_steady
first=$(rss)
for ((i = 0; i < 40; i++)); do reload || break; done
same "forty reloads" 40 $i
wait_until is_steady
echo "# note: $first KiB resident with one index, $(rss) after forty"
[ -n "${ELFCAST_SANITIZED:-}" ] ||
	check "forty reloads take no memory" test "$(rss)" -le $((first + 512))
end_watcher

# --- without root

new_root nobody
add_program /usr/bin/tiny
elfcast compile -q --root="$R"
if [ "$(id -u)" = 0 ]; then
	chown -R 65534:65534 "$R"
	start_watcher setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all
	run_times /usr/bin/tiny 100 >/dev/null
	same "runs as nobody" 65534 "$(stat -c %u "/proc/$watcher")"
	counted "counts another user's execs as nobody" 100 /usr/bin/tiny
else
	skip "counts as nobody" "needs root"
fi

# --- what comes and goes

new_root moving
add_program /usr/bin/tiny
add_program /opt/app/bin/tiny
rm -r "$R/opt"
elfcast compile -q --root="$R"
start_watcher
# becomes_watched NAME N PROGRAM: for the Nth time, says the log
has_line() { [ "$(grep -cF "watching '$1'" "$LOG")" -ge "$2" ]; }
becomes_watched() { check "$1" wait_until has_line "$3" "$2"; }
check "what is there is watched" has_line /usr/bin/tiny 1
check "what is not there is not" test -z "$(grep -F /opt "$LOG")"
cp "$TMP/tiny" "$R/usr/bin/.new"
mv "$R/usr/bin/.new" "$R/usr/bin/tiny"
becomes_watched "a program that was replaced" 2 /usr/bin/tiny
run_times /usr/bin/tiny 3 >/dev/null
mkdir -p "$R/opt/app/bin"
cp "$TMP/tiny" "$R/opt/app/bin/tiny"
becomes_watched "a directory that was not there" 1 /opt/app/bin/tiny
run_times /opt/app/bin/tiny 2 >/dev/null
# Open, as a program that runs is: the directory stays in the kernel's memory.
exec 3<"$R/opt/app/bin/tiny"
rm -r "$R/opt"
mkdir -p "$R/opt/app/bin"
cp "$TMP/tiny" "$R/opt/app/bin/tiny"
becomes_watched "a directory that was removed and made again" 2 /opt/app/bin/tiny
run_times /opt/app/bin/tiny 2 >/dev/null
mv "$R/opt/app/bin" "$R/opt/app/was"
mkdir "$R/opt/app/bin"
cp "$TMP/tiny" "$R/opt/app/bin/.tiny"
mv "$R/opt/app/bin/.tiny" "$R/opt/app/bin/tiny"
becomes_watched "a directory that was moved away and made again" 3 /opt/app/bin/tiny
run_times /opt/app/bin/tiny 1 >/dev/null
"$R/opt/app/was/tiny"
end_watcher
same "counts of the replaced program" 3 "$(launches /usr/bin/tiny)"
same "counts of all the directories" 5 "$(launches /opt/app/bin/tiny)"

# --- the index

start_watcher
add_program /usr/bin/later
elfcast compile -q --root="$R"
becomes_watched "a program of a new index" 1 /usr/bin/later
printf x | dd of="$R/var/lib/elfcast/index" bs=1 seek=100 conv=notrunc status=none
cp "$R/var/lib/elfcast/index" "$R/index"
mv "$R/index" "$R/var/lib/elfcast/index"
check "a damaged index is reported" wait_until grep -q "going on as before" "$LOG"
run_times /usr/bin/later 4 >/dev/null
add_program /usr/bin/last
elfcast compile -q --root="$R"
becomes_watched "the next compile repairs" 1 /usr/bin/last
counted "counts go on meanwhile" 4 /usr/bin/later
start_watcher
rm -r "$R/var/lib/elfcast"
wait_until sh -c "! kill -0 $watcher 2>/dev/null" || kill -9 "$watcher"
wait "$watcher"
same "without its directory it ends, to be started anew" 1 $?
elfcast compile -q --root="$R"
start_watcher
run_times /usr/bin/later 2 >/dev/null
counted "and counts from nothing" 2 /usr/bin/later

# --- floods, stops, kills

new_root flood
add_program /usr/bin/tiny
elfcast compile -q --root="$R"
start_watcher
read -r us _ < <(run_times /usr/bin/tiny 20000 8)
end_watcher
n=$(launches /usr/bin/tiny)
echo "# note: 20000 execs at $((20000 * 1000000 / us))/s: $n counted, $(state overflows) overflows"
check "counts a flood, or reports what it lost" test "$n" -eq 20000 -o "$(state overflows)" -gt 0
check "counts at least a queue of them" test "$n" -ge 16000

start_watcher
kill -STOP "$watcher"
# More than the queue holds: they end, so nothing waits for the watcher.
read -r us _ < <(run_times /usr/bin/tiny 20000 2)
echo "# note: 20000 execs beside a stopped watcher took $((us / 1000)) ms"
check "execs go on beside a stopped watcher" test "$us" -gt 0
before=$(state overflows)
kill -CONT "$watcher"
end_watcher
check "what was lost is noticed" test "$(state overflows)" -gt "$before"
check "and logged" grep -q "launches were not counted" "$LOG"
check "what was queued is counted" test "$(launches /usr/bin/tiny)" -ge $((n + 16000))
elfcast status --launches --root="$R" >"$TMP/out" 2>"$TMP/err"
check "status says what was lost" grep -q "launches were not counted" "$TMP/err"

n=$(launches /usr/bin/tiny)
start_watcher
run_times /usr/bin/tiny 1000 >/dev/null
kill -9 "$watcher"
wait "$watcher"
same "kill -9 leaves the file" "$n" "$(launches /usr/bin/tiny)"
check "and execs" run_times /usr/bin/tiny 100 >/dev/null
start_watcher
run_times /usr/bin/tiny 5 >/dev/null
counted "and the next watcher goes on" $((n + 5)) /usr/bin/tiny
head -c 50 "$R/var/lib/elfcast/launches" >"$R/torn"
mv "$R/torn" "$R/var/lib/elfcast/launches"
start_watcher
run_times /usr/bin/tiny 5 >/dev/null
counted "a torn file is none" 5 /usr/bin/tiny

# --- nothing to do, and much

for ((i = 0; i < 500; i++)); do add_profile "/usr/bin/many$i"; done
cp "$TMP/tiny" "$R/usr/bin/other"
elfcast compile -q --root="$R"
# Mounts wake it up; other tests', too.
own_mounts() { exec unshare -m --propagation private "$@"; }
if [ "$(id -u)" = 0 ]; then start_watcher own_mounts; else start_watcher; fi
wait_until is_watching 500
switches() { sed -n 's/.*ctxt_switches:\t//p' "/proc/$watcher/status" | paste -s -d ' '; }
is_quiet() { before=$(switches); sleep 1; [ "$(switches)" = "$before" ]; }
check "comes to rest" wait_until is_quiet
before=$(switches)
run_times /usr/bin/other 200 >/dev/null
sleep 3
same "never wakes up while nothing is launched" "$before" "$(switches)"
run_times /usr/bin/tiny 20000 4 >/dev/null
rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$watcher/status")
echo "# note: $rss KiB resident at most, with 500 programs"
[ -n "${ELFCAST_SANITIZED:-}" ] || check "resident memory is at most 4 MiB" test "$rss" -le 4096
end_watcher

# --- no root, no file systems

if [ "$(id -u)" != 0 ]; then
	skip "disks, marks and elfcast run" "needs root"
	finish
fi

# --- marks run out

new_root marks
add_program /usr/bin/tiny
elfcast compile -q --root="$R"
# Not from where it was built: root of such a namespace may not look into another user's home.
few_marks() { # elfcastd argument...
	exec unshare -U -r sh -c 'echo 1 >/proc/sys/user/max_fanotify_marks && shift && exec "$0" "$@"' "$TMP/elfcastd" "$@"
}
cp "$BUILD/elfcastd" "$TMP/"
if has_user_namespaces; then
	start_watcher few_marks
	check "no marks left: it says so" grep -q "1 of 1 programs cannot be watched: No space" "$LOG"
	same "no marks left: status" 1 "$(state unwatched)"
	end_watcher
else
	skip "no marks left" "no user namespaces here"
fi

# --- disks

new_root disk
add_program /usr/bin/tiny
mount -t tmpfs -o size=256k none "$R/var" && mounts+=("$R/var")
elfcast compile -q --root="$R"
start_watcher
run_times /usr/bin/tiny 3 >/dev/null
end_watcher
start_watcher
run_times /usr/bin/tiny 4 >/dev/null
dd if=/dev/zero of="$R/var/full" bs=4k status=none 2>/dev/null
end_watcher
check "a full disk is reported" grep -q "cannot write the launch counts: No space" "$LOG"
same "a full disk harms no counts" 3 "$(launches /usr/bin/tiny)"
same "a full disk leaves no temporary file" "" "$(find "$R/var" -name '.*.new')"
rm "$R/var/full"
start_watcher
run_times /usr/bin/tiny 2 >/dev/null
mount -o remount,ro "$R/var"
end_watcher
check "a read-only disk is reported" grep -q "cannot write the launch counts: Read-only" "$LOG"
same "a read-only disk harms no counts" 3 "$(launches /usr/bin/tiny)"
start_watcher
run_times /usr/bin/tiny 2 >/dev/null
mount -o remount,rw "$R/var"
counted "starts on a read-only disk, and writes when it can" 5 /usr/bin/tiny

# --- every kind of file system, mounted after the watcher started

new_root systems
image() { # kind command...: a file system image in $TMP/kind.img
	truncate -s 300M "$TMP/$1.img" && "${@:2}" "$TMP/$1.img" >/dev/null 2>&1
}
kinds=() mnt=$R/mnt
put() { # kind directory-in-it
	mkdir -p "$mnt/$1/$2" && cp "$TMP/tiny" "$mnt/$1/$2/tiny"
}
mounted() { # kind mount-arguments...
	mkdir -p "$mnt/$1"
	mount "${@:2}" "$mnt/$1" && mounts+=("$mnt/$1") && kinds+=("$1")
}
mount_all() {
	mounted tmpfs -t tmpfs none && put tmpfs bin
	image ext4 mkfs.ext4 -q && mounted ext4 -o loop "$TMP/ext4.img" && put ext4 bin
	image xfs mkfs.xfs -q && mounted xfs -o loop "$TMP/xfs.img" && put xfs bin
	image btrfs mkfs.btrfs -q && mounted btrfs -o loop "$TMP/btrfs.img" && put btrfs bin &&
		btrfs subvolume create "$mnt/btrfs/sub" >/dev/null && put btrfs sub/bin &&
		kinds+=(btrfs/sub)
	mkdir -p "$TMP/squash/bin" && cp "$TMP/tiny" "$TMP/squash/bin/tiny" &&
		mksquashfs "$TMP/squash" "$TMP/squashfs.img" -quiet -noappend >/dev/null 2>&1 &&
		mounted squashfs -o loop "$TMP/squashfs.img"
	mkdir -p "$TMP/o/upper" "$TMP/o/work" &&
		mount -t tmpfs none "$TMP/o" && mounts+=("$TMP/o") && mkdir "$TMP/o/upper" "$TMP/o/work" &&
		mounted overlay -t overlay -o "lowerdir=$TMP/squash,upperdir=$TMP/o/upper,workdir=$TMP/o/work" none
}
add_program /usr/bin/tiny
for kind in tmpfs ext4 xfs btrfs btrfs/sub squashfs overlay; do add_profile "/mnt/$kind/bin/tiny"; done
elfcast compile -q --root="$R"
start_watcher
mount_all
for kind in "${kinds[@]}"; do
	becomes_watched "$kind: is mounted, is watched" 1 "/mnt/$kind/bin/tiny"
	run_times "/mnt/$kind/bin/tiny" 3 >/dev/null
done
end_watcher
for kind in "${kinds[@]}"; do
	same "$kind: counted" 3 "$(launches "/mnt/$kind/bin/tiny")"
done

# --- elfcast run, where no watcher runs

new_root run
add_program /usr/bin/tiny
populate "$BUILD/elfcast"
elfcast compile -q --root="$R"
[ -z "${ELFCAST_SANITIZED:-}" ] || { skip "elfcast run" "sanitizers need more of the root"; finish; }
for ((i = 0; i < 10; i++)); do in_root /hook/elfcast run -- /usr/bin/tiny & runs[i]=$!; done
wait "${runs[@]}"
check "ten at once by root are ten" wait_until has_launches /usr/bin/tiny 10
start_watcher
in_root /hook/elfcast run -- /usr/bin/tiny
# Its helper, which would count if the watcher did not, ends later.
no_helper() { [ -z "$(find /proc/[0-9]*/exe -lname "*$R/hook/elfcast" 2>/dev/null)" ]; }
check "the helper ends" wait_until no_helper
counted "beside a watcher each counts once" 11 /usr/bin/tiny
in_root /hook/elfcast run --wait=1000 -- /usr/bin/tiny
check "--wait counts as well" wait_until has_launches /usr/bin/tiny 12
finish
