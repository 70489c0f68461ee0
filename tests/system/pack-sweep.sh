#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A pack for a rotating disk is one sweep: on a real ext4 of its own, with files written in
# another order than their names and interleaved with each other, the extents of the pack
# ascend on the device, as FIEMAP asked by somebody else says.
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip "sweep" "needs root"
	finish
fi
[ "${SWEEP_NS:-}" ] || { rm -rf "$TMP"; SWEEP_NS=1 exec unshare -m --propagation private "$0" "$@"; }
R=$TMP/root P=$TMP/root/usr/share/elfcast/profiles.d
mkdir -p "$R"
trap 'umount "$R" 2>/dev/null; rm -rf "$TMP"' EXIT
truncate -s 64M "$TMP/image"
if ! mkfs.ext4 -q -F "$TMP/image" || ! mount -o loop "$TMP/image" "$R"; then
	skip "sweep" "no ext4 on a loop device"
	finish
fi
mkdir -p "$P" "$R/usr/lib" "$R/usr/bin"
touch "$R/usr/bin/p0" "$R/usr/bin/p1" # programs that are not there are in no pack

# Each file in eight pieces of eight pages, the last name first; fsync places each piece.
python3 - "$R" <<'EOF'
import json, os, sys
root = sys.argv[1]
names = ["/usr/lib/f%d" % i for i in range(6)]
files = {n: os.open(root + n, os.O_CREAT | os.O_RDWR) for n in names}
for piece in range(8):
    for n in reversed(names):
        os.pwrite(files[n], b"x" * 32768, piece * 32768)
        os.fsync(files[n])
for i, wanted in enumerate((names[:4], names[2:])):
    json.dump({"elfcast": 1, "program": "/usr/bin/p%d" % i, "arch": "x86_64",
               "trained": {"runs": 1, "window_ms": 4000, "method": "uffd", "kernel": "6"},
               "objects": [{"path": n, "size": 8 * 32768, "pages": [[i, 40 + i, 1, 3]]}
                           for n in wanted]},
              open("%s/usr/share/elfcast/profiles.d/v.p%d.json" % (root, i), "w"))
EOF

# positions: "N extents, M places, K steps back" of the pack, asked page by page
positions() {
	python3 - "$R" "$R/var/lib/elfcast/boot.pack" <<'EOF'
import fcntl, os, struct, sys
root, data = sys.argv[1], open(sys.argv[2], "rb").read()
n_launches, n_objects, n_extents = struct.unpack_from("<III", data, 32)
objects = 64 + 32 * n_launches
extents = objects + 84 * n_objects
strings = extents + 20 * n_extents
def path(i):
    start = strings + struct.unpack_from("<I", data, objects + 84 * i)[0]
    return data[start:data.index(b"\0", start)].decode()
def place(fd, page):
    q = bytearray(struct.pack("=QQLLLL", page * 4096, 4096, 0, 0, 1, 0) + bytes(56))
    fcntl.ioctl(fd, 0xC020660B, q)
    logical, physical = struct.unpack_from("=QQ", q, 32)
    return physical + page * 4096 - logical
fds = [os.open(root + path(i), os.O_RDONLY) for i in range(n_objects)]
last, back, pages = -1, 0, 0
for i in range(n_extents):
    o, first, n = struct.unpack_from("<III", data, extents + 20 * i)
    for page in range(first, first + n):
        now = place(fds[o], page)
        back += now <= last
        last = now
        pages += 1
print("%d pages, %d steps back" % (pages, back), "split" if n_extents > 2 * n_objects else "")
EOF
}

status "compile" 0 elfcast compile --quiet --root="$R" --storage=rotational
# p0 needs pages 0-39 of f0-f3, p1 pages 1-41 of f2-f5: 2 * 40 + 2 * 42 + 2 * 41.
same "every page once, upwards, in pieces as the files are" "246 pages, 0 steps back split" "$(positions)"
status "as flash" 0 elfcast compile --quiet --root="$R" --storage=flash
check "that is no accident: by rank there are steps back" \
	test "$(positions | sed 's/.*, \([0-9]*\) steps.*/\1/')" -gt 3
finish
