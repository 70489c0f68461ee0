#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manuals name every verb and every option, have each section once, and are formatted without
# a warning.
. "$(dirname "$0")/../lib.sh"

export ELFCAST_EXEC_PATH=$BUILD
M=$BUILD/man
[ -e "$M/elfcast.1" ] || {
	skip "manuals" "not built: no scdoc"
	finish
}
verbs=$(elfcast --help | sed -n '/^Verbs/,/^$/p' | awk '/^  / { print $1 }' | sort -u)
page() { # VERB: its manual, which has it in its name
	case $1 in
	watch) echo "$M/elfcastd.8" ;;
	note-boot) echo "$M/elfcast-boots.5" ;;
	*)
		for f in "$M"/*.1; do # scdoc 1.11.5 has minus signs for hyphens
			plain "$f" | grep -qE "^elfcast-([a-z]+, elfcast-)*$1(, [a-z, -]*)? - " && echo "$f" && return
		done
		echo "$M/elfcast-$1.1"
		;;
	esac
}
# plain FILE: its text, without fonts and what keeps words together
plain() { sed 's/\\f[A-Z]//g; s/\\&//g; s/\\-/-/g' "$1"; }
for verb in $verbs; do
	check "elfcast(1) names $verb" grep -qE "(^|[ ,])$verb( |,|\$)" <(plain "$M/elfcast.1" | sed -n '/^.SH VERBS/,/^.SH COMMON/p')
	check "$verb has a manual" test -e "$(page "$verb")"
	missing=
	for option in $(elfcast "$verb" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' |
		grep -vxE -- '--(help|version|json|quiet|verbose|root)'); do
		plain "$(page "$verb")" | grep -qF -- "$option" || missing+=" $option"
	done
	same "all options of $verb are in its manual" "" "$missing"
done
for option in $(elfcast list --help | grep -oE -- '--[a-z-]+' | grep -vx -- --all); do
	check "elfcast(1) has the common option $option" grep -qF -- "$option" <(plain "$M/elfcast.1")
done
for file in "$M"/*; do
	name=${file##*/}
	same "$name: each section once" "" "$(grep '^\.SH' "$file" | sort | uniq -d)"
	! command -v mandoc >/dev/null || same "$name: mandoc" "" "$(mandoc -Tlint -Wwarning "$file" 2>&1)"
	! command -v groff >/dev/null || same "$name: groff" "" "$(groff -man -t -Tutf8 -ww -z "$file" 2>&1)"
done
finish
