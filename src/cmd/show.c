/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast show: what a profile, shadow or pack holds, as a table or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "bounds.h"
#include "cmd.h"
#include "input.h"
#include "json-out.h"
#include "log.h"
#include "show-html.h"
#include "show-map.h"
#include "show-pack.h"
#include "summary.h"
#include "terminal.h"
#include "text-out.h"

static const char *arg_scenario, *arg_profile, *arg_html;
static bool arg_map;
static bool use_colour;

static void print_json_row(const struct row *row, bool has_runs)
{
	char hex[BUILDID_HEX_BYTES];

	buildid_to_hex(&row->buildid, hex);
	json_open(NULL, '{');
	json_string("path", row->path);
	json_string("build_id", *hex ? hex : NULL);
	json_uint("pages", row->n_pages);
	json_uint("file_pages", row->file_pages);
	if (has_runs) {
		json_uint("min_runs", row->min_runs);
		json_uint("max_runs", row->max_runs);
	}
	if (row->n_pages > 0)
		json_double("first_ms", (double)when_end_us(row->when) / 1000);
	if (row->confidence)
		json_uint("retargeted", row->confidence);
	json_string("now", now_text(row->now));
	json_close('}');
}

static void print_json(const struct summary *s)
{
	json_open(NULL, '{');
	summary_put_head(s);
	json_open("objects", '[');
	for (size_t i = 0; i < s->n_rows; i++)
		print_json_row(&s->rows[i], s->trained);
	json_close(']');
	json_open("lookups", '{');
	json_uint("directories", s->n_lookup_dirs);
	json_uint("listed", s->n_lookup_listed);
	json_uint("names", s->n_lookup_names);
	json_close('}');
	json_close('}');
}

static void format_share(const struct row *row, char *ret, size_t bytes)
{
	double share = row->file_pages
			       ? 100.0 * (double)row->n_pages / (double)row->file_pages
			       : 0;

	if (row->n_pages == 0)
		snprintf(ret, bytes, "-");
	else
		snprintf(ret, bytes, share < 9.95 ? "%.1f%%" : "%.0f%%", share);
}

static void format_runs(const struct row *row, uint32_t n_runs, char *ret, size_t bytes)
{
	if (row->max_runs == 0)
		snprintf(ret, bytes, "-");
	else if (row->min_runs == n_runs)
		snprintf(ret, bytes, "always");
	else if (row->min_runs == row->max_runs)
		snprintf(ret, bytes, "%u", row->min_runs);
	else
		snprintf(ret, bytes, "%u-%u", row->min_runs, row->max_runs);
}

/* The end of the bucket: the page was touched before. */
static void format_when(const struct row *row, char *ret, size_t bytes)
{
	double ms = (double)when_end_us(row->when) / 1000;

	if (row->n_pages == 0)
		snprintf(ret, bytes, "-");
	else if (ms < 10)
		snprintf(ret, bytes, "%.1f ms", ms);
	else if (ms < 1000)
		snprintf(ret, bytes, "%.0f ms", ms);
	else
		snprintf(ret, bytes, "%.1f s", ms / 1000);
}

static const char *colour_of(enum now now)
{
	if (!use_colour)
		return "";
	return now_is_usable(now)			? "\033[32m"
	       : now == NOW_MISSING || now == NOW_OTHER ? "\033[33m"
							: "\033[31m";
}

static void format_now(const struct row *row, char *ret, size_t bytes)
{
	if (row->confidence && row->now == NOW_VALID)
		snprintf(ret, bytes, "retargeted %u%%", row->confidence);
	else
		snprintf(ret, bytes, "%s", now_text(row->now));
}

/* The path comes last: narrow terminals then wrap only what is long. */
static void print_row(FILE *f, const struct summary *s, const struct row *row)
{
	char share[16], runs[32], when[32], now[32];

	format_share(row, share, sizeof(share));
	format_when(row, when, sizeof(when));
	format_now(row, now, sizeof(now));
	fprintf(f, "%7llu %6s ", (unsigned long long)row->n_pages, share);
	if (s->trained) {
		format_runs(row, s->trained->n_runs, runs, sizeof(runs));
		fprintf(f, "%9s ", runs);
	}
	fprintf(f, "%8s  %s%-10s%s  ", when, colour_of(row->now), now,
		use_colour ? "\033[0m" : "");
	text_put(f, row->path);
	fputc('\n', f);
}

