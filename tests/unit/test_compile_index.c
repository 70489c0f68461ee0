/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An index is written for real files below a root, put there, loaded and asked. */
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

#include "compile-index.h"
#include "store.h"

static char root[] = "/var/tmp/elfcast-test-index-XXXXXX";
static struct store store;
static struct facts_context context;
static struct compile_index x;
static struct index_builder b;

static void sh(const char *command)
{
	setenv("r", root, 1);
	assert_int_equal(system(command), 0); /* NOLINT: a shell is the tool for it */
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root) || store_open(root, false, &store) < 0)
		return -1;
	context = (struct facts_context){ .rootfd = store.rootfd,
					  .root_path = store.root_path,
					  .storage_override = STORAGE_FLASH };
	return mounts_load(&context.mounts);
}

static int teardown(void **state)
{
	(void)state;
	mounts_free(context.mounts);
	store_done(&store);
	sh("rm -rf \"$r\"");
	return 0;
}

static int start(void **state)
{
	(void)state;
	sh("cd \"$r\" && rm -rf f var && mkdir f && cd f && touch p1 p2 p3 s1 s2 s3 && "
	   "echo a >a && echo b >b && echo common >common");
	x = (struct compile_index){ 0 };
	b = (struct index_builder){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	index_builder_done(&b);
	index_done(&x);
	return 0;
}

/* The file as it is now; strings are borrowed. */
static struct index_file seen(const char *path)
{
	struct index_file f = { .path = (char *)(uintptr_t)path };
	char full[256];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	if (stat(full, &st) < 0)
		return f; /* MISSING */
	f.state = OBJECT_VALID;
	f.storage = STORAGE_FLASH;
	f.identity = identity_from_stat(&st);
	return f;
}

static void add_entry(const char *name, const char *source, const char *target)
{
	const struct index_file s = seen(source), t = seen(target);

	assert_int_equal(index_add_entry(&b, name, "/bin/p", "default", &s, &t), 0);
}

static void add_file(const char *path)
{
	const struct index_file f = seen(path);

	assert_int_equal(index_add_file(&b, &f), 0);
}

static void write_and_load(void)
{
	_cleanup_free_ uint8_t *data = NULL;
	bool written;
	size_t bytes;

	assert_int_equal(index_write(&b, "parameters", &data, &bytes), 0);
	assert_int_equal(store_put(&store, STORE_INDEX, NULL, data, bytes, &written), 0);
	index_builder_done(&b);
	index_done(&x);
	assert_int_equal(index_load(&store, &context, &x), 0);
}

/* Three profiles; /f/b is needed by two, and one needs a file that is not there. */
static void make_index(void)
{
	const struct index_file common = seen("/f/common");

	add_entry("c", "/f/p3", "/f/s3");
	add_file("/f/none");
	add_file("/f/b");
	add_entry("a", "/f/p1", "/f/s1");
	add_file("/f/b");
	add_file("/f/a");
	add_file("/f/a"); /* two builds of one path */
	add_entry("b", "/f/p2", "/f/s2");
	assert_int_equal(index_add_common_file(&b, &common), 0);
	write_and_load();
}

static bool is_changed(const char *name)
{
	const struct shadow_launch *l = index_find(&x, name, "parameters");

	assert_non_null(l);
	return index_changed(&x, l) != NULL;
}

static void check_changed(bool a, bool second, bool c)
{
	index_done(&x);
	assert_int_equal(index_load(&store, &context, &x), 0);
	assert_int_equal(is_changed("a"), a);
	assert_int_equal(is_changed("b"), second);
	assert_int_equal(is_changed("c"), c);
}

static void without_one_nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(index_load(&store, &context, &x), 0);
	assert_null(index_find(&x, "a", "parameters"));
	assert_false(index_has(&x, "/f/a"));
	assert_false(x.any_changed);
}

static void profiles_are_found_by_name(void **state)
{
	const struct shadow_launch *l;

	(void)state;
	make_index();
	assert_int_equal(x.shadow.n_launches, 3);
	l = index_find(&x, "c", "parameters");
	assert_non_null(l);
	assert_string_equal(index_source(&x, l), "/f/p3");
	assert_string_equal(index_target(&x, l), "/f/s3");
	assert_non_null(index_find(&x, "a", "parameters"));
	assert_non_null(index_find(&x, "b", "parameters"));
	assert_null(index_find(&x, "aa", "parameters"));
	assert_null(index_find(&x, "", "parameters"));
	/* Compiled by another version, it says nothing. */
	assert_null(index_find(&x, "a", "others"));
}

