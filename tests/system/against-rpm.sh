#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# check --against rpms as rpmbuild makes them, in each format that this rpm has (4; since rpm 6
# also 6), whole and damaged; and one of format 6 from rpm 6.1, which librpm 4.18 reads as well.
# RPM_ROOT=DIRECTORY: as the rpm of that root makes them; in full runs that of the forky that "make
# matrix" keeps, if there is one.
. "$(dirname "$0")/../helpers/rpm-root.sh"
if [ -n "${SOAK:-}" ] && [ "$(id -u)" = 0 ]; then
	: "${RPM_ROOT=$(find "${ROOTS:-/var/tmp/elfcast-roots}" -maxdepth 1 -type d -name 'forky-*' -print -quit 2>/dev/null)}"
fi
[ -z "${RPM_ROOT:-}" ] || rpm_root_enter
. "$(dirname "$0")/../lib.sh"
if [ -n "${RPM_ROOT:-}" ]; then
	trap 'rpm_root_leave; rm -rf "$TMP"' EXIT
	rpm_root_use "$RPM_ROOT" || not_ok "rpm of $RPM_ROOT"
fi
for tool in rpmbuild python3; do
	command -v $tool >/dev/null && continue
	skip "check --against" "no $tool"
	finish
done
. "$TOP/tests/helpers/against-lib.sh"
SIX=$TOP/tests/system/six.rpm
formats=4
case $(rpm --version) in *' '[6-9].*) formats="4 6" ;; esac
touch "$D/usr/share/hello/empty-1" "$D/usr/share/hello/empty-2"
n_members=12

# Who signs is nobody's concern here, so that any key will do.
export GNUPGHOME=$TMP/gnupg
mkdir -m 700 "$GNUPGHOME"
trap 'gpgconf --kill all 2>/dev/null; rpm_root_leave; rm -rf "$TMP"' EXIT
can_sign=
if ! command -v rpmsign >/dev/null || ! command -v gpg >/dev/null; then
	skip "signed packages" "no rpmsign or gpg"
elif gpg --batch --quiet --passphrase '' --quick-generate-key 't@example.org' rsa2048 sign never 2>gpg.log; then
	can_sign=1
else
	not_ok "gpg makes a key: $(cat gpg.log)"
fi
gpg=$(PATH=/usr/bin:$PATH command -v gpg) # not one that goes to another root: rpmsign is there
sign() { # package
	rpmsign --define '_openpgp_sign gpg' --define "__gpg $gpg" \
		--define '_gpg_name t@example.org' --addsign "$1" >sign.log 2>&1 </dev/null ||
		{ sed 's/^/# /' sign.log; return 1; }
}
# told PACKAGE FORMAT MEMBERS SIGNATURE: what is said besides verdicts
told() {
	elfcast check --against="$1" good.json 2>&1 >/dev/null | grep -v warning: >said
	same "$1: says what was verified" \
		"elfcast: $1: hello-1.2-3.$(uname -m), rpm format $2, $3, digests verified, $4" "$(cat said)"
}

# ---- whole packages ----
for RPM_FORMAT in $formats; do
	for payload in w6.gzdio w6.xzdio w3.zstdio w6.bzdio w6.lzdio w.ufdio; do
		name=$RPM_FORMAT.$payload
		make_rpm "$name.rpm" "$D" "$payload" || not_ok "rpmbuild $name"
		told "$name.rpm" "$RPM_FORMAT" "$n_members members" "not signed"
		[ -n "$can_sign" ] || continue
		cp "$name.rpm" "$name.signed.rpm"
		check "$name is signed" sign "$name.signed.rpm"
		told "$name.signed.rpm" "$RPM_FORMAT" "$n_members members" "signature not verified"
	done
	RPM_EXTRA_FILES="%ghost /usr/share/hello/ghost" make_rpm "$RPM_FORMAT.ghost.rpm" "$D" w.ufdio ||
		not_ok "rpmbuild with a ghost"
	told "$RPM_FORMAT.ghost.rpm" "$RPM_FORMAT" "$n_members members" "not signed"
