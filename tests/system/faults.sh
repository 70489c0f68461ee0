#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# The hook with each of its system calls failing in turn, with several errors, and killed at
# each: exit status 0 and not a byte (the kill of the first process aside), no shadow that is
# torn, and the next hook repairs.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip "faults" "needs root"
	finish
fi
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "faults" "the sanitizer's own calls would fail"
	finish
fi
make_root
populate "$BUILD/elfcast-hook" "$BUILD/tests/fault-at"
hook() { in_root "$@" </dev/null 2>&1; }

hook /hook/elfcast-hook
new=$(sums)
same "compiled: two shadows and the pack" 3 "$(echo "$new" | wc -l)"
# Old state: one shadow to be replaced, one to be removed.
cp "$P/test.one.json" "$TMP/one.json"
sed -i 's/\[\[0, 1, 1, 0\]\]/[[1, 2, 1, 0]]/' "$P/test.one.json"
cp "$P/test.two.json" "$P/test.gone.json"
hook /hook/elfcast-hook
old=$(sums)
cp -a "$R/var" "$TMP/old"
cp "$TMP/one.json" "$P/test.one.json"
rm "$P/test.gone.json"

injected=0 bad=0
wrong() { bad=$((bad + 1)) && echo "# $*"; }
inject() { # name step fault-at-options: at each STEPth call
	local what=$1 step=$2 n out status odd sum file
	shift 2
	for ((n = 1; ; n += step)); do
		rm -rf "${R:?}/var"
		cp -a "$TMP/old" "$R/var"
		out=$(hook /hook/fault-at -s "$@" $n /hook/elfcast-hook)
		status=$?
		[ $status -eq 3 ] && break
		injected=$((injected + 1))
		[ $status -eq 0 ] || wrong "$what at call $n: status $status"
		[ -z "$out" ] || wrong "$what at call $n: $out"
		odd=0
		while read -r sum file; do
			case $old$new in *"$sum"*) continue ;; esac
			# Neither old nor new: whole, with an object that could not be read.
			elfcast show --quiet "$S/$file" >/dev/null 2>&1 || wrong "$what at call $n: torn: $file"
			odd=1
		done < <(sums)
		if [ $odd = 1 ] || [ $((n % 7)) -eq 0 ]; then
			hook /hook/elfcast-hook
			[ "$(sums)" = "$new" ] || wrong "$what at call $n: not repaired"
		fi
		[ $n -lt 2000 ] || break
	done
}
inject "killed" 1
# In short: one error at each call, the others at each third.
step=1
for e in ${FAULTS:-EIO:5 ENOSPC:28 EACCES:13}; do
	inject "${e%:*}" $step -e "${e#*:}"
	[ -n "${SOAK:-}" ] || step=3
done
check "more than 500 faults" test $injected -gt 500
same "statuses, words, torn or unrepaired shadows" 0 $bad
echo "# table: hook: $injected faults (killed, ${FAULTS:-EIO:5 ENOSPC:28 EACCES:13}), $bad of them visible"
finish
