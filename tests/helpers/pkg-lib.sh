# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests/system/packages-*.sh: a fake root, our packages and a vendor's, and walks through
# the transactions of a package manager. Each script defines
#   pkg_file NAME VERSION         the package file
#   transact NAME:FROM:TO...      one transaction, output to $TMP/out
# The vendor's packages: prog (a program, a plugin and data; version 2 has other build-ids and
# another size) and prog-elfcast (version 1 profiles prog 1, version 2 prog 2).

# Mounts of ours are in a namespace of our own: whatever happens, they go with us.
if [ -z "${PKG_UNSHARED:-}" ]; then
	if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
		echo "ok - transactions # SKIP needs root and mount namespaces"
		exit 0
	fi
	if [ -n "${ELFCAST_SANITIZED:-}" ]; then
		echo "ok - transactions # SKIP packages are built without sanitizers"
		exit 0
	fi
	PKG_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
fi
. "$TOP/tests/lib.sh"
. "$TOP/tests/cache.sh"

# The roots have no other locale, and their shells would say so.
export LC_ALL=C
R=$TMP/root   # what the package manager works on
P=$TMP/pkg    # package files
T=$TMP/tree   # what is in them
PKGS=$TMP/built
mkdir -p "$R" "$P" "$T"
n_transactions=0
# Never into a mount, /proc above all.
trap 'umount -R -l "$R" 2>/dev/null; rm -rf --one-file-system "$TMP"' EXIT

# skip_without TOOL...: leave when one is missing
skip_without() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null && continue
		skip "${0##*/}" "no $tool"
		exit 0
	done
}

# sources: what our packages are made of, and with what
sources() {
	local git=(git -C "$TOP" -c safe.directory='*')
	(cd "$TOP" && "${git[@]}" ls-files -z src hooks packaging profiles Makefile README.md LICENSE |
		xargs -0 sha256sum 2>/dev/null)
	cat /etc/os-release
	gcc -v 2>&1 | tail -n 1
	{ dpkg-query -W 'lib*-dev' debhelper dpkg-dev lintian rpm rpmlint ||
		rpm -q rpm-build rpmlint elfutils-libelf-devel json-c-devel rpm-devel; } 2>/dev/null
}
# built KIND [OPTION...]: our packages, in $PKGS/KIND; with options, in $PKGS/KIND-2
built() {
	local kind=$1 name=$1${2:+-2}
	shift
	made_of=$(sources)
	if ! cached packages "$name $* $made_of" build_packages "$kind" "$@"; then
		sed 's/^/# /' "$TMP/build.log"
		return 1
	fi
	mkdir -p "$PKGS"
	# shellcheck disable=SC2154 # of cache.sh
	ln -sfn "$cached" "$PKGS/$name"
}
build_packages() { # kind [option...] directory
	local kind=$1 out=${*: -1}
	set -- "${@:2:$#-2}"
	mkdir -p "$out"
	# One object directory for both releases: the same sources with the same flags. How small they
	# are is not looked at.
	DPKG_DEB_COMPRESSOR_LEVEL=1 OUT=$out BUILD=$CACHE/obj-$kind-$(sha256sum <<<"$made_of" | cut -c -20) \
		"$TOP/packaging/build-$kind.sh" "$@" >"$TMP/build.log" 2>&1
}

# deb_depends: what our packages in $PKGS/deb depend on, NAME,NAME…
deb_depends() {
	local f
	for f in "$PKGS"/deb/*.deb; do
		# What makes an initramfs is the system's to have.
		case $f in *-initramfs_*) continue ;; esac
		dpkg-deb -f "$f" Depends
	done | tr ',|' '\n\n' |
		sed 's/(.*//; s/ //g; /^elfcast/d; /^$/d' | sort -u | paste -s -d ,
}

# versions NAME,NAME…: of packages, here
versions() { tr , '\n' <<<"$1" | xargs -d '\n' dpkg-query -W; }

