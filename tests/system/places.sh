#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 40 s
# Places of metadata against the kernel: what a cold file system reads of its device when
# files are opened is in the computed set, and once that was read ahead, opening reads
# nothing more. On ext4 in several shapes, ext3 and ext2; nothing happens on others.
set -u
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || { skip "places" "needs root"; exit 0; }
if [ -z "${PLACES_NS:-}" ]; then
	rm -rf "$TMP"
	PLACES_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
fi
command -v mke2fs >/dev/null || { skip "places" "mke2fs is not installed"; exit 0; }
mount -t tmpfs -o mode=700 places "$TMP" || exit 1
P=$BUILD/tests/places M=$TMP/mnt
mkdir "$M"
trap 'umount -R -q "$M"; cd /; umount -l "$TMP"; rmdir "$TMP"' EXIT
if ! { truncate -s 16M "$TMP/probe" && mke2fs -q -F -t ext4 "$TMP/probe" 2>/dev/null &&
	mount -o loop "$TMP/probe" "$M" 2>/dev/null; }; then
	skip "places" "no loop devices"
	exit 0
fi
umount "$M"

# A file system with all that is read: many directories, a large one, files of many extents
# and of many blocks, attributes in a block of their own, links.
make_tree() { # dir
	local i d
	for d in usr/lib usr/bin usr/share/a/b/c/d etc var/lib/elfcast work/sub; do mkdir -p "$1/$d"; done
	for i in $(seq 40); do
		mkdir -p "$1/usr/lib/module$i"
		for d in one two three; do echo x >"$1/usr/lib/module$i/$d"; done
	done
	ln -s usr/lib "$1/lib64"
	# Of 400 KiB and more, with an index.
	mkdir "$1/usr/share/large"
	python3 - "$1/usr/share/large" <<-'END'
		import sys
		for i in range(3000):
		    with open("%s/%s-%04d" % (sys.argv[1], "n" * 100, i), "w") as f: f.write("x")
	END
	python3 - "$1/usr/lib" <<-'END'
		import os, sys
		with open(sys.argv[1] + "/libscattered.so.1.2", "wb") as f: # 400 extents
		    for i in range(400):
		        f.seek(i * 16384)
		        f.write(b"x" * 1024)
		with open(sys.argv[1] + "/libbig.so.3.4", "wb") as f: f.write(b"y" * (5 << 20))
		os.setxattr(sys.argv[1] + "/libbig.so.3.4", "user.large", b"v" * 500)
	END
	ln -s libscattered.so.1.2 "$1/usr/lib/libscattered.so.1"
	for i in $(seq 30); do echo "$i" >"$1/usr/bin/tool$i"; done
	echo x >"$1/usr/share/a/b/c/d/deep"
	# Of that only one file is named, but it is looked at.
	echo x >"$1/work/file"
	for i in $(seq 50); do echo x >"$1/work/sub/walked$i"; done
}

# What is opened: most of it, two of the large directory.
list_tree() { # dir
	(
		cd "$1" || exit
		find . -type f ! -path '*/large/*' | grep -v '[37]$\|/walked'
		find ./usr/share/large -type f | sort | sed -n '7p; 2222p'
	) | sed 's/^\.//' | sort
}

make_image() { # mke2fs-options
	rm -f "$TMP/img"
	truncate -s "${SIZE:-256M}" "$TMP/img"
	mke2fs -q -F -E lazy_itable_init=0 "$@" "$TMP/img" 2>"$TMP/err" && cold && make_tree "$M" &&
		list_tree "$M" >"$TMP/list"
}

# Mounted anew on a new loop device: nothing is in memory. Not with mount -o loop, which takes
# the one from before where somebody who looks at all devices has it still open.
cold() {
	local status
	umount -q "$M"
	loop=$(losetup -f --show "$TMP/img") || return
	mount -o "inode_readahead_blks=0${MODE:+,$MODE}" "$loop" "$M"
	status=$?
	losetup -d "$loop" # goes with the mount
	return $status
}
device_reads() { awk '{ print $1 }' "/sys/dev/block/$(stat -c %Hd:%Ld "$M")/stat"; }
# reads COMMAND...: into $n_reads, how often it made the device read. Others look at devices, too
# (udev, mkfs.btrfs): nothing is what the device counted, or what the process itself asked for.
reads() {
	local before
	before=$(device_reads)
	n_reads=$(python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock)' "$@" <"$TMP/list")
	[ "$n_reads" = 0 ] || n_reads=$(($(device_reads) - before))
}

