#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 30 s
# Every allocation of prefetch and run fails in turn, once and from then on: prefetch says so
# in a line, the launch of run never notices, nothing crashes.
. "$(dirname "$0")/../lib.sh"

if [ -n "${ELFCAST_SANITIZED:-}" ]; then
	skip "failed allocations" "the sanitizer has its own malloc"
	finish
fi
R=$TMP/root
mkdir -p "$R/usr/bin" "$R/usr/share"
make_elf "$R/usr/bin/prog" prog
head -c 50000 /dev/zero >"$R/usr/share/data"
mkshadow() {
	"$BUILD/tests/mkshadow" "$R" /usr/bin/prog default test.prog.json <<-END
		/usr/bin/prog 0 1
		/usr/share/data 2 5
		/usr/bin/prog 2 1
	END
}
mkshadow || exit 1
touch "$R/usr/bin/prog" # its build-id is read again

injected=0
failing() { # who mode n command...
	local who=$1 mode=$2 n=$3
	shift 3
	rm -f "$TMP/log"
	FAILMALLOC_N=$n FAILMALLOC_MODE=$mode FAILMALLOC_WHO=$who FAILMALLOC_LOG=$TMP/log \
		LD_PRELOAD=$BUILD/tests/failmalloc.so timeout 20 "$@" >"$TMP/out" 2>"$TMP/err"
}
fail_all() { # who name command...: status 0, or 1 with a line that says why
	local who=$1 name=$2 mode n status bad failed=0
	shift 2
	for mode in once on; do
		bad=0
		for ((n = 1; ; n++)); do
			failing "$who" $mode $n "$@"
			status=$?
			grep -qs F "$TMP/log" || break
			injected=$((injected + 1))
			failed=$((failed + (status == 1)))
			[ $status -eq 0 ] || { [ $status -eq 1 ] && [ -s "$TMP/err" ]; } && continue
			bad=$((bad + 1))
			echo "# $name, $mode: allocation $n: status $status: $(cat "$TMP/err")"
		done
		same "$name, $mode: crashes or silent failures in $((n - 1)) runs" 0 $bad
		check "$name, $mode: there were allocations" test $n -gt 5
	done
	check "$name: some failures are reported, so they are real" test $failed -gt 0
}
fail_all parent prefetch elfcast prefetch --root="$R" /usr/bin/prog
fail_all parent "prefetch --json" elfcast prefetch --json --root="$R" /usr/bin/prog
fail_all child "prefetch --deadline" elfcast prefetch --deadline=15000 --root="$R" /usr/bin/prog
failing parent once 0 elfcast prefetch --root="$R" /usr/bin/prog
same "without a failure it is read" 0 $?

# run: what its helper dies of shows only to whom the kernel gives orphans.
cat >"$TMP/reaper.py" <<'END'
import ctypes, os, subprocess, sys
if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) != 0:  # PR_SET_CHILD_SUBREAPER
    sys.exit(3)
env = dict(os.environ, LD_PRELOAD=sys.argv[1])
r = subprocess.run(sys.argv[2:], env=env, stdout=subprocess.PIPE)
orphans = []
while True:
    try:
        orphans.append(os.wait()[1])
    except ChildProcessError:
        break
good = r.returncode == 0 and r.stdout == b"hello\n" and orphans == [0]
if not good:
    print(r.returncode, r.stdout, orphans)
sys.exit(not good)
END
if [ "$(id -u)" != 0 ]; then
	skip "run" "its shadows are the system's: needs root for a namespace"
	finish
fi
cat >"$TMP/run.sh" <<'END'
mount -t tmpfs none /var/lib || exit 3
echo "$2/usr/share/data 2 5" | "$1/tests/mkshadow" / "$2/usr/bin/prog" default t.json || exit 3
for mode in once on; do
	for ((n = 1; ; n++)); do
		rm -f "$3/log"
		FAILMALLOC_N=$n FAILMALLOC_MODE=$mode FAILMALLOC_WHO=child FAILMALLOC_LOG=$3/log \
			python3 "$3/reaper.py" "$1/tests/failmalloc.so" \
			"$1/elfcast" run --wait=15000 -- "$2/usr/bin/prog" || echo "bad: $mode $n"
		grep -qs F "$3/log" || break
	done
	echo "$mode: $((n - 1))"
done
END
printf '#!/bin/sh\necho hello\n' >"$R/usr/bin/prog"
unshare --mount --propagation private bash "$TMP/run.sh" "$BUILD" "$R" "$TMP" >"$TMP/run.out" 2>&1
check "run: namespace and modes" test "$(grep -cE '^(once|on): [1-9]' "$TMP/run.out")" = 2
same "run: launches that noticed, helpers that crashed" "" "$(grep -vE '^(once|on): ' "$TMP/run.out")"
injected=$((injected + $(awk '/^(once|on): / { n += $2 } END { print n + 0 }' "$TMP/run.out")))
echo "# table: $injected failed allocations in prefetch and run: no crash"
finish
