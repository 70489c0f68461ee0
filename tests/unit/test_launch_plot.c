/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch-plot.h"
#include "macro.h"
#include "plot-frame.h"

static struct launched_log l;
static char *text;
static size_t n_bytes;

static int end(void **state)
{
	(void)state;
	launched_done(&l);
	free(text);
	text = NULL;
	return 0;
}

static void draw(const struct launch_plot *p)
{
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &n_bytes);
	assert_non_null(f);
	launch_plot_put(p, 1000, f);
	fclose(f);
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf\""));
	assert_null(strstr(text, "<script"));
}

static size_t count(const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void add(const char *program, uint64_t after_ms, enum launched_how how)
{
	assert_int_equal(launched_add(&l, program, after_ms, how, 0), 0);
}

/* What was read for it at boot, and when; when it was launched first. */
static struct plot_program program(const char *name, uint64_t pages, double read_ms,
				   double first_ms)
{
	return (struct plot_program){ .name = name,
				      .pack_pages = pages,
				      .read_ms = read_ms,
				      .is_launched = first_ms >= 0,
				      .first_ms = first_ms };
}

static void test_what_became(void **state)
{
	struct plot_program programs[] = {
		program("/bin/early", 256, 5000, 6000),
		program("/bin/late", 512, 7000, 6500),
		program("/bin/waste<script>", 1024, 7500, PLOT_UNKNOWN),
		program("/bin/alone", 0, PLOT_UNKNOWN, 60000),
		program("/bin/used", 128, PLOT_UNKNOWN, PLOT_UNKNOWN),
	};
	struct launch_plot p = { .log = &l,
				 .programs = programs,
				 .n_programs = ARRAY_SIZE(programs),
				 .from_ms = 4000,
				 .now_ms = 64000,
				 .n_with = { 3, 1, 40, 2 },
				 .n_pages = 2560,
				 .is_counting = true };

	(void)state;
	programs[4].is_launched = true;
	programs[3].has_saving = true;
	programs[3].saves_percent = -7;
	add("/bin/early", 6000, LAUNCHED_THERE);
	add("/bin/late", 6500, LAUNCHED_READ);
	l.items[1].n_pages = 320;
	l.items[1].read_ms = 12;
	l.items[1].took_ms = 345;
	add("/bin/alone", 60000, LAUNCHED_ALONE);
	add("/bin/alone", 61000, LAUNCHED_DROPPED);
	add("/bin/alone", 62000, LAUNCHED_PENDING);
	draw(&p);
	assert_non_null(strstr(text, ">3 read ahead (10.0 MiB asked for), 40 in memory "
				     "already, 1 left alone, 2 dropped<"));
	assert_non_null(strstr(text, "7.5 MiB, of these used 3.5, wasted so far 4.0; in "
				     "time for 1 of 2 that were launched<"));
	assert_int_equal(count(">in time<"), 1);
	assert_int_equal(count(">too late<"), 1);
	assert_int_equal(count(">wasted<"), 1);
	assert_int_equal(count(">used<"), 1);
	assert_int_equal(count(">-7 %<"), 1);
	/* One mark each, and each in the legend. */
	assert_int_equal(count("class=\"there\""), 2);
	assert_int_equal(count("class=\"dot\""), 2);
	assert_int_equal(count("class=\"alone\""), 2);
	assert_int_equal(count("class=\"dropped\""), 2);
	assert_non_null(strstr(text, "<title>2.0 s: in memory</title>"));
	assert_non_null(strstr(text, "<title>2.5 s: read ahead, 1.2 MiB asked for in 12 "
				     "ms; it took 345 ms</title>"));
	assert_non_null(strstr(text, "waste&lt;script&gt;"));
	assert_non_null(strstr(text, ">60 s<"));
	/* Launched come first. */
	assert_true(strstr(text, "/bin/early") < strstr(text, "/bin/waste"));
	/* Who was launched is not known: nothing is called wasted. */
	p.is_counting = false;
	draw(&p);
	assert_int_equal(count("wasted"), 0);
	assert_non_null(strstr(text, "or more: not all launches are known"));
}

static void test_nothing_is_known(void **state)
{
	struct launch_plot p = { .log = &l };

	(void)state;
	draw(&p);
	assert_non_null(strstr(text, "see elfcastd(8)"));
	p.now_ms = 1e15;
	p.from_ms = 1e16;
	add("/p", 1, LAUNCHED_READ);
	p.programs = &(struct plot_program){ .name = "/p" };
	p.n_programs = 1;
	draw(&p);
}

static void test_many_programs(void **state)
{
	static struct plot_program programs[300];
	static char names[300][32];
	struct launch_plot p = { .log = &l,
				 .programs = programs,
				 .n_programs = ARRAY_SIZE(programs),
				 .now_ms = 90 * 86400e3,
				 .is_counting = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		snprintf(names[i], sizeof(names[i]), "/bin/p%03zu", i);
		programs[i] = program(names[i], i * 7 % 300, PLOT_UNKNOWN,
				      i == 0 ? 5 : PLOT_UNKNOWN);
	}
	draw(&p);
	assert_int_equal(count("<title>/bin/p"), 40);
	assert_non_null(strstr(text, "and 260 more programs"));
	/* The one that was launched, and of the others the largest. */
	assert_non_null(strstr(text, "<title>/bin/p000<"));
	for (size_t i = 1; i < ARRAY_SIZE(programs); i++) {
		char name[64];

		snprintf(name, sizeof(name), "<title>%s<", names[i]);
		assert_true((strstr(text, name) != NULL) == (i * 7 % 300 > 300 - 40));
	}
	assert_true(count(" d</text>") >= 4 && count(" d</text>") <= 9);
	assert_true(launch_plot_height(&p) < 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_what_became, end),
		cmocka_unit_test_teardown(test_nothing_is_known, end),
		cmocka_unit_test_teardown(test_many_programs, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
