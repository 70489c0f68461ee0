#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rpm: every transaction from every state; without scripts and triggers; with a hook that fails.
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/helpers/pkg-lib.sh"
. "$TOP/tests/helpers/pkg-rpm.sh"
skip_without rpm rpmbuild python3 git

if ! built rpm; then
	not_ok "make rpm"
	finish
fi
ok "make rpm: packages, with their triggers"
check "the same as version 2" built rpm --define "elfcast_release 2"
base_tree
vendor_trees
check "the vendor's packages" rpm_packages

rpm_in() { rpm --force-debian --root "$R" --dbpath /var/lib/rpm "$@" >"$TMP/out" 2>&1 </dev/null; }
transact() {
	local -a files=() names
	local name version
	while read -r name version; do files+=("$(pkg_file "$name" "$version")"); done < <(to_install "$@")
	mapfile -t names < <(to_erase "$@")
	# shellcheck disable=SC2086
	if [ ${#files[@]} -gt 0 ]; then
		rpm_in -U --oldpackage --replacepkgs $RPM_FLAGS "${files[@]}"
	else
		rpm_in -e --allmatches $RPM_FLAGS "${names[@]}"
	fi
}
RPM_FLAGS=
start() {
	new_root empty
	rpm_in -i "$P/base-1.rpm" && return
	not_ok "base installs"
	sed "s/^/# /" "$TMP/out"
	exit 1
}
# rpm prints nothing at all when all is well.
COMPLAINTS='.'

start
if [ -n "${SOAK:-}" ]; then
	walk "rpm, all sequences of two" --depth 2 prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
	start
	one elfcast:0:1 || not_ok "rpm installs elfcast"
	walk "rpm, all sequences of three" --depth 3 prog=0,1,2 prog-elfcast=0,1,2 elfcast=1
	start
	walk "rpm, several packages at once" --joint prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1,2
else
	walk "rpm, all transactions" prog=0,1,2 prog-elfcast=0,1,2 elfcast=0,1
	start
	walk "rpm, several packages at once" --joint prog=0,1 prog-elfcast=0,1 elfcast=0,1
fi

start
upgrades "rpm"
steps="prog:1:2 prog-elfcast:1:2 prog:2:1 prog-elfcast:2:1 prog:1:0 prog-elfcast:1:0 prog-elfcast:0:1 prog:0:1"
for RPM_FLAGS in --noscripts --notriggers; do
	# shellcheck disable=SC2086
	stale_then_repaired "rpm $RPM_FLAGS" $steps
done
RPM_FLAGS=
# shellcheck disable=SC2086
broken_hooks "rpm" $steps

umount "$R/proc"
check "rpm without /proc: the transaction succeeds" transact prog:1:2
same "and nothing is printed" "" "$(cat "$TMP/out")"
mount -t proc proc "$R/proc"
in_root elfcast compile --quiet
check "and the next compile repairs" converged

check "rpm: the package is removed" transact elfcast:1:0 prog-elfcast:1:0
same "with nothing printed" "" "$(cat "$TMP/out")"
same "and nothing of ours left" "" "$(find "$R" -xdev -name '*elfcast*' -printf '%P ')"

# check-triggers itself must notice a trigger that is not there.
sed 's/^%transfiletriggerpostun.*\/opt$//' "$TOP/hooks/rpm/triggers.inc" >"$TMP/fewer.inc"
status "check-triggers notices a difference" 1 \
	"$TOP/hooks/rpm/check-triggers" "$TMP/fewer.inc" "$P/elfcast-1.rpm"
finish
