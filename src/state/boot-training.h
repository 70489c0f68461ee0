/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boots that are recorded without being asked for (elfcast train --auto): what the last recording
 * left, and whether the next boot is to be recorded, and why. That is decided when compiling, and
 * kept as a file that is there or not: a boot that is not recorded pays nothing for it.
 */
#ifndef ELFCAST_BOOT_TRAINING_H
#define ELFCAST_BOOT_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "config.h"

/* What was recorded last. Texts are words of a profile, "" for none. */
struct boot_training {
	char profile[LIMIT_PROFILE_NAME_BYTES +
		     1]; /* file name; "": nothing was recorded */
	char kernel[LIMIT_NAME_BYTES + 1];
	uint64_t is_exact; /* 1: elfcast=train, once is enough */
	uint64_t n_boots;
	uint64_t time_s;	       /* since the epoch */
	uint64_t n_pages, n_new_pages; /* in the profile; those that the last boot added */
	/* Recordings that failed since, with which kernel. */
	uint64_t n_failed;
	char failed_kernel[LIMIT_NAME_BYTES + 1];
};

/* -EBADMSG. */
int boot_training_parse(const char *text, size_t bytes, struct boot_training *ret);
enum { BOOT_TRAINING_BYTES = 1024 };
size_t boot_training_format(const struct boot_training *t, char *ret, size_t bytes);
/* -ENOENT: nothing is known. Errors of store_read() and store_put(). */
int boot_training_load(const struct store *s, struct boot_training *ret);
int boot_training_save(const struct store *s, const struct boot_training *t);

/* After so many, only another kernel is worth a try. */
#define BOOT_TRAIN_MOST_FAILURES 3u

enum boot_train {
	/* Not the next boot: */
	BOOT_TRAIN_OFF,	   /* so says elfcast.conf */
	BOOT_TRAIN_FAILS,  /* with this kernel */
	BOOT_TRAIN_ENOUGH, /* is known */
	/* The next boot: */
	BOOT_TRAIN_NONE,    /* no boot was recorded here */
	BOOT_TRAIN_KERNEL,  /* it was with another kernel */
	BOOT_TRAIN_SYSTEM,  /* or another program of process 1 */
	BOOT_TRAIN_FILES,   /* many files are others now */
	BOOT_TRAIN_USELESS, /* little of it could be used at the last boot */
	BOOT_TRAIN_FEW,	    /* one boot, or the last one added much */
	BOOT_TRAINS,
};

struct boot_train_facts {
	bool is_allowed;		  /* by elfcast.conf */
	const struct boot_training *last; /* NULL: nothing was recorded, nothing failed */
	bool has_shadow;		  /* its profile is there, and was compiled */
	const char *kernel;		  /* that runs */
	bool system_changed;		  /* process 1's program is not the one recorded */
	uint32_t n_files, n_changed;	  /* of what was recorded */
	/* Of the files of the last boot's pack, those that could be used. 100 where not known. */
	unsigned used_percent;
};

/* Pure. */
enum boot_train boot_train_decide(const struct boot_train_facts *f);
bool boot_train_is_due(enum boot_train t);
/* For people: "no boot was recorded yet". And a word for machines. */
const char *boot_train_text(enum boot_train t);
const char *boot_train_word(enum boot_train t);

/* Of the system of S, as it is now. */
int boot_train_look(const struct store *s, const struct config *c, enum boot_train *ret);
/* Look, and leave or remove the mark. Under store_lock(). */
int boot_train_sync(const struct store *s, const struct config *c);
/* What the mark says about this boot; BOOT_TRAIN_ENOUGH: there is none. */
enum boot_train boot_train_marked(const struct store *s);

#endif
