# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For shell tests: TAP lines, a directory that goes away, and fake roots.
# Needs BUILD and TOP (tests/run sets them; both have defaults for running a test by hand).

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD=${BUILD:-$TOP/build}
PATH=$BUILD:$PATH
TMP=$(mktemp -d /tmp/elfcast-test.XXXXXX) || exit 1
trap 'rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
n_not_ok=0

ok() { echo "ok - $*"; }
not_ok() {
	echo "not ok - $*"
	n_not_ok=$((n_not_ok + 1))
}
skip() { echo "ok - $1 # SKIP $2"; }
# Not in a chroot, nor in many containers.
has_user_namespaces() { unshare --user --map-root-user true 2>/dev/null; }
finish() { exit $((n_not_ok > 0)); }

# check NAME COMMAND...: ok when the command succeeds
check() {
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name ($*)"; fi
}

# same NAME EXPECTED ACTUAL
same() {
	[ "$2" = "$3" ] && ok "$1" && return
	not_ok "$1"
	printf '# expected: %s\n#   actual: %s\n' "$2" "$3"
	return 1
}

# status NAME EXPECTED COMMAND...: exit status; output in $TMP/out and $TMP/err
status() {
	local name=$1 expected=$2 got
	shift 2
	"$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	got=$?
	if [ $got -eq "$expected" ]; then ok "$name"; else
		not_ok "$name (status $got, not $expected)"
		sed 's/^/# /' "$TMP/err"
	fi
}

# undisturbed "FILE..." COMMAND...: COMMAND, which looks what of the files is in memory; again
# while the kernel says that it took pages of them away meanwhile, as it does where memory is
# short, and where DAMON finds them cold.
undisturbed() {
	local files=$1 try
	shift
	for ((try = 0; try < 20; try++)); do
		"$@"
		# shellcheck disable=SC2086 # a list of files
		"$BUILD/tests/residency" --evicted $files || return 0
		echo "# pages were taken away: once more"
	done
}

# brought FILE: the pages of it that were brought in since they were dropped, "FIRST COUNT ...": what the kernel
# took away meanwhile (see undisturbed) was read nevertheless
brought() { "$BUILD/tests/residency" --brought "$1" | cut -d ' ' -f 2- | xargs; }

# reads_cold "FILE..." COMMAND...: on the cold disk at $root, of tests with cold() and resident();
# its exit status in $status, what of the files is in memory then in $got
reads_cold() {
	# shellcheck disable=SC2086,SC2154 # a list of files; the test's own
	undisturbed "$(printf "$root/%s " $1)" reads_once "$@"
}
reads_once() {
	local files=$1
	shift
	cold
	"$@"
	# shellcheck disable=SC2034 # for who asked
	status=$?
	# shellcheck disable=SC2086,SC2034
	got=$(resident $files)
}

build_id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p' | head -n 1; }

# make_elf FILE SEED: a small ELF file with a build-id of its own
make_elf() {
	printf 'char seed[3 * 4096] = "%s"; int main(void) { return seed[0]; }\n' "$2" >"$TMP/e.c"
	gcc -O0 -o "$1" "$TMP/e.c" -Wl,--build-id=sha1
}

# profile FILE PROGRAM OBJECTS-JSON
profile() {
	cat >"$1" <<EOF
{ "elfcast": 1, "program": "$2", "scenario": "default", "arch": "x86_64",
  "trained": { "runs": 1, "window_ms": 1000, "method": "uffd", "kernel": "6.18" },
  "objects": [ $3 ] }
EOF
}

# make_root: a fake root with programs "one" and "two" and a profile of each. Sets R (the
# root), P (its profiles), S (its shadows).
make_root() {
	local name
	R=$TMP/root P=$TMP/root/usr/share/elfcast/profiles.d S=$TMP/root/var/lib/elfcast/shadow
	mkdir -p "$P" "$R/usr/bin" "$R/var"
	for name in one two; do
		make_elf "$R/usr/bin/$name" "$name"
		profile "$P/test.$name.json" "/usr/bin/$name" "{ \"path\": \"/usr/bin/$name\",
			\"build_id\": \"$(build_id_of "$R/usr/bin/$name")\",
			\"size\": $(stat -c %s "$R/usr/bin/$name"), \"pages\": [[0, 1, 1, 0]] }"
	done
}
# All that is read ahead: the shadows, and the pack of both.
sums() { (cd "$S" 2>/dev/null && sha256sum -- *.shadow ../boot.pack 2>/dev/null); }
# packs_of_one: sums of the packs of each profile alone, which a parser that dies leaves
packs_of_one() {
	local f
	mv "$R/var" "$TMP/var-saved"
	for f in "$P"/*.json; do
		mkdir "$R/var" "$TMP/alone"
		mv "$P"/*.json "$TMP/alone/"
		mv "$TMP/alone/${f##*/}" "$P/"
		compile
		sums | grep boot.pack
		find "$TMP/alone" -name '*.json' -exec mv {} "$P/" \;
		rm -r "${R:?}/var" "$TMP/alone"
	done
	mv "$TMP/var-saved" "$R/var"
}
wait_until() { # command...: within a minute
	local i
	for ((i = 0; i < 1200; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}
n_shadows() { find "$S" -name '*.shadow' 2>/dev/null | wc -l; }

# populate PROGRAM...: copies of them in the root's /hook, with the libraries they need
populate() {
	local lib
	mkdir -p "$R/hook"
	cp "$@" "$R/hook/"
	ldd "$@" | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r lib; do
		[ -e "$R/$lib" ] || { mkdir -p "$R/${lib%/*}" && cp -L "$lib" "$R/$lib"; }
	done
}
# in_root [-p PRELOAD] COMMAND...: with R as "/"
in_root() {
	if [ "$1" = -p ]; then
		"$BUILD/tests/in-root" -p "$2" "$R" "${@:3}"
	else
		"$BUILD/tests/in-root" "$R" "$@"
	fi
}
