/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses profiles and ELF files in a child process with limits: a profile that kills it is
 * skipped, and nothing of it has touched the parent's memory.
 */
#ifndef ELFCAST_PARSE_CHILD_H
#define ELFCAST_PARSE_CHILD_H

#include <limits.h>

#include "diag.h"
#include "facts.h"
#include "store.h"

/* A file of evidence that cannot be used: its name without directory, "" for none. */
struct parse_child_notice {
	char name[NAME_MAX + 1];
	struct diag diag;
};

/* What became of one profile. */
struct parse_child_result {
	int error; /* 0, or negative errno with diag set */
	struct diag diag;
	struct parse_child_notice notice;
	bool is_deferred; /* objects could be retargeted, with more time */
	uint8_t *data;	  /* shadow bytes, not yet checked; owned by the callee's caller */
	size_t bytes;
};

struct parse_child_job {
	const struct store *store;
	struct facts_context *facts;
	const struct profile_file *const *files;
	size_t n_files;
	unsigned retarget_ms; /* CPU time for objects of other builds; 0: leave them */
	/* Called in the parent, once per file and in order; takes result->data. */
	int (*on_result)(size_t i, struct parse_child_result *result, void *userdata);
	void *userdata;
};

/* 0, or negative errno when no child can be made or on_result returned one. */
int parse_child_run(const struct parse_child_job *job);

/*
 * Read the files of evidence as a compile does that needs one. RET is all zero where they can be used. -ENOMEM, or
 * that no child can be made.
 */
int parse_child_check_evidence(const struct store *s, struct parse_child_notice *ret);

/* What is wrong with a file whose listing or opening failed with ERROR. */
void parse_child_describe(int error, struct diag *ret);

#endif
