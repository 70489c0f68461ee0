/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places of metadata by hand, for tests/system/places.sh and tests/bench-places.sh. Paths of
 * files below ROOT, one a line, on stdin. FILE is a places file.
 *
 *   places build ROOT CLASS FILE    compute and write FILE; prints its pages, runs and time
 *   places eager ROOT CLASS FILE    the same, all of the files being what a boot needs
 *   places update ROOT CLASS        as compile does, in ROOT's state directory; no paths: no pack
 *   places update ROOT CLASS eager  the same, all of the files being what a boot needs
 *   places prefetch ROOT FILE       read ahead, wait for it; prints what was asked and time
 *   places open ROOT THREADS        open and fstat all; prints the time
 *   places touch ROOT               the same, and read the first and the last page, and a
 *                                   capability, as exec does
 *   places pages ROOT FILE          the pages in FILE, one a line
 *   places resident ROOT [FILE]     pages of the device below ROOT that are in memory, one a
 *                                   line; with FILE: how many of them are in it, and so on
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

#include "blockdev.h"
#include "bounds.h"
#include "io.h"
#include "metadata-places.h"
#include "prefetch-job.h"
#include "shadow-write.h"
#include "storage.h"
#include "vec.h"

static struct path_list {
	char **items;
	size_t n, capacity;
} paths;
static bool of_boot; /* these are what a boot needs */
static struct store store;
static struct mounts *mounts;

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "places: %s: %s\n", what, strerror(-error));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void read_paths(void)
{
	char line[PAGE_BYTES + 2];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (VEC_RESERVE_ONE(paths.items, paths.n, paths.capacity) < 0 ||
		    !(paths.items[paths.n++] = strdup(line)))
			die("paths", -ENOMEM);
	}
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A pack with one page of each file: all that places are made from. */
static uint8_t *make_pack(struct shadow *ret)
{
	struct object_desc *objects = calloc(paths.n, sizeof(*objects));
	struct extent_desc *extents = calloc(paths.n, sizeof(*extents));
	struct launch_desc l = { "/p", "s", "a", "p.json", SHADOW_NONE, SHADOW_NONE, 0, 0 };
	struct shadow_desc d = { SHADOW_KIND_PACK, &l, objects, extents, 1, 0, 0 };
	uint8_t *data;
	size_t bytes;
	int r;

	qsort(paths.items, paths.n, sizeof(*paths.items), compare_paths);
	for (size_t i = 0; i < paths.n; i++) {
		struct stat st;
		int fd = io_open_path(store.rootfd, paths.items[i], &st);

		if (fd < 0)
			die(paths.items[i], fd);
		close(fd);
		if (!S_ISREG(st.st_mode) || st.st_size == 0)
			continue;
		objects[d.n_objects] = (struct object_desc){
			.path = paths.items[i],
			.wanted_bytes = (uint64_t)st.st_size,
			.state = OBJECT_VALID,
			.identity = identity_from_stat(&st),
		};
		extents[d.n_extents++] = (struct extent_desc){ d.n_objects++, 0, 1, 0 };
	}
	d.n_eager = of_boot ? d.n_extents : 0;
	r = shadow_write(&d, &data, &bytes);
	if (r == 0)
		r = shadow_parse(data, bytes, ret);
	if (r < 0)
		die("pack", r);
	free(objects);
	free(extents);
	return data;
}

static struct facts_context make_context(const char *class)
{
	struct facts_context c = { store.rootfd, store.root_path, mounts, -1, NULL };
	enum storage_class storage;

	if (storage_class_from_name(class, &storage) == 0)
		c.storage_override = (int)storage;
	return c;
}

static void update(const char *class)
{
	struct facts_context c = make_context(class);
	uint8_t *pack_data = NULL;
	struct shadow pack;
	int r;

	read_paths();
	if (paths.n > 0)
		pack_data = make_pack(&pack);
	r = metadata_places_update(&store, &c, pack_data ? &pack : NULL);
	if (r < 0)
		die("metadata_places_update", r);
	free(pack_data);
}

