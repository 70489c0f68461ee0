/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast diff: what one profile has that another has not, file by file, for people. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "input.h"
#include "json-out.h"
#include "log.h"
#include "profile.h"
#include "text-out.h"

#define FEW_ROWS 20

static int arg_all;

/* One file; of another build, or without one of the two, no page is in both. */
struct row {
	const struct profile_object *a, *b; /* NULL: it is not there */
	bool is_rebuilt; /* the other profile has another build of its path */
	uint64_t only_a, only_b, both;
};

struct diff {
	struct row *rows; /* those with most difference first, then by path */
	size_t n;
	uint64_t only_a, only_b, both; /* pages */
	size_t files_a, files_b, files_both;
};

static uint64_t difference(const struct row *r)
{
	return r->only_a + r->only_b;
}

static const struct profile_object *any(const struct row *r)
{
	return r->a ? r->a : r->b;
}

/* Pages that both have: both sets are sorted. */
static uint64_t count_both(const struct pageset *a, const struct pageset *b)
{
	uint64_t n = 0;

	for (size_t i = 0, j = 0; i < a->n_runs && j < b->n_runs;) {
		const struct page_run *x = &a->runs[i], *y = &b->runs[j];
		uint64_t end_x = (uint64_t)x->first_pgno + x->n_pages;
		uint64_t end_y = (uint64_t)y->first_pgno + y->n_pages;
		uint64_t start = MAX(x->first_pgno, y->first_pgno), end = MIN(end_x, end_y);

		n += end > start ? end - start : 0;
		i += end_x <= end_y;
		j += end_y <= end_x;
	}
	return n;
}

static void fill_row(struct row *r)
{
	if (r->a)
		r->only_a = pageset_count(&r->a->pages);
	if (r->b)
		r->only_b = pageset_count(&r->b->pages);
	if (!r->a || !r->b)
		return;
	r->both = count_both(&r->a->pages, &r->b->pages);
	r->only_a -= r->both;
	r->only_b -= r->both;
}

static void add_row(struct diff *d, const struct profile_object *a,
		    const struct profile_object *b)
{
	struct row *r = &d->rows[d->n++];

	*r = (struct row){ .a = a, .b = b };
	fill_row(r);
	d->only_a += r->only_a;
	d->only_b += r->only_b;
	d->both += r->both;
	d->files_a += a && !b;
	d->files_b += b && !a;
	d->files_both += a && b;
}

/* Rows are still sorted by path. */
static void note_rebuilt(struct diff *d)
{
	for (size_t start = 0, i = 1; i <= d->n; i++) {
		bool has_a = false, has_b = false;

		if (i < d->n &&
		    strcmp(any(&d->rows[start])->path, any(&d->rows[i])->path) == 0)
			continue;
		for (size_t k = start; k < i; k++) {
			has_a |= d->rows[k].a != NULL;
			has_b |= d->rows[k].b != NULL;
		}
		for (size_t k = start; k < i; k++)
			d->rows[k].is_rebuilt =
				has_a && has_b && !(d->rows[k].a && d->rows[k].b);
		start = i;
	}
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct row *x = pa, *y = pb;
	uint64_t dx = difference(x), dy = difference(y);

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return profile_object_compare(any(x), any(y));
}

static int compare(const struct profile *a, const struct profile *b, struct diff *ret)
{
	size_t i = 0, j = 0;

	*ret = (struct diff){ 0 };
	ret->rows = calloc(a->n_objects + b->n_objects + 1, sizeof(*ret->rows));
	if (!ret->rows)
		return -ENOMEM;
	while (i < a->n_objects || j < b->n_objects) {
		const struct profile_object *x = i < a->n_objects ? &a->objects[i] : NULL;
		const struct profile_object *y = j < b->n_objects ? &b->objects[j] : NULL;
		int c = !x ? 1 : !y ? -1 : profile_object_compare(x, y);

		add_row(ret, c <= 0 ? x : NULL, c >= 0 ? y : NULL);
		i += c <= 0;
		j += c >= 0;
	}
	note_rebuilt(ret);
	if (ret->n > 0)
		qsort(ret->rows, ret->n, sizeof(ret->rows[0]), compare_rows);
	return 0;
}

/* ---- output ---- */

static void print_text(FILE *f, const char *what, const char *a, const char *b)
{
	fprintf(f, "%-9s ", what);
	text_put(f, a);
	if (strcmp(a, b) != 0) {
		fputs(" | ", f);
		text_put(f, b);
	}
	fputc('\n', f);
}

static void print_number(FILE *f, const char *what, uint64_t a, uint64_t b)
{
	char text_a[24], text_b[24];

	snprintf(text_a, sizeof(text_a), "%" PRIu64, a);
	snprintf(text_b, sizeof(text_b), "%" PRIu64, b);
	print_text(f, what, text_a, text_b);
}

