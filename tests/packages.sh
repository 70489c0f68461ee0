# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of packages: small ones of what lies in a directory. After lib.sh.

# Nothing of the user's configuration of rpm.
export HOME=$TMP/home
mkdir -p "$HOME"

# make_rpm FILE DIR [PAYLOAD [NAME]]: all of DIR; PAYLOAD as %_binary_payload, default w6.xzdio;
# RPM_FORMAT as %_rpmformat, where rpm makes several
make_rpm() {
	local top=$TMP/rpmbuild
	rm -rf "$top"
	mkdir -p "$top"
	{
		cat <<EOF
Name: ${4:-hello}
Version: 1.2
Release: 3
Summary: test
License: LGPL-2.1-or-later
%define _topdir $top
%define _tmppath $top
%define _binary_payload ${3:-w6.xzdio}
%define _build_id_links none
%define debug_package %{nil}
%define __os_install_post %{nil}
%define __find_provides %{nil}
%define __find_requires %{nil}
%define source_date_epoch_from_changelog 0
%description
test
%install
mkdir -p %{buildroot}
cp -a $2/. %{buildroot}
%files
EOF
		# Directories that packages share are not theirs.
		(cd "$2" && find . -mindepth 1 -type d -printf '%%dir /%P\n' -o -printf '/%P\n') |
			grep -vE '^%dir /(usr|usr/bin|usr/lib|usr/share)$'
		echo "${RPM_EXTRA_FILES:-}"
	} >"$top/p.spec"
	rpmbuild --quiet ${RPM_FORMAT:+--define "_rpmformat $RPM_FORMAT"} -bb "$top/p.spec" >"$top/log" 2>&1 ||
		{ tail -n 20 "$top/log" | sed 's/^/# /'; return 1; }
	mv "$top"/RPMS/*/*.rpm "$1"
}

# make_deb FILE DIR [COMPRESSION]: gzip, xz (default), zstd or none
make_deb() {
	rm -rf "$TMP/debroot"
	mkdir -p "$TMP/debroot/DEBIAN"
	cp -a "$2/." "$TMP/debroot"
	printf 'Package: hello\nVersion: 1.2-3\nArchitecture: all\nMaintainer: t <t@t>\nDescription: test\n' \
		>"$TMP/debroot/DEBIAN/control"
	dpkg-deb --root-owner-group -Z"${3:-xz}" --build "$TMP/debroot" "$1" >/dev/null
}
