/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two fingerprints of one file. What stands first in a text, up to the pages, is equal where
 * the content is; of different ones the smaller counts alone, so that the order of merging does
 * not matter. Nor does thinning: what a thinned text lacks, the merged one would drop as well. Of the
 * keys of a page one text has all that another has, once both are thinned as much.
 */
#include <errno.h>
#include <string.h>

#include "fingerprint.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_sections(const struct section *a, const struct section *b)
{
	int c = compare_numbers(a->off, b->off);

	if (c == 0)
		c = compare_numbers(a->bytes, b->bytes);
	if (c == 0)
		c = compare_numbers(a->kind, b->kind);
	return c ? c : compare_numbers(a->name, b->name);
}

static int compare_heads(const struct fingerprint *a, const struct fingerprint *b)
{
	int c = compare_numbers(a->content_hash, b->content_hash);

	if (c == 0)
		c = compare_numbers(a->n_sections, b->n_sections);
	for (size_t i = 0; c == 0 && i < a->n_sections; i++)
		c = compare_sections(&a->sections[i], &b->sections[i]);
	return c;
}

/* The better known of two of one page, any fixed one where that is the same. */
static int compare_code(const struct code_page *a, const struct code_page *b)
{
	int c = compare_numbers(b->n_keys, a->n_keys);

	if (c == 0)
		c = compare_numbers(b->n_units, a->n_units);
	if (c == 0)
		c = compare_numbers(a->lead_back, b->lead_back);
	if (c == 0)
		c = compare_numbers(a->lead_code, b->lead_code);
	if (c == 0)
		c = memcmp(a->codes, b->codes, a->n_units);
	for (size_t i = 0; c == 0 && i < a->n_keys; i++) {
		c = compare_numbers(a->keys[i].index, b->keys[i].index);
		if (c == 0)
			c = compare_numbers(a->keys[i].hash, b->keys[i].hash);
	}
	return c;
}

static int compare_data(const struct data_page *a, const struct data_page *b)
{
	int c = compare_numbers(b->n_marks, a->n_marks);

	for (size_t i = 0; c == 0 && i < a->n_marks; i++) {
		c = compare_numbers(a->marks[i].hash, b->marks[i].hash);
		if (c == 0)
			c = compare_numbers(a->marks[i].off_16, b->marks[i].off_16);
	}
	return c;
}

/* All of both lists, which are sorted by page; RET has room for them. How many. */
#define MERGE_PAGES(a, n_a, b, n_b, compare, ret)                                          \
	({                                                                                 \
		size_t _i = 0, _j = 0, _n = 0;                                             \
		while (_i < (n_a) || _j < (n_b)) {                                         \
			int _c = _i == (n_a) ? 1                                           \
				 : _j == (n_b)                                             \
					 ? -1                                              \
					 : compare_numbers((a)[_i].pgno, (b)[_j].pgno);    \
			bool _is_a =                                                       \
				_c < 0 || (_c == 0 && compare(&(a)[_i], &(b)[_j]) <= 0);   \
			(ret)[_n++] = _is_a ? (a)[_i] : (b)[_j];                           \
			_i += _c <= 0;                                                     \
			_j += _c >= 0;                                                     \
		}                                                                          \
		_n;                                                                        \
	})

/*
 * Of the same head: written while A and B own what its pages point to. Compared is what will be
 * written: one may know a page's keys all, and be thinned, the other some of them.
 */
static int merge_pages(struct fingerprint *a, struct fingerprint *b, char **ret)
{
	unsigned thinned = MAX(a->thinned, b->thinned);
	struct fingerprint both;
	int r = -ENOMEM;

	fingerprint_thin(a, thinned);
	fingerprint_thin(b, thinned);
	both = *a;
	both.code = calloc(a->n_code + b->n_code + 1, sizeof(*both.code));
	both.data = calloc(a->n_data + b->n_data + 1, sizeof(*both.data));
	if (both.code && both.data) {
		both.n_code = MERGE_PAGES(a->code, a->n_code, b->code, b->n_code,
					  compare_code, both.code);
		both.n_data = MERGE_PAGES(a->data, a->n_data, b->data, b->n_data,
					  compare_data, both.data);
		r = fingerprint_write(&both, ret);
	}
	free(both.code);
	free(both.data);
	return r;
}

static int copy(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* Both are of this version. */
static int merge_known(const char *a, const char *b, struct fingerprint *fa,
		       struct fingerprint *fb, char **ret)
{
	int c = compare_heads(fa, fb);

	return c ? copy(c < 0 ? a : b, ret) : merge_pages(fa, fb, ret);
}

int fingerprint_merge(const char *a, const char *b, char **ret)
{
	struct fingerprint fa = { 0 }, fb = { 0 };
	int ra, rb, r;

	*ret = NULL;
	if (!a || !b || strcmp(a, b) == 0)
		return a || b ? copy(a ? a : b, ret) : 0;
	ra = fingerprint_read(a, strlen(a), &fa);
	rb = fingerprint_read(b, strlen(b), &fb);
	if (ra == -ENOMEM || rb == -ENOMEM)
		r = -ENOMEM;
	else if (ra == 0 && rb == 0)
		r = merge_known(a, b, &fa, &fb, ret);
	else if (ra == 0 || rb == 0)
		r = copy(ra == 0 ? a : b, ret); /* what we understand */
	else
		r = copy(strcmp(a, b) < 0 ? a : b, ret);
	fingerprint_done(&fa);
	fingerprint_done(&fb);
	return r;
}
