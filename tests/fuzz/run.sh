#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Run one libFuzzer program: tests/fuzz/run.sh build-fuzz/fuzz_NAME SECONDS
# New inputs go to build-fuzz/corpus-NAME, crashes to build-fuzz/crash-NAME-*: a find is
# given a name and kept in tests/fuzz/corpus/NAME/.
set -eu
program=$1 seconds=$2
name=${program##*/fuzz_}
mkdir -p "build-fuzz/corpus-$name"
exec "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
	-artifact_prefix="build-fuzz/crash-$name-" "build-fuzz/corpus-$name" "tests/fuzz/corpus/$name"
