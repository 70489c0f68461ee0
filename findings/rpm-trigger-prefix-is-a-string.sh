#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The prefix of an rpm file trigger is a prefix of strings, not a directory: a trigger on /usr/lib runs for a package
# that only has files in /usr/libexec, or in /usr/lib64.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
command -v rpmbuild >/dev/null || cannot "no rpmbuild"
package() { # NAME LINES-OF-SPEC...
	local name=$1
	shift
	printf '%s\n' "Name: $name" "Version: 1" "Release: 1" "Summary: x" "License: MIT" "BuildArch: noarch" "%description" "x" "$@" >"$name.spec"
	rpmbuild -bb --quiet --define "_topdir $T/build" "$name.spec" >log 2>&1 || cannot "rpmbuild: $(tail -n 1 log)"
}
package watcher '%transfiletriggerin -p <lua> -- /usr/lib' \
	'f = io.open("/ran", "a"); f:write("x"); f:close()' "%files"
package watched '%install' 'mkdir -p %{buildroot}/usr/libexec; touch %{buildroot}/usr/libexec/one' '%files' '/usr/libexec/one'
mkdir -p target
rpm --root "$T/target" --nosignature --nodeps -i build/RPMS/noarch/*.rpm >log 2>&1
seen "$(rpm --version)" "a trigger on /usr/lib, one file in /usr/libexec" "the script ran 1 times" \
	"the script ran $(tr -d '\n' <target/ran | wc -c) times"