static void build(const char *class, const char *file)
{
	struct facts_context c = make_context(class);
	struct shadow pack, s;
	uint8_t *pack_data, *data;
	size_t bytes;
	double t;
	FILE *f;
	int r;

	read_paths();
	pack_data = make_pack(&pack);
	t = now_ms();
	r = metadata_places_build(&pack, NULL, &c, &data, &bytes);
	t = now_ms() - t;
	if (r < 0)
		die("metadata_places_build", r);
	if (shadow_parse(data, bytes, &s) < 0)
		die("places", -EBADMSG);
	f = fopen(file, "we");
	if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0)
		die(file, -errno);
	printf("{\"filesystems\": %u, \"pages\": %llu, \"runs\": %u, \"bytes\": %zu, "
	       "\"ms\": %.2f}\n",
	       s.n_objects, (unsigned long long)shadow_count_pages(&s), s.n_extents, bytes,
	       t);
	free(data);
	free(pack_data);
}

static uint8_t *load(const char *file, struct shadow *ret)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *data;
	size_t bytes;
	int r = fd < 0 ? -errno : io_read_file(fd, LIMIT_PACK_BYTES, &data, &bytes);

	if (r == 0)
		r = shadow_parse(data, bytes, ret);
	if (r < 0)
		die(file, r);
	return (uint8_t *)data;
}

static void prefetch(const char *file)
{
	struct prefetch_options o = { .rootfd = store.rootfd,
				      .root_path = store.root_path,
				      .wait = true };
	struct prefetch_report report;
	struct shadow s;
	uint8_t *data = load(file, &s);
	double t = now_ms();
	int r = prefetch_run(&s, mounts, &o, &report);

	if (r < 0)
		die("prefetch_run", r);
	printf("{\"filesystems\": %u, \"used\": %u, \"extents\": %u, \"pages\": %llu, "
	       "\"ms\": %.2f, \"first\": \"%s\"}\n",
	       report.n_objects, report.n_objects_used, report.n_extents_asked,
	       (unsigned long long)report.n_pages_asked, now_ms() - t,
	       report.n_objects ? object_skip_text(report.skips[0]) : "");
	free(report.skips);
	free(data);
}

static size_t next_path;

static void *opener(void *unused)
{
	size_t i;

	(void)unused;
	while ((i = __atomic_fetch_add(&next_path, 1, __ATOMIC_RELAXED)) < paths.n) {
		int fd = openat(store.rootfd, paths.items[i] + 1, O_RDONLY | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			die(paths.items[i], -errno);
		close(fd);
	}
	return NULL;
}

static void touch_all(void)
{
	read_paths();
	for (size_t i = 0; i < paths.n; i++) {
		int fd = openat(store.rootfd, paths.items[i] + 1, O_RDONLY | O_CLOEXEC);
		struct stat st;
		char byte;

		if (fd < 0 || fstat(fd, &st) < 0 || pread(fd, &byte, 1, 0) < 0 ||
		    pread(fd, &byte, 1, st.st_size - 1) < 0)
			die(paths.items[i], -errno);
		/* As every exec does; that there is none is no error. */
		fgetxattr(fd, "security.capability", &byte, 0);
		close(fd);
	}
}

static void open_all(unsigned n_threads)
{
	pthread_t threads[64];
	double t;

	if (n_threads == 0 || n_threads > ARRAY_SIZE(threads))
		die("threads", -EINVAL);
	read_paths();
	t = now_ms();
	for (unsigned i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, opener, NULL) != 0)
			die("thread", -EAGAIN);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	printf("{\"files\": %zu, \"threads\": %u, \"ms\": %.2f}\n", paths.n, n_threads,
	       now_ms() - t);
}

