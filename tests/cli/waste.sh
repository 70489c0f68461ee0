#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What status says was wasted of what this boot has read: of that pack, and only where it can be known.
. "$(dirname "$0")/../lib.sh"

make_root
mkdir -p "$R/run" "$R/etc/elfcast/profiles.d"
wasted() { elfcast status --root="$R" 2>/dev/null | sed -n 's/^wasted:  *//p'; }
bytes() { elfcast status --json --root="$R" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["pack"]["not_used_bytes"])'; }
boot_id=$(cat /proc/sys/kernel/random/boot_id)
# counts WATCHED PROGRAM...: these launched now, counted by who has watched that boot (-: none) from its start
counts() {
	local watched=$1 now program
	now=$(date +%s)
	shift
	{
		if [ "$watched" = - ]; then echo "elfcast-launches 3 $now - - 0"; else echo "elfcast-launches 3 $now - $watched 1"; fi
		for program; do
			if [ "$watched" = - ]; then echo "1.000000 $now 0 $program"; else echo "1.000000 $now 0 1000 $program"; fi
		done
		echo "end $#"
	} >"$R/var/lib/elfcast/launches"
}
plot() { # of program two: MiB that were read for it at boot, and what became of them
	elfcast status --root="$R" --plot="$TMP/plot.svg" 2>/dev/null
	grep -c wasted "$TMP/plot.svg"
}

elfcast compile -q --root="$R"
elfcast-prefetch -q --root="$R"
same "without counts it is not known" "not known: launches are not counted" "$(wasted)"
counts - /usr/bin/one
same "nor where counting began in the middle of the boot" "not known: launches are not counted since this boot began" "$(wasted)"
same "as JSON: null" None "$(bytes)"
counts "$boot_id" /usr/bin/one
same "since its start: what two brought in" 4096 "$(bytes)"
same "in words" "0.0 of 0.0 MiB so far, for programs not launched yet" "$(wasted)"
same "in the table" "yes no" "$(elfcast status --usage --root="$R" 2>/dev/null | awk 'NR > 1 { print $4 }' | xargs)"
check "the picture has it" test "$(plot)" -gt 0
counts "$boot_id" /usr/bin/one /usr/bin/two
same "both were launched" 0 "$(bytes)"

# The pack of the next boot is another one.
counts "$boot_id" /usr/bin/one
elfcast compile -q --root="$R"
elfcast disable -q --root="$R" two
same "the pack that this boot has read is kept" 4096 "$(bytes)"
check "for the picture, too" test "$(plot)" -gt 0
same "and for --usage" "/usr/bin/one,/usr/bin/two" "$(elfcast status --usage --json --root="$R" |
	python3 -c 'import json, sys; print(",".join(l["program"] for l in json.load(sys.stdin)["launches"]))')"
elfcast enable -q --root="$R" two
elfcast compile -q --root="$R"
same "as long as it is of this boot" 4096 "$(bytes)"
elfcast disable -q --root="$R" one
rm "$R/run/elfcast/boot.pack"
same "lost, it is not known" "not known: the pack that was read is not there any more" "$(wasted)"
same "there is no other figure either" None "$(bytes)"
elfcast status --usage --root="$R" >/dev/null 2>"$TMP/err"
check "--usage says that it is another one" grep -q 'the pack that was read is not there any more' "$TMP/err"
elfcast enable -q --root="$R" one

# Two profiles of one program are one program.
cp "$P/test.one.json" "$R/etc/elfcast/profiles.d/local.one.json"
elfcast compile -q --root="$R"
same "a local and a packaged profile" "programs:  2 valid" "$(elfcast status --root="$R" 2>/dev/null | grep '^programs:')"
same "check, too" "elfcast OK: 2 programs" "$(elfcast status --check --root="$R")"

# Launched before elfcastd was, and running: not wasted.
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
	populate "$BUILD/elfcast" "$BUILD/elfcast-prefetch" /bin/sh /bin/sleep
	profile "$P/test.sleep.json" /hook/sleep "{ \"path\": \"/hook/sleep\", \"build_id\": \"$(build_id_of /bin/sleep)\",
		\"size\": $(stat -c %s /bin/sleep), \"pages\": [[0, 1, 1, 0]] }"
	in_root /hook/elfcast compile -q
	in_root /hook/elfcast-prefetch -q
	counts "$boot_id" /usr/bin/one /usr/bin/two
	bytes_in_root() { in_root /hook/sh -c "$1"'/hook/elfcast status --json; [ -z "$!" ] || kill $!' 2>/dev/null |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["pack"]["not_used_bytes"])'; }
	same "not running: wasted so far" 4096 "$(bytes_in_root "")"
	same "running since before: not" 0 "$(bytes_in_root '/hook/sleep 60 >/hook/null & ')"
else
	skip "a program that runs" "needs root and mount namespaces"
fi
finish
