/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "utf8.h"

/* What is_plain() says of each character, at its borders. */
static void test_controls(void **state)
{
	static const struct {
		const char *text;
		bool plain;
	} cases[] = {
		{ "", true },
		{ "\x1f", false },
		{ " ~", true },
		{ "\x7f", false },
		{ "\xc2\x80", false }, /* U+0080 */
		{ "\xc2\x9b", false }, /* CSI */
		{ "\xc2\x9f", false },
		{ "\xc2\xa0", true },
		{ "\xd8\x9b", true },
		{ "\xd8\x9c", false }, /* U+061C */
		{ "\xd8\x9d", true },
		{ "\xe2\x80\x8d", true }, /* U+200D joins letters */
		{ "\xe2\x80\x8e", false },
		{ "\xe2\x80\x8f", false },
		{ "\xe2\x80\x90", true },
		{ "\xe2\x80\xa9", true },
		{ "\xe2\x80\xaa", false }, /* U+202A */
		{ "\xe2\x80\xae", false },
		{ "\xe2\x80\xaf", true },
		{ "\xe2\x81\xa5", true },
		{ "\xe2\x81\xa6", false }, /* U+2066 */
		{ "\xe2\x81\xa9", false },
		{ "\xe2\x81\xaa", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\x9b", false }, /* not UTF-8 */
		{ "a\xe2\x80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (utf8_is_plain(cases[i].text) != cases[i].plain)
			fail_msg("case %zu", i);
	assert_int_equal(utf8_plain("ab\0c", 4), 2);
	assert_int_equal(utf8_plain("\xc3\xa9\x1b", 3), 2);
	assert_int_equal(utf8_decode("\xe2\x80\xae", 3), 0x202e);
	assert_int_equal(utf8_decode("\xf4\x8f\xbf\xbf", 4), 0x10ffff);
}

static void test_blank(void **state)
{
	static const struct {
		const char *text, *blanked;
	} cases[] = {
		{ "", "" },
		{ "/\xc3\xa9 \xf0\x9f\x98\x80", "/\xc3\xa9 \xf0\x9f\x98\x80" },
		{ "a\nb\x1b[31m", "a?b?[31m" },
		{ "\xc2\x9b"
		  "31mx",
		  "?31mx" },
		{ "x\xe2\x80\xaegpj.exe", "x?gpj.exe" },
		{ "\x9b"
		  "31m",
		  "?31m" },
		{ "\xe9t\xe9", "?t?" },
		{ "a\xe2\x80", "a??" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(text, cases[i].text);
		utf8_blank(text);
		assert_string_equal(text, cases[i].blanked);
	}
}

static void test_cut(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	/* Of a limit of as many bytes. */
	static const size_t wanted[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_int_equal(utf8_cut(text, i), wanted[i]);
	assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80\x80", 5), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
