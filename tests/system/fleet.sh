#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 15 s
# The profiles of many machines, merged on Dask (a scheduler and two workers, over TCP) and as shards that
# are sorted, with a worker that dies in the middle of its work: the same bytes as one process makes.
. "$(dirname "$0")/../lib.sh"
cd "$TMP" || exit 1
MACHINES=${MACHINES:-120}
mkdir machines
programs=()
for p in bash dash less xz; do programs+=("$TOP/profiles/collection/elfcast.$p.json"); done
python3 "$TOP/tests/helpers/fleet-machines.py" machines "$MACHINES" 3 "${programs[@]}" || exit 1
status "one process" 0 elfcast merge --lines -o whole machines/*
same "of each program one line" 4 "$(wc -l <whole)"
same "all runs are there" "$((3 * MACHINES))" "$(grep -o '"runs": [0-9]*' whole | sort -u | tr -dc 0-9)"

# ---- shards: a mapper a part, sorted by key, a reducer a shard; sort(1) is the engine
ls machines | awk '{ print "machines/" $0 > "part." NR % 5 }'
map() { xargs -a "$1" elfcast merge -q --keys >"$2"; }
for part in part.?; do map "$part" "mapped.$part"; done
# One is killed in the middle: it has read half of its part, and written nothing.
mkfifo half
exec {fed}<>half
elfcast merge -q --keys <half >mapped.part.3 &
victim=$!
mapfile -t files <part.3
cat "${files[@]:0:${#files[@]}/2}" >&"$fed"
# All that was put into the pipe has been taken out of it.
until python3 -c 'import array, fcntl, sys, termios
n = array.array("i", [1])
fcntl.ioctl(int(sys.argv[1]), termios.FIONREAD, n)
sys.exit(n[0] != 0)' "$fed"; do :; done
kill -KILL $victim
wait $victim 2>/dev/null
same "a mapper is killed" "137 0" "$? $(wc -c <mapped.part.3)"
exec {fed}>&-
map part.3 mapped.part.3
# And one is run twice, the result of one thrown away; nothing is told twice.
map part.1 mapped.part.1
sort -s -t $'\t' -k 1,1 mapped.part.? | awk -F '\t' '{ print > "shard." length($1) % 3 }'
for shard in shard.?; do elfcast merge -q --keys "$shard"; done | elfcast merge -q --lines >sorted
check "sorted shards: the same bytes" cmp sorted whole

# ---- Dask
python=/usr/bin/python3
if ! $python -c 'import distributed' 2>/dev/null; then
	skip "Dask" "no python3-distributed"
	finish
fi
helpers=()
end_helpers() {
	for pid in "${helpers[@]}"; do kill -KILL -- "-$pid" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$TMP"
}
trap end_helpers EXIT
# Of the second worker the first task never ends: it tells its process group, and waits for its end.
cat >elfcast-here <<-'W'
	#!/bin/sh
	if [ -n "$HANGS" ] && mkdir "$HANGS" 2>/dev/null; then
		while :; do sleep 3600; done
	fi
	exec elfcast "$@"
W
chmod +x elfcast-here
export DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=60 DASK_TEMPORARY_DIRECTORY=$TMP/dask DASK_DISTRIBUTED__DASHBOARD__ENABLED=false
start() { # module option...
	setsid $python -m "distributed.cli.$1" "${@:2}" >>"$TMP/log" 2>&1 &
	helpers+=($!)
}
start dask_scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file "$TMP/scheduler"
until [ -s scheduler ]; do kill -0 "${helpers[0]}" && sleep 0.1 || break; done
start dask_worker --scheduler-file "$TMP/scheduler" --nthreads 1 --no-nanny --no-dashboard
HANGS=$TMP/hangs start dask_worker --scheduler-file "$TMP/scheduler" --nthreads 1 --no-nanny --no-dashboard
# A part each, so that both workers have some.
PYTHONDONTWRITEBYTECODE=1 $python "$TOP/profiles/merge-on-dask" --elfcast "$TMP/elfcast-here" --part-mb 0 --shards 3 \
	scheduler machines/* >dask.lines 2>dask.err &
client=$!
until [ -d hangs ]; do kill -0 $client && sleep 0.1 || break; done
kill -KILL -- "-${helpers[2]}"
wait $client
same "Dask: a worker is killed in the middle" 0 $?
check "Dask: it was in the middle" test -d hangs
check "Dask: the same bytes" cmp dask.lines whole
echo '{"elfcast": 1' >machines/00007.lines
PYTHONDONTWRITEBYTECODE=1 $python "$TOP/profiles/merge-on-dask" --elfcast elfcast --part-mb 0 scheduler machines/* >bad.lines 2>bad.err
same "Dask: what is no profile ends it, and is named" "1 1 0" "$? $(grep -c 'machines/00007.lines:1' bad.err) $(wc -c <bad.lines)"
# shellcheck disable=SC2154 # of lib.sh
[ "$n_not_ok" = 0 ] || tail -n 20 "$TMP/log" | sed 's/^/# /'
finish
