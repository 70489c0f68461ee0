/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fingerprints as text. What is read is written again and compared, so that there is one text
 * for each, and merging need not ask what else is allowed.
 */
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "bounds.h"
#include "fingerprint.h"

/* ---- bytes ---- */

struct bytes {
	uint8_t *data;
	size_t n, capacity;
	bool failed; /* no memory */
};

static bool reserve(struct bytes *b, size_t n)
{
	size_t want = MAX(2 * b->capacity, MAX(n, (size_t)512));
	uint8_t *data;

	if (b->capacity - b->n >= n)
		return true;
	data = realloc(b->data, b->n + want);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->capacity = b->n + want;
	return true;
}

static void put(struct bytes *b, uint64_t value, unsigned n)
{
	if (!reserve(b, n))
		return;
	for (unsigned i = 0; i < n; i++)
		b->data[b->n++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(struct bytes *b, const uint8_t *data, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->data + b->n, data, n);
	b->n += n;
}

/* Seven bits a byte, the lowest first; the last byte has no high bit. */
static void put_number(struct bytes *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put(b, (value & 0x7f) | 0x80, 1);
	put(b, value, 1);
}

struct source {
	const uint8_t *data;
	size_t n, at;
	bool failed; /* ended too early, or a number over its limit */
};

static uint64_t get(struct source *s, unsigned n)
{
	uint64_t value = 0;

	if (s->failed || s->n - s->at < n) {
		s->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		value |= (uint64_t)s->data[s->at + i] << 8 * i;
	s->at += n;
	return value;
}

/* RET has room for all of S. */
static void get_bytes(struct source *s, uint8_t *ret, size_t n)
{
	if (s->failed || s->n - s->at < n) {
		s->failed = true;
		return;
	}
	memcpy(ret, s->data + s->at, n);
	s->at += n;
}

static uint64_t get_number(struct source *s, uint64_t max)
{
	uint64_t value = 0, byte = 0x80;

	for (unsigned shift = 0; byte & 0x80 && shift < 63 && !s->failed; shift += 7) {
		byte = get(s, 1);
		value |= (byte & 0x7f) << shift;
	}
	if (byte & 0x80 || value > max)
		s->failed = true;
	return s->failed ? 0 : value;
}

/* ---- writing ---- */

static void put_sections(struct bytes *b, const struct fingerprint *f)
{
	uint64_t end = 0;

	put_number(b, f->n_sections);
	for (size_t i = 0; i < f->n_sections; i++) {
		const struct section *s = &f->sections[i];

		put(b, (unsigned)s->kind << 13 | s->name, 2);
		put_number(b, s->off - end);
		put_number(b, s->bytes);
		end = s->off + s->bytes;
	}
}

enum { NO_KEYS = 4, MAX_THINNED = 31 };

static bool is_kept_key(const struct fingerprint *f, const struct code_key *k)
{
	return k->rank <= f->max_rank && f->thinned < NO_KEYS &&
	       (k->hash & ((1u << f->thinned) - 1)) == 0;
}

static bool is_kept(const struct fingerprint *f, uint32_t pgno)
{
	return f->thinned <= NO_KEYS || (pgno & ((1u << (f->thinned - NO_KEYS)) - 1)) == 0;
}

static void put_code_page(struct bytes *b, const struct fingerprint *f,
			  const struct code_page *p)
{
	size_t n_keys = 0;

	for (size_t i = 0; i < p->n_keys; i++)
		n_keys += is_kept_key(f, &p->keys[i]);
	put_number(b, p->lead_back);
	if (p->lead_back)
		put(b, p->lead_code, 1);
	put_number(b, 2u * p->n_units + (n_keys > 0));
	put_bytes(b, p->codes, p->n_units);
	if (n_keys)
		put(b, n_keys, 1);
	for (size_t i = 0; i < p->n_keys; i++) {
		if (!is_kept_key(f, &p->keys[i]))
			continue;
		put(b, p->keys[i].index, 1);
		put(b, p->keys[i].hash, 3);
	}
}

static void put_code(struct bytes *b, const struct fingerprint *f)
{
	uint32_t next = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->n_code; i++)
		n += is_kept(f, f->code[i].pgno);
	put_number(b, n);
	for (size_t i = 0; i < f->n_code; i++) {
		if (!is_kept(f, f->code[i].pgno))
			continue;
		put_number(b, f->code[i].pgno - next);
		put_code_page(b, f, &f->code[i]);
		next = f->code[i].pgno + 1;
	}
}

static void put_data(struct bytes *b, const struct fingerprint *f)
{
	uint32_t next = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->n_data; i++)
		n += is_kept(f, f->data[i].pgno);
	put_number(b, n);
	for (size_t i = 0; i < f->n_data; i++) {
		const struct data_page *p = &f->data[i];

		if (!is_kept(f, p->pgno))
			continue;
		put_number(b, p->pgno - next);
		put(b, p->n_marks, 1);
		for (size_t k = 0; k < p->n_marks; k++) {
			put(b, p->marks[k].off_16, 1);
			put(b, p->marks[k].hash, 3);
		}
		next = p->pgno + 1;
	}
}

