/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings are sorted by address and disjoint; a new one cuts away what it covers, as mmap()
 * does. Pages are scanned before their mapping goes: afterwards nobody knows that they were
 * touched. Which system calls change mappings is known to traced-calls.c, and which files
 * count to traced-files.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "address-space.h"
#include "bounds.h"
#include "proc-maps.h"
#include "search.h"
#include "vec.h"

/* Linux 6.7; Debian 12 has the headers of 6.1. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef PAGEMAP_SCAN
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)
struct page_region {
	uint64_t start, end, categories;
};
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#endif

/* /proc/PID/pagemap, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_TOUCHED (3ull << 62) /* present or swapped */

static int uffd_setup(int uffd)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };

	return ioctl(uffd, UFFDIO_API, &api) < 0 ? -errno : 0;
}

bool address_space_scan_supported(void)
{
	_cleanup_close_ int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct page_region region;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.vec = (uintptr_t)&region,
		.vec_len = 1,
		.category_anyof_mask = PAGE_IS_PRESENT,
		.return_mask = PAGE_IS_PRESENT,
	};

	return pagemap >= 0 && ioctl(pagemap, PAGEMAP_SCAN, &arg) >= 0;
}

bool address_space_exact_supported(void)
{
	_cleanup_close_ int uffd =
		(int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	return uffd >= 0 && uffd_setup(uffd) == 0 && address_space_scan_supported();
}

struct address_space *address_space_new(pid_t pid, bool by_scan)
{
	struct address_space *as = calloc(1, sizeof(*as));
	char path[64];

	if (!as)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	as->pid = pid;
	as->uffd = -1;
	/* Stays with this address space also when the process execs or is gone. */
	as->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	as->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	as->by_scan = by_scan;
	return as;
}

void address_space_free(struct address_space *as)
{
	if (!as)
		return;
	if (as->uffd >= 0)
		close(as->uffd);
	if (as->pagemap >= 0)
		close(as->pagemap);
	free(as->maps);
	free(as);
}

int address_space_take_uffd(struct address_space *as, int uffd)
{
	int r = uffd_setup(uffd);

	if (r < 0) {
		close(uffd);
		return r;
	}
	as->uffd = uffd;
	return 0;
}

static int uffd_register(const struct address_space *as, uint64_t start, uint64_t end)
{
	struct uffdio_register reg = {
		.range = { .start = start, .len = end - start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(as->uffd, UFFDIO_REGISTER, &reg) < 0 ? -errno : 0;
}

/* One past the mappings from I on that follow each other without a hole. */
static size_t contiguous_end(const struct address_space *as, size_t i)
{
	for (i++; i < as->n && as->maps[i].start == as->maps[i - 1].end; i++)
		;
	return i;
}

void address_space_register_all(struct address_space *as)
{
	if (as->uffd < 0)
		return;
	for (size_t i = 0, next; i < as->n; i = next) {
		next = contiguous_end(as, i);
		if (uffd_register(as, as->maps[i].start, as->maps[next - 1].end) == 0)
			continue;
		/* One of them cannot be registered (a shared read-only one): the rest. */
		for (size_t k = i; k < next; k++)
			if (uffd_register(as, as->maps[k].start, as->maps[k].end) < 0)
				as->inexact = true;
	}
}

/* Index of the first mapping that ends after ADDR. */
static size_t find_mapping(const struct address_space *as, uint64_t addr)
{
	return SEARCH_FIRST(i, as->n, as->maps[i].end <= addr);
}

static int insert_mapping(struct address_space *as, size_t at, const struct mapping *m)
{
	if (VEC_RESERVE_ONE(as->maps, as->n, as->capacity) < 0)
		return -ENOMEM;
	memmove(as->maps + at + 1, as->maps + at, (as->n - at) * sizeof(*m));
	as->maps[at] = *m;
	as->n++;
	return 0;
}

/* Whole pages, as the kernel rounds; false when they wrap around. */
static bool round_range(const struct address_space *as, uint64_t addr, uint64_t bytes,
			uint64_t *ret_end)
{
	uint64_t page_bytes = as->page_bytes, end;

	if (addr % page_bytes || __builtin_add_overflow(addr, bytes, &end) ||
	    end > UINT64_MAX - page_bytes)
		return false;
	*ret_end = DIV_ROUND_UP(end, page_bytes) * page_bytes;
	return *ret_end > addr;
}

static int forget(struct address_space *as, uint64_t start, uint64_t end)
{
	size_t i = find_mapping(as, start), keep;

	if (i < as->n && as->maps[i].start < start) {
		struct mapping rest = as->maps[i];

		as->maps[i].end = start;
		if (rest.end > end) { /* a hole in the middle */
			rest.pgno += (end - rest.start) >> PAGE_SHIFT;
			rest.start = end;
			return insert_mapping(as, i + 1, &rest);
		}
		i++;
	}
	for (keep = i; keep < as->n && as->maps[keep].end <= end; keep++)
		;
	if (keep > i)
		memmove(as->maps + i, as->maps + keep,
			(as->n - keep) * sizeof(as->maps[0]));
	as->n -= keep - i;
	if (i < as->n && as->maps[i].start < end) {
		as->maps[i].pgno += (end - as->maps[i].start) >> PAGE_SHIFT;
		as->maps[i].start = end;
	}
	return 0;
}

int address_space_map(struct address_space *as, uint64_t addr, uint64_t bytes,
		      uint64_t pgno, struct traced_file *file)
{
	struct mapping m = { .start = addr, .pgno = pgno, .file = file };
	int r;

	if (!round_range(as, addr, bytes, &m.end))
		return 0;
	r = forget(as, m.start, m.end);
	if (r < 0)
		return r;
	if (as->uffd >= 0 && uffd_register(as, m.start, m.end) < 0)
		as->inexact = true;
	return insert_mapping(as, find_mapping(as, addr), &m);
}

const struct mapping *address_space_find(const struct address_space *as, uint64_t addr)
{
	size_t i = find_mapping(as, addr);

	return i < as->n && as->maps[i].start <= addr ? &as->maps[i] : NULL;
}

bool address_space_overlaps(const struct address_space *as, uint64_t addr, uint64_t bytes)
{
	size_t i = find_mapping(as, addr);

	return i < as->n && (as->maps[i].start <= addr || as->maps[i].start - addr < bytes);
}

/* Pages [START, END) of mappings from *CURSOR on were touched. */
static void mark(const struct address_space *as, size_t *cursor, uint64_t start,
		 uint64_t end, uint32_t when)
{
	while (start < end && *cursor < as->n) {
		const struct mapping *m = &as->maps[*cursor];
		uint64_t stop = MIN(end, m->end);

		if (m->end <= start) {
			++*cursor;
			continue;
		}
		start = MAX(start, m->start);
		if (start >= stop)
			return;
		traced_file_mark(m->file, m->pgno + ((start - m->start) >> PAGE_SHIFT),
				 (stop - start) >> PAGE_SHIFT, when);
		start = stop;
	}
}

static void scan_by_ioctl(const struct address_space *as, size_t cursor, uint64_t start,
			  uint64_t end, uint32_t when)
{
	struct page_region regions[256];
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = ARRAY_SIZE(regions),
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	};

	for (arg.start = start; arg.start < end; arg.start = arg.walk_end) {
		int n = ioctl(as->pagemap, PAGEMAP_SCAN, &arg);

		/* The process is gone; or no progress, which would be a kernel bug. */
		if (n < 0 || arg.walk_end <= arg.start)
			return;
		for (int i = 0; i < n; i++)
			mark(as, &cursor, regions[i].start, regions[i].end, when);
	}
}

static void scan_by_read(const struct address_space *as, size_t cursor, uint64_t start,
			 uint64_t end, uint32_t when)
{
	uint64_t entries[1024], page_bytes = as->page_bytes;

	while (start < end) {
		size_t want = MIN((end - start) / page_bytes, ARRAY_SIZE(entries));
		ssize_t n = pread(as->pagemap, entries, want * sizeof(entries[0]),
				  (off_t)(start / page_bytes * sizeof(entries[0])));

		if (n < (ssize_t)sizeof(entries[0]))
			return;
		n /= (ssize_t)sizeof(entries[0]);
		for (ssize_t i = 0; i < n; i++, start += page_bytes)
			if (entries[i] & PAGEMAP_TOUCHED)
				mark(as, &cursor, start, start + page_bytes, when);
	}
}

/* Contiguous mappings are asked in one call. */
static void scan_range(const struct address_space *as, uint64_t start, uint64_t end,
		       uint32_t when)
{
	if (as->pagemap < 0)
		return;
	for (size_t i = find_mapping(as, start), next; i < as->n; i = next) {
		uint64_t from = MAX(start, as->maps[i].start), to;

		if (from >= end)
			return;
		next = contiguous_end(as, i);
		to = MIN(end, as->maps[next - 1].end);
		if (as->by_scan)
			scan_by_ioctl(as, i, from, to, when);
		else
			scan_by_read(as, i, from, to, when);
	}
}

int address_space_unmap(struct address_space *as, uint64_t addr, uint64_t bytes,
			uint32_t when)
{
	uint64_t end;

	if (!round_range(as, addr, bytes, &end) ||
	    !address_space_overlaps(as, addr, end - addr))
		return 0;
	scan_range(as, addr, end, when);
	return forget(as, addr, end);
}

void address_space_scan(struct address_space *as, struct traced_files *files, uint32_t when)
{
	if (as->blind)
		address_space_load(as, files, NULL);
	scan_range(as, 0, UINT64_MAX, when);
}

static int load_mapping(struct address_space *as, struct traced_files *files,
			const struct proc_mapping *p)
{
	struct mapping m = { .start = p->start,
			     .end = p->end,
			     .pgno = p->off >> PAGE_SHIFT,
			     .is_code = p->is_code };

	if (p->name[0] != '/')
		return 0;
	m.file = traced_files_by_mapping(files, as->pid, p->dev, p->ino, p->name,
					 m.pgno + ((m.end - m.start) >> PAGE_SHIFT));
	return m.file ? insert_mapping(as, as->n, &m) : 0;
}

int address_space_load(struct address_space *as, struct traced_files *files,
		       uint64_t *ret_vdso)
{
	struct proc_mapping p;
	struct proc_maps maps;
	uint64_t vdso = 0;
	int r = proc_maps_open(as->pid, &maps);

	if (r < 0)
		return r;
	as->n = 0;
	while (r == 0 && proc_maps_next(&maps, &p)) {
		if (strcmp(p.name, "[vdso]") == 0)
			vdso = p.start;
		r = load_mapping(as, files, &p);
	}
	proc_maps_done(&maps);
	if (r == 0)
		address_space_register_all(as);
	if (ret_vdso)
		*ret_vdso = vdso;
	return r;
}

void address_space_mark_executed(struct address_space *as)
{
	for (size_t i = 0; i < as->n; i++)
		as->maps[i].file->executed = true;
}
