#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast-hook in a root of its own: whatever is wrong, exit status 0 and not a byte, and the
# next one repairs.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip "hook" "needs root"
	finish
fi
make_root
populate "$BUILD/elfcast-hook" "$BUILD/elfcast"

# silent NAME COMMAND...: exit status 0, nothing printed
silent() {
	local name=$1 out status
	shift
	out=$("$@" 2>&1)
	status=$?
	same "$name: exit status 0 and silence" "0:" "$status:$out"
}
hook() { in_root /hook/elfcast-hook; }
repaired() {
	hook </dev/null
	same "$1: the next one repairs" 2 "$(n_shadows)"
}

silent "plain" hook </dev/null
same "it compiles" 2 "$(n_shadows)"
good=$(cd "$S" && sha256sum -- *)

# The pack: repaired, made again when settings change; but launches alone are for compile.
V=$R/var/lib/elfcast
pack=$(sums | grep pack)
for damage in 'rm "$V/boot.pack"' 'truncate -s 40 "$V/boot.pack"' 'echo x >>"$V/boot.pack"'; do
	eval "$damage"
	hook </dev/null
	same "pack: $damage: repaired" "$pack" "$(sums | grep pack)"
done
stamp=$(stat -c '%i %y %z' "$V/boot.pack" "$V/index")
printf 'elfcast-launches 1 1767300000\n9.000000 1767299999 /usr/bin/two\nend 1\n' >"$V/launches"
hook </dev/null
same "launches counted: nothing is written" "$stamp" "$(stat -c '%i %y %z' "$V/boot.pack" "$V/index")"
mkdir -p "$R/etc/elfcast"
echo Never=one >"$R/etc/elfcast/elfcast.conf"
hook </dev/null
same "settings: the pack has one program" 1 "$(elfcast show --json "$V/boot.pack" | grep -c '"program"')"
echo Boot=no >"$R/etc/elfcast/elfcast.conf"
hook </dev/null
check "switched off: no pack" test ! -e "$V/boot.pack"
rm "$R/etc/elfcast/elfcast.conf" "$V/launches"
hook </dev/null
same "and back: as it was" "$pack" "$(sums | grep pack)"

rm -rf "$R/var/lib"
seq -f '/usr/lib/a/path/that/does/not/matter/%06.0f' 200000 >"$TMP/paths"
# shellcheck disable=SC2002 # a pipe, as rpm has it
cat "$TMP/paths" | silent "200,000 paths on standard input" hook
cat "$TMP/paths" | hook
same "its writer gets no SIGPIPE" 0 "${PIPESTATUS[0]}"
same "the paths do not matter" "$good" "$(cd "$S" && sha256sum -- *)"

rm -rf "$R/var/lib"
silent "closed standard descriptors" bash -c 'exec "$@" <&- >&- 2>&-' sh "$BUILD/tests/in-root" "$R" /hook/elfcast-hook
same "closed standard descriptors: compiled" 2 "$(n_shadows)"

rm -rf "$R/var/lib"
if [ -z "${ELFCAST_SANITIZED:-}" ]; then # which wants /proc
	silent "no /proc and no /dev" chroot "$R" /hook/elfcast-hook </dev/null
	repaired "no /proc and no /dev"
fi

# As package managers install into directories: "/" is no mount there.
rm -rf "$R/var/lib"
# shellcheck disable=SC2016 # of the shell inside
in_chroot() {
	unshare -m sh -c 'mount --make-rprivate / && mkdir -p "$1/proc" &&
		mount -t proc proc "$1/proc" && chroot "$1" /hook/elfcast-hook' sh "$R"
}
silent "a chroot that is no mount" in_chroot </dev/null
same "a chroot that is no mount: compiled" "$good" "$(cd "$S" && sha256sum -- *)"

rm -rf "$R/var/lib"
mkdir -p "$TMP/empty"
read_only() {
	unshare -m sh -c 'mount --make-rprivate / && mount --bind "$1/var" "$1/var" &&
		mount -o remount,ro,bind "$1/var" && exec "$2" "$1" /hook/elfcast-hook' sh "$R" "$BUILD/tests/in-root"
}
silent "read-only /var" read_only </dev/null
same "read-only /var: nothing there" 0 "$(n_shadows)"
repaired "read-only /var"

rm -rf "$R/var/lib"
silent "file size limit 0" bash -c 'ulimit -f 0; exec "$@"' sh "$BUILD/tests/in-root" "$R" /hook/elfcast-hook </dev/null
repaired "file size limit 0"
if [ -z "${ELFCAST_SANITIZED:-}" ]; then
	rm -rf "$R/var/lib"
	bad=0
	for n in 3 4 5 6 7 8 9 10 12; do
		out=$(bash -c "ulimit -n $n; exec \"\$@\"" sh "$BUILD/tests/in-root" "$R" /hook/elfcast-hook </dev/null 2>&1)
		# Below what in-root and the loader need, it is not the hook that fails.
		case $?:$out in 0: | 12[57]:*) ;; *) bad=$((bad + 1)) && echo "# $n descriptors: $out" ;; esac
	done
	same "few descriptors" 0 $bad
	repaired "few descriptors"
fi

