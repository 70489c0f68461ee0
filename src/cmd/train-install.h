/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train --install: the profile's name, and what is done with it. */
#ifndef ELFCAST_TRAIN_INSTALL_H
#define ELFCAST_TRAIN_INSTALL_H

#include "train-auto.h"

struct train_install {
	const char *root;    /* NULL: "/" */
	bool is_system;	     /* it is one of the whole system */
	enum boot_train why; /* it was recorded by itself; else BOOT_TRAIN_ENOUGH */
};

struct train_installed {
	char *name; /* of the profile */
	char *text;
	size_t bytes;
	bool has_replaced;	  /* one of this name */
	uint32_t n_replaced_runs; /* that it had; 0: it could not be read */
	bool is_read;		  /* by launches of which nobody says a scenario */
	size_t n_read;		  /* profiles that such a launch reads */
	char *read_instead;	  /* one of these, if it is not read; or NULL */
	uint64_t n_new_pages; /* that the one before did not have, where it was added to */
};

/*
 * Put *P into /etc/elfcast/profiles.d and compile. *P may be replaced by one that has more evidence:
 * train_auto_add(). RET: what was installed. Problems are logged.
 */
int train_install(const struct train_install *o, struct profile **p,
		  struct train_installed *ret);
void train_installed_done(struct train_installed *i);

#endif