done
for package in *.rpm; do
	against "$package" 0 good.json "$good_says"
	against "$package" 1 bad.json "$bad_says" -q
done
# One of several links is wanted, whichever it is.
for RPM_FORMAT in $formats; do
	for name in table again; do
		profile link.json /usr/bin/hello "$(elf /usr/bin/linked "$id" "$size"), $(table $name $digest)"
		against "$RPM_FORMAT.w.ufdio.rpm" 0 link.json "link.json: matches: /usr/bin/linked
link.json: matches: /usr/share/hello/$name
link.json: 2 matches"
	done
done

profile gone.json /usr/bin/hello "$(elf /usr/bin/hello "$id" "$size"), $(elf /usr/lib/hello/gone 00 1)"
json() { # expression of the first package p and the first profile q
	python3 -c "import json; o = json.load(open('out')); p = o['packages'][0]; q = o['profiles'][0]; print($1)"
}
mkdir none
for RPM_FORMAT in $formats; do
	name=$RPM_FORMAT.w6.xzdio.rpm
	status "$name: --json" 0 elfcast check --json --against="$name" good.json
	same "$name: names it" "rpm hello-1.2-3.$(uname -m) $n_members False $RPM_FORMAT verified none" \
		"$(json "*(p[k] for k in ('kind', 'name', 'members', 'header_only', 'rpm_format', 'digests', 'signature'))")"
	# What a directory that only this package has should hold, an rpm knows.
	against "$name" 1 gone.json "gone.json: missing: /usr/lib/hello/gone" -q

	# Since format 6 a header does not say which files are ELF files.
	read -r is_quick members <<<"$([ "$RPM_FORMAT" = 4 ] && echo True 0 || echo False $n_members)"
	status "$name: --quick" 0 elfcast check --json --quick --against="$name" elfs.json
	same "$name: reads the header, and what it does not say" "$is_quick $members 3" \
		"$(json "p['header_only'], p['members'], q['counts']['matches']")"
	against "$name" 1 bad.json "$bad_says" -q --quick
	status "$name: --quick, but a digest is wanted" 0 elfcast check --json --quick --against="$name" good.json
	same "$name: reads the payload" "False $n_members 6" \
		"$(json "p['header_only'], p['members'], q['counts']['matches']")"

	make_rpm "$RPM_FORMAT.empty.rpm" "$TMP/none" || not_ok "rpmbuild of nothing"
	against "$RPM_FORMAT.empty.rpm" 1 gone.json "gone.json: missing: /usr/bin/hello" -q
	RPM_EXTRA_FILES="%ghost /usr/share/hello/again" make_rpm "$RPM_FORMAT.ghost-link.rpm" "$D" ||
		not_ok "rpmbuild with a ghost that is a link"
	refused "$RPM_FORMAT.ghost-link.rpm" "has a ghost that is a hard link"
	rpmbuild --quiet -bs --define "_rpmformat $RPM_FORMAT" --define "_topdir $TMP/rpmbuild" \
		--define "_srcrpmdir $TMP" rpmbuild/p.spec >/dev/null 2>&1
	mv hello-1.2-3.src.rpm "$RPM_FORMAT.source.rpm"
	refused "$RPM_FORMAT.source.rpm" "is a source package"
done

# Of rpm 6.1: zstd, signed, a hard link, a ghost.
cp "$SIX" six.rpm
profile six.json /usr/bin/six "$(elf /usr/bin/six 1122334455667788 656), $(elf /usr/bin/six-too 1122334455667788 656),
	$(data /usr/share/six/table 5 "xxh3-128:$digest")"
against six.rpm 0 six.json "six.json: matches: /usr/bin/six
six.json: matches: /usr/bin/six-too
six.json: matches: /usr/share/six/table
six.json: 3 matches"
elfcast check --against=six.rpm six.json 2>&1 >/dev/null | grep -v warning: >said
same "six.rpm: says what was verified" \
	"elfcast: six.rpm: six-6-1.noarch, rpm format 6, 4 members, digests verified, signature not verified" "$(cat said)"

