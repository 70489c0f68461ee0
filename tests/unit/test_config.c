/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "config.h"
#include "shadow-format.h"

/* All that was reported, "LINE:COLUMN: MESSAGE" each. */
static char reported[4096];

static void note(_unused_ const char *path, const struct diag *d, void *userdata)
{
	size_t n = strlen(reported);

	assert_ptr_equal(userdata, reported);
	snprintf(reported + n, sizeof(reported) - n, "%u:%u: %s\n", d->line, d->column,
		 d->message);
}

static struct config parsed(const char *text)
{
	struct config c;

	config_init(&c);
	reported[0] = 0;
	assert_int_equal(config_parse("conf", text, strlen(text), &c, note, reported), 0);
	return c;
}

static void test_defaults(void **state)
{
	struct config c = parsed("");

	(void)state;
	assert_string_equal(reported, "");
	assert_false(c.has_budget);
	assert_int_equal(c.time_ms, 30000);
	assert_int_equal(c.storage, -1);
	assert_true(c.boot);
	assert_true(c.watch);
	assert_true(c.exec_read_ahead);
	assert_true(c.boot_train);
	assert_int_equal(c.always.n, 0);
	assert_int_equal(c.never.n, 0);
	config_done(&c);
}

static void test_every_key(void **state)
{
	struct config c = parsed("# a comment = none\n"
				 "\n"
				 "BootBudget=300M\n"
				 " \t BootTime = 5s \r\n"
				 "Storage=network\n"
				 "Always=/usr/bin/git  firefox\n"
				 "Always=/bin/sh\n"
				 "Never=/opt/x=y\n"
				 "Boot=no\n"
				 "BootTrain=no\n"
				 "ExecReadAhead=no\n"
				 "Watch=no"); /* no newline at the end */

	(void)state;
	assert_string_equal(reported, "");
	assert_true(c.has_budget);
	assert_int_equal(c.budget_bytes, 300u << 20);
	assert_int_equal(c.budget_percent, 0);
	assert_int_equal(c.time_ms, 5000);
	assert_int_equal(c.storage, STORAGE_NETWORK);
	assert_int_equal(c.always.n, 3);
	assert_string_equal(c.always.names[0], "/usr/bin/git");
	assert_string_equal(c.always.names[1], "firefox");
	assert_string_equal(c.always.names[2], "/bin/sh");
	assert_int_equal(c.never.n, 1);
	assert_string_equal(c.never.names[0], "/opt/x=y");
	assert_false(c.boot);
	assert_false(c.exec_read_ahead);
	assert_false(c.watch);
	assert_false(c.boot_train);
	config_done(&c);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		unsigned percent, time_ms;
	} cases[] = {
		{ "BootBudget=0\n", 0, 0, 30000 },
		{ "BootBudget=4096\n", 4096, 0, 30000 },
		{ "BootBudget=1K\n", 1024, 0, 30000 },
		{ "BootBudget=2 G\n", (uint64_t)2 << 30, 0, 30000 },
		{ "BootBudget=1024T\n", (uint64_t)1 << 50, 0, 30000 },
		{ "BootBudget=7%\n", 0, 7, 30000 },
		{ "BootBudget=50 %\n", 0, 50, 30000 },
		{ "BootBudget=7%\nBootBudget=5M\n", 5 << 20, 0, 30000 },
		{ "BootTime=0\n", 0, 0, 0 },
		{ "BootTime=250\n", 0, 0, 250 },
		{ "BootTime=250 ms\n", 0, 0, 250 },
		{ "BootTime=3600s\n", 0, 0, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c = parsed(cases[i].text);

		assert_string_equal(reported, "");
		assert_int_equal(c.budget_bytes, cases[i].bytes);
		assert_int_equal(c.budget_percent, cases[i].percent);
		assert_int_equal(c.time_ms, cases[i].time_ms);
		assert_int_equal(c.has_budget, cases[i].text[4] == 'B');
		config_done(&c);
	}
}

#define NUMERALS "01234567890123456789012345678901234567890123456789" /* 50 */

