/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "bounds.h"
#include "breakpoints.h"
#include "hash.h"
#include "tracee.h"

static struct functions_file *find_file(struct functions *f, const struct mapping *m)
{
	const struct traced_file *file = m->file;

	return functions_find(f, file->object.path,
			      file->mapped_only ? file->map_ino : file->object.ino);
}

/* False: a function has none, so that it is not known of this page what did not run. */
static bool set_page(struct functions_file *file, const struct functions_page *p,
		     uint64_t addr, pid_t tid)
{
	bool all = true;

	for (size_t i = p->first; i < p->first + p->n; i++) {
		struct function *one = &file->functions[i];

		if (one->ran)
			continue;
		if (tracee_set_breakpoint(tid, addr + one->off) == 0)
			one->is_set = true;
		else
			all = false;
	}
	return all;
}

void breakpoints_set(struct functions *f, const struct mapping *m, pid_t tid)
{
	struct functions_file *file = find_file(f, m);
	uint64_t end_pgno = m->pgno + ((m->end - m->start) >> PAGE_SHIFT);

	for (size_t i = file ? functions_page_from(file, m->pgno) : 0;
	     file && i < file->n_pages && file->pages[i].pgno < end_pgno; i++) {
		struct functions_page *p = &file->pages[i];
		uint64_t addr = m->start + ((p->pgno - m->pgno) << PAGE_SHIFT);
		uint8_t content[PAGE_BYTES];

		if (tracee_read(tid, addr, content, sizeof(content)) == 0 &&
		    hash_bytes(content, sizeof(content)) == p->hash &&
		    set_page(file, p, addr, tid))
			p->is_watched = true;
	}
}

bool breakpoints_take(struct functions *f, const struct address_space *as, pid_t tid)
{
	const struct mapping *m;
	struct functions_file *file;
	struct function *one;
	uint64_t addr;

	if (!as || tracee_at_breakpoint(tid, &addr) < 0)
		return false;
	m = address_space_find(as, addr);
	file = m ? find_file(f, m) : NULL;
	one = file ? functions_at(file, (m->pgno << PAGE_SHIFT) + (addr - m->start)) : NULL;
	if (!one || !one->is_set)
		return false;
	if (!as->outside)
		one->ran = true;
	/* Another thread may have been here before: then there is none any more. */
	tracee_remove_breakpoint(tid, addr, one->code);
	return tracee_go_back_to(tid, addr) == 0;
}