# ---- cut and damaged ----
for RPM_FORMAT in $formats; do
	for payload in w6.gzdio w6.xzdio w3.zstdio w.ufdio; do
		name=$RPM_FORMAT.$payload.rpm
		[ -e "${name%.rpm}.signed.rpm" ] && name=${name%.rpm}.signed.rpm
		check "every cut of $name is refused" python3 damage.py cut "$name" 40
		check "every flipped bit of $name is refused" python3 damage.py flip "$name" 40
	done
done
# A damaged signature is not noticed, and nothing worse happens.
cat >signature.py <<'END'
import random, struct, subprocess
data = bytearray(open("six.rpm", "rb").read())
entries, size = struct.unpack(">II", data[104:112])
random.seed(1)
results = {0: 0, 1: 0}
for i in range(200):
    at = random.randrange(96, 112 + 16 * entries + size)
    data[at] ^= 0xff
    open("damaged.rpm", "wb").write(data)
    data[at] ^= 0xff
    results[subprocess.run(["elfcast", "check", "-q", "--against=damaged.rpm", "six.json"],
                           stderr=subprocess.DEVNULL).returncode] += 1
print("# %d of 200 match, %d are refused" % (results[0], results[1]))
assert results[0] > 0 and results[1] > 0
END
check "bytes among the signatures" python3 signature.py

# ---- forged: packages whose digests agree ----
# Of a payload that is not compressed. forge.py IN OUT HOW
cat >forge.py <<'END'
import hashlib, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
def header(at):
    n, size = struct.unpack(">II", data[at + 8:at + 16])
    store = at + 16 + 16 * n
    tags = {}
    for i in range(n):
        tag, _, off, _ = struct.unpack(">IIII", data[at + 16 + 16 * i:at + 32 + 16 * i])
        tags[tag] = store + off
    return tags, store + size
signature, end = header(96)
start = end + -end % 8
tags, payload = header(start)
def put(at, value):
    data[at:at + len(value)] = value
def string(at):
    return bytes(data[at:data.index(0, at)])
names, at = [], tags[1117]  # BASENAMES, as many as there are modes
while len(names) < (tags[1033] - tags[1030]) // 2 and data[at]:
    names.append((string(at), at))
    at += len(names[-1][0]) + 1
def index(name):
    return [n for n, _ in names].index(name)
def put_size(name, size):
    if 5008 in tags:  # LONGFILESIZES
        put(tags[5008] + 8 * index(name), struct.pack(">Q", size))
    else:
        put(tags[1028] + 4 * index(name), struct.pack(">I", size))
def rename_member(old, new):
    """In the payload alone, where a member may go by its number."""
    number = b"07070X%08x" % index(old)
    if number in data[payload:]:
        put(data.index(number, payload), b"07070X%08x" % index(new))
    else:
        put(data.index(b"/" + old + b"\0", payload), b"/" + new)

how = sys.argv[3]
if how == "ends-early":
    trailer = data.index(b"TRAILER!!!") - 110
    empty = data[trailer:trailer + 124]
    data[payload:] = empty + bytes(len(data) - payload - len(empty))
elif how == "twice":
    rename_member(b"empty-2", b"empty-1")
elif how == "unknown":
    data[payload:] = data[payload:].replace(b"empty-2", b"empty-3").replace(
        b"07070X%08x" % index(b"empty-2"), b"07070X%08x" % 4711)
elif how == "dots":
    put(names[index(b"part.o")][1], b"../../")
elif how == "link":
    put_size(b"symbolic", 5000)
elif how == "large":
    put_size(b"random", 1 << 37)
for tag, make in ((5092, hashlib.sha256), (5097, hashlib.sha256), (5121, hashlib.sha512),
                  (5122, hashlib.sha512), (5123, hashlib.sha3_256), (5124, hashlib.sha3_256)):
    if tag in tags:
        put(tags[tag], make(data[payload:]).hexdigest().encode())