/* What is wrong with the line, and that it set nothing. */
static void test_bad_lines(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "BootBudget", "1:1: no '=': not KEY=VALUE, and no comment\n" },
		{ "  [Boot]", "1:3: no '=': not KEY=VALUE, and no comment\n" },
		{ "=1", "1:1: unknown key ''\n" },
		{ "bootbudget=1", "1:1: unknown key 'bootbudget'\n" },
		{ "\tBoot Budget=1", "1:2: unknown key 'Boot Budget'\n" },
		{ "BootBudget=",
		  "1:12: '' is no number of bytes and no share of memory\n" },
		{ "BootBudget=-1",
		  "1:12: '-1' is no number of bytes and no share of memory\n" },
		{ "BootBudget=99999999999999999999",
		  "1:12: '99999999999999999999' is no number of bytes and no share of "
		  "memory\n" },
		{ "BootBudget=1.5G",
		  "1:13: unknown unit '.5G', not one of K, M, G, T, %\n" },
		{ "BootBudget= 5m", "1:14: unknown unit 'm', not one of K, M, G, T, %\n" },
		{ "BootBudget=0%", "1:12: '0%' is not between 1% and 50%\n" },
		{ "BootBudget=51%", "1:12: '51%' is not between 1% and 50%\n" },
		{ "BootBudget=1025T", "1:12: '1025T' is too much\n" },
		{ "BootBudget=99999999T",
		  "1:20: unknown unit 'T', not one of K, M, G, T, %\n" },
		{ "BootTime=soon", "1:10: 'soon' is no time\n" },
		{ "BootTime=5min", "1:11: unknown unit 'min', not one of ms, s\n" },
		{ "BootTime=3601s", "1:10: '3601s' is more than an hour\n" },
		{ "BootTime=3600001", "1:10: '3600001' is more than an hour\n" },
		{ "BootTime=18446744073709551615s",
		  "1:30: unknown unit 's', not one of ms, s\n" },
		{ "Storage=tape",
		  "1:9: unknown storage 'tape', not one of auto, rotational, network, "
		  "flash, image\n" },
		{ "Storage=",
		  "1:9: unknown storage '', not one of auto, rotational, network, "
		  "flash, image\n" },
		{ "Boot=true", "1:6: 'true' is not yes or no\n" },
		{ "Watch= NO", "1:8: 'NO' is not yes or no\n" },
		{ "ExecReadAhead=auto", "1:15: 'auto' is not yes or no\n" },
		{ "BootTrain=yes", "1:11: 'yes' is not auto or no\n" },
		{ "Always=bin/git",
		  "1:8: 'bin/git' is neither an absolute path nor a name\n" },
		{ "Boot=n\001o", "1:7: control character 1\n" },
		{ "Unknown\x7f\x1b=1", "1:8: control character 127\n" },
		{ "Never=/\xc2\x9b", "1:8: control character 155\n" },
		{ "Never=/a\xe2\x80\xae", "1:9: control character 8238\n" },
		{ "Never=/\xe9t", "1:8: byte 233 is not UTF-8\n" },
		{ "Boot=a\tb", "1:6: 'a?b' is not yes or no\n" },
		{ "Boot=" NUMERALS "yyyyyyyyy\xc3\xa9y",
		  "1:6: '" NUMERALS "yyyyyyyyy...' is not yes or no\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c = parsed(cases[i].line);

		assert_string_equal(reported, cases[i].message);
		assert_false(c.has_budget);
		assert_int_equal(c.time_ms, 30000);
		assert_int_equal(c.storage, -1);
		assert_true(c.boot && c.watch);
		assert_int_equal(c.always.n + c.never.n, 0);
		config_done(&c);
	}
}

static void test_a_bad_line_costs_nothing_else(void **state)
{
	struct config c =
		parsed("Boot=no\nNonsense\nAlways=a b/c d\nBootTime=x\nWatch=no\n");

	(void)state;
	assert_string_equal(reported, "2:1: no '=': not KEY=VALUE, and no comment\n"
				      "3:10: 'b/c' is neither an absolute path nor a name\n"
				      "4:10: 'x' is no time\n");
	assert_false(c.boot);
	assert_false(c.watch);
	assert_int_equal(c.always.n, 2);
	assert_string_equal(c.always.names[1], "d");
	config_done(&c);
}

