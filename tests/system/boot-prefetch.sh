#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lab memory-pressure
# takes: 85 s
# elfcast-prefetch against the real kernel, on an ext4 image of its own: what it reads, what
# it refuses, and everything that makes it stop. Mounts are made in a namespace of the test's
# own, memory cgroups are its own and removed.
if [ "$(id -u)" != 0 ]; then
	echo "ok - boot prefetch # SKIP needs root"
	exit 0
fi
[ -n "${IN_NAMESPACE:-}" ] ||
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
. "$(dirname "$0")/../lib.sh"

work=$(cd "$(mktemp -d /var/tmp/elfcast-boot-XXXXXX)" && pwd -P)
root=$work/root loop='' helpers='' cgroup='' slow=$work/slow
prefetch=$BUILD/elfcast-prefetch

end_helpers() {
	local pid
	for pid in $helpers; do
		kill -CONT "$pid" 2>/dev/null
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	helpers=''
}
cleanup() {
	end_helpers
	umount "$root/run" 2>/dev/null
	umount -l "$root/usr/lib/sub" 2>/dev/null
	umount "$root" 2>/dev/null || umount -l "$root" 2>/dev/null
	[ -n "$loop" ] && losetup -d "$loop" 2>/dev/null
	umount -l "$slow" 2>/dev/null # also where who serves it has ended
	[ -n "$cgroup" ] && rmdir "$cgroup"
	rm -rf --one-file-system "$work" "$TMP"
}
trap cleanup EXIT
die() {
	not_ok "$1"
	exit 1
}

# ---- the system to be booted -------------------------------------------------------------
attach() { # backing file
	loop=$(losetup -f --show ${2:-} "$1" 2>/dev/null) || return 1
	echo 0 >"/sys/block/${loop#/dev/}/queue/read_ahead_kb"
	mount "$loop" "$root" 2>/dev/null
}
cold() {
	umount "$root" && mount "$loop" "$root" 2>/dev/null || die "cannot mount again"
}
resident() (cd "$root" && "$BUILD/tests/residency" "$@" | paste -sd ' ')
elf() {
	echo 'char pad[300000] = { 1 };' |
		gcc -shared -nostdlib -Wl,--build-id="0x$2" -x c -o "$1" -
}
make_tree() {
	mkdir -p "$root"/usr/{bin,lib/sub,share} "$root"/{old,run,var/lib/elfcast} &&
		elf "$root/usr/bin/prog" 00112233445566778899aabbccddeeff00000001 &&
		elf "$root/usr/lib/a.so" 00112233445566778899aabbccddeeff00000002 &&
		elf "$root/usr/lib/sub/b.so" 00112233445566778899aabbccddeeff00000003 &&
		head -c 40000 /dev/zero >"$root/usr/share/data" &&
		head -c 64M /dev/urandom >"$root/usr/share/large" || die "cannot make the files"
}
lines="/usr/lib/a.so 50 2 1
/usr/bin/prog 2 3 0
/usr/lib/a.so 1 1 0
/usr/lib/sub/b.so 10 40 0
/usr/bin/prog 30 7 1
/usr/share/data 0 2 1"
all="usr/bin/prog usr/lib/a.so usr/lib/sub/b.so usr/share/data"
want_prog="usr/bin/prog 2 3 usr/bin/prog 30 7"
want_a="usr/lib/a.so 1 1 usr/lib/a.so 50 2"
want_b="usr/lib/sub/b.so 10 40"
want_data="usr/share/data 0 2"
pack=var/lib/elfcast/boot.pack
# make_pack [EAGER]: the first EAGER lines are what the boot itself needs
make_pack() { "$BUILD/tests/mkpack" "$root" "${1:-0}" >"$work/pack" && cp "$work/pack" "$root/$pack"; }
large_pack() { # an extent of 64 KiB in every 128 KiB
	seq 0 32 16352 | sed 's/.*/\/usr\/share\/large & 16 0/' | make_pack
}
own="$prefetch $(ldd "$prefetch" | grep -o '/[^ ]*' | tr '\n' ' ')"
boot() { # options; the journal's lines in $work/err, the report in $work/report
	# What else this machine has in memory is not to matter (--reserve), nor that other
	# tests evict what the program itself consists of.
	# shellcheck disable=SC2086 # paths
	cat $own /etc/passwd /etc/ld.so.cache >/dev/null
	timeout 60 "$prefetch" --root="$root" --reserve=0 "$@" 2>"$work/err"
	local status=$?
	cp "$root/run/elfcast/boot.json" "$work/report" 2>/dev/null
	return $status
}
value() { # expression of the report r
	python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$work/report" "$1"
}
line() { sed 's/, [0-9.]* s, CPU [0-9]* ms/, TIME/' "$work/err"; }

truncate -s 128M "$work/image" && mkfs.ext4 -q -F "$work/image" && mkdir "$root" "$slow" ||
	die "cannot make an image"
if ! attach "$work/image"; then
	loop=''
	skip "boot prefetch" "no loop device"
	finish
fi
make_tree
make_pack <<<"$lines" || die "cannot make a pack"
# Only this user is to read it: it has none of root's ways around permissions.
chmod 755 "$work" "$root"

# ---- what it is ---------------------------------------------------------------------------
if [ -z "${ELFCAST_SANITIZED:-}" ]; then
	same "libc only" "libc.so.6" \
		"$(readelf -d "$prefetch" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^ld-' | paste -sd ' ')"
fi
status "usage: an argument" 2 "$prefetch" git
status "usage: a time" 2 "$prefetch" --deadline=0
status "usage: a size" 2 "$prefetch" --max-bytes=12X
status "help" 0 "$prefetch" --help
same "version" "elfcast-prefetch" "$("$prefetch" --version | cut -d ' ' -f 1)"