/* Linux 6.5; glibc has neither. */
struct cachestat_range {
	uint64_t off, len;
};
struct cachestat {
	uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/*
 * Not mincore(2): it wants the whole page to be up to date, which pages are not that ext4
 * read by buffers.
 */
static void find_resident(int fd, unsigned char *in, size_t first, size_t n)
{
	struct cachestat_range range = { first * PAGE_BYTES, n * PAGE_BYTES };
	struct cachestat c;

	if (syscall(SYS_cachestat, fd, &range, &c, 0) < 0)
		die("cachestat", -errno);
	if (c.nr_cache == 0)
		return;
	if (c.nr_cache >= n) {
		memset(in + first, 1, n);
		return;
	}
	find_resident(fd, in, first, n / 2);
	find_resident(fd, in, first + n / 2, n - n / 2);
}

/* One byte a page: is it in the page cache of the device below the root? */
static unsigned char *read_residency(size_t *ret_pages)
{
	_cleanup_close_ int sysfd = blockdev_open_sys(), fd = -1;
	unsigned char *in;
	uint64_t bytes;
	dev_t dev;

	if (mounts_device(mounts, store.root_path, &dev) < 0)
		die("no device", -ENODEV);
	fd = blockdev_open(sysfd, dev);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		die("device", fd < 0 ? fd : -errno);
	*ret_pages = bytes / PAGE_BYTES;
	in = calloc(*ret_pages + 1, 1);
	if (!in)
		die("residency", -ENOMEM);
	find_resident(fd, in, 0, *ret_pages);
	return in;
}

static void compare(const unsigned char *in, size_t n_pages, const char *file)
{
	unsigned char *asked = calloc(n_pages + 1, 1);
	size_t n_in = 0, n_asked = 0, n_both = 0;
	struct shadow s;
	uint8_t *data = load(file, &s);

	for (uint32_t i = 0; i < s.n_extents; i++)
		for (uint32_t p = 0; p < le32_get(s.extents[i].n_pages); p++)
			asked[le32_get(s.extents[i].first_pgno) + p] = 1;
	for (size_t i = 0; i < n_pages; i++) {
		n_in += in[i] & 1;
		n_asked += asked[i];
		n_both += asked[i] & in[i] & 1;
		if ((in[i] & 1) && !asked[i])
			fprintf(stderr, "missed %zu\n", i);
	}
	printf("{\"resident\": %zu, \"asked\": %zu, \"both\": %zu}\n", n_in, n_asked,
	       n_both);
	free(asked);
	free(data);
}

static void print_pages(const char *file)
{
	struct shadow s;
	uint8_t *data = load(file, &s);

	for (uint32_t i = 0; i < s.n_extents; i++)
		for (uint32_t p = 0; p < le32_get(s.extents[i].n_pages); p++)
			printf("%u\n", le32_get(s.extents[i].first_pgno) + p);
	free(data);
}

static void resident(const char *file)
{
	size_t n_pages;
	unsigned char *in = read_residency(&n_pages);

	if (file)
		compare(in, n_pages, file);
	for (size_t i = 0; !file && i < n_pages; i++)
		if (in[i] & 1)
			printf("%zu\n", i);
	free(in);
}

int main(int argc, char *argv[])
{
	int r;

	if (argc < 3) {
		fprintf(stderr,
			"usage: places build|update|prefetch|open|touch|pages|resident "
			"ROOT ...\n");
		return 2;
	}
	r = store_open(argv[2], false, &store);
	if (r == 0)
		r = mounts_load(&mounts);
	if (r < 0)
		die(argv[2], r);
	of_boot = strcmp(argv[1], "eager") == 0;
	if ((of_boot || strcmp(argv[1], "build") == 0) && argc == 5)
		build(argv[3], argv[4]);
	else if (strcmp(argv[1], "update") == 0 &&
		 (argc == 4 || (argc == 5 && (of_boot = strcmp(argv[4], "eager") == 0))))
		update(argv[3]);
	else if (strcmp(argv[1], "prefetch") == 0 && argc == 4)
		prefetch(argv[3]);
	else if (strcmp(argv[1], "open") == 0 && argc == 4)
		open_all((unsigned)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[1], "touch") == 0 && argc == 3)
		touch_all();
	else if (strcmp(argv[1], "pages") == 0 && argc == 4)
		print_pages(argv[3]);
	else if (strcmp(argv[1], "resident") == 0 && argc <= 4)
		resident(argv[3]);
	else
		die(argv[1], -EINVAL);
	for (size_t i = 0; i < paths.n; i++)
		free(paths.items[i]);
	free(paths.items);
	mounts_free(mounts);
	store_done(&store);
	return 0;
}
