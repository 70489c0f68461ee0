/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of elfcast status: which boots were recorded, and whether the next one will be. */
#ifndef ELFCAST_STATUS_TRAINING_H
#define ELFCAST_STATUS_TRAINING_H

#include <stdio.h>

#include "boot-training.h"

struct status_training {
	bool has_last; /* something was recorded, or failed */
	struct boot_training last;
	enum boot_train next;
};

int status_training_look(const struct store *s, struct status_training *ret);
void status_training_print(FILE *f, const struct status_training *t);
void status_training_json(const struct status_training *t);

#endif