# base_tree: in $BASE what packages' scripts and our programs need; /usr is merged
base_tree() {
	local p file
	BASE=$T/base
	mkdir -p "$BASE"/usr/{bin,lib,lib64} "$BASE"/{etc,var/lib,var/tmp,tmp,dev,proc,run}
	ln -s usr/bin "$BASE/bin"
	ln -s usr/bin "$BASE/sbin"
	ln -s bin "$BASE/usr/sbin"
	ln -s usr/lib "$BASE/lib"
	ln -s usr/lib64 "$BASE/lib64"
	for p in bash rm env; do
		cp "$(type -P $p)" "$BASE/usr/bin"
	done
	ln -s bash "$BASE/usr/bin/sh"
	for file in $(ldd "$BASE"/usr/bin/* "$BUILD/elfcast" | grep -o '/[^ ]*' | grep -v :); do
		install -D "$file" "$BASE/usr/${file#/usr/}"
	done
}

# vendor_trees: $T/prog-1, $T/prog-2, $T/prog-elfcast-1, $T/prog-elfcast-2
vendor_trees() {
	local v t
	for v in 1 2; do
		t=$T/prog-$v
		mkdir -p "$t"/usr/{bin,lib/prog,share/prog} \
			"$T/prog-elfcast-$v/usr/share/elfcast/profiles.d"
		make_elf "$t/usr/bin/prog" "prog $v"
		make_elf "$t/usr/lib/prog/plugin.so" "plugin $v"
		head -c $((70000 + v)) /dev/zero >"$t/usr/share/prog/data"
		profile "$T/prog-elfcast-$v/usr/share/elfcast/profiles.d/prog.prog.json" \
			/usr/bin/prog "$(object "$t" /usr/bin/prog),
			$(object "$t" /usr/lib/prog/plugin.so),
			{ \"path\": \"/usr/share/prog/data\", \"size\": $((70000 + v)),
			  \"pages\": [[0, $v, 1, 2]] }"
	done
}
object() { # tree path
	printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0], [2, 1, 1, 3]] }' \
		"$2" "$(build_id_of "$1$2")" "$(stat -c %s "$1$2")"
}

# new_root [empty] [disk]: a root, with $T/base unless a package brings that. It is a mount, as
# "/" of every system is; in memory, unless a launch is to be trained: train leaves out files
# that are on no disk.
new_root() {
	if mountpoint -q "$R"; then
		umount "$R/proc" 2>/dev/null
		umount "$R" || exit 1
	fi
	if [[ "$*" == *disk* ]]; then
		rm -rf --one-file-system "$TMP/disk"
		mkdir "$TMP/disk"
		mount --bind "$TMP/disk" "$R" || exit 1
	else
		mount -t tmpfs -o mode=755 elfcast-test "$R" || exit 1
	fi
	[[ "$*" == *empty* ]] || cp -a "$BASE/." "$R"
	mkdir -p "$R/proc" "$R/dev"
	mount -t proc proc "$R/proc" || exit 1
	[ -e "$R/dev/null" ] || mknod -m 666 "$R/dev/null" c 1 3
}

in_root() { chroot "$R" /usr/bin/env -i PATH=/usr/bin "$@"; }
# All that is read ahead: the shadows, and the pack of all of them.
shadows() { (cd "$R/var/lib/elfcast/shadow" 2>/dev/null && sha256sum -- * ../boot.pack 2>/dev/null); }

# fresh: the shadows and the pack that a compile without any state gives
fresh() {
	mv "$R/var/lib/elfcast" "$R/saved"
	chroot "$R" /usr/bin/elfcast compile --force --quiet >&2
	shadows
	rm -rf "$R/var/lib/elfcast"
	mv "$R/saved" "$R/var/lib/elfcast"
}

# converged: what there is, is what a fresh compile gives; without elfcast there is nothing
converged() {
	local have want
	if [ ! -x "$R/usr/bin/elfcast" ]; then
		[ ! -e "$R/var/lib/elfcast" ] && [ ! -e "$R/usr/lib/elfcast" ] && return 0
		find "$R/var/lib/elfcast" "$R/usr/lib/elfcast" 2>/dev/null | sed 's/^/# left: /'
		return 1
	fi
	[ -d "$R/var/lib/elfcast" ] || { echo "# no state"; return 1; }
	have=$(shadows)
	want=$(fresh)
	[ "$have" = "$want" ] && return 0
	printf '# have: %s\n# want: %s\n' "$have" "$want"
	return 1
}

# What a package manager says when one of our hooks went wrong.
COMPLAINTS='elfcast-hook|scriptlet|trigger.*(fail|error)|warning|error|failed|cannot'

# did STEP...: what was to be there is there, in that version, and what was to go has gone
did() {
	local change name version file
	for change; do
		name=${change%%:*} version=${change##*:}
		case $name in
		prog-elfcast) file=usr/share/elfcast/profiles.d/prog.prog.json ;;
		*) file=usr/bin/$name ;;
		esac
		if [ "$version" = 0 ]; then
			[ ! -e "$R/$file" ] || return 1
		elif [ -e "$T/$name-$version/$file" ]; then
			cmp -s "$T/$name-$version/$file" "$R/$file" || return 1
		else # our own package: both versions have the same program
			[ -e "$R/$file" ] || return 1
		fi
	done
}

# Whether the package manager's last words, in $said, are complaints. By the shell itself: over
# thousands of transactions process ids come again, and bash then took the status of an old
# child for that of grep.
complained() {
	local status
	said=$(<"$TMP/out")
	shopt -s nocasematch
	[[ $said =~ $COMPLAINTS ]]
	status=$?
	shopt -u nocasematch
	return $status
}

# one STEP: do it, and look at all that must hold afterwards
# shellcheck disable=SC2086 # a step is a list of NAME:FROM:TO
one() {
	local status
	transact $1
	status=$?
	n_transactions=$((n_transactions + 1))
	if [ $status -ne 0 ]; then
		echo "# $1: exit status $status"
	elif ! did $1; then
		echo "# $1: not done"
	elif complained; then
		echo "# $1: complaints: '$said'"
	elif ! converged; then
		echo "# $1: not converged"
	else
		return 0
	fi
	sed 's/^/#   /' "$TMP/out" | tail -n 20
	return 1
}

# walk NAME WALK-ARGUMENTS...: all transactions of the walk, stopping at the fifth bad one
walk() {
	local name=$1 step n=0 bad=0 t0=$SECONDS valid=0
	shift
	while read -r step; do
		one "$step" || bad=$((bad + 1))
		n=$((n + 1))
		[ -n "$(shadows)" ] && valid=$((valid + 1))
		[ $bad -ge 5 ] && break
	done < <("$TOP/tests/helpers/pkg-walk.py" "$@")
	same "$name: $n transactions, all converge" 0 $bad
	check "$name: with shadows after some of them" test $valid -gt 0
	echo "# table: $name: $n transactions, $valid with shadows, $bad bad ($((SECONDS - t0)) s)"
}

# names OPS: "a-1 b-2" of those installed; erased OPS: names of those erased
to_install() { local c; for c; do [ "${c##*:}" = 0 ] || echo "${c%%:*} ${c##*:}"; done; }
to_erase() { local c; for c; do [ "${c##*:}" != 0 ] || echo "${c%%:*}"; done; }

# stale_then_repaired NAME STEP...: transactions whose hook does not run leave old shadows
# (or else this could not fail), and the next compile repairs them
stale_then_repaired() {
	local name=$1 step stale=0 bad=0 n=0
	shift
	for step; do
		transact "$step" || bad=$((bad + 1))
		n_transactions=$((n_transactions + 1)) n=$((n + 1))
		converged >/dev/null || stale=$((stale + 1))
		in_root elfcast compile --quiet || bad=$((bad + 1))
		converged || bad=$((bad + 1))
	done
	check "$name: shadows are old at first" test $stale -gt 0
	same "$name: after the next compile they are right" 0 $bad
	echo "# table: $name: $n transactions, $stale left old shadows, all repaired by compile"
}

# break_hook KIND: instead of $R/usr/bin/elfcast-hook
break_hook() {
	local hook=$R/usr/bin/elfcast-hook
	rm -rf "$hook"
	case $1 in
	missing) ;;
	directory) mkdir "$hook" ;;
	not-executable) echo '#!/bin/sh' >"$hook" ;;
	not-a-program) head -c 4096 /dev/zero >"$hook" && chmod 755 "$hook" ;;
	library-missing) cp "$TMP/no-library" "$hook" ;;
	*) printf '#!/bin/sh\n%s\n' "$1" >"$hook" && chmod 755 "$hook" ;;
	esac
}

# make_no_library FILE: a program that the dynamic linker cannot start
make_no_library() {
	echo 'int f(void); int f(void) { return 0; }' >"$TMP/f.c"
	echo 'int f(void); int main(void) { return f(); }' >"$TMP/main.c"
	gcc -shared -fPIC -Wl,-soname,libelfcast-missing.so.1 -o "$TMP/f.so" "$TMP/f.c" &&
		gcc -o "$1" "$TMP/main.c" "$TMP/f.so"
}

# broken_hooks NAME STEP...: hooks that fail, crash or cannot be started do not fail any of the
# transactions, nor does anybody say so; they must lead back to where they began; then compile
# repairs. With $IN_TURN set, and in short, one step for each kind: for managers that take a second each
broken_hooks() {
	local name=$1 hook=$R/usr/bin/elfcast-hook kind step bad n=0
	shift
	local turns=("$@")
	[ -z "${SOAK:-}" ] || IN_TURN=
	cp -p "$hook" "$TMP/hook"
	make_no_library "$TMP/no-library" || not_ok "$name: a program without its library"
	for kind in 'exit 1' 'echo our complaint >&2; exit 100' 'kill -KILL $$' 'kill -SEGV $$' \
		'kill -TERM $$' missing directory not-executable not-a-program library-missing; do
		bad=0
		[ -z "${IN_TURN:-}" ] || set -- "${turns[n % ${#turns[@]}]}"
		for step; do
			break_hook "$kind"
			transact "$step" || bad=$((bad + 1))
			did "$step" || bad=$((bad + 1))
			complained && bad=$((bad + 1))
			n=$((n + 1))
		done
		rm -rf "$hook"
		cp -p "$TMP/hook" "$hook"
		in_root elfcast compile --quiet || bad=$((bad + 1))
		converged || bad=$((bad + 1))
		same "$name: hook broken ($kind), transactions succeed" 0 $bad
		[ $bad -eq 0 ] || sed 's/^/# /' "$TMP/out"
	done
	n_transactions=$((n_transactions + n))
	echo "# table: $name: $n transactions with broken hooks"
}

# prefetches NAME N: of prog's three files, N are read ahead now
prefetches() {
	in_root elfcast prefetch --json prog >"$TMP/json" 2>/dev/null
	same "$1" "$2" "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))[0]["objects_used"])' "$TMP/json")"
}

# upgrades NAME: the story of the tutorial, with what a launch then reads
upgrades() {
	local step bad=0
	for step in elfcast:0:1 prog:0:1 prog-elfcast:0:1; do one "$step" || bad=1; done
	prefetches "$1: program and profile installed" 3
	one prog:1:2 || bad=1
	prefetches "$1: only the program upgraded" 0
	one prog-elfcast:1:2 || bad=1
	prefetches "$1: and the profile too" 3
	for step in prog:2:1 prog-elfcast:2:1; do one "$step" || bad=1; done
	prefetches "$1: both downgraded" 3
	same "$1: all transactions clean" 0 $bad
}
