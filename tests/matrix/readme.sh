#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The README's two commands as it has them, typed by somebody who has just installed a suite of
# Debian and cloned us: "sudo make demo", "sudo make check", in a fresh root of it with nothing but
# sudo, git and make, by a user who is not root, on this machine's kernel. And what they promise:
# they install what they need, and leave nothing else behind.
#   tests/matrix/readme.sh [SUITE...]     default: bookworm trixie forky
# COMMANDS="demo" picks one. Needs root, mmdebstrap and a mirror; half an hour a suite. Roots stay
# below $ROOTS (default /var/tmp/elfcast-roots), packed. LOG=FILE keeps what was said, a file a
# suite. Ends with N passed, N failed, N skipped.
set -u
[ -n "${MATRIX_UNSHARED:-}" ] || MATRIX_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
ROOTS=${ROOTS:-/var/tmp/elfcast-roots}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}
COMMANDS=${COMMANDS:-demo check}
PACKAGES="sudo git make ca-certificates"
LOCKS=/run/lock/elfcast-tests # as in tests/run: who tests on this machine takes turns
[ $# -gt 0 ] || set -- bookworm trixie forky

# Not below /tmp and its like, of which nothing is recorded.
work=$(mktemp -d /var/lib/elfcast-readme-XXXXXX) || exit 1
root=$work/root
cleanup() {
	mountpoint -q "$root" && umount -R -l "$root"
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# An index may be older than its date allows.
make_tar() { # suite: the path
	local tar
	tar=$ROOTS/fresh-$1-$(sha256sum <<<"$1 $PACKAGES" | cut -c 1-12).tar
	mkdir -p "$ROOTS"
	[ -s "$tar" ] ||
		{ mmdebstrap --quiet --variant=minbase --format=tar --aptopt='Acquire::Check-Valid-Until "false"' \
			--include="${PACKAGES// /,}" "$1" "$tar.new" "$MIRROR" >&2 && mv "$tar.new" "$tar"; }
	[ -s "$tar" ] && echo "$tar"
}

# No overlay: what is in memory can be asked of real files only.
unpack() { # tar
	mkdir -p "$root" && mount --bind "$root" "$root" && tar -x -C "$root" -f "$1" --exclude='./dev/*' || return
	mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" &&
		mount -t tmpfs -o mode=755 run "$root/run" || return
	mkdir -p "$LOCKS" "$root/$LOCKS" && mount --bind "$LOCKS" "$root/$LOCKS" || return
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	chroot "$root" useradd -m -s /bin/bash reader &&
		echo "reader ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/reader" &&
		git clone -q --no-hardlinks "$TOP" "$root/home/reader/elfcast" &&
		chroot "$root" chown -R reader: /home/reader
}
# A root that is nobody's chroot, in which no user namespace can be made.
as_reader() { # command, in the clone
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'cd "$1" && pivot_root . mnt && umount -l mnt && cd / &&
		exec env -i PATH=/usr/local/bin:/usr/bin:/bin TERM=dumb LANG=C.UTF-8 su reader -c "cd ~/elfcast && $2"' sh "$root" "$1"
}

# What is there that was not, but for packages, what apt keeps, and the build.
left_behind() {
	find "$root"/tmp "$root"/var/tmp "$root"/home/reader "$root"/root "$root"/mnt "$root"/opt "$root"/srv "$root"/var/lib/elfcast \
		-mindepth 1 -maxdepth 1 ! -name elfcast ! -name '.bash*' ! -name .profile 2>/dev/null
	as_reader "git status --porcelain"
	grep " $root" /proc/self/mounts | cut -d ' ' -f 2 | sort >"$work/mounts"
	diff "$work/mounts.before" "$work/mounts" | sed -n 's/^> /mounted: /p'
}

n_passed=0 n_failed=0 n_skipped=0
count() { n_passed=$((n_passed + $1)) n_failed=$((n_failed + $2)) n_skipped=$((n_skipped + $3)); }
say() { # NAME OK?
	if [ "$2" = 0 ]; then echo "ok - $1" && count 1 0 0; else echo "not ok - $1" && count 0 1 0; fi
}
readme() { # suite
	local tar what began passed failed skipped left
	tar=$(make_tar "$1") && unpack "$tar" || { say "$1: a root" 1 && return; }
	: >"$work/said"
	grep " $root" /proc/self/mounts | cut -d ' ' -f 2 | sort >"$work/mounts.before"
	for what in $COMMANDS; do
		began=$SECONDS
		as_reader "sudo make $what" </dev/null >"$work/log" 2>&1
		say "$1: sudo make $what  ($((SECONDS - began))s)" $?
		cat "$work/log" >>"$work/said"
		if [ "$what" = check ]; then
			grep -E '^not ok|^ok .*# SKIP' "$work/log" | sed "s/^/# $1: /"
			read -r passed _ failed _ skipped _ <<<"$(grep -E '^[0-9]+ passed, ' "$work/log" | tail -n 1)"
			count "${passed:-0}" "${failed:-0}" "${skipped:-0}"
		fi
		tail -n 25 "$work/log" | sed 's/^/# /'
	done
	left=$(left_behind)
	[ -z "$left" ] || sed "s,^,# left: ," <<<"$left"
	say "$1: nothing is left behind" "$([ -z "$left" ]; echo $?)"
	[ -z "${LOG:-}" ] || cp "$work/said" "$LOG.$1"
	umount -R -l "$root"
	rm -rf --one-file-system "$root"
}
for suite; do readme "$suite"; done
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ $n_failed = 0 ]
