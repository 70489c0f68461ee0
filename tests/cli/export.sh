#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Lists for tools that make images: what is in them, how odd names stand there, and that the real
# tools, where they are, take them and lay files in that order.
. "$(dirname "$0")/../lib.sh"

R=$TMP/tree
mkdir -p "$R/usr/bin" "$R/usr/share/odd" "$R/etc"
# Each begins with a mark that is found again in an image; by path they are in the order of these.
n=0
put() { # path
	n=$((n + 1))
	{
		printf 'MARK<%s>' "$1"
		head -c 9000 /dev/urandom
	} >"$R/$1"
}
odd='usr/share/odd'
put '#first'
put etc/settings
put usr/bin/last
put usr/bin/prog
put "$odd/*"
put "$odd/a back\\slash"
put "$odd/quo\"te's"
put "$odd/tail "
put "$odd/unlisted"
ln -s usr/share/odd "$R/link"
ln -s prog "$R/usr/bin/start"

object() { # path-as-in-JSON size pages
	printf '{ "path": "/%s", "size": %d, "pages": [%s] }' "$@"
}
# Not in the order of paths; the second page of "last" is needed before its first.
profile "$TMP/p.json" /usr/bin/start "
	$(object usr/bin/prog 9000 '[0, 1, 1, 0]'),
	$(object usr/bin/last 9000 '[0, 1, 1, 60], [1, 1, 1, 50]'),
	$(object "$odd/tail " 9000 '[0, 1, 1, 40]'),
	$(object "$odd/quo\\\"te's" 9000 '[0, 1, 1, 30]'),
	$(object "$odd/a back\\\\slash" 9000 '[1, 1, 1, 20]'),
	$(object "$odd/*" 9000 '[0, 1, 1, 10]'),
	$(object '#first' 9000 '[0, 1, 1, 5]'),
	$(object etc/gone 9000 '[0, 1, 1, 1]'),
	$(object etc/settings 9000 '')"
sed -i 's|\] }$|], "lookups": [["/", 0, [1, "link", "none", "usr"]], ["/usr/bin", 1, [1, "last"]]] }|' "$TMP/p.json"

export_as() { # FORMAT [option...]
	elfcast export --format="$1" "${@:2}" "$TMP/p.json" 2>"$TMP/err"
}
listed() { export_as "$1" --root="$R"; }

