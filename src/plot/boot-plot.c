/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "boot-plot.h"
#include "bounds.h"
#include "macro.h"
#include "plot-frame.h"
#include "svg.h"
#include "unit-paths.h"

#define RIGHT	      40.0
#define TOP	      104.0
#define READ_HEIGHT   150.0
#define GAP	      52.0
#define BOTTOM	      34.0
#define UNIT_ROWS     60u
/* Others than services have to take that long to have a row. */
#define SHORTEST_MS   5.0
/* How much longer than the boot the time axis may be, for what is read after it. */
#define LONGEST_TIMES 2.5

struct frame {
	const struct boot_plot *plot;
	FILE *f;
	double end_ms;	 /* of the time axis */
	double most_mib; /* of the other */
	double read_top, units_top, bottom;
	size_t rows[UNIT_ROWS]; /* numbers of units */
	size_t n_rows, n_left_out;
};

double boot_plot_asked_ms(const struct boot_report *r, uint64_t n_pages)
{
	for (size_t i = 0; i < r->data.n; i++)
		if (r->data.items[i].asked_bytes / PAGE_BYTES >= n_pages)
			return (double)r->data.items[i].us / 1000;
	return PLOT_UNKNOWN;
}

/* ---- what is shown ---- */

static bool is_known(double ms)
{
	return ms >= 0;
}

static double duration(const struct plot_unit *u)
{
	return is_known(u->active_ms) && u->active_ms > u->begin_ms
		       ? u->active_ms - u->begin_ms
		       : 0;
}

/* Targets are lines, of the others those that do something. */
static bool has_row(const struct plot_unit *u)
{
	const char *type = unit_type(u->name);

	if (strcmp(type, "service") == 0)
		return true;
	return (strcmp(type, "mount") == 0 || strcmp(type, "socket") == 0 ||
		strcmp(type, "swap") == 0) &&
	       duration(u) >= SHORTEST_MS;
}

/* What takes no longer than SHORTEST gets no row, where there are too many. */
static size_t take_rows(const struct frame *fr, double shortest, size_t *rows)
{
	const struct boot_plot *p = fr->plot;
	size_t n = 0;

	for (size_t i = 0; i < p->n_units; i++)
		if (has_row(&p->units[i]) && p->units[i].begin_ms <= fr->end_ms &&
		    duration(&p->units[i]) >= shortest) {
			if (rows && n < UNIT_ROWS)
				rows[n] = i;
			n++;
		}
	return n;
}

