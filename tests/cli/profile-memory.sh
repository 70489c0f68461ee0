#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# The n-th allocation fails, for every n, once and from then on: a profile is refused for
# want of memory, or comes out whole. json-c, which reads the values of unknown keys, may crash
# (the hook parses in a child), but must never hand over a part as the whole.
set -u
: "${BUILD:?}" "${TOP:?}"
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	echo "ok - failing allocations # SKIP the sanitizer has its own allocator"
	exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
ulimit -c 0

# Prints what is wrong.
run() { # file mode n
	local status
	FAILMALLOC_N=$3 FAILMALLOC_MODE=$2 FAILMALLOC_LOG=$dir/log \
		LD_PRELOAD=$BUILD/tests/failmalloc.so \
		"$BUILD/tests/profile-check" "$1" >"$dir/out" 2>"$dir/err"
	status=$?
	case $status in
	0) cmp -s "$dir/out" "$1" || echo "$2 $3: wrote something else" ;;
	1)
		[ -s "$dir/out" ] && echo "$2 $3: failed, but wrote"
		grep -q 'Cannot allocate memory$' "$dir/err" || echo "$2 $3: $(cat "$dir/err")"
		;;
	139 | 134)
		crashed=$((crashed + 1))
		case $1 in
		*/unknown-keys.json | */lookups.json | */portable.json) ;; # these have such keys
		*) echo "$2 $3: crashed" ;;
		esac
		;;
	*) echo "$2 $3: exit status $status" ;;
	esac
}

for file in "$TOP"/tests/good/*.json; do
	for mode in once on; do
		crashed=0 n=0
		: >"$dir/wrong"
		while n=$((n + 1)) && : >"$dir/log"; do
			{ run "$file" "$mode" $n >>"$dir/wrong"; } 2>/dev/null
			grep -qs F "$dir/log" || break
		done
		name="$(basename "$file"): each of $n allocations fails, $mode"
		if [ -s "$dir/wrong" ] || [ $n -lt 10 ]; then
			echo "not ok - $name"
			sed 's/^/    /' "$dir/wrong" | head -n 20
		else
			echo "ok - $name"
		fi
		echo "# $crashed crashes in json-c"
	done
done
