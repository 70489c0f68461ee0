/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train --auto: boots that are recorded without being asked for; see boot-training.h. */
#ifndef ELFCAST_TRAIN_AUTO_H
#define ELFCAST_TRAIN_AUTO_H

#include "boot-training.h"
#include "profile.h"

/* Why this boot is to be recorded; BOOT_TRAIN_ENOUGH, BOOT_TRAIN_OFF: it is not, which was logged. */
enum boot_train train_auto_why(const struct store *s);

/* From now on others' reading and computing goes before. */
void train_auto_step_back(void);

/*
 * Where WHY says that the boot adds to what is known: to the profile NAME that is installed, if that
 * was recorded light, too, and by the same kernel. *P is replaced, *ret_n_new: the pages that it
 * did not have. -ENOMEM.
 */
int train_auto_add(const struct store *s, const char *name, enum boot_train why,
		   struct profile **p, uint64_t *ret_n_new);

/* P was installed as NAME. Failures are logged, and cost another recording, no more. */
void train_auto_note(const struct store *s, const char *name, const struct profile *p,
		     uint64_t n_new_pages);
/*
 * This boot could not be recorded. Whether that is an error of ours, not what this kernel does not let
 * itself be asked, or one that another boot may make good.
 */
bool train_auto_note_failure(const struct store *s, int error);

uint64_t train_auto_count(const struct profile *p); /* pages */

#endif
