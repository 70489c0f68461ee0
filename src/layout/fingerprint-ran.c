/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which functions ran, in the order of a fingerprint's pages and units, a bit each, and which of them call each other. A
 * text of its own, which programs that do not know it keep; and since these change fingerprints (merge), it names the
 * one that it is of.
 */
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "bounds.h"
#include "fingerprint.h"
#include "hash.h"
#include "le.h"
#include "search.h"
#include "vec.h"

struct bits {
	uint8_t *data;
	size_t n, at; /* bits */
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

/* Seven of a byte's eight, the lowest first, the high one set where another byte follows. */
static void put_number(struct bits *b, uint32_t value)
{
	for (; value >= 0x80; value >>= 7, b->at += 8)
		b->data[b->at / 8] = (uint8_t)(value | 0x80);
	b->data[b->at / 8] = (uint8_t)value;
	b->at += 8;
}

static uint32_t get_number(struct bits *b)
{
	uint32_t value = 0;

	for (unsigned shift = 0; shift < 28 && b->at < b->n; shift += 7) {
		uint8_t byte = b->data[b->at / 8];

		b->at += 8;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static void to_byte(struct bits *b)
{
	b->at = DIV_ROUND_UP(b->at, 8) * 8;
}

/* From 1 on: as many zeros as there are bits behind the first one, which follow it. */
static void put_gamma(struct bits *b, unsigned value)
{
	int n = 31 - __builtin_clz(value);

	for (int i = 0; i < n; i++)
		put_bit(b, false);
	for (int i = n; i >= 0; i--)
		put_bit(b, value >> i & 1);
}

static unsigned get_gamma(struct bits *b)
{
	unsigned n = 0, value = 1;

	while (n < 16 && b->at < b->n && !get_bit(b))
		n++;
	for (; n > 0; n--)
		value = value << 1 | get_bit(b);
	return value;
}

/* What was put since AT, at a byte, is not there. */
static void take_back(struct bits *b, size_t at)
{
	memset(b->data + at / 8, 0, DIV_ROUND_UP(b->at, 8) - at / 8);
	b->at = at;
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
	free(f->n_calls);
	free(f->calls);
	f->ran = f->n_calls = NULL;
	f->calls = NULL;
	f->n_ran_calls = f->ran_calls_capacity = 0;
	f->has_left_calls = false;
	free(f->references);
	f->references = NULL;
	f->n_references = f->references_capacity = 0;
	f->has_left_references = false;
	for (size_t i = 0; i < f->n_data; i++)
		f->data[i].is_referred = false;
	for (size_t i = 0; i < f->n_code; i++)
		f->code[i].ran = NULL;
}

static uint32_t unit_of(const struct fingerprint *f, size_t page, size_t k)
{
	return (uint32_t)(f->code[page].codes - f->codes + (ptrdiff_t)k);
}

int fingerprint_set_ran(struct fingerprint *f, size_t page, const uint8_t *ran)
{
	struct code_page *p = &f->code[page];
	uint8_t *to;

	if (!f->ran)
		f->ran = calloc(count_units(f) + 1, 1);
	if (!f->n_calls)
		f->n_calls = calloc(count_units(f) + 1, 1);
	if (!f->ran || !f->n_calls)
		return -ENOMEM;
	to = f->ran + unit_of(f, page, 0);
	for (size_t i = 0; i < p->n_units; i++)
		to[i] |= ran[i] && !unit_is_gap(p->codes[i]);
	p->ran = to;
	return 0;
}

void fingerprint_set_calls(struct fingerprint *f, size_t page, size_t k, size_t n)
{
	uint32_t unit = unit_of(f, page, k);

	if (f->code[page].ran && f->ran[unit])
		f->n_calls[unit] =
			(uint8_t)MIN(MAX(n, (size_t)f->n_calls[unit]), RAN_MAX_CALLS);
}

int fingerprint_add_call(struct fingerprint *f, size_t page, size_t k, uint8_t place,
			 size_t to_page, size_t to_k)
{
	uint32_t from = unit_of(f, page, k), to = unit_of(f, to_page, to_k);
	size_t i;

	if (!f->code[page].ran || !f->code[to_page].ran || !f->ran[from] || !f->ran[to] ||
	    place >= f->n_calls[from])
		return 0;
	i = SEARCH_FIRST(x, f->n_ran_calls,
			 f->calls[x].from < from ||
				 (f->calls[x].from == from && f->calls[x].place < place));
	if (i < f->n_ran_calls && f->calls[i].from == from && f->calls[i].place == place) {
		f->calls[i].to = MIN(f->calls[i].to, to);
		return 0;
	}
	if (VEC_RESERVE_ONE(f->calls, f->n_ran_calls, f->ran_calls_capacity) < 0)
		return -ENOMEM;
	memmove(&f->calls[i + 1], &f->calls[i], (f->n_ran_calls - i) * sizeof(*f->calls));
	f->calls[i] = (struct ran_call){ from, to, place };
	f->n_ran_calls++;
	return 0;
}

static size_t references_from(const struct fingerprint *f, uint32_t unit)
{
	return SEARCH_FIRST(x, f->n_references, f->references[x].unit < unit);
}

const struct ran_references *fingerprint_references_of(const struct fingerprint *f,
						       uint32_t unit)
{
	size_t i = references_from(f, unit);

	return i < f->n_references && f->references[i].unit == unit ? &f->references[i]
								    : NULL;
}

int fingerprint_set_references(struct fingerprint *f, size_t page, size_t k, unsigned n,
			       const uint8_t *needed)
{
	uint32_t unit = unit_of(f, page, k);
	size_t i = references_from(f, unit);
	struct ran_references *r;

	n = MIN(n, RAN_MAX_REFERENCES);
	if (n == 0 || !f->code[page].ran || !f->ran[unit])
		return 0;
	if (VEC_RESERVE_ONE(f->references, f->n_references, f->references_capacity) < 0)
		return -ENOMEM;
	r = &f->references[i];
	if (i == f->n_references || r->unit != unit) {
		memmove(r + 1, r, (f->n_references - i) * sizeof(*r));
		*r = (struct ran_references){ .unit = unit };
		f->n_references++;
	}
	r->n = (uint8_t)MAX(n, (unsigned)r->n);
	for (unsigned x = 0; x < DIV_ROUND_UP(n, 8); x++)
		r->needed[x] |= needed[x];
	return 0;
}

/* K, behind one of unit LAST. */
static bool is_dropped(const struct code_page *p, const struct code_key *k, int last,
		       bool all)
{
	return p->ran && !p->ran[k->index] && !unit_is_gap(p->codes[k->index]) &&
	       (all || key_may_be_constant(k->hash) || k->index == last);
}

void fingerprint_drop_keys(struct fingerprint *f, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_code; i++) {
		struct code_page *p = &f->code[i];
		struct code_key *to = f->keys + n;
		uint8_t n_kept = 0;
		int last = -1;

		for (size_t k = 0; k < p->n_keys; k++) {
			struct code_key key = p->keys[k];

			if (!is_dropped(p, &key, last, all))
				to[n_kept++] = key;
			last = key.index;
		}
		p->keys = to;
		p->n_keys = n_kept;
		n += n_kept;
	}
}

/* ---- text ---- */

/* Numbers of units among those that ran, ascending by unit. New. */
static uint32_t *number_ran(const struct fingerprint *f, size_t *ret_n)
{
	size_t n_units = count_units(f), n = 0;
	uint32_t *numbers = calloc(n_units + 1, sizeof(*numbers));

	for (size_t i = 0; numbers && f->ran && i < n_units; i++)
		if (f->ran[i])
			numbers[n++] = (uint32_t)i;
	*ret_n = n;
	return numbers;
}

static void put_page(struct bits *b, const struct code_page *p)
{
	put_bit(b, p->ran);
	for (size_t i = 0; p->ran && i < p->n_units; i++)
		put_bit(b, p->ran[i]);
}

static size_t rank_of(const uint32_t *ran, size_t n, uint32_t unit)
{
	return SEARCH_FIRST(i, n, ran[i] < unit);
}

static void put_calls(struct bits *b, const struct fingerprint *f, const uint32_t *ran,
		      size_t n)
{
	size_t at = 0;

	put_number(b, 1);
	for (size_t i = 0; i < n; i++) {
		size_t end = at;
		uint32_t place = 0;

		while (end < f->n_ran_calls && f->calls[end].from == ran[i])
			end++;
		put_number(b, (uint32_t)(end - at));
		if (end > at)
			put_number(b, f->n_calls[ran[i]]);
		for (; at < end; at++) {
			const struct ran_call *c = &f->calls[at];

			put_number(b, c->place - place);
			put_number(b, (uint32_t)rank_of(ran, n, c->to));
			place = c->place + 1u;
		}
	}
}

/* Either all calls or none: what is left of some would depend on the order of merging. */
static void put_calls_or_none(struct bits *b, const struct fingerprint *f,
			      const uint32_t *ran, size_t n)
{
	size_t at = b->at;

	if (!f->n_ran_calls && !f->has_left_calls) {
		if (f->n_references || f->has_left_references)
			put_number(b, 0);
		return;
	}
	if (!f->has_left_calls)
		put_calls(b, f, ran, n);
	if (b->at / 8 <= LIMIT_FINGERPRINT_BYTES - LIMIT_REFERENCES_BYTES &&
	    !f->has_left_calls)
		return;
	take_back(b, at);
	put_number(b, 2);
}

static void put_references(struct bits *b, const struct fingerprint *f, const uint32_t *ran,
			   size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < f->n_data; i++)
		put_bit(b, f->data[i].is_referred);
	for (size_t i = 0; i < n; i++) {
		const struct ran_references *r = &f->references[at];

		if (at == f->n_references || r->unit != ran[i]) {
			put_gamma(b, 1);
			continue;
		}
		put_gamma(b, r->n + 1u);
		for (unsigned k = 0; k < r->n; k++)
			put_bit(b, r->needed[k / 8] >> k % 8 & 1);
		at++;
	}
	to_byte(b);
}

/* As with calls. */
static void put_references_or_none(struct bits *b, const struct fingerprint *f,
				   const uint32_t *ran, size_t n)
{
	size_t at = b->at;

	if (!f->n_references && !f->has_left_references)
		return;
	put_number(b, 1);
	if (!f->has_left_references)
		put_references(b, f, ran, n);
	if ((b->at - at) / 8 <= LIMIT_REFERENCES_BYTES && !f->has_left_references)
		return;
	take_back(b, at);
	put_number(b, 2);
}

int fingerprint_write_ran(const struct fingerprint *f, const char *text, char **ret)
{
	size_t n, bytes = sizeof(le32) + (f->n_code + count_units(f)) / 8 + 2;
	_cleanup_free_ uint32_t *ran = number_ran(f, &n);
	/* Numbers have 4 bytes, of references there are 255 bits and 17 for how many. */
	_cleanup_free_ uint8_t *data =
		calloc(bytes + 7 * n + 8 * f->n_ran_calls + 34 * f->n_references +
			       f->n_data / 8 + 8,
		       1);
	struct bits b = { data, 0, 8 * sizeof(le32) };
	bool is_known = false;
	le32 name = name_of(text);

	*ret = NULL;
	if (!data || !ran)
		return -ENOMEM;
	memcpy(data, &name, sizeof(name));
	for (size_t i = 0; i < f->n_code; i++) {
		put_page(&b, &f->code[i]);
		is_known |= f->code[i].ran != NULL;
	}
	if (!is_known)
		return 0;
	to_byte(&b);
	put_calls_or_none(&b, f, ran, n);
	put_references_or_none(&b, f, ran, n);
	*ret = base64_write(data, b.at / 8);
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
	to_byte(b);
	return r;
}

/* In order, so that none has to be moved for another. */
static int get_calls(struct bits *b, struct fingerprint *f)
{
	size_t n;
	uint32_t kind;
	_cleanup_free_ uint32_t *ran = number_ran(f, &n);

	if (!ran)
		return -ENOMEM;
	kind = b->at < b->n ? get_number(b) : 0;
	f->has_left_calls = kind == 2;
	for (size_t i = 0; i < n && b->at < b->n && kind == 1; i++) {
		uint32_t n_calls = get_number(b), place = 0;
		uint32_t all = n_calls ? get_number(b) : 0;

		if (all > RAN_MAX_CALLS || n_calls > all)
			return -EINVAL;
		f->n_calls[ran[i]] = (uint8_t)all;
		for (; n_calls > 0; n_calls--, place++) {
			uint32_t to;

			place += get_number(b);
			to = get_number(b);
			if (place >= f->n_calls[ran[i]] || to >= n)
				return -EINVAL;
			if (VEC_RESERVE_ONE(f->calls, f->n_ran_calls,
					    f->ran_calls_capacity) < 0)
				return -ENOMEM;
			f->calls[f->n_ran_calls++] =
				(struct ran_call){ ran[i], ran[to], (uint8_t)place };
		}
	}
	return 0;
}

/* As calls. */
static int get_references(struct bits *b, struct fingerprint *f)
{
	size_t n;
	_cleanup_free_ uint32_t *ran = number_ran(f, &n);

	if (!ran)
		return -ENOMEM;
	f->has_left_references = b->at < b->n && get_number(b) == 2;
	for (size_t i = 0; i < f->n_data && b->at < b->n; i++)
		f->data[i].is_referred = get_bit(b);
	for (size_t i = 0; i < n && b->at < b->n; i++) {
		struct ran_references r = { .unit = ran[i] };
		unsigned n_all = get_gamma(b) - 1;

		if (n_all > RAN_MAX_REFERENCES)
			return -EINVAL;
		r.n = (uint8_t)n_all;
		for (unsigned k = 0; k < n_all; k++)
			r.needed[k / 8] |= (uint8_t)((unsigned)get_bit(b) << k % 8);
		if (n_all == 0)
			continue;
		if (VEC_RESERVE_ONE(f->references, f->n_references,
				    f->references_capacity) < 0)
			return -ENOMEM;
		f->references[f->n_references++] = r;
	}
	return 0;
}

int fingerprint_read_ran(struct fingerprint *f, const char *text, const char *ran,
			 size_t bytes)
{
	_cleanup_free_ uint8_t *data = malloc(bytes + 1);
	_cleanup_free_ char *again = NULL;
	le32 name = name_of(text);
	struct bits b = { data, 0, 8 * sizeof(name) };
	size_t n;
	int r = data ? base64_read(ran, bytes, data, &n) : -ENOMEM;

	if (r < 0)
		return r;
	if (n <= sizeof(name))
		return -EINVAL;
	if (memcmp(data, &name, sizeof(name)) != 0)
		return -ESTALE;
	b.n = 8 * n;
	r = get_pages(&b, f);
	if (r == 0)
		r = get_calls(&b, f);
	if (r == 0)
		r = get_references(&b, f);
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

/* The page of F that is page P of another fingerprint of the same file; n_code: none. */
static size_t same_page(const struct fingerprint *f, const struct code_page *p)
{
	size_t k = SEARCH_FIRST(x, f->n_code, f->code[x].pgno < p->pgno);

	return k < f->n_code && f->code[k].pgno == p->pgno &&
			       f->code[k].n_units == p->n_units
		       ? k
		       : f->n_code;
}

/* Which page of F has the unit. */
static size_t page_of(const struct fingerprint *f, uint32_t unit)
{
	return SEARCH_FIRST(x, f->n_code, unit_of(f, x, f->code[x].n_units) <= unit);
}

static int add_calls(struct fingerprint *f, const struct fingerprint *from)
{
	int r = 0;

	f->has_left_calls |= from->has_left_calls;
	for (size_t i = 0; r == 0 && i < from->n_ran_calls; i++) {
		const struct ran_call *c = &from->calls[i];
		size_t p = page_of(from, c->from), to_p = page_of(from, c->to);
		size_t same = same_page(f, &from->code[p]);
		size_t to_same = same_page(f, &from->code[to_p]);
		size_t k = c->from - unit_of(from, p, 0);

		if (same == f->n_code || to_same == f->n_code)
			continue;
		fingerprint_set_calls(f, same, k, from->n_calls[c->from]);
		r = fingerprint_add_call(f, same, k, c->place, to_same,
					 c->to - unit_of(from, to_p, 0));
	}
	return r;
}

static int add_references(struct fingerprint *f, const struct fingerprint *from)
{
	int r = 0;

	f->has_left_references |= from->has_left_references;
	for (size_t i = 0; r == 0 && i < from->n_references; i++) {
		const struct ran_references *x = &from->references[i];
		size_t p = page_of(from, x->unit), same = same_page(f, &from->code[p]);

		if (same < f->n_code)
			r = fingerprint_set_references(
				f, same, x->unit - unit_of(from, p, 0), x->n, x->needed);
	}
	for (size_t i = 0, k = 0; i < from->n_data; i++) {
		while (k < f->n_data && f->data[k].pgno < from->data[i].pgno)
			k++;
		if (k < f->n_data && f->data[k].pgno == from->data[i].pgno)
			f->data[k].is_referred |= from->data[i].is_referred;
	}
	return r;
}

static int copy_ran(struct fingerprint *f, const struct fingerprint *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n_code; i++) {
		size_t k = same_page(f, &from->code[i]);

		if (from->code[i].ran && k < f->n_code)
			r = fingerprint_set_ran(f, k, from->code[i].ran);
	}
	if (r == 0)
		r = add_calls(f, from);
	return r == 0 ? add_references(f, from) : r;
}

int fingerprint_write_ran_of(const struct fingerprint *f, const char *text, char **ret)
{
	_cleanup_(fingerprint_done) struct fingerprint written = { 0 };
	int r = fingerprint_read(text, strlen(text), &written);

	if (r == 0)
		r = copy_ran(&written, f);
	return r == 0 ? fingerprint_write_ran(&written, text, ret) : r;
}

/* What RAN, which is of TEXT, says of pages of F. Nothing of what is not understood. -ENOMEM. */
static int add_ran(struct fingerprint *f, const char *text, const char *ran)
{
	_cleanup_(fingerprint_done) struct fingerprint from = { 0 };
	int r = ran ? fingerprint_load(text, ran, &from) : -ENOENT;

	if (r < 0 || from.content_hash != f->content_hash)
		return r == -ENOMEM ? r : 0;
	return copy_ran(f, &from);
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
