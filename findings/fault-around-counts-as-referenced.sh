#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A read fault maps up to 16 cached pages around the one that was touched, and on x86 all of them as
# accessed already: one byte is read, and 64 kB of the mapping are "Referenced" (smaps, proc(5)). So neither
# page tables nor referenced bits tell which pages a program has used. (arm64 maps the neighbours old.)
. "$(dirname "$(readlink -f "$0")")/lib.sh"
[ "$(uname -m)" = x86_64 ] || cannot "this is about x86-64"
head -c 1M /dev/urandom >"$T/file"
program touch_one <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(int argc, char **argv)
{
	char line[512], *at = mmap(NULL, 2 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int here = 0, n;
	FILE *f;

	/* From a multiple of 64 KiB of addresses on. */
	at += (1 << 20) - (unsigned long)at % (1 << 20);
	at = mmap(at, 1 << 20, PROT_READ, MAP_SHARED | MAP_FIXED, open(argv[argc - 1], O_RDONLY), 0);
	if (at == MAP_FAILED)
		return 1;
	n = ((volatile char *)at)[5 * 4096];
	f = fopen("/proc/self/smaps", "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start;

		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-') < strchr(line, ' '))
			here = start == (unsigned long)at;
		else if (here && (sscanf(line, "Rss: %d", &n) == 1))
			printf("mapped %d kB, ", n);
		else if (here && sscanf(line, "Referenced: %d", &n) == 1)
			printf("referenced %d kB\n", n);
	}
	return 0;
}
C
cat "$T/file" >/dev/null
seen "$(kernel)" "one byte of a cached file of 1 MiB was read through a mapping" \
	"mapped 64 kB, referenced 64 kB" "$("$T/touch_one" "$T/file")"
