#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rpmbuild meets `%transfiletriggerin -p "PROGRAM ARGUMENT" -- PREFIX`, prints "error: … not allowed in triggers",
# builds the package without that trigger all the same, and exits 0. A build that looks at exit statuses, or is
# quiet, ships a package whose trigger never runs.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
command -v rpmbuild >/dev/null || cannot "no rpmbuild"
build() { # NAME PROGRAM
	printf '%s\n' "Name: $1" "Version: 1" "Release: 1" "Summary: x" "License: MIT" "BuildArch: noarch" "%description" "x" \
		"%transfiletriggerin -p $2 -- /usr/share/x" "true" "%files" >"$1.spec"
	rpmbuild -bb --quiet --define "_topdir $T/$1" "$1.spec" >"$1.log" 2>&1 || cannot "rpmbuild: $(tail -n 1 "$1.log")"
	echo "$(grep -c ^error <"$1.log") errors printed, $(rpm -qp --nosignature --qf '[%{TRANSFILETRIGGERNAME} ]' "$T/$1"/RPMS/noarch/*.rpm 2>/dev/null |
		wc -w) trigger"
}
plain=$(build plain /bin/sh)
seen "$(rpmbuild --version)" "-p /bin/sh, and -p \"/bin/sh -x\"" \
	"0 errors printed, 1 trigger; 1 errors printed, 0 trigger" "$plain; $(build argument '"/bin/sh -x"')"