static void each_file_is_recorded_once(void **state)
{
	static const char *const paths[] = { "/f/a",  "/f/b",  "/f/common", "/f/none",
					     "/f/p1", "/f/p2", "/f/p3",	    "/f/s1",
					     "/f/s2", "/f/s3" };

	(void)state;
	make_index();
	assert_int_equal(x.shadow.n_objects, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_string_equal(shadow_string(&x.shadow, x.shadow.objects[i].path),
				    paths[i]);
		assert_true(index_has(&x, paths[i]));
	}
	assert_false(index_has(&x, "/f"));
	assert_false(index_has(&x, "/g"));
	assert_int_equal(x.shadow.n_extents, 4); /* a: /f/a, /f/b; c: /f/b, /f/none */
}

static void change_is_seen_by_those_it_concerns(void **state)
{
	(void)state;
	make_index();
	check_changed(false, false, false);
	assert_false(x.any_changed);
	sh("echo more >>\"$r/f/a\"");
	check_changed(true, false, false);
	assert_true(x.any_changed);
	sh("echo more >>\"$r/f/b\"");
	check_changed(true, false, true);
	sh("touch -d 2001-01-01 \"$r/f/p2\""); /* the profile itself */
	check_changed(true, true, true);
}

static void shadow_and_what_was_missing_count_too(void **state)
{
	(void)state;
	make_index();
	sh("touch \"$r/f/none\"");
	check_changed(false, false, true);
	sh("rm \"$r/f/s2\"");
	check_changed(false, true, true);
	/* What all depend on concerns no single one. */
	sh("rm \"$r/f/none\" && rm \"$r/f/common\" && touch \"$r/f/s2\"");
	check_changed(false, true, false);
	assert_true(x.any_changed);
}

static void what_did_not_change_is_carried_over(void **state)
{
	struct compile_index old;

	(void)state;
	make_index();
	old = x;
	x = (struct compile_index){ 0 };
	b.old = &old;
	sh("cd \"$r/f\" && echo new >new");
	add_entry("bb", "/f/p2", "/f/s2");
	add_file("/f/new");
	add_file("/f/b");
	assert_int_equal(index_keep(&b, index_find(&old, "c", "parameters")), 0);
	write_and_load();
	index_done(&old);
	assert_int_equal(x.shadow.n_launches, 2);
	assert_null(index_find(&x, "a", "parameters"));
	assert_false(is_changed("bb"));
	assert_false(is_changed("c"));
	assert_string_equal(index_source(&x, index_find(&x, "c", "parameters")), "/f/p3");
	assert_false(index_has(&x, "/f/a"));	  /* nobody's any more */
	assert_false(index_has(&x, "/f/common")); /* was not said again */
	assert_int_equal(x.shadow.n_objects, 7);
	sh("echo more >>\"$r/f/b\"");
	index_done(&x);
	assert_int_equal(index_load(&store, &context, &x), 0);
	assert_true(is_changed("bb"));
	assert_true(is_changed("c"));
}

static void file_seen_in_two_states_is_never_right(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct index_file f = seen("/f/a");

		f.identity.size_bytes += first == 0;
		add_entry("a", "/f/p1", "/f/s1");
		assert_int_equal(index_add_file(&b, &f), 0);
		f = seen("/f/a");
		f.identity.size_bytes += first == 1;
		add_entry("b", "/f/p2", "/f/s2");
		assert_int_equal(index_add_file(&b, &f), 0);
		write_and_load();
		assert_true(is_changed("a"));
		assert_true(is_changed("b"));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_one_nothing_is_known),
		TEST(profiles_are_found_by_name),
		TEST(each_file_is_recorded_once),
		TEST(change_is_seen_by_those_it_concerns),
		TEST(shadow_and_what_was_missing_count_too),
		TEST(what_did_not_change_is_carried_over),
		TEST(file_seen_in_two_states_is_never_right),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
