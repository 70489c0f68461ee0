#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "elfcast retarget" finds in builds with other flags, or of another compiler: not part of make check.
#   tests/bench-retarget-flags.sh [DIR]
# Programs are built in each of the ways below, below DIR (default /opt/elfcast-flags; not in /tmp or
# /var/tmp, whose files training leaves out), and launches of them are trained in each. What was trained in
# the first is carried to the others, and compared page by page with what was trained there; DETAIL=1 tells of
# each launch. elfcast is one of them; with SOURCES=DIR, where "apt-get source bash nginx sqlite3" was called,
# these are, too. A DIR that is named is kept, and nothing in it is built or trained again. As root.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
dir=${1:-/opt/elfcast-flags}
SOURCES=${SOURCES:-}
export LC_ALL=C
[ "$(id -u)" = 0 ] && mkdir -p "$dir" || exit 1
trap '[ $# -gt 0 ] || rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
# The profile's name, and the command.
launches() {
	local profile=$TOP/profiles/collection/elfcast.git.json
	echo "elfcast-show elfcast show $profile
elfcast-status elfcast status
elfcast-merge elfcast merge -o /dev/null $profile $profile"
	[ -z "$SOURCES" ] || echo 'bash bash -c :
nginx nginx -t -p /nonexistent
sqlite sqlite3 :memory: "select 1"'
}

# build_PROGRAM SOURCE FLAGS COMPILER LDFLAGS: in a directory of its own; prints what it has made
build_elfcast() {
	make -s -C "$1" BUILD="$PWD" CC="$3" CFLAGS="-g0 $2" LDFLAGS="$4" "$PWD/elfcast" >&2 && echo elfcast
}
build_bash() {
	"$1/configure" CC="$3" CFLAGS="$2" LDFLAGS="$4" >&2 && make -s bash >&2 && echo bash
}
build_nginx() {
	cp -r "$1/." . && ./configure --with-cc="$3" --with-cc-opt="$2" --with-ld-opt="$4 -rdynamic" --with-threads \
		--with-http_ssl_module --with-http_v2_module --with-stream --with-mail >&2 && make -s >&2 && echo objs/nginx
}
# shellcheck disable=SC2016,SC2086 # the linker's $ORIGIN; lists
build_sqlite() {
	"$1/configure" --disable-tcl CC="$3" >&2 && make -s sqlite3.c shell.c >&2 &&
		"$3" $2 -fPIC -shared $4 -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_RTREE -o libsqlite3.so.0 \
			-Wl,-soname,libsqlite3.so.0 sqlite3.c -lm &&
		"$3" $2 $4 -o sqlite3 -Wl,-rpath,'$ORIGIN' shell.c libsqlite3.so.0 && echo sqlite3 libsqlite3.so.0
}
# build NAME FLAGS [COMPILER [LDFLAGS]]: a root with all programs; ".full" beside it has their symbols
build() {
	local root=$dir/$1 program source file
	[ ! -d "$root" ] || return 0
	mkdir -p "$root.new/usr/bin" "$root.full" || return 1
	for program in elfcast ${SOURCES:+bash nginx sqlite}; do
		source=$TOP
		[ $program = elfcast ] || source=$(readlink -f "$SOURCES/$program"*-[0-9]*/ | head -n 1)
		rm -rf "$dir/work" && mkdir "$dir/work"
		# shellcheck disable=SC2046 # a list
		(cd "$dir/work" && for file in $("build_$program" "$source" "$2" "${3:-gcc}" "${4:-}" 2>"$dir/log"); do
			cp "$file" "$root.full" && strip -o "$root.new/usr/bin/${file##*/}" "$file" || exit 1
		done)
		[ -e "$root.new/usr/bin/$program" ] || [ -e "$root.new/usr/bin/${program}3" ] ||
			echo "$1: $program cannot be built: $(tail -n 1 "$dir/log")" >&2
	done
	mv "$root.new" "$root"
	rm -rf "$dir/work"
}
train() { # NAME
	local name command to=$dir/profiles/$1
	mkdir -p "$to.new"
	while read -r name command; do
		[ ! -e "$to/$name.json" ] || continue
		(cd / && eval "exec $BUILD/elfcast train -q -n 3 --as-root --allow-failed -o '$to.new/$name.json' -- '$dir/$1/usr/bin/'$command") \
			</dev/null >/dev/null 2>>"$dir/log" || echo "$1: $name cannot be trained" >&2
	done < <(launches)
	python3 "$TOP/tests/helpers/retarget-score.py" strip "$dir/$1" "$to.new"
	mkdir -p "$to" && find "$to.new" -name '*.json' -exec mv {} "$to" \; && rm -r "$to.new"
}

first=
while read -r name flags compiler ldflags; do
	build "$name" "${flags//,/ }" $compiler $ldflags && train "$name" || exit 1
	first=${first:-$name}
	[ "$name" != "$first" ] || continue
	work=$dir/to-$name
	rm -rf "$work" && mkdir -p "$work/retargeted" || exit 1
	ln -s "$dir/profiles/$first" "$work/old" && ln -s "$dir/profiles/$name" "$work/new"
	for profile in "$work"/old/*.json; do
		"$BUILD/elfcast" retarget --quiet --to="$dir/$name" -o "$work/retargeted/${profile##*/}" "$profile"
	done
	echo "== $first to $name"
	python3 "$TOP/tests/helpers/retarget-score.py" score "$dir/$first" "$dir/$name" "$work"
done <<'END'
O2 -O2 gcc
O3 -O3 gcc
Os -Os gcc
frame-pointers -O2,-fno-omit-frame-pointer gcc
lto -O2,-flto gcc -flto
clang -O2 clang
END
