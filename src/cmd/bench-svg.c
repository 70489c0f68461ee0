/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench-summary.h"
#include "bench-svg.h"
#include "bounds.h"
#include "log.h"
#include "output.h"
#include "svg.h"

/* Units of the picture: pixels where nobody scales it. */
#define WIDTH  720.0
#define LEFT   150.0
#define RIGHT  120.0
#define TOP    76.0
#define ROW    48.0
#define BAR    20.0
#define BOTTOM 44.0

static const char *const names[BENCH_WAYS] = {
	[BENCH_COLD] = "cold",
	[BENCH_BEFORE] = "read ahead before",
	[BENCH_TOGETHER] = "read ahead together",
	[BENCH_WARM] = "warm",
};

static double longest_ms(const struct bench *b, const struct bench_summary *s)
{
	double most = 0.001;

	for (size_t way = 0; way < BENCH_WAYS; way++) {
		most = MAX(most, s->ways[way].ms.high);
		for (size_t i = 0; i < b->n_rounds; i++)
			most = MAX(most,
				   (double)b->rounds[i].ways[way].launch.wall_us / 1000);
	}
	return most;
}

static double x_of(double ms, double most)
{
	return LEFT + ms / most * (WIDTH - LEFT - RIGHT);
}

static int digits(double ms)
{
	return ms < 10 ? 1 : 0;
}

static void put_head(FILE *f, double height)
{
	svg_begin(f, WIDTH, height, 13);
	fputs(".bg { fill: #fff } .t { fill: #222 } .s { fill: #666; font-size: 12px }\n"
	      ".h { fill: #222; font-size: 17px; font-weight: 600 }\n"
	      ".grid { stroke: #8884 } .err { stroke: #222; stroke-width: 1.5 }\n"
	      ".cold { fill: #b9bec4 } .ahead { fill: #2a78c8 } .warm { fill: #1f8a4c }\n"
	      ".dot { fill: #222; fill-opacity: .35 }\n"
	      "@media (prefers-color-scheme: dark) {\n"
	      ".bg { fill: #16181b } .t, .h { fill: #e4e6e8 } .s { fill: #a0a4a9 }\n"
	      ".err { stroke: #e4e6e8 } .cold { fill: #5a6068 } .dot { fill: #fff }\n"
	      ".ahead { fill: #3d8bd8 } .warm { fill: #2f9d5d }\n}\n</style>\n",
	      f);
	svg_rect(f, 0, 0, WIDTH, height, "bg");
}

/* What the verdict of the way that is read together, which users get, says. */
static void put_title(FILE *f, const struct bench_report *r, const struct bench_summary *s)
{
	const struct bench_way_summary *w = &s->ways[BENCH_TOGETHER];
	const struct bench *b = r->bench;

	svg_text(f, 20, 30, "h", "start", r->program);
	if (w->verdict == VERDICT_TOO_FEW)
		svg_textf(f, 20, 52, "s", "start", "%zu round%s: too few to tell",
			  b->n_rounds, b->n_rounds == 1 ? "" : "s");
	else
		svg_textf(
			f, 20, 52, "s", "start",
			"%s: read ahead together saves %.*f ms [%.*f to %.*f] of %.*f ms; "
			"%zu rounds",
			bench_verdict_name(w->verdict), digits(w->saves.value),
			w->saves.value, digits(w->saves.value), w->saves.low,
			digits(w->saves.value), w->saves.high,
			digits(s->ways[BENCH_COLD].ms.value), s->ways[BENCH_COLD].ms.value,
			b->n_rounds);
}

static void put_axis(FILE *f, double most, double bottom)
{
	double step = 0.001;

	for (size_t i = 0; most / step > 6; i++)
		step *= i % 3 == 1 ? 2.5 : 2;
	for (double ms = 0; ms <= most; ms += step) {
		svg_line(f, x_of(ms, most), TOP - 8, x_of(ms, most), bottom, "grid");
		svg_textf(f, x_of(ms, most), bottom + 18, "s", "middle", "%g ms", ms);
	}
}

static void put_way(FILE *f, const struct bench *b, enum bench_way way,
		    const struct bench_way_summary *s, double most)
{
	double y = TOP + ROW * (double)way, x = x_of(s->ms.value, most);

	svg_text(f, LEFT - 10, y + BAR - 5, "t", "end", names[way]);
	svg_rect(f, LEFT, y, MAX(x - LEFT, 1.0), BAR,
		 way == BENCH_COLD   ? "cold"
		 : way == BENCH_WARM ? "warm"
				     : "ahead");
	svg_line(f, x_of(s->ms.low, most), y + BAR / 2, x_of(s->ms.high, most), y + BAR / 2,
		 "err");
	for (size_t i = 0; i < b->n_rounds; i++)
		fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" class=\"dot\"/>\n",
			x_of((double)b->rounds[i].ways[way].launch.wall_us / 1000, most),
			y + BAR + 7);
	svg_textf(f, MAX(x, x_of(s->ms.high, most)) + 8, y + BAR - 5, "t", "start",
		  "%.*f ms", digits(s->ms.value), s->ms.value);
}

struct picture {
	const struct bench_report *report;
	struct bench_summary summary;
};

static void put_picture(const void *of, FILE *f)
{
	const struct bench_report *r = ((const struct picture *)of)->report;
	const struct bench_summary *s = &((const struct picture *)of)->summary;
	double bottom = TOP + ROW * BENCH_WAYS - 8, most = longest_ms(r->bench, s);

	put_head(f, bottom + BOTTOM);
	put_title(f, r, s);
	put_axis(f, most, bottom);
	for (size_t way = 0; way < BENCH_WAYS; way++)
		put_way(f, r->bench, (enum bench_way)way, &s->ways[way], most);
	fputs("</svg>\n", f);
}

int bench_svg_write(const struct bench_report *report, const char *path)
{
	struct picture p = { .report = report };
	int r = bench_summarise(report->bench->rounds, report->bench->n_rounds, &p.summary);

	return r < 0 ? log_errno(r, "cannot draw the benchmark")
		     : output_built(path, put_picture, &p);
}
