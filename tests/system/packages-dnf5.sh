#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# dnf 5 with a repository: transactions, what it remembers of them when the hook fails, and the
# optional actions file.
# takes: 60 s
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
skip_without dnf5 rpm rpmbuild createrepo_c python3 git
setup_rpm

start() {
	new_root empty
	rpm_root -i "$P/base-1.rpm" || exit 1
}
DNF_FLAGS=
dnf_in() {
	local status
	# shellcheck disable=SC2086
	dnf5 -y --installroot="$R" --use-host-config --releasever=1 --setopt=reposdir=/nonexistent \
		--setopt=keepcache=0 --setopt=metadata_expire=never --setopt=install_weak_deps=False \
		--no-gpgchecks --repofrompath=test,"file://$P" --repo=test $DNF_FLAGS "$@" \
		>"$TMP/raw" 2>&1 </dev/null
	status=$?
	# Of dnf5's own.
	grep -v '^Warning: skipped OpenPGP' "$TMP/raw" >"$TMP/out"
	return $status
}
nevra() { rpm -qp --qf '%{name}-%{version}-%{release}.%{arch}' "$(pkg_file "$1" "$2")"; }
transact() { # one change
	local name from to verb=install
	IFS=: read -r name from to <<<"$1"
	if [ "$to" = 0 ]; then
		verb=remove
	elif [ "$from" -gt "$to" ]; then
		verb=downgrade
	elif [ "$from" = "$to" ]; then
		verb=reinstall
	fi
	[ "$to" = 0 ] || name=$(nevra "$name" "$to")
	dnf_in $verb "$name"
}

start
one elfcast:0:1 || not_ok "dnf5 installs elfcast"
walk "dnf5, each transaction" --each prog=0,1,2 prog-elfcast=0,1,2 elfcast=1
start
upgrades dnf5
IN_TURN=1 broken_hooks dnf5 prog:1:2 prog:2:1

# dnf 5 saves what it knows of a transaction only when that has succeeded.
break_hook missing
transact prog:1:2
dnf_in history info last
check "dnf5: with a hook that is missing the history says Ok" grep -q '^Status *: *Ok' "$TMP/out"
dnf_in repoquery --installed --qf '%{name} %{reason}\n' prog
check "and the reason is known" grep -qx "prog User" "$TMP/out"
cp -p "$TMP/hook" "$R/usr/bin/elfcast-hook"
in_root elfcast compile --quiet

# The actions file, where triggers do not run. The plugin reads the host's.
actions=/etc/dnf/libdnf5-plugins/actions.d
if [ -e /usr/lib/"$(uname -m)"-linux-gnu/libdnf5/plugins/actions.so ] ||
	[ -e /usr/lib64/libdnf5/plugins/actions.so ]; then
	mkdir -p $actions
	mount -t tmpfs none $actions
	DNF_FLAGS=--setopt=tsflags=notriggers
	sed "s,/usr/bin/elfcast ,$BUILD/elfcast ,; s,/usr/bin/elfcast-hook,$BUILD/no-hook," \
		"$TOP/hooks/dnf/elfcast.actions" >$actions/elfcast.actions
	check "dnf5, notriggers, with the actions: succeeds" transact prog:2:1
	same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
	before=$(shadows)
	in_root elfcast compile --quiet
	same "and they have compiled: nothing is left to do" "$before" "$(shadows)"
	sed -i "s,$BUILD/elfcast ,/nonexistent/elfcast ," $actions/elfcast.actions
	check "with actions that cannot start elfcast: succeeds" transact prog:1:2
	same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
	in_root elfcast compile --quiet
	transact prog:2:1
	DNF_FLAGS=
	umount $actions
	in_root elfcast compile --quiet
else
	skip "the actions file" "no plugin"
fi
check "dnf5: the package is removed" transact elfcast:1:0
check "and the profile" transact prog-elfcast:1:0
same "and nothing of ours left" "" \
	"$(find "$R" -xdev -name '*elfcast*' ! -path "$R/var/cache/*" ! -path "$R/*/libdnf5/*" ! -path "$R$TMP" -printf '%P ')"
finish
