#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image with shadows and a pack in /usr, and a machine that runs it: all verbs and the boot
# take them from the same place, the image's until something was compiled here.
. "$(dirname "$0")/../lib.sh"

make_root
U=$R/usr/lib/elfcast
V=$R/var/lib/elfcast
mkdir -p "$R/run" "$R/etc/elfcast"
compile() { elfcast compile --storage=flash --root="$R" "$@" 2>"$TMP/err"; }
status() { elfcast status --root="$R" "$@" 2>"$TMP/err"; }
json() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
# What the boot reads: pack, outcome, number of launches.
boot() {
	elfcast-prefetch -q --root="$R" --report="$TMP/report"
	json 'd["pack"], d["outcome"], d["launches"]' <"$TMP/report" | tr -d "(),'"
}
overview() { status --json | json 'd["pack"]["state"], d["pack"]["launches"], len(d["programs"])' | tr -d "(),'"; }
usage() { status --usage --json | json 'len(d["launches"])'; }
packed() { status --pack --json | json 'd["pack"], len([l for l in d["launches"] if l["verdict"] == "taken"])' | tr -d "(),'"; }

check "the image is compiled" compile --usr
same "boot reads the image's pack" "/usr/lib/elfcast/boot.pack read 2" "$(boot)"
same "status knows it" "there 2 2" "$(overview)"
same "status --usage knows it" 2 "$(usage)"
same "status --pack knows it" "current 2" "$(packed)"
check "prefetch finds a shadow" elfcast prefetch -q --root="$R" /usr/bin/one
check "show finds a shadow" elfcast show --root="$R" /usr/bin/one

# Launches are counted in /var, whoever made the pack.
mkdir -p "$V"
printf 'elfcast-launches 2 1767300000 -\n5.000000 1767300000 0 /usr/bin/two\nend 1\n' >"$V/launches"
same "counts do not move the image's pack" "current 2" "$(packed)"
same "and are its usage's" True "$(status --usage --json | json 'd["counting"]')"

# One program less, then none: what was compiled here counts, even if that is no pack.
echo "Never=one" >"$R/etc/elfcast/elfcast.conf"
check "compiled here" compile
same "Never= is obeyed at boot" "/var/lib/elfcast/boot.pack read 1" "$(boot)"
same "status knows it, too" "there 1 2" "$(overview)"
echo "Never=one two" >"$R/etc/elfcast/elfcast.conf"
check "compiled again" compile
same "no pack here is no pack" "/var/lib/elfcast/boot.pack no pack 0" "$(boot)"
same "status says so, too" "missing 0 2" "$(overview)"
same "status --usage says so, too" 0 "$(usage)"
same "status --pack says so, too" "current 0" "$(packed)"
rm "$P/test.one.json"
check "a profile less" compile
check "its shadow is gone with it, though the image has one" test ! -e "$(echo "$S"/*one*)"
elfcast prefetch --root="$R" /usr/bin/one 2>"$TMP/err"
same "for everybody" "1 elfcast: no shadow of '/usr/bin/one': 'elfcast status /usr/bin/one' tells why" "$? $(cat "$TMP/err")"

rm -r "$V"
same "nothing here: the image's again" "/usr/lib/elfcast/boot.pack read 2" "$(boot)"
check "all of it is there" test -s "$U/index"
same "status as well" "there 2 2" "$(overview)"
finish
