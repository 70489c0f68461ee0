#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 10 s
# needs: etc-elfcast
# libelfcast-prefetch.so: what it reads, what it leaves behind, and each row of elfcast-preload(7).
. "$(dirname "$0")/../lib.sh"

# The shadows of this machine: in a namespace of our own, on a tmpfs.
if [ "$(id -u)" != 0 ]; then
	skip "a preloaded object" "needs root"
	finish
fi
if [ -z "${PRELOAD_NS:-}" ]; then
	rm -rf "$TMP"
	trap - EXIT
	PRELOAD_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
fi
for d in /var/lib/elfcast /usr/share/elfcast/profiles.d /etc/elfcast; do
	[ -d $d ] || made+=("$d")
	mkdir -p $d && mount -t tmpfs -o mode=755 tmpfs $d
done
LIB=$BUILD/libelfcast-prefetch.so
chmod 755 "$TMP"
D=$TMP/opt
mkdir "$D"
PATH=$BUILD/tests:$PATH

# It says what it finds of itself in main().
cat >"$TMP/a.c" <<'EOF'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int count(const char *dir) {
	DIR *d = opendir(dir);
	int n = 0;
	while (d && readdir(d)) n++;
	if (d) closedir(d);
	return n;
}
int main(int argc, char *argv[]) {
	int e = errno, open_ones = 0, is_loaded = 0;
	char line[512];
	for (int fd = 0; fd < 64; fd++) open_ones += fcntl(fd, F_GETFD) >= 0;
	FILE *f = fopen("/proc/self/maps", "r");
	while (f && fgets(line, sizeof(line), f)) is_loaded |= strstr(line, "libelfcast-prefetch") != NULL;
	if (f) fclose(f);
	f = argc > 1 ? fopen(argv[1], "w") : stdout;
	fprintf(f, "errno %d descriptors %d threads %d loaded %d\n", e, open_ones, count("/proc/self/task") - 2, is_loaded);
	return 0;
}
EOF
if ! gcc -O1 -Wl,--build-id=sha1 -o "$D/app" "$TMP/a.c"; then
	skip "a preloaded object" "needs gcc"
	finish
