#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every shell offers every verb that elfcast --help has, and every option of VERB --help.
. "$(dirname "$0")/../lib.sh"

# Verbs with an executable of their own lie there.
export ELFCAST_EXEC_PATH=$BUILD
C=$TOP/packaging/completions
verbs=$(elfcast --help | sed -n '/^Verbs/,/^$/p' | awk '/^  / { print $1 }' | sort -u)
# VERB: long options of its --help, without "="; "status --packages" has a help of its own
options() {
	elfcast --help | sed -n '/^Verbs/,/^$/p' | grep -oE "^  $1( --[a-z-]+)? " | while read -r words; do
		# shellcheck disable=SC2086
		elfcast $words --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
	done | sort -u
}
check "elfcast --help lists verbs" test "$(wc -l <<<"$verbs")" -ge 4
check "train --help lists options" test "$(options train | wc -l)" -ge 8
for verb in $verbs; do
	check "$verb --help lists options" test "$(options "$verb" | wc -l)" -ge 4
done

# missing NAME COMMAND: what COMMAND VERB PREFIX does not offer
all_offered() { # shell
	local shell=$1 verb missing=
	same "$shell: verbs" "$verbs" "$("$shell"_offers "" | grep -v '^-' | sort -u)"
	for verb in $verbs; do
		missing+=$(comm -23 <(options "$verb") <("$shell"_offers "$verb" -- | sed 's/=$//' | sort -u) |
			sed "s/^/$verb /")
	done
	same "$shell: options of all verbs" "" "$missing"
}

bash_offers() { # word...
	bash --norc -c '. "$1"; shift; COMP_WORDS=(elfcast "$@"); COMP_CWORD=$#
		_elfcast; printf "%s\n" "${COMPREPLY[@]}"' bash "$C/elfcast.bash" "$@"
}
all_offered bash
same "bash: begun verb" "train" "$(bash_offers tr)"
same "bash: values of --storage=" "flash" "$(bash_offers compile --storage = fl)"
same "bash: values after =" "flash image network rotational" \
	"$(bash_offers compile --storage = | sort | paste -s -d ' ')"
same "bash: values of --portable=" "functions keys no sizes" "$(bash_offers train --portable = | sort | paste -s -d ' ')"
same "bash: values of --method= are those that train knows" \
	"$(elfcast train --method=? -- true 2>&1 | sed -n "s/.*bad method '?' (\(.*\))/\1/p" | tr -d , | tr ' ' '\n' | sort)" \
	"$(bash_offers train --method = | sort)"
same "bash: values of --format=" "$(elfcast export --help | sed -n 's/^ *--format=FORMAT *//p' | tr -d ,)" \
	"$(bash_offers export --format = | paste -s -d ' ')"
check "bash: commands after run --" test -n "$(bash_offers run -- ls | grep -x ls)"
same "bash: behind run -- the command's own completion" "3 4" "$(for name in _command_offset _comp_command_offset; do
	bash --norc -c '. "$1"; eval "$2() { COMPREPLY=(\$1); }"
		n=3; [ $2 = _command_offset ] || n=4
		COMP_WORDS=(elfcast run -- git sta) COMP_CWORD=4
		[ $n = 3 ] || { COMP_WORDS=(elfcast bench -i -- git sta); COMP_CWORD=5; }
		_elfcast; echo "${COMPREPLY[0]}"' bash "$C/elfcast.bash" "$name"
done | paste -s -d " ")"
# A profile's program, for the verbs that take one.
mkdir -p "$TMP/profiles.d" && touch "$TMP/profiles.d/local.someprogram.json"
sed "s,{/usr/share\,/etc}/elfcast,$TMP," "$C/elfcast.bash" >"$TMP/elfcast.bash"
for verb in show dump status disable enable remove evict prefetch; do
	same "bash: $verb takes programs" someprogram "$(C=$TMP bash_offers $verb somep)"
done
same "bash: list takes none" "" "$(C=$TMP bash_offers list somep)"

if command -v fish >/dev/null; then
	fish_offers() {
		HOME=$TMP fish --no-config -c "source $C/elfcast.fish; complete -C 'elfcast $*'" | cut -f 1
	}
	all_offered fish
	same "fish: begun verb" "train" "$(fish_offers tr)"
	same "fish: values of --storage=" "--storage=flash" "$(fish_offers compile --storage=fl)"
else
	skip "fish" "no fish"
fi

if command -v zsh >/dev/null; then
	# _describe and _arguments say what they are given; real completion needs a terminal.
	zsh_offers() {
		zsh -f -c '
			_describe() { print -l -- ${(P)${@[-1]}%%:*} }
			_arguments() {
				local spec
				for spec; do [[ $spec == -[^sS]* ]] && print -r -- ${${spec%%\[*}%[=+]}; done
			}
			file=$1; shift
			words=(elfcast "$@"); CURRENT=$(($# + 1))
			. $file' zsh "$C/_elfcast" "$@"
	}
	all_offered zsh
	same "zsh: the description of status is that of status" "$(elfcast --help | sed -n 's/^  status  *\([^-].*\)/status:\1/p')" \
		"$(zsh -f -c '_describe() { print -l -- ${(P)${@[-1]}} }
			words=(elfcast ""); CURRENT=2; . $1' zsh "$C/_elfcast" | grep '^status:')"
	# What _arguments is told of other words than options.
	zsh_words() {
		zsh -f -c '_arguments() { print -l -- ${(M)@:#[^-]*:*} }; file=$1; shift
			words=(elfcast "$@"); CURRENT=$(($# + 1)); . $file' zsh "$C/_elfcast" "$@"
	}
	check "zsh: programs for show and dump" grep -q _elfcast_programs <<<"$(zsh_words show x)$(zsh_words dump x)"
	check "zsh: commands after run --" grep -q _command_names <<<"$(zsh_words run x)"
	check "zsh: short options" test -n "$(zsh_offers train - | grep -x -- -n)"
else
	skip "zsh" "no zsh"
fi
finish