# Descriptors that others take for standard ones are as good as any.
cold
"$prefetch" --root="$root" --reserve=0 <&- 2>/dev/null
same "with standard input closed" 0 $?
"$prefetch" --root="$root" --reserve=0 --report="$work/closed" <&- >&- 2>&-
same "with all of them closed" 0 $?
check "it reads all the same" grep -q '"outcome": "read"' "$work/closed"

# ---- exactly the pages --------------------------------------------------------------------
status='' got='' # of reads_cold
cold
same "cold is cold" "" "$(resident $all)"
reads_cold "$all" boot
same "exit status" 0 $status
same "exactly these pages" "$want_prog $want_a $want_b $want_data" "$got"
same "one line" "elfcast-prefetch: asked for 0.2 of 0.2 MiB for 2 launches: 0.2 read, 0.0 there already, 0 of 4 objects skipped, TIME" "$(line)"
same "report: asked" "read None 55 225280 6 4" \
	"$(value 'r["outcome"], r["stopped"], r["asked_pages"], r["asked_bytes"], r["asked_extents"], r["objects_used"]' | tr -d "(),'")"
same "report: all was read, and little else" True "$(value '221184 <= r["read_bytes"] <= 225280 + 131072')"
twice() { boot && boot; }
reads_cold "$all" twice
same "the second time nothing is read" "0 225280" "$(value 'r["read_bytes"], r["there_bytes"]' | tr -d '(),')"
same "nothing of it is left in /run" boot.json "$(ls -A "$root/run/elfcast")"
boot --quiet
same "quiet is quiet" "" "$(cat "$work/err")"

# ---- what the boot itself needs -----------------------------------------------------------
make_pack 2 <<<"$lines"
cold
reads_cold "$all" boot
same "with a part for the boot: all of it" "0 $want_prog $want_a $want_b $want_data" "$status $got"
same "report: what of it was for the boot" "5 5 True 55" \
	"$(value 'r["eager"]["pack_bytes"] // 4096, r["eager"]["asked_bytes"] // 4096, r["eager"]["ms"] > 0, r["asked_pages"]' | tr -d '(),')"
same "all objects are used, those of both parts once" "4 4" "$(value 'r["objects"], r["objects_used"]' | tr -d '(),')"
reads_cold "$all" boot --only-eager --report="$work/early"
same "that part only" "0 usr/bin/prog 2 3 usr/lib/a.so 50 2" "$status $got"
rm "$root/run/elfcast/boot.json"
reads_cold "$all" boot --only-eager
same "it tells nobody, unless it is asked" "0 usr/bin/prog 2 3 usr/lib/a.so 50 2  " \
	"$status $got $(cat "$work/err") $(ls "$root/run/elfcast")"
reads_cold "$all" boot --max-bytes=12K
same "the budget is for both parts" "byte budget 3" "$(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"
# Of two threads either may be the first.
check "and what the boot needs comes first" \
	grep -Fxq -e "usr/bin/prog 2 1 usr/lib/a.so 50 2" -e "usr/bin/prog 2 3" <<<"$got"
# ---- this machine's own files -------------------------------------------------------------
mkdir -m 700 "$root/var/private" && head -c 200000 /dev/urandom >"$root/var/private/base" &&
	head -c 200000 /dev/urandom >"$root/var/log" && chown -R 65534:65534 "$root/var/private" &&
	chmod 600 "$root/var/private/base" || die "cannot make the files"
printf '%s\n' "/var/private/base 3 2" "/var/log 20 4" "/usr/share/data 0 0" | "$BUILD/tests/mkown" "$root" || die "cannot note them"
echo more >>"$root/var/log" # it changes all the time
make_pack 3 <<<"$lines"
ours="var/private/base var/log"
reads_cold "$ours" boot
same "own files: by root, who may read them, and though one has changed" \
	"var/private/base 3 2 var/log 20 4" "$got"
same "own files: report, where names and inodes are read, too" "24576 True" \
	"$(value 'r["own"]["asked_bytes"], 24576 <= r["own"]["read_bytes"] <= 24576 + 65536' | tr -d '(),')"
reads_cold "$ours" boot --no-eager
same "own files: not without the eager part" "" "$got"
cp -p "$root/var/log" "$root/var/log.new" && mv "$root/var/log.new" "$root/var/log"
reads_cold "$ours" boot
same "own files: not another file of that name" "var/private/base 3 2" "$got"
chmod 666 "$root/var/lib/elfcast/boot.own"
reads_cold "$ours" boot
same "own files: not from what others may write" "" "$got"
make_pack <<<"$lines"
rm "$root/var/lib/elfcast/boot.own"

