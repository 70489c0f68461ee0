/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which functions ran, in the order of a fingerprint's pages and units, a bit each. A text of its own, which
 * programs that do not know it keep; and since these change fingerprints (merge), it names the one that it is of.
 */
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "bounds.h"
#include "fingerprint.h"
#include "hash.h"
#include "le.h"
#include "search.h"

struct bits {
	uint8_t *data;
	size_t n, at;
};

static void put_bit(struct bits *b, bool value)
{
	if (value)
		b->data[b->at / 8] |= (uint8_t)(1u << b->at % 8);
	b->at++;
}

/* Zeros behind the end: what is read is written again and compared. */
static bool get_bit(struct bits *b)
{
	size_t at = b->at++;

	return at < b->n && b->data[at / 8] >> at % 8 & 1;
}

static le32 name_of(const char *text)
{
	return le32_make((uint32_t)hash_string(text));
}

static size_t count_units(const struct fingerprint *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_code; i++)
		n += f->code[i].n_units;
	return n;
}

static void forget(struct fingerprint *f)
{
	free(f->ran);
	f->ran = NULL;
	for (size_t i = 0; i < f->n_code; i++)
		f->code[i].ran = NULL;
}

int fingerprint_set_ran(struct fingerprint *f, size_t page, const uint8_t *ran)
{
	struct code_page *p = &f->code[page];
	uint8_t *to;

	if (!f->ran)
		f->ran = calloc(count_units(f) + 1, 1);
	if (!f->ran)
		return -ENOMEM;
	to = f->ran + (p->codes - f->codes);
	for (size_t i = 0; i < p->n_units; i++)
		to[i] |= ran[i] && !unit_is_gap(p->codes[i]);
	p->ran = to;
	return 0;
}

static void put_page(struct bits *b, const struct code_page *p)
{
	put_bit(b, p->ran);
	for (size_t i = 0; p->ran && i < p->n_units; i++)
		put_bit(b, p->ran[i]);
}

int fingerprint_write_ran(const struct fingerprint *f, const char *text, char **ret)
{
	size_t bytes = sizeof(le32) + (f->n_code + count_units(f)) / 8 + 1;
	_cleanup_free_ uint8_t *data = calloc(bytes, 1);
	struct bits b = { data + sizeof(le32) };
	bool is_known = false;
	le32 name = name_of(text);

	*ret = NULL;
	if (!data)
		return -ENOMEM;
	memcpy(data, &name, sizeof(name));
	for (size_t i = 0; i < f->n_code; i++) {
		put_page(&b, &f->code[i]);
		is_known |= f->code[i].ran != NULL;
	}
	if (!is_known)
		return 0;
	*ret = base64_write(data, sizeof(name) + DIV_ROUND_UP(b.at, 8));
	return *ret ? 0 : -ENOMEM;
}

static int get_pages(struct bits *b, struct fingerprint *f)
{
	uint8_t ran[UINT8_MAX];
	int r = 0;

	forget(f);
	for (size_t i = 0; r == 0 && i < f->n_code; i++) {
		if (!get_bit(b))
			continue;
		for (size_t k = 0; k < f->code[i].n_units; k++)
			ran[k] = get_bit(b);
		r = fingerprint_set_ran(f, i, ran);
	}
	return r;
}

int fingerprint_read_ran(struct fingerprint *f, const char *text, const char *ran,
			 size_t bytes)
{
	_cleanup_free_ uint8_t *data = malloc(bytes + 1);
	_cleanup_free_ char *again = NULL;
	le32 name = name_of(text);
	size_t n;
	int r = data ? base64_read(ran, bytes, data, &n) : -ENOMEM;

	if (r < 0)
		return r;
	if (n <= sizeof(name))
		return -EINVAL;
	if (memcmp(data, &name, sizeof(name)) != 0)
		return -ESTALE;
	r = get_pages(&(struct bits){ data + sizeof(name), 8 * (n - sizeof(name)) }, f);
	if (r == 0)
		r = fingerprint_write_ran(f, text, &again);
	if (r < 0)
		return r;
	return again && strlen(again) == bytes && memcmp(again, ran, bytes) == 0 ? 0
										 : -EINVAL;
}

int fingerprint_load(const char *text, const char *ran, struct fingerprint *ret)
{
	struct fingerprint f = { 0 };
	int r = fingerprint_read(text, strlen(text), &f);

	if (r < 0)
		return r;
	r = ran ? fingerprint_read_ran(&f, text, ran, strlen(ran)) : 0;
	if (r == -ENOMEM) {
		fingerprint_done(&f);
		return r;
	}
	if (r < 0)
		forget(&f);
	*ret = f;
	return 0;
}

/* ---- merging ---- */

/* What RAN, which is of TEXT, says of pages of F. Nothing of what is not understood. -ENOMEM. */
static int add_ran(struct fingerprint *f, const char *text, const char *ran)
{
	_cleanup_(fingerprint_done) struct fingerprint from = { 0 };
	int r = ran ? fingerprint_load(text, ran, &from) : -ENOENT;

	if (r < 0 || from.content_hash != f->content_hash)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < from.n_code; i++) {
		const struct code_page *p = &from.code[i];
		size_t k = SEARCH_FIRST(x, f->n_code, f->code[x].pgno < p->pgno);

		if (p->ran && k < f->n_code && f->code[k].pgno == p->pgno &&
		    f->code[k].n_units == p->n_units)
			r = fingerprint_set_ran(f, k, p->ran);
	}
	return r;
}

static int copy_smaller(const char *a, const char *b, char **ret)
{
	const char *one = !a || (b && strcmp(b, a) < 0) ? b : a;

	*ret = one ? strdup(one) : NULL;
	return one && !*ret ? -ENOMEM : 0;
}

int fingerprint_merge_ran(const char *a, const char *a_ran, const char *b,
			  const char *b_ran, const char *both, char **ret)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	int r;

	*ret = NULL;
	if (!both || (!a_ran && !b_ran))
		return 0;
	r = fingerprint_read(both, strlen(both), &f);
	if (r == -ESTALE) /* of another version */
		return copy_smaller(a && strcmp(a, both) == 0 ? a_ran : NULL,
				    b && strcmp(b, both) == 0 ? b_ran : NULL, ret);
	if (r == 0)
		r = add_ran(&f, a, a_ran);
	if (r == 0)
		r = add_ran(&f, b, b_ran);
	return r == 0 ? fingerprint_write_ran(&f, both, ret) : r;
}
