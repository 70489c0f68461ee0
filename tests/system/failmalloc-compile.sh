#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# Every allocation of a compile fails in turn, once and from then on, in the parent and in
# the child that parses: never a crash of the parent, never a torn shadow; a child that dies
# costs one profile; and the next compile repairs everything.
. "$(dirname "$0")/../lib.sh"

if [ -n "$ELFCAST_SANITIZED" ]; then
	skip "failed allocations" "the sanitizer has its own malloc"
	finish
fi
make_root
compile() { elfcast compile --quiet --root="$R" --storage=flash; }
compile
good=$(sums)

injected=0
fail_all() { # who mode
	local n status bad=0 lost=0 packs=0
	for ((n = 1; ; n++)); do
		rm -rf "${R:?}/var" "$TMP/log"
		FAILMALLOC_N=$n FAILMALLOC_MODE=$2 FAILMALLOC_WHO=$1 FAILMALLOC_LOG=$TMP/log \
			LD_PRELOAD=$BUILD/tests/failmalloc.so \
			elfcast compile --quiet --root="$R" --storage=flash >/dev/null 2>"$TMP/err"
		status=$?
		grep -qs F "$TMP/log" || break
		injected=$((injected + 1))
		# 0 with fewer profiles, or 1 with a line that says why; never a signal.
		if [ $status -gt 1 ] || { [ $status -eq 1 ] && [ ! -s "$TMP/err" ]; }; then
			bad=$((bad + 1))
			echo "# $1 $2: allocation $n: status $status: $(head -n 1 "$TMP/err")"
		fi
		while read -r line; do
			case $good in *"$line"*) continue ;; esac
			# A pack of fewer programs is whole, too.
			[[ $line == *boot.pack ]] && elfcast show --quiet "$S/../boot.pack" >/dev/null 2>&1 &&
				packs=$((packs + 1)) && continue
			bad=$((bad + 1)) && echo "# torn: $line"
		done < <(sums)
		[ "$(n_shadows)" -eq 2 ] || lost=$((lost + 1))
		if [ $((n % 10)) -eq 0 ]; then
			compile
			[ "$(sums)" = "$good" ] || { bad=$((bad + 1)) && echo "# not repaired after $n"; }
		fi
	done
	check "$1, $2: some failures cost a profile, so they are real" test $lost -gt 0
	[ "$1" = parent ] || check "$1, $2: packs of the others" test $packs -gt 0
	same "$1, $2: crashes, silent failures, torn or unrepaired shadows" 0 $bad
}
for who in parent child; do
	for mode in once on; do fail_all $who $mode; done
done

# The hook: exit status 0 and not a byte, whatever fails. It works on "/": the fake root.
if [ "$(id -u)" != 0 ]; then
	skip "hook" "needs root"
	finish
fi
populate "$BUILD/elfcast-hook" "$BUILD/tests/failmalloc.so"
hook() { in_root "$@" /hook/elfcast-hook </dev/null 2>&1; }
rm -rf "${R:?}/var"
same "the hook is silent" "" "$(hook)"
same "and compiles, with a pack" 3 "$(sums | wc -l)"
bad=0
for mode in once on; do
	for ((n = 1; ; n++)); do
		rm -rf "${R:?}/var" "$R/log"
		out=$(FAILMALLOC_N=$n FAILMALLOC_MODE=$mode FAILMALLOC_LOG=/log hook -p /hook/failmalloc.so)
		status=$?
		grep -qs F "$R/log" || break
		injected=$((injected + 1))
		if [ $status -ne 0 ] || [ -n "$out" ]; then
			bad=$((bad + 1))
			echo "# hook, $mode: allocation $n: status $status: $out"
		fi
	done
done
same "hook: not silent, or a status other than 0" 0 $bad
hook
same "the next hook repairs" 3 "$(sums | wc -l)"
echo "# table: $injected failed allocations in compile and hook: no crash, nothing torn"
finish
