#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Three boots in which somebody launches the same programs one after the other: elfcastd notes
# when, and the next boot reads them in that order, which is not that of counts. The boots are
# IDs and clocks of namespaces, the launches and all that watches and reads are real.
if [ "$(id -u)" != 0 ]; then
	echo "ok - sessions # SKIP needs root"
	exit 0
fi
[ -n "${IN_NAMESPACE:-}" ] ||
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
. "$(dirname "$0")/../lib.sh"

watcher='' loop=''
detach() {
	umount "$R" && losetup -d "$loop"
	loop=''
}
attach() {
	loop=$(losetup -f --show "$TMP/image") || return 1
	echo 0 >"/sys/block/${loop#/dev/}/queue/read_ahead_kb"
	mount "$loop" "$R"
}
clean_up() {
	[ -z "$watcher" ] || kill -9 "$watcher"
	[ -z "$loop" ] || detach
	rm -rf "$TMP"
}
trap clean_up EXIT
if ! unshare --time --boottime 1000 --fork true 2>/dev/null; then
	skip "sessions" "no time namespaces"
	finish
fi
R=$TMP/root P=$TMP/root/usr/share/elfcast/profiles.d
mkdir "$R"
truncate -s 64M "$TMP/image"
if ! mkfs.ext4 -q -F "$TMP/image" || ! attach; then
	skip "sessions" "no ext4 on a loop device"
	finish
fi
mkdir -p "$P" "$R"/{usr/bin,var,run}

# No C library: an exec and nothing else, in a file of 256 KiB.
echo 'void _start(void) { __asm__ volatile("syscall" : : "a"(60), "D"(0)); }' >"$TMP/tiny.c"
add_program() { # NAME PAGES
	gcc -O1 -static -nostdlib "-Wl,--build-id=0x00112233445566778899aabbccddeeff0000000$1" \
		-o "$R/usr/bin/$1" "$TMP/tiny.c" 2>/dev/null || return 1
	truncate -s 256K "$R/usr/bin/$1"
	profile "$P/v.$1.json" "/usr/bin/$1" "{ \"path\": \"/usr/bin/$1\", \"size\": 262144,
		\"build_id\": \"$(build_id_of "$R/usr/bin/$1")\", \"pages\": [[0, $2, 1, 1]] }"
}
if [ "$(uname -m)" != x86_64 ] || ! add_program a 16 || ! add_program b 12 || ! add_program c 8; then
	skip "sessions" "needs gcc on x86-64"
	finish
fi
elfcast compile --quiet --storage=flash --root="$R"

# ---- the watcher --------------------------------------------------------------------------
L=$R/var/lib/elfcast/launches
id() { echo "6f1c2d3e-0000-4000-8000-0123456789a$1"; }
is_watching() { watcher=$(sed -n 's/^pid //p' "$R/run/elfcast/watch" 2>/dev/null) && [ -e "/proc/$watcher" ]; }
# launch BOOT SECONDS PROGRAM TIMES: a watcher that starts when boot BOOT is SECONDS old, in which
# the program is launched; then the watcher ends
launch() {
	local i
	id "$1" >"$TMP/boot_id"
	rm -f "$R/run/elfcast/watch"
	# shellcheck disable=SC2016 # of that shell
	unshare --mount --time --boottime $(($2 - $(cut -d . -f 1 /proc/uptime))) --fork \
		sh -c 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"' \
		"$TMP/boot_id" elfcastd --quiet --root="$R" 2>>"$TMP/log" &
	if ! wait_until is_watching; then
		not_ok "elfcastd starts: $(cat "$TMP/log")"
		finish
	fi
	for ((i = 0; i < $4; i++)); do "$R/usr/bin/$3"; done
	kill -TERM "$watcher"
	wait $!
	watcher=''
}
# noted: "a 8 8 0": first launches in seconds, in tens of them where that is much
noted() {
	sed -n 's/^[0-9.]* [0-9]* [0-9]* //p' "$L" | awk '{
		printf "%s%s", sep, substr($NF, 10)
		for (i = 1; i < NF; i++)
			printf " %d", $i < 20000 ? $i / 10000 : $i / 100000
		sep = ", " }'
}
launch 1 700 a 1
same "who was not there when a boot began notes nothing" "- 0" "$(sed -n '1s/.* \(.* .*\)/\1/p' "$L")"
launch 2 10 a 1
launch 2 200 b 1
launch 2 1000 c 9
launch 2 2000 a 2
same "one boot, through restarts of the watcher" "$(id 2) 1" "$(sed -n '1s/.* \(.* .*\)/\1/p' "$L")"
same "each program's first launch" "a 1, b 2, c 10" "$(noted)"
launch 3 10 a 1
launch 3 200 b 1
launch 3 90000 c 1
same "a boot more, of which its first day counts" "a 1 1, b 2 2, c 0 10" "$(noted)"
launch 4 10 a 3
launch 4 500 c 1
same "and a third" "a 1 1 1, b 0 2 2, c 5 0 10" "$(noted)"
same "all launches count" "8 2 11" "$(awk -F . '/usr/ { print $1 }' "$L" | paste -sd ' ')"
same "what somebody launches, and when, is root's to read" 640 "$(stat -c %a "$L")"

