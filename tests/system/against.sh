#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 70 s
# check --against packages as rpmbuild, dpkg-deb and tar make them, whole and damaged.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/packages.sh"

if [ ! -x "$BUILD/elfcast-check" ]; then
	skip "check --against" "built without librpm or libarchive"
	finish
fi
for tool in rpmbuild dpkg-deb python3; do
	command -v $tool >/dev/null && continue
	skip "check --against" "no $tool"
	finish
done
export ELFCAST_EXEC_PATH=$BUILD
cd "$TMP" || exit 1

D=$TMP/d
mkdir -p "$D/usr/bin" "$D/usr/lib/hello" "$D/usr/share/hello"
make_elf "$D/usr/bin/hello" one
make_elf "$D/usr/lib/libhello.so.1.2" two
gcc -c -x c -o "$D/usr/lib/hello/part.o" - <<<'__asm__(".section .note.gnu.build-id, \"a\", @note; .long 4, 4, 3; .asciz \"GNU\"; .long 0x44332211");'
echo data >"$D/usr/share/hello/table"
head -c 100000 /dev/urandom >"$D/usr/share/hello/random"
ln "$D/usr/bin/hello" "$D/usr/bin/linked"
ln -s hello "$D/usr/bin/symbolic"
id=$(build_id_of "$D/usr/bin/hello") size=$(stat -c %s "$D/usr/bin/hello")
lib=$(build_id_of "$D/usr/lib/libhello.so.1.2") lib_size=$(stat -c %s "$D/usr/lib/libhello.so.1.2")
elf() { printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0]] }' "$@"; }
data() { printf '{ "path": "%s", "size": %s, "digest": "%s", "pages": [[0, 1, 1, 0]] }' "$@"; }
table() { printf '{ "path": "/usr/share/hello/table", "size": 5, "digest": "xxh3-128:%s", "pages": [] }' "$1"; }
digest=3e29596d3a5545aae26324780e945ea2

ELFS="$(elf /usr/bin/hello "$id" "$size"), $(elf /usr/bin/linked "$id" "$size"),
	$(elf /usr/lib/libhello.so.1.2 "$lib" "$lib_size"), $(elf /usr/lib/libc.so.6 00 4096)"
profile good.json /usr/bin/hello "$ELFS, $(elf /usr/lib/hello/part.o 11223344 "$(stat -c %s "$D/usr/lib/hello/part.o")"), $(table $digest)"
profile elfs.json /usr/bin/hello "$ELFS"
profile bad.json /usr/bin/hello "$(elf /usr/bin/hello 00ff "$size"), $(elf /usr/lib/libhello.so.1.1 00 4096),
	$(elf /usr/bin/symbolic "$id" "$size"), $(table 00), $(elf /usr/lib/libc.so.6 00 4096),
	$(data /usr/share/hello/random 99999 xxh3-128:00)"
good_says="good.json: matches: /usr/bin/hello
good.json: matches: /usr/bin/linked
good.json: matches: /usr/lib/hello/part.o
good.json: matches: /usr/lib/libhello.so.1.2
good.json: matches: /usr/share/hello/table
good.json: 5 matches, 1 elsewhere"
bad_says="bad.json: stale: /usr/bin/hello: build-id 00ff wanted, $id found
bad.json: not a file: /usr/bin/symbolic: a symbolic link to 'hello'
bad.json: missing: /usr/lib/libhello.so.1.1: there is libhello.so.1.2
bad.json: stale: /usr/share/hello/random: 99999 bytes wanted, 100000 found
bad.json: digest differs: /usr/share/hello/table: xxh3-128:00 wanted, xxh3-128:$digest found"

against() { # package expected-status profile expected-out [option...]
	local package=$1 expected=$2 profile=$3 out=$4
	shift 4
	status "$package: $profile $*" "$expected" elfcast check "$@" --against="$package" "$profile"
	same "$package: $profile $*: verdict" "$out" "$(cat out)"
}
refused() { # package expected-message
	status "$1 is refused" 1 elfcast check -q --against="$1" good.json
	same "$1: says why" "elfcast: $1: $2" "$(cat err)"
	same "$1: no verdict" "" "$(cat out)"
}

