/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast status: each option is one small file status-NAME.c, listed in status.c. */
#ifndef ELFCAST_STATUS_H
#define ELFCAST_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "launch-gain.h"
#include "store.h"

struct boot_gain;
struct boots;
struct launch_habit;
struct watch_state;

/* Print it (text, or JSON where arg_json) to stdout. CMD_*. */
int status_overview(const struct store *s);
/* Of these programs, as known_find_program() finds them. */
int status_programs(const struct store *s, int n, char *const names[]);
/* Exit status of --check where nothing can be told; CMD_FAILED: something is to be mended. */
enum { STATUS_CHECK_UNKNOWN = 3 };
int status_check(const struct store *s);
int status_metrics(const struct store *s);
int status_pack(const struct store *s);
int status_launches(const struct store *s);
int status_usage(const struct store *s);
int status_boots(const struct store *s);
/* Of an enum pack_verdict: why a launch is not read at boot, "read" where it is; for programs. */
const char *status_pack_verdict(int verdict);
const char *status_pack_verdict_key(int verdict);
/* To the file that the option names. */
extern const char *arg_plot;
int status_plot(const struct store *s);

/* The log of boots, empty and a warning where it cannot be used, and what it says. -ENOMEM. */
int status_load_boots(const struct store *s, struct boots *b, struct boot_gain *g);
/* The boot's part was switched off, for it gains nothing. */
bool status_boot_is_off(const struct boots *b);
/* What it says: the rest of a line, and members of a JSON object. */
void status_print_boot_gain(FILE *f, const struct boots *b, const struct boot_gain *g);
void status_put_boot_gain(const struct boots *b, const struct boot_gain *g);

/* What elfcastd did with launches since boot: the rest of a line, and members of a JSON object. */
void status_print_watcher(FILE *f, const struct watch_state *w, bool running);
void status_put_watcher(const struct watch_state *w, bool running);

/* What the times of launches say; of zeros. A warning where they are damaged, say. -ENOMEM. */
struct status_gain {
	bool is_refused; /* they are root's to read */
	struct launch_times times;
	struct launch_gain all;
	struct launch_verdicts verdicts;
};
int status_load_times(const struct store *s, struct status_gain *ret);
void status_gain_done(struct status_gain *g);
/* Of all launches: the rest of a line, and members of a JSON object. */
void status_print_launch_gain(FILE *f, const struct status_gain *g,
			      const struct watch_state *w);
void status_put_launch_gain(const struct status_gain *g, const struct watch_state *w);
/* Of one program: a column, and members of a JSON object. */
#define STATUS_GAIN_COLUMN "   SAVES"
void status_print_program_gain(FILE *f, const struct status_gain *g, const char *program);
void status_put_program_gain(const struct status_gain *g, const char *program);

/* In how many boots a program was launched, and when: two columns, and members of a JSON object. */
#define STATUS_HABIT_COLUMNS "  BOOTS    AFTER"
void status_print_habit(FILE *f, const struct launch_habit *h);
void status_put_habit(const struct launch_habit *h);

#endif
