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
. "$TOP/tests/lab/ways.sh"
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
# The shadows WAY.PROGRAM.
prepare() { # storage
	local p way profile
	lab_attach plain rw
	mkdir -p "$LAB_MNT/usr/share/elfcast/evidence.d"
	cp "$TOP"/profiles/evidence/*.json "$LAB_MNT/usr/share/elfcast/evidence.d"
	for p in "${measured[@]}"; do
		for way in local packaged; do
			profile=$LAB/lab.$p.json
			[ $way = local ] || profile=$(packaged_of "$p")
			[ -n "$profile" ] || lab_die "the collection has no profile of $p"
			ways_shadow "$profile" "$way.$p" "$1"
		done
	done
	lab_detach || lab_die "something still uses the root"
}

launch() { # program way round
	local line
	[ "$2" = warm ] || lab_cold
	case $2 in local | packaged) ways_read "$1" "$2.$1" ;; esac
	line=$(lab_launch "$1") || lab_die "launch of '$1' failed ($2)"
	ways_line "$@" "$line"
}

measure_say "making the root"
lab_make "${measured[@]}"
measure_train "${measured[@]}"
ways_measure cold local packaged warm
PYTHONPATH=$TOP/tests/lab /usr/bin/python3 - "$LAB/results" <<'EOF'
import statistics, sys, ways
for storage, programs in ways.read(sys.argv[1]).items():
    gains = []
    for p, times in programs.items():
        cold, local, packaged, warm = (times[way] for way in ("cold", "local", "packaged", "warm"))
        gain = statistics.median((c - b) / (c - a) for c, a, b in zip(cold, local, packaged))
        gains.append(gain)
        print("%-20s%-12scold %-18slocal %-18spackaged %-18swarm %-16sgains %.3f of local's" % (
            storage, p, ways.shown(cold), ways.shown(local), ways.shown(packaged), ways.shown(warm), gain))
    print("result: %s %d programs: packaged gains %.3f of what local gains (median; %.3f-%.3f)\n" % (
        storage, len(gains), statistics.median(gains), min(gains), max(gains)))
EOF