# ---- whole packages ----
for payload in w6.gzdio w6.xzdio w3.zstdio w6.bzdio w6.lzdio w.ufdio; do
	make_rpm "$payload.rpm" "$D" "$payload" || not_ok "rpmbuild $payload"
done
for compression in gzip xz zstd none; do
	make_deb "$compression.deb" "$D" "$compression" || not_ok "dpkg-deb $compression"
done
tar -C "$D" -cf plain.tar .
gzip -k plain.tar
xz -k plain.tar
tar -C "$D" --format=posix -cf pax.tar usr
for package in *.rpm *.deb plain.tar* pax.tar; do
	against "$package" 0 good.json "$good_says"
	against "$package" 1 bad.json "$bad_says" -q
done
cat <(head -c 70000 plain.tar | gzip) <(tail -c +70001 plain.tar | gzip) >members.tar.gz
against members.tar.gz 0 good.json "$good_says"

status "--json of an rpm" 0 elfcast check --json --against=w6.xzdio.rpm good.json
same "names it" "rpm hello-1.2-3.$(uname -m) 9 False" "$(python3 -c '
import json; p=json.load(open("out"))["packages"][0]; print(p["kind"], p["name"], p["members"], p["header_only"])')"

# What a directory that only this package has should hold, an rpm knows.
profile gone.json /usr/bin/hello "$(elf /usr/bin/hello "$id" "$size"), $(elf /usr/lib/hello/gone 00 1)"
against w6.xzdio.rpm 1 gone.json "gone.json: missing: /usr/lib/hello/gone" -q
against xz.deb 0 gone.json "" -q
against xz.deb 1 gone.json "gone.json: missing: /usr/lib/hello/gone" -q --all

# ---- the header alone ----
status "--quick" 0 elfcast check --json --quick --against=w6.xzdio.rpm elfs.json
same "reads the header only" "True 0 3" "$(python3 -c '
import json; o=json.load(open("out")); p=o["packages"][0]
print(p["header_only"], p["members"], o["profiles"][0]["counts"]["matches"])')"
against w6.xzdio.rpm 1 bad.json "$bad_says" -q --quick
status "--quick, but a digest is wanted" 0 elfcast check --json --quick --against=w6.xzdio.rpm good.json
same "reads the payload" "False 9 5" "$(python3 -c '
import json; o=json.load(open("out")); p=o["packages"][0]
print(p["header_only"], p["members"], o["profiles"][0]["counts"]["matches"])')"

# ---- other packages ----
mkdir none
make_rpm empty.rpm "$TMP/none" || not_ok "rpmbuild of nothing"
against empty.rpm 1 gone.json "gone.json: missing: /usr/bin/hello" -q
RPM_EXTRA_FILES="%ghost /usr/share/hello/ghost" make_rpm ghost.rpm "$D" ||
	not_ok "rpmbuild with a ghost"
against ghost.rpm 0 good.json "$good_says"
rpmbuild --quiet -bs --define "_topdir $TMP/rpmbuild" --define "_srcrpmdir $TMP" rpmbuild/p.spec >/dev/null 2>&1
mv hello-1.2-3.src.rpm source.rpm
refused source.rpm "is a source package"
ar rc static.deb good.json
refused static.deb "no .deb: begins with 'good.json'"

# ---- cut and damaged ----
# Offsets all over the file; a flip in an rpm's lead (96 bytes) is no damage: nothing is there.
cat >damage.py <<'EOF'
import os, random, subprocess, sys
kind, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = open(name, "rb").read()
random.seed(name)
n, start = len(data), 0
if kind == "flip" and name.endswith(".rpm"):
    start = n // 4  # the payload, and for small ones the end of the header
if kind == "flip" and name.endswith(".deb"):
    start = data.index(b"data.tar") + 60
if kind == "flip" and name.endswith(".tar.gz"):
    start = 64  # file name and time
def write(damaged):
    with open("damaged", "wb") as f:
        f.write(damaged)
