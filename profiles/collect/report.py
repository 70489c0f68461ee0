# SPDX-License-Identifier: LGPL-2.1-or-later
"""What became of each recipe in each suite, for people and as JSON."""
import json


def _row(s):
    if s["status"] != "trained":
        return f"{s['suite']:<10} {s['recipe']:<28} {s['status']}: {s['reason']}"
    checked = s.get("checked")
    files = "not checked" if not checked else \
        f"{checked['matches']} match" + "".join(
            f", {n} {what}" for what, n in sorted(checked.items()) if what != "matches" and n)
    return (f"{s['suite']:<10} {s['recipe']:<28} {s['pages']:>7} pages {s['differs'] * 100:>6.2f} % differ"
            f" {s['differs_likely'] * 100:>6.2f} % likely {s['seconds']:>7.1f} s  {files}")


def _median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else 0


def summary(states):
    """A line for each suite."""
    lines = []
    for suite in dict.fromkeys(s["suite"] for s in states):
        ours = [s for s in states if s["suite"] == suite]
        good = [s for s in ours if s["status"] == "trained"]
        programs = {s["program"] for s in good}
        differs = [s["differs"] for s in good]
        lines.append(
            f"{suite}: {len(good)} profiles of {len(programs)} programs, {len(ours) - len(good)} failed;"
            f" median {_median([s['seconds'] for s in good]):.1f} s; of pages differ: median"
            f" {_median(differs) * 100:.2f} %, over 2 %: {sum(d > 0.02 for d in differs)}")
    return lines


def text(states, content):
    lines = ["What make-collection made, recipe by recipe: pages of the profile, which share of them",
             "a second recording did not share (of all; of those needed in half of the runs), the time",
             "for all of it, and the files that are, or are not, as their packages have them.", "",
             *summary(states)]
    if content:
        lines.append(f"together: {content['files']} files, {content['bytes'] / 1e6:.1f} MB,"
                     f" {content['with_fingerprints']} of {content['builds']} builds with fingerprints")
    return "\n".join([*lines, "", *map(_row, states)]) + "\n"


def as_json(states, content):
    return json.dumps({"content": content, "recipes": states}, indent="\t", sort_keys=True) + "\n"
