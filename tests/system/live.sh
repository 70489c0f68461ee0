#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The boot prefetch where device numbers change or mean nothing: a live system (an overlay on a
# compressed image) with the pack of its image and with one of its own, and a btrfs subvolume;
# each mounted anew in between.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip "live systems" "needs root"
	finish
fi
if [ -z "${ELFCAST_LIVE_NS:-}" ]; then
	rm -rf "$TMP"
	ELFCAST_LIVE_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
fi
mount -t tmpfs -o mode=755 elfcast-test "$TMP" || exit 1 # images, and what lies on top of them
make_root
mkdir -p "$R/usr/share" && head -c 9000 /dev/zero >"$R/usr/share/data"
profile "$P/test.two.json" /usr/bin/two "{ \"path\": \"/usr/bin/two\", \"build_id\": \"$(build_id_of "$R/usr/bin/two")\",
	\"size\": $(stat -c %s "$R/usr/bin/two"), \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"/usr/share/data\", \"size\": 9000, \"pages\": [[0, 2, 1, 1]] }"

# attach FILE DIRECTORY MOUNT-OPTION...: the loop device goes with its mount
attach() {
	local file=$1 dir=$2 loop
	shift 2
	mkdir -p "$dir"
	loop=$(losetup -f --show "$file" 2>/dev/null) || return 1
	mount "$@" "$loop" "$dir" 2>/dev/null
	local status=$?
	losetup -d "$loop"
	return $status
}
# reads NAME ROOT PACK [OF]: both programs' files are asked for, a data file too, and by that pack
reads() {
	local try
	for ((try = 0; try < 20; try++)); do
		elfcast-prefetch -q --reserve=0 --root="$2" --report="$TMP/report"
		grep -q '"memory pressure"' "$TMP/report" || break # the whole machine's: not ours
	done
	same "$1" "$3 ${4:-3} of 3" "$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(r["pack"], r["objects_used"], "of", r["objects"])' "$TMP/report")" ||
		sed 's/^/# /' "$TMP/report"
}

if ! type -P mksquashfs >/dev/null || ! mkdir -p "$TMP/upper/u" "$TMP/upper/w"; then
	skip "an overlay on squashfs" "no mksquashfs"
else
	elfcast compile -q --usr --root="$R"
	mksquashfs "$R" "$TMP/live" -quiet -no-progress >/dev/null
	live() {
		attach "$TMP/live" "$TMP/lower" -t squashfs -o ro && mkdir -p "$TMP/over" &&
			mount -t overlay overlay -o \
				"lowerdir=$TMP/lower,upperdir=$TMP/upper/u,workdir=$TMP/upper/w" "$TMP/over"
	}
	end_live() { umount "$TMP/over" && umount "$TMP/lower"; }
	if ! live; then
		skip "an overlay on squashfs" "cannot be mounted here"
	else
		reads "a live system reads the pack of its image" "$TMP/over" /usr/lib/elfcast/boot.pack
		same "so do launches" "1 1 2 2" "$(for f in one two; do
			elfcast prefetch --root="$TMP/over" --json "/usr/bin/$f"
		done | python3 -c 'import json, re, sys
print(*re.findall(r"\"objects(?:_used)?\": ([0-9]+)", sys.stdin.read()))')"
		for f in "$TMP"/over/usr/lib/elfcast/shadow/*two*; do
			same "show says the same" "valid valid" "$(elfcast show --root="$TMP/over" --json "$f" |
				python3 -c 'import json, sys; print(*[o["now"] for s in json.load(sys.stdin) for o in s["objects"]])')"
		done
		status "it compiles one of its own" 0 elfcast compile --root="$TMP/over"
		reads "and reads that" "$TMP/over" /var/lib/elfcast/boot.pack
		check "away" end_live
		check "and mounted again" live
		reads "it is still right" "$TMP/over" /var/lib/elfcast/boot.pack
		# In the image's own, a data file's size is what is known of it; of a program its build-id.
		rm -r "$TMP/over/var/lib/elfcast"
		cp "$TMP/over/usr/bin/two" "$TMP/two" && cp "$TMP/two" "$TMP/over/usr/bin/two"
		reads "a program that was copied is the same" "$TMP/over" /usr/lib/elfcast/boot.pack
		echo >>"$TMP/over/usr/share/data"
		reads "a data file that has grown is not" "$TMP/over" /usr/lib/elfcast/boot.pack 2
		end_live
	fi
	rm -rf "$R/usr/lib/elfcast"
fi

truncate -s 200M "$TMP/btrfs"
if ! mkfs.btrfs -q "$TMP/btrfs" >/dev/null 2>&1 || ! attach "$TMP/btrfs" "$TMP/top" -t btrfs; then
	skip "a btrfs subvolume" "no mkfs.btrfs, or cannot be mounted here"
else
	btrfs subvolume create "$TMP/top/system" >/dev/null
	cp -a "$R/." "$TMP/top/system"
	umount "$TMP/top"
	attach "$TMP/btrfs" "$TMP/sub" -t btrfs -o subvol=system
	status "compile in a btrfs subvolume" 0 elfcast compile --root="$TMP/sub"
	umount "$TMP/sub"
	# Another mount before it takes the anonymous device number that it had.
	mount -t tmpfs elfcast-test "$TMP/top"
	attach "$TMP/btrfs" "$TMP/sub" -t btrfs -o subvol=system
	reads "mounted again, its files are still those" "$TMP/sub" /var/lib/elfcast/boot.pack
	umount "$TMP/sub" "$TMP/top"
fi
cd / && umount -l "$TMP" # its directory goes with us
finish
