/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot-report.h"

static const char text[] = "{\n"
			   "  \"elfcast\": 1,\n"
			   "  \"pack\": \"/var/lib/elfcast/boot.pack\",\n"
			   "  \"outcome\": \"read\",\n"
			   "  \"stopped\": null,\n"
			   "  \"launches\": 10,\n"
			   "  \"objects\": 243,\n"
			   "  \"objects_used\": 240,\n"
			   "  \"asked_bytes\": 42360832,\n"
			   "  \"read_bytes\": 42119168,\n"
			   "  \"there_bytes\": 241664,\n"
			   "  \"metadata\": {\n"
			   "    \"asked_bytes\": 1,\n"
			   "    \"ms\": 2.5\n"
			   "  },\n"
			   "  \"ms\": 540.503,\n"
			   "  \"cpu_ms\": 34.944\n"
			   "}\n";

static void test_members_of_the_outermost_object(void **state)
{
	struct boot_report r;

	(void)state;
	assert_int_equal(boot_report_parse(text, &r), 0);
	assert_string_equal(r.outcome, "read");
	assert_string_equal(r.stopped, "");
	assert_int_equal(r.n_launches, 10);
	assert_int_equal(r.n_objects, 243);
	assert_int_equal(r.n_objects_used, 240);
	assert_int_equal(r.asked_bytes, 42360832);
	assert_int_equal(r.read_bytes, 42119168);
	assert_int_equal(r.there_bytes, 241664);
	assert_true(r.ms > 540.5 && r.ms < 540.51);
	assert_true(r.cpu_ms > 34.9 && r.cpu_ms < 35);
}

static int parse_changed(const char *from, const char *to, struct boot_report *ret)
{
	const char *at = strstr(text, from);
	char changed[2 * sizeof(text)];

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		 at + strlen(from));
	return boot_report_parse(changed, ret);
}

static void test_damage(void **state)
{
	struct boot_report r;

	(void)state;
	assert_int_equal(
		parse_changed("\"stopped\": null", "\"stopped\": \"deadline\"", &r), 0);
	assert_string_equal(r.stopped, "deadline");
	assert_int_equal(boot_report_parse("", &r), -EBADMSG);
	assert_int_equal(parse_changed("\"elfcast\": 1", "\"elfcast\": 2", &r), -EBADMSG);
	assert_int_equal(parse_changed("\"read\"", "null", &r), -EBADMSG);
	assert_int_equal(parse_changed("\"read\"", "\"\"", &r), -EBADMSG);
	assert_int_equal(parse_changed("\"read\"", "\"re\\u001bd\"", &r), -EBADMSG);
	assert_int_equal(
		parse_changed("\"read\"", "\"a word that is longer than any of ours\"", &r),
		-EBADMSG);
	assert_int_equal(parse_changed("10,", "-1,", &r), 0);
	assert_int_equal(r.n_launches, 0);
	assert_int_equal(parse_changed("540.503", "1e300", &r), 0);
	assert_true(r.ms == 0);
	assert_int_equal(parse_changed("34.944\n}", "1, \"ms\": 2}", &r), -EBADMSG);
	assert_int_equal(parse_changed("boot.pack", "boot.p\xc3", &r), -EBADMSG);
	/* Cut anywhere it is no report. */
	for (size_t n = 0; n < sizeof(text) - 2; n++) {
		char cut[sizeof(text)];

		memcpy(cut, text, n);
		cut[n] = 0;
		assert_int_equal(boot_report_parse(cut, &r), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_of_the_outermost_object),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
