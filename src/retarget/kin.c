/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file is another build of the program that was trained, or another program. Where things
 * lie does not tell: tables and relocated data are needed of any file. Content does, which chance
 * does not repeat: pieces of data, names and texts, the file's own name; and whether sections are
 * about as large as they were.
 *
 * The weights separate the builds of one file in three releases of Debian from all files of other
 * packages, also those whose sections are most alike: tests/bench-kin.sh.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "bounds.h"
#include "guess.h"
#include "macro.h"
#include "mul-div.h"
#include "search.h"

/* What each speaks for or against, of 100 that its content does. */
enum { NAME_WEIGHT = 60, SECTIONS_WEIGHT = 90 };
/* Where little is known a piece that is there may be there by chance: as if these were not. */
enum { ABSENT_MARKS = 8 };
enum { MIN_KIN = 3 };
/* In thousandths: no other program's sections are so much alike (946 at most). */
enum { SAME_SIZES = 960 };
/* Smaller ones have the same size in all files, or any. */
enum { MIN_SECTION_BYTES = 128 };

/* ---- its own name ---- */

/* NAME without its version and what follows: libz for libz.so.1.2.13. */
static void stem(const char *name, char ret[NAME_MAX + 1])
{
	const char *end = strstr(name, ".so");
	size_t n = 0;

	for (const char *p = name; *p && p != end && n < NAME_MAX; p++)
		if (!isdigit((unsigned char)*p) && !strchr("._-", *p))
			ret[n++] = *p;
	ret[n] = 0;
}

/* 1: the file calls itself like PATH; -1: otherwise; 0: nothing. */
static int name_speaks(const char *path, const char *soname)
{
	char is[NAME_MAX + 1], was[NAME_MAX + 1];
	const char *slash = strrchr(path, '/');

	if (!soname)
		return 0;
	stem(soname, is);
	stem(slash ? slash + 1 : path, was);
	return strcmp(is, was) == 0 ? 1 : -1;
}

/* ---- what it has of the content ---- */

static int compare_hashes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int sort_keys(const struct layout *l, uint32_t **ret)
{
	uint32_t *hashes = calloc(l->n_keys + 1, sizeof(*hashes));

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_keys; i++)
		hashes[i] = l->keys[i].hash;
	qsort(hashes, l->n_keys, sizeof(*hashes), compare_hashes);
	*ret = hashes;
	return 0;
}

/* Keys of the fingerprint, and those that are there. -ENOMEM */
static int count_keys(const struct guesses *g, uint64_t *ret_known, uint64_t *ret_found)
{
	_cleanup_free_ uint32_t *there = NULL;
	uint64_t known = 0, found = 0;

	if (sort_keys(g->to, &there) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < g->from->n_code; i++)
		for (size_t k = 0; k < g->from->code[i].n_keys; k++) {
			uint32_t hash = g->from->code[i].keys[k].hash;
			size_t at = SEARCH_FIRST(j, g->to->n_keys, there[j] < hash);

			/* The one name or text of eight that looks like a constant is none, either. */
			if (key_may_be_constant(hash))
				continue;
			known++;
			found += at < g->to->n_keys && there[at] == hash;
		}
	*ret_known = known;
	*ret_found = found;
	return 0;
}

/* Of 100, how much of what the fingerprint knows is there. */
static int content_speaks(const struct guesses *g)
{
	uint64_t known, found;

	if (count_keys(g, &known, &found) < 0)
		return -ENOMEM;
	known += 2 * ABSENT_MARKS;
	for (size_t i = 0; i < g->from->n_data; i++)
		for (size_t k = 0; k < g->from->data[i].n_marks; k++) {
			known += 2;
			found += 2 * guess_has_piece(g, g->from->data[i].marks[k].hash);
		}
	return (int)(found * 100 / known);
}

/* ---- sections ---- */

/* In thousandths, how much of the larger of two sections the other one is, on the average. */
static int sections_alike(const struct guesses *g)
{
	uint64_t sum = 0, n = 0;

	for (size_t i = 0; i < g->from->n_sections; i++) {
		const struct section *x = &g->from->sections[i], *y;

		if (x->kind == SECTION_HEAD || x->kind == SECTION_TAIL ||
		    x->bytes < MIN_SECTION_BYTES)
			continue;
		n++;
		y = guess_section(g, x);
		if (y)
			sum += mul_div(MIN(x->bytes, y->bytes), 1000,
				       MAX(x->bytes, y->bytes));
	}
	return n ? (int)(sum / n) : 0;
}

int guess_is_kin(const struct guesses *g, const char *path)
{
	int name = name_speaks(path, g->to->soname), alike = sections_alike(g);
	int content = content_speaks(g);

	if (content < 0)
		return content;
	if (name >= 0 && alike >= SAME_SIZES)
		return true;
	return content + name * NAME_WEIGHT - SECTIONS_WEIGHT * (1000 - alike) / 1000 >=
	       MIN_KIN;
}
