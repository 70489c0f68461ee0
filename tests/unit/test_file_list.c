/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "file-list.h"
#include "macro.h"

static const struct file_list none;

static char *text_of(const struct file_list *l, enum file_list_format format,
		     size_t *ret_left_out)
{
	size_t bytes;
	char *text;

	assert_int_equal(file_list_write(l, &none, format, &text, &bytes, ret_left_out), 0);
	assert_int_equal(strlen(text), bytes);
	return text;
}

/* What shadows of others may hold, and what would be two lines, or leave the root. */
static void test_refuses_what_breaks_a_list(void **state)
{
	static const char *const bad[] = {
		"",	  "/",		"relative", "/a/../b", "/a\nb",		 "/a\rb",
		"/a\x7f", "/a\xc2\x85", "/a\xff",   "/a//b",   "/a/\xe2\x80\xae"
	};
	struct file_list l = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(file_list_add(&l, bad[i]), -EINVAL);
	assert_int_equal(l.paths.n, 0);
	file_list_done(&l);
}

static void test_keeps_the_first_of_equals(void **state)
{
	static const char *const paths[] = { "/b", "/a", "/b", "/c", "/a" };
	struct file_list l = { 0 };
	size_t n_left_out;
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(file_list_add(&l, paths[i]), 0);
	text = text_of(&l, FILE_LIST_PATHS, &n_left_out);
	assert_string_equal(text, "/b\n/a\n/c\n");
	free(text);
	file_list_done(&l);
}

/* Nothing may get the priority of what is not named, or less. */
static void test_priorities_end_above_0(void **state)
{
	enum { N = 32769 };
	struct file_list l = { 0 };
	char name[16], *text;
	size_t n_left_out;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "/%u", i);
		assert_int_equal(file_list_add(&l, name), 0);
	}
	text = text_of(&l, FILE_LIST_SQUASHFS, &n_left_out);
	assert_int_equal(strncmp(text, "0 32767\n1 32766\n", 16), 0);
	assert_non_null(strstr(text, "\n32765 2\n32766 1\n32767 1\n32768 1\n"));
	assert_int_equal(n_left_out, 0);
	free(text);
	file_list_done(&l);
}

/* All white space of Unicode, and what only looks like it in its last byte. */
static void test_leaves_out_what_would_be_trimmed(void **state)
{
	static const char *const cut[] = { "/ ", "/a\xc2\xa0", "/a\xe2\x80\x80",
					   "/a\xe2\x80\x8a", "/a\xe3\x80\x80" };
	static const char *const kept[] = { "/a b", "/ a", "/a\xe2\x80\x8b", "/\xc3\xa0",
					    "/a\xf0\x9f\x82\xa0" };
	struct file_list l = { 0 };
	size_t n_left_out;
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
		assert_int_equal(file_list_add(&l, cut[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(file_list_add(&l, kept[i]), 0);
	text = text_of(&l, FILE_LIST_NYDUS, &n_left_out);
	assert_int_equal(n_left_out, ARRAY_SIZE(cut));
	assert_string_equal(text,
			    "/a b\n/ a\n/a\xe2\x80\x8b\n/\xc3\xa0\n/a\xf0\x9f\x82\xa0\n");
	free(text);
	text = text_of(&l, FILE_LIST_SOCI, &n_left_out);
	assert_int_equal(n_left_out, ARRAY_SIZE(cut));
	assert_string_equal(text, "[\n  \"/a b\",\n  \"/ a\",\n  \"/a\xe2\x80\x8b\",\n"
				  "  \"/\xc3\xa0\",\n  \"/a\xf0\x9f\x82\xa0\"\n]\n");
	free(text);
	file_list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_what_breaks_a_list),
		cmocka_unit_test(test_keeps_the_first_of_equals),
		cmocka_unit_test(test_priorities_end_above_0),
		cmocka_unit_test(test_leaves_out_what_would_be_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
