/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which file, and in which state: cheap to ask (one stat), changed by every replacement and
 * every write. No device number: those change between boots.
 */
#ifndef ELFCAST_IDENTITY_H
#define ELFCAST_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct identity {
	uint64_t ino;
	uint64_t size_bytes;
	int64_t mtime_ns, ctime_ns; /* since the epoch */
};

static inline int64_t identity_time(const struct timespec *t)
{
	/* Wraps for absurd times instead of trapping: it is only compared. */
	return (int64_t)((uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec);
}

static inline struct identity identity_from_stat(const struct stat *st)
{
	return (struct identity){
		.ino = st->st_ino,
		.size_bytes = (uint64_t)st->st_size,
		.mtime_ns = identity_time(&st->st_mtim),
		.ctime_ns = identity_time(&st->st_ctim),
	};
}

static inline bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->ino == b->ino && a->size_bytes == b->size_bytes &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

#endif
