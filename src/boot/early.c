/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the boot itself needs is read by one process from the first moment on, and by another
 * when local file systems are mounted: only what the first did not find. They are the same
 * program, and know of each other by two things. A lock on the root directory, whose inode is
 * one and in memory whatever is mounted: there is one reader at a time. And a file in /run,
 * which the first one leaves and the second takes away.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "boot.h"
#include "bounds.h"
#include "clock.h"
#include "macro.h"
#include "mounts.h"
#include "store.h"

/*
 * The memory as it was: the same program reads it, in the same boot. It is believed as little as
 * in the process that left it.
 */
struct boot_early {
	char version[16];
	struct boot_share share;
};

/* How often it is looked whether the other has ended. */
#define LOOK_MS 50

int boot_early_wait(const struct boot_options *o, int signals, uint64_t until_us,
		    enum boot_stop *ret_stop)
{
	struct pollfd signal = { .fd = signals, .events = POLLIN };
	int fd = open(o->root ? o->root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (clock_us() >= until_us)
			*ret_stop = BOOT_STOP_DEADLINE;
		else if (clock_poll(&signal, 1, clock_in_ms(LOOK_MS)) != 0)
			*ret_stop = BOOT_STOP_SIGNAL;
		if (*ret_stop != BOOT_STOP_NONE)
			break;
	}
	return fd;
}

/*
 * The store, if it has a /run that is no disk's: there the file would stay, and looking for it may
 * hang.
 */
static int open_store(const struct boot_options *o, struct store *ret)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	char run[LIMIT_PATH_BYTES + 1];
	const char *point = NULL;
	int r = store_open(o->root, false, ret);

	if (r < 0)
		return r;
	snprintf(run, sizeof(run), "%s/run", ret->root_path[1] ? ret->root_path : "");
	r = mounts_load(&mounts);
	if (r == 0)
		point = mounts_point(mounts, run);
	if (point && strcmp(point, run) == 0)
		return 0;
	store_done(ret);
	return r < 0 ? r : -ENOENT;
}

bool boot_early_load(const struct boot_options *o, struct boot_share *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	const struct boot_early *told;
	struct store store;
	size_t bytes = 0;

	if (open_store(o, &store) < 0)
		return false;
	if (store_read(&store, STORE_BOOT_EARLY, NULL, &data, &bytes) < 0)
		bytes = 0;
	store_done(&store);
	told = (const void *)data;
	if (bytes != sizeof(*told) ||
	    strncmp(told->version, ELFCAST_VERSION, sizeof(told->version)) != 0)
		return false;
	boot_share_take(&told->share, ret);
	return true;
}

/* And to its root, which is another one in an initramfs. */
static bool return_to_mounts_of_init(void)
{
	_cleanup_close_ int mounts = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC),
			    root = open("/proc/1/root", O_PATH | O_CLOEXEC);

	return mounts >= 0 && root >= 0 && setns(mounts, CLONE_NEWNS) == 0 &&
	       fchdir(root) == 0 && chroot(".") == 0;
}

int boot_early_leave(const struct boot_options *o, const struct boot_share *told)
{
	struct boot_early early = { .version = ELFCAST_VERSION };
	struct store store;
	bool written;
	int r = o->own_mounts && !return_to_mounts_of_init() ? -EPERM
							     : open_store(o, &store);

	if (r < 0)
		return r;
	memcpy((void *)&early.share, (const void *)told, sizeof(*told));
	r = store_put(&store, STORE_BOOT_EARLY, NULL, &early, sizeof(early), &written);
	store_done(&store);
	return r;
}

void boot_early_take_away(const struct boot_options *o)
{
	struct store store;
	bool removed;

	if (open_store(o, &store) < 0)
		return;
	store_remove(&store, STORE_BOOT_EARLY, NULL, &removed);
	store_done(&store);
}

static void add_counts(struct boot_counts *c, const struct boot_counts *early)
{
	c->pages_asked += early->pages_asked;
	c->bytes_read += early->bytes_read;
	c->cpu_us += early->cpu_us;
}

/* The times are those of whoever began: that is what the boot has had from the first moment. */
static void add_eager(struct boot_eager *e, const struct boot_eager *early)
{
	e->pages_asked += early->pages_asked;
	e->bytes_read += early->bytes_read;
	e->us += early->us;
	e->n_passed += early->n_passed;
	e->n_used += early->n_used;
	if (early->from_us > 0) {
		e->from_us = early->from_us;
		e->until_us = early->until_us;
	}
}

void boot_early_add(struct boot_share *told, const struct boot_share *early)
{
	/* A log that the first one could not read yet would have said otherwise. */
	if (early->plan == BOOT_PLAN_EAGER && told->plan != BOOT_PLAN_UNUSED)
		told->plan = BOOT_PLAN_EAGER;
	if (told->data_continued) {
		add_counts(&told->data, &early->data);
		add_eager(&told->data_eager, &early->data_eager);
		told->early_pages_asked = early->data_eager.pages_asked;
	}
	if (told->own_continued) {
		add_counts(&told->own, &early->own);
		add_eager(&told->own_eager, &early->own_eager);
	}
	if (told->metadata_continued) {
		add_counts(&told->metadata, &early->metadata);
		add_eager(&told->metadata_eager, &early->metadata_eager);
		told->metadata_us += early->metadata_us;
	}
}

void boot_eager_put(struct boot_eager *e, const struct boot_counts *counts,
		    uint64_t start_us)
{
	e->pages_asked = counts->pages_asked;
	e->bytes_read = counts->bytes_read;
	e->from_us = start_us;
	e->until_us = clock_us();
	e->us = e->until_us - start_us;
}

void boot_fates_put(struct boot_fates *f, const struct shadow_buffer *b,
		    const uint8_t *skips)
{
	if (!skips || b->shadow.n_objects > BOOT_FATES)
		return;
	f->xxh3 = shadow_buffer_sum(b);
	memcpy(f->skips, skips, b->shadow.n_objects);
	f->n = b->shadow.n_objects;
}

const uint8_t *boot_fates_get(const struct boot_fates *f, const struct shadow_buffer *b)
{
	return f->n > 0 && f->n == b->shadow.n_objects && f->xxh3 == shadow_buffer_sum(b)
		       ? f->skips
		       : NULL;
}
