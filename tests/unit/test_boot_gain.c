/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "boot-gain.h"

static struct boots b;
static unsigned n_added;

static struct boot_line *add(enum boot_plan plan, uint64_t ms)
{
	struct boot_line l = { .plan = plan, .key = 1, .target_ms = ms, .kernel = "k" };

	snprintf(l.boot_id, sizeof(l.boot_id), "%08x-0000-4000-8000-000000000001",
		 ++n_added);
	boots_add(&b, &l);
	return &b.items[b.n - 1];
}

/* N controls that take CONTROL_MS, each with some read-ahead boots before; both jitter. */
static void add_many(unsigned n, uint64_t eager_ms, uint64_t control_ms)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 5; j++)
			add(BOOT_PLAN_EAGER, eager_ms + (i * 7 + j * 5) % 11);
		add(BOOT_PLAN_CONTROL, control_ms + i * 5 % 11);
	}
}

static struct boot_gain find(void)
{
	struct boot_gain g;

	assert_int_equal(boot_gain_find(&b, &g), 0);
	return g;
}

static int start(void **state)
{
	(void)state;
	b.n = 0;
	return 0;
}

static void test_nothing_is_known(void **state)
{
	struct boot_gain g = find();

	(void)state;
	assert_int_equal(g.n_eager + g.n_controls + g.n_pairs, 0);
	assert_false(g.is_none);
	add(BOOT_PLAN_CONTROL, 1000);
	g = find();
	assert_int_equal(g.n_controls, 1);
	assert_int_equal(g.n_pairs, 0);
	assert_false(g.is_none);
}

static void test_gain(void **state)
{
	struct boot_gain g;

	(void)state;
	add_many(8, 3000, 4500);
	g = find();
	assert_int_equal(g.n_eager, 40);
	assert_int_equal(g.n_controls, 8);
	assert_true(g.eager_ms >= 3000 && g.eager_ms <= 3010);
	assert_true(g.control_ms >= 4500 && g.control_ms <= 4510);
	assert_true(g.saves_ms.low > 1480 && g.saves_ms.high < 1520);
	assert_false(g.is_none);
}

static void test_no_gain(void **state)
{
	(void)state;
	add_many(8, 3000, 3000);
	assert_true(find().is_none);
	b.n = 0;
	add_many(8, 3100, 3000); /* it harms */
	assert_true(find().is_none);
	b.n = 0;
	add_many(8, 3000, 3045); /* 1.5 % */
	assert_false(find().is_none);
}

static void test_too_few(void **state)
{
	(void)state;
	add_many(BOOT_GAIN_CONTROLS - 1, 3000, 3000);
	assert_false(find().is_none);
	add_many(1, 3000, 3000);
	assert_true(find().is_none);
}

/* Boots that vary too much to tell. */
static void test_noise(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		add(BOOT_PLAN_EAGER, 3000);
		add(BOOT_PLAN_CONTROL, i % 2 ? 2500 : 3500);
	}
	assert_false(find().is_none);
}

/* A system that gets slower by and by: old controls against new boots would say no gain. */
static void test_drift(void **state)
{
	struct boot_gain g;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		add_many(1, 2000 + i * 300, 2400 + i * 300);
	for (unsigned i = 0; i < 60; i++)
		add(BOOT_PLAN_EAGER, 5000);
	g = find();
	assert_true(g.control_ms < g.eager_ms);
	assert_true(g.saves_ms.value > 200);
	assert_false(g.is_none);
}

static void test_what_does_not_count(void **state)
{
	struct boot_gain g;

	(void)state;
	add_many(8, 3000, 3000);
	b.items[b.n - 1].turned_off = true;
	assert_int_equal(find().n_eager, 0); /* of what was switched off */
	add(BOOT_PLAN_OFF, 3000);
	add(BOOT_PLAN_NO, 3000);
	add(BOOT_PLAN_NONE, 3000);
	add(BOOT_PLAN_EAGER, 0); /* not known */
	add(BOOT_PLAN_CONTROL, 0);
	g = find();
	assert_int_equal(g.n_eager + g.n_controls + g.n_pairs, 0);
	add(BOOT_PLAN_EAGER, 3000);
	assert_int_equal(find().n_eager, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_is_known, start),
		cmocka_unit_test_setup(test_gain, start),
		cmocka_unit_test_setup(test_no_gain, start),
		cmocka_unit_test_setup(test_too_few, start),
		cmocka_unit_test_setup(test_noise, start),
		cmocka_unit_test_setup(test_drift, start),
		cmocka_unit_test_setup(test_what_does_not_count, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
