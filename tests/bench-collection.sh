#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the profiles of profiles/collection gain on this machine, against ones that are trained here, now: commands
# of recipes, cold on modelled disks, with all of it read before the launch by either. So other builds than the
# collection's are carried over, as for who installs it.
#
#   PROGRAMS="dash gdb …"     recipes without set-up, that write nothing, of programs that are installed here
#   STORAGE="net:1000:3000:125 sd:1500:60"  ROUNDS=5  OUT=FILE (JSON lines)
#
# Ends with one line a disk: "result: DISK … packaged gains N of what local gains".
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
. "$TOP/tests/lab/measure.sh"
: "${PROGRAMS:=dash file gdb ip loginctl ls lsof perl ps python3 sed strace top valgrind}"
: "${STORAGE:=net:1000:3000:125 sd:1500:60}" "${ROUNDS:=5}"

lab_build || lab_die "the build failed"
lab_has_fuse || lab_die "no modelled disk here: it takes /dev/fuse and libfuse3"
lab_begin
measured=()
for p in $PROGRAMS; do
	line=$(sed -n 's/^command: //p' "$TOP/profiles/recipes/$p") && [ -n "$line" ] || lab_die "no recipe with a command: $p"
	if lab_add_command "$p" "$line"; then measured+=("$p"); else echo "not measured: $p" >&2; fi
done
[ ${#measured[@]} -gt 0 ] || lab_die "nothing to measure"

# The collection's profile of a recipe: of the program that was trained here.
packaged_of() { # recipe
	/usr/bin/python3 - "$LAB/lab.$1.json" "$TOP/profiles/recipes/$1" "$TOP"/profiles/collection/*.json <<-'P'
		import json, re, sys
		local, recipe, *names = sys.argv[1:]
		program = json.load(open(local))["program"]
		scenario = re.search(r"^scenario: (.*)", open(recipe).read(), re.M)
		for name in names:
		    p = json.load(open(name))
		    files = {o["path"] for o in p["objects"]}
		    if (p["program"] == program or program in files and p["program"].rsplit("/", 1)[1] == program.rsplit("/", 1)[1]) \
		       and p["scenario"] == (scenario[1] if scenario else "default"):
		        print(name)
		        break
	P
}
# $LAB_MNT/var/lib/bench/WAY.PROGRAM, the shadows
compile() { # storage
	local p way profile profiles=$LAB_MNT/usr/share/elfcast/profiles.d
	lab_attach plain rw
	mkdir -p "$LAB_MNT/var/lib/bench" "$LAB_MNT/usr/share/elfcast/evidence.d" "$profiles"
	cp "$TOP"/profiles/evidence/*.json "$LAB_MNT/usr/share/elfcast/evidence.d"
	for p in "${measured[@]}"; do
		for way in local packaged; do
			profile=$LAB/lab.$p.json
			[ $way = local ] || profile=$(packaged_of "$p")
			[ -n "$profile" ] || lab_die "the collection has no profile of $p"
			rm -rf "$LAB_MNT/var/lib/elfcast/shadow"
			rm -f "$profiles"/*
			cp "$profile" "$profiles/bench.$p.json"
			"$BUILD/elfcast" compile -q --root="$LAB_MNT" --storage="$(measure_class "$1")" &&
				cp "$LAB_MNT"/var/lib/elfcast/shadow/*.shadow "$LAB_MNT/var/lib/bench/$way.$p" ||
				lab_die "cannot compile $way.$p"
		done
	done
	lab_detach || lab_die "something still uses the root"
}

launch() { # program way round
	local line
	[ "$2" = warm ] || lab_cold
	case $2 in
	local | packaged)
		"${MEASURE_FIRST[@]}" "$BUILD/elfcast" prefetch -q --root "$LAB_MNT" "--shadow=$LAB_MNT/var/lib/bench/$2.$1" ||
			lab_die "reading before '$1' failed"
		;;
	esac
	line=$(lab_launch "$1") || lab_die "launch of '$1' failed ($2)"
	printf '{"program": "%s", "storage": "%s", "way": "%s", "round": %d, %s\n' "$1" "$LAB_MODEL" "$2" "$3" "${line#\{}"
}

measure_say "making the root"
lab_make "${measured[@]}"
measure_train "${measured[@]}"
for storage in $STORAGE; do
	compile "$storage"
	lab_attach "$storage"
	for round in $(seq "$ROUNDS"); do
		for p in "${measured[@]}"; do
			for way in cold local packaged warm; do
				measure_say "$storage $p: $way, round $round of $ROUNDS"
				launch "$p" $way "$round" >>"$LAB/results"
			done
		done
	done
	lab_detach || lab_die "something still uses the root"
	echo "$storage: $SECONDS s" >&2
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 - "$LAB/results" <<'EOF'
import json, statistics, sys
with open(sys.argv[1], encoding="utf-8") as f:
    rows = [json.loads(line) for line in f]
def ms(rows, way):
    return [r["wall_us"] / 1000 for r in sorted(rows, key=lambda r: r["round"]) if r["way"] == way]
def shown(t):
    return "%.0f (%.0f-%.0f)" % (statistics.median(t), min(t), max(t))
for storage in dict.fromkeys(r["storage"] for r in rows):
    gains = []
    for p in dict.fromkeys(r["program"] for r in rows):
        of = [r for r in rows if (r["program"], r["storage"]) == (p, storage)]
        cold, local, packaged, warm = (ms(of, way) for way in ("cold", "local", "packaged", "warm"))
        gain = statistics.median((c - b) / (c - a) for c, a, b in zip(cold, local, packaged))
        gains.append(gain)
        print("%-20s%-12scold %-18slocal %-18spackaged %-18swarm %-16sgains %.3f of local's" % (
            storage, p, shown(cold), shown(local), shown(packaged), shown(warm), gain))
    print("result: %s %d programs: packaged gains %.3f of what local gains (median; %.3f-%.3f)\n" % (
        storage, len(gains), statistics.median(gains), min(gains), max(gains)))
EOF
