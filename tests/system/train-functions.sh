#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast train: which functions ran, in a program of which that is known.
set -u
export LC_ALL=C
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
elfcast=$BUILD/elfcast
# What lies below /tmp or /var/tmp, where this tree may be, is left out of profiles.
dir=$(mktemp -d /var/lib/elfcast-test-XXXXXX 2>/dev/null) || dir=$(mktemp -d "$BUILD/functions-XXXXXX") || exit 1
chmod 755 "$dir" # what not everybody may read has no fingerprint
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir" || exit 1
. "$TOP/tests/helpers/train-lib.sh"
case $(uname -m) in x86_64 | aarch64) ;; *) echo "ok - breakpoints # SKIP on this processor there are none"; exit 0 ;; esac
program=$dir/run-functions
cp "$BUILD/tests/run-functions" "$program" || exit 1
train() { "$elfcast" train --as-root "$@" >"$dir/out" 2>"$dir/err"; }
# which PROFILE FILE: 1 or 0 and the address, of each of its functions
which() {
	# shellcheck disable=SC2046 # two words
	"$BUILD/tests/fingerprint" "$2" which $(python3 -c 'import json, sys
o, = [o for o in json.load(open(sys.argv[1]))["objects"] if o["path"] == sys.argv[2]]
print(o["fingerprint"], o["ran"])' "$1" "$2")
}
# said PROFILE: names of the program's functions that ran, or did not
said() {
	join -2 2 -o 2.1,1.3 <(nm --defined-only "$program" | sort) <(which "$1" "$program" | sort -k 2) |
		grep -E ' (in|never|after)_' | sort -k 2 | paste -s -d ' '
}

train -n 2 -o all.json -- "$program"
verdict "trained" $?
[ "$(said all.json)" = "1 after_fork 1 in_child 1 in_exec 0 in_handler 1 in_main 1 in_threads 1 in_vfork 0 never_1 0 never_2 0 never_3" ]
verdict "in threads, after fork, vfork and execve" $?
library=$(python3 -c 'import json
print(*[o["path"] for o in json.load(open("all.json"))["objects"] if "/libm.so" in o["path"] or "/libm-" in o["path"]])')
which all.json "$library" | grep -q "^1 $(nm -D "$library" | sed -n 's/ [WT] cbrt@.*//p')$"
verdict "and of what is loaded later" $?

train -n 2 --portable=keys -o keys.json -- "$program" && ! grep -q '"ran"' keys.json && grep -q '"fingerprint"' keys.json &&
	[ "$(stat -c %s keys.json)" -gt $(($(stat -c %s all.json) * 9 / 10)) ]
verdict "which costs little, beside --portable=keys" $?

train -n 2 -o blocked.json -- "$program" blocked && [[ " $(said blocked.json) " == *" 1 in_handler "* ]]
verdict "where that is blocked nothing is lost" $?

train -n 1 -o stay.json -- "$program" stay && [[ " $(said stay.json) " == *" 1 in_handler 0 in_main "* ]]
verdict "a program that does not end" $?

# What bears no breakpoints is trained without.
without() { # WHAT-IT-SAYS
	! grep -q '"ran"' without.json && grep -q '"fingerprint"' without.json && grep -q '"runs": 2' without.json &&
		grep -q "^elfcast: warning: which functions run is not known: with breakpoints it was killed by signal $1$" "$dir/err"
}
train -n 2 -o without.json -- "$program" sum && without "6 (Aborted)"
verdict "a program that looks at its own code" $?
train -n 2 -o without.json -- "$program" trap && without "5 (Trace/breakpoint trap)"
verdict "one that handles SIGTRAP itself" $?
