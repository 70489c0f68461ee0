/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command line is there for: programs that start others, and interpreters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "command-line.h"
#include "macro.h"

static char dir[] = "/tmp/elfcast-test-XXXXXX";

#define MAX_WORDS 16

/* Words of LINE, which has no quotes. */
static char **words(char *line, char *argv[MAX_WORDS])
{
	size_t n = 0;

	for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n] = NULL;
	return argv;
}

static void test_starts(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum starts what;
	} cases[] = {
		{ "/usr/bin/env A=b git status", STARTS_CHILD },
		{ "/usr/bin/su -c id nobody", STARTS_CHILD },
		{ "timeout 5 git", STARTS_CHILD },
		{ "/bin/sh -c git", STARTS_IN_PLACE },
		{ "/bin/bash --norc -ec git", STARTS_IN_PLACE },
		{ "/bin/sh script -c", STARTS_NOTHING },
		{ "/bin/sh", STARTS_NOTHING },
		{ "/bin/bash --cold", STARTS_NOTHING },
		{ "/opt/environment x", STARTS_NOTHING },
		{ "/usr/bin/git status", STARTS_NOTHING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *argv[MAX_WORDS], line[256];

		snprintf(line, sizeof(line), "%s", cases[i].line);
		words(line, argv);
		if (command_line_starts(argv[0], argv) != cases[i].what)
			fail_msg("%s", cases[i].line);
	}
	/* A path, and a command without one word. */
	assert_true(command_line_is_on_the_way("/usr/sbin/unix_chkpwd"));
	assert_false(command_line_is_on_the_way("/usr/bin/perl"));
	assert_int_equal(command_line_starts("/bin/sh", (char *[]){ NULL }),
			 STARTS_NOTHING);
}

/* "@" in a wanted name is the directory. */
static void check_interpreted(const char *command, const char *want)
{
	char *argv[MAX_WORDS], line[256], expected[PATH_MAX], *got;

	snprintf(line, sizeof(line), "%s", command);
	words(line, argv);
	assert_int_equal(command_line_interpreted(argv[0], argv, dir, &got), 0);
	if (!want && !got)
		return;
	if (!want || !got)
		fail_msg("%s: %s", command, got ? got : "nothing");
	snprintf(expected, sizeof(expected), "%s%s", *want == '@' ? dir : "",
		 want + (*want == '@'));
	if (strcmp(got, expected) != 0)
		fail_msg("%s: %s, not %s", command, got, expected);
	free(got);
}

static void test_interpreted(void **state)
{
	(void)state;
	static const struct {
		const char *command, *want;
	} cases[] = {
		{ "/usr/bin/node app.js", "@/app.js" },
		{ "node ./sub/../app.js x.js", "@/app.js" },
		{ "node -r hook --import other --inspect=1 app.js", "@/app.js" },
		{ "node -e 1 app.js", NULL },
		{ "node --print 1", NULL },
		{ "node missing.js", NULL },
		{ "node", NULL },
		{ "node -", NULL },
		{ "nodes app.js", NULL },
		{ "/usr/bin/python3.11 app.js", "@/app.js" },
		{ "python3 -W ignore -X dev app.js", "@/app.js" },
		{ "python3 -Wignore -Bm http.server 8000", "http.server" },
		{ "python3 -mjson.tool", "json.tool" },
		{ "python3 -m", NULL },
		{ "python3 -c pass app.js", NULL },
		{ "python3 -Ic pass", NULL },
		{ "python3 -W", NULL },
		{ "python3 -- app.js", "@/app.js" },
		{ "perl -MPOSIX -I lib -w app.js", "@/app.js" },
		{ "perl -ne 1 app.js", NULL },
		{ "perl5.36.0 -Mstrict app.js", "@/app.js" },
		{ "php -d a=b -f app.js", "@/app.js" },
		{ "bash -x app.js", "@/app.js" },
		{ "bash -o posix app.js", "@/app.js" },
		{ "bash -c id app.js", NULL },
		{ "java -cp a:b Main", "Main" },
		{ "java -Xmx1g -jar app.js -jar other", "@/app.js" },
		{ "java -jar", NULL },
		{ "java --module-path m -m a/b", "a/b" },
		{ "git status", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_interpreted(cases[i].command, cases[i].want);
}

/* Names that a profile could not hold are none; long ones stay apart. */
static void test_odd_names(void **state)
{
	(void)state;
	char a[300] = "python3 -m ", b[300], *argv[MAX_WORDS], *first, *second;

	check_interpreted("python3 -m \x1b[31m", NULL);
	check_interpreted("python3 -m \xff", NULL);
	for (int i = 0; i < 100; i++)
		strcat(a, "\xc3\xa4"); /* two bytes each: cut between them */
	strcpy(b, a);
	b[11] = 'x', b[12] = 'y';
	words(a, argv);
	assert_int_equal(command_line_interpreted(argv[0], argv, dir, &first), 0);
	words(b, argv);
	assert_int_equal(command_line_interpreted(argv[0], argv, dir, &second), 0);
	assert_true(strlen(first) <= LIMIT_NAME_BYTES);
	assert_true(strlen(first) > LIMIT_NAME_BYTES - 3);
	assert_string_not_equal(first, second);
	assert_string_equal(first + 17, second + 17);
	free(first);
	free(second);
}

static int setup(void **state)
{
	(void)state;
	char path[64], *canonical;

	if (!mkdtemp(dir) || !(canonical = realpath(dir, NULL)))
		return -1;
	free(canonical);
	snprintf(path, sizeof(path), "%s/sub", dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/app.js", dir);
	return close(open(path, O_CREAT | O_WRONLY, 0644));
}

static int teardown(void **state)
{
	(void)state;
	char path[64];

	snprintf(path, sizeof(path), "%s/app.js", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sub", dir);
	rmdir(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_interpreted),
		cmocka_unit_test(test_odd_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
