#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 50 s
# rpm transactions in which every system call of the hook fails in turn, with each of six
# errors, or its caller is killed: exit status 0, not a word, and the next compile repairs.
# STEP=1 takes every call (more than 1,000 transactions); default: every 12th.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
skip_without rpm rpmbuild python3 git
STEP=${STEP:-${SOAK:+1}}
STEP=${STEP:-12}

setup_rpm
rpm_in() { rpm_root "$@" >"$TMP/out" 2>&1 </dev/null; }
new_root empty
rpm_in -i "$P/base-1.rpm" "$P/elfcast-1.rpm" "$P/prog-1.rpm" "$P/prog-elfcast-1.rpm"
check "shadows are there" test -n "$(shadows)"

# The hook is started through fault-at, which leaves a mark when there were enough calls.
mv "$R/usr/bin/elfcast-hook" "$R/usr/bin/hook"
cp "$BUILD/tests/fault-at" "$R/usr/bin/"
cat >"$R/usr/bin/elfcast-hook" <<'EOF'
#!/bin/bash
/usr/bin/fault-at -s $(</fault) /usr/bin/hook
status=$?
[ $status = 3 ] && exit 0
: >/hit
exit $status
EOF
chmod 755 "$R/usr/bin/elfcast-hook"

n=0 bad=0 version=2
wrong() { bad=$((bad + 1)) && echo "# $*"; }
fault() { # name fault-at-options
	local what=$1 call status
	shift
	for ((call = 1; ; call += STEP)); do
		rm -f "$R/hit"
		echo "$* $call" >"$R/fault"
		rpm_in -U --oldpackage "$P/prog-$version.rpm"
		status=$?
		version=$((3 - version))
		n=$((n + 1))
		[ $status -eq 0 ] || wrong "$what at call $call: exit status $status"
		[ ! -s "$TMP/out" ] || wrong "$what at call $call: $(head -n 1 "$TMP/out")"
		if [ $((n % 5)) -eq 0 ]; then
			in_root elfcast compile --quiet || wrong "$what at call $call: compile failed"
			converged || wrong "$what at call $call: not repaired"
		fi
		[ -e "$R/hit" ] || break
	done
}
fault "killed"
for e in EIO:5 ENOMEM:12 EACCES:13 EMFILE:24 ENOSPC:28 EROFS:30; do fault "${e%:*}" -e "${e#*:}"; done
check "a hundred transactions" test $n -ge 100
same "transactions that failed, spoke, or were not repaired" 0 $bad
echo "# table: rpm: $n transactions with a faulted hook, $bad of them visible"
finish
