/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile that becomes one of other builds, whoever has their files: a directory, or a package. */
#ifndef ELFCAST_RETARGET_JOB_H
#define ELFCAST_RETARGET_JOB_H

#include "hash.h"
#include "profile.h"

/* What came of it. */
struct retarget_result {
	uint32_t n_exact, n_retargeted, n_left_out;
	uint64_t confidence; /* sum over pages */
	uint64_t n_pages;    /* of those retargeted */
	char *text;	     /* the new profile */
	size_t bytes;
};

static inline void retarget_result_done(struct retarget_result *r)
{
	free(r->text);
}

struct retarget_job {
	struct profile *to;
	struct retarget_result result; /* but for the text */
};

/* A new file. */
struct retarget_target {
	char *path;
	int fd; /* -1: it is too large to look into */
	uint64_t size_bytes;
	struct buildid id;		/* none: a data file */
	char digest[HASH_DIGEST_BYTES]; /* "": none is wanted */
};

void retarget_target_done(struct retarget_target *t);
/* What FD has for what O was trained as. -ENOMEM, -EIO. */
int retarget_target_id(int fd, const struct profile_object *o, struct buildid *ret);

/* PROGRAM is P's in the new files. Also after a failure, and -ENOMEM it is: retarget_job_done(). */
int retarget_job_begin(struct retarget_job *j, const struct profile *p,
		       const char *program);
void retarget_job_done(struct retarget_job *j);

/* T lies where O was. -ENOMEM, -EIO. */
int retarget_job_take(struct retarget_job *j, const struct profile_object *o,
		      const struct retarget_target *t);
/* 0. */
int retarget_job_leave_out(struct retarget_job *j, const struct profile_object *o,
			   const char *why);

/* When all objects were seen. -ENOENT: nothing came of any; -ENOMEM, -E2BIG. */
int retarget_job_end(struct retarget_job *j, struct retarget_result *ret);

#endif
