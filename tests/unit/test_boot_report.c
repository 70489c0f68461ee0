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

/* What newer versions tell. */
static const char newer[] =
	"{\"elfcast\": 1, \"outcome\": \"read\", \"plan\": \"control\",\n"
	"\"eager\": {\"key\": \"0123456789abcdef\", \"asked_bytes\": 5, \"read_bytes\": 7, "
	"\"ms\": 2.5, \"metadata_read_bytes\": 4, \"metadata_ms\": 9.5},\n"
	"\"metadata\": {\"read_bytes\": 6}, \"own\": {\"read_bytes\": 3, \"ms\": 1.5},\n"
	"\"start_us\": 123456789012, \"boot_id\": "
	"\"6f1c2d3e-0000-4000-8000-0123456789ab\",\n"
	"\"timeline\": {\"metadata\": [], \"own\": [[7, 1, 4]], \"data\": [[0, 0, 0], "
	"[1000, 32, 64], [2000, 33, "
	"64]]}}";

static size_t moments_of(const char *data)
{
	const char *at = strstr(newer, "[[0");
	char changed[2 * sizeof(newer)];
	struct boot_report r;
	size_t n;

	snprintf(changed, sizeof(changed), "%.*s%s}}", (int)(at - newer), newer, data);
	assert_int_equal(boot_report_parse(changed, &r), 0);
	n = r.data.n;
	boot_report_done(&r);
	return n;
}

static void test_timeline(void **state)
{
	struct boot_report r;

	(void)state;
	assert_int_equal(boot_report_parse(newer, &r), 0);
	assert_int_equal(r.plan, BOOT_PLAN_CONTROL);
	assert_true(r.key == UINT64_C(0x0123456789abcdef));
	assert_int_equal(r.eager_asked_bytes, 5);
	assert_int_equal(r.eager_bytes, 14);
	assert_int_equal(r.own_bytes, 3);
	assert_int_equal(r.own.n, 1);
	assert_int_equal(r.own.items[0].read_bytes, 4096);
	assert_int_equal(r.metadata_read_bytes, 6);
	assert_true(r.eager_ms == 9.5);
	assert_string_equal(r.boot_id, "6f1c2d3e-0000-4000-8000-0123456789ab");
	assert_true(r.start_us == UINT64_C(123456789012));
	assert_int_equal(r.metadata.n, 0);
	assert_int_equal(r.data.n, 3);
	assert_int_equal(r.data.items[1].us, 1000);
	assert_int_equal(r.data.items[1].asked_bytes, 32 * 4096);
	assert_int_equal(r.data.items[1].read_bytes, 64 * 1024);
	boot_report_done(&r);
	assert_int_equal(moments_of("[[0, 0, 0]]"), 1);
	assert_int_equal(moments_of("[[5, 0, 0], [4, 0, 0]]"), 1);
	assert_int_equal(moments_of("[[5, 0, 0], 6]"), 1);
	assert_int_equal(moments_of("[[5, 0]]"), 0);
	assert_int_equal(moments_of("[[5, 0, 0, 0]]"), 0);
	assert_int_equal(moments_of("[[5, 0, -1]]"), 0);
	assert_int_equal(moments_of("[[5, 4294967296, 0]]"), 0);
	assert_int_equal(moments_of("[[3600000001, 0, 0]]"), 0);
	assert_int_equal(moments_of("[[5, 0, \"0\"]]"), 0);
	assert_int_equal(moments_of("{}"), 0);
}

static void test_too_many_moments(void **state)
{
	static char many[64 * LIMIT_BOOT_MOMENTS];
	struct boot_report r;
	size_t used = (size_t)snprintf(many, sizeof(many),
				       "{\"elfcast\": 1, \"outcome\": "
				       "\"read\", \"timeline\": {\"data\": [");

	(void)state;
	for (unsigned i = 0; i < 2 * LIMIT_BOOT_MOMENTS; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used, "%s[%u, 0, 0]",
					 i ? "," : "", i);
	snprintf(many + used, sizeof(many) - used, "]}}");
	assert_int_equal(boot_report_parse(many, &r), 0);
	assert_int_equal(r.data.n, LIMIT_BOOT_MOMENTS);
	boot_report_done(&r);
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
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_too_many_moments),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
