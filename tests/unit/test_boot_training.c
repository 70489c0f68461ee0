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
#include "boot-training.h"
#include "macro.h"

static const char good[] =
	"elfcast-boot-training 1\n"
	"profile local.init.boot.json\nkernel 6.18.44\nexact 0\nboots 2\n"
	"time 1796000000\npages 4800\nnew 120\nfailed 1\nfailed-kernel 6.19\n";

static void test_reads_what_it_writes(void **state)
{
	struct boot_training t;
	char text[BOOT_TRAINING_BYTES];

	(void)state;
	assert_int_equal(boot_training_parse(good, strlen(good), &t), 0);
	assert_string_equal(t.profile, "local.init.boot.json");
	assert_string_equal(t.kernel, "6.18.44");
	assert_int_equal(t.is_exact, 0);
	assert_int_equal(t.n_boots, 2);
	assert_int_equal(t.time_s, 1796000000);
	assert_int_equal(t.n_pages, 4800);
	assert_int_equal(t.n_new_pages, 120);
	assert_int_equal(t.n_failed, 1);
	assert_string_equal(t.failed_kernel, "6.19");
	assert_int_equal(boot_training_format(&t, text, sizeof(text)), strlen(good));
	assert_string_equal(text, good);
	/* Nothing but failures; and the largest that there can be fits. */
	t = (struct boot_training){ .n_failed = 3, .failed_kernel = "6.18.44" };
	boot_training_format(&t, text, sizeof(text));
	assert_int_equal(boot_training_parse(text, strlen(text), &t), 0);
	assert_string_equal(t.profile, "");
	memset(t.profile, 'x', sizeof(t.profile) - 1);
	memset(t.kernel, 'x', sizeof(t.kernel) - 1);
	memset(t.failed_kernel, 'x', sizeof(t.failed_kernel) - 1);
	t.n_pages = t.n_new_pages = t.time_s = t.n_boots = t.n_failed = 999999999999999999u;
	assert_true(boot_training_format(&t, text, sizeof(text)) < sizeof(text));
	assert_int_equal(boot_training_parse(text, strlen(text), &t), 0);
}

static int parse_changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	struct boot_training t;
	char changed[BOOT_TRAINING_BYTES];

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - good), good, to,
		 at + strlen(from));
	return boot_training_parse(changed, strlen(changed), &t);
}

static void test_damage(void **state)
{
	char longest[LIMIT_PROFILE_NAME_BYTES + 2];
	struct boot_training t;

	(void)state;
	for (size_t n = 0; n < strlen(good); n++)
		assert_int_equal(boot_training_parse(good, n, &t), -EBADMSG);
	assert_int_equal(parse_changed("training 1", "training 2"), -EBADMSG);
	assert_int_equal(parse_changed("local.init", "../init"), -EBADMSG);
	assert_int_equal(parse_changed("local.init", "local init"), -EBADMSG);
	assert_int_equal(parse_changed("6.18", "6\x1b"), -EBADMSG);
	assert_int_equal(parse_changed("boots 2", "boots -2"), -EBADMSG);
	assert_int_equal(parse_changed("boots 2", "boots 1234567890123456789"), -EBADMSG);
	assert_int_equal(parse_changed("boots 2\n", ""), -EBADMSG);
	assert_int_equal(parse_changed("6.19\n", "6.19\n\n"), -EBADMSG);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(parse_changed("local.init.boot.json", longest), -EBADMSG);
	assert_int_equal(parse_changed("local.init.boot.json", longest + 1), 0);
}

/* ---- the decision ---- */

static struct boot_training last;
static struct boot_train_facts facts;

static int setup(void **state)
{
	(void)state;
	last = (struct boot_training){
		.profile = "local.init.boot.json",
		.kernel = "6.18.44",
		.n_boots = 2,
		.n_pages = 1000,
		.n_new_pages = 50,
	};
	facts = (struct boot_train_facts){
		.is_allowed = true,
		.last = &last,
		.has_shadow = true,
		.kernel = "6.18.44",
		.n_files = 100,
		.n_changed = 10,
		.used_percent = 50,
	};
	return 0;
}

