/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot-plot.h"
#include "macro.h"
#include "svg.h"
#include "utf8.h"

static char *text;
static size_t n_bytes;

static FILE *open_text(void)
{
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &n_bytes);
	assert_non_null(f);
	return f;
}

static const char *escaped(const char *s)
{
	FILE *f = open_text();

	svg_put_escaped(f, s);
	fclose(f);
	return text;
}

static const char *cut(const char *s, size_t n)
{
	FILE *f = open_text();

	svg_put_cut(f, s, n);
	fclose(f);
	return text;
}

static void test_escaping(void **state)
{
	(void)state;
	assert_string_equal(escaped("nginx.service"), "nginx.service");
	assert_string_equal(
		escaped("<script>alert(\"1\")</script>&amp;'"),
		"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;");
	assert_string_equal(escaped("]]>"), "]]&gt;");
	assert_string_equal(escaped("a\nb\tc\x01\x7f"), "a?b?c??");
	assert_string_equal(escaped("\xc3\xa4\xf0\x9f\x98\x80"),
			    "\xc3\xa4\xf0\x9f\x98\x80");
	assert_string_equal(escaped("\xff\xc3"), "??");
	assert_string_equal(escaped("\xc2\x85|\xe2\x80\xae|"), "?|?|"); /* NEL, RLO */
	assert_string_equal(escaped("\xef\xbf\xbe|\xef\xbf\xbf|\xef\xbf\xbd"),
			    "?|?|\xef\xbf\xbd"); /* U+FFFE, U+FFFF, U+FFFD */
}

static void test_cutting(void **state)
{
	(void)state;
	assert_string_equal(cut("abc", 3), "abc");
	assert_string_equal(cut("abcd", 3), "ab\xe2\x80\xa6");
	assert_string_equal(cut("\xc3\xa4\xc3\xa4\xc3\xa4", 3), "\xc3\xa4\xc3\xa4\xc3\xa4");
	assert_string_equal(cut("\xc3\xa4\xc3\xa4\xc3\xa4<", 3),
			    "\xc3\xa4\xc3\xa4\xe2\x80\xa6");
	/* Never in the middle of an entity. */
	assert_string_equal(cut("<<<<", 3), "&lt;&lt;\xe2\x80\xa6");
}

static struct boot_moment moments[] = { { 0, 0, 0 },
					{ 100000, 8192, 4096 },
					{ 200000, 40960, 8192 } };
static struct boot_report report = { .plan = BOOT_PLAN_EAGER,
				     .eager_ms = 200,
				     .ms = 900,
				     .all_ms = 900,
				     .eager_bytes = 8192,
				     .data = { moments, ARRAY_SIZE(moments) } };

static void test_when_asked(void **state)
{
	(void)state;
	assert_true(boot_plot_asked_ms(&report, 1) == 100);
	assert_true(boot_plot_asked_ms(&report, 2) == 100);
	assert_true(boot_plot_asked_ms(&report, 3) == 200);
	assert_true(boot_plot_asked_ms(&report, 10) == 200);
	assert_true(boot_plot_asked_ms(&report, 11) < 0);
	assert_true(boot_plot_asked_ms(&(struct boot_report){ 0 }, 1) < 0);
}

/* No tag but ours; no number but such. */
static void assert_sane(void)
{
	assert_true(n_bytes > 0 && utf8_length(text, n_bytes) > 0);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf\""));
	assert_non_null(strstr(text, "</svg>\n"));
	/* As wide as the window, on its own background. */
	assert_non_null(strstr(text, " width=\"100%\" "));
	assert_non_null(strstr(text, "svg { color-scheme: light dark; background: #fff }"));
}

static void draw(const struct boot_plot *p)
{
	FILE *f = open_text();

	boot_plot_write(p, f);
	fclose(f);
	assert_sane();
}

static size_t count(const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void test_picture(void **state)
{
	const struct plot_unit units[] = {
		{ "basic.target", 100, 100, -1, -1 },
		{ "a<script>.service", 100, 900, 110, 50 },
		{ "late.service", 150, 400, 160, 300 }, /* read, but too late */
		{ "quick.mount", 150, 151, -1, -1 },
		{ "slow.mount", 150, 190, -1, -1 },
		{ "never.service", 200, -1, 210, -1 },
		{ "after.service", 5000, 6000, 5001, -1 },
		{ "multi-user.target", 950, 950, -1, -1 },
	};
	const struct boot_plot p = { .title = "A & B",
				     .kernel = "6.18",
				     .report = &report,
				     .prefetch_ms = 20,
				     .target_ms = 950,
				     .units = units,
				     .n_units = ARRAY_SIZE(units) };

	(void)state;
	draw(&p);
	assert_non_null(strstr(text, ">A &amp; B<"));
	assert_non_null(strstr(text, "<title>a&lt;script&gt;.service</title>"));
	assert_non_null(strstr(text, "default target 0.95 s"));
	assert_non_null(strstr(text, ">800 ms<"));
	assert_non_null(strstr(text, "<title>slow.mount</title>"));
	assert_non_null(strstr(text, "<title>never.service</title>"));
	assert_null(strstr(text, "<title>quick.mount</title>"));
	assert_null(strstr(text, "<title>after.service</title>"));
	assert_null(strstr(text, "<title>basic.target</title>"));
	assert_int_equal(count("class=\"ahead\"/>"), 2); /* with the legend's */
	assert_int_equal(count("class=\"dot\""), 3);
	assert_int_equal(count("class=\"phase\""), 1);
}

static void test_little_is_known(void **state)
{
	struct boot_report empty = { .plan = BOOT_PLAN_CONTROL };
	struct boot_plot p = { .title = "", .kernel = "", .target_ms = -1 };

	(void)state;
	draw(&p);
	assert_non_null(strstr(text, "nothing was read ahead"));
	p.report = &empty;
	draw(&p);
	assert_non_null(strstr(text, "(control)"));
	assert_null(strstr(text, "class=\"phase\""));
	p.report = &report;
	draw(&p);
	p.prefetch_ms = 1e10; /* a clock of another system */
	draw(&p);
}

static void test_many_units(void **state)
{
	static struct plot_unit units[1000];
	static char names[1000][256];
	struct boot_plot p = { .title = "",
			       .kernel = "",
			       .target_ms = 3000,
			       .units = units,
			       .n_units = ARRAY_SIZE(units) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		memset(names[i], 'a' + (int)(i % 26), 200);
		memcpy(names[i] + 200, ".service", sizeof(".service"));
		units[i] = (struct plot_unit){ names[i], 0.5 * (double)i,
					       0.5 * (double)i + (double)(i % 100) * 10, -1,
					       -1 };
	}
	draw(&p);
	assert_true(count("<title>") > 30 && count("<title>") <= 60);
	assert_non_null(strstr(text, " units that took less"));
	/* All the same: no order to choose by. */
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i].active_ms = units[i].begin_ms + 7;
	draw(&p);
	assert_true(count("<title>") <= 60);
	p.target_ms = 1;
	draw(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaping),	cmocka_unit_test(test_cutting),
		cmocka_unit_test(test_when_asked),	cmocka_unit_test(test_picture),
		cmocka_unit_test(test_little_is_known), cmocka_unit_test(test_many_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
