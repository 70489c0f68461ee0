/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Thresholds are of judgement: what no reviewer should pass without having looked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "check.h"
#include "macro.h"

/* 512 MiB: 4 s at the 125 MB/s of a network volume, more than prefetch can hide. */
#define LARGE_PAGES    (1u << 17)
#define LARGE_OBJECTS  4096u
#define LARGE_LOOKUPS  8192u
/*
 * One sixth: below it page-select.c keeps a page on no storage class for its own sake (the lowest
 * threshold is a network volume's, 0.18), only beside others.
 */
#define FEW_RUNS_SHARE 6u
#define SCENARIO_BYTES 32u

struct lint {
	const struct profile *profile;
	void (*warn)(const char *text, void *userdata);
	void *userdata;
};

_printf_(2, 3) static void warn(const struct lint *l, const char *format, ...)
{
	char text[LIMIT_PATH_BYTES + 256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	l->warn(text, l->userdata);
}

static void lint_scenario(const struct lint *l)
{
	const char *s = l->profile->scenario;
	size_t good = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-._");

	if (s[good])
		warn(l, "scenario '%s' has other characters than a-z, 0-9, '-', '.', '_'",
		     s);
	else if (good > SCENARIO_BYTES)
		warn(l, "scenario '%s' has %zu bytes (better at most %u)", s, good,
		     SCENARIO_BYTES);
}

static void lint_training(const struct lint *l)
{
	const struct profile *p = l->profile;

	if (p->n_runs == 1)
		warn(l, "trained in 1 run: what differs between launches is unknown");
	if (strcmp(p->method, "pagemap") == 0)
		warn(l, "trained with 'pagemap', which takes neighbours of needed pages "
			"for needed");
}

/* Pages that compile leaves out where they stand alone, and how many there are at all. */
static void lint_pages(const struct lint *l)
{
	const struct profile *p = l->profile;
	uint64_t n_pages = 0, n_few = 0;

	for (size_t i = 0; i < p->n_objects; i++) {
		const struct pageset *s = &p->objects[i].pages;

		for (size_t j = 0; j < s->n_runs; j++) {
			n_pages += s->runs[j].n_pages;
			if ((uint64_t)s->runs[j].runs * FEW_RUNS_SHARE < p->n_runs)
				n_few += s->runs[j].n_pages;
		}
	}
	if (n_few > 0)
		warn(l,
		     "%" PRIu64 " of %" PRIu64
		     " pages were needed in less than 1/%u of the %" PRIu32 " runs",
		     n_few, n_pages, FEW_RUNS_SHARE, p->n_runs);
	if (n_pages > LARGE_PAGES)
		warn(l,
		     "%" PRIu64 " pages (%" PRIu64
		     " MiB): more than any launch should need",
		     n_pages, n_pages >> (20 - PAGE_SHIFT));
	if (n_pages == 0)
		warn(l, "has no pages at all");
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static void lint_place(const struct lint *l, const char *path)
{
	static const struct place {
		const char *dir, *what;
	} places[] = {
		{ "/home", "a home directory" },    { "/root", "a home directory" },
		{ "/tmp", "temporary files" },	    { "/var/tmp", "temporary files" },
		{ "/run", "files of one boot" },    { "/proc", "a pseudo file system" },
		{ "/sys", "a pseudo file system" }, { "/dev", "a pseudo file system" },
		{ "/mnt", "other file systems" },   { "/media", "other file systems" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (is_below(path, places[i].dir))
			warn(l, "%s: lies in %s, a place for %s", path, places[i].dir,
			     places[i].what);
}

/* A program that is launched by a link is looked up, and another file is read. */
static bool is_looked_up(const struct lookups *l, const char *path)
{
	size_t n = (size_t)(strrchr(path, '/') - path);

	for (size_t i = 0; i < l->n; i++) {
		const struct lookup_dir *d = &l->dirs[i];

		if (strlen(d->path) != MAX(n, 1u) ||
		    strncmp(d->path, path, MAX(n, 1u)) != 0)
			continue;
		for (size_t k = 0; k < d->n; k++)
			if (strcmp(d->names[k].name, path + n + 1) == 0)
				return true;
	}
	return false;
}

static void lint_objects(const struct lint *l)
{
	const struct profile *p = l->profile;
	bool has_program = false;

	for (size_t i = 0; i < p->n_objects; i++) {
		const struct profile_object *o = &p->objects[i];

		lint_place(l, o->path);
		has_program |= strcmp(o->path, p->program) == 0;
		if (o->buildid.n_bytes == 0 && wanted_stem_bytes(o->path) > 0)
			warn(l, "%s: has no build-id, only its size tells builds apart",
			     o->path);
	}
	if (!has_program && !is_looked_up(&p->lookups, p->program))
		warn(l, "the program itself, %s, is not among the objects", p->program);
	if (p->n_objects > LARGE_OBJECTS)
		warn(l, "%zu objects: more than any launch should need", p->n_objects);
}

static void lint_lookups(const struct lint *l)
{
	const struct lookups *looked = &l->profile->lookups;
	char path[LIMIT_PATH_BYTES + 2];

	for (size_t i = 0; i < looked->n; i++) {
		snprintf(path, sizeof(path), "%s/", looked->dirs[i].path);
		lint_place(l, path);
	}
	if (lookups_count(looked) > LARGE_LOOKUPS)
		warn(l, "%zu names looked up: more than any launch should need",
		     lookups_count(looked));
}

void lint_profile(const struct profile *p,
		  void (*warn_fn)(const char *text, void *userdata), void *userdata)
{
	const struct lint l = { p, warn_fn, userdata };

	lint_scenario(&l);
	lint_training(&l);
	lint_pages(&l);
	lint_objects(&l);
	lint_lookups(&l);
}
