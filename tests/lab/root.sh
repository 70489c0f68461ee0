# shellcheck shell=bash disable=SC2034 # variables of those who source this
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the lab launches, and a small root with these programs from the machine's own
# packages. Sourced by lab.sh.
: "${BUILD:?}"

LAB_ALL="perl python3 git gcc gdb vim node java chromium libreoffice"
# More, for what many programs show together: each is started with --version.
LAB_MORE="bash tar make curl find grep sed xz zstd wget cmake ninja strace ssh ssh-keygen rsync objdump
	readelf nm strip ld as ar g++ cpp clang clang-format clang-tidy tclsh valgrind perf javac sqlite3
	psql less man groff tmux top free ps du ls cat cp gpg gpgv systemctl journalctl systemd-analyze
	systemd-nspawn apt apt-get apt-cache dpkg dpkg-deb rpm rpmbuild zypper pacman file diff cmp
	patch sort cut id who env stat head tail wc tr tee seq md5sum sha256sum jq ctags cppcheck
	shellcheck m4 gettext msgfmt xmllint zip bc cscope createrepo_c bsdtar fc-cache fc-list fish
	zsh xargs hexdump mount lsblk ip ss openssl fusermount3 vmtouch mksquashfs touch mv rm mkdir
	chmod date uname dd df sync cc1 mawk lsof pgrep kmod udevadm losetup column cpio flex bison"

# Other launches, by a name: their words as a shell reads them; and the files that they need.
declare -A LAB_COMMANDS=() LAB_COMMAND_FILES=()

# lab_add_command NAME LINE: what LINE needs is what it reads here, in a directory like /work.
lab_add_command() {
	local dir=$LAB/command
	LAB_COMMANDS[$1]=$2
	lab_launch_words "$1"
	rm -rf "$dir" && mkdir "$dir" || return 1
	lab_documents "$dir"
	(cd "$dir" && HOME=/root LC_ALL=C "$BUILD/elfcast" train -q --as-root -n 1 --until-exit \
		-o "$LAB/command.json" -- "${LAB_CMD[@]}") >"$LAB/command.log" 2>&1 </dev/null || {
		echo "'$2' cannot be run here: $(tail -n 1 "$LAB/command.log")"
		return 1
	}
	LAB_COMMAND_FILES[$1]=$(/usr/bin/python3 -c 'import json, sys
for o in json.load(open(sys.argv[1]))["objects"]: print(o["path"])' "$LAB/command.json")
	rm -rf "$dir"
}

lab_first_file() {
	local f
	for f; do
		if [ -x "$f" ]; then
			readlink -f "$f"
			return
		fi
	done
	echo "$1"
}

# What is executed for PROGRAM. Those that are started by a script or through a link are
# named as what that ends at: the launch is the program's.
lab_binary() {
	local w
	if [ -n "${LAB_COMMANDS[$1]:-}" ]; then
		eval "w=(${LAB_COMMANDS[$1]})"
		readlink -f "$(PATH=/usr/bin:/bin:/usr/sbin:/sbin command -v "${w[0]}" || echo "${w[0]}")"
		return
	fi
	case $1 in
	vim) lab_first_file /usr/bin/vim.basic /usr/bin/vim.nox /usr/bin/vim.tiny /usr/bin/vim ;;
	java) lab_first_file /usr/bin/java ;;
	chromium)
		lab_first_file /usr/lib/chromium/chromium \
			/usr/lib64/chromium-browser/chromium-browser
		;;
	libreoffice)
		lab_first_file /usr/lib/libreoffice/program/soffice.bin \
			/usr/lib64/libreoffice/program/soffice.bin
		;;
	perl | python3 | git | gcc | gdb | node) echo "/usr/bin/$1" ;;
	*) lab_first_file "/usr/bin/$1" "/usr/sbin/$1" "/bin/$1" "/sbin/$1" ;;
	esac
}

