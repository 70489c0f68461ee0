#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Other processors, without one of them: built by cross compilers, warnings as errors, and then,
# by qemu-user, what computes the same everywhere or is wrong: the sums of tests/cli/golden.sh,
# the choice of the pack, the formats' unit tests, the fuzzers' corpora. 32 and 64 bits, both
# orders of bytes, with and without fused multiplication, x87.
#   tests/matrix/cross.sh [ARCHITECTURE...]     default: arm64 armhf i386 riscv64 ppc64el s390x
# Debian's names. Needs root, mmdebstrap and a mirror ("tests/install-deps.sh cross"); about two
# minutes each. Their libraries stay below $ROOTS (default /var/tmp/elfcast-roots): unpacked only,
# no program of theirs runs for that. Ends with N passed, N failed, N skipped.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
export TOP
. "$TOP/tests/matrix/cross-lib.sh"
# What needs no kernel of its own: qemu-user lacks openat2(), fanotify, ptrace, /proc/self/pagemap.
UNIT="bench_rounds boot_gain boot_plot boot_report clock compile_shadow disk_reads elf ext4 fiemap json json_out
	mapped_along mul_div names pace_decide pack page_select pageset prefetch_join prefetch_plan pressure profile
	residency rest search shadow statistics syscall_filter touched_page trace_ring training unit_text unit_times utf8
	watch_state"
[ $# -gt 0 ] || set -- arm64 armhf i386 riscv64 ppc64el s390x

work=$(mktemp -d /var/tmp/elfcast-cross-XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

n_passed=0 n_failed=0 n_skipped=0
say() { # NAME OK?
	if [ "$2" = 0 ]; then
		echo "ok - $1" && n_passed=$((n_passed + 1))
	else
		tail -n 12 "$work/log" | sed 's/^/# /'
		echo "not ok - $1" && n_failed=$((n_failed + 1))
	fi
}

golden() { # emulator...
	mkdir -p "$work/emulated/tests"
	printf '#!/bin/sh\nexec %s %s/build/tests/compile-good "$@"\n' "$*" "$work" >"$work/emulated/tests/compile-good"
	chmod +x "$work/emulated/tests/compile-good"
	BUILD=$work/emulated "$TOP/tests/cli/golden.sh"
}

unit() { # emulator...
	local t bad=0
	for t in $UNIT; do
		BUILD=$work/build "$@" "$work/build/tests/test_$t" >"$work/unit" 2>&1 && continue
		grep -vE '^\[ (RUN|      OK|  PASSED)' "$work/unit"
		bad=1
	done
	return $bad
}

replay() { # emulator...
	local f bad=0
	for f in "$TOP"/tests/fuzz/corpus/*; do
		[ ! -x "$work/build/tests/replay_fuzz_${f##*/}" ] ||
			"$@" "$work/build/tests/replay_fuzz_${f##*/}" "$f" || bad=1
	done
	return $bad
}

for arch; do
	began=$SECONDS
	if ! words=$(cpu_of "$arch"); then
		echo "not ok - $arch: unknown" && n_failed=$((n_failed + 1))
		continue
	fi
	read -r compiler cpu _ <<<"$words"
	if ! command -v "$compiler-gcc" >/dev/null || ! command -v "qemu-$cpu-static" >/dev/null || ! root=$(cross_root "$arch"); then
		echo "ok - $arch # SKIP no compiler, no emulator, or no libraries" && n_skipped=$((n_skipped + 1))
		continue
	fi
	rm -rf "$work/build"
	cross_build "$arch" "$work/build" >"$work/log" 2>&1
	say "$arch: builds without a warning" $?
	for what in golden unit replay; do
		[ -x "$work/build/tests/compile-good" ] || break
		$what "qemu-$cpu-static" -L "$root" >"$work/log" 2>&1
		say "$arch: $what" $?
	done
	echo "# $arch: $((SECONDS - began)) s"
done
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ $n_failed = 0 ]