# ---- the pack -----------------------------------------------------------------------------
chosen() { # EXPRESSION of a launch l: of all in the pack
	elfcast status --pack --json --root="$R" 2>/dev/null | python3 -c 'import json, sys
print(*(eval(sys.argv[1]) for l in json.load(sys.stdin)["launches"] if l["verdict"] == "taken"), sep=", ")' "$1"
}
packed() { elfcast show "$R/var/lib/elfcast/boot.pack" | sed -n 's,.* /usr/bin/,,p' | paste -sd ' '; }
compile() { elfcast compile --quiet --storage=flash --root="$R"; }
cp "$L" "$TMP/launches"
# The same counts and nothing of when, as elfcast wrote them before.
awk 'NR == 1 { print $1, 2, $3, "-" } /usr/ { print $1, $2, $3, $NF } END { print }' "$TMP/launches" >"$L"
compile
same "by counts" "c a b" "$(packed)"
cp "$TMP/launches" "$L"
compile
same "as they are launched" "a b c" "$(packed)"
same "status says why" "/usr/bin/a 3/3 10, /usr/bin/b 2/2 200, /usr/bin/c 2/3 1000" \
	"$(chosen '"%s %d/%d %d" % (l["program"], l["boots_launched"], l["boots"], l["after_ms"] // 10000 * 10)')"
elfcast status --pack --root="$R" >"$TMP/out" 2>/dev/null
check "in words, too" grep -qE '^ +2 .* 2/2 +3 min .* /usr/bin/b$' "$TMP/out"
elfcast status --launches --root="$R" >"$TMP/out" 2>/dev/null
check "and with the launches" grep -qE '^ .* 3/3 +10 s +- +/usr/bin/a$' "$TMP/out"

# ---- what is read -------------------------------------------------------------------------
chmod 755 "$TMP" "$R" # nobody reads
programs="usr/bin/a usr/bin/b usr/bin/c" status='' got=''
# shellcheck disable=SC2034 # for reads_cold
root=$R
cold() { detach && attach; }
resident() (cd "$R" && "$BUILD/tests/residency" "$@" | paste -sd ' ')
boot() { elfcast-prefetch --quiet --root="$R" --reserve=0 "$@"; }
# Only as many bytes as the first programs have, while that is all that is read.
reads_cold "$programs" boot --max-bytes=64K
same "what is launched first is read first" "0 usr/bin/a 0 16" "$status $got"
reads_cold "$programs" boot --max-bytes=112K
same "then what comes next" "0 usr/bin/a 0 16 usr/bin/b 0 12" "$status $got"
reads_cold "$programs" boot
same "and all" "0 usr/bin/a 0 16 usr/bin/b 0 12 usr/bin/c 0 8" "$status $got"
finish
