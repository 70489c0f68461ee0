/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fingerprint's pages of code as one row of functions. */
#include <errno.h>
#include <string.h>

#include "align.h"
#include "bounds.h"
#include "search.h"

void old_code_done(struct old_code *c)
{
	free(c->units);
	free(c->pages);
	free(c->keys);
	free(c->calls);
	*c = (struct old_code){ 0 };
}

static struct old_unit *add_unit(struct old_code *c, uint8_t code, uint64_t off)
{
	struct old_unit *u = &c->units[c->n_units++];

	*u = (struct old_unit){
		.off = off, .bytes = unit_code_bytes(code), .code = code, .to = ALIGN_NONE
	};
	return u;
}

/*
 * Whether a page's first unit is the last one that is known: it goes on from the page before, or
 * it is so long that pages between were not needed.
 */
static bool goes_on(const struct old_code *c, const struct old_page *before,
		    const struct code_page *p)
{
	uint64_t start = (uint64_t)p->pgno * PAGE_BYTES - 16u * (uint64_t)p->lead_back;
	const struct old_unit *last;

	if (!before || !p->lead_back || c->n_units == 0)
		return false;
	last = &c->units[c->n_units - 1];
	return last->code == p->lead_code &&
	       (before->pgno + 1 == p->pgno ||
		start < ((uint64_t)before->pgno + 1) * PAGE_BYTES);
}

/* Sizes are known about, places are made to fit: functions begin at multiples of 16. */
static void place_units(struct old_code *c, const struct code_page *p, uint64_t from)
{
	uint64_t start = (uint64_t)p->pgno * PAGE_BYTES, at = from, sum = 0;
	uint64_t room = start + PAGE_BYTES - MIN(from, start + PAGE_BYTES);

	for (size_t i = 0; i < p->n_keys; i++)
		c->keys[c->n_keys++] =
			(struct key){ (uint32_t)c->n_units + p->keys[i].index,
				      p->keys[i].hash };
	for (size_t i = 0; i + 1 < p->n_units; i++)
		sum += (unit_code_bytes(p->codes[i]) + 15) & ~(uint64_t)15;
	for (size_t i = 0; i < p->n_units; i++) {
		struct old_unit *u = add_unit(c, p->codes[i], at);

		if (p->ran && !unit_is_gap(u->code))
			u->ran = p->ran[i] ? RAN : RAN_NOT;
		/* The last one may go on behind the page. */
		at += sum > room ? u->bytes * room / (sum + 1)
				 : (u->bytes + 15) & ~(uint64_t)15;
	}
}

static void add_page(struct old_code *c, const struct code_page *p)
{
	const struct old_page *before = c->n_pages ? &c->pages[c->n_pages - 1] : NULL;
	uint64_t start = (uint64_t)p->pgno * PAGE_BYTES, end = start;
	bool is_same = goes_on(c, before, p);
	bool is_next = before && before->pgno + 1 == p->pgno;
	struct old_page page = { p->pgno, c->n_units - is_same, p->n_units };
	size_t first = c->n_units;

	page.n += p->lead_back > 0;
	if (p->lead_back && !is_same)
		add_unit(c, p->lead_code, start - MIN(start, 16u * (uint64_t)p->lead_back));
	if (p->lead_back) {
		const struct old_unit *lead = &c->units[c->n_units - 1];

		/* It ends in here, or takes the page. */
		end = p->n_units ? MAX(lead->off + lead->bytes, start) : start;
		end = MIN(end, start + PAGE_BYTES / 2);
	}
	place_units(c, p, end);
	if (c->n_units > first && !is_same && !is_next)
		c->units[first].is_first = true;
	c->pages[c->n_pages++] = page;
}

/* The unit that is number I of the fingerprint's. */
static uint32_t unit_of(const struct old_code *c, const struct fingerprint *f, uint32_t i)
{
	size_t p = SEARCH_FIRST(
		k, f->n_code,
		(size_t)(f->code[k].codes - f->codes) + f->code[k].n_units <= i);
	const struct code_page *page = &f->code[p];

	return (uint32_t)(c->pages[p].first + c->pages[p].n - page->n_units +
			  (i - (size_t)(page->codes - f->codes)));
}

/* They keep their order: units have that of the fingerprint. */
static void add_calls(struct old_code *c, const struct fingerprint *f)
{
	for (size_t i = 0; i < f->n_ran_calls; i++) {
		const struct ran_call *x = &f->calls[i];
		uint32_t from = unit_of(c, f, x->from);

		c->units[from].n_calls = f->n_calls[x->from];
		c->calls[c->n_calls++] =
			(struct ran_call){ from, unit_of(c, f, x->to), x->place };
	}
}

int old_code_make(const struct fingerprint *f, struct old_code *ret)
{
	struct old_code c = { 0 };
	size_t n = 0, n_keys = 0;

	for (size_t i = 0; i < f->n_code; i++) {
		n += f->code[i].n_units + 1u;
		n_keys += f->code[i].n_keys;
	}
	c.keys = calloc(n_keys + 1, sizeof(*c.keys));
	c.units = calloc(n + 1, sizeof(*c.units));
	c.pages = calloc(f->n_code + 1, sizeof(*c.pages));
	c.calls = calloc(f->n_ran_calls + 1, sizeof(*c.calls));
	if (!c.units || !c.pages || !c.keys || !c.calls) {
		old_code_done(&c);
		return -ENOMEM;
	}
	for (size_t i = f->n_sections; i-- > 0;) {
		const struct section *x = &f->sections[i];

		if (x->kind != SECTION_CODE)
			continue;
		c.start = x->off;
		c.end = MAX(c.end, x->off + x->bytes);
	}
	for (size_t i = 0; i < f->n_code; i++)
		add_page(&c, &f->code[i]);
	add_calls(&c, f);
	for (size_t i = 0; i < f->n_references; i++)
		c.units[unit_of(&c, f, f->references[i].unit)].references =
			&f->references[i];
	*ret = c;
	return 0;
}
