#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# sanitized: too
# Every file of tests/bad is refused with exactly the message of its .expect, nothing on
# stdout and exit 1; so are inputs too big to keep, within 64 MB of memory. Every file of
# tests/good is its own canonical text.
set -u
: "${BUILD:?}" "${TOP:?}"
check=$BUILD/tests/profile-check
limit_kib=$((64000000 / 1024))
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP

result() { # name what-is-wrong
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "$2" | sed 's/^/    /'
	fi
}

# Prints what is wrong; $dir/memory holds the peak in KiB.
refused() { # file expected-message
	local status said
	"$check" -m "$1" >"$dir/out" 2>"$dir/err"
	status=$?
	said=$(head -n -1 "$dir/err")
	tail -n 1 "$dir/err" >"$dir/memory"
	[ $status = 1 ] || echo "exit status $status, not 1"
	[ -s "$dir/out" ] && echo "wrote $(wc -c <"$dir/out") bytes to stdout"
	[ "$said" = "$2" ] || printf 'expected: %s\nsaid:     %s\n' "$2" "$said"
	# A sanitizer's shadow memory is not the program's.
	[ -n "${ELFCAST_SANITIZED:-}" ] || [ "$(cat "$dir/memory")" -le $limit_kib ] ||
		echo "took $(cat "$dir/memory") KiB, at most $limit_kib"
}

repeat() { # text count
	yes "$1" | head -n "$2" | tr -d '\n'
}

refused_big() { # name expected-message-without-file
	result "$1" "$(refused "$dir/$1" "$1:$2")"
	echo "# $1: $(cat "$dir/memory") KiB"
	rm -f "$dir/$1"
}

n=0
for expect in "$TOP"/tests/bad/*.expect; do
	result "bad/$(basename "$expect" .expect)" \
		"$(refused "${expect%.expect}.json" "$(head -n 1 "$expect")")"
	n=$((n + 1))
done
result "at least 60 bad profiles" "$([ $n -ge 60 ] || echo "only $n")"
for json in "$TOP"/tests/bad/*.json; do
	[ -e "${json%.json}.expect" ] || result "bad/$(basename "$json")" "has no .expect"
done

for json in "$TOP"/tests/good/*.json; do
	result "good/$(basename "$json")" "$("$check" "$json" 2>&1 | diff - "$json")"
done

result "no such file" "$(refused "$dir/none" "none: No such file or directory")"
mkdir "$dir/directory"
result "a directory" "$(refused "$dir/directory" "directory: Invalid argument")"

head="{ \"elfcast\": 1, \"program\": \"/bin/true\", \"arch\": \"x86_64\", \"trained\": { \"runs\": 1,
\"window_ms\": 1, \"method\": \"uffd\", \"kernel\": \"6\" }, \"objects\": ["
pages="{ \"path\": \"/bin/true\", \"size\": 17592186040320, \"pages\": ["

repeat '[' 1000000 >"$dir/brackets"
refused_big brackets '1:9: nested 9 deep (at most 8)'
repeat '{"a":' 1000000 >"$dir/braces"
refused_big braces '1:41: nested 9 deep (at most 8)'
truncate -s 1G "$dir/sparse"
refused_big sparse ' 1073741824 bytes (at most 8388608)'
{
	echo "$head"
	head -c 8388608 /dev/zero | tr '\0' ' '
} >"$dir/9-mib"
refused_big 9-mib " $((8388608 + ${#head} + 1)) bytes (at most 8388608)"

# As many as fit: what is no profile costs nothing beside its text, and the value of an
# unknown key, which json-c makes a tree of, is kept short.
many_keys='{'
for c in {a..z} {A..P}; do many_keys+="\"$c\":0,"; done
many_keys+='"Q":0}' # 43: json-c's hash table has just grown to 128 entries
unknown="$head],
\"unknown\": ["
many() { # name item
	{ echo '[' && repeat "$2," $(((8388608 - 16) / (${#2} + 1))) && echo '0]'; } >"$dir/$1"
	refused_big "$1" '1:1: a profile must be an object, not an array'
	local n=$(((65536 - 4) / (${#2} + 1)))
	{ echo -n "$unknown" && repeat "$2," $n && echo '0]}'; } >"$dir/$1"
	result "$1 of an unknown key" "$("$check" -m "$dir/$1" 2>&1 >/dev/null |
		awk -v limit=$limit_kib -v san="${ELFCAST_SANITIZED:-}" '
			NF != 1 || (san == "" && $1 > limit) { print "bad: " $0 }')"
	{ echo -n "$unknown" && repeat "$2," $((n + 3)) && echo '"too long"]}'; } >"$dir/$1-more"
	refused_big "$1-more" "3:12: value of an unknown key has $(($(wc -c <"$dir/$1-more") - \
		${#unknown} + 1 - 2)) bytes (at most 65536)"
}
many empty-objects '{}'
many empty-arrays '[]'
many zeros 0
many fractions 0.1
many empty-strings '""'
many page-runs '[0,1,1,0]'
many keys "$many_keys"
many one-key-objects '{"a":0}'

# The most that is accepted: all page runs, and all objects with other page runs.
{
	echo "$head$pages"
	seq -f '[%.0f,1,1,0],' 0 2 $((2 * 262142))
	echo '[4294967294,1,1,0]]}]}'
} >"$dir/most-runs"
result "262144 page runs" "$("$check" -m "$dir/most-runs" 2>&1 >/dev/null |
	awk -v limit=$limit_kib -v san="${ELFCAST_SANITIZED:-}" '
		NF != 1 || (san == "" && $1 > limit) { print "bad: " $0 }')"
sed -i 's/\[4294967294,/[4294967290,1,1,0],&/' "$dir/most-runs"
refused_big most-runs '2:120: 262145 page runs up to here (at most 262144)'
{
	echo "$head"
	seq -f '{"path":"/a/%.0f","size":4096,"pages":[[0,1,1,0]]},' 16384
	echo '{"path":"/b","size":0,"pages":[]}]}'
} >"$dir/most-objects"
refused_big most-objects '2:63: 16385 objects (at most 16384)'
{
	echo "$head],"
	echo '"lookups": [["/a", 1, [1, "x"'
	seq -f ',"%.0f"' 65535
	echo ']]]}'
} >"$dir/most-names"
result "65536 names" "$("$check" -m "$dir/most-names" 2>&1 >/dev/null |
	awk -v limit=$limit_kib -v san="${ELFCAST_SANITIZED:-}" '
		NF != 1 || (san == "" && $1 > limit) { print "bad: " $0 }')"
sed -i 's/^]]]}/], [1, "y"]]]}/' "$dir/most-names"
refused_big most-names '65539:4: 65537 names up to here (at most 65536)'
{
	echo "$head],"
	echo '"lookups": ['
	seq -f '["/%05.0f", 1],' 16384
	echo '["/a", 1]]}'
} >"$dir/most-directories"
refused_big most-directories '3:12: 16385 directories (at most 16384)'
