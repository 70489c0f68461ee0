# SPDX-License-Identifier: LGPL-2.1-or-later
# Verbs and options come from --help, so that there is no second list to keep.

function __elfcast_verbs
	elfcast --help 2>/dev/null | sed -n '/^  [a-z]* --/d; /^Verbs/,/^$/s/^  \([a-z][a-z-]*\)  *\(.*\)/\1\t\2/p'
end

# "--name=" takes a value. A line of --help may name a verb with an option, "status
# --packages", that has a help of its own.
function __elfcast_options
	set -l words (commandline -opc)
	for line in (elfcast --help 2>/dev/null | sed -nE "/^Verbs/,/^\$/s/^  ($words[2]( --[a-z-]*)?) .*/\1/p")
		elfcast (string split ' ' -- $line) --help 2>/dev/null |
			sed -nE 's/^ *(-[a-zA-Z0-9], )?(--[a-z][a-z-]*=?)[A-Z]* +(.*)/\2\t\3/p'
	end
end

function __elfcast_programs
	for f in /usr/share/elfcast/profiles.d/*.json /etc/elfcast/profiles.d/*.json
		string replace -r '^.*/[^.]*\.(.*)\.json$' '$1' -- $f
	end
end

function __elfcast_verb_is
	set -l words (commandline -opc)
	test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __elfcast_needs_verb
	test (count (commandline -opc)) -eq 1
end

function __elfcast_in_options
	not __elfcast_needs_verb; and not contains -- -- (commandline -opc)
	and string match -q -- '-*' (commandline -ct)
end

function __elfcast_value
	string match -q -- "$argv=*" (commandline -ct)
end

complete -c elfcast -n __elfcast_needs_verb -f -a '(__elfcast_verbs)'
complete -c elfcast -n __elfcast_needs_verb -f -a '--help --version'
complete -c elfcast -n __elfcast_in_options -f -a '(__elfcast_options)'
complete -c elfcast -n '__elfcast_value --storage' -f -a '--storage={rotational,network,flash,image}'
complete -c elfcast -n '__elfcast_value --format' -f -a '--format={paths,squashfs,cpio,tar,erofs,estargz,nydus,soci}'
complete -c elfcast -n '__elfcast_value --portable' -f -a '--portable={no,sizes,keys,functions}'
complete -c elfcast -n '__elfcast_value --method' -f -a '--method={uffd,pte,pagemap,exit,residency,filemap,faults}'
complete -c elfcast -n '__elfcast_verb_is run train bench' -f -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c elfcast -n '__elfcast_verb_is prefetch evict status list disable enable remove' -f
complete -c elfcast -n '__elfcast_verb_is prefetch evict status disable enable remove show dump export' -a '(__elfcast_programs)'
