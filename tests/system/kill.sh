#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# kill -9 of compile at each of its system calls in turn: every shadow there is is the old
# one or the new one, whole; and the next compile repairs everything.
. "$(dirname "$0")/../lib.sh"

make_root
compile() { elfcast compile --quiet --root="$R" --storage=flash; }

compile
cp -a "$R/var" "$TMP/old"
old=$(sums)
sed -i 's/\[\[0, 1, 1, 0\]\]/[[1, 2, 1, 0]]/' "$P/test.one.json"
compile
new=$(sums)
check "old and new differ" test "$old" != "$new"
few=$(packs_of_one)
same "the pack of either alone" 2 "$(echo "$few" | wc -l)"

killed=0 bad=0
for ((n = 1; ; n++)); do
	rm -rf "${R:?}/var"
	cp -a "$TMP/old" "$R/var"
	"$BUILD/tests/fault-at" $n elfcast compile --quiet --root="$R" --storage=flash >/dev/null 2>&1
	status=$?
	[ $status -eq 3 ] && break
	if [ $status -ne 0 ]; then
		not_ok "fault-at $n: status $status"
		break
	fi
	killed=$((killed + 1))
	while read -r line; do
		case "$old $new $few" in
		*"$line"*) ;;
		*) bad=$((bad + 1)) && echo "# killed at call $n: $line" ;;
		esac
	done < <(sums)
	compile
	if [ "$(sums)" != "$new" ] || [ -n "$(find "$R/var/lib/elfcast" -name '.*')" ]; then
		bad=$((bad + 1))
		echo "# not repaired after a kill at call $n"
	fi
done
check "killed at more than 100 system calls" test $killed -gt 100
same "shadows that were torn or not repaired" 0 $bad
echo "# table: compile killed at each of its $killed system calls: $bad torn or not repaired"
finish
