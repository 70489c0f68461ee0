/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of cells for each part of a file, several where it is long. A cell is so many pages; how
 * full it is drawn says how many of them are needed, its colour when the first was touched.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "show-map.h"
#include "terminal.h"
#include "text-out.h"

enum { LABEL = 10, NO_TERMINAL = 80, NARROWEST = LABEL + 10, WIDEST = 200 };
/* An object gets no more lines of cells than these, and one for each part. */
#define MOST_LINES 6u
#define N_COLOURS  6u
#define ONE_LINE   16u

/* What cells look like from "no page is needed" to "all are". */
static const char *const blocks[] = { "\u00b7", "\u2591", "\u2592", "\u2593", "\u2588" };
static const char *const plain[] = { ".", "-", "+", "*", "#" };

/* Of the 256 colours: first touch early to late. */
static const struct {
	unsigned ms;
	const char *code, *text;
} colours[N_COLOURS] = {
	{ 5, "\033[38;5;196m", "5 ms" },     { 20, "\033[38;5;208m", "20 ms" },
	{ 100, "\033[38;5;178m", "100 ms" }, { 500, "\033[38;5;71m", "500 ms" },
	{ 2000, "\033[38;5;37m", "2 s" },    { UINT_MAX, "\033[38;5;99m", "later" },
};

struct cells {
	const char *const *glyphs;
	bool use_colour;
	unsigned width; /* cells in a line */
	uint64_t pages; /* in a cell; all page numbers here: a file may have 2^32 */
	const struct map_object *object;
	size_t run; /* of the object, that may still have pages in the next cell */
};

static unsigned find_width(void)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);

	if (columns == UINT_MAX)
		columns = NO_TERMINAL;
	return MIN(MAX(columns, (unsigned)NARROWEST), (unsigned)WIDEST) - LABEL;
}

static const char *find_colour(uint32_t when)
{
	size_t i = 0;

	while (i < N_COLOURS - 1 && when_end_us(when) / 1000 > colours[i].ms)
		i++;
	return colours[i].code;
}

/* Pages from FIRST on are asked for in ascending order. */
static uint64_t count(struct cells *c, uint64_t first, uint64_t end, uint32_t *ret_when)
{
	const struct map_object *m = c->object;
	uint64_t n = 0;

	*ret_when = LIMIT_WHEN;
	while (c->run < m->n_runs &&
	       (uint64_t)m->runs[c->run].first_pgno + m->runs[c->run].n_pages <= first)
		c->run++;
	for (size_t i = c->run; i < m->n_runs && m->runs[i].first_pgno < end; i++) {
		const struct map_run *r = &m->runs[i];

		n += MIN((uint64_t)r->first_pgno + r->n_pages, end) -
		     MAX(r->first_pgno, first);
		*ret_when = MIN(*ret_when, r->when);
	}
	return n;
}

static void print_cell(struct cells *c, uint64_t first, uint64_t end)
{
	uint32_t when;
	uint64_t n = count(c, first, end, &when), level;

	level = n == 0 ? 0 : n == end - first ? 4 : 1 + 3 * n / (end - first);
	if (c->use_colour && level > 0)
		printf("%s%s\033[0m", find_colour(when), c->glyphs[level]);
	else
		fputs(c->glyphs[level], stdout);
}

static void print_part(struct cells *c, const struct map_part *p, const char *label)
{
	uint64_t end = (uint64_t)p->first_pgno + p->n_pages, n_cells = 0;

	for (uint64_t first = p->first_pgno; first < end; first += c->pages) {
		if (n_cells % c->width == 0)
			printf("%s%-*s", n_cells ? "\n" : "", LABEL, n_cells ? "" : label);
		print_cell(c, first, MIN(first + c->pages, end));
		n_cells++;
	}
	putchar('\n');
}

/* Small files have them behind what is said of them. */
static void print_cells(struct cells *c, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		print_cell(c, first, first + 1);
}

static void print_object(struct cells *c, const struct map_object *m)
{
	const struct row *row = m->row;
	uint64_t n_pages = MIN(row->file_pages, UINT32_MAX);
	const struct map_run *last = m->n_runs ? &m->runs[m->n_runs - 1] : NULL;

	/* Of another build than the profile's the map may be longer than the file. */
	if (last)
		n_pages = MAX(n_pages, (uint64_t)last->first_pgno + last->n_pages);
	c->object = m;
	c->run = 0;
	c->pages = MAX(DIV_ROUND_UP(n_pages, MOST_LINES * c->width), 1u);
	text_put(stdout, row->path);
	printf("\n  %llu of %llu page%s, %s", (unsigned long long)row->n_pages,
	       (unsigned long long)n_pages, n_pages == 1 ? "" : "s", now_text(row->now));
	if (m->n_parts == 0 && n_pages <= ONE_LINE && n_pages <= c->width) {
		printf("  ");
		print_cells(c, 0, n_pages);
		puts("\n");
		return;
	}
	printf(c->pages > 1 ? "; a cell is %llu pages\n" : "\n",
	       (unsigned long long)c->pages);
	for (size_t i = 0; i < m->n_parts; i++) {
		char label[LABEL + 1];

		snprintf(label, sizeof(label), " %s", section_kind_text(m->parts[i].kind));
		print_part(c, &m->parts[i], label);
	}
	if (m->n_parts == 0)
		print_part(
			c,
			&(struct map_part){ .n_pages = (uint32_t)MIN(n_pages, UINT32_MAX) },
			"");
	putchar('\n');
}

static void print_legend(const struct cells *c)
{
	printf("needed: %s none  %s %s %s some  %s all of a cell\n", c->glyphs[0],
	       c->glyphs[1], c->glyphs[2], c->glyphs[3], c->glyphs[4]);
	if (!c->use_colour)
		return;
	fputs("first touch within: ", stdout);
	for (size_t i = 0; i < N_COLOURS; i++)
		printf("%s%s %s\033[0m%s", colours[i].code, c->glyphs[4], colours[i].text,
		       i + 1 < N_COLOURS ? "  " : "\n");
}

void show_map(const struct page_map *m)
{
	struct cells c = { .glyphs = terminal_has_utf8() ? blocks : plain,
			   .use_colour = terminal_has_colour(STDOUT_FILENO),
			   .width = find_width() };

	for (size_t i = 0; i < m->n; i++)
		print_object(&c, &m->items[i]);
	print_legend(&c);
}
