#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# For bench-retarget.sh:
#   retarget-score.py strip ROOT DIR        profiles in DIR name files as they are called in ROOT
#   retarget-score.py score OLD NEW WORK    WORK/retargeted against WORK/new, trained
import collections
import glob
import json
import os
import re
import struct
import sys

PAGE = 4096
KINDS = "code rodata relocated tables unwind other".split()


def strip(root, directory):
    for path in glob.glob(directory + "/*.json"):
        with open(path) as f:
            profile = json.load(f)
        profile["objects"] = [o for o in profile["objects"] if o["path"].startswith(root + "/")
                              and not o["path"].startswith(root + "/srv/work/")]
        for o in profile["objects"]:
            o["path"] = o["path"][len(root):]
        profile.pop("lookups", None)
        with open(path, "w") as f:
            json.dump(profile, f)


def sections(path, cache={}):
    """(offset, size, kind, name) of what is loaded of a 64-bit little-endian file."""
    if path not in cache:
        with open(path, "rb") as f:
            data = f.read()
        offset, = struct.unpack_from("<Q", data, 40)
        size, n, names = struct.unpack_from("<HHH", data, 58)
        headers = [struct.unpack_from("<IIQQQQ", data, offset + i * size) for i in range(n)]
        cache[path] = []
        for name, kind, flags, _, off, length in headers:
            start = headers[names][4] + name
            name = data[start:data.index(b"\0", start)].decode()
            if not flags & 2 or kind == 8 or length == 0:
                continue
            cache[path].append((off, length, kind_of(name, flags), name))
        cache[path].sort()
    return cache[path]


def kind_of(name, flags):
    if flags & 4:
        return "code"
    if flags & 1:
        return "relocated"
    if name.startswith((".eh_frame", ".gcc_except")):
        return "unwind"
    return "rodata" if name.startswith(".rodata") else "tables"


def page_kind(secs, page):
    n = collections.Counter()
    for off, size, kind, _ in secs:
        n[kind] += max(0, min(off + size, (page + 1) * PAGE) - max(off, page * PAGE))
    kind, most = n.most_common(1)[0] if n else ("other", 0)
    return kind if most else "other"


def pages(o):
    return {p for first, n, *_ in o["pages"] for p in range(first, first + n)}


def scaled(old_pages, old, new):
    """Where pages are when each section has grown evenly: those covered to 30 percent."""
    places = {}
    for off, size, _, name in new:
        places.setdefault(name, (off, size))
    covered = collections.Counter()
    for p in old_pages:
        for off, size, _, name in old:
            a, b = max(off, p * PAGE), min(off + size, (p + 1) * PAGE)
            if a >= b or name not in places:
                continue
            to, to_size = places[name]
            x, end = to + (a - off) * to_size // size, to + (b - off) * to_size // size
            while x < end:
                stop = min((x // PAGE + 1) * PAGE, end)
                covered[x // PAGE] += stop - x
                x = stop
    return {p for p, n in covered.items() if n >= 0.3 * PAGE} | ({0} & old_pages)


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {o["path"]: o for o in json.load(f)["objects"] if "build_id" in o}


def like(path):
    return re.sub(r"[0-9.]+", "#", path)


class Score:
    def __init__(self):
        self.counts = collections.Counter()  # (method, kind, hits | taken | needed)
        self.files, self.pairs = set(), []

    def add(self, method, secs, taken, needed):
        for p in taken:
            kind = page_kind(secs, p)
            self.counts[method, kind, "taken"] += 1
            self.counts[method, kind, "hits"] += p in needed
        for p in needed:
            self.counts[method, page_kind(secs, p), "needed"] += 1

    def ratios(self, method, kinds):
        hits, taken, needed = (sum(self.counts[method, k, what] for k in kinds)
                               for what in ("hits", "taken", "needed"))
        return "%5.1f/%5.1f" % (100 * hits / max(needed, 1), 100 * hits / max(taken, 1)), needed

    def print(self):
        print("%d files of another build, in %d launches' objects; recall/precision in percent" %
              (len(self.files), len(self.pairs)))
        print("%-11s %-12s" % ("", "all") + " ".join("%-12s" % k for k in KINDS))
        for method in ("stale", "scaled", "retargeted"):
            print("%-11s " % method + " ".join("%-12s" % self.ratios(method, kinds)[0]
                                               for kinds in [KINDS] + [[k] for k in KINDS]))
        print("%-11s " % "needed" + " ".join("%-12d" % self.ratios("stale", kinds)[1]
                                             for kinds in [KINDS] + [[k] for k in KINDS]))
        sure = [(c, h / n, n) for c, h, n in self.pairs if c is not None and n]
        total = sum(n for *_, n in sure)
        if total:
            print("confidence: %.1f percent expected, %.1f came true; of objects with 15 pages and more "
                  "the mean error is %.1f" %
                  (100 * sum(c * n for c, _, n in sure) / total,
                   100 * sum(p * n for _, p, n in sure) / total,
                   100 * sum(abs(c - p) for c, p, n in sure if n >= 15) /
                   max(1, sum(n >= 15 for *_, n in sure))))
        print("not retargeted: %d of %d objects" % (sum(c is None for c, *_ in self.pairs), len(self.pairs)))


def score(old_root, new_root, work):
    s = Score()
    for path in sorted(glob.glob(work + "/new/*.json")):
        name = os.path.basename(path)
        retargeted, old = load(f"{work}/retargeted/{name}"), load(f"{work}/old/{name}")
        alike = {like(p): o for p, o in old.items()}
        for p, o in load(path).items():
            before = old.get(p, alike.get(like(p)))
            if not before or before["build_id"] == o["build_id"]:
                continue
            secs, needed = sections(new_root + p), pages(o)
            taken = pages(retargeted[p]) if p in retargeted else set()
            stale = {x for x in pages(before) if x * PAGE < o["size"]}
            s.files.add(p)
            s.add("retargeted", secs, taken, needed)
            s.add("stale", secs, stale, needed)
            s.add("scaled", secs, scaled(pages(before), sections(old_root + before["path"]), secs), needed)
            sure = retargeted[p].get("confidence", 100) / 100 if p in retargeted else None
            s.pairs.append((sure, len(taken & needed), len(taken)))
            if os.environ.get("DETAIL"):
                print("%-12s %-64s needed %5d recall %5.1f precision %5.1f sure %s" %
                      (name, p, len(needed), 100 * len(taken & needed) / max(1, len(needed)),
                       100 * len(taken & needed) / max(1, len(taken)), sure))
    s.print()


{"strip": strip, "score": score}[sys.argv[1]](*sys.argv[2:])
