/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "status-training.h"

int status_training_look(const struct store *s, struct status_training *ret)
{
	_cleanup_(config_done) struct config c = { 0 };
	int r = config_load(s, &c, NULL, NULL);

	if (r == 0)
		r = boot_train_look(s, &c, &ret->next);
	ret->has_last = boot_training_load(s, &ret->last) == 0;
	return r;
}

static bool was_recorded(const struct status_training *t)
{
	return t->has_last && *t->last.profile;
}

static void print_last(FILE *f, const struct boot_training *b)
{
	time_t seconds = (time_t)b->time_s;
	struct tm local;
	char when[64] = "?";

	if (localtime_r(&seconds, &local))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &local);
	fprintf(f, "recorded:  %s", when);
	if (b->is_exact)
		fputs(", exactly", f);
	else
		fprintf(f, ", %" PRIu64 " boot%s", b->n_boots, b->n_boots == 1 ? "" : "s");
	fprintf(f, ", kernel %s, %.1f MiB", b->kernel,
		(double)b->n_pages * PAGE_BYTES / (1 << 20));
	if (b->n_boots > 1)
		fprintf(f, ", the last boot added %.1f",
			(double)b->n_new_pages * PAGE_BYTES / (1 << 20));
	fputc('\n', f);
}

void status_training_print(FILE *f, const struct status_training *t)
{
	if (was_recorded(t))
		print_last(f, &t->last);
	fprintf(f, "next boot: %s: %s\n",
		boot_train_is_due(t->next) ? "recorded" : "not recorded",
		boot_train_text(t->next));
}

void status_training_json(const struct status_training *t)
{
	const struct boot_training *b = &t->last;

	json_open("training", '{');
	json_uint("boots", was_recorded(t) ? b->n_boots : 0);
	json_bool("exact", was_recorded(t) && b->is_exact);
	json_uint("time", was_recorded(t) ? b->time_s : 0);
	json_string("kernel", was_recorded(t) ? b->kernel : NULL);
	json_string("profile", was_recorded(t) ? b->profile : NULL);
	json_uint("pages", was_recorded(t) ? b->n_pages : 0);
	json_uint("new_pages", was_recorded(t) ? b->n_new_pages : 0);
	json_uint("failures", t->has_last ? b->n_failed : 0);
	json_bool("next_boot", boot_train_is_due(t->next));
	json_string("why", boot_train_word(t->next));
	json_close('}');
}
