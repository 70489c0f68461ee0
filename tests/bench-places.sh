#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What reading the file system's metadata ahead through the block device gains: opening
# FILES (3000) cold files one by one and with 8 threads, without and with the metadata step,
# and `git status` with all its pages read before, without and with it. Medians of ROUNDS
# (5). Disks as in tests/lab/README.md.
# Usage: tests/bench-places.sh [MODEL...]; default net:1000:3000:125 sd:1500:60 hdd
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
PATH=/usr/bin:/bin:/usr/sbin:/sbin
. "$TOP/tests/lab/lab.sh"
. "$TOP/tests/lab/measure.sh"
lab_enter "$@"

FILES=${FILES:-3000}
ROUNDS=${ROUNDS:-5}
PROGRAMS=${PROGRAMS:-git python3 perl gcc vim gdb}
PLACES=$BUILD/tests/places
[ $# -gt 0 ] || set -- net:1000:3000:125 sd:1500:60 hdd

lab_build || lab_die "cannot build"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "${BUILD#"$TOP"/}/tests/places" >/dev/null || lab_die "cannot build"
lab_has_fuse || lab_die "needs /dev/fuse and libfuse3"
lab_begin
# shellcheck disable=SC2086 # words
lab_make $PROGRAMS
measure_train git

ms() { sed 's/.*"ms": \([0-9.]*\).*/\1/'; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }'; }
row() { # storage what value note
	printf '%-18s %-46s %7s ms  %s\n' "$1" "$2" "$3" "${4:-}"
}

# A tree like the machine's /usr in names, directories and sizes, without the contents: what
# is opened is not read. Made through the kernel, whose choice of inodes counts.
make_usr() {
	python3 - "$1" <<-'END'
		import os, sys
		for top, dirs, files in os.walk("/usr"):
		    if "/doc/" in top or "/man/" in top or "/locale/" in top:
		        continue
		    os.makedirs(sys.argv[1] + top, exist_ok=True)
		    for f in files:
		        try:
		            st = os.lstat(os.path.join(top, f))
		            path = sys.argv[1] + os.path.join(top, f)
		            if os.path.islink(os.path.join(top, f)):
		                os.symlink(os.readlink(os.path.join(top, f)), path)
		            elif st.st_size > 0:
		                with open(path, "wb") as out: out.truncate(st.st_size)
		        except OSError:
		            pass
	END
}

# What programs start from: programs, libraries, modules, data. Every n-th, so that they lie
# as far apart as those of many packages do; opened in no order.
make_list() {
	(cd "$LAB_MNT" && find usr -type f) | sed 's,^,/,' | grep -vE '/(include|src)/' | sort >"$LAB/all"
	awk -v want="$FILES" -v n="$(wc -l <"$LAB/all")" 'int(NR * want / n) > int((NR - 1) * want / n)' \
		"$LAB/all" >"$LAB/list"
	sort -R --random-source="$LAB/list" "$LAB/list" >"$LAB/order"
}

# The tree of many files takes the place of the lab's root.
lab_usr() {
	mkdir "$LAB/usr"
	truncate -s 3G "$LAB/usr.img"
	mkfs.ext4 -q -F -b 4096 -N 200000 -E lazy_itable_init=0,lazy_journal_init=0 "$LAB/usr.img" || lab_die "mkfs.ext4 failed"
	mount -o loop "$LAB/usr.img" "$LAB/usr" || lab_die "cannot mount the image"
	make_usr "$LAB/usr"
	mkdir -p "$LAB/usr/proc" "$LAB/usr/tmp"
	umount "$LAB/usr" || lab_die "cannot unmount the image"
}

# What all objects of git's profile are, for its places.
make_git_list() {
	python3 -c 'import json, sys
for o in json.load(open(sys.argv[1]))["objects"]: print(o["path"])' "$LAB/lab.git.json" |
		while read -r f; do
			if [ -s "$LAB_MNT$f" ] && [ ! -L "$LAB_MNT$f" ]; then echo "$f"; fi
		done >"$LAB/git.list"
}

opened() { # threads with-places?
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		lab_cold
		if [ "$2" = 1 ]; then
			"$PLACES" prefetch "$LAB_MNT" "$LAB/places" | ms >>"$LAB/step"
		fi
		"$PLACES" open "$LAB_MNT" "$1" <"$LAB/order" | ms
		lab_stat requests >>"$LAB/requests"
	done | median
}

launched() { # with-places?
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		lab_cold
		if [ "$1" = 1 ]; then "$PLACES" prefetch "$LAB_MNT" "$LAB/git.places" >/dev/null; fi
		"$BUILD/elfcast" prefetch -q --root "$LAB_MNT" /usr/bin/git
		lab_launch git | sed 's/.*"wall_us": \([0-9]*\).*/\1/' | awk '{ print $1 / 1000 }'
	done | median
}

launched_only() { # cold|warm
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		lab_cold
		[ "$1" = cold ] || lab_launch git >/dev/null
		lab_launch git | sed 's/.*"wall_us": \([0-9]*\).*/\1/' | awk '{ print $1 / 1000 }'
	done | median
}

measure_open() { # model
	local places with
	: >"$LAB/step"
	lab_attach "$1"
	[ -e "$LAB/list" ] || make_list
	places=$("$PLACES" build "$LAB_MNT" "$(measure_class "$1")" "$LAB/places" <"$LAB/list")
	row "$1" "places of $(wc -l <"$LAB/list") files of $(wc -l <"$LAB/all"), built" "$(echo "$places" | ms)" "$places"
	row "$1" "open one by one" "$(opened 1 0)"
	row "$1" "open with 8 threads" "$(opened 8 0)"
	with=$(opened 1 1)
	row "$1" "metadata step" "$(median <"$LAB/step")"
	row "$1" "open one by one after it" "$with"
	row "$1" "open with 8 threads after it" "$(opened 8 1)"
	lab_detach || lab_die "something still uses the root"
}

measure_git() { # model
	measure_compile "$1"
	lab_attach "$1"
	make_git_list
	"$PLACES" build "$LAB_MNT" "$(measure_class "$1")" "$LAB/git.places" <"$LAB/git.list" >"$LAB/git.built"
	row "$1" "git status: cold" "$(launched_only cold)"
	row "$1" "git status: pages read before" "$(launched 0)"
	row "$1" "git status: metadata and pages read before" "$(launched 1)" "$(cat "$LAB/git.built")"
	row "$1" "git status: warm" "$(launched_only warm)"
	lab_detach || lab_die "something still uses the root"
}

for model; do measure_git "$model"; done
lab_usr
# shellcheck disable=SC2034 # of the lab
LAB_IMAGE=$LAB/usr.img
for model; do measure_open "$model"; done
