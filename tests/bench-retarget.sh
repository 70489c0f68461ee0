#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "elfcast retarget" finds, against a training of the new files: not part of make check.
#   tests/bench-retarget.sh OLD NEW [PROGRAM...]
# OLD and NEW are roots: directories, or suites of Debian ("bookworm", "trixie"), with "+updates"
# those with what was released since, or one of those and .deb files that are installed over it:
# "bookworm,/tmp/git_2.39.5-0+deb12u2_amd64.deb". They are made below $ROOTS (default
# /var/lib/elfcast-retarget-roots; not in /tmp or /var/tmp, whose files training leaves out), and
# kept. As root, with mmdebstrap and a mirror. Each launch is trained three times in both roots,
# carried from OLD to NEW, and compared page by page, of all ELF files that are other builds there;
# DETAIL=1 tells of each. With WORK=DIR, a directory that is there, profiles are left in DIR/old, DIR/new and
# DIR/retargeted. With PROFILES=DIR what was trained is kept in DIR/NAME-OF-ROOT and not trained again: a change of
# what retargets is measured in seconds.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
ROOTS=${ROOTS:-/var/lib/elfcast-retarget-roots}
PACKAGES=bash,git,python3,perl,vim,gdb,man-db,less,openssh-client,curl,sqlite3,gcc,nodejs,ruby,nginx,openssl,jq,xz-utils,libc6-dev
# The profile's name, and the command.
LAUNCHES='bash bash -c :
git git -C /srv/work status
git-log git -C /srv/work log --oneline
python python3 -c "import json, ssl, sqlite3, subprocess, argparse, email"
perl perl -MPOSIX -e "print 1"
vim vim -es -c q
gdb gdb -batch -ex "print 1"
man man --version
less less --version
ssh ssh -G localhost
curl curl -V
sqlite sqlite3 :memory: "select 1"
gcc gcc -c -o /dev/null /srv/work/a.c
node node -e 1
ruby ruby -e 1
openssl openssl version
jq jq -n 1
xz xz --version
apt apt-cache policy bash
nginx nginx -t'
export LC_ALL=C

fail() {
	echo "$*" >&2
	exit 1
}
[ $# -ge 2 ] || fail "usage: ${0##*/} OLD NEW [PROGRAM...]"
[ "$(id -u)" = 0 ] || fail "needs root"

# make_root SPEC: prints its path
make_root() {
	local suite=${1%%[+,]*} root mirror security sources debs=
	[ -d "$1" ] && readlink -f "$1" && return
	root=$ROOTS/$(tr -c 'a-z0-9.+\n' _ <<<"$1" | cut -c 1-60)
	echo "$root"
	[ -e "$root/etc/debian_version" ] && return
	mkdir -p "$ROOTS"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
	security=${SECURITY:-${mirror%/}-security}
	sources=("deb $mirror $suite main")
	[[ ${1%%,*} == *+updates ]] &&
		sources+=("deb $mirror $suite-updates main" "deb $security $suite-security main")
	[[ $1 == *,* ]] && debs=${1#*,}
	mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='APT::Install-Recommends "false"' --include="$PACKAGES" \
		"$suite" "$root.new" "${sources[@]}" >&2 || return 1
	if [ -n "$debs" ]; then
		mkdir "$root.new/debs"
		# shellcheck disable=SC2086 # a list
		cp ${debs//,/ } "$root.new/debs" && chroot "$root.new" sh -c 'dpkg -i /debs/*.deb' >&2 || return 1
	fi
	mv "$root.new" "$root"
}

in_root() { # ROOT COMMAND-LINE; nothing that it mounts is left
	unshare --mount --propagation private sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "$2"' \
		sh "$@"
}

# train ROOT DIR: profiles of all launches, with paths as in the root
train() {
	local root=$1 dir=$2 name command
	[ ! -d "$dir" ] || return 0
	[ -z "$PROFILES" ] || mkdir -p "$PROFILES"
	dir=$dir.new
	rm -rf "$dir"
	mkdir -p "$dir" "$root/srv/work"
	printf '#include <stdio.h>\nint main(void) { return printf("x\\n"); }\n' >"$root/srv/work/a.c"
	in_root "$root" 'cd /srv/work && [ -d .git ] || { git init -q && git add a.c &&
		git -c user.name=a -c user.email=a@b commit -qm a; }'
	while read -r name command; do
		[[ -z $PROGRAMS || " $PROGRAMS " == *" $name "* ]] || continue
		"$BUILD/elfcast" train -n 3 --quiet -o "$dir/$name.json" -- \
			unshare --mount --propagation private sh -c 'mount -t proc proc "$1/proc"
				exec chroot "$1" sh -c "exec $2"' sh "$root" "$command" >/dev/null 2>>"$dir/log" ||
			echo "$name cannot be trained in $root" >&2
	done <<<"$LAUNCHES"
	python3 "$TOP/tests/helpers/retarget-score.py" strip "$root" "$dir" && mv "$dir" "$2"
}
# trained ROOT LINK
trained() {
	if [ "$PROFILES" ]; then
		train "$1" "$PROFILES/${1##*/}" && ln -sfn "$(readlink -f "$PROFILES/${1##*/}")" "$2"
	else
		train "$1" "$2"
	fi
}

old=$(make_root "$1") && new=$(make_root "$2") || fail "cannot make a root"
PROGRAMS=${*:3}
work=${WORK:-$(mktemp -d /tmp/elfcast-retarget.XXXXXX)} || exit 1
trap '[ -n "${WORK:-}" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
PROFILES=${PROFILES:-}
trained "$old" "$work/old" && trained "$new" "$work/new" && mkdir -p "$work/retargeted" || exit 1
rm -f "$work/retargeted"/*
for profile in "$work"/old/*.json; do
	"$BUILD/elfcast" retarget --quiet --to="$new" -o "$work/retargeted/${profile##*/}" "$profile"
done
python3 "$TOP/tests/helpers/retarget-score.py" score "$old" "$new" "$work"
