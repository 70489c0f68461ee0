/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "json-out.h"
#include "json-scan.h"
#include "macro.h"

static char *written(const char *value)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_non_null(f);
	json_to(f);
	json_open(NULL, '[');
	json_string(NULL, value);
	json_close(']');
	fclose(f);
	json_to(NULL);
	return text;
}

/* Whatever a file is called: JSON, and no line that a terminal obeys. */
static void test_strings(void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{ "", "" },
		{ "/usr/bin/\xc3\xa9 \xf0\x9f\x98\x80",
		  "/usr/bin/\xc3\xa9 \xf0\x9f\x98\x80" },
		{ "\"a\\b/", "\\\"a\\\\b/" },
		{ "\n\x1b[31m\x7f", "\\u000a\\u001b[31m\\u007f" },
		{ "\xc2\x9b"
		  "31m",
		  "\\u009b31m" },
		{ "\xe2\x80\xaegpj\"", "\\u202egpj\\\"" },
		{ "/\xe9t\xe9", "/\\ufffdt\\ufffd" },
		{ "cut \xe2\x82", "cut \\ufffd\\ufffd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = written(cases[i].value);
		struct diag diag;
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "[\n  \"%s\"\n]\n", cases[i].text);
		assert_string_equal(text, wanted);
		assert_int_equal(json_scan(text, strlen(text), NULL, &diag), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