static void test_last_one_counts_and_empty_clears(void **state)
{
	struct config c = parsed("Boot=no\nBoot=yes\nNever=a b\nNever=\nNever=c\nAlways=x\n"
				 "Always=\nStorage=flash\nStorage=auto\n");

	(void)state;
	assert_string_equal(reported, "");
	assert_true(c.boot);
	assert_int_equal(c.never.n, 1);
	assert_string_equal(c.never.names[0], "c");
	assert_int_equal(c.always.n, 0);
	assert_int_equal(c.storage, -1);
	config_done(&c);
}

static void test_nuls_and_limits(void **state)
{
	static const char nul[] = "Boot=no\0\nWatch=no\n";
	struct config c;
	char *text = malloc(LIMIT_CONFIG_PROGRAMS * 2 + 32), *end;

	(void)state;
	assert_non_null(text);
	config_init(&c);
	reported[0] = 0;
	assert_int_equal(config_parse("conf", nul, sizeof(nul) - 1, &c, note, reported), 0);
	assert_string_equal(reported, "1:8: control character 0\n");
	assert_true(c.boot);
	assert_false(c.watch);
	config_done(&c);
	end = stpcpy(text, "Never=");
	for (size_t i = 0; i < LIMIT_CONFIG_PROGRAMS; i++)
		end = stpcpy(end, "a ");
	stpcpy(end, "b");
	c = parsed(text);
	assert_string_equal(reported, "1:8199: more than 4096 programs\n");
	assert_int_equal(c.never.n, LIMIT_CONFIG_PROGRAMS);
	config_done(&c);
	free(text);
}

static void test_lists(void **state)
{
	struct config c = parsed("Always=/usr/bin/git sh\n");

	(void)state;
	assert_true(config_lists(&c.always, "/usr/bin/git"));
	assert_false(config_lists(&c.always, "/usr/local/bin/git"));
	assert_false(config_lists(&c.always, "/usr/bin/gi"));
	assert_true(config_lists(&c.always, "/bin/sh"));
	assert_true(config_lists(&c.always, "/usr/bin/sh"));
	assert_false(config_lists(&c.always, "/bin/bash"));
	assert_false(config_lists(&c.never, "/bin/sh"));
	config_done(&c);
}

static void test_budget(void **state)
{
	const uint64_t gib = (uint64_t)1 << 30;
	struct config c = parsed("");

	(void)state;
	assert_int_equal(config_budget_bytes(&c, 2 * gib), 2 * gib / 100 * 10);
	assert_int_equal(config_budget_bytes(&c, 64 * gib), 512 << 20);
	assert_int_equal(config_budget_bytes(&c, 0), 512 << 20);
	c = parsed("BootBudget=25%\n"); /* said so: without the bound */
	assert_int_equal(config_budget_bytes(&c, 64 * gib), 64 * gib / 100 * 25);
	c = parsed("BootBudget=0\n");
	assert_int_equal(config_budget_bytes(&c, 64 * gib), 0);
	c = parsed("BootBudget=3G\n");
	assert_int_equal(config_budget_bytes(&c, 2 * gib), 3 * gib);
	assert_true(config_ram_bytes() > 0);
	assert_int_equal(config_ram_bytes() % (64 << 20), 0);
}

/* ---- the file ---- */

static char root[64];
static struct store store;

static void sh(const char *command)
{
	setenv("r", root, 1);
	assert_int_equal(system(command), 0); /* NOLINT */
}

static int setup(void **state)
{
	(void)state;
	umask(022);
	strcpy(root, "/tmp/elfcast-test-config-XXXXXX");
	return mkdtemp(root) ? store_open(root, false, &store) : -1;
}

static int teardown(void **state)
{
	(void)state;
	store_done(&store);
	sh("rm -rf \"$r\"");
	return 0;
}

static bool never(const char *program)
{
	struct config c;
	bool is_never;

	assert_int_equal(config_load(&store, &c, note, reported), 0);
	is_never = config_lists(&c.never, program);
	config_done(&c);
	return is_never;
}