static void choose_rows(struct frame *fr)
{
	size_t all = take_rows(fr, 0, NULL);
	double shortest = 0;

	while (take_rows(fr, shortest, NULL) > UNIT_ROWS && shortest < fr->end_ms)
		shortest = shortest > 0 ? shortest * 1.1 : 0.1;
	fr->n_rows = MIN(take_rows(fr, shortest, fr->rows), (size_t)UNIT_ROWS);
	fr->n_left_out = all - fr->n_rows;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* To the end of the boot and of what is read for it; of the rest what there is room for. */
static double find_end(const struct boot_plot *p)
{
	double end = p->target_ms, all = p->report ? p->prefetch_ms + p->report->all_ms : 0;

	for (size_t i = 0; !is_known(p->target_ms) && i < p->n_units; i++)
		end = MAX(end, p->units[i].active_ms);
	if (p->report && p->report->plan == BOOT_PLAN_EAGER)
		end = MAX(end, p->prefetch_ms + p->report->eager_ms);
	if (end <= 0)
		end = all;
	end = MAX(end * 1.12, MIN(all * 1.03, end * LONGEST_TIMES));
	return MAX(end, 10.0);
}

static double most_of(const struct boot_moments *m)
{
	return m->n > 0 ? mib(MAX(m->items[m->n - 1].asked_bytes,
				  m->items[m->n - 1].read_bytes))
			: 0;
}

/* At most UP_TO steps of 1, 2 or 5 times a power of ten in MOST. */
static double find_step(double most, double up_to)
{
	static const double factors[] = { 2, 2.5, 2 };
	double step = 0.001;

	for (size_t i = 0; most / step > up_to; i++)
		step *= factors[i % ARRAY_SIZE(factors)];
	return step;
}

static double x_of(const struct frame *fr, double ms)
{
	return PLOT_LEFT + MIN(MAX(ms, 0.0), fr->end_ms) / fr->end_ms *
				   (PLOT_WIDTH - PLOT_LEFT - RIGHT);
}

static double y_of(const struct frame *fr, double mibs)
{
	return fr->read_top + READ_HEIGHT * (1 - MIN(mibs / fr->most_mib, 1.0));
}

/* ---- its parts ---- */

static void put_head(const struct frame *fr)
{
	const struct launch_plot *l = fr->plot->launches;
	double height = fr->bottom + BOTTOM + (l ? launch_plot_height(l) : 0);

	/* Colours that are read on white and on black; the rest follows what the reader uses. */
	svg_begin(fr->f, PLOT_WIDTH, height, 11);
	fputs(".bg { fill: #fff } .t { fill: #222 } .s { fill: #666 }\n"
	      ".h { fill: #222; font-size: 16px; font-weight: 600 }\n"
	      /* What stands on a line is read, too. */
	      ".s, .tt, .late, .intime { paint-order: stroke; stroke: #fff; "
	      "stroke-width: 3px }\n"
	      ".grid { stroke: #8884; stroke-width: 1 } .axis { stroke: #888 }\n"
	      ".row { fill: #8881 } .phase { fill: #1f8a4c18 }\n"
	      ".asked { fill: none; stroke: #2a78c8; stroke-width: 1.5 }\n"
	      ".read { fill: #2a78c840; stroke: none }\n"
	      ".meta { fill: none; stroke: #c07a12; stroke-width: 1.5 }\n"
	      ".own { fill: none; stroke: #8a4bb8; stroke-width: 1.5 }\n"
	      ".unit { fill: #7a7f87 } .ahead, .intime { fill: #1f8a4c }\n"
	      ".alone { fill: #c07a12 } .late { fill: #c8362a }\n"
	      ".there { fill: none; stroke: #888; stroke-width: 1.2 }\n"
	      ".dropped { stroke: #c8362a; stroke-width: 2 }\n"
	      ".ready { stroke: #1f8a4c; stroke-width: 2 }\n"
	      ".main { stroke: #111; stroke-width: 1.5 }\n"
	      ".dot { fill: #2a78c8 }\n"
	      ".mark { stroke: #8888; stroke-dasharray: 2 3 }\n"
	      ".target { stroke: #c8362a; stroke-width: 1.5 } .tt { fill: #c8362a }\n"
	      "@media (prefers-color-scheme: dark) {\n"
	      ".bg { fill: #16181b } .s, .tt, .late, .intime { stroke: #16181b } .t, .h "
	      "{ fill: #e4e6e8 "
	      "} .s { fill: #a0a4a9 }\n"
	      ".main { stroke: #fff } .target { stroke: #ff7b6e } .tt { fill: #ff7b6e }\n"
	      ".asked { stroke: #62aaf0 } .dot { fill: #62aaf0 } .meta { stroke: #e5a54a "
	      "}\n"
	      ".own { stroke: #bd8ae0 } .ahead, .intime { fill: #3fbf78 }\n"
	      ".alone { fill: #e5a54a } .late { fill: #ff7b6e } .dropped { stroke: "
	      "#ff7b6e }\n"
	      ".ready { stroke: #3fbf78 }\n}\n</style>\n",
	      fr->f);
	svg_rect(fr->f, 0, 0, PLOT_WIDTH, height, "bg");
}

static void put_title(const struct frame *fr)
{
	const struct boot_plot *p = fr->plot;
	const struct boot_report *r = p->report;
	char target[64] = "", read[256] = "nothing was read ahead";

	svg_text(fr->f, 20, 28, "h", "start", p->title);
	if (is_known(p->target_ms))
		snprintf(target, sizeof(target), "default target after %.2f s; ",
			 p->target_ms / 1000);
	if (r && r->plan == BOOT_PLAN_EAGER)
		snprintf(read, sizeof(read),
			 "%.1f MiB read for the boot until %.2f s, all that was read until "
			 "%.2f s",
			 mib(r->eager_bytes), (p->prefetch_ms + r->eager_ms) / 1000,
			 (p->prefetch_ms + r->all_ms) / 1000);
	else if (r)
		snprintf(read, sizeof(read),
			 "nothing was read for the boot (%s), for launches until %.2f s",
			 boot_plan_name(r->plan), (p->prefetch_ms + r->all_ms) / 1000);
	svg_textf(fr->f, 20, 46, "s", "start", "%s%s; kernel %s", target, read, p->kernel);
}

/* From X on; where the next one goes. */
static double put_key(const struct frame *fr, double x, const char *class, bool is_line,
		      const char *text)
{
	const double y = 66;

	if (is_line)
		svg_line(fr->f, x, y - 4, x + 16, y - 4, class);
	else
		svg_rect(fr->f, x, y - 9, 16, 9, class);
	svg_text(fr->f, x + 21, y, "s", "start", text);
	return x + 21 + PLOT_CHAR_WIDTH * (double)strlen(text) + 14;
}

static void put_diamond(const struct frame *fr, double x, double y)
{
	fprintf(fr->f, "<path d=\"M%.1f %.1fl4 4l-4 4l-4 -4z\" class=\"dot\"/>\n", x,
		y - 4);
}

static void put_legend(const struct frame *fr)
{
	double x = 20;

	if (fr->plot->report) {
		x = put_key(fr, x, "asked", true, "asked for");
		x = put_key(fr, x, "read", false, "read from disks");
		x = put_key(fr, x, "meta", true, "names and inodes, read");
		if (fr->plot->report->own.n > 0)
			x = put_key(fr, x, "own", true, "its own files");
	}
	if (fr->n_rows == 0)
		return;
	x = put_key(fr, x, "unit", false, "unit starting");
	x = put_key(fr, x, "ahead", false, "read before it began");
	put_diamond(fr, x + 8, 62);
	svg_text(fr->f, x + 18, 66, "s", "start", "its program asked for");
	x += 18 + PLOT_CHAR_WIDTH * 21 + 14;
	svg_line(fr->f, x + 4, 57, x + 4, 67, "main");
	svg_text(fr->f, x + 12, 66, "s", "start", "its process begins");
}

static void put_time_axis(const struct frame *fr)
{
	double step = find_step(fr->end_ms, 12);
	int digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;

	for (double ms = 0; ms <= fr->end_ms; ms += step) {
		double x = x_of(fr, ms);

		svg_line(fr->f, x, fr->read_top, x, fr->bottom, "grid");
		svg_textf(fr->f, x, fr->bottom + 15, "s", "middle", "%.*f s", digits,
			  ms / 1000);
	}
	svg_line(fr->f, PLOT_LEFT, fr->bottom, PLOT_WIDTH - RIGHT, fr->bottom, "axis");
}

static void put_bytes_axis(const struct frame *fr)
{
	double step = find_step(fr->most_mib, 5);
	int digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;

	for (double m = 0; m <= fr->most_mib; m += step) {
		svg_line(fr->f, PLOT_LEFT, y_of(fr, m), PLOT_WIDTH - RIGHT, y_of(fr, m),
			 "grid");
		svg_textf(fr->f, PLOT_LEFT - 8, y_of(fr, m) + 4, "s", "end", "%.*f MiB",
			  digits, m);
	}
	svg_text(fr->f, 20, fr->read_top + 12, "t", "start", "Read ahead");
}

enum of { ASKED, READ };

static double value(const struct boot_moment *m, enum of what)
{
	return mib(what == ASKED ? m->asked_bytes : m->read_bytes);
}

/* From the prefetch's start, in straight lines; AREA: down to nothing at its end. */
static void put_curve(const struct frame *fr, const struct boot_moments *m, enum of what,
		      const char *class, bool area)
{
	double start_ms = fr->plot->prefetch_ms, x = x_of(fr, start_ms);

	if (m->n == 0)
		return;
	fprintf(fr->f, "<path class=\"%s\" d=\"M%.1f %.1f", class, x, y_of(fr, 0));
	for (size_t i = 0; i < m->n; i++) {
		double ms = start_ms + (double)m->items[i].us / 1000;

		x = x_of(fr, ms);
		fprintf(fr->f, "L%.1f %.1f", x, y_of(fr, value(&m->items[i], what)));
		if (ms > fr->end_ms)
			break;
	}
	if (area)
		fprintf(fr->f, "V%.1fz", y_of(fr, 0));
	fputs("\"/>\n", fr->f);
}

static void put_phase(const struct frame *fr)
{
	const struct boot_plot *p = fr->plot;
	double from, to;

	if (p->report->plan != BOOT_PLAN_EAGER)
		return;
	from = x_of(fr, p->prefetch_ms);
	to = x_of(fr, p->prefetch_ms + p->report->eager_ms);
	svg_rect(fr->f, from, fr->read_top, MAX(to - from, 1.0), fr->bottom - fr->read_top,
		 "phase");
	if (to - from > 12 * PLOT_CHAR_WIDTH)
		svg_text(fr->f, from + 4, fr->read_top + 12, "s", "start", "for the boot");
}

static void put_reading(const struct frame *fr)
{
	const struct boot_report *r = fr->plot->report;

	put_bytes_axis(fr);
	if (!r) {
		svg_text(fr->f, (PLOT_LEFT + PLOT_WIDTH - RIGHT) / 2,
			 fr->read_top + READ_HEIGHT / 2, "s", "middle",
			 "nothing was read ahead");
		return;
	}
	put_phase(fr);
	put_curve(fr, &r->data, READ, "read", true);
	put_curve(fr, &r->data, ASKED, "asked", false);
	put_curve(fr, &r->metadata, READ, "meta", false);
	put_curve(fr, &r->own, ASKED, "own", false);
}

/* Targets on the way, as far as their names have room; the default one in any case. */
static void put_targets(const struct frame *fr)
{
	const struct boot_plot *p = fr->plot;
	double y = fr->units_top - 8, free_from = 0, reserved = PLOT_WIDTH;
	char text[64];

	if (is_known(p->target_ms)) {
		double x = x_of(fr, p->target_ms);
		double width;

		snprintf(text, sizeof(text), "default target %.2f s", p->target_ms / 1000);
		width = PLOT_CHAR_WIDTH * (double)strlen(text);
		svg_line(fr->f, x, fr->read_top, x, fr->bottom, "target");
		svg_text(fr->f, MIN(x, PLOT_WIDTH - width / 2 - 4), y - 13, "tt", "middle",
			 text);
		reserved = x;
	}
	for (size_t i = 0; i < p->n_units; i++) {
		const struct plot_unit *u = &p->units[i];
		double x = x_of(fr, u->active_ms),
		       width = PLOT_CHAR_WIDTH * (double)strlen(u->name);

		if (strcmp(unit_type(u->name), "target") != 0 || !is_known(u->active_ms) ||
		    u->active_ms > fr->end_ms || x < PLOT_LEFT + 4)
			continue;
		if (x < reserved - 0.5 || x > reserved + 0.5)
			svg_line(fr->f, x, fr->units_top - 4, x, fr->bottom, "mark");
		if (x - width / 2 < MAX(free_from, PLOT_LEFT - 40) ||
		    x + width / 2 > PLOT_WIDTH - 4)
			continue;
		svg_text(fr->f, x, y, "s", "middle", u->name);
		free_from = x + width / 2 + 8;
	}
}

static void put_duration(const struct frame *fr, const struct plot_unit *u, double end_x,
			 double begin_x, double y)
{
	char text[32];
	double width;

	if (duration(u) < 1)
		return;
	snprintf(text, sizeof(text), duration(u) < 1000 ? "%.0f ms" : "%.2f s",
		 duration(u) < 1000 ? duration(u) : duration(u) / 1000);
	width = PLOT_CHAR_WIDTH * (double)strlen(text);
	if (end_x + 8 + width < PLOT_WIDTH - 4)
		svg_text(fr->f, end_x + 8, y, "s", "start", text);
	else
		svg_text(fr->f, begin_x - 8, y, "s", "end", text);
}

/* In time: before it was executed. */
static bool was_read_ahead(const struct plot_unit *u)
{
	return is_known(u->read_ms) &&
	       u->read_ms <= (is_known(u->main_ms) ? u->main_ms : u->begin_ms);
}

static void put_unit(const struct frame *fr, const struct plot_unit *u, double y)
{
	double begin = x_of(fr, u->begin_ms),
	       end = x_of(fr, is_known(u->active_ms) ? u->active_ms : u->begin_ms);

	svg_name(fr->f, PLOT_LEFT - 8, y + PLOT_ROW - 4, u->name, PLOT_NAME_CHARS);
	svg_rect(fr->f, begin, y + 3, MAX(end - begin, 2.0), PLOT_ROW - 6,
		 was_read_ahead(u) ? "ahead" : "unit");
	if (is_known(u->main_ms) && u->main_ms <= fr->end_ms)
		svg_line(fr->f, x_of(fr, u->main_ms), y + 1, x_of(fr, u->main_ms),
			 y + PLOT_ROW - 1, "main");
	if (is_known(u->read_ms) && u->read_ms <= fr->end_ms)
		put_diamond(fr, x_of(fr, u->read_ms), y + PLOT_ROW / 2);
	put_duration(fr, u, MAX(end, begin + 2), begin, y + PLOT_ROW - 4);
}

static void put_units(const struct frame *fr)
{
	for (size_t i = 0; i < fr->n_rows; i++) {
		double y = fr->units_top + PLOT_ROW * (double)i;

		if (i % 2 == 0)
			svg_rect(fr->f, 0, y, PLOT_WIDTH, PLOT_ROW, "row");
		put_unit(fr, &fr->plot->units[fr->rows[i]], y);
	}
	if (fr->n_left_out > 0)
		svg_textf(fr->f, 20, fr->bottom + 15, "s", "start",
			  "and %zu units that took less", fr->n_left_out);
}

void boot_plot_write(const struct boot_plot *p, FILE *f)
{
	struct frame fr = { .plot = p, .f = f, .end_ms = find_end(p), .most_mib = 0.1 };

	if (p->report)
		fr.most_mib =
			MAX(MAX(most_of(&p->report->data), most_of(&p->report->metadata)) *
				    1.05,
			    0.1);
	choose_rows(&fr);
	fr.read_top = TOP - 24;
	fr.units_top = fr.read_top + READ_HEIGHT + GAP;
	fr.bottom = fr.units_top + PLOT_ROW * (double)fr.n_rows + 4;
	if (fr.n_rows == 0)
		fr.bottom = fr.read_top + READ_HEIGHT;
	put_head(&fr);
	put_title(&fr);
	put_legend(&fr);
	put_time_axis(&fr);
	put_reading(&fr);
	put_targets(&fr);
	put_units(&fr);
	if (p->launches)
		launch_plot_put(p->launches, fr.bottom + BOTTOM, f);
	fputs("</svg>\n", f);
}