# ---- what is in a list --------------------------------------------------------------------
files="usr/bin/prog
#first
$odd/*
$odd/a back\\slash
$odd/quo\"te's
$odd/tail 
usr/bin/last"
# shellcheck disable=SC2001 # of each line
same "files that are read, by their first touch" "$(sed 's|^|/|; 1a/etc/gone' <<<"$files")" "$(export_as paths)"
same "paths if no format is named" "$(export_as paths)" "$(elfcast export "$TMP/p.json")"
# shellcheck disable=SC2001
same "--root: what is not there is left out" "$(sed 's|^|/|' <<<"$files")" "$(listed paths)"
same "and counted" "elfcast: 1 file is not below '$R'" "$(cat "$TMP/err")"
same "a sort file" "usr/bin/prog 32767
\\#first 32766
$odd/*/* 32765
$odd/a\\ back\\\\slash 32764
$odd/quo\"te's 32763
$odd/tail\\  32762
usr/bin/last 32761" "$(listed squashfs)"
members="usr
usr/bin
usr/bin/start
link
usr/bin/prog
#first
usr/share
$odd
$odd/*
$odd/a back\\slash
$odd/quo\"te's
$odd/tail 
usr/bin/last"
for format in cpio tar erofs; do
	same "$format: links, and directories in front" "$members" "$(listed $format)"
done
same "without --root nobody knows what is a link" "usr usr/bin usr/bin/prog etc etc/gone" \
	"$(export_as cpio | head -n 5 | paste -sd ' ')"
same "estargz" "$(
	cat <<END
{"path":"usr/bin/prog"}
{"path":"#first"}
{"path":"$odd/*"}
{"path":"$odd/a back\\\\slash"}
{"path":"$odd/quo\\"te's"}
{"path":"$odd/tail "}
{"path":"usr/bin/last"}
END
)" "$(listed estargz)"
# shellcheck disable=SC2001
trimmed=$(sed '/ $/d; s|^|/|' <<<"$files")
same "nydus: what it would trim is left out" "$trimmed" "$(listed nydus)"
same "which is said" "elfcast: warning: 1 path ends with white space, which is cut off there: left out" \
	"$(tail -n 1 "$TMP/err")"
same "soci: an array" "$trimmed" \
	"$(listed soci | python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)))')"

# ---- the real tools -----------------------------------------------------------------------
# in_image FILE: what is in it, by place
in_image() { LC_ALL=C grep -abo 'MARK<[^>]*>' "$1" | sort -n | sed 's/^[0-9]*:MARK<//; s/>$//'; }
rest="etc/settings
$odd/unlisted"
if type -P mksquashfs >/dev/null; then
	squash() { # option...
		mksquashfs "$R" "$TMP/squashfs" -noappend -no-progress -noD -noF -noI -b 4096 \
			-processors 1 "$@" >"$TMP/out" 2>&1 || cat "$TMP/out"
		in_image "$TMP/squashfs"
	}
	listed squashfs >"$TMP/sort"
	for fragments in -no-fragments -always-use-fragments; do
		check "mksquashfs $fragments has another order of its own" \
			test "$(head -n 7 <<<"$(squash $fragments)")" != "$files"
		same "mksquashfs -sort $fragments: theirs, then the others" \
			"$files
$(sort <<<"$rest")" "$(squash $fragments -sort "$TMP/sort" | sed '1,7b; w '"$TMP/others"'
d' && sort "$TMP/others")"
		same "without a complaint" "" "$(grep -i 'sort' "$TMP/out")"
	done
else
	skip "mksquashfs" "it is not installed"
fi
cd "$R" || exit 1
if type -P cpio >/dev/null; then
	listed cpio | cpio --quiet -o -H newc >"$TMP/cpio"
	same "cpio: members as asked for" "$members" "$(cpio --quiet -it <"$TMP/cpio")"
	same "and their data" "$files" "$(in_image "$TMP/cpio")"
	mkdir "$TMP/unpacked"
	(cd "$TMP/unpacked" && cpio --quiet -i <"$TMP/cpio")
	check "unpacks without making directories" cmp "$TMP/unpacked/$odd/*" "$R/$odd/*"
	same "with links" "prog usr/share/odd" "$(readlink "$TMP/unpacked/usr/bin/start" "$TMP/unpacked/link" | paste -sd ' ')"
else
	skip "cpio" "it is not installed"
fi
# As the manual has it: the list, and what else there is.
(listed tar && find . -mindepth 1 -printf '%P\n') | awk '!seen[$0]++' |
	tar --no-recursion --verbatim-files-from --no-unquote -T - -cf "$TMP/tar"
same "tar: the list, then the others" "$members
$(sort <<<"etc
$rest")" "$(tar --quoting-style=literal -tf "$TMP/tar" | sed 's|/$||; 1,13b; w '"$TMP/others"'
d' && sort "$TMP/others")"
same "and their data" "$files" "$(in_image "$TMP/tar" | head -n 7)"
if ! mkfs.erofs --help 2>&1 | grep -q -- --sort; then
	skip "mkfs.erofs --tar --sort=none" "not before 1.8.2"
else
	check "mkfs.erofs takes the archive" \
		mkfs.erofs --quiet --tar=f --sort=none -E^inline_data "$TMP/erofs" "$TMP/tar"
	same "in its order" "$(in_image "$TMP/tar")" "$(in_image "$TMP/erofs")"
	mkfs.erofs --quiet --tar=f -E^inline_data "$TMP/erofs" "$TMP/tar"
	check "which it has of --sort=none" test "$(in_image "$TMP/tar")" != "$(in_image "$TMP/erofs")"
fi
cd "$TMP" || exit 1

# ---- a launch and nothing else --------------------------------------------------------------
if [ -n "${ELFCAST_SANITIZED:-}" ] || [ "$(id -u)" != 0 ] || ! type -P cpio >/dev/null ||
	! elfcast train --quiet -n 1 -o true.json -- true 2>"$TMP/err"; then
	skip "what was recorded can be started" "no root, no cpio, or launches cannot be recorded here"
else
	R=$TMP/alone
	mkdir "$R"
	elfcast export --quiet --format=cpio --root=/ true.json |
		(cd / && cpio --quiet -o -H newc) | (cd "$R" && cpio --quiet -i)
	program=$(readlink -f "$(type -P true)")
	check "an archive of what was recorded can be started" in_root "$program"
	find "$R" -type l -delete
	in_root "$program" 2>/dev/null
	check "not without its links" test $? -ne 0
fi

# ---- several inputs: shadows, programs, the pack ------------------------------------------
make_root
data() { # name first...: the profile of NAME reads these, one after the other
	local name=$1 objects='' when=20
	for file in "${@:2}"; do
		head -c 100000 /dev/urandom >"$R/usr/share/$file"
		objects+=", { \"path\": \"/usr/share/$file\", \"size\": 100000, \"pages\": [[0, 25, 1, $when]] }"
		when=$((when + 5))
	done
	sed -i "s|\]\] } \]|]] }$objects ]|" "$P/test.$name.json"
}
data one z y shared
data two shared a
elfcast compile --quiet --root="$R" --storage=flash
list() { elfcast export "$@" 2>"$TMP/err" | paste -sd ' '; }
one="/usr/bin/one /usr/share/z /usr/share/y /usr/share/shared"
two="/usr/bin/two /usr/share/shared /usr/share/a"
same "a program" "$one" "$(list --root="$R" /usr/bin/one)"
shadow=$(echo "$S"/*.test.one.*)
same "its shadow" "$one" "$(list "$shadow")"
same "its profile" "$one" "$(list "$P/test.one.json")"
same "two: each file once" "$one /usr/bin/two /usr/share/a" "$(list "$shadow" "$P/test.two.json")"
same "the other way round" "$two /usr/bin/one /usr/share/z /usr/share/y" \
	"$(list "$P/test.two.json" "$shadow")"
ranks=$(elfcast show --root="$R" "$S/../boot.pack" | awk '$1 ~ /^[0-9]+$/ { print $3 }' | paste -sd ' ')
pack=$(list "$S/../boot.pack")
same "the pack has all of them" "$(tr ' ' '\n' <<<"$one $two" | sort -u)" "$(tr ' ' '\n' <<<"$pack" | sort)"
same "by rank" "$ranks" "$(tr ' ' '\n' <<<"$pack" | grep bin | paste -sd ' ')"
first=${ranks%% *}
check "the first one's files in front" test "$(tr ' ' '\n' <<<"$pack" | grep -nxF /usr/share/shared | cut -d: -f1)" -le \
	"$(tr ' ' '\n' <<<"$([ "$first" = /usr/bin/one ] && echo "$one" || echo "$two")" | wc -l)"

# ---- -o, --json, refusals -----------------------------------------------------------------
status "-o" 0 elfcast export --format=soci -o list --json --root="$TMP/tree" "$TMP/p.json"
same "the file has the list" "$(export_as soci --root="$TMP/tree")" "$(cat list)"
same "--json has the counts" "6 1 1" "$(python3 -c '
import json, sys
c = json.load(sys.stdin)
print(c["files"], c["missing"], c["left_out"])' <out)"
refuses() { # name status message command...
	local name=$1 wanted=$2 message=$3
	shift 3
	status "$name" "$wanted" "$@"
	same "$name: message" "$message" "$(cat "$TMP/err")"
	same "$name: no list" "" "$(cat "$TMP/out")"
}
try="
Try 'elfcast export --help'"
refuses "nothing to list" 2 "elfcast: export: needs a profile, program, shadow or pack$try" elfcast export
refuses "an unknown format" 2 "elfcast: export: there is no format 'iso'$try" \
	elfcast export --format=iso p.json
refuses "--json without -o" 2 \
	"elfcast: export: --json and the list cannot both go to standard output$try" elfcast export --json p.json
mkdir empty
refuses "a root that has nothing of it" 1 "elfcast: nothing is left to list" \
	elfcast export --root=empty "$TMP/p.json"
sed 's|/usr/bin/last|/usr/bin/la\\nst|' p.json >newline.json
refuses "a newline in a path" 1 "elfcast: newline.json:5:12: control character 0x0a in 'path'" \
	elfcast export newline.json
refuses "one of several that cannot be read" 1 "elfcast: './none' is no profile, no shadow and no program" \
	elfcast export p.json ./none
refuses "-o where nothing can be" 1 "elfcast: cannot write 'none/list': No such file or directory" \
	elfcast export -o none/list p.json
status "--help" 0 elfcast export --help
status "a full disk" 1 bash -c 'elfcast export p.json >/dev/full'
finish