static void print_rows(FILE *f, const struct diff *d)
{
	size_t n = 0, left = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct row *r = &d->rows[i];

		if (!arg_all && (difference(r) == 0 || n >= FEW_ROWS)) {
			left += difference(r) > 0;
			continue;
		}
		if (n++ == 0)
			fprintf(f, "\n%8s %8s %8s  %s\n", "only A", "only B", "both",
				"file");
		fprintf(f, "%8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  ", r->only_a, r->only_b,
			r->both);
		text_put(f, any(r)->path);
		fprintf(f, "%s\n",
			r->is_rebuilt ? "  (another build)"
			: !r->a	      ? "  (not in A)"
			: !r->b	      ? "  (not in B)"
				      : "");
	}
	if (left)
		fprintf(f,
			left == 1 ? "%zu more file that differs; --all shows it\n"
				  : "%zu more files that differ; --all shows them\n",
			left);
}

static void print(FILE *f, const struct profile *a, const struct profile *b,
		  const struct diff *d)
{
	print_text(f, "program", a->program, b->program);
	print_text(f, "scenario", a->scenario, b->scenario);
	print_text(f, "arch", a->arch, b->arch);
	print_number(f, "runs", a->n_runs, b->n_runs);
	print_number(f, "window", a->window_ms, b->window_ms);
	print_text(f, "method", a->method, b->method);
	print_text(f, "kernel", a->kernel, b->kernel);
	fprintf(f, "%-9s %zu only in A, %zu only in B, %zu in both\n", "files", d->files_a,
		d->files_b, d->files_both);
	fprintf(f,
		"%-9s %" PRIu64 " only in A, %" PRIu64 " only in B, %" PRIu64 " in both\n",
		"pages", d->only_a, d->only_b, d->both);
	print_number(f, "lookups", lookups_count(&a->lookups), lookups_count(&b->lookups));
	print_rows(f, d);
}

static void put_head(const char *key, const struct profile *p)
{
	json_open(key, '{');
	json_string("program", p->program);
	json_string("scenario", p->scenario);
	json_string("arch", p->arch);
	json_uint("runs", p->n_runs);
	json_uint("window_ms", p->window_ms);
	json_string("method", p->method);
	json_string("kernel", p->kernel);
	json_uint("objects", p->n_objects);
	json_uint("lookups", lookups_count(&p->lookups));
	json_close('}');
}

static void put_pages(const char *key, uint64_t only_a, uint64_t only_b, uint64_t both)
{
	json_open(key, '{');
	json_uint("only_a", only_a);
	json_uint("only_b", only_b);
	json_uint("both", both);
	json_close('}');
}

static void put_json(const struct profile *a, const struct profile *b, const struct diff *d)
{
	json_open(NULL, '{');
	put_head("a", a);
	put_head("b", b);
	put_pages("pages", d->only_a, d->only_b, d->both);
	json_open("objects", '[');
	for (size_t i = 0; i < d->n; i++) {
		const struct row *r = &d->rows[i];

		if (!arg_all && difference(r) == 0)
			break;
		json_open(NULL, '{');
		json_string("path", any(r)->path);
		json_bool("in_a", r->a);
		json_bool("in_b", r->b);
		json_bool("another_build", r->is_rebuilt);
		put_pages("pages", r->only_a, r->only_b, r->both);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

static int diff(const char *name_a, const char *name_b)
{
	_cleanup_(profile_freep) struct profile *a = NULL, *b = NULL;
	struct text_lines t;
	struct diff d;
	int r;

	if (input_load_profile(name_a, &a) < 0 || input_load_profile(name_b, &b) < 0)
		return CMD_FAILED;
	if (compare(a, b, &d) < 0)
		return log_errno(-ENOMEM, "cannot compare"), CMD_FAILED;
	r = arg_json ? 0 : text_open(&t);
	if (r == 0 && arg_json)
		put_json(a, b, &d);
	else if (r == 0) {
		print(t.f, a, b, &d);
		r = text_close(&t);
	}
	free(d.rows);
	return r < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "all", no_argument, &arg_all, true },
		COMMON_LONGOPTS,
	};
	int r = cmd_take_flags(&cmd_diff, argc, argv, options);

	if (r >= 0)
		return r;
	if (argc - optind != 2)
		return cmd_usage_error(&cmd_diff, "needs two profiles");
	return diff(argv[optind], argv[optind + 1]);
}

const struct cmd cmd_diff = {
	.name = "diff",
	.args = "[--all] A B",
	.summary = "what one profile has that another has not",
	.options = "      --all           all files, also those that do not differ\n",
	.run = run,
};