static bool loaded_boot(void)
{
	struct config c;
	bool boot;

	reported[0] = 0;
	assert_int_equal(config_load(&store, &c, note, reported), 0);
	boot = c.boot;
	config_done(&c);
	return boot;
}

static void test_file(void **state)
{
	(void)state;
	assert_true(loaded_boot()); /* none */
	assert_string_equal(reported, "");
	sh("mkdir -p \"$r/etc/elfcast\"");
	assert_true(loaded_boot());
	assert_string_equal(reported, "");
	sh("printf 'Boot=no\\nx\\n' >\"$r/etc/elfcast/elfcast.conf\"");
	assert_false(loaded_boot());
	assert_string_equal(reported, "2:1: no '=': not KEY=VALUE, and no comment\n");
	assert_string_equal(store_config_path(), "/etc/elfcast/elfcast.conf");
}

/* What elfcast disable writes counts beside elfcast.conf, and goes with the last program. */
static void test_disable(void **state)
{
	bool changed;

	(void)state;
	sh("rm -rf \"$r/etc\" \"$r/x\"; mkdir -p \"$r/etc/elfcast\"; echo Never=/a "
	   ">\"$r/etc/elfcast/elfcast.conf\"");
	assert_int_equal(config_disable(&store, "/b", true, &changed), 0);
	assert_true(changed);
	assert_int_equal(config_disable(&store, "/b", true, &changed), 0);
	assert_false(changed);
	assert_int_equal(config_disable(&store, "/a c", true, &changed), -EINVAL);
	assert_int_equal(config_disable(&store, "b", true, &changed), -EINVAL);
	assert_int_equal(config_disable(&store, "/\033", true, &changed), -EINVAL);
	assert_true(never("/a") && never("/b") && !never("/c"));
	assert_int_equal(config_disable(&store, "/b", false, &changed), 0);
	assert_true(changed && never("/a") && !never("/b"));
	assert_int_equal(config_disable(&store, "/a", false, &changed), 0);
	assert_false(changed); /* not ours to take back */
	sh("test ! -e \"$r/etc/elfcast/disabled.conf\"");
}

static void test_file_that_is_not_trusted(void **state)
{
#define CONF "\"$r/etc/elfcast/elfcast.conf\""
	static const struct {
		const char *damage, *message;
	} cases[] = {
		{ "chmod g+w " CONF, "0:0: not root's, or others may write it: ignored\n" },
		{ "chmod o+w " CONF, "0:0: not root's, or others may write it: ignored\n" },
		{ "chmod o+w \"$r/etc/elfcast\"",
		  "0:0: not root's, or others may write it: ignored\n" },
		{ "rm " CONF "; mkdir " CONF, "0:0: not a regular file: ignored\n" },
		{ "rm " CONF "; mkfifo " CONF, "0:0: not a regular file: ignored\n" },
		{ "mv " CONF " \"$r/x\"; ln -s ../../x " CONF,
		  "0:0: not a regular file: ignored\n" },
		{ "truncate -s 65537 " CONF, "0:0: more than 65536 bytes: ignored\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sh("rm -rf \"$r/etc\" \"$r/x\"; mkdir -p \"$r/etc/elfcast\"; echo Boot=no "
		   ">" CONF);
		assert_false(loaded_boot());
		assert_string_equal(reported, "");
		sh(cases[i].damage);
		assert_true(loaded_boot());
		assert_string_equal(reported, cases[i].message);
	}
}

static void test_file_of_another_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	sh("rm -rf \"$r/etc\"; mkdir -p \"$r/etc/elfcast\"; echo Boot=no >" CONF
	   "; chown 65534 " CONF);
	assert_true(loaded_boot());
	assert_string_equal(reported, "0:0: not root's, or others may write it: ignored\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_a_bad_line_costs_nothing_else),
		cmocka_unit_test(test_last_one_counts_and_empty_clears),
		cmocka_unit_test(test_nuls_and_limits),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_file_that_is_not_trusted),
		cmocka_unit_test(test_file_of_another_user),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
