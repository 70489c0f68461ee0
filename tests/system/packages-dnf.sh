#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 80 s
# dnf 4 with a repository: transactions, the optional plugin, a hook that fails.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
skip_without dnf rpm rpmbuild createrepo_c python3 git
setup_rpm

start() {
	new_root empty
	rpm_root -i "$P/base-1.rpm" || exit 1
}
DNF_FLAGS=
dnf_in() {
	# shellcheck disable=SC2086
	dnf -y -q --installroot="$R" --releasever=1 --setopt=reposdir=/nonexistent \
		--setopt=keepcache=0 --setopt=plugins=0 --setopt=metadata_expire=never \
		--setopt=tsflags= --nogpgcheck \
		--repofrompath=test,"$P" --repo=test $DNF_FLAGS "$@" \
		>"$TMP/out" 2>&1 </dev/null
}
transact() {
	local change name from to verb
	local -A words=()
	for change; do
		IFS=: read -r name from to <<<"$change"
		verb=install
		if [ "$to" = 0 ]; then
			verb=remove
		elif [ "$from" = "$to" ]; then
			verb=reinstall
		elif [ "$from" -gt "$to" ]; then
			verb=downgrade
		fi
		[ "$to" = 0 ] || name=$(nevra "$name" "$to")
		words[$verb]+="$verb $name"$'\n'
	done
	if [ $# -eq 1 ]; then
		# shellcheck disable=SC2086
		dnf_in ${words[$verb]}
	else # only the shell takes different changes in one transaction
		printf '%srun\n' "${words[*]}" >"$TMP/dnf-shell"
		dnf_in shell "$TMP/dnf-shell"
	fi
}
nevra() { rpm -qp --qf '%{name}-%{version}-%{release}.%{arch}' "$(pkg_file "$1" "$2")"; }

start
if [ -n "${SOAK:-}" ]; then
	walk "dnf, all transactions" prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
	walk "dnf, each with several packages" --each --joint prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
else
	one elfcast:0:1 || not_ok "dnf installs elfcast"
	walk "dnf, each transaction" --each prog=0,1,2 prog-elfcast=0,1,2 elfcast=1,0
fi
start
upgrades dnf
steps="prog:1:2 prog:2:1"
DNF_FLAGS=--setopt=tsflags=notriggers
# shellcheck disable=SC2086
stale_then_repaired "dnf, notriggers" $steps

# The plugin does it where triggers do not run.
mkdir "$TMP/plugins"
cp "$TOP/hooks/dnf/elfcast.py" "$TMP/plugins"
sed -i "s,/usr/bin/elfcast\",$BUILD/elfcast\"," "$TMP/plugins/elfcast.py"
DNF_FLAGS="--setopt=tsflags=notriggers --setopt=plugins=1 --setopt=pluginpath=$TMP/plugins"
check "dnf, notriggers, with the plugin: succeeds" transact prog:1:2
same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
before=$(shadows)
in_root elfcast compile --quiet
same "and the plugin has compiled: nothing is left to do" "$before" "$(shadows)"
sed -i "s,$BUILD/elfcast\",/nonexistent/elfcast\"," "$TMP/plugins/elfcast.py"
check "with a plugin that cannot start elfcast: succeeds" transact prog:2:1
same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
in_root elfcast compile --quiet
DNF_FLAGS=
# shellcheck disable=SC2086
IN_TURN=1 broken_hooks dnf $steps
check "dnf: the package is removed" transact elfcast:1:0 prog-elfcast:1:0
same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
# What has the test's name is the test's: dnf makes the user's home.
same "and nothing of ours left" "" "$(find "$R" -xdev -name '*elfcast*' ! -path "$R/var/cache/*" ! -path "$R$TMP" -printf '%P ')"
finish
