// SPDX-License-Identifier: LGPL-2.1-or-later
// boot-programs ROOT: what a boot of the system below ROOT starts, a program and its unit a line.
#include <stdio.h>

#include "boot-programs.h"

int main(int argc, char **argv)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	_cleanup_(store_done) struct store s = { 0 };
	struct boot_programs p;
	int r;

	if (argc != 2)
		return 2;
	r = store_open(argv[1], false, &s);
	if (r == 0)
		r = mounts_load(&mounts);
	if (r == 0)
		r = boot_programs_find(&s, mounts, &p);
	if (r < 0)
		return 1;
	for (size_t i = 0; i < p.n; i++)
		printf("%s %s\n", p.items[i].path, p.items[i].unit);
	boot_programs_done(&p);
	return 0;
}