# field NAME of the JSON in FILE
field() { sed -n "s/.*\"$1\": \"\\{0,1\\}\\([^,}\"]*\\).*/\\1/p" "$2"; }

# reads_after_step COMMAND...: into $n_reads, what it reads of the cold device once the step was
# done. What the step leaves out is read each time; what the kernel took away meanwhile is not, and once it
# is read again nobody tells that it was taken.
reads_after_step() {
	local try
	for ((try = 0; try < 5; try++)); do
		cold
		"$P" prefetch "$M" "$TMP/places" >"$TMP/step" || return
		reads "$@"
		[ "$n_reads" != 0 ] || break
	done
}
# open_reads NAME: opening all after the step reads nothing of the device
open_reads() {
	reads_after_step "$P" open "$M" 1 || { not_ok "$1: the step"; return; }
	same "$1: after the step, opening them reads nothing" 0 "$n_reads"
}

# needed: in $TMP/needed, the pages of the cold device that opening them brings
needed() {
	cold
	"$P" resident "$M" | sort >"$TMP/base"
	"$P" touch "$M" <"$TMP/list" >/dev/null
	"$P" resident "$M" | sort >"$TMP/after"
	comm -13 "$TMP/base" "$TMP/after" >"$TMP/needed"
}

compare() { # name mke2fs-options
	local name=$1 needed missed asked
	shift
	make_image "$@" || { not_ok "$name: image ($(cat "$TMP/err"))"; return; }
	needed
	cold
	"$P" build "$M" flash "$TMP/places" <"$TMP/list" >"$TMP/built" || { not_ok "$name: build"; return; }
	"$P" build "$M" flash "$TMP/again" <"$TMP/list" >/dev/null
	check "$name: the same bytes again" cmp -s "$TMP/places" "$TMP/again"
	"$P" resident "$M" "$TMP/places" 2>"$TMP/outside" >/dev/null
	"$P" pages "$M" "$TMP/places" | sort >"$TMP/asked"
	needed=$(wc -l <"$TMP/needed")
	comm -23 "$TMP/needed" "$TMP/asked" >"$TMP/missed"
	# What opening needs it needs each time; what others read of the device meanwhile comes once.
	if [ -s "$TMP/missed" ]; then
		needed
		comm -12 "$TMP/missed" "$TMP/needed" >"$TMP/twice" && mv "$TMP/twice" "$TMP/missed"
	fi
	missed=$(wc -l <"$TMP/missed")
	asked=$(wc -l <"$TMP/asked")
	echo "# $name: $(wc -l <"$TMP/list") files: $needed pages needed, $missed missed, $asked asked for"
	check "$name: there is something to find" test "$needed" -gt 20
	same "$name: no needed page is missing" 0 "$missed"
	check "$name: not twice what is needed" test "$asked" -le $((2 * needed + 64))
	open_reads "$name"
}

compare "4 KiB blocks" -t ext4 -b 4096
reads_after_step find "$M/work" -size +100 # stats all
same "nor does looking at what lies beside them" 0 "$n_reads"
compare "1 KiB blocks" -t ext4 -b 1024
compare "no flex_bg, meta_bg" -t ext4 -b 1024 -O '^flex_bg,meta_bg,^resize_inode'
compare "32-bit, sparse_super2" -t ext4 -O '^64bit,sparse_super2,^resize_inode'
compare "bigalloc" -t ext4 -O bigalloc -C 65536
compare "inline data" -t ext4 -O inline_data
compare "no index" -t ext4 -O '^dir_index'
compare "ext3" -t ext3 -b 1024
compare "ext2, inodes of 128 bytes" -t ext2 -b 1024 -I 128

# ---- the file system is another one -------------------------------------------------------

step() { # name expected-skip expected-used
	"$P" prefetch "$M" "$TMP/places" >"$TMP/step" || { not_ok "$1"; return; }
	same "$1" "$2 $3" "$(field used "$TMP/step") $(field first "$TMP/step")"
}
make_image -t ext4 || not_ok "image"
cold
"$P" build "$M" flash "$TMP/places" <"$TMP/list" >"$TMP/built"
step "the same: read ahead" 1 "read ahead"
umount "$M"
e2fsck -fp "$TMP/img" >/dev/null # both of what follows insist on it
cp "$TMP/img" "$TMP/keep"
yes | tune2fs -U random "$TMP/img" >"$TMP/out" 2>&1 || not_ok "tune2fs: $(cat "$TMP/out")"
cold
step "another UUID: nothing" 0 "changed since it was compiled"
umount "$M"
cp "$TMP/keep" "$TMP/img" && truncate -s 300M "$TMP/img" && resize2fs "$TMP/img" >"$TMP/out" 2>&1 ||
	not_ok "resize2fs: $(cat "$TMP/out")"
