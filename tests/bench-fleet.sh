#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The profiles of MACHINES machines (default 10,000, of 500 kinds) with RUNS runs each (100: a million of each
# program) merged: by one process, by parts beside each other, and on Dask with two workers. Says time,
# memory, and whether the bytes are the same.
#   PROGRAMS="git bash vim"  names of the collection
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
: "${MACHINES:=10000}" "${RUNS:=100}" "${PROGRAMS:=bash dash git less}"
PATH=$BUILD:$PATH
export PYTHONDONTWRITEBYTECODE=1
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "$BUILD/elfcast" || exit 1
work=$(mktemp -d /var/tmp/elfcast-fleet.XXXXXX) || exit 1
helpers=()
end() {
	for pid in "${helpers[@]}"; do kill -KILL -- "-$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
cd "$work" && mkdir kinds machines || exit 1
kinds=$((MACHINES < 500 ? MACHINES : 500))
mapfile -t profiles < <(for p in $PROGRAMS; do echo "$TOP/profiles/collection/elfcast.$p.json"; done)
python3 "$TOP/tests/helpers/fleet-machines.py" kinds $kinds "$RUNS" "${profiles[@]}" || exit 1
for ((i = 0; i < MACHINES; i++)); do printf 'kinds/%05d.lines machines/%05d.lines\n' $((i % kinds)) "$i"; done |
	xargs -n 2 -P 2 ln
mb=$(cat machines/* | wc -c | awk '{ printf "%.0f", $1 / 1e6 }')
echo "$MACHINES machines, $(wc -w <<<"$PROGRAMS") programs, $((MACHINES * RUNS)) runs of each, $mb MB; $(nproc) processors"
# took NAME COMMAND...: wall clock, processor (not of Dask's workers, who are not ours), and the most that one process had
took() {
	local name=$1
	shift
	/usr/bin/python3 - "$name" "$mb" "$@" <<-'P'
		import resource, subprocess, sys, time
		name, mb, *command = sys.argv[1:]
		began = time.monotonic()
		status = subprocess.run(command).returncode
		s = time.monotonic() - began
		used = resource.getrusage(resource.RUSAGE_CHILDREN)
		cpu_s = used.ru_utime + used.ru_stime
		print(f"{name:18} {s:6.1f} s  {cpu_s:6.1f} s of CPU, {float(mb) / cpu_s:6.1f} MB each  {used.ru_maxrss / 1024:6.1f} MiB")
		sys.exit(status)
	P
}
cat machines/* >all
took "one process" elfcast merge -q --lines -o whole all || exit 1
# shellcheck disable=SC2016 # for the inner shell
took "parts and shards" sh -c 'ls machines/* | split -l 500 - part. && ls part.* | xargs -P "$(nproc)" -I X sh -c "xargs -a X elfcast merge -q --keys >X.mapped" &&
	sort -s -t "$(printf "\t")" -k 1,1 part.*.mapped | elfcast merge -q --lines >sharded' || exit 1
cmp sharded whole && echo "the same bytes"
if /usr/bin/python3 -c 'import distributed' 2>/dev/null; then
	export DASK_TEMPORARY_DIRECTORY=$work/scratch DASK_DISTRIBUTED__DASHBOARD__ENABLED=false
	start() {
		setsid /usr/bin/python3 -m "distributed.cli.$1" --scheduler-file "$work/scheduler" --no-dashboard "${@:2}" >>log 2>&1 &
		helpers+=($!)
		disown # nobody is told of its end
	}
	start dask_scheduler --host 127.0.0.1 --port 0
	until [ -s scheduler ]; do kill -0 "${helpers[0]}" && sleep 0.1 || exit 1; done
	for _ in 1 2; do start dask_worker --nthreads 1 --no-nanny; done
	took "Dask, two workers" sh -c '"$1"/profiles/merge-on-dask --elfcast "$2/elfcast" scheduler machines/* >dask.lines' sh "$TOP" "$BUILD" || exit 1
	cmp dask.lines whole && echo "the same bytes"
else
	echo "no python3-distributed: Dask is not measured"
fi