for tag, make in ((269, hashlib.sha1), (273, hashlib.sha256), (279, hashlib.sha3_256)):
    if tag in signature:
        put(signature[tag], make(data[start:payload]).hexdigest().encode())
if 1004 in signature:
    put(signature[1004], hashlib.md5(data[start:]).digest())
open(sys.argv[2], "wb").write(data)
END
forged() { # how expected-message
	python3 forge.py "$RPM_FORMAT.w.ufdio.rpm" "$RPM_FORMAT.$1.rpm" "$1" || not_ok "forging $1"
	check "$RPM_FORMAT.$1.rpm: good for rpm" rpmkeys --define "_dbpath $TMP/rpmdb" \
		--define '_pkgverify_level digest' --checksig --nosignature "$RPM_FORMAT.$1.rpm" >/dev/null
	refused "$RPM_FORMAT.$1.rpm" "$2"
}
for RPM_FORMAT in $formats; do
	forged ends-early "damaged: 0 members, the header has $n_members"
	forged twice "damaged: member 8 is there twice"
	forged unknown "damaged: cpio: Archive file not in header"
	forged link "damaged: a link of 5000 bytes (at most 4095)"
	[ "$RPM_FORMAT" = 4 ] && continue # sizes of 64 bits, and no names in the payload
	forged large "unpacks to more than 68719476736 bytes"
	python3 forge.py "$RPM_FORMAT.w.ufdio.rpm" "$RPM_FORMAT.dots.rpm" dots || not_ok "forging dots"
	status "a member with '..'" 1 elfcast check --all --against="$RPM_FORMAT.dots.rpm" good.json
	check "is passed over" grep -qx "good.json: missing: /usr/lib/hello/part.o" out
	check "and told" grep -qx "elfcast: warning: $RPM_FORMAT.dots.rpm: 1 members with '..' in their names passed over" err
done

# ---- what librpm may read ----
# Not the configuration of who runs it: opening a FIFO would wait for somebody who writes.
mkdir -p other-home/.config/rpm
mkfifo other-home/.rpmmacros other-home/.rpmrc other-home/.config/rpm/{macros,rpmrc}
chmod 711 "$TMP" # who reads them is nobody
chmod 666 other-home/.rpm* other-home/.config/rpm/*
for package in [46].w6.xzdio.rpm; do
	HOME=$TMP/other-home status "$package: with another home" 0 timeout 20 elfcast check --against="$package" good.json
done
same "makes no rpm database there" ".config .rpmmacros .rpmrc" "$(find other-home -mindepth 1 -maxdepth 1 -printf "%f\n" | sort | paste -sd " ")"

# ---- files over 4 GiB ----
if [ -z "${SOAK:-}" ]; then
	skip "a file over 4 GiB" "in full runs (SOAK): rpmbuild takes a minute"
else
	mkdir -p big/usr/bin
	cp "$D/usr/bin/hello" big/usr/bin/
	cp "$D/usr/bin/hello" big/usr/bin/big
	truncate -s 4300M big/usr/bin/big
	profile big.json /usr/bin/big "$(elf /usr/bin/big "$id" "$size"), $(elf /usr/bin/hello "$id" "$size")"
	for RPM_FORMAT in $formats; do
		make_rpm "$RPM_FORMAT.big.rpm" "$TMP/big" w1.zstdio || not_ok "rpmbuild of 4300 MiB"
		against "$RPM_FORMAT.big.rpm" 0 big.json "big.json: matches: /usr/bin/big: 4508876800 bytes, not $size
big.json: matches: /usr/bin/hello
big.json: 2 matches"
	done
fi
echo "# note: $(rpm --version), librpm $(pkg-config --modversion rpm 2>/dev/null): $(ls -- *.rpm | wc -l) packages in formats $formats, each compressor, besides what is cut and flipped"
finish
