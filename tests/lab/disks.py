# SPDX-License-Identifier: LGPL-2.1-or-later
"""The models of slowdisk.c once more, for what no reader can beat: the best time to read
a set of blocks.
"""
import math

PAGE = 4096
HDD_SEEK_MIN, HDD_SEEK_MAX, HDD_HALF_TURN = 1e-3, 15e-3, 4.17e-3  # seconds
HDD_BYTES_PER_S = 120e6
MAX_GROUP = 64  # extents looked back over; longer requests change nothing any more


def _served(extents, op_s, bytes_per_s):
    """One server: a request takes max(1/IOPS, bytes/bandwidth). Extents may be joined with
    what lies between; best[i] is the least time for the first i of them."""
    best = [0.0]
    for i in range(len(extents)):
        end = extents[i][0] + extents[i][1]
        best.append(min(
            best[j] + max(op_s, (end - extents[j][0]) * PAGE / bytes_per_s)
            for j in range(max(0, i + 1 - MAX_GROUP), i + 1)))
    return best[-1]


def _hdd(extents, disk_pages):
    """One sweep upwards; the head comes from anywhere, so the first seek is the shortest."""
    time_s, head = HDD_SEEK_MIN + HDD_HALF_TURN, None
    for first, count in extents:
        if head is not None:
            way = first - head
            seek = (HDD_SEEK_MIN + HDD_HALF_TURN
                    + (HDD_SEEK_MAX - HDD_SEEK_MIN) * math.sqrt(way / disk_pages))
            time_s += min(way * PAGE / HDD_BYTES_PER_S, seek)
        time_s += count * PAGE / HDD_BYTES_PER_S
        head = first + count
    return time_s


def best_time_s(model, extents, disk_pages):
    """EXTENTS: (first page on the disk, pages), sorted, disjoint and not adjacent."""
    if not extents or model in ("ram", "plain"):
        return 0.0
    if model == "hdd":
        return _hdd(extents, disk_pages)
    kind, *numbers = model.split(":")
    *latency_us, iops, mbps = map(float, numbers)
    waited = latency_us[0] * 1e-6 if kind == "net" else 0.0
    return waited + _served(extents, 1 / iops, mbps * 1e6)