# A full disk, and one without inodes.
full_disk() { # name mkfs-options
	local name=$1
	shift
	truncate -s 1M "$TMP/disk"
	mkfs.ext4 -q -F "$@" "$TMP/disk" 2>/dev/null
	unshare -m bash -c 'mount --make-rprivate / && mount -o loop "$1/disk" "$2/var" || exit 99
		i=0; while { : >"$2/var/i$i"; } 2>/dev/null; do i=$((i + 1)); [ "$3" = inodes ] || break; done
		[ "$3" = inodes ] || dd if=/dev/zero of="$2/var/fill" bs=1k status=none 2>/dev/null
		out=$("$4" "$2" /hook/elfcast-hook 2>&1); status=$?
		torn=$(find "$2/var" -name "*.shadow" -size 0 | wc -l)
		rm -f "$2"/var/fill "$2"/var/i*
		"$4" "$2" /hook/elfcast-hook
		echo "$status:$out:$torn:$(find "$2/var" -name "*.shadow" | wc -l)"' \
		sh "$TMP" "$R" "$name" "$BUILD/tests/in-root" </dev/null
}
rm -rf "$R/var/lib"
same "full disk: silent, nothing torn, repaired when there is room" "0::0:2" "$(full_disk blocks -m 0)"
same "no inodes: silent, nothing torn, repaired when there are" "0::0:2" "$(full_disk inodes -N 32)"

# Another one holds the lock.
rm -rf "$R/var/lib"
mkdir -p "$R/var/lib/elfcast"
exec 9>"$R/var/lib/elfcast/lock"
flock 9
silent "the lock is held" hook </dev/null
check "it leaves a mark" test -e "$R/var/lib/elfcast/dirty"
exec 9>&-
hook </dev/null
same "the next one compiles" 2 "$(n_shadows)"
check "and takes the mark away" test ! -e "$R/var/lib/elfcast/dirty"
rm -rf "$R/var/lib"
for _ in 1 2 3 4 5 6 7 8; do hook </dev/null >>"$TMP/many" 2>&1 & done
wait
same "eight at once are silent" "" "$(cat "$TMP/many")"
same "and come to the same" "$good" "$(cd "$S" && sha256sum -- *)"

# A file system that never answers: below an object, then below our own state.
hang() { # directory
	"$BUILD/tests/hangfs" "$1" >"$TMP/ready" 2>&1 &
	hangfs=$!
	until grep -q ready "$TMP/ready"; do kill -0 $hangfs 2>/dev/null || return 1; done
}
answer() {
	kill $hangfs
	wait $hangfs 2>/dev/null
	umount -l "$1"
}
mkdir -p "$R/usr/lib/hung" "$R/var/lib"
trap 'umount -l "$R/usr/lib/hung" "$R/var/lib" 2>/dev/null; rm -rf "$TMP"' EXIT
sed 's|"objects": \[|&{ "path": "/usr/lib/hung/x", "size": 9, "pages": [[0, 1, 1, 0]] },|' \
	"$P/test.one.json" >"$P/test.hung.json"
rm -rf "$R/var/lib/elfcast"
if hang "$R/usr/lib/hung"; then
	silent "an object on a file system that hangs" timeout 4 "$BUILD/tests/in-root" "$R" /hook/elfcast-hook </dev/null
	same "all others are compiled" 3 "$(n_shadows)"
	answer "$R/usr/lib/hung"
	rm "$P/test.hung.json"
	hang "$R/var/lib"
	start=$(date +%s%N)
	silent "our own directory hangs" hook </dev/null
	ms=$((($(date +%s%N) - start) / 1000000))
	check "it leaves at its deadline of 5 s, after $ms ms" test $ms -ge 4900 -a $ms -lt 20000
	# What its worker holds while it is stuck, somebody waits for.
	"$BUILD/tests/in-root" "$R" /hook/elfcast-hook </dev/null 9>"$TMP/inherited" &
	hook=$!
	held="by all there were"
	while kill -0 $hook 2>/dev/null && [ -n "$held" ]; do
		for worker in $(ps -o pid= --ppid $hook); do
			fds=$(readlink "/proc/$worker/fd/"*)
			[ -z "$fds" ] || grep -qF "$TMP/inherited" <<<"$fds" || held=
		done
	done
	wait $hook
	same "what was inherited is held by no worker" "" "$held"
	answer "$R/var/lib"
	repaired "our own directory hangs"
else
	skip "a file system that hangs" "needs FUSE"
fi
# Another build of what was trained takes time that a transaction has not: compile has it, and what
# it made is kept.
make_elf "$TMP/three" old
profile "$P/test.three.json" /usr/bin/three "{ \"path\": \"/usr/bin/three\",
	\"build_id\": \"$(build_id_of "$TMP/three")\", \"size\": $(stat -c %s "$TMP/three"),
	\"pages\": [[0, 4, 1, 0]], \"fingerprint\": \"$("$BUILD/tests/fingerprint" "$TMP/three" keys 0 1 2 3)\" }"
make_elf "$R/usr/bin/three" new
three() { # retargeted, or -; and what it is now
	elfcast show --root="$R" --json /usr/bin/three | python3 -c 'import json, sys
o = json.load(sys.stdin)[0]["objects"][0]
print("retargeted" if o.get("retargeted") else "-", o["now"])'
}
silent "another build" hook </dev/null
same "is left stale" "- stale" "$(three)"
hook </dev/null
same "again" "- stale" "$(three)"
in_root /hook/elfcast compile --quiet
same "until it is compiled" "retargeted valid" "$(three)"
stamp=$(stat -c '%i %y %z' "$V/index" "$S"/*.shadow)
hook </dev/null
same "then it is kept, and nothing is written" "retargeted valid $stamp" \
	"$(three) $(stat -c '%i %y %z' "$V/index" "$S"/*.shadow)"
finish
