# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of check --against: a tree to pack, profiles of it with what is to be said of them,
# and a program that damages packages. After lib.sh; leaves the test in $TMP.
# shellcheck disable=SC2034 # who reads it uses them
. "$TOP/tests/packages.sh"

if [ ! -x "$BUILD/elfcast-check" ]; then
	skip "check --against" "built without librpm or libarchive"
	finish
fi
export ELFCAST_EXEC_PATH=$BUILD
export ASAN_OPTIONS=detect_leaks=0 # who checks strangers' bytes is alone: LeakSanitizer needs others
cd "$TMP" || exit 1

D=$TMP/d
mkdir -p "$D/usr/bin" "$D/usr/lib/hello" "$D/usr/share/hello"
make_elf "$D/usr/bin/hello" one
make_elf "$D/usr/lib/libhello.so.1.2" two
gcc -c -x c -o "$D/usr/lib/hello/part.o" - <<<'__asm__(".section .note.gnu.build-id, \"a\", @note; .long 4, 4, 3; .asciz \"GNU\"; .long 0x44332211");'
echo data >"$D/usr/share/hello/table"
head -c 100000 /dev/urandom >"$D/usr/share/hello/random"
ln "$D/usr/bin/hello" "$D/usr/bin/linked"
ln "$D/usr/share/hello/table" "$D/usr/share/hello/again"
ln -s hello "$D/usr/bin/symbolic"
id=$(build_id_of "$D/usr/bin/hello") size=$(stat -c %s "$D/usr/bin/hello")
lib=$(build_id_of "$D/usr/lib/libhello.so.1.2") lib_size=$(stat -c %s "$D/usr/lib/libhello.so.1.2")
elf() { printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0]] }' "$@"; }
data() { printf '{ "path": "%s", "size": %s, "digest": "%s", "pages": [[0, 1, 1, 0]] }' "$@"; }
table() { printf '{ "path": "/usr/share/hello/%s", "size": 5, "digest": "xxh3-128:%s", "pages": [] }' "$@"; }
digest=3e29596d3a5545aae26324780e945ea2

ELFS="$(elf /usr/bin/hello "$id" "$size"), $(elf /usr/bin/linked "$id" "$size"),
	$(elf /usr/lib/libhello.so.1.2 "$lib" "$lib_size"), $(elf /usr/lib/libc.so.6 00 4096)"
profile good.json /usr/bin/hello "$ELFS, $(elf /usr/lib/hello/part.o 11223344 "$(stat -c %s "$D/usr/lib/hello/part.o")"), $(table table $digest), $(table again $digest)"
profile elfs.json /usr/bin/hello "$ELFS"
profile bad.json /usr/bin/hello "$(elf /usr/bin/hello 00ff "$size"), $(elf /usr/lib/libhello.so.1.1 00 4096),
	$(elf /usr/bin/symbolic "$id" "$size"), $(table table 00), $(elf /usr/lib/libc.so.6 00 4096),
	$(data /usr/share/hello/random 99999 xxh3-128:00)"
good_says="good.json: matches: /usr/bin/hello
good.json: matches: /usr/bin/linked
good.json: matches: /usr/lib/hello/part.o
good.json: matches: /usr/lib/libhello.so.1.2
good.json: matches: /usr/share/hello/again
good.json: matches: /usr/share/hello/table
good.json: 6 matches, 1 elsewhere"
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

# Offsets all over the file. In an rpm's lead and in the header with its signatures a flip is no
# damage to what is packed; behind them everything has a digest.
cat >damage.py <<'EOF'
import random, struct, subprocess, sys
kind, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = open(name, "rb").read()
random.seed(name)
n, start = len(data), 0
if kind == "flip" and name.endswith(".rpm"):
    entries, size = struct.unpack(">II", data[104:112])
    start = 112 + 16 * entries + size
    start += -start % 8
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