# ---- controls -----------------------------------------------------------------------------
# boot_id DIGIT: that this boot has an ID which ends so
boot_id() {
	umount /proc/sys/kernel/random/boot_id 2>/dev/null
	[ $# = 0 ] && return
	echo "6f1c2d3e-0000-4000-8000-0123456789a$1" >"$work/boot_id"
	mount --bind "$work/boot_id" /proc/sys/kernel/random/boot_id
}
log=$root/var/lib/elfcast/boots
# logged PLAN VERDICT KEY
logged() {
	printf '%s\n' "elfcast-boots 1" "6f1c2d3e-0000-4000-8000-012345678900 0 $1 $2 $3 3000 0 0 0 0 - k" "end 1" >"$log"
}
boot_part="usr/bin/prog 2 3 usr/lib/a.so 50 2"
make_pack 2 <<<"$lines"
cut -d ' ' -f 1 <<<"$lines" | sort -u |
	"$BUILD/tests/places" eager "$root" flash "$root/var/lib/elfcast/boot.places" >/dev/null || die "cannot find places"
boot_id 0
cold
boot
key=$(value 'r["eager"]["key"]')
same "without a log no boot is a control" "eager 5 True" \
	"$(value 'r["plan"], r["eager"]["asked_bytes"] // 4096, r["eager"]["metadata_asked_bytes"] > 0' | tr -d "(),'")"
logged eager - "$key"
reads_cold "$all" boot --only-eager --report="$work/early"
same "a control: nothing is read for the boot" "0 " "$status $got"
reads_cold "$all" boot
same "nor is it after the boot, the others are" "0 usr/bin/prog 30 7 usr/lib/a.so 1 1 $want_b $want_data" "$status $got"
same "report: nothing of any kind for the boot" "control 0 0" \
	"$(value 'r["plan"], r["eager"]["asked_bytes"], r["eager"]["metadata_asked_bytes"]' | tr -d "(),'")"
check "the journal says so" grep -q ', a control boot$' "$work/err"
echo BootEager=yes >"$work/conf"
mkdir -p "$root/etc/elfcast" && cp "$work/conf" "$root/etc/elfcast/elfcast.conf"
reads_cold "$all" boot --only-eager --report="$work/early"
same "BootEager=yes: no controls" "0 $boot_part" "$status $got"
rm "$root/etc/elfcast/elfcast.conf"
boot_id 1
reads_cold "$all" boot --only-eager --report="$work/early"
same "other boots are none" "0 $boot_part" "$status $got"
echo BootEager=no >"$root/etc/elfcast/elfcast.conf"
reads_cold "$all" boot --only-eager --report="$work/early"
same "BootEager=no: nothing is read for the boot" "0 " "$status $got"
rm "$root/etc/elfcast/elfcast.conf"
logged control off "$key"
reads_cold "$all" boot --only-eager --report="$work/early"
same "switched off: nothing is read for the boot" "0 " "$status $got"
boot
same "report: off" off "$(value 'r["plan"]')"
logged control off "$(printf %016x $((~0x$key)))"
reads_cold "$all" boot --only-eager --report="$work/early"
same "another part was switched off: this one is read" "0 $boot_part" "$status $got"
logged eager - "$(printf %016x $((~0x$key)))"
reads_cold "$all" boot --only-eager --report="$work/early"
same "the first boot with another part is a control" "0 " "$status $got"
logged control off "$key"
chmod 666 "$log"
reads_cold "$all" boot --only-eager --report="$work/early"
same "a log that others may write is none" "0 $boot_part" "$status $got"
rm "$log" "$root/var/lib/elfcast/boot.places"
boot_id
make_pack <<<"$lines"

# Early, and again when all is mounted: that one reads what the first did not find, and the rest.
make_pack 4 <<<"$lines"
# change: of what the first has left
early_and_late() { # [change…]
	mount -t tmpfs none "$root/run"
	mount --bind "$root/old" "$root/usr/lib/sub"
	boot --early && said=$(cat "$work/err")
	first=$(resident $all 2>"$work/gone") left=$(ls "$root/run/elfcast")
	"$BUILD/tests/residency" --evict "$root/usr/bin/prog" "$root/usr/lib/a.so"
	boot --early
	second=$(resident $all 2>"$work/gone")
	umount "$root/usr/lib/sub"
	"${@:-true}" && boot
	status=$? after=$(ls "$root/run/elfcast")
	umount "$root/run"
	return $status
}
reads_cold "$all" early_and_late
same "early: what is there of what the boot needs, and word of it" \
	"usr/bin/prog 2 3 usr/lib/a.so 1 1 usr/lib/a.so 50 2 boot.early " "$first $left $said"
same "once" "" "$second"
same "then: what is mounted now, and the rest" "0 usr/bin/prog 30 7 $want_b $want_data boot.json" \
	"$status $got $after"
same "one report of both" "read None 55 6 46 6 4 []" \
	"$(value '(r["outcome"], r["stopped"], r["asked_pages"], r["asked_extents"], r["eager"]["asked_bytes"] // 4096,
		r["eager"]["early_asked_bytes"] // 4096, r["objects_used"], r["skipped"])' | tr -d "(),'")"
same "when it was read, and all that was" "True True" "$(value '(0 < r["eager"]["from_ms"] < r["eager"]["until_ms"],
	r["read_bytes"] >= 220000)' | tr -d '(),')"
all_again="0 usr/bin/prog 2 3 usr/bin/prog 30 7 $want_a $want_b $want_data boot.json"
again() { # NAME CHANGE…: what the first left is not believed
	local name=$1
	shift
	reads_cold "$all" early_and_late "$@"
	same "$name: all is read" "$all_again 0" \
		"$status $got $after $(value 'r["eager"]["early_asked_bytes"]')"
}
word=$root/run/elfcast/boot.early
again "no word" rm "$word"
again "half a word" truncate -s 1000 "$word"
again "a byte too many" truncate -s +1 "$word"
again "of another version" dd if=/dev/zero of="$word" bs=1 count=1 conv=notrunc status=none
again "anybody's" chmod 666 "$word"
cp "$work/pack" "$work/other" && make_pack 5 <<<"$lines"
other_pack() { mv "$root/$pack" "$work/this" && mv "$work/other" "$root/$pack" && mv "$work/this" "$work/other"; }
again "of another pack" other_pack
make_pack 4 <<<"$lines"
anything() { head -c "$(stat -c %s "$word")" /dev/urandom | tail -c +17 | dd of="$word" bs=16 seek=1 conv=notrunc status=none; }
again "random bytes" anything
no_pack() { # as where /var is mounted later
	mount -t tmpfs none "$root/run"
	mv "$root/$pack" "$work/this"
	boot --early
	ls "$root/run" && mv "$work/this" "$root/$pack"
	umount "$root/run"
}
same "of a pack that was not there is no word" "" "$(no_pack)"
rm -r "$root/run/elfcast"
same "without a mounted /run there is no word" "" "$(boot --early && ls "$root/run")"
# Who holds the root directory reads: nobody else does meanwhile.
exec {held}<"$root" && flock "$held"
# shellcheck disable=SC2086 # a list of files
cold_beside() { (cd "$root" && "$BUILD/tests/residency" --evict $all) && "$@"; }
same "one reader at a time: the other waits" "0 deadline 0" \
	"$(cold_beside boot --deadline=100; echo "$? $(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")")"
