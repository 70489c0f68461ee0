/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elfcastd and `elfcast watch` run: count launches of profiled programs, until told. */
#ifndef ELFCAST_WATCH_LOOP_H
#define ELFCAST_WATCH_LOOP_H

/*
 * Returns after SIGTERM or SIGINT: 0, or negative errno with a line logged. Gives up all
 * capabilities and the right to write anywhere else.
 */
int watch_run(const char *root);

#endif
