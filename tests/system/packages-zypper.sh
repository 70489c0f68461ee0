#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
# zypper with a repository: transactions, several changes in one, a hook that fails.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
skip_without zypper rpm rpmbuild createrepo_c python3 git
setup_rpm

zypper_in() {
	zypper --non-interactive --no-gpg-checks --root "$R" "$@" >"$TMP/out" 2>&1 </dev/null
}
start() {
	new_root empty
	rpm_root -i "$P/base-1.rpm" || exit 1
	if ! zypper_in addrepo --no-gpgcheck "dir://$P" test || ! zypper_in refresh; then
		sed 's/^/# /' "$TMP/out"
		not_ok "zypper has a repository"
		exit 1
	fi
}
# Anything in one transaction: "name=version" to install, "-name" to erase.
transact() {
	local change name to
	local -a words=()
	for change; do
		IFS=: read -r name _ to <<<"$change"
		if [ "$to" = 0 ]; then
			words+=("-$name")
		else
			words+=("$name=$(rpm -qp --qf '%{version}-%{release}' "$(pkg_file "$name" "$to")")")
		fi
	done
	zypper_in --no-refresh install --download-in-advance --oldpackage --force --no-recommends -- "${words[@]}"
}

start
if [ -n "${SOAK:-}" ]; then
	walk "zypper, all transactions" prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
	walk "zypper, several packages at once" --joint prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1
else
	one elfcast:0:1 || not_ok "zypper installs elfcast"
	walk "zypper, all transactions with elfcast" prog=0,1,2 prog-elfcast=0,1,2 elfcast=1
fi
start
upgrades zypper
# Mixed transactions: the profile goes while the program comes, and the other way round.
bad=0
for step in "prog:1:2 prog-elfcast:1:0" "prog:2:0 prog-elfcast:0:1" "prog:0:1 elfcast:1:2" \
	"elfcast:2:0 prog:1:2" "elfcast:0:1 prog:2:1"; do
	one "$step" || bad=$((bad + 1))
done
same "zypper: installs and erases in one transaction" 0 $bad
IN_TURN=1 broken_hooks zypper prog:1:2 prog:2:1
check "zypper: the package is removed" transact elfcast:1:0 prog-elfcast:1:0
same "without a complaint" "" "$(grep -iE "$COMPLAINTS" "$TMP/out")"
same "and nothing of ours left" "" \
	"$(find "$R" -xdev -name '*elfcast*' ! -path "$R/var/cache/*" ! -path "$R$TMP" -printf '%P ')"
finish
