# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Profiles of a collection (elfcast-profile(5)): canonical text, what two recordings differ by,
builds of several suites in one profile, and what belongs to one machine only.
"""
import json
import re

# ---- one canonical text: the one that elfcast writes ----


def _text(s):
    out = []
    for c in s:
        if c in '"\\':
            out.append("\\" + c)
        elif c < " ":
            out.append(f"\\u{ord(c):04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _joined_runs(pages):
    joined = []
    for first, count, runs, when in pages:
        if joined and joined[-1][0] + joined[-1][1] == first and joined[-1][2:] == [runs, when]:
            joined[-1][1] += count
        else:
            joined.append([first, count, runs, when])
    return joined


KNOWN = ("elfcast", "program", "scenario", "arch", "trained", "objects", "lookups")
KNOWN_TRAINED = ("runs", "without_lookups", "window_ms", "method", "kernel")
KNOWN_OBJECT = ("path", "build_id", "size", "digest", "pages", "fingerprint", "ran",
                "retargeted_from", "confidence")


def _extra(value, known, before):
    return "".join(f",{before}{_text(k)}: {_compact(value[k])}"
                   for k in sorted(set(value) - set(known), key=str.encode))


def _pages_text(pages):
    runs = _joined_runs(pages)
    if not runs:
        return "[]"
    return "[\n\t\t\t\t" + ",\n\t\t\t\t".join(str(r) for r in runs) + "\n\t\t\t]"


def _object_text(o):
    lines = [f'"path": {_text(o["path"])}']
    if "build_id" in o:
        lines.append(f'"build_id": "{o["build_id"]}"')
    lines.append(f'"size": {o["size"]}')
    if "digest" in o:
        lines.append(f'"digest": "{o["digest"]}"')
    lines.append(f'"pages": {_pages_text(o["pages"])}')
    if "fingerprint" in o:
        lines.append(f'"fingerprint": "{o["fingerprint"]}"')
    if "ran" in o:
        lines.append(f'"ran": "{o["ran"]}"')
    if "retargeted_from" in o:
        lines.append(f'"retargeted_from": "{o["retargeted_from"]}"')
        lines.append(f'"confidence": {o.get("confidence", 0)}')
    return ("\n\t\t{\n\t\t\t" + ",\n\t\t\t".join(lines) +
            _extra(o, KNOWN_OBJECT, "\n\t\t\t") + "\n\t\t}")


def _lookup_text(directory):
    path, listed, *groups = directory
    names = sorted(((-g[0], n.encode(), n) for g in groups for n in g[1:]))
    out, runs = f"[{_text(path)}, {listed}", None
    for r, _, name in names:
        if r != runs:
            out += f"{']' if runs else ''}, [{-r}"
            runs = r
        out += f", {_text(name)}"
    return out + ("]" if runs else "") + "]"


def _object_key(o):
    return o["path"].encode(), bytes.fromhex(o.get("build_id", "")), o["size"]


def canonical(p):
    """The text of a profile, as bytes."""
    t = p["trained"]
    objects = sorted(p["objects"], key=_object_key)
    lookups = sorted(p.get("lookups", []), key=lambda d: d[0].encode())
    without = f', "without_lookups": {t["without_lookups"]}' if t.get("without_lookups") else ""
    out = (f'{{\n\t"elfcast": 1,\n\t"program": {_text(p["program"])}'
           f',\n\t"scenario": {_text(p.get("scenario", "default"))},\n\t"arch": {_text(p["arch"])}'
           f',\n\t"trained": {{ "runs": {t["runs"]}{without}, "window_ms": {t["window_ms"]}'
           f', "method": {_text(t["method"])}, "kernel": {_text(t["kernel"])}'
           f'{_extra(t, KNOWN_TRAINED, " ")} }},\n\t"objects": [')
    out += ",".join(map(_object_text, objects)) + ("\n\t]" if objects else "]")
    if lookups:
        out += ',\n\t"lookups": [\n\t\t' + ",\n\t\t".join(map(_lookup_text, lookups)) + "\n\t]"
    return (out + _extra(p, KNOWN, "\n\t") + "\n}\n").encode()


def dense(p):
    """The same without white space, an object or a directory a line: what a collection keeps."""
    def head(keys):
        return ",".join(f"{_text(k)}:{_compact(p[k])}" for k in keys if k in p)

    objects = [dict(o, pages=_joined_runs(o["pages"])) for o in sorted(p["objects"], key=_object_key)]
    lines = [_compact({k: o[k] for k in (*KNOWN_OBJECT, *sorted(set(o) - set(KNOWN_OBJECT))) if k in o})
             for o in objects]
    out = "{" + head(KNOWN[:5]) + ',"objects":[\n' + ",\n".join(lines) + "\n]"
    lookups = sorted(p.get("lookups", []), key=lambda d: d[0].encode())
    if lookups:
        out += ',"lookups":[\n' + ",\n".join(_compact(json.loads(_lookup_text(d))) for d in lookups) + "\n]"
    extra = head(sorted(set(p) - set(KNOWN)))
    return (out + ("," + extra if extra else "") + "}\n").encode()


# ---- page sets ----


def n_pages(p):
    return sum(r[1] for o in p["objects"] for r in o["pages"])


def _page_set(p, likely):
    runs = p["trained"]["runs"]
    return {(_object_key(o), pgno) for o in p["objects"] for first, count, n, _ in o["pages"]
            if not likely or 2 * n >= runs for pgno in range(first, first + count)}


def difference(a, b, likely=False):
    """Which share of the pages of either only one of them has; LIKELY: needed in half of the runs."""
    in_a, in_b = _page_set(a, likely), _page_set(b, likely)
    return len(in_a ^ in_b) / max(1, len(in_a | in_b))


# ---- several builds in one ----


def _join_pages(a, b):
    pages = {}
    for first, count, runs, when in a + b:
        for pgno in range(first, first + count):
            had = pages.get(pgno, (0, when))
            pages[pgno] = (max(runs, had[0]), min(when, had[1]))
    return _joined_runs([pgno, 1, *pages[pgno]] for pgno in sorted(pages))


def _join_objects(a, b):
    o = dict(a, pages=_join_pages(a["pages"], b["pages"]))
    o.pop("ran", None)  # of one of the fingerprints
    for key in ("digest", "fingerprint"):
        values = [x[key] for x in (a, b) if key in x]
        if values:
            o[key] = min(values, key=lambda v: (-len(v), v))
    ran = [x["ran"] for x in (a, b) if "ran" in x and x.get("fingerprint") == o.get("fingerprint")]
    if ran:
        o["ran"] = min(ran)
    return o


def _lookups_of(p, runs):
    """Where RUNS tell what they look up: what all runs of P did look up, all of those would."""
    def of(n):
        return runs if n == runs_with_lookups(p) else n

    return [[path, of(listed), *([of(g[0]), *g[1:]] for g in groups)]
            for path, listed, *groups in p.get("lookups", [])]


def _join_lookups(a, b):
    directories = {}
    for path, listed, *groups in a + b:
        had = directories.setdefault(path, [0, {}])
        had[0] = max(had[0], listed)
        for runs, *names in groups:
            for name in names:
                had[1][name] = max(runs, had[1].get(name, 0))
    return [[path, listed, *([runs, name] for name, runs in names.items())]
            for path, (listed, names) in directories.items()]


def runs_with_lookups(p):
    return p["trained"]["runs"] - p["trained"].get("without_lookups", 0)


def join(a, b):
    """
    One profile for machines that have the builds of A and machines that have those of B. No
    merging as of evidence, where runs are added: of the launches of a machine that has one
    build none can need the other, and so each build's pages would seem rare.
    """
    for key in ("program", "scenario", "arch"):
        if a[key] != b[key]:
            raise ValueError(f"{key} '{a[key]}' and '{b[key]}'")
    ta, tb = a["trained"], b["trained"]
    objects = {_object_key(o): o for o in a["objects"]}
    for o in b["objects"]:
        key = _object_key(o)
        objects[key] = _join_objects(objects[key], o) if key in objects else o
    runs, telling = max(ta["runs"], tb["runs"]), max(map(runs_with_lookups, (a, b)))
    return dict(a, trained={"runs": runs, **({"without_lookups": runs - telling} if telling < runs else {}),
                            "window_ms": max(ta["window_ms"], tb["window_ms"]),
                            "method": min(ta["method"], tb["method"]),
                            "kernel": min(ta["kernel"], tb["kernel"])},
                objects=list(objects.values()),
                lookups=_join_lookups(_lookups_of(a, telling), _lookups_of(b, telling)))


# ---- what is of one machine only ----

# Content or names differ from machine to machine, or are nobody's business.
PRIVATE = re.compile(
    r"/(home|root|tmp|run|dev|proc|sys|mnt|media|srv|lost\+found|usr/local"
    r"|var/(cache|log|spool|tmp|backups|mail|local|run|lib)"
    r"|etc/(machine-id|hostname|hosts|resolv\.conf|mtab|fstab|adjtime|timezone|localtime|\.updated"
    r"|shadow-?|gshadow-?|subuid-?|subgid-?|ssh/ssh_host_[^/]*|ssl/private|ssl/certs/ssl-cert-.*"
    r"|NetworkManager/system-connections|sudoers\.d/[^/]*train[^/]*))(/|\Z)")
# Below them, what packages make in the same way everywhere.
PUBLIC = re.compile(r"/var/lib/texmf(/|\Z)")
# The kernel's name for a machine, a boot, a partition, a random file.
IDENTIFIER = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
KERNEL = re.compile(r"\d+\.\d+(\.\d+)?\Z")
# Which names belong to the machine that trained: the users of make-collection.
TRAINER = re.compile(r"elfcast-trainer|\btrain\d+\b")


def is_private(path):
    return bool(PRIVATE.match(path)) and not PUBLIC.match(path)


def _names_one(text):
    return bool(IDENTIFIER.search(text) or TRAINER.search(text))


def lint(p, machine_words=()):
    """What in a profile belongs to one machine only: a list of texts."""
    bad = []

    def look(path, what):
        if is_private(path):
            bad.append(f"{what} '{path}' is of one machine only")
        elif _names_one(path) or any(w in path for w in machine_words):
            bad.append(f"{what} '{path}' names one machine")

    look(p["program"], "program")
    if not KERNEL.match(p["trained"]["kernel"]):
        bad.append(f"kernel '{p['trained']['kernel']}' is more than a version")
    for o in p["objects"]:
        look(o["path"], "object")
    for directory, _, *groups in p.get("lookups", []):
        look(directory, "directory")
        for group in groups:
            for name in group[1:]:
                if _names_one(name) or any(w in name for w in machine_words):
                    bad.append(f"name '{name}' in '{directory}' names one machine")
    return bad


def scrub(p, is_shipped, machine_words=()):
    """
    P without what belongs to the machine on which it was trained. IS_SHIPPED(path): a package
    has the file. What package scripts generate stays, where it is at the same place everywhere,
    without a digest: its content may be another one. New.
    """
    objects = []
    for o in p["objects"]:
        if is_private(o["path"]) or _names_one(o["path"]) or \
                any(w in o["path"] for w in machine_words):
            continue
        if not is_shipped(o["path"]):
            o = {k: v for k, v in o.items() if k != "digest"}
        objects.append(o)
    lookups = []
    for path, listed, *groups in p.get("lookups", []):
        if is_private(path) or _names_one(path):
            continue
        groups = [[g[0], *(n for n in g[1:] if not _names_one(n) and
                           not any(w in n for w in machine_words))] for g in groups]
        groups = [g for g in groups if len(g) > 1]
        if listed or groups:
            lookups.append([path, listed, *groups])
    version = re.match(r"\d+\.\d+(\.\d+)?", p["trained"]["kernel"])
    trained = dict(p["trained"], kernel=version.group() if version else "0.0")
    return dict(p, trained=trained, objects=objects, lookups=lookups)


# Two pages side by side of which one was touched up to so many buckets (1.25^3: twice the time)
# after the other are one run: they are read by one request anyway.
SAME_WHEN = 3


def _coarse_runs(pages):
    joined = []
    for first, count, runs, when in pages:
        last = joined[-1] if joined else None
        if last and last[0] + last[1] == first and last[2] == runs and \
                abs(last[3] - when) <= SAME_WHEN:
            last[1] += count
            last[3] = min(last[3], when)
        else:
            joined.append([first, count, runs, when])
    return joined


def compact(p):
    """P without what only checking tools look at, digests, and with longer page runs. New."""
    return dict(p, objects=[{**{k: v for k, v in o.items() if k != "digest"},
                             "pages": _coarse_runs(o["pages"])} for o in p["objects"]])


def without_fingerprints(p):
    return dict(p, objects=[{k: v for k, v in o.items() if k not in ("fingerprint", "ran")}
                            for o in p["objects"]])


def file_name(p, source="elfcast"):
    """As "train --install" names it."""
    word = re.sub(r"^/(usr/)?s?bin/", "", p["program"]).lstrip("/")
    if p["scenario"] != "default":
        word += "." + p["scenario"]
    return f"{source}.{re.sub('[^!-.0-~]', '-', word)}.json"
