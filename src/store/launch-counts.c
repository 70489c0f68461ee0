/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "launch-counts.h"
#include "bounds.h"
#include "vec.h"

#define HEADER	     "elfcast-launches 1 "
#define HEADER_NAME  "elfcast-launches "
/* What a single launch has decayed to after twenty weeks. */
#define FORGET_BELOW (LAUNCHES_ONE / 1000)
/* 10^9 launches: far from where sums and products overflow. */
#define WEIGHT_MAX   (1000000000ull * LAUNCHES_ONE)

/* 2^-(1/2), 2^-(1/4) ... in units of 2^-32: one factor for each bit of a fraction. */
static const uint32_t halving[16] = {
	3037000500u, 3611622603u, 3938502376u, 4112874773u, 4202935003u, 4248701965u,
	4271771996u, 4283353945u, 4289156690u, 4292061010u, 4293513907u, 4294240540u,
	4294603903u, 4294785595u, 4294876445u, 4294921870u,
};

static uint64_t multiply_q32(uint64_t x, uint32_t factor)
{
	return (x >> 32) * factor + (((x & UINT32_MAX) * factor) >> 32);
}

uint64_t launch_counts_decay(uint64_t weight, uint64_t seconds)
{
	uint64_t halves = seconds / LAUNCHES_HALF_LIFE_S;
	uint64_t fraction = (seconds % LAUNCHES_HALF_LIFE_S << 16) / LAUNCHES_HALF_LIFE_S;

	if (halves > 63)
		return 0;
	weight >>= halves;
	for (unsigned i = 0; i < ARRAY_SIZE(halving); i++)
		if (fraction & (1u << (15 - i)))
			weight = multiply_q32(weight, halving[i]);
	return weight;
}

/* Whether anybody has set the clock that says so. */
static bool is_clock(uint64_t now_s)
{
	return now_s >= LAUNCHES_FIRST_CLOCK_S && now_s <= LIMIT_TIME_S;
}

static uint64_t elapsed(const struct launch_counts *l, uint64_t now_s)
{
	return now_s > l->time_s ? MIN(now_s - l->time_s, LAUNCHES_LONGEST_S) : 0;
}

static void drop(struct launch_counts *l, size_t at)
{
	free(l->items[at].program);
	l->n--;
	memmove(l->items + at, l->items + at + 1, (l->n - at) * sizeof(l->items[0]));
}

void launch_counts_advance(struct launch_counts *l, uint64_t now_s)
{
	uint64_t seconds = elapsed(l, now_s);
	size_t kept = 0;

	if (!is_clock(now_s))
		return;
	l->time_s = now_s;
	for (size_t i = 0; i < l->n; i++) {
		struct launch_count *c = &l->items[i];

		c->weight = launch_counts_decay(c->weight, seconds);
		if (c->weight >= FORGET_BELOW)
			l->items[kept++] = *c;
		else
			free(c->program);
	}
	l->n = kept;
}

