/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads ahead what programs need, at the moment at which they are executed; in threads of its
 * own, so that who tells it never waits. Everything it needs to know is in memory: a launch asks
 * no disk where its pages are. libc only.
 *
 * Threads end with the process: one that sleeps in a dead disk cannot be waited for.
 */
#ifndef ELFCAST_LAUNCH_READER_H
#define ELFCAST_LAUNCH_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "shadow-read.h"
#include "store.h"

#define LAUNCH_READER_VERDICTS 64u

struct launch_reader;

struct launch_reader_counts {
	uint64_t n_read;     /* launches that were read ahead */
	uint64_t n_alone;    /* cold, and left alone as they were told to be */
	uint64_t n_resident; /* looked at, and in memory already */
	uint64_t n_again;    /* came seconds after one that was looked at */
	uint64_t n_dropped;  /* too many at once, or memory was short */
	uint64_t n_pages;    /* asked for, of 4096 bytes */
};

/*
 * Starts the threads, after what they are to be confined by. STORE is borrowed until the process
 * ends. -ENOMEM, -EAGAIN.
 */
int launch_reader_new(const struct store *store, struct launch_reader **ret);
/*
 * What there is to be read from now on: BUNDLE, and of programs that are not in it and stand in BRINGING (sorted,
 * canonical paths) the shadow that they bring along. Both are taken; of zeros: nothing. One thread. -ENOMEM.
 */
int launch_reader_set(struct launch_reader *r, struct shadow_buffer *bundle,
		      struct name_list *bringing);
/* The mount table is another one than before. */
void launch_reader_mounts_changed(struct launch_reader *r);
/*
 * PROGRAM, canonical below the root, is being executed: it is to be read ahead, or only looked at.
 * Never waits for a disk. 0: there is nothing to do, since it came a moment ago, or nothing of it
 * is to be read; else what launch_reader_was_cold() knows it by.
 */
uint32_t launch_reader_launched(struct launch_reader *r, const char *program, bool is_read);
/*
 * Whether launch TOKEN, of an ELF program, began with pages missing, and was read or left alone as it
 * was told. Of the last LAUNCH_READER_VERDICTS; once.
 */
bool launch_reader_was_cold(struct launch_reader *r, uint32_t token);
/* Launch TOKEN took MS. */
void launch_reader_note_time(struct launch_reader *r, uint32_t token, uint32_t ms);
/* This boot's last launches, as launched_format() does. */
int launch_reader_format_log(struct launch_reader *r, char **ret, size_t *ret_bytes);
/* Since the start. */
struct launch_reader_counts launch_reader_counts(struct launch_reader *r);

#endif
