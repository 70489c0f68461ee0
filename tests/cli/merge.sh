#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# merge: any grouping and order give the same bytes, as files and as lines; diff.
. "$(dirname "$0")/../lib.sh"
cd "$TMP" || exit 1

# 14 profiles that have something of everything: builds, data files, retargeted objects,
# fingerprints and what ran, lookups, unknown keys, other methods and kernels, touching runs.
python3 - "$TOP/tests/good" "$BUILD/tests/fingerprint" <<'PY'
import json, os, random, subprocess, sys
rng = random.Random(17)
portable = json.load(open(os.path.join(sys.argv[1], "portable.json")))
prints = [o for o in portable["objects"] if "fingerprint" in o]
def pages(runs, size):
    out, at, end = [], 0, (size + 4095) // 4096
    while True:
        at += rng.choice([0, 0, 1, 3, 9])
        n = rng.randint(1, 4)
        if at + n > end or len(out) > 12: return out
        out.append([at, n, rng.randint(1, runs), rng.choice([0, 3, 7])])
        at += n
for k in range(14):
    runs, objects = rng.randint(1, 5), []
    for i in range(12):
        if rng.random() < 0.3: continue
        size, path = 40960 * (i + 1), "/usr/lib/lib%d.so" % i
        o = {"path": path, "build_id": "%02x" % (i * 4 + rng.randint(0, 1)) * 20, "size": size, "pages": pages(runs, size)}
        if rng.random() < 0.2:
            o["retargeted_from"] = "%02x" % rng.randint(100, 102) * 20
            o["confidence"] = rng.randint(0, 100)
        if rng.random() < 0.3: o["note"] = rng.choice(["b", "a", {"z": 1, "a": [1, 2]}])
        objects.append(o)
        if rng.random() < 0.3:
            objects.append({"path": path, "size": size + 1, "digest": "xxh3-128:%032x" % rng.randint(0, 2), "pages": pages(runs, size)})
    for o in prints:
        if rng.random() < 0.5:
            objects.append(dict(o, pages=[[a, n, min(r, runs), w] for a, n, r, w in o["pages"]]))
            if k % 2:
                objects[-1]["ran"] = subprocess.run([sys.argv[2], o["fingerprint"], "ran", str(k)], capture_output=True,
                                                    check=True, text=True).stdout.strip()
    lookups, telling = [], rng.randint(1, runs)
    for d in sorted(rng.sample(["/", "/etc", "/usr", "/usr/lib"], 3)):
        names = rng.sample(["a", "b", "c", "d", "e"], 3)
        lookups.append([d, rng.randint(0, telling), [rng.randint(1, telling), *sorted(names)]])
    p = {"elfcast": 1, "program": "/usr/bin/x", "scenario": "default", "arch": "x86_64",
         "trained": {"runs": runs, "without_lookups": runs - telling, "window_ms": rng.choice([4000, 5000]), "method": rng.choice(["uffd", "pagemap"]),
                     "kernel": rng.choice(["6.1", "6.18"]), "host": rng.choice(["q", "p"])},
         "objects": objects, "lookups": lookups, "seen": rng.choice([1, 2, "three"])}
    json.dump(p, open("p%d.json" % k, "w"))
    open("all.lines", "a").write(json.dumps(p) + "\n")
PY
all=(p{0..13}.json)
status "merges" 0 elfcast merge -o whole.json "${all[@]}"
same "says what it did" "elfcast: 14 profiles merged to 1" "$(cat "$TMP/err")"
check "it is canonical" cmp -s whole.json <("$BUILD/tests/profile-check" whole.json)
same "runs are added" "$(cat "${all[@]}" | grep -o '"runs": [0-9]*' | awk '{ n += $2 } END { print n }')" \
	"$(grep -o '"runs": [0-9]*' whole.json | tr -dc 0-9)"
same "and those without lookups" "$(cat "${all[@]}" | grep -o '_lookups": [0-9]*' | awk '{ n += $2 } END { print n }')" \
	"$(grep -o '_lookups": [0-9]*' whole.json | tr -dc 0-9)"

check "so is what ran" grep -q '"ran": "' whole.json