static void put_all(struct bytes *b, const struct fingerprint *f)
{
	b->n = 0;
	put(b, FINGERPRINT_VERSION, 1);
	put(b, f->content_hash, 8);
	put_sections(b, f);
	put(b, f->thinned, 1);
	put_code(b, f);
	put_data(b, f);
}

void fingerprint_thin(struct fingerprint *f, unsigned thinned)
{
	size_t n = 0;

	f->thinned = thinned;
	for (size_t i = 0; i < f->n_code; i++) {
		struct code_page *p = &f->code[i];
		const struct code_key *keys = p->keys;
		uint8_t n_kept = 0;

		for (size_t k = 0; k < p->n_keys; k++)
			if (is_kept_key(f, &keys[k]))
				f->keys[n + n_kept++] = keys[k];
		p->keys = f->keys + n;
		p->n_keys = n_kept;
		n += n_kept;
	}
}

int fingerprint_write(const struct fingerprint *f, char **ret)
{
	struct fingerprint thin = *f;
	struct bytes b = { 0 };
	char *text = NULL;

	put_all(&b, &thin);
	while (!b.failed && b.n > LIMIT_FINGERPRINT_BYTES && thin.thinned < MAX_THINNED) {
		if (thin.max_rank > 0)
			thin.max_rank--;
		else
			thin.thinned++;
		put_all(&b, &thin);
	}
	if (!b.failed && b.n <= LIMIT_FINGERPRINT_BYTES)
		text = base64_write(b.data, b.n);
	free(b.data);
	*ret = text;
	return text ? 0 : b.failed || b.n <= LIMIT_FINGERPRINT_BYTES ? -ENOMEM : -E2BIG;
}

/* ---- reading ---- */

static int get_sections(struct source *s, struct fingerprint *f)
{
	uint64_t end = 0;
	size_t n = (size_t)get_number(s, LIMIT_SECTIONS + 2);

	f->sections = calloc(n + 1, sizeof(*f->sections));
	if (!f->sections)
		return -ENOMEM;
	f->n_sections = n;
	for (size_t i = 0; i < n; i++) {
		unsigned kind_and_name = (unsigned)get(s, 2);
		struct section *x = &f->sections[i];

		x->kind = kind_and_name >> 13;
		x->name = kind_and_name & 0x1fff;
		x->off = end + get_number(s, LIMIT_FILE_BYTES);
		x->bytes = get_number(s, LIMIT_FILE_BYTES);
		end = x->off + x->bytes;
		if (end > LIMIT_FILE_BYTES || x->bytes == 0 || x->kind >= N_SECTION_KINDS)
			s->failed = true;
	}
	f->file_bytes = end;
	return 0;
}

/* A page of the file that is not before *NEXT. */
static uint32_t get_pgno(struct source *s, const struct fingerprint *f, uint64_t *next)
{
	uint64_t pgno = *next + get_number(s, UINT32_MAX);

	if (pgno >= DIV_ROUND_UP(f->file_bytes, PAGE_BYTES) || !is_kept(f, (uint32_t)pgno))
		s->failed = true;
	*next = pgno + 1;
	return (uint32_t)pgno;
}

