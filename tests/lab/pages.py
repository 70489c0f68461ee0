#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was read, and what it would have taken to read just what is needed.

Usage: pages.py read ROOT NEEDED READ       pages read, pages needed, and both, as JSON
       pages.py best ROOT NEEDED DISK MODEL [MOUNTED METADATA]
                                            the best time for the needed pages there, and for them
                                            and the metadata together, as JSON
       pages.py device DEVICE               its own pages that are cached: "first count" lines
NEEDED and READ are lab-mincore's output for ROOT; MOUNTED and METADATA those of the device before
and after the launch: what is in the second alone was read for it. Files are told apart by inode: hard links
have several names. `best` knows where pages lie by FIEMAP; compressed images do not say.
"""
import array
import ctypes
import errno
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
SYS_CACHESTAT = 451  # on every processor


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


def cached_runs(fd, first, count):
    """
    (first page, pages) of FD, by cachestat(2) (Linux 6.5). To mincore(2) a block that ext4 has read is not
    there: its buffer is up to date, and its folio does not say so.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    stat = (ctypes.c_uint64 * 5)()
    where = (ctypes.c_uint64 * 2)(first * disks.PAGE, count * disks.PAGE)
    if libc.syscall(SYS_CACHESTAT, fd, where, stat, 0) < 0:
        raise OSError(ctypes.get_errno(), "cachestat")
    if stat[0] == count:
        yield first, count
    elif stat[0]:
        yield from cached_runs(fd, first, count // 2)
        yield from cached_runs(fd, first + count // 2, count - count // 2)


def print_device(path):
    """Nothing, where the kernel does not tell."""
    with open(path, "rb") as f:
        try:
            for first, count in cached_runs(f.fileno(), 0, f.seek(0, os.SEEK_END) // disks.PAGE):
                print(first, count)
        except OSError as e:
            if e.errno != errno.ENOSYS:
                raise


def device_pages(path):
    pages = set()
    with open(path, encoding="ascii") as f:
        for first, count in map(str.split, f):
            pages.update(range(int(first), int(first) + int(count)))
    return pages


def best(root, needed_path, disk_path, model, mounted_path=None, metadata_path=None):
    data = disk_pages_of(root, read_pages(root, needed_path))
    extents = extents_of(data)
    disk_pages = os.stat(disk_path).st_size // disks.PAGE
    found = {
        "best_us": round(disks.best_time_s(model, extents, disk_pages) * 1e6),
        "needed_extents": len(extents),
        "needed_pages": sum(n for _, n in extents),
    }
    if metadata_path:
        metadata = device_pages(metadata_path) - device_pages(mounted_path)
        found["metadata_pages"] = len(metadata)
        found["best_all_us"] = round(disks.best_time_s(model, extents_of(data | metadata), disk_pages) * 1e6)
    return found


def main():
    what, *arguments = sys.argv[1:]
    if what == "device":
        print_device(*arguments)
        return
    print(json.dumps({"read": compare, "best": best}[what](*arguments))[1:-1])


if __name__ == "__main__":
    main()