def unpacked():
    """What gzip and the like hold; in an rpm everything has a digest."""
    tool = {"deb": ["dpkg-deb", "--fsys-tarfile", "damaged"],
            ".gz": ["gzip", "-dc"]}.get(name[-3:], ["false"])
    with open("damaged") as f:
        r = subprocess.run(tool, stdin=f, capture_output=True)
    return r.stdout if r.returncode == 0 else None
def flip(o):
    """A bit there or elsewhere. Some are none of the data, as the padding of stored blocks."""
    while True:
        write(data[:o] + bytes([data[o] ^ 1 << random.randrange(8)]) + data[o + 1:])
        if whole is None or unpacked() != whole:
            return
        o = random.randrange(start, n - 1)
write(data)
whole = unpacked()
offsets = [random.randrange(start, n - 1) for _ in range(rounds)]
if kind == "cut":
    end = n if not name.endswith(".tar") else len(data.rstrip(b"\0")) + 1
    offsets = [min(o, end - 1) for o in offsets] + [0, 1, 95, 96, 97, n // 2 & ~511, end - 1]
bad = 0
for o in offsets:
    if kind == "flip":
        flip(o)
    else:
        write(data[:o])
    r = subprocess.run(["elfcast", "check", "-q", "--against=damaged", "good.json"], capture_output=True)
    err = r.stderr.decode(errors="replace")
    if r.returncode != 1 or r.stdout or not err.startswith("elfcast: damaged: ") or err.count("\n") != 1:
        bad += 1
        print("# %s of %s at %d of %d: status %d: %s%s" % (kind, name, o, n, r.returncode, r.stdout, err))
print("# %s: %d of %d %ss refused" % (name, len(offsets) - bad, len(offsets), kind))
sys.exit(bad > 0)
EOF
for package in w6.gzdio.rpm w6.xzdio.rpm w3.zstdio.rpm w.ufdio.rpm gzip.deb xz.deb zstd.deb none.deb \
	plain.tar plain.tar.gz plain.tar.xz; do
	check "every cut of $package is refused" python3 damage.py cut $package 40
	# Without compression a deb and a tar have no checksum of their files.
	case $package in none.deb | plain.tar) continue ;; esac
	check "every flipped bit of $package is refused" python3 damage.py flip $package 40
done

# An rpm whose digests agree, of a payload that ends early: librpm and libarchive find nothing.
cat >forge.py <<'EOF'
import hashlib, struct
data = bytearray(open("w.ufdio.rpm", "rb").read())
def header(at):
    n, size = struct.unpack(">II", data[at + 8:at + 16])
    store = at + 16 + 16 * n
    tags = {}
    for i in range(n):
        tag, kind, off, count = struct.unpack(">IIII", data[at + 16 + 16 * i:at + 32 + 16 * i])
        tags[tag] = store + off
    return tags, store + size
signature, end = header(96)
start = end + -end % 8
tags, payload = header(start)
trailer = data.index(b"TRAILER!!!") - 110
empty = data[trailer:trailer + 124]
data[payload:] = empty + bytes(len(data) - payload - len(empty))
def put(at, text):
    data[at:at + len(text)] = text.encode() if isinstance(text, str) else text
for tag in (5092, 5097):  # PAYLOADDIGEST and, before compression, PAYLOADDIGESTALT
    put(tags[tag], hashlib.sha256(data[payload:]).hexdigest())
put(signature[269], hashlib.sha1(data[start:payload]).hexdigest())
put(signature[273], hashlib.sha256(data[start:payload]).hexdigest())
put(signature[1004], hashlib.md5(data[start:]).digest())
open("forged.rpm", "wb").write(data)
EOF
python3 forge.py
check "the forged rpm is good for rpm" rpmkeys --define "_dbpath $TMP/rpmdb" --checksig forged.rpm
refused forged.rpm "damaged: 0 members, the header has 9"

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
mkdir other-home
HOME=$TMP/other-home status "with a new home" 0 elfcast check --against=w6.xzdio.rpm good.json
same "makes no rpm database there" "" "$(ls -A other-home)"
finish
