# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of elfcast train, which know no root of their own: what a command said lies in $dir/out and $dir/err.

verdict() { # name ok?
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/    /' "${dir:?}/err" "$dir/out" 2>/dev/null | cut -c1-300 | head -n 30
	fi
}