static void expect(enum boot_train t)
{
	enum boot_train decided = boot_train_decide(&facts);

	assert_string_equal(boot_train_word(decided), boot_train_word(t));
	assert_int_equal(boot_train_is_due(decided), t >= BOOT_TRAIN_NONE);
}

static void test_enough(void **state)
{
	(void)state;
	expect(BOOT_TRAIN_ENOUGH);
}

static void test_off(void **state)
{
	(void)state;
	facts.last = NULL;
	facts.is_allowed = false;
	expect(BOOT_TRAIN_OFF);
}

static void test_none(void **state)
{
	(void)state;
	facts.has_shadow = false; /* its profile was removed, or masked */
	expect(BOOT_TRAIN_NONE);
	facts.has_shadow = true;
	*last.profile = 0; /* it only failed */
	expect(BOOT_TRAIN_NONE);
	facts.last = NULL;
	expect(BOOT_TRAIN_NONE);
}

static void test_stale(void **state)
{
	(void)state;
	facts.n_changed = 11;
	expect(BOOT_TRAIN_FILES);
	facts.n_files = facts.n_changed = UINT32_MAX;
	expect(BOOT_TRAIN_FILES);
	facts.system_changed = true;
	expect(BOOT_TRAIN_SYSTEM);
	facts.kernel = "6.18.45";
	expect(BOOT_TRAIN_KERNEL);
}

static void test_useless(void **state)
{
	(void)state;
	facts.used_percent = 49;
	expect(BOOT_TRAIN_USELESS);
}

static void test_few(void **state)
{
	(void)state;
	last.n_new_pages = 51; /* more than 5 % */
	expect(BOOT_TRAIN_FEW);
	last.n_boots = 4; /* that is how it is here */
	expect(BOOT_TRAIN_ENOUGH);
	last.n_boots = 1;
	last.n_new_pages = 0;
	expect(BOOT_TRAIN_FEW);
	last.is_exact = 1;
	expect(BOOT_TRAIN_ENOUGH);
}

static void test_failures(void **state)
{
	(void)state;
	last.n_boots = 1;
	last.n_failed = 2;
	strcpy(last.failed_kernel, "6.18.44");
	expect(BOOT_TRAIN_FEW);
	last.n_failed = 3;
	expect(BOOT_TRAIN_FAILS);
	facts.kernel = "6.19";
	expect(BOOT_TRAIN_KERNEL);
}

static void test_every_one_has_a_name(void **state)
{
	(void)state;
	for (enum boot_train t = 0; t < BOOT_TRAINS; t++) {
		assert_true(*boot_train_word(t));
		assert_true(*boot_train_text(t));
	}
}

static void test_used(void **state)
{
	struct boot_report r = { .outcome = "read",
				 .n_objects = 200,
				 .n_objects_used = 99 };

	(void)state;
	assert_int_equal(boot_report_used_percent(&r), 49);
	r.n_objects_used = 201;
	assert_int_equal(boot_report_used_percent(&r), 100);
	r.n_objects_used = 0;
	assert_int_equal(boot_report_used_percent(&r), 0);
	r.n_objects = 0;
	assert_int_equal(boot_report_used_percent(&r), 100);
	r = (struct boot_report){ .outcome = "no pack", .n_objects = 200 };
	assert_int_equal(boot_report_used_percent(&r), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_damage),
		cmocka_unit_test_setup(test_enough, setup),
		cmocka_unit_test_setup(test_off, setup),
		cmocka_unit_test_setup(test_none, setup),
		cmocka_unit_test_setup(test_stale, setup),
		cmocka_unit_test_setup(test_useless, setup),
		cmocka_unit_test_setup(test_few, setup),
		cmocka_unit_test_setup(test_failures, setup),
		cmocka_unit_test(test_every_one_has_a_name),
		cmocka_unit_test(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
