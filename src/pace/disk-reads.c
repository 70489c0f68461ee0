/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "blockdev.h"
#include "disk-reads.h"
#include "macro.h"

uint64_t disk_reads_own(int io_fd)
{
	unsigned long long bytes;
	char text[512], *line;
	ssize_t n = pread(io_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = 0;
	line = strstr(text, "\nread_bytes: ");
	return line && sscanf(line, "\nread_bytes: %llu", &bytes) == 1 ? bytes : 0;
}

static int64_t bytes_of_others(const struct disk_reads *d)
{
	uint64_t all = 0, ours;

	/* The disks first: what we begin to read between the two is then ours already. */
	for (unsigned i = 0; i < d->n_disks; i++) {
		struct blockdev_reads reads;

		if (blockdev_count_reads(d->sysfd, d->disks[i], &reads) == 0)
			all += reads.n_bytes;
	}
	ours = disk_reads_own(d->io_fd) + (d->also_ours ? *d->also_ours : 0);
	return (int64_t)(all - ours);
}

/* What it has read before is nobody's. */
static void add_disk(struct disk_reads *d, dev_t dev)
{
	struct blockdev_reads reads;
	dev_t disk;

	if (d->n_disks == DISK_READS_DISKS || blockdev_whole(d->sysfd, dev, &disk) < 0)
		return;
	for (unsigned i = 0; i < d->n_disks; i++)
		if (d->disks[i] == disk)
			return;
	if (blockdev_count_reads(d->sysfd, disk, &reads) < 0)
		return;
	d->most += (int64_t)reads.n_bytes;
	d->disks[d->n_disks++] = disk;
}

void disk_reads_init(struct disk_reads *d, int io_fd, int sysfd,
		     const _Atomic uint64_t *also_ours)
{
	*d = (struct disk_reads){ .io_fd = io_fd, .sysfd = sysfd, .also_ours = also_ours };
	d->most = bytes_of_others(d);
}

void disk_reads_add_path(struct disk_reads *d, const struct mounts *mounts,
			 const char *root_path, const char *path)
{
	const char *root = strcmp(root_path, "/") == 0 ? "" : root_path;
	char full[2 * PATH_MAX];
	dev_t dev;

	/* A kernel that does not count what we read: all of it would look like others'. */
	if (d->io_fd < 0 || d->sysfd < 0)
		return;
	if ((size_t)snprintf(full, sizeof(full), "%s%s", root, path) < sizeof(full) &&
	    mounts_device(mounts, full, &dev) == 0)
		add_disk(d, dev);
}

/* Objects are sorted by path: those of one directory, and so of one mount, lie together. */
void disk_reads_add_objects(struct disk_reads *d, const struct mounts *mounts,
			    const char *root_path, const struct shadow *s)
{
	const char *last = "";
	size_t last_bytes = 0;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const char *p = shadow_string(s, s->objects[i].path);
		size_t dir_bytes = (size_t)(strrchr(p, '/') - p);

		if (le32_get(s->objects[i].first_extent) == SHADOW_NONE ||
		    (i > 0 && dir_bytes == last_bytes && memcmp(p, last, dir_bytes) == 0))
			continue;
		last = p;
		last_bytes = dir_bytes;
		disk_reads_add_path(d, mounts, root_path, p);
	}
}

bool disk_reads_by_others(struct disk_reads *d)
{
	int64_t bytes = d->n_disks ? bytes_of_others(d) : d->most;
	bool more = bytes > d->most;

	d->most = MAX(d->most, bytes);
	return more;
}

bool disk_reads_in_flight(const struct disk_reads *d)
{
	unsigned n;

	for (unsigned i = 0; i < d->n_disks; i++)
		if (blockdev_reads_in_flight(d->sysfd, d->disks[i], &n) == 0 && n > 0)
			return true;
	return false;
}
