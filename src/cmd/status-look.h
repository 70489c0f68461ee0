/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the overview, its metrics and its check are about, collected once. */
#ifndef ELFCAST_STATUS_LOOK_H
#define ELFCAST_STATUS_LOOK_H

#include "boot-gain.h"
#include "boot-report.h"
#include "boots.h"
#include "known.h"
#include "parse-child.h"
#include "status-training.h"
#include "status-units.h"
#include "status-usage.h"
#include "status.h"
#include "watch-state.h"

struct overview {
	struct known known;
	const char *pack; /* "there", "missing", "damaged" */
	uint64_t pack_launches, pack_pages;
	bool watcher_runs, has_report;
	struct watch_state watcher;
	struct boot_report report;
	struct boots boots;
	struct boot_gain gain;
	struct status_gain launches;
	struct status_training training;
	struct usage_sums usage;
	struct parse_child_notice evidence; /* what is wrong with files of evidence */
	bool boot_allowed, watch_allowed, train_allowed; /* by elfcast.conf */
	bool is_this_system;				 /* its root is "/" */
	bool is_container;				 /* where nothing is read at boot */
	struct unit_state units[STATUS_UNITS];
};

/* Logged; *RET (zero) is to be freed in any case. */
int overview_look(const struct store *s, struct overview *ret);
void overview_done(struct overview *o);

/* Profiles that count: not masked. */
size_t overview_profiles(const struct overview *o);
/* Of these, whose file cannot be used, or compiled; and which have no shadow as yet. */
size_t overview_unread(const struct overview *o);
size_t overview_uncompiled(const struct overview *o);
/* Shadows by worth, whatever else is said of the program. */
size_t overview_with(const struct overview *o, enum worth worth);

/* Something that is not as it should be, and the command that mends it. */
struct status_problem {
	const char *kind;  /* a word, for programs */
	bool is_hint;	   /* nothing is wrong, but more could be had */
	char text[512];	   /* names as utf8_blank() leaves them */
	char command[512]; /* "": none */
};

struct status_problems {
	struct status_problem *items;
	size_t n, n_more;
};
_printf_(5, 6) void status_add_problem(struct status_problems *p, const char *kind,
				       bool is_hint, const char *command,
				       const char *format, ...);

enum { STATUS_PROBLEMS = 32 };

/* At most STATUS_PROBLEMS of them; how many are left out for that, *RET_MORE. */
size_t status_find_problems(const struct overview *o,
			    struct status_problem ret[static STATUS_PROBLEMS],
			    size_t *ret_more);
/* The same by the units of systemd: of the boot, and of the watcher. */
struct status_problems;
void status_find_boot_problems(const struct overview *o, struct status_problems *p);
void status_find_watcher_problems(const struct overview *o, struct status_problems *p);
/* Its files are others than they were, and compile has not looked at these, or not with time to retarget. */
bool status_wants_compile(const struct known_launch *l);
/* Its profile is gone, and compile was not called since: what it says is still read ahead. */
bool status_is_orphan(const struct known_launch *l);
/* Of the boot, or of process 1: nobody starts that to record it, elfcast records boots by itself. */
bool status_is_of_boot(const struct known_launch *l);
/* Or they are other builds, and recording them again would help: what not everybody may read is not read ahead. */
bool status_wants_training(const struct known_launch *l);
/* How to record the program of L again: this machine's own profile knows its command. */
void status_train_command(const struct known_launch *l, char *ret, size_t bytes);

#endif
