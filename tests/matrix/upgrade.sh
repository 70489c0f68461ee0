#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What packaged profiles are worth to who installs them, and after an upgrade: in a fresh root of a suite
# with programs that the collection knows, our packages, made in that suite, are installed by apt; then
# suites are added, security updates by default, and all is upgraded, so that hooks compile and
# retarget. Says each time how many programs' profiles are valid.
#   tests/matrix/upgrade.sh [SUITE]       default: trixie
# PROGRAMS="git vim" are the collection's names, default the first 60 with neither a screen nor a unit;
# UPDATES has lines "MIRROR SUITE" of what is added; DEBS=DIRECTORY has our packages for SUITE. OUT=FILE keeps
# what "elfcast status --json" said each time; KEEP=yes leaves the root there, for who wants to look. Needs
# root, mmdebstrap and a mirror; some ten minutes. Exit status 1: less than 90 of 100 programs are
# valid at the end.
set -u
[ -n "${MATRIX_UNSHARED:-}" ] || MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/matrix/roots.sh"
case ${1:-} in
-*) sed -n '3,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 2 ;;
esac
suite=${1:-trixie}
security=${MIRROR%/}
UPDATES=${UPDATES:-"$MIRROR $suite-updates
${security%/debian}/debian-security $suite-security"}

work=$(mktemp -d /var/tmp/elfcast-upgrade.XXXXXX) || exit 1
root=$work/root
cleanup() {
	for m in $(findmnt -rno TARGET | grep -F "$work/" | tac); do umount -l "$m"; done
	if [ "${KEEP:-}" = yes ]; then echo "# left: $root" >&2; else rm -rf --one-file-system "$work"; fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM
die() { echo "upgrade.sh: $1" >&2 && exit 1; }

make_debs() {
	local build
	build=$(make_root "$suite") && [ -n "$build" ] || die "no root of $suite"
	run_in "$build" "$work/build" bash -c 'cd /elfcast && git init -q && git add -A &&
		git -c user.name=t -c user.email=t@example.org commit -qm sources && make deb' \
		>"$work/log" 2>&1 || die "make deb: $(tail -n 3 "$work/log")"
	DEBS=$work/build/upper/elfcast/build/packages/deb
}

[ -n "${DEBS:-}" ] || make_debs
recipes=$("$TOP/profiles/make-collection" --show "$suite") || die "no recipes"
: "${PROGRAMS:=$(cd "$TOP/profiles/recipes" && grep -L '^display:\|^unit:' -- * | grep -Fxf <(sed -n "s/^$suite  *\([^ ]*\) .* pages .*/\1/p" ../collection.txt) | head -n 60 | paste -sd ' ')}"
packages=$(for p in $PROGRAMS; do sed -n "s/^$suite $p \([^:]*\):.*/\1/p" <<<"$recipes"; done | tr ' ' '\n' | sort -u | paste -sd ,)
echo "# $suite: $(wc -w <<<"$PROGRAMS") programs of $(tr ',' '\n' <<<"$packages" | wc -l) packages" >&2
mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
	--include="$packages" "$suite" "$root" "$MIRROR" >"$work/log" 2>&1 || die "mmdebstrap: $(tail -n 3 "$work/log")"
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mkdir -p "$root/debs" &&
	mount --bind "$DEBS" "$root/debs" || die "cannot mount"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
apt() { inside apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold "$@" >"$work/log" 2>&1; }

told=()
tell() { # when
	# What a transaction left to the deferred unit; here is no systemd.
	inside elfcast compile --quiet || die "elfcast compile"
	inside elfcast status --json >"$work/status" || die "elfcast status"
	[ -z "${OUT:-}" ] || cat "$work/status" >>"$OUT"
	told+=("$1" "$work/status.${#told[@]}")
	cp "$work/status" "${told[-1]}"
}
before=$(inside dpkg-query -W -f '${Package} ${Version}\n')
mapfile -t debs < <(cd "$DEBS" && printf '/debs/%s\n' elfcast_*.deb elfcast-profiles_*.deb)
apt install --no-install-recommends "${debs[@]}" ||
	die "apt install: $(tail -n 3 "$work/log")"
tell installed
while read -r mirror name; do
	[ -z "$name" ] || echo "deb [check-valid-until=no] $mirror $name main"
done <<<"$UPDATES" >"$root/etc/apt/sources.list.d/updates.list"
apt update || die "apt update: $(tail -n 3 "$work/log")"
apt upgrade || die "apt upgrade: $(tail -n 3 "$work/log")"
echo "# upgraded: $(comm -13 <(sort <<<"$before") <(inside dpkg-query -W -f '${Package} ${Version}\n' | grep -v ^elfcast | sort) | wc -l) packages" >&2
tell upgraded
python3 - "${told[@]}" <<'P'
import json
import sys

print("             programs  valid  partly  stale  files of theirs usable  retargeted")
for when, path in zip(sys.argv[1::2], sys.argv[2::2]):
    programs = [p for p in json.load(open(path))["programs"] if p["state"] != "absent"]
    n = {s: sum(p["state"] == s for p in programs) for s in ("valid", "partly stale", "stale")}
    files, usable = (sum(p[k] for p in programs) for k in ("objects", "usable_objects"))
    print(f"{when:12} {len(programs):8} {n['valid']:6} {n['partly stale']:7} {n['stale']:6} "
          f"{usable:7} of {files:6} ({100 * usable / max(files, 1):.1f} %) {sum(p['retargeted_objects'] for p in programs):8}")
    for p in programs:
        if p["state"] != "valid":
            print(f"#   {p['state']}: {p['program']}: {p['usable_objects']} of {p['objects']} files")
share = 100 * n["valid"] / max(len(programs), 1)
print(f"result: {share:.0f} of 100 programs valid after the upgrade")
sys.exit(share < 90)
P
