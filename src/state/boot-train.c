/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the next boot is to be recorded: the facts, and what follows from them. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "boot-report.h"
#include "boot-training.h"
#include "macro.h"
#include "shadow-read.h"

/* Some files always change: caches, state. */
#define CHANGED_PERCENT 10u
/* Less of the pack's files as they were: it was made for another system. */
#define USED_PERCENT	50u
/* A light recording misses what another one sees; after the second that is hardly any. */
#define ENOUGH_BOOTS	2u
#define MOST_BOOTS	4u
#define NEW_PERCENT	5u

static const struct {
	const char *word, *text;
} names[BOOT_TRAINS] = {
	[BOOT_TRAIN_OFF] = { "off", "switched off" },
	[BOOT_TRAIN_FAILS] = { "fails", "recording fails with this kernel" },
	[BOOT_TRAIN_ENOUGH] = { "enough", "what is known is enough" },
	[BOOT_TRAIN_NONE] = { "none", "no boot was recorded yet" },
	[BOOT_TRAIN_KERNEL] = { "kernel", "another kernel was recorded" },
	[BOOT_TRAIN_SYSTEM] = { "system", "the program of process 1 has changed" },
	[BOOT_TRAIN_FILES] = { "files", "many of the recorded files have changed" },
	[BOOT_TRAIN_USELESS] = { "useless", "little of it could be used at the last boot" },
	[BOOT_TRAIN_FEW] = { "few", "another boot tells what was not seen" },
};

const char *boot_train_text(enum boot_train t)
{
	return names[t].text;
}

const char *boot_train_word(enum boot_train t)
{
	return names[t].word;
}

bool boot_train_is_due(enum boot_train t)
{
	return t >= BOOT_TRAIN_NONE;
}

static bool fails(const struct boot_train_facts *f)
{
	return f->last && f->last->n_failed >= BOOT_TRAIN_MOST_FAILURES &&
	       strcmp(f->last->failed_kernel, f->kernel) == 0;
}

static bool is_more_wanted(const struct boot_training *t)
{
	if (t->is_exact || t->n_boots >= MOST_BOOTS)
		return false;
	return t->n_boots < ENOUGH_BOOTS || t->n_new_pages * 100 > t->n_pages * NEW_PERCENT;
}

enum boot_train boot_train_decide(const struct boot_train_facts *f)
{
	if (!f->is_allowed)
		return BOOT_TRAIN_OFF;
	if (fails(f))
		return BOOT_TRAIN_FAILS;
	if (!f->last || !*f->last->profile || !f->has_shadow)
		return BOOT_TRAIN_NONE;
	if (strcmp(f->last->kernel, f->kernel) != 0)
		return BOOT_TRAIN_KERNEL;
	if (f->system_changed)
		return BOOT_TRAIN_SYSTEM;
	if ((uint64_t)f->n_changed * 100 > (uint64_t)f->n_files * CHANGED_PERCENT)
		return BOOT_TRAIN_FILES;
	if (f->used_percent < USED_PERCENT)
		return BOOT_TRAIN_USELESS;
	return is_more_wanted(f->last) ? BOOT_TRAIN_FEW : BOOT_TRAIN_ENOUGH;
}

/* ---- facts ---- */

static void count_files(const struct shadow *s, struct boot_train_facts *f)
{
	const char *program = shadow_string(s, s->launches[0].program);

	f->n_files = s->n_objects;
	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];

		if (shadow_object_is_usable(o))
			continue;
		f->n_changed++;
		f->system_changed |= strcmp(shadow_string(s, o->path), program) == 0;
	}
}

/* The shadow that was compiled from the profile; 0 also when there is none. */
static int look_at_shadow(const struct store *s, const char *profile,
			  struct boot_train_facts *f)
{
	_cleanup_(name_list_done) struct name_list names_there = { 0 };
	int r = store_list_shadows(s, &names_there);

	for (size_t i = 0; r == 0 && i < names_there.n; i++) {
		_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
		_cleanup_free_ char *name = store_shadow_profile(names_there.names[i]);

		if (!name)
			return -ENOMEM;
		if (strcmp(name, profile) != 0)
			continue;
		if (store_load(s, STORE_SHADOW, names_there.names[i], &b) < 0 ||
		    b.shadow.n_launches == 0)
			break;
		f->has_shadow = true;
		count_files(&b.shadow, f);
		break;
	}
	return r;
}

/* A report that is older than the recording is of a pack without it. */
static unsigned look_at_report(const struct store *s, uint64_t recorded_s)
{
	_cleanup_(boot_report_done) struct boot_report report = { 0 };
	struct identity identity;

	if (store_stat(s, STORE_BOOT_REPORT, NULL, &identity) < 0 ||
	    identity.mtime_ns / 1000000000 <= (int64_t)recorded_s ||
	    boot_report_load(s, &report) < 0)
		return 100;
	return report.plan == BOOT_PLAN_UNUSED ? 0 : boot_report_used_percent(&report);
}

int boot_train_look(const struct store *s, const struct config *c, enum boot_train *ret)
{
	struct boot_train_facts f = {
		.is_allowed = c->boot_train && config_allows_boot(c),
		.used_percent = 100,
	};
	struct boot_training last;
	struct utsname u;
	int r = boot_training_load(s, &last);

	/* One that is damaged is as good as none. */
	if (r < 0 && r != -ENOENT && r != -EBADMSG)
		return r;
	if (uname(&u) < 0)
		return -errno;
	f.kernel = u.release;
	f.last = r == 0 ? &last : NULL;
	if (f.last && f.is_allowed && *last.profile) {
		r = look_at_shadow(s, last.profile, &f);
		if (r < 0)
			return r;
		f.used_percent = look_at_report(s, last.time_s);
	}
	*ret = boot_train_decide(&f);
	return 0;
}

/* ---- the mark ---- */

int boot_train_sync(const struct store *s, const struct config *c)
{
	enum boot_train t;
	bool changed;
	int r = boot_train_look(s, c, &t);

	if (r < 0)
		return r;
	return boot_train_is_due(t) ? store_put(s, STORE_TRAIN_NEXT, NULL, names[t].word,
						strlen(names[t].word), &changed)
				    : store_remove(s, STORE_TRAIN_NEXT, NULL, &changed);
}

enum boot_train boot_train_marked(const struct store *s)
{
	_cleanup_free_ uint8_t *word = NULL;
	size_t bytes;

	if (store_read(s, STORE_TRAIN_NEXT, NULL, &word, &bytes) < 0)
		return BOOT_TRAIN_ENOUGH;
	for (enum boot_train t = BOOT_TRAIN_NONE; t < BOOT_TRAINS; t++)
		if (strcmp((const char *)word, names[t].word) == 0)
			return t;
	return BOOT_TRAIN_NONE; /* somebody made it: a file that is there means yes */
}