static void print_title(FILE *f, const struct summary *s)
{
	const struct profile *p = s->trained;

	fputs(use_colour ? "\033[1m" : "", f);
	text_put(f, s->program);
	fputs(use_colour ? "\033[0m" : "", f);
	fputs(", scenario ", f);
	text_put(f, s->scenario);
	fprintf(f, " (%s", p ? "profile" : "shadow");
	if (s->profile) {
		fputs(" of ", f);
		text_put(f, s->profile);
	}
	fputs(", ", f);
	text_put(f, s->arch);
	fputs(")\n", f);
	if (p) {
		fprintf(f, "trained: %u run%s, window %u ms, method ", p->n_runs,
			p->n_runs == 1 ? "" : "s", p->window_ms);
		text_put(f, p->method);
		fputs(", kernel ", f);
		text_put(f, p->kernel);
		fputc('\n', f);
	}
}

static void print_head(FILE *f, const struct summary *s)
{
	print_title(f, s);
	fprintf(f, "\n%7s %6s %s%8s  %-10s  %s\n", "pages", "share",
		s->trained ? "     runs " : "", "before", "now", "path");
}

static void print_amount(FILE *f, uint64_t n_pages, size_t n_objects)
{
	double kib = (double)n_pages * PAGE_BYTES / 1024;

	fprintf(f,
		kib < 1024 ? "%llu page%s (%.0f KiB) of %zu object%s"
			   : "%llu page%s (%.1f MiB) of %zu object%s",
		(unsigned long long)n_pages, n_pages == 1 ? "" : "s",
		kib < 1024 ? kib : kib / 1024, n_objects, n_objects == 1 ? "" : "s");
}

static void print_lookups(FILE *f, const struct summary *s)
{
	fprintf(f, "looked at: %zu name%s in %zu director%s, %zu listed", s->n_lookup_names,
		s->n_lookup_names == 1 ? "" : "s", s->n_lookup_dirs,
		s->n_lookup_dirs == 1 ? "y" : "ies", s->n_lookup_listed);
	if (s->trained && s->trained->n_without_lookups > 0)
		fprintf(f, " (recorded in %u of %u runs)",
			profile_runs_with_lookups(s->trained), s->trained->n_runs);
	fputc('\n', f);
}

static void print_all(FILE *f, const struct summary *s)
{
	struct totals t = summary_count(s);

	print_head(f, s);
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].now != NOW_OTHER || log_get_level() >= LOG_LEVEL_DEBUG)
			print_row(f, s, &s->rows[i]);
	fputc('\n', f);
	if (t.n_objects < s->n_rows)
		fprintf(f, "of other builds: %zu object%s, which --verbose lists\n",
			s->n_rows - t.n_objects, s->n_rows - t.n_objects == 1 ? "" : "s");
	print_amount(f, t.n_pages, t.n_objects);
	fputs("; usable now: ", f);
	print_amount(f, t.n_pages_usable, t.n_usable);
	fputc('\n', f);
	if (s->n_lookup_dirs > 0)
		print_lookups(f, s);
}

static int print_table(const struct summary *s)
{
	struct text_lines t;
	int r = text_open(&t);

	if (r < 0)
		return r;
	print_all(t.f, s);
	return text_close(&t);
}

/* What one command works with. */
struct context {
	struct facts_context facts;
	struct object_place place;
	struct show_html *html; /* NULL: none was asked for */
};

static int print_map(const struct context *c, const struct summary *s,
		     const struct profile *profile, const struct shadow *shadow)
{
	_cleanup_(page_map_done) struct page_map map = { 0 };
	struct text_lines t;
	int r = page_map_load(s, profile, shadow, &c->place, &map);

	if (r < 0)
		return r;
	if (c->html) {
		show_html_add(c->html, s, &map);
		return 0;
	}
	r = text_open(&t);
	if (r < 0)
		return r;
	print_title(t.f, s);
	r = text_close(&t);
	putchar('\n');
	show_map(&map);
	return r;
}