static void get_keys(struct source *s, struct code_page *p, struct code_key *keys)
{
	p->n_keys = (uint8_t)get(s, 1);
	if (p->n_keys == 0 || s->n - s->at < 4u * p->n_keys)
		s->failed = true;
	for (size_t i = 0; i < p->n_keys && !s->failed; i++) {
		keys[i].index = (uint8_t)get(s, 1);
		keys[i].rank = 0;
		keys[i].hash = (uint32_t)get(s, 3);
		if (keys[i].index >= p->n_units)
			s->failed = true;
	}
}

/* A page's codes and keys are no more than the bytes that hold them. */
static int get_code(struct source *s, struct fingerprint *f)
{
	size_t n = (size_t)get_number(s, s->n), n_codes = 0, n_keys = 0;
	uint64_t next = 0, n_units;

	f->code = calloc(n + 1, sizeof(*f->code));
	f->codes = malloc(s->n + 1);
	f->keys = calloc(s->n / 4 + 1, sizeof(*f->keys));
	if (!f->code || !f->codes || !f->keys)
		return -ENOMEM;
	for (; f->n_code < n && !s->failed; f->n_code++) {
		struct code_page *p = &f->code[f->n_code];

		p->pgno = get_pgno(s, f, &next);
		p->lead_back = (uint32_t)get_number(s, UINT32_MAX);
		p->lead_code = p->lead_back ? (uint8_t)get(s, 1) : 0;
		n_units = get_number(s, 2 * UINT8_MAX + 1);
		p->n_units = (uint8_t)(n_units / 2);
		p->codes = f->codes + n_codes;
		p->keys = f->keys + n_keys;
		get_bytes(s, f->codes + n_codes, p->n_units);
		n_codes += p->n_units;
		if (n_units % 2)
			get_keys(s, p, f->keys + n_keys);
		n_keys += p->n_keys;
		if (p->lead_back == 0 && p->n_units == 0)
			s->failed = true;
	}
	return 0;
}

static int get_data(struct source *s, struct fingerprint *f)
{
	size_t n = (size_t)get_number(s, s->n);
	uint64_t next = 0;

	f->data = calloc(n + 1, sizeof(*f->data));
	if (!f->data)
		return -ENOMEM;
	for (; f->n_data < n && !s->failed; f->n_data++) {
		struct data_page *p = &f->data[f->n_data];

		p->pgno = get_pgno(s, f, &next);
		p->n_marks = (uint8_t)get(s, 1);
		if (p->n_marks == 0 || p->n_marks > FINGERPRINT_MAX_MARKS)
			s->failed = true;
		for (size_t i = 0; i < p->n_marks && !s->failed; i++) {
			p->marks[i].off_16 = (uint8_t)get(s, 1);
			p->marks[i].hash = (uint32_t)get(s, 3);
		}
	}
	return 0;
}

static int get_all(struct source *s, struct fingerprint *f)
{
	int r;

	if (get(s, 1) != FINGERPRINT_VERSION)
		return s->failed ? -EINVAL : -ESTALE;
	f->content_hash = get(s, 8);
	r = get_sections(s, f);
	f->thinned = (unsigned)get(s, 1);
	if (f->thinned > MAX_THINNED)
		s->failed = true;
	if (r == 0 && !s->failed)
		r = get_code(s, f);
	if (r == 0 && !s->failed)
		r = get_data(s, f);
	if (r < 0)
		return r;
	return s->failed || s->at != s->n ? -EINVAL : 0;
}

static int is_canonical(const struct fingerprint *f, const char *text, size_t bytes)
{
	_cleanup_free_ char *again = NULL;
	int r = fingerprint_write(f, &again);

	if (r < 0)
		return r;
	return strlen(again) == bytes && memcmp(again, text, bytes) == 0 ? 0 : -EINVAL;
}

int fingerprint_read(const char *text, size_t bytes, struct fingerprint *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct fingerprint f = { 0 };
	struct source s = { 0 };
	int r;

	if (bytes > LIMIT_FINGERPRINT_BYTES / 3 * 4)
		return -EINVAL;
	data = malloc(bytes + 1);
	r = data ? base64_read(text, bytes, data, &s.n) : -ENOMEM;
	if (r < 0)
		return r;
	s.data = data;
	r = get_all(&s, &f);
	if (r == 0)
		r = is_canonical(&f, text, bytes);
	if (r < 0) {
		fingerprint_done(&f);
		return r == -E2BIG ? -EINVAL : r;
	}
	*ret = f;
	return 0;
}