cold
step "another size: nothing" 0 "changed since it was compiled"
umount "$M"
cp "$TMP/keep" "$TMP/img"
cold
mount -t tmpfs hide "$M"
step "something else is mounted there: nothing" 0 "changed since it was compiled"
umount "$M"
MODE=ro cold
step "read-only: read ahead" 1 "read ahead"
cp "$TMP/places" "$TMP/damaged"
printf 'x' | dd of="$TMP/damaged" bs=1 seek=100 conv=notrunc status=none
status "damaged: refused" 1 "$P" prefetch "$M" "$TMP/damaged"

# ---- mounts -------------------------------------------------------------------------------

cold
mount --bind "$M/usr/share" "$M/etc"
(cat "$TMP/list"; echo /etc/a/b/c/d/deep) | "$P" build "$M" flash "$TMP/bound" >"$TMP/built"
same "a bind mount is no file system of its own" 1 "$(field filesystems "$TMP/built")"
umount "$M/etc"
truncate -s 32M "$TMP/second" && mke2fs -q -F -t ext4 "$TMP/second"
mount -o loop "$TMP/second" "$M/etc" && echo x >"$M/etc/file"
(cat "$TMP/list"; echo /etc/file) | "$P" build "$M" flash "$TMP/two" >"$TMP/built"
same "two file systems" 2 "$(field filesystems "$TMP/built")"
"$P" prefetch "$M" "$TMP/two" >"$TMP/step"
same "both are read ahead" 2 "$(field used "$TMP/step")"
umount "$M/etc"
"$P" prefetch "$M" "$TMP/two" >"$TMP/step"
same "one is not mounted: the other is" 1 "$(field used "$TMP/step")"
mkdir "$M/etc/below" && make_tree "$M/etc/below" && list_tree "$M/etc/below" >"$TMP/list2"
"$P" build "$M/etc/below" flash "$TMP/below" <"$TMP/list2" >"$TMP/built"
"$P" prefetch "$M/etc/below" "$TMP/below" >"$TMP/step"
same "a root below the mount point" 1 "$(field used "$TMP/step")"

# ---- where there is nothing to do ---------------------------------------------------------

mkdir "$TMP/upper" "$TMP/work" "$TMP/over"
if mount -t overlay -o "lowerdir=$M,upperdir=$TMP/upper,workdir=$TMP/work" overlay "$TMP/over" 2>/dev/null; then
	status "overlay: nothing" 1 "$P" build "$TMP/over" flash "$TMP/none" <"$TMP/list"
	"$P" prefetch "$TMP/over" "$TMP/places" >"$TMP/step"
	same "overlay: places of below are not used" "0 changed since it was compiled" \
		"$(field used "$TMP/step") $(field first "$TMP/step")"
	umount "$TMP/over"
else
	skip "overlay: nothing" "no overlay"
fi
umount "$M"
for kind in xfs btrfs; do
	command -v mkfs.$kind >/dev/null || { skip "$kind: nothing" "mkfs.$kind is not installed"; continue; }
	rm -f "$TMP/other"
	truncate -s 400M "$TMP/other" && mkfs.$kind -q "$TMP/other" >"$TMP/err" 2>&1
	mount -o loop "$TMP/other" "$M" 2>/dev/null || { skip "$kind: nothing" "the kernel has no $kind"; continue; }
	echo x >"$M/file"
	echo /file >"$TMP/list3"
	"$P" build "$M" flash "$TMP/none" <"$TMP/list3" >/dev/null 2>"$TMP/err"
	same "$kind: nothing" "places: metadata_places_build: No such file or directory" "$(cat "$TMP/err")"
	mkdir -p "$M/usr/share/elfcast/profiles.d" "$M/usr/bin"
	make_elf "$M/usr/bin/one" one
	profile "$M/usr/share/elfcast/profiles.d/test.one.json" /usr/bin/one "{ \"path\": \"/usr/bin/one\",
		\"size\": $(stat -c %s "$M/usr/bin/one"), \"pages\": [[0, 1, 1, 0]] } ],
		\"lookups\": [ [\"/\", 1, [1, \"file\", \"no\"]]"
	elfcast compile -q --root="$M"
	elfcast prefetch --json --root="$M" /usr/bin/one >"$TMP/step"
	same "$kind: names are looked up" "0 3" "$(field metadata_pages "$TMP/step") $(field lookups "$TMP/step")"
	umount "$M"
