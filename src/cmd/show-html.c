/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show-page.html has all but the data; its two marks say where title and data go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json-out.h"
#include "log.h"
#include "output.h"
#include "show-html.h"
#include "svg.h"

#define TITLE "@TITLE@"
#define DATA  "@DATA@"

/* The page as it lies beside this file, and a NUL. */
extern const char show_page[];
__asm__(".pushsection .rodata\n"
	".globl show_page\n"
	"show_page:\n"
	".incbin \"src/cmd/show-page.html\"\n"
	".byte 0\n"
	".popsection\n");

struct show_html {
	char *title, *data;
	size_t data_bytes;
	FILE *f; /* writes data */
};

struct show_html *show_html_new(const char *title)
{
	struct show_html *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->title = strdup(title);
	h->f = open_memstream(&h->data, &h->data_bytes);
	if (!h->title || !h->f) {
		if (h->f)
			fclose(h->f);
		free(h->data);
		free(h->title);
		free(h);
		return NULL;
	}
	json_to(h->f);
	json_open(NULL, '[');
	return h;
}

static void put_object(const struct map_object *m)
{
	const struct row *row = m->row;

	json_open(NULL, '{');
	json_string("path", row->path);
	json_uint("pages", row->n_pages);
	json_uint("file_pages", row->file_pages);
	json_bool("usable", now_is_usable(row->now));
	json_string("now", now_text(row->now));
	if (row->confidence)
		json_uint("retargeted", row->confidence);
	json_open("parts", '[');
	for (size_t i = 0; i < m->n_parts; i++) {
		json_open(NULL, '[');
		json_string(NULL, section_kind_text(m->parts[i].kind));
		json_uint(NULL, m->parts[i].first_pgno);
		json_uint(NULL, m->parts[i].n_pages);
		json_close(']');
	}
	json_close(']');
	json_open("runs", '[');
	for (size_t i = 0; i < m->n_runs; i++) {
		json_open(NULL, '[');
		json_uint(NULL, m->runs[i].first_pgno);
		json_uint(NULL, m->runs[i].n_pages);
		json_double(NULL, (double)when_end_us(m->runs[i].when) / 1000);
		json_uint(NULL, m->runs[i].runs);
		json_close(']');
	}
	json_close(']');
	json_close('}');
}

void show_html_add(struct show_html *h, const struct summary *s, const struct page_map *m)
{
	(void)h;
	json_open(NULL, '{');
	summary_put_head(s);
	json_open("objects", '[');
	for (size_t i = 0; i < m->n; i++)
		put_object(&m->items[i]);
	json_close(']');
	json_close('}');
}

/* Inside of a script element: no text of others may end it. */
static void put_data(FILE *f, const char *s)
{
	for (; *s; s++)
		if (*s == '<')
			fputs("\\u003c", f);
		else
			putc(*s, f);
}

static void put_page(const void *of, FILE *f)
{
	const struct show_html *h = of;
	const char *title = strstr(show_page, TITLE), *data = strstr(show_page, DATA);

	fwrite(show_page, 1, (size_t)(title - show_page), f);
	svg_put_escaped(f, h->title);
	title += strlen(TITLE);
	fwrite(title, 1, (size_t)(data - title), f);
	put_data(f, h->data);
	fputs(data + strlen(DATA), f);
}

static int finish_data(struct show_html *h)
{
	bool bad;

	json_close(']');
	json_to(NULL);
	bad = ferror(h->f);
	return fclose(h->f) != 0 || bad ? -ENOMEM : 0;
}

int show_html_finish(struct show_html *h, const char *path)
{
	int r = finish_data(h);

	r = r < 0 ? log_errno(r, "cannot make the page") : output_built(path, put_page, h);
	free(h->data);
	free(h->title);
	free(h);
	return r;
}