# lab_more N: of LAB_MORE, the first N programs that this machine has as ELF files of packages.
lab_more() {
	local p b n=0
	for p in $LAB_MORE; do
		[ "$n" -lt "$1" ] || break
		b=$(lab_binary "$p")
		[ -z "$(lab_lacks "$p")" ] && [ "$(head -c 4 "$b" | tail -c 3)" = ELF ] &&
			timeout 10 "$b" --version >/dev/null 2>&1 </dev/null || continue
		echo "$p"
		n=$((n + 1))
	done
}

# Why PROGRAM cannot be measured here, if so: only what packages own gets into the root.
lab_lacks() {
	local b
	b=$(lab_binary "$1")
	if [ ! -x "$b" ]; then
		echo "not installed"
	elif [ -z "$(echo "$b" | lab_packages_of)" ]; then
		echo "'$b' is of no package"
	fi
}

# How PROGRAM is launched, in /work of the root: LAB_CMD, and LAB_SHOWN for people and JSON.
lab_launch_words() {
	if [ -n "${LAB_COMMANDS[$1]:-}" ]; then
		eval "LAB_CMD=(${LAB_COMMANDS[$1]})"
		LAB_CMD[0]=$(PATH=/usr/bin:/bin:/usr/sbin:/sbin command -v "${LAB_CMD[0]}" || echo "${LAB_CMD[0]}")
		LAB_SHOWN=${LAB_COMMANDS[$1]}
		return
	fi
	LAB_CMD=("$(lab_binary "$1")")
	case $1 in
	perl) LAB_CMD+=(-e 'use POSIX') ;;
	python3) LAB_CMD+=(-c 'import json,http.server') ;;
	git) LAB_CMD+=(status) ;;
	gcc) LAB_CMD+=(-c -o /tmp/hello.o hello.c) ;;
	gdb) LAB_CMD+=(--batch) ;;
	vim) LAB_CMD+=(-es -c 'silent! syntax on' -c q hello.c) ;; # vim.tiny has none
	node) LAB_CMD+=(-e 'require("http")') ;;
	java) LAB_CMD+=(-version) ;;
	chromium)
		LAB_CMD+=(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage
			--user-data-dir=/tmp/state --dump-dom file:///work/page.html)
		;;
	libreoffice)
		LAB_CMD+=(--headless --norestore -env:UserInstallation=file:///tmp/state
			--convert-to pdf --outdir /tmp letter.txt)
		;;
	*) LAB_CMD+=(--version) ;;
	esac
	case $1 in
	perl | python3 | node) LAB_SHOWN="$1 ${LAB_CMD[1]} '${LAB_CMD[2]}'" ;;
	chromium) LAB_SHOWN="chromium --headless --dump-dom page.html" ;;
	libreoffice) LAB_SHOWN="soffice --headless --convert-to pdf letter.txt" ;;
	vim) LAB_SHOWN="vim -es -c 'syntax on' hello.c" ;;
	*) LAB_SHOWN="$1 ${LAB_CMD[*]:1}" ;;
	esac
}

# Programs that want a directory of the user's, which a first start makes.
lab_has_state() {
	case $1 in chromium | libreoffice) ;; *) false ;; esac
}

lab_python_seeds() {
	/usr/bin/python3 -Ic 'import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(os.__file__)
print(sysconfig.get_path("platstdlib") + "/lib-dynload")
import json, http.server
for m in json, http.server: print(m.__file__)'
}

# FILE, and every link on the way to what it is.
lab_links() {
	local f=$1
	while [ -L "$f" ]; do
		echo "$f"
		f=$(cd "${f%/*}" && realpath -s "$(readlink "$f")")
	done
	echo "$f"
}