done
cold
build_none() { "$@" "$P" build "$M" flash "$TMP/none" <"$TMP/list" 2>&1 >/dev/null; }
same "may not read the device: nothing" "places: metadata_places_build: No such file or directory" \
	"$(chmod 755 "$TMP" && build_none setpriv --reuid 65534 --clear-groups)"

# ---- the file in the state directory ------------------------------------------------------

state=$M/var/lib/elfcast/boot.places
cold
"$P" update "$M" flash <"$TMP/list"
cp "$state" "$TMP/first" && first=$(stat -c '%i %z' "$state")
check "update writes the file" test -s "$TMP/first"
"$P" update "$M" flash <"$TMP/list"
same "nothing changed: it is not written again" "$first" "$(stat -c '%i %z' "$state")"
head -n 20 "$TMP/list" | "$P" update "$M" flash
check "another pack: it is" test "$(stat -c '%i %z' "$state")" != "$first"
"$P" update "$M" flash <"$TMP/list"
check "back again: the first bytes" cmp -s "$TMP/first" "$state"
mount -t tmpfs hide "$M/usr" && echo x >"$M/usr/file"
echo /usr/file | "$P" update "$M" flash
check "no file on such a file system: it is removed" test ! -e "$state"
umount "$M/usr"
"$P" update "$M" flash <"$TMP/list"
"$P" update "$M" flash </dev/null
check "no pack: it is removed" test ! -e "$state"
status "nor is there an error when it is gone" 0 "$P" update "$M" flash

# ---- what a boot was seen to read ----------------------------------------------------------

blocks=${state%places}blocks
pages() { "$P" pages "$M" "$1" | sort -u; }
head -n 5 "$TMP/list" | "$P" update "$M" flash eager
pages "$state" >"$TMP/few"
tail -n 5 "$TMP/list" | "$P" build "$M" flash "$TMP/last" >/dev/null
pages "$TMP/last" >"$TMP/seen"
install -m 600 "$TMP/last" "$blocks"
head -n 5 "$TMP/list" | "$P" update "$M" flash eager
pages "$state" >"$TMP/both"
check "what a boot was seen to read is more" test "$(comm -13 "$TMP/few" "$TMP/seen" | wc -l)" -gt 0
same "and all of it is read, too" 0 "$(comm -13 "$TMP/both" "$TMP/seen" | wc -l)"
printf '\377' | dd of="$blocks" bs=1 seek=200 conv=notrunc status=none
head -n 5 "$TMP/list" | "$P" update "$M" flash eager
check "nothing of a damaged file" cmp -s "$TMP/few" <(pages "$state")
rm -f "$blocks" "$state"

# ---- what compile does --------------------------------------------------------------------

mkdir -p "$M/usr/share/elfcast/profiles.d"
make_elf "$M/usr/bin/one" one
profile "$M/usr/share/elfcast/profiles.d/test.one.json" /usr/bin/one "{ \"path\": \"/usr/bin/one\",
	\"build_id\": \"$(build_id_of "$M/usr/bin/one")\", \"size\": $(stat -c %s "$M/usr/bin/one"),
	\"pages\": [[0, 1, 1, 0]] }"
status "compile" 0 elfcast compile --root="$M"
check "it writes places of its pack" test -s "$state"
"$P" prefetch "$M" "$state" >"$TMP/step"
same "which are read ahead" "1 read ahead" "$(field used "$TMP/step") $(field first "$TMP/step")"
first=$(stat -c '%i %z' "$state")
elfcast compile -q --root="$M"
same "once more: not written again" "$first" "$(stat -c '%i %z' "$state")"
status "compile --usr" 0 elfcast compile --usr --root="$M"
check "an image has none: where it will be is not known" test ! -e "$M/usr/lib/elfcast/boot.places"
rm "$M/usr/share/elfcast/profiles.d/test.one.json"
elfcast compile -q --root="$M"
check "no profile, no pack: no places" test ! -e "$state"

# ---- what a launch looks at ---------------------------------------------------------------