same "and reads nothing" "" "$(resident $all)"
boot {held}<&- &
pid=$! helpers="$helpers $!"
exec {held}<&-
wait "$pid"
helpers=''
same "until it is alone" "0 None 55" "$? $(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"

# As process 1, in a root with an init that says what it got; the rest of it is this machine's.
if [ -z "${ELFCAST_SANITIZED:-}" ]; then
	make_pack 2 <<<"$lines"
	# shellcheck disable=SC2086 # paths
	for file in $own /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do
		install -D "$(realpath "$file")" "$root$file"
	done
	mkdir -p "$root"/{sbin,proc,sys,dev}
	cat >"$root/sbin/init" <<-'INIT'
		#!/bin/sh
		echo "$$: $*"
		until [ -e /go ] || [ -e /run/elfcast/boot.early ]; do :; done
		[ ! -e /run/elfcast/boot.early ] || echo word
	INIT
	chmod 755 "$root/sbin/init"
	umount "$root" && mount "$loop" "$root"
	boot_as_init() { # until its child, which reads, has ended
		unshare --mount --pid --fork --kill-child chroot "$root" "$prefetch" single quiet >"$work/out" 2>&1 &
		pid=$! helpers="$helpers $!"
		for _ in $(seq 500); do
			[ "$(resident usr/bin/prog)" ] && [ -s "$work/out" ] && break
			sleep 0.02
		done
		[ -z "$(resident usr/share/data)" ] || return 1
		touch "$root/go"
		wait "$pid"
		helpers=''
		rm "$root/go"
	}
	reads_cold "usr/bin/prog usr/lib/a.so" boot_as_init
	same "as process 1: what the boot needs is read, init goes on with the same words" \
		"0 usr/bin/prog 2 3 usr/lib/a.so 50 2 1: single quiet" "$status $got $(cat "$work/out")"
	# As an initramfs: its hook, then the root is moved to "/". The lock is held until all of its
	# processes have been sent SIGTERM.
	# shellcheck disable=SC2016 # of that shell
	in_initramfs='mount -t proc proc /proc && exec 9<"$root" && flock 9 || exit 1
		eval "$before"
		(eval "$hook") 9<&-
		has_blocked() {
			for p in /proc/[0-9]*; do
				[ "$(cat "$p/comm")" = elfcast-prefetc ] && grep -q "^SigBlk:.*[4567c-f]...$" "$p/status" && return
			done 2>/dev/null
			return 1
		}
		is_alone() { set -- /proc/[0-9]* && [ $# = 1 ]; }
		until has_blocked || is_alone; do sleep 0.02; done
		kill -TERM -1 || is_alone || exit 1
		mount --move /proc "$root/proc" && mount -t tmpfs run "$root/run" && cd "$root" && pivot_root . mnt && exec /sbin/init quiet 9<&-'
	mkdir -p "$root/mnt" && install -D "$prefetch" "$root/usr/bin/elfcast-prefetch"
	boot_from_initramfs() { # what its init says in the end
		root=$root hook=$hook before=$before unshare --mount --pid --fork --kill-child \
			sh -c "$in_initramfs" >"$work/out" 2>"$work/err" &
		pid=$! helpers="$helpers $!"
		for _ in $(seq 500); do
			grep -q "$1" "$work/out" && break
			sleep 0.02
		done
		[ -z "$(resident usr/share/data)" ] || return 1
		touch "$root/go"
		wait "$pid"
		helpers=''
		rm "$root/go"
	}
	hooks=$TOP/packaging/initramfs before=''
	# shellcheck disable=SC2016 # of that shell
	for hook in "NEWROOT=\$root; . $hooks/dracut/elfcast.sh" \
		"rootmnt=\$root $hooks/initramfs-tools/elfcast" \
		"$(sed 's,/new_root,$root,g' "$hooks/mkinitcpio/hook"); run_latehook"; do
		reads_cold "usr/bin/prog usr/lib/a.so" boot_from_initramfs word
		same "initramfs, ${hook##*[/ ]}: what the boot needs is read, and word of it left where init is" \
			"0 usr/bin/prog 2 3 usr/lib/a.so 50 2 word" "$status $got $(tail -n 1 "$work/out")"
	done
	same "they have no answer for who asks for their order" "" "$("$hooks/initramfs-tools/elfcast" prereqs)"
	for word in off train; do
		echo "quiet elfcast=$word" >"$root/cmdline"
		before="mount -t proc proc $root/proc && mount --bind $root/cmdline $root/proc/cmdline"
		reads_cold "usr/bin/prog usr/lib/a.so" boot_from_initramfs quiet
		same "initramfs: with elfcast=$word nothing is read" "0 1: quiet" "$status$got $(cat "$work/out")"
	done
	before="chmod 644 $root/usr/bin/elfcast-prefetch"
	reads_cold "usr/bin/prog usr/lib/a.so" boot_from_initramfs quiet
	chmod 755 "$root/usr/bin/elfcast-prefetch"
	same "initramfs: nor without the program" "0 1: quiet" "$status$got $(cat "$work/out")"
	same "an option is no word of the kernel's" "elfcast-prefetch" \
		"$(unshare --pid --fork "$prefetch" --version | cut -d ' ' -f 1)"
	rm -rf "${root:?}"/{sbin,proc,sys,dev,mnt,cmdline,bin,lib,lib64,usr/bin/elfcast-prefetch}
fi
make_pack <<<"$lines"

# ---- the file system's own blocks ---------------------------------------------------------
metadata() {
	cold
	boot "$@"
	value 'r["metadata"]["asked_bytes"] > 0, r["metadata"]["ms"] > 0, r["asked_pages"]' | tr -d '(),'
}
same "no places: no metadata" "False False 55" "$(metadata)"
places=$root/var/lib/elfcast/boot.places
cut -d ' ' -f 1 <<<"$lines" | sort -u |
	"$BUILD/tests/places" build "$root" flash "$places" >"$work/built" || die "cannot find places"
same "metadata, then the pages" "True True 55" "$(metadata)"
same "what it read was not read again" True "$(value 'r["metadata"]["read_bytes"] > 0')"
same "metadata is not wanted" "False False 55" "$(metadata --no-metadata)"
truncate -s 100 "$places"
same "damaged places" "False False 55" "$(metadata)"
"$BUILD/tests/mkshadow" "$root" /usr/bin/prog default <<<"/usr/lib/a.so 1 1" >"$places"
same "a shadow in their place" "False False 55" "$(metadata)"
rm "$places"
cold
boot --report="$work/elsewhere" --pack="$work/pack"
same "a report elsewhere" 55 "$(cp "$work/elsewhere" "$work/report"; value 'r["asked_pages"]')"
mknod "$work/null" c 1 3
boot --report="$work/null" --pack="$work/pack"
same "a report to a device: that stays one" "character special file" "$(stat -c %F "$work/null")"
mkdir -p "$root/usr/lib/elfcast" && mv "$root/$pack" "$root/usr/lib/elfcast/"
: >"$root/usr/lib/elfcast/index"
cold
boot
same "a pack of an image build" "/usr/lib/elfcast/boot.pack 55" "$(value 'r["pack"], r["asked_pages"]' | tr -d "(),'")"
rm -r "$root/usr/lib/elfcast"
boot
same "no pack" "0 elfcast-prefetch: no pack '/var/lib/elfcast/boot.pack'" "$? $(cat "$work/err")"

# ---- as another user ----------------------------------------------------------------------
make_pack <<<"$lines"
chmod 600 "$root/usr/lib/a.so"
cold
boot --verbose
same "what only root may read is not read" "/usr/lib/a.so: skipped: may not be opened" \
	"$(sed -n 's/^elfcast-prefetch: \(\/.*\)/\1/p' "$work/err")"
chown 0:4 "$root/usr/lib/a.so" && chmod 640 "$root/usr/lib/a.so"
make_pack <<<"$lines"
cold
setpriv --groups 4 "$prefetch" --root="$root" --reserve=0 --verbose 2>"$work/err"
same "nor what a group of root's may read" "/usr/lib/a.so: skipped: may not be opened" \
	"$(sed -n 's/^elfcast-prefetch: \(\/.*\)/\1/p' "$work/err")"
chown 0:0 "$root/usr/lib/a.so" && chmod 644 "$root/usr/lib/a.so"
make_pack <<<"$lines"
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$prefetch" --reserve=0 --root="$root" 2>"$work/err"
}
reads_cold "$all" as_nobody
same "run by a user: exit status, and the pages" "0 $want_prog $want_a $want_b $want_data" "$status $got"
same "run by a user: the report cannot be written" 1 "$(grep -c 'cannot write the report: Permission denied' "$work/err")"

# ---- a pack that is none ------------------------------------------------------------------
# bad NAME WHY: the pack was changed; nothing is read, one line
bad() {
	local status
	cold
	boot
	status=$?
	same "$1" "0 elfcast-prefetch: nothing read, 'elfcast compile' rebuilds '/$pack': $2" \
		"$status $(cat "$work/err")"
	same "$1: nothing is read" "" "$(resident $all)"
	rm -rf "${root:?}/$pack"
	cp "$work/pack" "$root/$pack"
}
patch() { # offset byte
	printf "\\x$2" | dd of="$root/$pack" bs=1 seek="$1" conv=notrunc status=none
}
size=$(stat -c %s "$work/pack")
: >"$root/$pack"
bad "an empty pack" damaged
truncate -s $((size / 2)) "$root/$pack"
bad "half a pack" damaged
truncate -s $((size + 1)) "$root/$pack"
bad "a byte too many" damaged
dd if=/dev/zero of="$root/$pack" bs=1 seek=$((size / 2)) count=$((size - size / 2)) conv=notrunc status=none
bad "a pack with a hole" damaged
head -c 5000 /dev/urandom >"$root/$pack"
bad "random bytes" damaged
for ((i = 0; i < size; i += 101)); do
	patch $i "$(printf %02x $((0xff ^ $(od -An -tu1 -j $i -N 1 "$root/$pack"))))"
	boot --quiet
	[ "$? $(wc -l <"$work/err")" = "0 1" ] || not_ok "byte $i damaged: $(cat "$work/err")"
	cp "$work/pack" "$root/$pack"
done
ok "any byte damaged"
"$BUILD/tests/mkshadow" "$root" /usr/bin/prog default <<<"/usr/lib/a.so 1 1" >"$root/$pack"
bad "a shadow in its place" damaged
python3 - "$root/$pack" <<'P'
import sys
open(sys.argv[1], "r+b").truncate(300 << 20)
P
bad "a pack of 300 MiB" "over a limit"
rm "$root/$pack" && mkfifo "$root/$pack"
bad "a FIFO" "Invalid argument"
rm "$root/$pack" && mkdir "$root/$pack"
bad "a directory" "Invalid argument"
rm "$root/$pack" && ln -s /usr/share/data "$root/$pack"
bad "a link" "Too many levels of symbolic links"
chmod 600 "$root/$pack"
bad "root's own" "Permission denied"

# ---- objects that are others --------------------------------------------------------------
elf "$root/new" 00112233445566778899aabbccddeeff000000ff && mv "$root/new" "$root/usr/bin/prog"
rm "$root/usr/lib/a.so" && mkfifo "$root/usr/lib/a.so"
mv "$root/usr/lib/sub" "$root/old/sub" && ln -s /old/sub "$root/usr/lib/sub"
rm "$root/usr/share/data"
cold
boot
same "every object replaced" "0 elfcast-prefetch: asked for 0.0 of 0.2 MiB for 2 launches: 0.0 read, 0.0 there already, 4 of 4 objects skipped (2 no such file, or a symbolic link in its path; 1 not a regular file, or empty; 1 changed since it was compiled), TIME" "$? $(line)"
same "report: which and why" "/usr/bin/prog changed /usr/lib/a.so not /usr/lib/sub/b.so no /usr/share/data no" \
	"$(value '" ".join(s["path"] + " " + s["why"].split()[0] for s in r["skipped_first"])')"
rm -rf "${root:?}/usr" "$root/old"
make_tree
make_pack <<<"$lines"
if [ -w /dev/fuse ]; then
	beside_hangfs() {
		local status
		coproc HANG { exec "$BUILD/tests/hangfs" "$root/usr/lib/sub"; }
		helpers=$HANG_PID
		read -r _ <&"${HANG[0]}"
		boot --verbose
		status=$?
		end_helpers
		umount "$root/usr/lib/sub"
		return $status
	}
	reads_cold "usr/bin/prog usr/lib/a.so usr/share/data" beside_hangfs
	same "a FUSE file system that hangs" "0 /usr/lib/sub/b.so: skipped: not on a local file system" \
		"$status $(sed -n 's/^elfcast-prefetch: \(\/.*\)/\1/p' "$work/err")"
	same "the rest is read" "$want_prog $want_a $want_data" "$got"
else
	skip "a FUSE file system that hangs" "no FUSE"
fi

# ---- /run ---------------------------------------------------------------------------------
mount -t tmpfs -o size=4k,nr_inodes=3 none "$root/run" && mkdir "$root/run/elfcast"
echo full >"$root/run/full"
boot
same "a full /run" "0 1" "$? $(grep -c 'cannot write the report: No space left on device' "$work/err")"
umount "$root/run"
rm -r "${root:?}/run"
boot
same "no /run" "0 1" "$? $(grep -c 'cannot write the report: No such file or directory' "$work/err")"
same "and none is made" "" "$(ls -d "$root/run" 2>/dev/null)"
mkdir "$root/run"

# ---- budgets ------------------------------------------------------------------------------
reads_cold "$all" boot --max-bytes=24K
same "a budget of 6 pages" "byte budget 6" "$(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"
same "is spent in reading order" "usr/bin/prog 2 3 usr/lib/a.so 1 1 usr/lib/a.so 50 2" "$got"
mkdir -p "$root/etc/elfcast"
echo BootBudget=8K >"$root/etc/elfcast/elfcast.conf"
boot
same "a budget in elfcast.conf" "byte budget 2 8192" \
	"$(value 'r["stopped"], r["asked_pages"], r["max_bytes"]' | tr -d "(),'")"
echo BootTime=1234 >"$root/etc/elfcast/elfcast.conf"
boot
same "a time in elfcast.conf" "None 55 1234" \
	"$(value 'r["stopped"], r["asked_pages"], r["deadline_ms"]' | tr -d "(),'")"
echo Boot=no >"$root/etc/elfcast/elfcast.conf"
cold
boot
same "switched off in elfcast.conf" "0 elfcast-prefetch: switched off in '/etc/elfcast/elfcast.conf'" \
	"$? $(cat "$work/err")"
same "nothing is read" "" "$(resident $all)"
rm -r "${root:?}/etc"
cold
boot --reserve=1000000G
same "memory that must stay free" "memory reserve 0" "$(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"
same "nothing was read" "" "$(resident $all)"
cp /proc/cmdline "$work/cmdline" && sed -i 's/$/ elfcast=off/' "$work/cmdline"
(mount --bind "$work/cmdline" /proc/cmdline && "$prefetch" --root="$root") 2>"$work/err"
umount -l /proc/cmdline
same "switched off" "elfcast-prefetch: switched off on the kernel's command line" "$(cat "$work/err")"
same "nothing is read then" "" "$(resident $all)"

# Who reads has the processor only when nobody else wants it, and other tests do.
patient=--deadline=100000

large_pack
cold
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
	cgroup=/sys/fs/cgroup/memory/elfcast-test-$$
	mkdir "$cgroup" && echo 16M >"$cgroup/memory.limit_in_bytes"
	limit=16M
	[ -z "${ELFCAST_SANITIZED:-}" ] || limit=64M # its own memory
	echo $limit >"$cgroup/memory.limit_in_bytes"
	(echo "$BASHPID" >"$cgroup/cgroup.procs" &&
		exec timeout 120 "$prefetch" -q --reserve=0 --root="$root" $patient)
	same "in a cgroup of 16 MiB: exit status" 0 $?
	same "its limit holds" True "$(python3 -c 'import sys; print(int(open(sys.argv[1]).read()) <= 64 << 20)' "$cgroup/memory.max_usage_in_bytes")"
	cp "$root/run/elfcast/boot.json" "$work/report"
	same "all was asked for" 8192 "$(value 'r["asked_pages"]')"
else
	skip "a memory cgroup" "no cgroup v1 memory hierarchy"
fi

# ---- a slow disk --------------------------------------------------------------------------
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
make -s -C "$TOP" BUILD=build lab >/dev/null 2>&1
slowdisk=$TOP/build/lab/slowdisk
if [ ! -c /dev/fuse ] || [ ! -x "$slowdisk" ]; then
	skip "a slow disk" "no FUSE"
	finish
fi
"$BUILD/tests/mkpack" "$root" 2 <<<"$lines" >"$work/pack2" || die "cannot make a pack"
# Many small files, for whom the boot is to open them.
many=$(seq -f 'usr/share/many/%04g' 640)
mkdir "$root/usr/share/many" && for f in $many; do head -c 32K /dev/zero >"$root/$f"; done
for f in $many; do echo "/$f 0 8 0"; done | cat - <(echo "/usr/share/data 0 2 1") |
	"$BUILD/tests/mkpack" "$root" 640 >"$work/many" || die "cannot make a pack"
umount "$root" && losetup -d "$loop" || die "cannot detach"
loop=''
on_disk() { # model; its process in $disk
	exec {fd}< <(exec "$slowdisk" "$1" "$work/image" "$slow" 2>&1)
	disk=$! helpers="$helpers $!"
	read -r -t 20 said <&"$fd"
	[ "$said" = ready ] || die "slowdisk does not start: $said"
	attach "$slow/disk" "--direct-io=on --read-only" || die "cannot attach the slow disk"
}
off_disk() {
	umount "$root" && losetup -d "$loop" && umount "$slow"
	loop=''
	wait "$disk" 2>/dev/null
	helpers=''
}
# Until the part that reads has begun: it has asked for something.
begun() {
	for _ in $(seq 3000); do
		[ "$(awk '$1 == "requests" { print $2 }' "$slow/stats")" -gt "$1" ] && return
		sleep 0.02
	done
	return 1
}
# 64 requests a second: the pack takes 8 s.
# slowdisk serves read-only: the report goes elsewhere.
report="--report=$work/report --reserve=0"
on_disk sd:64:60
start() { # options: elfcast-prefetch in the background, in $pid
	: >"$slow/stats"
	setpriv --groups=0,6 "$prefetch" --root="$root" $report "$@" 2>"$work/err" &
	pid=$!
}
reads() { check "it reads" begun 100; } # finding the pack takes some 30
ended() { # NAME STOPPED: it ended for that reason, and before all was read
	local t0 status
	t0=$(now_ms)
	wait "$pid"
	status=$?
	t0=$(($(now_ms) - t0))
	echo "# $1: ended after $t0 ms"
	same "$1: exit status, reason" "0 $2" "$status $(value 'r["stopped"]')"
	same "$1: a part was read" True "$(value '0 < r["asked_pages"] < 8192 and r["skipped"] == []')"
}
# What the boot uses of what is read for it: somebody opens every Nth file, again and again.
uses() { # N [option…]: what became of it
	local n=$1 opener
	shift
	cold
	# Names and inodes are there: an opening that waited for them would be ahead of who looks for a second.
	(cd "$root" && xargs stat >/dev/null <<<"$many") || die "no files"
	(
		cd "$root" || exit
		while :; do awk -v n="$n" 'NR % n == 0' <<<"$many" | xargs head -q -c 0; done
	) &
	opener=$! helpers="$helpers $!"
	"$prefetch" --root="$root" $report --pack="$work/many" "$@" 2>"$work/err"
	kill "$opener"
	wait "$opener" 2>/dev/null
	helpers=$disk
	value '"%s %s %d" % (r["plan"], r["stopped"], r["eager"]["asked_bytes"] // 32768)'
}
same "all is used: all is read" "eager None 640" "$(uses 1)"
same "of what was passed" True "$(value '0 < r["eager"]["used_files"] <= r["eager"]["passed_files"] < 640')"
read -r plan stopped n <<<"$(uses 5)"
same "one of five is used: that ends it" "unused None 1" "$plan $stopped $((80 <= n && n < 600))"
echo "# after $n of 640 files"
same "but not what launches need" "usr/share/data 0 2" "$(resident usr/share/data)"
check "and it says so" grep -q 'not all for the boot: it used little of it' "$work/err"
cold
start
reads
child=$(cat "/proc/$pid/task/$pid/children")
child=${child%% *}
user=$(getent passwd elfcast | cut -d : -f 3)
same "the part that reads: user, groups, capabilities, privileges" \
	"${user:-65534} - 0000000000000000 0000000000000000 1" \
	"$(awk '/^Uid:/ { u = $2 } /^Groups:/ { g = $2 ? $2 : "-" } /^CapPrm:/ { p = $2 } /^CapEff:/ { e = $2 }
		/^NoNewPrivs:/ { n = $2 } END { print u, g, p, e, n }' "/proc/$child/status")"
same "it holds none of our files" "/dev/null" \
	"$(find "/proc/$child/fd" -type l -printf '%f %l\n' | awk '$1 < 3 { print $2 }' | sort -u)"
kill "$pid"
ended SIGTERM signal
# COMMAND...: until it has read something before its time is over.
until_some() {
	for _ in $(seq 5); do
		cold
		start --deadline=5000
		"$@"
		wait "$pid"
		status=$?
		[ $status = 0 ] && [ "$(value 'r["asked_pages"]')" = 0 ] || break
	done
}
until_some true
same "the deadline: exit status, reason" "0 deadline" "$status $(value 'r["stopped"]')"
same "the deadline: a part was read" True "$(value '0 < r["asked_pages"] < 8192 and r["skipped"] == []')"

# Others first: who reads beside it has the disk, and it waits.
until_some dd if="$loop" of=/dev/null bs=4k count=110 iflag=direct status=none
same "reading of others is waited for" True "$(value 'r["yields"] > 0 and r["yielded_ms"] > 0 and r["asked_pages"] < 8192')"
echo "# beside another reader: $(value 'r["asked_pages"] // 16, "of 512 extents in 5 s,", r["yields"], "yields"')"
# Nothing that is not for the boot is read while a boot reads.
cold
# Half a minute and more, until they are told to end; more than one, so that one is waiting whenever it is looked.
others=
for part in 0 1 2; do
	dd if="$loop" of=/dev/null bs=4k skip=$((part * 8000)) count=8000 iflag=direct status=none &
	others="$others $!" helpers="$helpers $!"
done
"$prefetch" --root="$root" $report --deadline=1500 2>"$work/err"
same "others read from the start" "0 deadline 0 True" \
	"$? $(value 'r["stopped"], r["asked_pages"], r["yielded_ms"] > 0' | tr -d "(),'")"
same "nothing is read" "" "$(resident usr/share/large $all)"
"$prefetch" --root="$root" $report 2>"$work/err" &
pid=$!
until [ -n "$(cat "/proc/$pid/task/$pid/children")" ]; do sleep 0.02; done
kill "$pid"
wait "$pid"
same "SIGTERM while it waits" "0 signal 0" "$? $(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"
same "what the boot needs is, with others reading" "deadline 5 5" "$(
	"$prefetch" --root="$root" $report --pack="$work/pack2" --deadline=1500 2>"$work/err"
	value 'r["stopped"], r["asked_pages"], r["eager"]["asked_bytes"] // 4096' | tr -d "(),'"
)"
same "exactly that" "usr/bin/prog 2 3 usr/lib/a.so 50 2" "$(resident $all)"
same "unless it is not to" "deadline 0" "$(
	"$prefetch" --root="$root" $report --pack="$work/pack2" --deadline=1500 --no-eager 2>"$work/err"
	value 'r["stopped"], r["asked_pages"]' | tr -d "(),'"
)"
# Nor while they wait for a disk that serves nobody for a while.
kill -STOP "$disk"
same "nor while others wait for the disk" "deadline 0" "$(
	"$prefetch" --root="$root" $report --pack="$work/pack2" --deadline=1500 --no-eager 2>"$work/err"
	value 'r["stopped"], r["asked_pages"]' | tr -d "(),'"
)"
kill -CONT "$disk"
# shellcheck disable=SC2086 # several
kill $others
# shellcheck disable=SC2086
wait $others 2>/dev/null
helpers=$disk

