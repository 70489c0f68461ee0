# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Verbs and options come from --help, so that there is no second list to keep.

_elfcast_verbs() {
	"$1" --help 2>/dev/null | sed -n '/^Verbs/,/^$/s/^  \([a-z][a-z-]*\)  *.*/\1/p'
}

# _elfcast_options PROGRAM VERB; "--name=" takes a value. A line of --help may name a verb with
# an option, "status --packages", that has a help of its own.
_elfcast_options() {
	local words
	"$1" --help 2>/dev/null | sed -n "/^Verbs/,/^\$/s/^  \($2\( --[a-z-]*\)\{0,1\}\) .*/\1/p" |
		while read -r words; do
			# shellcheck disable=SC2086
			"$1" $words --help </dev/null 2>/dev/null |
				sed -n 's/^ *\(-[a-zA-Z0-9], \)\{0,1\}\(--[a-z][a-z-]*\)\(=\{0,1\}\).*/\2\3/p'
		done
}

_elfcast_programs() {
	# The names of profiles: SOURCE.PROGRAM.json
	local f
	for f in {/usr/share,/etc}/elfcast/profiles.d/*.json; do
		[ -e "$f" ] || continue
		f=${f##*/}
		f=${f%.json}
		echo "${f#*.}"
	done
}

_elfcast() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]} i values=

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_elfcast_verbs "$program") --help --version" -- "$cur")
		return
	fi
	# "=" is a word of its own in COMP_WORDS: --storage = fl
	if [ "$prev" = = ] || [ "$cur" = = ]; then
		if [ "$cur" = = ]; then
			cur=
		else
			prev=${COMP_WORDS[COMP_CWORD - 2]}
		fi
		case $prev in
		--root) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		--portable) values="no sizes keys functions" ;;
		--method) values="uffd pte pagemap exit residency filemap faults" ;;
		--storage) values="rotational network flash image" ;;
		--format) values="paths squashfs cpio tar erofs estargz nydus soci" ;;
		--output | --plot | --shadow | --against | --html | --svg | --from | --to)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac
		[ -z "$values" ] || mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
		return
	fi
	case $verb in
	run | train | bench) # behind "--" it is a command line: the command's own completion
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" = -- ] || continue
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif declare -F _comp_command_offset >/dev/null; then
				_comp_command_offset $((i + 1))
			elif [ $((i + 1)) -eq "$COMP_CWORD" ]; then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			fi
			return
		done
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(_elfcast_options "$program" "$verb")" -- "$cur")
		[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
		return
		;;
	esac
	case $verb in
	run | train | bench) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	prefetch | evict | status | disable | enable | remove)
		mapfile -t COMPREPLY < <(compgen -W "$(_elfcast_programs)" -- "$cur") ;;
	list) ;;
	*)
		mapfile -t COMPREPLY < <(
			compgen -W "$(_elfcast_programs)" -- "$cur"
			compgen -f -- "$cur"
		)
		;;
	esac
}
complete -o filenames -F _elfcast elfcast
