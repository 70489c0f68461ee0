/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "buildid.h"
#include "macro.h"
#include "pageset.h"

static void add(struct pageset *s, uint32_t first, uint32_t n, uint32_t runs, uint32_t when)
{
	assert_int_equal(pageset_append(s, &(struct page_run){ first, n, runs, when }), 0);
}

static void test_append_joins_and_refuses(void **state)
{
	(void)state;
	_cleanup_(pageset_done) struct pageset s = { 0 };

	add(&s, 3, 2, 1, 7);
	add(&s, 5, 1, 1, 7);
	assert_int_equal(s.n_runs, 1);
	add(&s, 6, 1, 1, 8); /* other evidence */
	add(&s, 8, 1, 1, 8); /* a hole */
	assert_int_equal(s.n_runs, 3);
	assert_int_equal(pageset_count(&s), 5);
	assert_int_equal(pageset_end(&s), 9);
	assert_int_equal(pageset_append(&s, &(struct page_run){ 8, 1, 1, 0 }), -EINVAL);
	assert_int_equal(pageset_append(&s, &(struct page_run){ 9, 0, 1, 0 }), -EINVAL);
	assert_int_equal(pageset_append(&s, &(struct page_run){ 9, UINT32_MAX, 1, 0 }),
			 -EINVAL);
	assert_int_equal(s.n_runs, 3);
}

static void test_clip(void **state)
{
	(void)state;
	_cleanup_(pageset_done) struct pageset s = { 0 };

	add(&s, 0, 4, 1, 0);
	add(&s, 10, 4, 1, 0);
	pageset_clip(&s, 12);
	assert_int_equal(pageset_end(&s), 12);
	pageset_clip(&s, 10);
	assert_int_equal(pageset_end(&s), 4);
	pageset_clip(&s, 0);
	assert_int_equal(s.n_runs, 0);
}

enum { N = 64 };

/* The obvious model: one cell per page. */
static void random_set(struct pageset *s, uint32_t cells[N][2], unsigned *seed)
{
	for (uint32_t i = 0; i < N; i++) {
		cells[i][0] = rand_r(seed) % 3;
		cells[i][1] = rand_r(seed) % 3;
		if (cells[i][0])
			add(s, i, 1, cells[i][0], cells[i][1]);
	}
}

static void test_merge_is_page_by_page(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		_cleanup_(pageset_done) struct pageset a = { 0 }, b = { 0 }, want = { 0 },
						       ab = { 0 }, ba = { 0 };
		uint32_t ca[N][2], cb[N][2];

		random_set(&a, ca, &seed);
		random_set(&b, cb, &seed);
		for (uint32_t i = 0; i < N; i++) {
			uint32_t when = ca[i][1];

			if (!ca[i][0] || (cb[i][0] && cb[i][1] < when))
				when = cb[i][1];
			if (ca[i][0] + cb[i][0])
				add(&want, i, 1, ca[i][0] + cb[i][0], when);
		}
		assert_int_equal(pageset_merge(&a, &b, &ab), 0);
		assert_int_equal(pageset_merge(&b, &a, &ba), 0);
		assert_true(pageset_equal(&ab, &want));
		assert_true(pageset_equal(&ba, &want));
	}
}

static void test_merge_saturates(void **state)
{
	(void)state;
	_cleanup_(pageset_done) struct pageset a = { 0 }, ret = { 0 };

	add(&a, 0, 1, UINT32_MAX, 0);
	assert_int_equal(pageset_merge(&a, &a, &ret), 0);
	assert_int_equal(ret.runs[0].runs, UINT32_MAX);
}

static void test_when_scale(void **state)
{
	(void)state;
	assert_int_equal(when_from_us(0), 0);
	assert_int_equal(when_from_us(999), 0);
	assert_int_equal(when_from_us(1000), 1);
	assert_int_equal(when_end_us(0), 1000);
	assert_int_equal(when_end_us(1), 1250);
	for (uint32_t w = 0; w < LIMIT_WHEN; w++) {
		assert_int_equal(when_from_us(when_end_us(w) - 1), w);
		assert_int_equal(when_from_us(when_end_us(w)), w + 1);
	}
	assert_int_equal(when_from_us(UINT64_MAX), LIMIT_WHEN);
}

static void test_buildid_hex(void **state)
{
	char hex[BUILDID_HEX_BYTES], longest[2 * BUILDID_MAX_BYTES + 3];
	struct buildid b, c;

	(void)state;
	assert_int_equal(buildid_from_hex("00ff9a", 6, &b), 0);
	assert_int_equal(b.n_bytes, 3);
	buildid_to_hex(&b, hex);
	assert_string_equal(hex, "00ff9a");
	assert_int_equal(buildid_from_bytes("\x00\xff\x9a", 3, &c), 0);
	assert_true(buildid_equal(&b, &c));
	c.bytes[2] ^= 1;
	assert_false(buildid_equal(&b, &c));
	assert_int_equal(buildid_from_hex("", 0, &b), -EINVAL);
	assert_int_equal(buildid_from_hex("abc", 3, &b), -EINVAL);
	assert_int_equal(buildid_from_hex("AB", 2, &b), -EINVAL);
	assert_int_equal(buildid_from_hex("0g", 2, &b), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(buildid_from_hex(longest, 2 * BUILDID_MAX_BYTES, &b), 0);
	assert_int_equal(buildid_from_hex(longest, sizeof(longest) - 1, &b), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_joins_and_refuses),
		cmocka_unit_test(test_clip),
		cmocka_unit_test(test_merge_is_page_by_page),
		cmocka_unit_test(test_merge_saturates),
		cmocka_unit_test(test_when_scale),
		cmocka_unit_test(test_buildid_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
