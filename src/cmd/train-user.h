/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On whose behalf root trains. */
#ifndef ELFCAST_TRAIN_USER_H
#define ELFCAST_TRAIN_USER_H

#include "tracee.h"

struct train_user {
	struct trace_user user;
	gid_t *groups; /* owned, as are user's strings */
};

/*
 * Who asked for root by sudo(8) or run0(1), which leave his numbers in SUDO_UID and SUDO_GID.
 * 1: RET tells; 0: nobody did, or it was root. Negative errno: logged.
 */
int train_user_find(struct train_user *ret);
void train_user_done(struct train_user *u);

#endif
