# shellcheck shell=bash disable=SC2034 # variables of those who source this
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rows of `make bench`: what measure.sh measures, and beside it which pages are needed,
# which were read, and the best time for them. Sourced after measure.sh.
: "${LAB_MNT?}"

# Whose pages are read for nothing in mode "other".
measure_other() {
	if [ "$1" = perl ]; then echo python3; else echo perl; fi
}

# Programs to have in the root for PROGRAM... and their others.
rows_programs() {
	local p
	for p in "$@"; do
		echo "$p"
		[[ " $MEASURE_MODES " != *' other '* ]] || measure_other "$p"
	done | awk '!seen[$0]++'
}

# The exact set: the page cache of a cold launch without read-ahead. Beside it, of ext4, the blocks
# that hold what it looks at: those of inodes alone, not of their neighbours.
rows_needed() { # program...
	local p
	LAB_RA_KB=0
	[ "$LAB_KIND" != ext4 ] || LAB_OPTIONS=inode_readahead_blks=1
	lab_attach plain
	for p in "$@"; do
		measure_say "what $p needs"
		lab_cold
		/usr/bin/python3 "$TOP/tests/lab/pages.py" device "$LAB_LOOP" >"$LAB/mounted.$p"
		lab_launch "$p" >"$LAB/launch.log" || lab_die "launch of '$p' failed"
		/usr/bin/python3 "$TOP/tests/lab/pages.py" device "$LAB_LOOP" >"$LAB/metadata.$p"
		"$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/needed.$p"
		[ -s "$LAB/needed.$p" ] || lab_die "'$p' seems to need no page"
		/usr/bin/python3 -c 'import json, sys
for o in json.load(open(sys.argv[1]))["objects"]: print(o["path"])' "$LAB/lab.$p.json" |
			sort -u >"$LAB/objects.$p"
	done
	LAB_RA_KB=128 LAB_OPTIONS=
	lab_detach || lab_die "something still uses the root"
}

# A shadow that was right until all of its files were replaced.
rows_stale() { # program...
	local p old=$LAB/old
	lab_attach plain rw
	mkdir -p "$LAB_MNT/$LAB_STALE"
	for p in "$@"; do
		measure_say "a stale shadow of $p"
		mkdir "$old"
		/usr/bin/python3 "$TOP/tests/lab/stale.py" "$LAB/lab.$p.json" "$LAB_MNT" "$old" &&
			"$BUILD/elfcast" compile --root "$old" >"$LAB/compile.log" 2>&1 &&
			cp "$old"/var/lib/elfcast/shadow/* "$LAB_MNT/$LAB_STALE/$p" ||
			lab_die "cannot make a stale shadow of '$p': $(tail -n 3 "$LAB/compile.log")"
		rm -rf "$old"
		rows_check_stale "$p"
	done
	lab_detach || lab_die "something still uses the root"
}

# It must be compiled and refused, or it would be another experiment.
rows_check_stale() { # program
	"$BUILD/elfcast" prefetch --json --root "$LAB_MNT" "--shadow=$LAB_MNT/$LAB_STALE/$1" \
		>"$LAB/stale.json" 2>"$LAB/stale.log"
	/usr/bin/python3 -c 'import json, sys
r, = json.load(open(sys.argv[1]))
sys.exit(not (r["objects"] > 0 and r["objects_used"] == 0))' "$LAB/stale.json" ||
		lab_die "the stale shadow of '$1' is not stale: $(head -c 300 "$LAB/stale.json" "$LAB/stale.log")"
}

# What MODE reads, on a disk that takes no time: which pages come in does not depend on it.
rows_read() { # program mode name
	local file="$LAB/read.$LAB_KIND.$1.$3"
	if [ ! -s "$file" ]; then
		measure_say "$LAB_KIND: what is read for $1 ($3)"
		[ "$2" != huge ] || LAB_RA_KB=$MEASURE_HUGE_KB
		lab_cold
		LAB_RA_KB=128
		case $2 in
		before | whole) measure_read_before "$1" "$2" ;;
		*) lab_launch "$1" >"$LAB/launch.log" || lab_die "launch of '$1' failed" ;;
		esac
		"$BUILD/tests/lab-mincore" "$LAB_MNT" >"$LAB/read.now"
		/usr/bin/python3 "$TOP/tests/lab/pages.py" read "$LAB_MNT" "$LAB/needed.$1" \
			"$LAB/read.now" >"$file" || lab_die "pages.py failed"
	fi
	printf '{"program": "%s", "kind": "%s", "storage": "%s", "mode": "%s", "round": 0, %s}\n' \
		"$1" "$LAB_KIND" "$storage" "$2" "$(cat "$file")"
}

rows_best() { # program
	local line metadata=()
	lab_is_readonly_kind "$LAB_KIND" && return
	[ "$LAB_KIND" != ext4 ] || [ ! -s "$LAB/metadata.$1" ] || metadata=("$LAB/mounted.$1" "$LAB/metadata.$1")
	line=$(/usr/bin/python3 "$TOP/tests/lab/pages.py" best "$LAB_MNT" "$LAB/needed.$1" \
		"$LAB_IMAGE" "$storage" "${metadata[@]}") || lab_die "pages.py failed"
	printf '{"program": "%s", "kind": "%s", "storage": "%s", "mode": "best", "round": 0, %s}\n' \
		"$1" "$LAB_KIND" "$storage" "$line"
}

# One row of the table.
rows_measure() { # storage rounds program
	local storage=$1 mode
	measure "$@"
	lab_attach plain
	for mode in cold huge whole before; do
		[[ " $MEASURE_MODES " == *" $mode "* ]] || continue
		if [ $mode = before ]; then
			rows_read "$3" before "before-$(measure_class "$storage")"
		else
			rows_read "$3" $mode $mode
		fi
	done
	rows_best "$3"
	lab_detach || lab_die "something still uses the root"
	measure_say
}
