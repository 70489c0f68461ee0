# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# RPM packages for tests/system/packages-{rpm,dnf,zypper}.sh.

# make_rpm TREE NAME VERSION ARCH [SPEC-LINE [SCRIPTS]]: all of TREE, into $P
make_rpm() {
	local tree=$1 name=$2 version=$3 arch=$4
	{
		printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: test\nLicense: test\n%s\n' \
			"$name" "$version" "${5:-}"
		# Links between us and what is in the tree; no /usr/lib/.build-id of both versions.
		printf '%%define _build_id_links none\n%%define __os_install_post %%nil\n'
		printf '%%description\ntest\n%%install\ncp -a %s/. %%{buildroot}\n%%files\n' "$tree"
		(cd "$tree" && find . -mindepth 1 -type d -printf '%%dir "/%P"\n' -o \
			-mindepth 1 -printf '"/%P"\n')
		printf '%s\n' "${6:-}"
	} >"$TMP/$name.spec"
	rpmbuild -bb --nodeps --target "$arch" --define "_topdir $TMP/rpmbuild" \
		--define "_rpmdir $P" --define "_rpmfilename %{NAME}-%{VERSION}.rpm" \
		"$TMP/$name.spec" >"$TMP/rpmbuild.log" 2>&1 && return 0
	sed 's/^/# /' "$TMP/rpmbuild.log" | tail -n 20
	return 1
}

# rpm_packages: base-1, prog-{1,2}, prog-elfcast-{1,2}, elfcast-{1,2} in $P
rpm_packages() {
	local v
	make_rpm "$BASE" base 1 "$(uname -m)" "Provides: rtld(GNU_HASH) /bin/sh" || return 1
	for v in 1 2; do
		make_rpm "$T/prog-$v" prog $v "$(uname -m)" || return 1
		make_rpm "$T/prog-elfcast-$v" prog-elfcast $v noarch "Supplements: prog" || return 1
	done
	cp "$PKGS"/rpm/elfcast-0*-1.*"$(uname -m)".rpm "$P/elfcast-1.rpm" || return 1
	cp "$PKGS"/rpm-2/elfcast-0*-2.*"$(uname -m)".rpm "$P/elfcast-2.rpm"
}

# Since 4.20 a plugin says in each root that it cannot make mounts private there.
export HOME=$TMP/home
mkdir -p "$HOME"
echo '%__transaction_unshare %{nil}' >"$HOME/.rpmmacros"

# rpm_root ARGUMENT...: rpm on $R. Debian's wanted to be asked with force, up to 4.18.
rpm_root() {
	local -a force=()
	rpm --force-debian --version >/dev/null 2>&1 && force=(--force-debian)
	rpm "${force[@]}" --root "$R" --dbpath /var/lib/rpm "$@"
}

pkg_file() { echo "$P/$1-$2.rpm"; }

# setup_rpm: our packages and the vendor's, and a repository of them
setup_rpm() {
	built rpm && built rpm --define "elfcast_release 2" || {
		not_ok "make rpm"
		exit 1
	}
	base_tree
	vendor_trees
	check "the vendor's packages" rpm_packages
	createrepo_c -q "$P" >/dev/null 2>&1 || not_ok "createrepo_c"
}
