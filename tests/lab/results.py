#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows that `make bench` measured as results.json, table.md and plot.svg.

Usage: results.py DIR       reads DIR/rows/*.jsonl, writes into DIR, prints the table
       results.py --check DIR OTHER    rows of OTHER within 10 % of those of DIR, as TAP;
                           both have results.json; exits 1 when one is not, or none is there
       results.py --short DIR          the table of the project's README
"""
import json
import os
import random
import statistics
import sys

import plot

MODES = ("cold", "huge", "whole", "stale", "other", "together", "before", "warm")
LABELS = {
    "cold": "cold",
    "huge": "cold, 4 MiB",
    "whole": "whole files",
    "stale": "stale",
    "other": "other's",
    "together": "together",
    "before": "before",
    "warm": "warm",
}
KINDS = ("ext4", "xfs", "btrfs", "squashfs", "erofs")
DISKS = ("net", "sd", "hdd", "ram")
PROGRAMS = ("perl", "python3", "git", "gcc", "gdb", "vim", "node", "java", "chromium",
            "libreoffice")
OURS = ("stale", "together", "before")  # what elfcast does; of these is the verdict
THEIRS = ("huge", "whole", "other")  # the kernel, vmtouch, a wrong guess: shown beside
SLOWER = 1.02  # than plain cold: marked, when the whole interval lies above
AGAIN = ("cold", "together", "before")  # what a second run is held against
SAME = 0.10  # its medians differ by at most that
SAME_MS = 2.0  # or by that: below it is what starting a process varies by
ENOUGH = 3  # rounds to say anything about
RESAMPLES = 2000
PAGE = 4096


def load(directory):
    """[run lines], {(kind, storage, program): {mode: [launch lines]}, same for round 0}"""
    run, launches, pages = {}, {}, {}
    rows = os.path.join(directory, "rows")
    for name in sorted(os.listdir(rows)):
        if not name.endswith(".jsonl"):
            continue
        with open(os.path.join(rows, name), encoding="utf-8") as f:
            for line in f:
                r = json.loads(line)
                if r["mode"] == "run":
                    run = r
                    continue
                key = r["kind"], r["storage"], r["program"]
                if r["round"] == 0:
                    pages.setdefault(key, {})[r["mode"]] = r
                else:
                    launches.setdefault(key, {}).setdefault(r["mode"], []).append(r)
    return run, launches, pages


def place(names, name):
    return names.index(name) if name in names else len(names)


def order(key):
    kind, storage, program = key
    return (place(KINDS, kind), kind, place(DISKS, storage.split(":")[0]), storage,
            place(PROGRAMS, program), program)


def bandwidth(storage):
    if storage == "hdd":
        return 120e6
    return float(storage.split(":")[-1]) * 1e6 if ":" in storage else None


def interval(values):
    """95 % of the median, by bootstrap; the same for the same values."""
    if len(values) < ENOUGH:
        return [min(values), max(values)]
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(values, k=len(values)))
                     for _ in range(RESAMPLES))
    return [medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975)]]


def paired(cold, rows):
    """What a way takes as a share of plain cold in the same round: whatever else the machine
    did then, it did to both. Median and interval."""
    by_round = {r["round"]: r["wall_us"] for r in cold}
    shares = [r["wall_us"] / by_round[r["round"]] for r in rows if r["round"] in by_round]
    if len(shares) < ENOUGH:
        return None
    return {"share": round(statistics.median(shares), 4),
            "interval": [round(x, 4) for x in interval(shares)]}


def summarise_mode(rows):
    ms = [r["wall_us"] / 1000 for r in rows]
    # What was done before the launch is not part of it, but it is said.
    return {
        "ms": round(statistics.median(ms), 2),
        "ms_interval": [round(x, 2) for x in interval(ms)],
        "ms_all": [round(x, 2) for x in ms],
        "before_ms": round(statistics.median(r["before_us"] for r in rows) / 1000, 1),
        "disk_pages": statistics.median(r["pages"] for r in rows),
        "disk_requests": statistics.median(r["requests"] for r in rows),
        "majflt": statistics.median(r["majflt"] for r in rows),
        "minflt": statistics.median(r["minflt"] for r in rows),
        "prefetch_cpu_ms": round(
            statistics.median(r["companion_cpu_us"] for r in rows) / 1000, 1),
        "again": sum(r.get("tries", 1) > 1 for r in rows),
        "refaults": statistics.median(r.get("refaults", 0) for r in rows),
    }


def limit_ms(row, best, storage):
    """Nobody can be faster. Compressed images do not say where pages lie: what the disk
    gave for a prefetched launch, all at full bandwidth, is then the time to read it."""
    if best:
        read_ms = best["best_us"] / 1000
    elif "before" in row["modes"] and bandwidth(storage):
        read_ms = row["modes"]["before"]["disk_pages"] * PAGE / bandwidth(storage) * 1000
    else:
        return None, None
    warm = row["modes"].get("warm")
    return round(max(warm["ms"] if warm else 0, read_ms), 2), round(read_ms, 2)


def pages_of(read):
    return {
        mode: {
            "read": r["read_pages"],
            "precision": round(r["both_pages"] / r["read_pages"], 4) if r["read_pages"] else 0,
            "recall": round(r["both_pages"] / r["needed_pages"], 4),
        } for mode, r in read.items() if mode != "best"
    }


def command_of(key):
    kind, storage, program = key
    return f'make bench PROGRAMS="{program}" STORAGE="{storage}" KIND="{kind}"'


def is_slower(row, mode):
    """'yes', 'perhaps' (the interval reaches over the mark) or None."""
    share = row["of_cold"].get(mode)
    if not share or share["interval"][1] <= SLOWER or share["share"] <= 1:
        return None
    if share["interval"][0] > SLOWER:
        return "yes"
    return "perhaps" if share["share"] > SLOWER else None


def why_slower(row, mode):
    """In words, for a way that is slower than plain cold."""
    cold, now = row["modes"]["cold"], row["modes"][mode]
    more = now["disk_requests"] - cold["disk_requests"]
    if mode == "other":
        return ("a wrong guess: the launch waits for the disk behind"
                f" {now['disk_pages'] - cold['disk_pages']:.0f} pages that it does not need")
    if mode in ("huge", "whole"):
        return (f"the disk gives {now['disk_pages'] / max(cold['disk_pages'], 1):.1f} times the"
                " pages of plain cold")
    if row["storage"] == "ram":
        return (f"the disk takes no time that could be saved, and elfcast takes"
                f" {now['prefetch_cpu_ms']:.1f} ms of processor time beside the launch")
    what = "to read the shadow and see that no file is what it was" if mode == "stale" else \
        "to read the shadow and look at the files"
    took = [f"takes {more:.0f} more requests of the disk"] if more > 0 else []
    if row["storage"] == "hdd":
        took.append("moves its arm there and back" if took else "moves the arm there and back")
    return f"{what} {' and '.join(took) or 'comes between the requests of the launch'}"


def summarise(launches, pages):
    rows = []
    for key in sorted(launches, key=order):
        modes = launches[key]
        read = pages.get(key, {})
        row = {
            "kind": key[0], "storage": key[1], "program": key[2],
            "launch": next(iter(modes.values()))[0]["command"],
            "reproduce": command_of(key),
            "rounds": max(len(r) for r in modes.values()),
            "modes": {m: summarise_mode(modes[m]) for m in MODES if m in modes},
            "pages": pages_of(read),
        }
        row["needed_pages"] = next((r["needed_pages"] for r in read.values()
                                    if "needed_pages" in r), None)
        row["limit_ms"], row["best_read_ms"] = limit_ms(row, read.get("best"), key[1])
        shares = {m: paired(modes["cold"], modes[m]) for m in OURS + THEIRS
                  if m in modes and "cold" in modes}
        row["of_cold"] = {m: share for m, share in shares.items() if share}
        row["slower"] = {m: why_slower(row, m) for m in row["of_cold"]
                         if is_slower(row, m) == "yes"}
        rows.append(row)
    return rows


# ---- the table ----

def number(x):
    return f"{x:.0f}" if x >= 20 else f"{x:.1f}"


def cell(row, mode):
    if mode not in row["modes"]:
        return "-"
    m = row["modes"][mode]
    text = number(m["ms"]) + (" (!)" if mode in row.get("slower", {}) else "")
    return text + (f" (+{number(m['before_ms'])})" if mode in ("whole", "before") else "")


def ratio(row, mode, to_ms):
    if mode not in row["modes"] or not to_ms:
        return "-"
    return f"{row['modes'][mode]['ms'] / to_ms:.2f}"


def print_aligned(rows, out):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for n, r in enumerate(rows):
        cells = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
        out.append("| " + " | ".join(cells) + " |")
        if n == 0:
            out.append("|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":"
                                      for i, w in enumerate(widths)) + "|")


def groups_of(rows):
    groups = {}
    for row in rows:
        groups.setdefault((row["kind"], row["storage"]), []).append(row)
    return groups


def times_table(rows, out):
    modes = [m for m in MODES if any(m in r["modes"] for r in rows)]
    lines = [["program"] + [LABELS[m] for m in modes]
             + ["limit", "together/limit", "before/warm"]]
    for row in rows:
        warm = row["modes"].get("warm", {}).get("ms")
        lines.append([row["program"]] + [cell(row, m) for m in modes]
                     + [number(row["limit_ms"]) if row["limit_ms"] else "-",
                        ratio(row, "together", row["limit_ms"]), ratio(row, "before", warm)])
    print_aligned(lines, out)


def pages_table(rows, out):
    modes = [m for m in ("cold", "huge", "whole", "before") if any(m in r["pages"] for r in rows)]
    if not modes:
        return
    lines = [["program", "needed"] + [LABELS[m] for m in modes]]
    for row in rows:
        cells = [row["program"], str(row["needed_pages"])]
        for m in modes:
            p = row["pages"].get(m)
            cells.append(f"{p['read']} ({p['precision']:.2f}/{p['recall']:.2f})" if p else "-")
        lines.append(cells)
    print_aligned(lines, out)


LEGEND = """\
Milliseconds of the launch, medians. cold: nothing is cached, read_ahead_kb = 128, the kernel
alone; 4 MiB: read_ahead_kb = 4096; whole files: `vmtouch -t` of all files of the profile, done
before the launch; stale: together with the launch elfcast reads a shadow none of whose files
are what they were; other's: together with the launch elfcast reads another program's pages;
together: elfcast starts with the program; before: it is done by then; warm: all is cached.
limit: the larger of warm and the best time in which any reader gets the needed pages from that
disk (data only, no names and inodes), from the start of the launch on; of what is read before,
warm is the limit. (+N): what was read before the launch took that long. (!): more than 2 %
slower than plain cold, see below. "other's" is what a wrong guess would cost, no use of
elfcast."""


def title_of(key):
    return f"{key[0]} on {key[1]}"


def percent(share):
    return f"{(share - 1) * 100:+.1f} %"


def slower_item(row, mode):
    share = row["of_cold"][mode]
    low, high = share["interval"]
    return (f"- {row['program']}, {title_of((row['kind'], row['storage']))}, {LABELS[mode]}:"
            f" {percent(share['share'])} [{percent(low)} to {percent(high)}]")


def slower_list(rows, out):
    """The verdict is about elfcast's ways; the others stand beside it."""
    judged = [(r, m) for r in rows for m in OURS if m in r["of_cold"]]
    slower = [(r, m) for r, m in judged if m in r["slower"]]
    perhaps = [(r, m) for r, m in judged if is_slower(r, m) == "perhaps"]
    few = sum(1 for r in rows for m in OURS if m in r["modes"] and m not in r["of_cold"])
    out += [f"Each way against plain cold of the same round (median and 95 % interval of the"
            f" shares). Of elfcast's own ways (stale, together, before), {len(judged)} were"
            f" measured often enough to tell: {len(slower) or 'none'} slower than plain cold by"
            f" more than 2 %{':' if slower else '.'}", ""]
    out += [f"{slower_item(r, m)}; {r['slower'][m]}." for r, m in slower]
    if perhaps:
        out += ["", "Not told apart: the median is above 2 %, the interval reaches below it:", ""]
        out += [slower_item(r, m) for r, m in perhaps]
    if few:
        out += ["", f"Measured less than {ENOUGH} times, nothing is said: {few}."]
    theirs = [(r, m) for r in rows for m in THEIRS if m in r["slower"]]
    if theirs:
        out += ["", "Not elfcast, slower than plain cold by more than 2 % all the same:", ""]
        out += [f"{slower_item(r, m)}; {r['slower'][m]}." for r, m in theirs]


def disturbed(rows):
    """Of machines that reclaim what looks cold: a launch in such a moment was repeated."""
    modes = [m for r in rows for m in r["modes"].values()]
    again = sum(m.get("again", 0) for m in modes)
    if not again:
        return []
    left = sum(m["refaults"] > 0 for m in modes)
    return ["", f"{again} of {sum(len(m['ms_all']) for m in modes)} launches were measured again (up to"
            " three times), because the machine took pages away from the page cache meanwhile"
            f" and read them again; {left} of {len(modes)} medians still have such launches in them."]


def render(run, rows):
    out = [f"# Launches on modelled disks: {run.get('date', '?')}, {run.get('kernel', '?')}", "",
           f"{run.get('cpu', '?')}, {run.get('cores', '?')} cores, "
           + (f"/bin/true takes {run['start_us'] / 1000:.1f} ms; " if "start_us" in run else "")
           + f"elfcast {run.get('elfcast', '?')}.",
           ""] + ([run["note"], ""] if "note" in run else []) + [LEGEND]
    for key, group in groups_of(rows).items():
        out += ["", f"## {title_of(key)}", ""]
        times_table(group, out)
        out += ["", "Pages needed, and read (precision/recall of what was read):", ""]
        pages_table(group, out)
    out += ["", "## Slower than plain cold", ""]
    slower_list(rows, out)
    out += disturbed(rows)
    out += ["", "## A row once more", "", "As root, each of these:", ""]
    out += [f"    {r['reproduce']}" for r in rows]
    return "\n".join(out) + "\n"


def write(directory):
    run, launches, pages = load(directory)
    if not launches:
        sys.exit(f"results.py: no rows in '{directory}'")
    rows = summarise(launches, pages)
    with open(os.path.join(directory, "results.json"), "w", encoding="utf-8") as f:
        json.dump({"run": run, "rows": rows}, f, indent=1)
        f.write("\n")
    text = render(run, rows)
    with open(os.path.join(directory, "table.md"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(directory, "plot.svg"), "w", encoding="utf-8") as f:
        f.write(plot.render(run, groups_of(rows)))
    print(text)


def read_results(directory):
    try:
        with open(os.path.join(directory, "results.json"), encoding="utf-8") as f:
            return {(r["kind"], r["storage"], r["program"]): r for r in json.load(f)["rows"]}
    except OSError as e:
        sys.exit(f"results.py: {e.filename}: {e.strerror}")


def short(directory):
    """The table in the project's README."""
    modes = ("cold", "huge", "together", "before", "warm")
    lines = [["program", "KIND", "STORAGE"] + [LABELS[m] for m in modes] + ["limit"]]
    for (kind, storage, program), row in read_results(directory).items():
        lines.append([program, kind, storage] + [cell(row, m) for m in modes]
                     + [number(row["limit_ms"]) if row["limit_ms"] else "-"])
    out = []
    print_aligned(lines, out)
    print("\n".join(out))


def check_again(directory, other):
    """A second run of some rows, against the first."""
    first, seen, bad = read_results(directory), 0, 0
    for key, row in read_results(other).items():
        for m in AGAIN:
            if key not in first or m not in row["modes"] or m not in first[key]["modes"]:
                continue
            was, now = first[key]["modes"][m]["ms"], row["modes"][m]["ms"]
            good = abs(now - was) <= max(was * SAME, SAME_MS)
            seen += 1
            bad += not good
            print(f"{'ok' if good else 'not ok'} - {' '.join(key)} {m}: {was:.1f} ms, again"
                  f" {now:.1f} ms ({percent(now / was)})")
    if not seen:
        print("not ok - no row is in both")
    sys.exit(1 if bad or not seen else 0)


if len(sys.argv) == 4 and sys.argv[1] == "--check":
    check_again(*sys.argv[2:])
elif len(sys.argv) == 3 and sys.argv[1] == "--short":
    short(sys.argv[2])
elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
    write(sys.argv[1])
else:
    sys.exit(__doc__)
