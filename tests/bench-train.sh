#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How much recording slows launches down: each program plain and recorded in turn, medians; then the run of a
# training that records what is looked up as well, which is one of them (+ lookups).
# The aim is at most 1.6 (median of the ratios of launches over the first five). Run `make test-programs`
# first. Usage: tests/bench-train.sh [PAIRS]; BUILD=DIR; HOW=-p by page tables, -e at the end of processes alone.
# Programs not installed are left out.
set -u
PATH=/usr/bin:/bin:/usr/sbin:/sbin # not the shims of version managers
cd "$(dirname "$0")/.." || exit 1
pairs=${1:-21}
bench=${BUILD:-build}/tests/trace-bench
dir=$(mktemp -d /var/tmp/elfcast-bench-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

one() { # name pairs command...
	local name=$1 n=$2 program
	shift 2
	program=$(command -v "$1") || return 0
	shift
	"$bench" -n "$n" ${HOW:+"$HOW"} "$name" "$program" "$@"
	[ -n "${HOW:-}" ] || "$bench" -l -n "$n" "+ lookups" "$program" "$@"
}

printf 'int main(void) { return 0; }\n' >"$dir/a.c"
printf '<html><body>hello</body></html>\n' >"$dir/a.html"
export HOME=$dir
git init -q "$dir/repo" 2>/dev/null
for i in $(seq 100); do echo "$i" >"$dir/repo/$i"; done
git -C "$dir/repo" add . 2>/dev/null

printf '%-12s %9s %9s %7s %9s %7s %6s %8s %8s %7s %6s %10s\n' \
	program plain-ms traced-ms ratio launch-ms ratio procs objects pages unseen stops announced
one perl "$pairs" perl -e 'use POSIX'
one python3 "$pairs" python3 -c 'import json,http.server'
one git "$pairs" git -C "$dir/repo" status
one gcc "$pairs" gcc -c "$dir/a.c" -o "$dir/a.o"
one gdb $((pairs / 2 + 1)) gdb --batch
one chromium 5 chromium --headless --no-sandbox --disable-gpu "--user-data-dir=$dir/chromium" \
	--dump-dom "file://$dir/a.html"
one libreoffice 5 soffice --headless --convert-to pdf --outdir "$dir" "$dir/a.html"