/* Where PROGRAM is, or belongs. */
static size_t position(const struct launch_counts *l, const char *program, bool *ret_found)
{
	size_t low = 0, high = l->n;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(program, l->items[middle].program);

		if (c == 0) {
			*ret_found = true;
			return middle;
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct launch_count *launch_counts_find(const struct launch_counts *l,
					      const char *program)
{
	bool found;
	size_t at = position(l, program, &found);

	return found ? &l->items[at] : NULL;
}

uint64_t launch_counts_weight(const struct launch_counts *l, const char *program,
			      uint64_t time_s)
{
	const struct launch_count *c = launch_counts_find(l, program);

	return c ? launch_counts_decay(c->weight, elapsed(l, time_s)) : 0;
}

static bool is_path(const char *s, size_t bytes)
{
	if (bytes == 0 || bytes > LIMIT_LAUNCH_PATH_BYTES || s[0] != '/')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

/* Of equals the one that was launched longer ago, then the last by name. */
static void drop_lightest(struct launch_counts *l)
{
	size_t lightest = 0;

	for (size_t i = 1; i < l->n; i++) {
		const struct launch_count *a = &l->items[i], *b = &l->items[lightest];

		if (a->weight < b->weight ||
		    (a->weight == b->weight && a->last_s <= b->last_s))
			lightest = i;
	}
	drop(l, lightest);
}

/* PROGRAM is taken, also on failure. */
static int insert(struct launch_counts *l, size_t at, char *program, uint64_t weight,
		  uint64_t last_s)
{
	if (!program || VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0) {
		free(program);
		return -ENOMEM;
	}
	memmove(l->items + at + 1, l->items + at, (l->n - at) * sizeof(l->items[0]));
	l->items[at] = (struct launch_count){ program, weight, last_s };
	l->n++;
	return 0;
}

int launch_counts_count(struct launch_counts *l, const char *program, uint64_t now_s)
{
	struct launch_count *c;
	bool found;
	size_t at;

	if (!is_path(program, strlen(program)))
		return -EINVAL;
	if (now_s < l->time_s || now_s - l->time_s >= LAUNCHES_STEP_S)
		launch_counts_advance(l, now_s);
	at = position(l, program, &found);
	if (!found) {
		int r;

		if (l->n >= LIMIT_LAUNCHES) {
			drop_lightest(l);
			at = position(l, program, &found);
		}
		r = insert(l, at, strdup(program), 0, 0);
		if (r < 0)
			return r;
	}
	c = &l->items[at];
	c->weight = MIN(c->weight + LAUNCHES_ONE, WEIGHT_MAX);
	if (is_clock(now_s))
		c->last_s = now_s;
	return 0;
}

void launch_counts_done(struct launch_counts *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].program);
	free(l->items);
	*l = (struct launch_counts){ 0 };
}

/* What is left of the text. */
struct cursor {
	const char *p, *end;
};

static bool take_text(struct cursor *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal without leading zeros, at most MAX (below 2^60). */
static bool take_number(struct cursor *c, uint64_t max, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t x = 0;

	for (; c->p < c->end && is_digit(*c->p); c->p++) {
		x = x * 10 + (uint64_t)(*c->p - '0');
		if (x > max)
			return false;
	}
	*ret = x;
	return c->p > start && (*start != '0' || c->p == start + 1);
}

/* "12.345678" */
static bool take_weight(struct cursor *c, uint64_t *ret)
{
	uint64_t whole, part = 0;

	if (!take_number(c, WEIGHT_MAX / LAUNCHES_ONE, &whole) || !take_text(c, "."))
		return false;
	for (uint32_t unit = LAUNCHES_ONE / 10; unit > 0; unit /= 10, c->p++) {
		if (c->p == c->end || !is_digit(*c->p))
			return false;
		part += (uint64_t)(*c->p - '0') * unit;
	}
	*ret = whole * LAUNCHES_ONE + part;
	return *ret <= WEIGHT_MAX;
}

/* "WEIGHT LAST PROGRAM\n" */
static int take_line(struct cursor *c, struct launch_counts *l)
{
	uint64_t weight, last_s;
	const char *newline;
	size_t bytes;
	char *program;

	if (!take_weight(c, &weight) || !take_text(c, " ") ||
	    !take_number(c, LIMIT_TIME_S, &last_s) || !take_text(c, " "))
		return -EBADMSG;
	newline = memchr(c->p, '\n', (size_t)(c->end - c->p));
	bytes = newline ? (size_t)(newline - c->p) : 0;
	if (!is_path(c->p, bytes))
		return -EBADMSG;
	program = strndup(c->p, bytes);
	if (program && l->n > 0 && strcmp(l->items[l->n - 1].program, program) >= 0) {
		free(program);
		return -EBADMSG;
	}
	c->p = newline + 1;
	return insert(l, l->n, program, weight, last_s);
}

static int take_all(struct cursor *c, struct launch_counts *l)
{
	uint64_t n;

	if (!take_text(c, HEADER))
		return take_text(c, HEADER_NAME) ? -ESTALE : -EBADMSG;
	if (!take_number(c, LIMIT_TIME_S, &l->time_s) || !take_text(c, "\n"))
		return -EBADMSG;
	while (!take_text(c, "end ")) {
		int r = l->n < LIMIT_LAUNCHES ? take_line(c, l) : -E2BIG;

		if (r < 0)
			return r;
	}
	/* Nothing that was cut off anywhere ends like this. */
	if (!take_number(c, LIMIT_LAUNCHES, &n) || n != l->n || !take_text(c, "\n") ||
	    c->p != c->end)
		return -EBADMSG;
	return 0;
}

int launch_counts_parse(const char *text, size_t bytes, struct launch_counts *ret)
{
	struct cursor c = { text, text + bytes };
	struct launch_counts l = { 0 };
	int r = take_all(&c, &l);

	if (r < 0) {
		launch_counts_done(&l);
		return r;
	}
	*ret = l;
	return 0;
}

int launch_counts_format(const struct launch_counts *l, char **ret, size_t *ret_bytes)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);
	bool bad;

	if (!f)
		return -ENOMEM;
	fprintf(f, HEADER "%" PRIu64 "\n", l->time_s);
	for (size_t i = 0; i < l->n; i++)
		fprintf(f, "%" PRIu64 ".%06" PRIu64 " %" PRIu64 " %s\n",
			l->items[i].weight / LAUNCHES_ONE,
			l->items[i].weight % LAUNCHES_ONE, l->items[i].last_s,
			l->items[i].program);
	fprintf(f, "end %zu\n", l->n);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_bytes = bytes;
	return 0;
}

int launch_counts_load(const struct store *s, struct launch_counts *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_LAUNCHES, NULL, &data, &bytes);

	return r < 0 ? r : launch_counts_parse((const char *)data, bytes, ret);
}

bool launch_counts_are_lost(int error)
{
	static const int errors[] = { -EBADMSG, -ESTALE, -E2BIG, -EINVAL, -ELOOP, -EPERM };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (error == errors[i])
			return true;
	return false;
}

int launch_counts_save(const struct store *s, const struct launch_counts *l)
{
	_cleanup_free_ char *text = NULL;
	bool written;
	size_t bytes;
	int r = launch_counts_format(l, &text, &bytes);

	return r < 0 ? r : store_put(s, STORE_LAUNCHES, NULL, text, bytes, &written);
}

int launch_counts_count_stored(const struct store *s, const char *program,
			       unsigned timeout_ms)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_close_ int lock = store_lock_launches(s, timeout_ms);
	int r;

	if (lock < 0)
		return lock;
	r = launch_counts_load(s, &l);
	if (r < 0 && r != -ENOENT && !launch_counts_are_lost(r))
		return r;
	r = launch_counts_count(&l, program, (uint64_t)MAX(time(NULL), 0));
	return r < 0 ? r : launch_counts_save(s, &l);
}
