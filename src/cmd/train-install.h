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

/*
 * Put *P into /etc/elfcast/profiles.d and compile. *P may be replaced by one that has more evidence:
 * train_auto_add(). *ret_text: what was installed; *ret_name: its name. New. Problems are logged.
 */
int train_install(const struct train_install *o, struct profile **p, char **ret_text,
		  size_t *ret_bytes, char **ret_name);

#endif
