/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast status: each option is one small file status-NAME.c, listed in status.c. */
#ifndef ELFCAST_STATUS_H
#define ELFCAST_STATUS_H

#include "store.h"

/* Print it (text, or JSON where arg_json) to stdout. CMD_*. */
int status_overview(const struct store *s);
int status_metrics(const struct store *s);
int status_pack(const struct store *s);
int status_launches(const struct store *s);
int status_usage(const struct store *s);

#endif
