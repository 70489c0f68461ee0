#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was read, and what it would have taken to read just what is needed.

Usage: pages.py read ROOT NEEDED READ       pages read, pages needed, and both, as JSON
       pages.py best ROOT NEEDED DISK MODEL the best time for the needed pages there, as JSON
NEEDED and READ are lab-mincore's output for ROOT. Files are told apart by inode: hard links
have several names. `best` knows where pages lie by FIEMAP; compressed images do not say.
"""
import array
import fcntl
import json
import os
import struct
import sys

import disks

FS_IOC_FIEMAP = 0xC020660B
FIEMAP_HEAD, FIEMAP_EXTENT = "=QQIIII", "=QQQQQIIII"
FIEMAP_EXTENT_LAST, FIEMAP_UNKNOWN_OR_INLINE = 0x1, 0x2 | 0x8 | 0x200
EXTENTS_AT_ONCE = 256


def read_pages(root, path):
    """{inode: (a name, set of pages)}"""
    files = {}
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            first, count, name = line.rstrip("\n").split(" ", 2)
            try:
                inode = os.lstat(root + name).st_ino
            except OSError:
                inode = name
            pages = files.setdefault(inode, (name, set()))[1]
            pages.update(range(int(first), int(first) + int(count)))
    return files


def compare(root, needed_path, read_path):
    needed, read = read_pages(root, needed_path), read_pages(root, read_path)
    both = sum(len(pages & needed[i][1]) for i, (_, pages) in read.items() if i in needed)
    return {
        "needed_pages": sum(len(pages) for _, pages in needed.values()),
        "read_pages": sum(len(pages) for _, pages in read.values()),
        "both_pages": both,
    }


def fiemap(fd, bytes_end):
    """(logical, physical, bytes) of each extent that lies on the disk by itself."""
    start = 0
    while start < bytes_end:
        request = array.array("B", struct.pack(FIEMAP_HEAD, start, bytes_end - start, 0, 0,
                                               EXTENTS_AT_ONCE, 0))
        request.extend(bytes(EXTENTS_AT_ONCE * struct.calcsize(FIEMAP_EXTENT)))
        fcntl.ioctl(fd, FS_IOC_FIEMAP, request)
        n = struct.unpack_from(FIEMAP_HEAD, request)[3]
        if n == 0:
            return
        for i in range(n):
            logical, physical, length, _, _, flags, *_ = struct.unpack_from(
                FIEMAP_EXTENT, request,
                struct.calcsize(FIEMAP_HEAD) + i * struct.calcsize(FIEMAP_EXTENT))
            if not flags & FIEMAP_UNKNOWN_OR_INLINE:
                yield logical, physical, length
            start = logical + length
            if flags & FIEMAP_EXTENT_LAST:
                return


def disk_pages_of(root, needed):
    out = set()
    for name, pages in needed.values():
        fd = os.open(root + name, os.O_RDONLY)
        try:
            for logical, physical, length in fiemap(fd, os.fstat(fd).st_size):
                first, count = logical // disks.PAGE, -(-length // disks.PAGE)
                out.update(p - first + physical // disks.PAGE
                           for p in pages if first <= p < first + count)
        finally:
            os.close(fd)
    return out


def extents_of(pages):
    out = []
    for p in sorted(pages):
        if out and out[-1][0] + out[-1][1] == p:
            out[-1][1] += 1
        else:
            out.append([p, 1])
    return out


def best(root, needed_path, disk_path, model):
    needed = read_pages(root, needed_path)
    extents = extents_of(disk_pages_of(root, needed))
    disk_pages = os.stat(disk_path).st_size // disks.PAGE
    return {
        "best_us": round(disks.best_time_s(model, extents, disk_pages) * 1e6),
        "needed_extents": len(extents),
        "needed_pages": sum(n for _, n in extents),
    }


def main():
    what, *arguments = sys.argv[1:]
    print(json.dumps({"read": compare, "best": best}[what](*arguments))[1:-1])


if __name__ == "__main__":
    main()