if [ -n "$cgroup" ] && [ -z "${ELFCAST_SANITIZED:-}" ] &&
	python3 -c 'import os
fd = os.open("/proc/pressure/memory", os.O_RDWR)
os.write(fd, b"some 100000 2000000\0")' 2>/dev/null; then
	cold
	# What the kernel has taken from everyone is as this test says.
	cat /proc/vmstat >"$work/vmstat" && mount --bind "$work/vmstat" /proc/vmstat
	# More than its cgroup may have, again and again: waits for memory, and nobody else does.
	# What is read, not mapped: a map of it can end in the OOM killer (seen with 6.18).
	echo 8M >"$cgroup/memory.limit_in_bytes"
	head -c 64M /dev/zero >"$work/thrash"
	"$BUILD/tests/residency" --evict "$work/thrash"
	(echo "$BASHPID" >"$cgroup/cgroup.procs" &&
		exec sh -c 'while :; do cat "$1" >/dev/null; done' sh "$work/thrash") &
	thrash=$! helpers="$helpers $!"
	waited_us() { sed -n 's/^some .*total=//p' /proc/pressure/memory; }
	waited=$(waited_us)
	"$prefetch" --root="$root" $report $patient 2>"$work/err"
	got="$? $(value 'r["stopped"], r["asked_pages"]' | tr -d "(),'")"
	if [ $(($(waited_us) - waited)) -gt 1000000 ]; then
		same "who presses against a limit of its own: is nothing to us" "0 None 8192" "$got"
	else
		skip "who presses against a limit of its own" "too little waited for memory: this machine is busy"
	fi
	cold
	start
	reads
	sed 's/^\(pgscan_kswapd\) .*/\1 99999999999999/' "$work/vmstat" >"$work/taken"
	cat "$work/taken" >"$work/vmstat"
	ended "memory pressure" "memory pressure"
	umount -l /proc/vmstat
	kill -9 "$thrash"
	wait "$thrash" 2>/dev/null
	helpers=$disk
else
	skip "memory pressure" "no cgroup v1 memory hierarchy, or no pressure triggers"
fi

# A disk that stops answering: nothing can end who looks up a name there.
cold
kill -STOP "$disk"
t0=$(now_ms)
"$prefetch" --root="$root" --pack="$work/pack" $report --deadline=1000 2>"$work/err"
same "a disk that hangs: exit status, reason" "0 deadline True" \
	"$? $(value 'r["stopped"], r["left_behind"]' | tr -d "(),'")"
same "it is said" 1 "$(grep -c 'a reader is stuck' "$work/err")"
t0=$(($(now_ms) - t0))
echo "# a disk that hangs: left after $t0 ms"
check "a disk that hangs: it is left in time" [ $t0 -le 20000 ]
kill -CONT "$disk"
for _ in $(seq 1000); do
	umount "$root" 2>/dev/null && break # who was stuck lets go
	sleep 0.05
done
mount -o ro "$loop" "$root"
off_disk
finish