cold
chmod 755 "$TMP" "$M" # for who may not read devices
names=$(for i in $(seq 3 2 39); do echo "[\"/usr/lib/module$i\", 0, [1, \"none\", \"three\", \"two\"]],"; done | sort)
profile "$M/usr/share/elfcast/profiles.d/test.one.json" /usr/bin/one "{ \"path\": \"/usr/bin/one\",
	\"build_id\": \"$(build_id_of "$M/usr/bin/one")\", \"size\": $(stat -c %s "$M/usr/bin/one"),
	\"pages\": [[0, 1, 1, 0]] }, { \"path\": \"/usr/lib/libbig.so.3.4\", \"size\": 5242880,
	\"pages\": [[100, 8, 1, 1]] } ], \"lookups\": [ [\"/\", 0, [1, \"lib64\", \"no\"]], [\"/etc\", 1],
	$names [\"/usr/share/large\", 0, [1, \"$(printf '%0100d' 0 | tr 0 n)-0042\"]], [\"/work/sub\", 1]"
status "compile" 0 elfcast compile --root="$M"
shadow=$(echo "$M"/var/lib/elfcast/shadow/*.shadow)
first=$(stat -c '%i %z' "$shadow")
cat >"$TMP/look" <<PY
import os
os.chdir("$M")
for i in range(3, 41, 2):
    for name in "none", "two", "three":
        try: os.lstat("usr/lib/module%d/%s" % (i, name))
        except FileNotFoundError: pass
os.stat("lib64")
os.lstat("usr/share/large/" + "n" * 100 + "-0042")
os.listdir("etc"), os.listdir("work/sub")
os.read(os.open("usr/bin/one", os.O_RDONLY), 4096)
PY
# look_reads COMMAND...: into $n_reads, what looking at all of it makes the cold device read behind
# COMMAND; as reads_after_step.
look_reads() {
	local try
	for ((try = 0; try < 5; try++)); do
		cold
		"$@" >"$TMP/step" 2>"$TMP/err" || return
		reads python3 "$TMP/look"
		[ "$n_reads" != 0 ] || break
	done
}
cold
reads python3 "$TMP/look"
check "looking at it cold reads" test "$n_reads" -gt 20
look_reads elfcast prefetch --json --root="$M" /usr/bin/one
same "behind prefetch it reads nothing" 0 "$n_reads"
check "of which the metadata was read by its places" test "$(field metadata_pages "$TMP/step")" -gt 20
same "and nothing was looked up" 0 "$(field lookups "$TMP/step")"
look_reads setpriv --reuid 65534 --clear-groups "$BUILD/elfcast" prefetch --json --root="$M" /usr/bin/one
same "nor as who may not read the device" 0 "$n_reads"
same "who looks up instead" "0 62" "$(field metadata_pages "$TMP/step") $(field lookups "$TMP/step")"
elfcast compile -q --root="$M"
same "compile once more: not written again" "$first" "$(stat -c '%i %z' "$shadow")"
# elfcastd, when it is launched: what is in memory then is more than the launch itself brings.
resident() { "$P" resident "$M" | wc -l; }
has_more() { [ "$(resident)" -ge $((before + 20)) ]; }
is_watching() { [ "$(sed -n 's/^pid //p' "$M/run/elfcast/watch" 2>/dev/null)" = "$watcher" ]; }
cold
before=$(resident)
"$M/usr/bin/one" >/dev/null 2>&1
check "a launch alone does not bring it" test "$(resident)" -lt $((before + 20))
mkdir -p "$M/run"
cold
"$BUILD/elfcastd" --root="$M" >"$TMP/out" 2>&1 &
watcher=$!
wait_until is_watching
before=$(resident)
"$M/usr/bin/one" >/dev/null 2>&1
check "with elfcastd it is there" wait_until has_more
kill "$watcher" && wait "$watcher"
rm -r "$M/run"
elfcast dump --root="$M" /usr/bin/one >"$TMP/dumped"
check "dump has the lookups" grep -qF '["/work/sub", 1]' "$TMP/dumped"
printf 'x' | dd of="$shadow" bs=1 seek=$(($(stat -c %s "$shadow") - 1)) conv=notrunc status=none
status "places that are damaged are a damaged shadow" 1 elfcast prefetch --root="$M" /usr/bin/one
elfcast compile -q --force --root="$M"
status "which compile mends" 0 elfcast prefetch --root="$M" /usr/bin/one
elfcast compile -q --usr --root="$M"
check "an image's shadow has none" test "$(stat -c %s "$M"/usr/lib/elfcast/shadow/*.shadow)" -lt "$(stat -c %s "$shadow")"
rm -r "$M/usr/share/elfcast/profiles.d/test.one.json" "$M/usr/lib/elfcast"
elfcast compile -q --root="$M"

# ---- the device's node --------------------------------------------------------------------

dev=$(stat -c '%Hd %Ld' "$M")
mount -t tmpfs dev /dev || exit 1
same "no node: nothing" "places: metadata_places_build: No such file or directory" "$(build_none env)"
# shellcheck disable=SC2086 # two numbers
mknod /dev/by-another-name b $dev
same "a node of another name is found" "" "$(build_none env)"
check "and says the same" cmp -s "$TMP/none" "$TMP/places"
umount /dev
finish
