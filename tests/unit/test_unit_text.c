/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit-text.h"

/* All settings, "SECTION/KEY=VALUE|" each. */
static char seen[1024];

static int note(const char *section, const char *key, const char *value, void *userdata)
{
	size_t n = strlen(seen);

	assert_ptr_equal(userdata, seen);
	snprintf(seen + n, sizeof(seen) - n, "%s/%s=%s|", section, key, value);
	return strcmp(key, "Stop") == 0 ? -ECANCELED : 0;
}

static const char *parsed(const char *text)
{
	seen[0] = 0;
	assert_int_equal(unit_text_parse(text, strlen(text), note, seen), 0);
	return seen;
}

static void test_settings(void **state)
{
	(void)state;
	assert_string_equal(parsed("[Unit]\nA=1\n B = 2 \r\n[Service]\nC=\n"),
			    "Unit/A=1|Unit/B=2|Service/C=|");
	assert_string_equal(parsed("A=1\n[Unit]\nno assignment\nA=b=c"), "Unit/A=b=c|");
	assert_string_equal(parsed(""), "");
	assert_string_equal(parsed("[Unit"), "");
}

static void test_comments_and_continued_lines(void **state)
{
	(void)state;
	assert_string_equal(parsed("[U]\n# A=1\n; A=2\nA=3\n"), "U/A=3|");
	assert_string_equal(parsed("[U]\nA=1 \\\n2\\\n  3\nB=4\n"), "U/A=1  2   3|U/B=4|");
	/* systemd.syntax(7): comments between continued lines are ignored */
	assert_string_equal(parsed("[U]\nA=1\\\n# no\n; no\n2\n"), "U/A=1 2|");
	assert_string_equal(parsed("[U]\nA=1\\"), "U/A=1|");
}

static void test_handler_ends_it(void **state)
{
	static const char text[] = "[U]\nStop=1\nA=2\n";

	(void)state;
	seen[0] = 0;
	assert_int_equal(unit_text_parse(text, strlen(text), note, seen), -ECANCELED);
	assert_string_equal(seen, "U/Stop=1|");
}

static void test_words(void **state)
{
	const char *p = "  one 'two three' f\"our \"x \\x\\s\\n'";
	char word[16];

	(void)state;
	assert_true(unit_next_word(&p, word, sizeof(word)));
	assert_string_equal(word, "one");
	assert_true(unit_next_word(&p, word, sizeof(word)));
	assert_string_equal(word, "two three");
	assert_true(unit_next_word(&p, word, sizeof(word)));
	assert_string_equal(word, "four x");
	assert_true(unit_next_word(&p, word, sizeof(word)));
	assert_string_equal(word, "x \n");
	assert_false(unit_next_word(&p, word, sizeof(word)));
	p = "longer-than-that";
	assert_true(unit_next_word(&p, word, 4));
	assert_string_equal(word, "lon");
	assert_string_equal(p, "");
}

static const char *program(const char *value, const char *unit)
{
	static char path[64];
	int r = unit_command_program(value, unit, path, sizeof(path));

	return r == 0 ? path : r == -ENOENT ? "none" : "too long";
}

static void test_programs(void **state)
{
	(void)state;
	assert_string_equal(program("/usr/bin/a b c", "x.service"), "/usr/bin/a");
	assert_string_equal(program("-@/usr/bin/a b", "x.service"), "/usr/bin/a");
	assert_string_equal(program("!!+:|/usr/bin/a", "x.service"), "/usr/bin/a");
	assert_string_equal(program("\"/opt/a b/c\" d", "x.service"), "/opt/a b/c");
	assert_string_equal(program("agetty -o '-p -- \\\\u'", "x.service"), "agetty");
	assert_string_equal(program("", "x.service"), "none");
	assert_string_equal(program(" - ", "x.service"), "none");
	assert_string_equal(program("/a/%i", "x@%.service"), "/a/%");
	assert_string_equal(
		program("/123456789012345678901234567890123456789012345678901234567"
			"8901234567890",
			"x.service"),
		"too long");
}

static void test_specifiers(void **state)
{
	static const char unit[] = "foo-bar@dev-sd\\x2da.service";

	(void)state;
	assert_string_equal(program("/%n", unit), "/foo-bar@dev-sd\\x2da.service");
	assert_string_equal(program("/%N", unit), "/foo-bar@dev-sd\\x2da");
	assert_string_equal(program("/%p", unit), "/foo-bar");
	assert_string_equal(program("/%j", unit), "/bar");
	assert_string_equal(program("/%J", "a-b\\x2dc.service"), "/b-c");
	assert_string_equal(program("/%i", unit), "/dev-sd\\x2da");
	assert_string_equal(program("/%I", unit), "/dev/sd-a");
	assert_string_equal(program("/%i%%", "plain.service"), "/%");
	assert_string_equal(program("/%h", unit), "none");
	assert_string_equal(program("/%", unit), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_comments_and_continued_lines),
		cmocka_unit_test(test_handler_ends_it),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_specifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