# Files that PROGRAM needs; their packages come whole.
lab_seeds() {
	lab_links "$(lab_binary "$1")"
	if [ -n "${LAB_COMMANDS[$1]:-}" ]; then
		lab_launch_words "$1"
		lab_links "${LAB_CMD[0]}"
		echo "${LAB_COMMAND_FILES[$1]}"
	fi
	case $1 in
	perl)
		# shellcheck disable=SC2016 # perl's
		/usr/bin/perl -e 'use POSIX; print "$_\n" for values %INC'
		;;
	python3) lab_python_seeds ;;
	git) echo "$(/usr/bin/git --exec-path)/git" ;;
	gcc)
		/usr/bin/gcc -print-prog-name=cc1
		lab_links "$(PATH=/usr/bin command -v "$(/usr/bin/gcc -print-prog-name=as)")"
		echo /usr/include/stdio.h
		ls /usr/include/linux/errno.h
		/usr/bin/gcc -print-file-name=include/stddef.h
		;;
	gdb) lab_python_seeds ;;
	vim) ls /usr/share/vim/vim*/syntax/syntax.vim 2>/dev/null ;;
	chromium | libreoffice)
		lab_font_seeds
		# Cut into packages differently everywhere: all that own a file here. NSS
		# loads its parts by name.
		find "$(dirname "$(lab_binary "$1")")" /usr/lib/*/libnss3.so \
			/usr/lib64/libnss3.so -maxdepth 1 ! -type d 2>/dev/null
		# Debian's packages make copies there when they are installed.
		if [ "$1" = libreoffice ]; then find /etc/libreoffice ! -type d 2>/dev/null; fi
		;;
	esac
}

# Fonts, their configuration, and what makes the cache of them.
lab_font_seeds() {
	fc-match -f '%{file}\n' sans
	fc-match -f '%{file}\n' serif
	echo /etc/fonts/fonts.conf
	lab_links "$(command -v fc-cache)"
}

# Packages are known by the path before or after the merge of /usr.
lab_packages_of() {
	if command -v dpkg-query >/dev/null; then
		sed 'p; s,^/usr/,/,' | xargs dpkg-query -S 2>/dev/null |
			sed -n '/^diversion/d; s/: .*//p' | tr -d ' ' | tr , '\n'
	else
		xargs rpm -qf --queryformat '%{NAME}\n' 2>/dev/null | grep -v ' '
	fi | sort -u
}

lab_package_files() {
	if command -v dpkg-query >/dev/null; then
		xargs dpkg-query -L
	else
		xargs rpm -ql
	fi
}

# What no launch reads, and static libraries; lto1 is the twin of cc1.
lab_wanted() {
	grep -E '^/' | grep -vE \
		-e '^/usr/(share/(doc|man|locale|info|lintian|bug|gitweb)|src|lib/debug)/|^/(var|run)/' \
		-e '/(__pycache__|idlelib|tkinter|ensurepip|turtledemo|lib2to3|pydoc_data)/' \
		-e '^/usr/lib/git-core/git-[a-z-]+$' \
		-e '^/usr/lib/node_modules/|^/usr/include/node/|/chromium/locales/[a-df-z]' \
		-e '/chromium/libVkLayer|/jvm/.*/(jmods|demo)/' \
		-e '\.a$|/(lto1|lto-wrapper|[^/]*lto-dump[^/]*)$'
}

# Compiled modules that installing made, where the list has the source.
lab_with_pycache() {
	awk '{ print } /\.py$/ {
		d = $0; sub("/[^/]*$", "", d)
		if (!(d in seen)) { seen[d]; print d "/__pycache__" > "/dev/stderr" }
	}' 2>"$LAB/pycache.dirs"
	xargs -r ls -d <"$LAB/pycache.dirs" 2>/dev/null | while read -r d; do
		printf '%s\n' "$d" "$d"/*.pyc
	done
}

# What the programs named on stdin load, links and all.
lab_libraries() {
	xargs -r ldd 2>/dev/null | grep -oE '/[^ ():]+' | sort -u |
		while read -r f; do
			[ -e "$f" ] || continue
			lab_links "$f"
			readlink -f "$f"
		done
}

lab_with_libraries() {
	tee "$LAB/files"
	grep -E '/s?bin/|/libexec/|/git-core/|\.so(\.|$)|/(cc1|as|collect2)$|/lib[0-9]*/chromium[a-z-]*/[^/.]+$|/program/[^/.]+(\.bin)?$' "$LAB/files" |
		while read -r f; do
			[ -f "$f" ] && [ ! -L "$f" ] && echo "$f"
		done | lab_libraries
}

