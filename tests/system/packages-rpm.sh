#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 60 s
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

rpm_in() { rpm_root "$@" >"$TMP/out" 2>&1 </dev/null; }
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

# Whatever a package has below /usr, the hook looks at everything: once is enough.
one "prog:1:0 prog-elfcast:1:0"
break_hook 'echo run >>/runs'
runs_of() { : >"$R/runs" && transact "$@" && wc -l <"$R/runs"; }
same "rpm: the hook runs once for an installation" 1 "$(runs_of prog:0:1 prog-elfcast:0:1)"
same "rpm: twice for an upgrade" 2 "$(runs_of prog:1:2 prog-elfcast:1:2)"
same "rpm: once for an erase" 1 "$(runs_of prog:2:0 prog-elfcast:2:0)"
rm "$R/runs"
cp -p "$TMP/hook" "$R/usr/bin/elfcast-hook"
one "prog:0:1 prog-elfcast:0:1" || not_ok "rpm: the hook works again"

# In a root that has no /dev/null yet.
mv "$R/dev/null" "$R/dev/saved"
check "rpm without /dev/null: the transaction succeeds" transact prog:1:2
same "and nothing is printed" "" "$(cat "$TMP/out")"
check "and there is no file of that name" test ! -e "$R/dev/null"
mv "$R/dev/saved" "$R/dev/null"
check "and the hook ran" converged
one prog:2:1

umount "$R/proc"
check "rpm without /proc: the transaction succeeds" transact prog:1:2
same "and nothing is printed" "" "$(cat "$TMP/out")"
mount -t proc proc "$R/proc"
in_root elfcast compile --quiet
check "and the next compile repairs" converged

# rpm knows no purge: what the machine learned stays.
learned="boot.blocks boot.own boot.training boots launch-times launches"
for p in $learned; do : >"$R/var/lib/elfcast/$p"; done
check "rpm: the package is erased" transact elfcast:1:0
# shellcheck disable=SC2086
same "what was learned stays, and nothing else" "$(printf '%s ' $learned)" \
	"$(find "$R/var/lib/elfcast" -mindepth 1 -printf '%P\n' | sort | paste -s -d ' ') "
rm -r "$R/var/lib/elfcast"
one elfcast:0:1

check "rpm: the package is removed" transact elfcast:1:0 prog-elfcast:1:0
same "with nothing printed" "" "$(cat "$TMP/out")"
same "and nothing of ours left" "" "$(find "$R" -xdev -name '*elfcast*' ! -path "$R$TMP" -printf '%P ')"

# check-triggers itself must notice a trigger that is not there, one that can fail, and two for
# one file.
check_triggers() { "$TOP/hooks/rpm/check-triggers" "$TMP/$1.inc" "$P/${2:-elfcast}-1.rpm"; }
sed 's/^%transfiletriggerpostun.*\/opt\/$//' "$TOP/hooks/rpm/triggers.inc" >"$TMP/fewer.inc"
status "check-triggers notices a difference" 1 check_triggers fewer
trigger_package() { # name prefixes last-line
	printf '%%transfiletriggerin -- %s\n/usr/bin/elfcast-hook\n%s\n' "$2" "$3" >"$TMP/$1.inc"
	mkdir -p "$T/$1" && make_rpm "$T/$1" "$1" 1 noarch "" "$(printf '%%postun\n:\n'; cat "$TMP/$1.inc")"
}
trigger_package right "/usr/lib/ /opt/" "exit 0"
status "check-triggers takes what is right" 0 check_triggers right right
trigger_package failing "/usr/lib/ /opt/" "exit"
status "check-triggers notices one that can fail" 1 check_triggers failing failing
trigger_package twice "/usr/lib /opt/ /usr/lib64" "exit 0"
status "check-triggers notices a prefix of another" 1 check_triggers twice twice
finish
