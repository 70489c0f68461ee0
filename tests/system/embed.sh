#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# Profiles inside of real programs: these work as before, and elfcast run reads ahead what they need
# without any compile. Root's launches are counted, and not by this machine.
if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ]; then
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
[ -z "${IN_NAMESPACE:-}" ] || mount -t tmpfs -o mode=755 none /var/lib || exit 1
. "$(dirname "$0")/../lib.sh"

D=$TMP/opt
mkdir "$D"
# embed_into FILE: a copy of FILE in $D, with a profile for its first pages behind its end
embed_into() {
	local copy
	copy=$D/$(basename "$1")
	cp -L "$1" "$copy" || return
	profile "$TMP/p.json" "$copy" "{ \"path\": \"$copy\", \"build_id\": \"$(build_id_of "$copy")\",
		\"size\": $(stat -c %s "$copy"), \"pages\": [[0, 3, 1, 0]] }"
	elfcast embed -q "$copy" "$TMP/p.json"
}

n=0
for name in bash sed grep find tar gzip xz perl python3 git make ld objdump sort ls cat date awk diff ssh openssl gcc \
	curl readelf xargs cp env head rpm systemd-nspawn; do
	file=$(readlink -f "$(command -v $name)") || continue
	[ -n "$file" ] && [ -n "$(build_id_of "$file" 2>/dev/null)" ] && [ $n -lt 20 ] || continue
	embed_into "$file" || not_ok "embed into $name"
	version=--version
	case $name in ssh) version=-V ;; openssl) version=version ;; esac
	same "$name works with a trailer" "$("$file" $version 2>&1 </dev/null | sed "s|$file|X|g")" \
		"$("$D/$(basename "$file")" $version 2>&1 </dev/null | sed "s|$D/$(basename "$file")|X|g")"
	elfcast extract "$D/$(basename "$file")" >/dev/null || not_ok "extract from $name"
	n=$((n + 1))
done
check "twenty programs" test $n -eq 20

# A program that was linked with room, copied elsewhere, where no profile is installed.
PATH=$BUILD/tests:$PATH
elfcast embed --print-reserve=8192 >"$TMP/reserve.s"
echo 'int main(void) { return 0; }' >"$TMP/a.c"
gcc -Wl,--build-id=sha1 -o "$D/app" "$TMP/a.c" "$TMP/reserve.s"
head -c 262144 /dev/urandom >"$D/data"
profile "$TMP/p.json" /build/app "{ \"path\": \"/build/app\", \"build_id\": \"$(build_id_of "$D/app")\",
	\"size\": $(stat -c %s "$D/app"), \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"$D/data\", \"size\": 262144, \"pages\": [[4, 8, 1, 0], [40, 1, 1, 3]] }"
check "filled" elfcast embed -q "$D/app" "$TMP/p.json"
mkdir "$D/elsewhere"
for place in "$D/app" "$D/elsewhere/app"; do
	[ -e "$place" ] || cp "$D/app" "$place"
	sync "$D/data"
	residency --evict "$D/data"
	check "it runs" elfcast run --wait=60000 "$place"
	same "and what it needs was read" "4 8 40 1" "$(brought "$D/data")"
done
elfcast run -v "$D/app" 2>"$TMP/err"
check "run says what it found" wait_until grep -qE "asked for [0-9]+ pages of 2 objects" "$TMP/err"
# By a link. What is freed is overwritten at once: a helper that still used it would crash, and nobody would see it.
ln -s app "$D/link"
same "it is read ahead from there, by who stays alive" "$D/app (default): asked for 10 pages of 2 objects" \
	"$(GLIBC_TUNABLES=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0 elfcast run --wait=60000 -v "$D/link" 2>&1 >/dev/null | sed -n "s,^elfcast: \($D/app.*objects\) in .*,\1,p")"
# Damaged, it starts as ever.
elfcast embed -q --trailer "$D/elsewhere/app" "$TMP/p.json"
size=$(stat -c %s "$D/elsewhere/app")
printf x | dd of="$D/elsewhere/app" bs=1 seek=$((size - 40)) conv=notrunc status=none
residency --evict "$D/data"
check "with a damaged profile it runs" elfcast run --wait=60000 "$D/elsewhere/app"
same "and nothing is read" "" "$(brought "$D/data")"
finish