# As a tree: two of what there is, chosen by chance, until one is left.
bad=0
for ((round = 0; round < 25; round++)); do
	RANDOM=$round
	work=() n=0
	for f in "${all[@]}"; do work+=("$f"); done
	while ((${#work[@]} > 1)); do
		k=$((RANDOM % (${#work[@]} < 5 ? ${#work[@]} : 5) + 1)) part=()
		((k < 2)) && k=2
		for ((i = 0; i < k; i++)); do
			at=$((RANDOM % ${#work[@]}))
			part+=("${work[at]}")
			work=("${work[@]:0:at}" "${work[@]:at+1}")
		done
		elfcast merge -q -o "part$n.tmp" "${part[@]}" || bad=1
		work+=("part$((n++)).tmp")
	done
	cmp -s "${work[0]}" whole.json || { bad=1; echo "# round $round differs"; break; }
done
check "any grouping and order gives the same bytes (25 trees)" test $bad = 0

# ---- lines
line() { tr -d '\n\t' <"$1" && echo; }
same "lines: the same" "$(line whole.json)" "$(elfcast merge -q --lines <all.lines)"
sed 's|/usr/bin/x|/usr/bin/y|; n; s|"default"|"other"|' all.lines | shuf --random-source=all.lines >mixed.lines
elfcast merge -q -l mixed.lines >mixed
same "lines: one of each program and scenario, sorted" "/usr/bin/x other /usr/bin/y default" \
	"$(python3 -c 'import json; print(*(w for l in open("mixed") for p in [json.loads(l)] for w in (p["program"], p["scenario"])))')"
split -l 3 mixed.lines shard.
for f in shard.*; do elfcast merge -q -l -o "out.$f" "$f"; done
check "lines: shards give the same" cmp -s mixed <(cat out.shard.* | shuf | elfcast merge -q -l)
check "lines: from files and a pipe" cmp -s mixed <(tail -n +8 mixed.lines | elfcast merge -q -l <(head -n 7 mixed.lines) -)
check "lines: blank ones, and one without an end" cmp -s mixed <({ echo; cat mixed.lines; printf ' \r\n'; } | head -c -1 | elfcast merge -q -l)
check "lines: byte by byte" cmp -s <(elfcast merge -q -l <all.lines) \
	<(python3 -c 'import os
b = open("all.lines", "rb").read()
for i in range(0, len(b), 37): os.write(1, b[i:i + 37])' | elfcast merge -q -l)
same "lines: none" "" "$(elfcast merge -q -l </dev/null)"
{ cat all.lines && echo '{"elfcast": 1, "program": 3}'; } >bad.lines
status "lines: a bad one" 1 elfcast merge -l -o never bad.lines
same "and where it is" "elfcast: bad.lines:15:27: 'program' must be a string, not an integer" "$(cat "$TMP/err")"
check "nothing is written" test ! -e never
head -c 9500000 /dev/zero | tr '\0' ' ' >long.lines
status "lines: too long" 1 elfcast merge -l -o never long.lines
same "is told" "elfcast: long.lines:1: longer than a profile may be (8388608 bytes)" "$(cat "$TMP/err")"
# What was read is not kept: many times as much needs the buffer of 9 MiB, and no more.
peak() { /usr/bin/time -f %M elfcast merge -q -l -o /dev/null "$@" 2>&1; }
if [ -x /usr/bin/time ] && [ -z "${ELFCAST_SANITIZED:-}" ]; then
	for ((i = 0; i < 400; i++)); do cat all.lines; done >many.lines
	check "lines: memory is for the result" test "$(peak many.lines)" -lt $(($(peak all.lines) + 10240))
fi

# ---- keys
sed 's|/usr/bin/x|/opt/a b%c|' p3.json | tr -d '\n\t' >odd.line
same "keys: program, scenario, architecture" "/opt/a%20b%25c default x86_64 /usr/bin/x other x86_64 /usr/bin/y default x86_64" \
	"$(elfcast merge -q --keys odd.line mixed.lines | cut -f 1 | paste -sd ' ')"
check "keys: the lines are the same" cmp -s mixed <(elfcast merge -q -k mixed.lines | cut -f 2)
check "keys: such lines are read" cmp -s mixed <(for f in shard.*; do elfcast merge -q -k "$f"; done | shuf | elfcast merge -q -l)
check "keys: again with keys" cmp -s <(elfcast merge -q -k mixed.lines) <(elfcast merge -q -k mixed.lines | elfcast merge -q -k)
printf '/usr/bin/x\t{"elfcast": 1, "program": 3}\n' >bad.lines
status "keys: a bad line" 1 elfcast merge -k -o never bad.lines
same "and where it is" "elfcast: bad.lines:1:38: 'program' must be a string, not an integer" "$(cat "$TMP/err")"
printf '/usr/bin/x\t' >bad.lines
status "keys: nothing but a key" 1 elfcast merge -k -o never bad.lines
printf '/usr/bin/x' >bad.lines
status "keys: no tab" 1 elfcast merge -k -o never bad.lines
check "keys: nothing is written" test ! -e never

# ---- what does not belong together
sed 's|/usr/bin/x|/usr/bin/y|' p1.json >y.json
status "another program" 1 elfcast merge -o never p0.json y.json
same "is told" "elfcast: y.json: profiles of different programs: '/usr/bin/x' and '/usr/bin/y'" "$(cat "$TMP/err")"
sed 's|"runs": [0-9]*|"runs": 999999999|' p1.json >many.json
status "too many runs" 1 elfcast merge -o never p0.json many.json many.json
status "no such file" 1 elfcast merge none.json
status "nothing to merge" 2 elfcast merge
status "an output that cannot be" 1 elfcast merge -o none/x p0.json
check "and nothing was written" test ! -e never

# ---- diff
status "diff of the same" 0 elfcast diff p0.json p0.json
check "nothing differs" grep -q '^pages     0 only in A, 0 only in B, ' "$TMP/out"
# expected FILE FILE: pages only in one, only in the other, in both
expected() {
	python3 - "$@" <<'PY'
import json, sys
def pages(name):
    return {(o["path"], o.get("build_id"), o["size"], i) for o in json.load(open(name))["objects"] for a, n, r, w in o["pages"] for i in range(a, a + n)}
a, b = (pages(n) for n in sys.argv[1:])
print(len(a - b), len(b - a), len(a & b))
PY
}
bad=0
for ((i = 1; i < 14; i++)); do
	[ "$(elfcast diff --json p0.json "p$i.json" | python3 -c 'import json, sys
p = json.load(sys.stdin)
total = p["pages"]
assert total["only_a"] == sum(o["pages"]["only_a"] for o in p["objects"])
assert total["only_b"] == sum(o["pages"]["only_b"] for o in p["objects"])
print(total["only_a"], total["only_b"], total["both"])')" = "$(expected p0.json "p$i.json")" ] || bad=1
done
check "diff counts pages as sets do" test $bad = 0
status "diff for people" 0 elfcast diff p0.json p3.json
check "has a head, and a table" grep -qE '^ +only A +only B +both  file$' "$TMP/out"
check "tells other builds" grep -q '(another build)$' "$TMP/out"
status "diff of one" 2 elfcast diff p0.json
status "diff of none" 1 elfcast diff p0.json none

# ---- scenarios ----------------------------------------------------------------------------
# As one: a page that one launch of five needed, and one that all did.
scenario() { # NAME RUNS FIRST-PAGE
	cat <<-JSON
		{ "elfcast": 1, "program": "/usr/bin/x", "scenario": "$1", "arch": "x86_64",
		  "trained": { "runs": $2, "window_ms": 1000, "method": "uffd", "kernel": "6.18", "command": ["x", "$1"], "options": [] },
		  "objects": [ { "path": "/usr/lib/d", "size": 409600, "pages": [ [0, 1, $2, 0], [$3, 1, $2, 0] ] } ] }
	JSON
}
scenario default 4 7 >d.json
scenario gc 1 9 >gc.json
status "profiles of two scenarios" 1 elfcast merge d.json gc.json
status "scenarios as one" 0 elfcast merge --scenario=default -o both.json gc.json d.json
same "each weighted by its runs" "default 5 [0, 1, 5, 0] [7, 1, 4, 0] [9, 1, 1, 0]" "$(python3 -c 'import json
p = json.load(open("both.json"))
print(p["scenario"], p["trained"]["runs"], *p["objects"][0]["pages"])')"
same "without a command" "" "$(grep -e command -e options both.json)"
elfcast merge --scenario=default -o back.json d.json gc.json
check "in any order" cmp -s both.json back.json
for p in d gc; do python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))))' $p.json; done >two.lines
status "lines, too" 0 elfcast merge --lines --scenario=default two.lines
check "to the same" cmp -s <(python3 -m json.tool "$TMP/out") <(python3 -m json.tool both.json)
status "no name of a scenario" 2 elfcast merge --scenario=../x d.json
finish