fi
head -c 262144 /dev/urandom >"$D/data"
profile_of() { # NAME: which needs its first page, and of its data 4 to 11 and 40
	profile "$TMP/$1.json" "$D/$1" "{ \"path\": \"$D/data\", \"size\": 262144, \"pages\": [[4, 8, 1, 0], [40, 1, 1, 3]] },
		{ \"path\": \"$D/$1\", \"build_id\": \"$(build_id_of "$D/$1")\", \"size\": $(stat -c %s "$D/$1"), \"pages\": [[0, 1, 1, 0]] }"
}
make_cold() { sync "$D/data" && residency --evict "$D/data"; }
loaded() { make_cold && LD_PRELOAD=$LIB "$@"; }
all="4 8 40 1"

same "it exports nothing" "" "$(nm -D --defined-only "$LIB")"
same "it allocates nothing and starts nothing" "" \
	"$(nm -D --undefined-only "$LIB" | grep -E ' (malloc|calloc|realloc|free|strdup|asprintf|opendir|fopen|pthread_create|fork|clone|signal|exit)(@|$)')"
same "it needs libc alone" "" "$(readelf -d "$LIB" | grep NEEDED | grep -vE 'libc\.so|ld-linux')"

profile_of app
cp "$TMP/app.json" /usr/share/elfcast/profiles.d/test.app.json
without=$("$D/app")
check "the profile is compiled" elfcast compile -q
make_cold
same "without it nothing is read" "$without" "$("$D/app")"
same "nothing" "" "$(brought "$D/data")"
same "with it the program finds all as it was" "${without/loaded 0/loaded 1}" "$(loaded "$D/app")"
same "and its pages are read" "$all" "$(brought "$D/data")"

# The files are others now, or somebody else may write the shadow.
cp "$D/data" "$TMP/data" && cp "$TMP/data" "$D/new" && sync "$D/new" && mv "$D/new" "$D/data"
loaded "$D/app" >/dev/null
same "of another file nothing is read" "" "$(brought "$D/data")"
elfcast compile -q
loaded "$D/app" >/dev/null
same "until it is compiled" "$all" "$(brought "$D/data")"
chmod o+w /var/lib/elfcast/shadow/*
loaded "$D/app" >/dev/null
same "a shadow that others may write is not believed" "" "$(brought "$D/data")"
chmod o-w /var/lib/elfcast/shadow/*
for f in /var/lib/elfcast/shadow/*; do
	cp "$f" "$TMP/shadow"
	printf x | dd of="$f" bs=1 seek=100 conv=notrunc status=none
done
same "with a damaged one the program starts" "${without/loaded 0/loaded 1}" "$(loaded "$D/app")"
same "and nothing is read" "" "$(brought "$D/data")"
cp "$TMP/shadow" "$f"

# What a program brings along, wherever it lies.
gcc -O1 -Wl,--build-id=sha1 -DBRINGS -o "$D/brings" "$TMP/a.c"
profile_of brings
elfcast embed -q "$D/brings" "$TMP/brings.json"
mkdir "$D/elsewhere" && cp "$D/brings" "$D/elsewhere/moved"
for p in "$D/brings" "$D/elsewhere/moved"; do
	same "a program that brings its profile" "${without/loaded 0/loaded 1}" "$(loaded "$p")"
	same "its pages are read" "$all" "$(brought "$D/data")"
done

# ---- where it may not be used ----

cp "$D/app" "$D/setuid" && chown nobody "$D/setuid" && chmod 4755 "$D/setuid"
elfcast embed -q "$D/setuid" "$TMP/app.json"
loaded setpriv --reuid 65533 --clear-groups "$D/setuid" >"$TMP/out"
same "set-user-ID: the linker does not load it" "${without}" "$(cat "$TMP/out")"
same "nothing is read" "" "$(brought "$D/data")"
libs=$(dirname "$(ldconfig -p | sed -n 's/.*libc\.so\.6.*=> //p' | head -n 1)")
mkdir "$TMP/up" "$TMP/work"
mount -t tmpfs tmpfs "$TMP/up" && mkdir "$TMP/up/u" "$TMP/up/w"
if mount -t overlay -o "lowerdir=$(readlink -f "$libs"),upperdir=$TMP/up/u,workdir=$TMP/up/w" overlay "$(readlink -f "$libs")" 2>/dev/null; then
	install -m 4755 "$LIB" "$libs/libelfcast-prefetch.so"
	make_cold
	LD_PRELOAD=libelfcast-prefetch.so setpriv --reuid 65533 --clear-groups "$D/setuid" >"$TMP/out"
	same "set-user-ID, from the linker's own directory: it is there" "${without/loaded 0/loaded 1}" "$(cat "$TMP/out")"
	same "and does nothing" "" "$(brought "$D/data")"
	make_cold
	LD_PRELOAD=libelfcast-prefetch.so "$D/brings" >/dev/null
	same "in others it does" "$all" "$(brought "$D/data")"
	umount -l "$(readlink -f "$libs")"
else
	skip "set-user-ID, from the linker's own directory" "no overlay"
fi
umount -l "$TMP/up"

if gcc -static -O1 -Wl,--build-id=sha1 -o "$D/static" "$TMP/a.c" 2>/dev/null; then
	profile_of static
	elfcast embed -q "$D/static" "$TMP/static.json"
	same "static: it starts" "$without" "$(loaded "$D/static")"
	same "static: nothing is read" "" "$(brought "$D/data")"
else
	skip "static" "no static libc"
fi

cat >"$TMP/filter.c" <<'EOF'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define BAD(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, how)
int main(int argc, char *argv[]) {
	unsigned how = strcmp(argv[1], "kill") ? SECCOMP_RET_ERRNO | 1 : SECCOMP_RET_KILL_PROCESS;
	struct sock_filter f[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BAD(SYS_madvise), BAD(SYS_fadvise64), BAD(SYS_fstatfs), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog p = { sizeof(f) / sizeof(*f), f };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)) return 1;
	setenv("LD_PRELOAD", getenv("PRELOAD"), 1);
	execv(argv[2], argv + 2);
	return 1;
}
EOF
if gcc -o "$TMP/filter" "$TMP/filter.c"; then
	make_cold
	same "a filter that answers with errors: it starts" "${without/loaded 0/loaded 1}" \
		"$(PRELOAD=$LIB "$TMP/filter" error "$D/app")"
	same "and nothing is read" "" "$(brought "$D/data")"
	(PRELOAD=$LIB "$TMP/filter" kill "$D/app" >/dev/null 2>&1)
	same "one that kills, kills" $((128 + 31)) $?
	same "and without the object does not" "$without" "$(PRELOAD='' "$TMP/filter" kill "$D/app")"
fi

make_cold
"$D/app" "$TMP/out" 0<&- 1>&- 2>&-
closed=$(cat "$TMP/out")
make_cold
LD_PRELOAD=$LIB "$D/app" "$TMP/out" 0<&- 1>&- 2>&-
same "closed descriptors stay closed" "${closed/loaded 0/loaded 1}" "$(cat "$TMP/out")"
same "and its pages are read" "$all" "$(brought "$D/data")"

make_cold
(ulimit -n 4 && LD_PRELOAD=$LIB "$D/app" >"$TMP/out")
same "few descriptors: it starts" "errno 0" "$(grep -o 'errno 0' "$TMP/out")"

# Roots: without /proc; with it, and what is compiled; and without that.
R=$TMP/root
mkdir -p "$R/proc" "$R$D" "$R/var/lib"
for f in "$D/app" "$LIB" $(ldd "$D/app" | grep -oE '/[^ ]+'); do
	mkdir -p "$R$(dirname "$f")" && cp -L "$f" "$R$f"
done
ln "$D/data" "$R$D/data"
elfcast compile -q # of files with one name more
cp -a /var/lib/elfcast "$R/var/lib/"
same "a chroot without /proc: it starts" "errno 0" "$(loaded chroot "$R" "$D/app" | grep -o 'errno 0')"
same "nothing is read" "" "$(brought "$D/data")"
mount -t proc proc "$R/proc"
same "with /proc and what is compiled there" "${without/loaded 0/loaded 1}" "$(loaded chroot "$R" "$D/app")"
same "its pages are read" "$all" "$(brought "$D/data")"
rm -rf "$R/var/lib/elfcast"
same "a root in which nothing is compiled: it starts" "${without/loaded 0/loaded 1}" "$(loaded chroot "$R" "$D/app")"
same "nothing is read" "" "$(brought "$D/data")"
umount "$R/proc"

# An image.
if command -v mksquashfs >/dev/null && mksquashfs "$D" "$TMP/image" -no-progress >/dev/null 2>&1 &&
	mkdir "$TMP/mnt" && mount -o loop,ro "$TMP/image" "$TMP/mnt" 2>/dev/null; then
	sed "s,$D/data,$TMP/mnt/data,; s,$D/brings,$D/image,g" "$TMP/brings.json" >"$TMP/image.json"
	elfcast embed -q --remove "$D/brings"
	check "a program whose data is in an image" elfcast embed -q -o "$D/image" "$D/brings" "$TMP/image.json"
	LD_PRELOAD=$LIB "$D/image" >/dev/null
	same "of an image nothing is read" "" "$(brought "$TMP/mnt/data")"
	umount "$TMP/mnt"
else
	skip "of an image nothing is read" "no squashfs"
fi
for d in "${made[@]}"; do umount "$d" && rmdir "$d"; done
finish
