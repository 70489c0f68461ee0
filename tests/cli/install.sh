#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make install and make uninstall: all that the one brings the other takes, and nothing else.
. "$(dirname "$0")/../lib.sh"

D=$TMP/dest
installs() { make -s -C "$TOP" BUILD="$BUILD" DESTDIR="$D" prefix=/opt/x "$@" >"$TMP/out" 2>&1; }
[ -e "$BUILD/man/elfcast.1" ] || {
	skip "make install" "not all is built: no scdoc"
	finish
}
installs install || {
	sed 's/^/# /' "$TMP/out" | tail -n 5
	not_ok "make install"
	finish
}
ok "make install"
check "programs" test -x "$D/opt/x/bin/elfcast"
check "manuals" test -e "$D/opt/x/share/man/man1/elfcast-list.1"
same "the merge on Dask, as documentation: no package needs python for it" 644 \
	"$(stat -c %a "$D/opt/x/share/doc/elfcast/examples/merge-on-dask")"
check "the program runs from there" "$D/opt/x/bin/elfcast" --version
check "and what may be process 1" "$D/opt/x/bin/elfcast-prefetch" --version
# Where the compiler has a libc.a for it; a sanitizer cannot be linked so.
if [ -e "$(${CC:-cc} -print-file-name=libc.a)" ] && ! nm "$BUILD/elfcast" | grep -q __asan_init; then
	same "which waits for no library" "" "$(readelf -lW "$D/opt/x/bin/elfcast-prefetch" | grep INTERP)"
	check "and lies where chance puts it" sh -c "readelf -hW '$D/opt/x/bin/elfcast-prefetch' | grep -q 'Type:.*DYN'"
else
	skip "which waits for no library" "no libc.a for it"
fi
# What is not ours, and what the administrator has changed.
: >"$D/opt/x/bin/other"
: >"$D/opt/x/share/elfcast/profiles.d/vendor.prog.json"
echo "Boot=no" >"$D/etc/elfcast/elfcast.conf"
check "make uninstall" installs uninstall
same "leaves what is not its own" "./etc/elfcast/elfcast.conf ./opt/x/bin/other ./opt/x/share/elfcast/profiles.d/vendor.prog.json" \
	"$(cd "$D" && find . -type f | sort | paste -s -d ' ')"
same "and says what" "left, yours: $D/etc/elfcast" "$(cat "$TMP/out")"
rm -r "$D/etc/elfcast" "$D/opt/x/share/elfcast" "$D/opt/x/bin/other"
check "make install once more" installs install
# As on a machine that systemd runs: first nothing of it runs any more.
cat >"$TMP/systemctl" <<SH
#!/bin/sh
echo "\$*" >>"$TMP/asked"
[ -x "$D/opt/x/bin/elfcastd" ] && echo before >>"$TMP/asked" || echo behind >>"$TMP/asked"
SH
chmod 755 "$TMP/systemctl"
check "make uninstall once more" installs uninstall SYSTEMD_RUNS=yes SYSTEMCTL="$TMP/systemctl"
check "stops elfcastd, and what reads at boot, while they are there" grep -q '^disable --quiet --now .*elfcast-boot.service.*elfcastd.service' "$TMP/asked"
same "and tells systemd that they are gone" "before daemon-reload behind" "$(tail -n 3 "$TMP/asked" | paste -s -d ' ')"
same "nothing is left" "" "$(find "$D" ! -type d; find "$D" -name '*elfcast*')"
finish