/* R: how summarising went; S is freed. It is of PROFILE, or else of SHADOW. */
static int print_summary(const struct context *c, struct summary *s, int r,
			 const struct profile *profile, const struct shadow *shadow)
{
	if (r == 0 && (arg_map || c->html))
		r = print_map(c, s, profile, shadow);
	else if (r == 0 && arg_json)
		print_json(s);
	else if (r == 0)
		r = print_table(s);
	if (r < 0)
		log_errno(r, "cannot summarise '%s'", s->program);
	summary_done(s);
	return r;
}

/* JSON is an array: a program may have several shadows. */
static int show_input(const struct input *in, struct context *c)
{
	struct summary s;
	int r = 0;

	if (arg_json)
		json_open(NULL, '[');
	if (in->profile)
		r = print_summary(c, &s, summary_from_profile(in->profile, &c->facts, &s),
				  in->profile, NULL);
	for (size_t i = 0; r == 0 && i < in->shadows.n; i++) {
		const struct shadow_buffer *l = &in->shadows.items[i];

		if (i > 0 && !arg_json && !c->html)
			putchar('\n');
		r = print_summary(c, &s, summary_from_shadow(l, &c->facts, &s), NULL,
				  &l->shadow);
	}
	if (arg_json)
		json_close(']');
	return r;
}

static int show_html(const struct input *in, struct context *c, const char *name)
{
	int r, finished;

	if (in->pack.data) {
		log_error("'%s' is a pack: --html shows a launch", name);
		return -EINVAL;
	}
	c->html = show_html_new(name);
	if (!c->html)
		return log_errno(-ENOMEM, "cannot make the page");
	r = show_input(in, c);
	finished = show_html_finish(c->html, arg_html);
	return r < 0 ? r : finished;
}

static int show(const char *name)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	_cleanup_(input_done) struct input in = { 0 };
	struct context c = { .facts = { .storage_override = -1 } };
	int r = cmd_open_store(&s);

	if (r < 0)
		return CMD_FAILED;
	r = cmd_load_mounts(&mounts);
	if (r < 0)
		return CMD_FAILED;
	c.facts.rootfd = s.rootfd;
	c.facts.root_path = s.root_path;
	c.facts.mounts = mounts;
	c.place = (struct object_place){ s.rootfd, s.root_path, mounts };
	r = input_load(&s, name, arg_scenario, arg_profile, &in);
	if (r == 0 && arg_html)
		r = show_html(&in, &c, name);
	else if (r == 0 && in.pack.data)
		r = show_pack(&in.pack.shadow);
	else if (r == 0)
		r = show_input(&in, &c);
	facts_done(&c.facts);
	return r < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	enum { OPT_SCENARIO = OPT_VERB, OPT_PROFILE, OPT_MAP, OPT_HTML };
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "profile", required_argument, NULL, OPT_PROFILE },
		{ "map", no_argument, NULL, OPT_MAP },
		{ "html", required_argument, NULL, OPT_HTML },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (c) {
		case OPT_SCENARIO:
			arg_scenario = optarg;
			break;
		case OPT_PROFILE:
			arg_profile = optarg;
			break;
		case OPT_MAP:
			arg_map = true;
			break;
		case OPT_HTML:
			arg_html = optarg;
			break;
		default:
			r = cmd_common_option(&cmd_show, c);
			if (r >= 0)
				return r;
		}
	}
	if (arg_map + arg_json + !!arg_html > 1)
		return cmd_usage_error(&cmd_show, "one of --map, --html and --json");
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_show,
				       "needs one profile, program, shadow or pack");
	use_colour = terminal_has_colour(STDOUT_FILENO);
	return show(argv[optind]);
}

const struct cmd cmd_show = {
	.name = "show",
	.args = "[--map|--html=FILE] [OPTION...] PROFILE|PROGRAM|SHADOW|PACK",
	.summary = "what a profile or shadow holds, and whether its files are still those",
	.options = "      --map           where in each file the pages lie, and when they "
		   "are needed\n"
		   "      --html=FILE     the same as a page for a browser\n"
		   "      --scenario=S    of a program, the shadow of this scenario\n"
		   "      --profile=NAME  of a program, the shadow of this profile\n",
	.run = run,
};
