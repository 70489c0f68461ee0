#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A sort file of mksquashfs, even an empty one, also moves what it does not name: files of one priority are laid in
# the reverse of the order in which mksquashfs finds them, which is by name. So an image without
# a sort file is no baseline for one with it, and what shares a priority is not in the list's order.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
command -v mksquashfs >/dev/null || cannot "no mksquashfs"
mkdir "$T/tree"
for name in 1 2 3 4; do
	{ printf 'MARK<%s>' $name && head -c 9000 /dev/urandom; } >"$T/tree/$name"
done
order() { # sort-file's text, if there is to be one
	[ $# = 0 ] || printf '%b' "$1" >"$T/sort"
	mksquashfs "$T/tree" "$T/image" -noappend -no-progress -noI -noD -noF ${1+-sort "$T/sort"} >/dev/null 2>&1
	LC_ALL=C grep -aboE 'MARK<[0-9]>' "$T/image" | sort -n | sed 's/.*<//; s/>//' | tr -d '\n'
}
seen "mksquashfs $(mksquashfs -version | sed -n '1s/.*version \([^ ]*\).*/\1/p')" \
	"an image without a sort file, with an empty one, with '3 1', with the same priority for all" \
	"1234 4321 3421 4321" "$(order) $(order '') $(order '3 1\n') $(order '1 5\n2 5\n3 5\n4 5\n')"
