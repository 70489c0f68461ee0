/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "bounds.h"
#include "launch-plot.h"
#include "macro.h"
#include "plot-frame.h"
#include "svg.h"

/* Columns end there. */
#define END	     760.0
#define AT_BOOT	     835.0
#define BECAME	     905.0
#define AT_LAUNCHES  990.0
#define SAVES	     1060.0

#define HEAD	     96.0
#define FOOT	     34.0
#define PROGRAM_ROWS 40u
#define MARK	     3.5

struct frame {
	const struct launch_plot *plot;
	FILE *f;
	double top, bottom;
	size_t rows[PROGRAM_ROWS]; /* numbers of programs */
	size_t n_rows;
};

static double mib(uint64_t n_pages)
{
	return (double)n_pages * PAGE_BYTES / (1 << 20);
}

/* ---- what is shown ---- */

static bool is_known(double x)
{
	return x >= 0;
}

/* Of what the log still has. */
static uint64_t pages_at_launches(const struct launch_plot *p, const char *program)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->log->n; i++)
		if (strcmp(p->log->items[i].program, program) == 0)
			n += p->log->items[i].n_pages;
	return n;
}

/* Those that were launched first, and of these, and of the others, those that cost most. */
static bool comes_before(const struct launch_plot *p, size_t a, size_t b)
{
	const struct plot_program *x = &p->programs[a], *y = &p->programs[b];
	uint64_t pages_x = x->pack_pages + pages_at_launches(p, x->name);
	uint64_t pages_y = y->pack_pages + pages_at_launches(p, y->name);

	if (x->is_launched != y->is_launched)
		return x->is_launched;
	return pages_x != pages_y ? pages_x > pages_y : strcmp(x->name, y->name) < 0;
}

static void choose_rows(struct frame *fr)
{
	const struct launch_plot *p = fr->plot;

	for (size_t i = 0; i < p->n_programs; i++) {
		size_t at = fr->n_rows;

		while (at > 0 && comes_before(p, i, fr->rows[at - 1]))
			at--;
		if (at == PROGRAM_ROWS)
			continue;
		fr->n_rows = MIN(fr->n_rows + 1, (size_t)PROGRAM_ROWS);
		memmove(&fr->rows[at + 1], &fr->rows[at],
			(fr->n_rows - at - 1) * sizeof(fr->rows[0]));
		fr->rows[at] = i;
	}
}

static size_t count_rows(const struct launch_plot *p)
{
	return MIN(p->n_programs, (size_t)PROGRAM_ROWS);
}

static double span(const struct launch_plot *p)
{
	return MAX(p->now_ms - p->from_ms, 1.0);
}

static double x_of(const struct frame *fr, double ms)
{
	double most = span(fr->plot);

	return PLOT_LEFT +
	       MIN(MAX(ms - fr->plot->from_ms, 0.0), most) / most * (END - PLOT_LEFT);
}

/* All that was read for it at boot had been asked for before it was first launched. */
static bool was_in_time(const struct plot_program *g)
{
	return is_known(g->read_ms) && is_known(g->first_ms) && g->read_ms <= g->first_ms;
}

static bool was_late(const struct plot_program *g)
{
	return is_known(g->read_ms) && is_known(g->first_ms) && g->read_ms > g->first_ms;
}

/* ---- its parts ---- */

/* "12 s", "3 min", "7 h", "2 d": MS, a multiple of STEP_MS. */
static void format_time(double ms, double step_ms, char *ret, size_t bytes)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "d", 86400e3 }, { "h", 3600e3 }, { "min", 60e3 }, { "s", 1e3 } };
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && step_ms < units[i].ms)
		i++;
	snprintf(ret, bytes, "%.0f %s", ms / units[i].ms, units[i].unit);
}

/* At most eight steps, of what people count in. */
static double find_step_ms(double most_ms)
{
	static const double steps_s[] = { 1,	 2,	5,     10,     30,     60,
					  120,	 300,	600,   1800,   3600,   7200,
					  14400, 43200, 86400, 172800, 432000, 864000 };
	double step = steps_s[0];

	for (size_t i = 0; i < ARRAY_SIZE(steps_s) && most_ms / 1000 / step > 8; i++)
		step = steps_s[i];
	while (most_ms / 1000 / step > 8)
		step *= 2;
	return step * 1000;
}

