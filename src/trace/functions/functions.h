/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions that begin on needed pages of code, and which of them were seen to run. A page is one as long as
 * its content is: whatever file a launch has mapped, that is held against it.
 */
#ifndef ELFCAST_FUNCTIONS_H
#define ELFCAST_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fingerprint.h"
#include "layout.h"

struct function {
	uint32_t number; /* of all units of the file */
	uint32_t n_calls;
	uint16_t off;	 /* in its page */
	uint8_t unit;	 /* its number in the page, see fingerprint.h */
	uint8_t code[4]; /* with which it begins, as far as that is in this page */
	bool is_set;	 /* a breakpoint, in some process */
	bool ran;
};

struct functions_page {
	uint32_t pgno;
	uint64_t hash; /* of what is in it */
	size_t first;  /* of its functions, by place */
	uint16_t n;
	bool is_watched; /* of those that did not run this is known */
};

/* Of the functions of a file, by their place among them. */
struct functions_call {
	uint32_t from, to;
	uint8_t place; /* of the call among all of FROM's */
};

struct functions_reference {
	uint32_t from, pgno;
};

struct functions_file {
	char *path;
	struct fingerprint print; /* of the needed pages, all that is known of them */
	ino_t ino;
	struct functions_page *pages; /* by number */
	size_t n_pages, pages_capacity;
	struct function *functions;
	size_t n, capacity;
	struct functions_call *calls;
	size_t n_calls, calls_capacity;
	struct functions_reference *references; /* by FROM, of one by place */
	size_t n_references, references_capacity;
};

struct functions {
	struct functions_file *files;
	size_t n, capacity;
};

void functions_done(struct functions *f);

/* PATH, which FD is: without pages. NULL: -ENOMEM. Valid until the next one is added. */
struct functions_file *functions_add_file(struct functions *f, const char *path, int fd);
/* The functions of page PGNO (in ascending order) of the file at FD with layout L. -ENOMEM, -EIO. */
int functions_add_page(struct functions_file *file, int fd, const struct layout *l,
		       uint32_t pgno);

/* Once all pages are there: which of the functions call each other, and what they refer to. -ENOMEM. */
int functions_add_calls(struct functions_file *file, const struct layout *l);

/* The file of that path, or else of that number; NULL: none. */
struct functions_file *functions_find(struct functions *f, const char *path, ino_t ino);
/* Its first page from PGNO on: a number in PAGES, n_pages where there is none. */
size_t functions_page_from(const struct functions_file *file, uint64_t pgno);
/* The function that begins at OFF of the file; NULL: none. */
struct function *functions_at(struct functions_file *file, uint64_t off);
/* Nothing is known of any. */
void functions_forget(struct functions *f);

/* What is known, as bytes: for a process that has the same ones. New. -ENOMEM. */
int functions_pack(const struct functions *f, uint8_t **ret, size_t *ret_bytes);
/* -EBADMSG: those of other functions. */
int functions_unpack(struct functions *f, const uint8_t *data, size_t bytes);

#endif
