#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# check --against packages as dpkg-deb and tar make them, whole and damaged, and among rpms.
. "$(dirname "$0")/../lib.sh"
for tool in rpmbuild dpkg-deb python3; do
	command -v $tool >/dev/null && continue
	skip "check --against" "no $tool"
	finish
done
. "$TOP/tests/helpers/against-lib.sh"

# ---- whole packages ----
make_rpm w6.xzdio.rpm "$D" || not_ok "rpmbuild"
for compression in gzip xz zstd none; do
	make_deb "$compression.deb" "$D" "$compression" || not_ok "dpkg-deb $compression"
done
tar -C "$D" -cf plain.tar .
gzip -k plain.tar
xz -k plain.tar
tar -C "$D" --format=posix -cf pax.tar usr
for package in *.deb plain.tar* pax.tar; do
	against "$package" 0 good.json "$good_says"
	against "$package" 1 bad.json "$bad_says" -q
done
cat <(head -c 70000 plain.tar | gzip) <(tail -c +70001 plain.tar | gzip) >members.tar.gz
against members.tar.gz 0 good.json "$good_says"

# What a directory that only this package has should hold, an rpm knows.
profile gone.json /usr/bin/hello "$(elf /usr/bin/hello "$id" "$size"), $(elf /usr/lib/hello/gone 00 1)"
against w6.xzdio.rpm 1 gone.json "gone.json: missing: /usr/lib/hello/gone" -q
against xz.deb 0 gone.json "" -q
against xz.deb 1 gone.json "gone.json: missing: /usr/lib/hello/gone" -q --all

# ---- other packages ----
ar rc static.deb good.json
refused static.deb "no .deb: begins with 'good.json'"

# ---- cut and damaged ----
for package in gzip.deb xz.deb zstd.deb none.deb plain.tar plain.tar.gz plain.tar.xz; do
	check "every cut of $package is refused" python3 damage.py cut $package 40
	# Without compression a deb and a tar have no checksum of their files.
	case $package in none.deb | plain.tar) continue ;; esac
	check "every flipped bit of $package is refused" python3 damage.py flip $package 40
done

# ---- hostile archives ----
head -c 1M /dev/urandom >random
refused random "is neither an rpm, a .deb nor a tar archive"
tar -C "$D" --transform 's|^usr|usr/../usr|;s|/random|/harmless|' -Pcf dots.tar usr
status "members with '..'" 1 elfcast check -q --against=dots.tar --all elfs.json
same "are not there" "elfs.json: missing: /usr/bin/hello" "$(head -n 1 out)"
status "members with '..' are told" 1 elfcast check --against=dots.tar elfs.json
check "in a warning" grep -q "^elfcast: warning: dots.tar: [0-9]* members with '..' in their names passed over$" err

mkdir -p s/usr/bin
cp "$D/usr/bin/hello" s/usr/bin/hello
truncate -s 70M s/usr/bin/hello
tar -C s -Scf sparse.tar usr
against sparse.tar 0 gone.json "gone.json: matches: /usr/bin/hello: 73400320 bytes, not $size
gone.json: 1 matches, 1 elsewhere"
truncate -s 80M s/usr/bin/late
dd if="$D/usr/bin/hello" of=s/usr/bin/late conv=notrunc bs=64 count=1 status=none # no program headers
profile late.json /usr/bin/late "$(elf /usr/bin/late "$id" 4096)"
tar -C s -Scf late.tar usr
against late.tar 1 late.json "late.json: stale: /usr/bin/late: build-id $id wanted, none near its start found" -q
truncate -s 70G s/usr/bin/hello
tar -C s -Scf bomb.tar usr
status "70 GiB of nothing" 1 timeout 60 elfcast check --against=bomb.tar gone.json
same "are too much" "elfcast: bomb.tar: unpacks to more than 68719476736 bytes" "$(head -n 1 err)"
if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "memory" "sanitizers"
else
	truncate -s 2G s/usr/bin/hello
	tar -C s -cf - usr | gzip -1 >large.tar.gz
	python3 -c 'import resource, subprocess
subprocess.run(["elfcast", "check", "-q", "--against=large.tar.gz", "gone.json"])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' >peak
	echo "# note: 2 GiB member: peak $(tail -n 1 peak) KiB resident"
	check "2 GiB of member within 64 MiB" [ "$(tail -n 1 peak)" -le 65536 ]
fi
finish
