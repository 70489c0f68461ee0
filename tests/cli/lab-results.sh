#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What results.py makes of measured rows: a way is slower than plain cold when the interval of
# its shares, round by round, says so; a second run is held against the first.
. "$(dirname "$0")/../lib.sh"
[ -x /usr/bin/python3 ] || { skip "results of the lab" "no python3"; finish; }
results() {
	/usr/bin/python3 -B "$TOP/tests/lab/results.py" "$@" >"$TMP/out" 2>&1
}

# rows DIR FACTOR ROUNDS: one program; how it was cold, stale and with elfcast, where the
# machine was twice as slow in every other round, for all ways alike.
rows() {
	mkdir -p "$1/rows"
	/usr/bin/python3 - "$2" "$3" >"$1/rows/ext4.ram.x.jsonl" <<-'END'
		import json, sys
		factor, rounds = float(sys.argv[1]), int(sys.argv[2])
		print(json.dumps({"mode": "run", "date": "2020-01-01"}))
		for r in range(1, rounds + 1):
		    slow = 1 + r % 2
		    for mode, share in ("cold", 1), ("stale", factor), ("other", 3), ("before", .5):
		        print(json.dumps({
		            "program": "x", "command": "x", "kind": "ext4", "storage": "hdd",
		            "mode": mode, "round": r, "before_us": 0, "requests": 10 + (mode == "stale"),
		            "pages": 10, "wall_us": int(100000 * slow * share * (1 + r * .001)),
		            "majflt": 0, "minflt": 0, "companion_cpu_us": 1000}))
	END
}
marked() { # DIR: what is marked in it, and how many of elfcast's ways are slower
	results "$1"
	/usr/bin/python3 -c 'import json, sys
r, = json.load(open(sys.argv[1]))["rows"]
print(*sorted(r["slower"]))' "$1/results.json"
	grep -oE 'tell: [0-9a-z]+ slower' "$TMP/out"
}

# A third of the difference between its rounds, but slower in each of them.
rows "$TMP/slower" 1.3 6
same "slower in each round: marked" "other stale tell: 1 slower" "$(marked "$TMP/slower" | paste -sd ' ')"
same "marked in the table" 1 "$(grep -c '^| x .*(!).*(!)' "$TMP/slower/table.md")"
same "the requests explain it" 1 "$(grep -c 'stale: +30.0 % .* takes 1 more requests' "$TMP/slower/table.md")"
rows "$TMP/same" 1.01 6
same "within 2 %: not marked" "other tell: none slower" "$(marked "$TMP/same" | paste -sd ' ')"
rows "$TMP/few" 1.3 2
same "two rounds: nothing is said" " tell: none slower" "$(marked "$TMP/few" | paste -sd ' ')"
same "and that is said" 1 "$(grep -c 'Measured less than 3 times, nothing is said: 2' "$TMP/few/table.md")"
same "the plot is XML" 0 "$(/usr/bin/python3 -c 'import sys, xml.dom.minidom as m
m.parse(sys.argv[1])' "$TMP/slower/plot.svg" 2>&1 | wc -l)"

results --check "$TMP/slower" "$TMP/same"
same "the same again: status" 0 $?
same "the same again: each way" 2 "$(grep -c '^ok - ext4 hdd x' "$TMP/out")"
sed -i 's/"wall_us": \([0-9]*\)/"wall_us": 2\1/' "$TMP/same/rows"/*
results "$TMP/same"
results --check "$TMP/slower" "$TMP/same"
same "another time: status" 1 $?
same "another time: each way" 2 "$(grep -c '^not ok - ext4 hdd x' "$TMP/out")"
sed -i 's/"storage": "hdd"/"storage": "ram"/' "$TMP/same/rows"/*
results "$TMP/same"
results --check "$TMP/slower" "$TMP/same"
same "no row in both: status" 1 $?
results --check "$TMP/slower" "$TMP/none"
same "no such results" "1 1" "$? $(wc -l <"$TMP/out")"
results --short "$TMP/slower"
same "for the README" 1 "$(grep -c '^| x  *| ext4 | *hdd |' "$TMP/out")"
finish