static void put_axis(const struct frame *fr)
{
	double most = span(fr->plot), step = find_step_ms(most);
	char text[32];

	for (double ms = 0; ms <= most; ms += step) {
		double x = x_of(fr, fr->plot->from_ms + ms);

		format_time(ms, step, text, sizeof(text));
		svg_line(fr->f, x, fr->top + HEAD, x, fr->bottom, "grid");
		svg_text(fr->f, x, fr->bottom + 15, "s", "middle", text);
	}
	svg_line(fr->f, PLOT_LEFT, fr->bottom, END, fr->bottom, "axis");
}

static void put_mark(FILE *f, double x, double y, enum launched_how how)
{
	switch (how) {
	case LAUNCHED_ALONE:
		fprintf(f,
			"<path d=\"M%.1f %.1fl4.5 4.5l-4.5 4.5l-4.5 -4.5z\" "
			"class=\"alone\">",
			x, y - 4.5);
		break;
	case LAUNCHED_DROPPED:
		fprintf(f, "<path d=\"M%.1f %.1fl6 6m-6 0l6 -6\" class=\"dropped\">", x - 3,
			y - 3);
		break;
	default:
		fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\">", x, y,
			MARK, how == LAUNCHED_READ ? "dot" : "there");
	}
}

static void end_mark(FILE *f, enum launched_how how)
{
	fputs(how == LAUNCHED_ALONE || how == LAUNCHED_DROPPED ? "</path>\n"
							       : "</circle>\n",
	      f);
}

static const char *how_text(enum launched_how how)
{
	static const char *const texts[LAUNCHED_HOWS] = {
		[LAUNCHED_READ] = "read ahead",
		[LAUNCHED_ALONE] = "left alone",
		[LAUNCHED_THERE] = "in memory",
		[LAUNCHED_DROPPED] = "dropped",
	};

	return texts[how];
}

/* What it was shows where the pointer rests. */
static void put_launch(const struct frame *fr, const struct launched *l, double y)
{
	put_mark(fr->f, x_of(fr, (double)l->after_ms), y, l->how);
	fprintf(fr->f, "<title>%.1f s: %s",
		MAX((double)l->after_ms - fr->plot->from_ms, 0.0) / 1000, how_text(l->how));
	if (l->how == LAUNCHED_READ)
		fprintf(fr->f, ", %.1f MiB asked for in %" PRIu32 " ms", mib(l->n_pages),
			l->read_ms);
	if (l->took_ms > 0)
		fprintf(fr->f, "; it took %" PRIu32 " ms", l->took_ms);
	fputs("</title>", fr->f);
	end_mark(fr->f, l->how);
}

static void put_launches(const struct frame *fr, const char *program, double y)
{
	const struct launched_log *log = fr->plot->log;

	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].how < LAUNCHED_HOWS &&
		    strcmp(log->items[i].program, program) == 0)
			put_launch(fr, &log->items[i], y);
}

static void put_boot_columns(const struct frame *fr, const struct plot_program *g, double y)
{
	svg_textf(fr->f, AT_BOOT, y, "t", "end", "%.1f", mib(g->pack_pages));
	if (!fr->plot->is_counting && !g->is_launched)
		return;
	if (!fr->plot->is_counting)
		svg_text(fr->f, BECAME, y, "intime", "end", "used");
	else if (was_late(g))
		svg_text(fr->f, BECAME, y, "late", "end", "too late");
	else if (was_in_time(g))
		svg_text(fr->f, BECAME, y, "intime", "end", "in time");
	else
		svg_text(fr->f, BECAME, y, g->is_launched ? "intime" : "s", "end",
			 g->is_launched ? "used" : "wasted");
}

static void put_program(const struct frame *fr, const struct plot_program *g, double y)
{
	double base = y + PLOT_ROW - 4;
	uint64_t n_pages = pages_at_launches(fr->plot, g->name);

	svg_name(fr->f, PLOT_LEFT - 8, base, g->name, PLOT_NAME_CHARS);
	if (g->pack_pages > 0)
		put_boot_columns(fr, g, base);
	if (is_known(g->read_ms))
		svg_line(fr->f, x_of(fr, g->read_ms), y + 1, x_of(fr, g->read_ms),
			 y + PLOT_ROW - 1, "ready");
	put_launches(fr, g->name, y + PLOT_ROW / 2);
	if (n_pages > 0)
		svg_textf(fr->f, AT_LAUNCHES, base, "t", "end", "%.1f", mib(n_pages));
	if (g->has_saving)
		svg_textf(fr->f, SAVES, base, "t", "end", "%.0f %%", g->saves_percent);
}

