/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "io.h"

/* The root is on a disk; another file system, which may hang, is added at /far. */
static const char table[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";

static char root[] = "/var/tmp/elfcast-test-facts-XXXXXX";
static struct facts_context context;

static void sh(const char *command)
{
	setenv("r", root, 1);
	assert_int_equal(system(command), 0); /* NOLINT: a shell is the tool for it */
}

static int setup(void **state)
{
	char text[512];

	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(text, sizeof(text), "%s2 1 0:50 / %s/far rw - fuse.x x rw\n", table, root);
	context.rootfd = io_open_root(root);
	context.root_path = root;
	sh("mkdir \"$r/dir\" \"$r/far\" && printf hello >\"$r/data\" && cp /bin/sh "
	   "\"$r/elf\" && "
	   "ln -s data \"$r/link\" && : >\"$r/empty\" && touch \"$r/far/x\"");
	return context.rootfd < 0 ? -1 : mounts_parse(text, strlen(text), &context.mounts);
}

static int teardown(void **state)
{
	(void)state;
	close(context.rootfd);
	mounts_free(context.mounts);
	sh("rm -rf \"$r\"");
	return 0;
}

static int start(void **state)
{
	(void)state;
	context.storage_override = STORAGE_NETWORK;
	context.cache = NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	facts_done(&context);
	return 0;
}

static struct file_facts look(const char *path, bool want_buildid)
{
	struct file_facts f;

	memset(&f, 0xff, sizeof(f));
	facts_read(&context, path, want_buildid, &f);
	return f;
}

static void a_file_is_known_by_its_status(void **state)
{
	struct file_facts f = look("/data", false);
	char path[256];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/data", root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.identity.ino, st.st_ino);
	assert_int_equal(f.identity.size_bytes, 5);
	assert_int_equal(f.identity.mtime_ns, identity_time(&st.st_mtim));
	assert_int_equal(f.identity.ctime_ns, identity_time(&st.st_ctim));
	assert_int_equal(f.storage, STORAGE_NETWORK);
	assert_int_equal(f.buildid.n_bytes, 0);
}

static void what_is_no_file_says_why(void **state)
{
	(void)state;
	assert_int_equal(look("/none", true).error, -ENOENT);
	assert_int_equal(look("/data/x", true).error, -ENOTDIR);
	assert_int_equal(look("/dir", true).error, -EINVAL);
	assert_int_equal(look("/link", true).error, -EINVAL);
	assert_int_equal(look("/empty", true).error, 0);
	/* What is there has an identity, so that a change is seen. */
	assert_int_not_equal(look("/dir", true).identity.ino, 0);
	assert_int_equal(look("/none", true).identity.ino, 0);
}

static void file_systems_that_may_hang_are_not_asked(void **state)
{
	struct file_facts f = look("/far/x", false);

	(void)state;
	assert_int_equal(f.error, -EREMOTE);
	assert_int_equal(f.identity.ino, 0);
}

static void build_ids_are_read_when_wanted(void **state)
{
	struct file_facts f = look("/elf", true);
	struct buildid id = f.buildid;

	(void)state;
	assert_int_equal(f.error, 0);
	if (id.n_bytes == 0)
		skip(); /* a system whose programs have none */
	facts_done(&context);
	assert_int_equal(look("/elf", false).buildid.n_bytes, 0);
	/* What is remembered without does not do for who wants it. */
	f = look("/elf", true);
	assert_true(buildid_equal(&f.buildid, &id));
	assert_true(f.identity.size_bytes > 0);
	/* And a file without is no failure. */
	f = look("/data", true);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.buildid.n_bytes, 0);
}

static void each_file_is_looked_at_once(void **state)
{
	uint64_t ino = look("/data", true).identity.ino;

	(void)state;
	sh("mv \"$r/data\" \"$r/kept\" && printf other >\"$r/data\"");
	assert_int_equal(look("/data", true).identity.ino, ino);
	assert_int_equal(look("/data", false).identity.ino, ino);
	facts_done(&context);
	assert_int_not_equal(look("/data", true).identity.ino, ino);
}

static void paths_are_below_the_root(void **state)
{
	struct facts_context c = { .root_path = "/" };
	char path[8];

	(void)state;
	assert_int_equal(facts_full_path(&c, "/a/b", path, sizeof(path)), 0);
	assert_string_equal(path, "/a/b");
	assert_int_equal(facts_full_path(&c, "/", path, sizeof(path)), 0);
	assert_string_equal(path, "/");
	c.root_path = "/r";
	assert_int_equal(facts_full_path(&c, "/", path, sizeof(path)), 0);
	assert_string_equal(path, "/r");
	assert_int_equal(facts_full_path(&c, "/abcd", path, sizeof(path)), 0);
	assert_string_equal(path, "/r/abcd");
	assert_int_equal(facts_full_path(&c, "/abcde", path, sizeof(path)), -ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_known_by_its_status),
		TEST(what_is_no_file_says_why),
		TEST(file_systems_that_may_hang_are_not_asked),
		TEST(build_ids_are_read_when_wanted),
		TEST(each_file_is_looked_at_once),
		TEST(paths_are_below_the_root),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
