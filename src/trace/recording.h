/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a recorder found: files, and when each of their pages was first needed. */
#ifndef ELFCAST_RECORDING_H
#define ELFCAST_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lookups.h"

enum { LAST_WORDS_BYTES = 2048 };

enum trace_method {
	TRACE_UFFD,    /* exact: Linux 6.7 (UFFD_FEATURE_WP_ASYNC, PAGEMAP_SCAN) */
	TRACE_PAGEMAP, /* before: fault-around maps up to 16 pages a touch */
	TRACE_PTE, /* the same, exact: it is turned off meanwhile, for the whole machine */
	TRACE_FILEMAP,	 /* the whole system, by tracepoints: see trace-system.h */
	TRACE_FAULTS,	 /* the same, light */
	TRACE_EXIT,	 /* page tables when a process ends, and nothing before: Morton's */
	TRACE_RESIDENCY, /* the page cache after a cold launch */
	TRACE_METHODS
};

/* As profiles and train --method have it. */
const char *trace_method_name(enum trace_method method);

/* A file that the launch used. when[pgno] is 0 for untouched, else bucket + 1. */
struct trace_object {
	char *path; /* as the kernel names it: canonical */
	dev_t dev;
	ino_t ino;
	uint64_t size_bytes;
	uint32_t n_pages; /* of the file: items in when */
	uint8_t *when;
};

/* Why a file that was used is not among the objects. */
enum trace_left_out {
	LEFT_OUT_NOT,
	LEFT_OUT_NEVER_A_FILE, /* pseudo file systems, deleted files, our own state: not told */
	LEFT_OUT_NAME,	       /* not UTF-8, or with control characters */
	LEFT_OUT_TEMPORARY,   /* below /tmp, /var/tmp, /run */
	LEFT_OUT_MEMORY,      /* on tmpfs */
	LEFT_OUT_FILE_SYSTEM, /* on FUSE and others that are no disk's */
	LEFT_OUT_ELSEWHERE,   /* its path leads nowhere, or to another file: containers */
	LEFT_OUT_CHANGED,     /* by the launch, or meanwhile */
	N_LEFT_OUT,
};

struct trace_omission {
	unsigned n_files;
	char *example; /* path of one, owned; NULL: none */
};

/* Sectors of a file system's own that were read, as the disk counts them, not the partition. */
struct trace_blocks {
	dev_t dev;
	uint64_t first_sector, n_sectors;
};

struct trace_result {
	enum trace_method method;
	struct trace_object *objects;
	size_t n_objects, objects_capacity;
	bool has_lookups;
	struct lookups lookups; /* of a launch: what it looked up, each in one run */
	/* Of the whole system: those left out because they were changed. */
	struct trace_object *changed;
	size_t n_changed, changed_capacity;
	/* Of the whole system, in the order of their reading; each once a read. */
	struct trace_blocks *blocks;
	size_t n_blocks, blocks_capacity;
	uint8_t *functions; /* of those that were asked for: functions_unpack() */
	size_t functions_bytes;
	bool exited;	   /* the program, before we ended anything */
	int exit_status;   /* its wait status then */
	bool window_ended; /* something still ran at the end of the window and was ended */
	bool settled;	   /* which came early, because new pages had become rare */
	bool cut;	   /* or while there were still many */
	unsigned n_processes;
	/* Processes that could not be recorded exactly; what those of other ABIs read is missing. */
	unsigned n_unseen;
	unsigned n_stops, n_announced; /* for which a launch waited, see notified.h */
	uint64_t elapsed_us;	       /* from exec to exit or end of window */
	struct trace_omission left_out[N_LEFT_OUT]; /* by reason */
	/* Of a launch: the end of what it wrote to standard error, if we held that; else "". */
	char last_words[LAST_WORDS_BYTES];
	/*
	 * Of a launch: the program that it is one of, as it was executed (absolute, as its process saw
	 * it), and which of an interpreter's programs; NULL: none, or not known.
	 */
	char *program, *interpreted;
	char *starts; /* PROGRAM is a shell, and this is the only one that it has executed; else NULL */
};

void trace_result_done(struct trace_result *r);

#endif
