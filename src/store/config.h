/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast.conf(5): what the administrator decides. A line that cannot be read is reported
 * and skipped, and costs nothing else. libc only.
 */
#ifndef ELFCAST_CONFIG_H
#define ELFCAST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "macro.h"
#include "store.h"

/* Without BootBudget=: this share of memory, but not more. */
#define CONFIG_BUDGET_PERCENT	10u
#define CONFIG_BUDGET_MAX_BYTES ((uint64_t)512 << 20)

struct config {
	bool has_budget;	 /* BootBudget= was given: one of the next two counts */
	uint64_t budget_bytes;	 /* when budget_percent is 0 */
	unsigned budget_percent; /* of memory */
	unsigned time_ms;	 /* BootTime=; 0: no limit */
	int storage;		 /* enum storage_class, or -1: detect */
	int boot_eager;		 /* BootEager=: 1 yes, 0 no, -1: as measured */
	bool boot, watch;
	bool exec_read_ahead; /* ExecReadAhead= */
	bool boot_train;      /* BootTrain=auto */
	/* Programs: absolute paths, or names (no slash) of all programs called so. Owned. */
	struct name_list always, never;
	struct name_list embedded; /* absolute paths: who brings a profile inside */
};

/* What is wrong with a line of PATH (below the root); LINE 0: with the file. */
typedef void (*config_problem)(const char *path, const struct diag *d, void *userdata);

/* All defaults. */
void config_init(struct config *c);
void config_done(struct config *c);

/* Read TEXT, that PATH holds, over what *C has. ON_PROBLEM may be NULL. 0 or -ENOMEM. */
int config_parse(const char *path, const char *text, size_t bytes, struct config *c,
		 config_problem on_problem, void *userdata);

/*
 * The defaults, and over them the settings of elfcast.conf and disabled.conf, where there are such
 * files that root alone can write. Any other is a problem, and counts as none. -ENOMEM, or -EIO, -EACCES, … when
 * it could not be read this time; *RET is to be freed in any case.
 */
int config_load(const struct store *s, struct config *ret, config_problem on_problem,
		void *userdata);

/*
 * Put PROGRAM (canonical path) on disabled.conf, or take it off: *ret_changed false where it was so
 * already. -EINVAL: its path has a blank or what a terminal would obey, and no line can name it.
 */
int config_disable(const struct store *s, const char *program, bool disable,
		   bool *ret_changed);

/*
 * What of disabled.conf NAME, a path or name, calls; whether there is such a program or not. New. -ENOENT;
 * -ENOTUNIQ: several.
 */
int config_find_disabled(const struct store *s, const char *name, char **ret);

/* Whether PROGRAM (canonical path) is on the list, by its path or its name. */
bool config_lists(const struct name_list *list, const char *program);

/* Whether there is anything to read at boot at all. */
bool config_allows_boot(const struct config *c);
/* What may be read at boot on a machine with RAM_BYTES of memory; 0: unknown. */
uint64_t config_budget_bytes(const struct config *c, uint64_t ram_bytes);
/* This machine's memory; in steps, so that it is the same after each boot. */
uint64_t config_ram_bytes(void);

#endif
