#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside of a machine of kernels.sh: "first", as its only program, trains one that the next boot is to
# read ahead; "second", with systemd: that it did, that the program's launch reads nothing then, and
# that the watcher counts launches. Prints TAP, and ends the second boot.
export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8
app=(/usr/bin/perl -MPOSIX -e 'print floor(2.5)')
bad=0
# On a line of its own, whatever a getty has begun to say.
check() { # name command...
	local name=$1
	shift
	if "$@"; then printf '\nok - boot: %s\n' "$name"; else printf '\nnot ok - boot: %s\n' "$name" && bad=1; fi
}
# within five minutes, which an emulated machine needs
wait_until() { # command...
	local i
	for ((i = 0; i < 3000; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
json() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"r": json.load(open(sys.argv[1]))}))' "$@"; }

if [ "$1" = first ]; then
	systemd-sysusers >/dev/null 2>&1
	touch /etc/.updated /var/.updated # the next boot has nothing to update, as ld.so.cache
	elfcast train -q -n 2 --install -- "${app[@]}" >/run/trained 2>&1
	check "a program is trained" test $? = 0
	check "and compiled" test -s /var/lib/elfcast/boot.pack
	systemctl enable elfcast-boot elfcastd >/dev/null 2>&1
	exit
fi

# It may have ended before anybody asks.
has_read() { [ -n "$(systemctl show -P ExecMainExitTimestamp elfcast-boot)" ]; }
watches() { grep -q '^programs [1-9]' /run/elfcast/watch 2>/dev/null; }
check "the boot reader ends" wait_until has_read
cp /run/elfcast/boot.json /run/report
check "the pack was read to its end" test "$(json /run/report 'r["outcome"], r["stopped"]')" = "('read', None)"
check "of files that are what they were" test "$(json /run/report 'r["skipped_first"]')" = "[]"
check "the watcher watches" wait_until watches
/elfcast/build/tests/lab-launch -r / -d / -- "${app[@]}" >/run/launch
check "the launch then reads nothing" test "$(json /run/launch 'r["majflt"]')" = 0
for _ in 1 2; do "${app[@]}" >/dev/null; done
systemctl stop elfcastd
launches() { awk '$NF == "/usr/bin/perl" { print int($1) }' /var/lib/elfcast/launches; }
check "and counted three launches" test "$(launches)" = 3
failed=$(systemctl --failed --plain --no-legend | cut -d ' ' -f 1)
check "no unit of ours has failed" test "${failed/elfcast/}" = "$failed"
[ $bad = 0 ] || { head -c 2000 /run/report; systemctl status --no-pager 'elfcast*' | head -n 40; }
echo "# end"
systemctl poweroff --no-wall