# Where / has links to /usr, paths go by /usr.
lab_merged_usr() {
	local d s=
	for d in bin sbin lib lib64; do
		[ -L /$d ] && s="$s;s,^/$d/,/usr/$d/,"
	done
	sed "${s#;}" | grep -vE '^/(usr/)?(s?bin|lib|lib64)?$'
}

# Copy the files named on stdin into the root; times and hard links stay.
lab_copy() {
	lab_merged_usr | sort -u | while read -r f; do
		if [ -d "$f" ] && [ ! -L "$f" ]; then continue; fi
		[ -e "$f" ] && printf '%s\0' ".$f"
	done | (cd / && tar --null --no-recursion -T - -cf - 2>/dev/null) | tar -C "$LAB/root" -xf -
}

lab_skeleton() {
	local r=$LAB/root d
	mkdir -p "$r"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,dev,proc,run,tmp,root,work,var/lib/elfcast}
	mkdir -p "$r/var/cache/fontconfig"
	for d in bin sbin lib lib64; do
		if [ -L /$d ]; then ln -s "usr/$d" "$r/$d"; else mkdir -p "$r/$d"; fi
	done
	mknod -m 666 "$r/dev/null" c 1 3
	mknod -m 666 "$r/dev/zero" c 1 5
	mknod -m 666 "$r/dev/urandom" c 1 9
	echo 'root:x:0:0:root:/root:/bin/sh' >"$r/etc/passwd"
	echo 'root:x:0:' >"$r/etc/group"
}

# 120 small files in 6 directories, one commit; of fixed content and dates.
lab_repository() {
	local w=$LAB/root/work i
	for i in $(seq 120); do
		mkdir -p "$w/d$((i % 6))"
		seq "$i" $((i + 60)) >"$w/d$((i % 6))/f$i.txt"
	done
	(
		cd "$w" && unset GIT_DIR GIT_WORK_TREE
		export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='2020-01-01T00:00Z' \
			GIT_COMMITTER_DATE='2020-01-01T00:00Z'
		git init -q -b main . && git config user.name lab && git config user.email lab@localhost &&
			# The index outlives copies of the tree: by size and whole seconds only.
		git config core.checkStat minimal && git config core.trustctime false &&
			find . -name .git -prune -o -exec touch -d 2020-01-01T00:00Z {} + &&
			git add . && git commit -q -m lab && git gc -q
	) || lab_die "cannot make the git repository"
}

lab_documents() { # what the launches work on
	cat >"$1/hello.c" <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int main(void) { puts("hello"); return 0; }
	END
	echo '<!doctype html><title>lab</title><h1>A page</h1><p>of <i>some</i> text.' >"$1/page.html"
	seq -f 'Line %g of a letter.' 40 >"$1/letter.txt"
}

lab_mkroot() {
	local p
	LAB_PROGRAMS=$*
	[ $# -gt 0 ] || lab_die "no program to measure"
	lab_skeleton
	lab_documents "$LAB/root/work"
	for p in "$@"; do
		[ -x "$(lab_binary "$p")" ] || lab_die "'$p' is not installed"
		lab_seeds "$p"
		if [ "$p" = git ]; then lab_repository; fi
	done >"$LAB/seeds"
	{
		cat "$LAB/seeds"
		lab_packages_of <"$LAB/seeds" | lab_package_files
	} | lab_wanted | sort -u | lab_with_pycache | lab_with_libraries | lab_copy
	lab_install_elfcast
	ldconfig -r "$LAB/root" 2>/dev/null || lab_die "ldconfig failed on the root"
	# Whole seconds, which every file system keeps: caches (of fonts) look at these.
	find "$LAB/root" -xdev -type d -exec touch -d 2020-01-01T00:00Z {} +
}

# As a package would, so that it can train inside.
lab_install_elfcast() {
	[ -x "$BUILD/elfcast" ] || return 0
	install "$BUILD/elfcast" "$LAB/root/usr/bin/elfcast"
	echo "$BUILD/elfcast" | lab_libraries | lab_copy
	mkdir -p "$LAB/root/usr/share/elfcast/profiles.d"
}