static void put_programs(const struct frame *fr)
{
	const struct launch_plot *p = fr->plot;

	for (size_t i = 0; i < fr->n_rows; i++) {
		double y = fr->top + HEAD + PLOT_ROW * (double)i;

		if (i % 2 == 0)
			svg_rect(fr->f, 0, y, PLOT_WIDTH, PLOT_ROW, "row");
		put_program(fr, &p->programs[fr->rows[i]], y);
	}
	if (p->n_programs > fr->n_rows)
		svg_textf(fr->f, 20, fr->bottom + 15, "s", "start", "and %zu more programs",
			  p->n_programs - fr->n_rows);
}

struct sums {
	uint64_t n_pages, n_used; /* at boot */
	size_t n_in_time, n_late;
};

static struct sums sum(const struct launch_plot *p)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < p->n_programs; i++) {
		const struct plot_program *g = &p->programs[i];

		s.n_pages += g->pack_pages;
		s.n_used += g->is_launched ? g->pack_pages : 0;
		s.n_in_time += was_in_time(g);
		s.n_late += was_late(g);
	}
	return s;
}

static void put_boot_sums(const struct frame *fr, double y)
{
	struct sums s = sum(fr->plot);
	char in_time[64] = "";

	if (s.n_pages == 0)
		return;
	if (s.n_in_time + s.n_late > 0)
		snprintf(in_time, sizeof(in_time),
			 "; in time for %zu of %zu that were launched", s.n_in_time,
			 s.n_in_time + s.n_late);
	if (fr->plot->is_counting)
		svg_textf(fr->f, 20, y, "s", "start",
			  "read at boot for programs: %.1f MiB, of these used %.1f, wasted "
			  "so far %.1f%s",
			  mib(s.n_pages), mib(s.n_used), mib(s.n_pages - s.n_used),
			  in_time);
	else
		svg_textf(fr->f, 20, y, "s", "start",
			  "read at boot for programs: %.1f MiB, of these used %.1f or "
			  "more: not all "
			  "launches are known",
			  mib(s.n_pages), mib(s.n_used));
}

static void put_head(const struct frame *fr)
{
	const struct launch_plot *p = fr->plot;
	double y = fr->top + 20;

	svg_text(fr->f, 20, y, "h", "start", "Launches since then");
	svg_textf(fr->f, 20, y + 18, "s", "start",
		  "%" PRIu64 " read ahead (%.1f MiB asked for), %" PRIu64
		  " in memory already, %" PRIu64 " left alone, %" PRIu64 " dropped",
		  p->n_with[LAUNCHED_READ], mib(p->n_pages), p->n_with[LAUNCHED_THERE],
		  p->n_with[LAUNCHED_ALONE], p->n_with[LAUNCHED_DROPPED]);
	put_boot_sums(fr, y + 33);
}

static void put_legend(const struct frame *fr)
{
	double x = PLOT_LEFT, y = fr->top + HEAD - 8;

	for (enum launched_how how = 0; how < LAUNCHED_HOWS; how++) {
		put_mark(fr->f, x + 4, y - 4, how);
		end_mark(fr->f, how);
		svg_text(fr->f, x + 12, y, "s", "start", how_text(how));
		x += 26 + PLOT_CHAR_WIDTH * (double)strlen(how_text(how));
	}
	svg_line(fr->f, x + 4, y - 10, x + 4, y + 2, "ready");
	svg_text(fr->f, x + 12, y, "s", "start", "read at boot");
	svg_text(fr->f, AT_BOOT, y - 13, "s", "end", "at boot,");
	svg_text(fr->f, AT_BOOT, y, "s", "end", "MiB");
	svg_text(fr->f, AT_LAUNCHES, y - 13, "s", "end", "at launches,");
	svg_text(fr->f, AT_LAUNCHES, y, "s", "end", "MiB");
	svg_text(fr->f, SAVES, y - 13, "s", "end", "saves of a");
	svg_text(fr->f, SAVES, y, "s", "end", "cold one");
}

double launch_plot_height(const struct launch_plot *p)
{
	return HEAD + PLOT_ROW * (double)count_rows(p) + FOOT;
}

void launch_plot_put(const struct launch_plot *p, double top, FILE *f)
{
	struct frame fr = { .plot = p, .f = f, .top = top };

	choose_rows(&fr);
	fr.bottom = top + HEAD + PLOT_ROW * (double)fr.n_rows;
	put_head(&fr);
	if (fr.n_rows == 0) {
		svg_text(f, 20, top + 71, "s", "start",
			 "nothing is known of them: see elfcastd(8)");
		return;
	}
	put_legend(&fr);
	put_axis(&fr);
	put_programs(&fr);
}
