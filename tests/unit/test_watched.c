/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Marks are replaced by notes of what would be marked: directories are real, below a root of
 * the test's own, and known by their inode number.
 */
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
#include "shadow-write.h"
#include "vec.h"
#include "watched.h"

static char root[] = "/var/tmp/elfcast-test-watched-XXXXXX";
static struct store store;
static struct marks marks;
static struct watched w;

static char marked[4096]; /* "name " of each file, in the order of their marks */
static unsigned n_dirs, n_flushes;
static int file_error;
static int n_timed;	/* programs */
static bool comes_late; /* a program, in the moment in which a directory gets its mark */

static void sh(const char *command)
{
	setenv("r", root, 1);
	assert_int_equal(system(command), 0); /* NOLINT: a shell is the tool for it */
}

/* Replace those of marks.c. */
void marks_flush(struct marks *m)
{
	assert_ptr_equal(m, &marks);
	n_flushes++;
}

int marks_identify(int dirfd, struct dir_id *ret)
{
	struct stat st;

	assert_int_equal(fstat(dirfd, &st), 0);
	*ret = (struct dir_id){ .fsid = st.st_ino, .bytes = 1 };
	return 0;
}

int marks_add_directory(struct marks *m, int dirfd)
{
	struct stat st;

	assert_ptr_equal(m, &marks);
	assert_true(fstat(dirfd, &st) == 0 && S_ISDIR(st.st_mode));
	if (comes_late)
		sh("mkdir -p \"$r/opt/x\" && touch \"$r/opt/x/y\"");
	comes_late = false;
	n_dirs++;
	return 0;
}

void marks_time_file(struct marks *m, int dirfd, const char *name, bool on)
{
	struct stat st;

	assert_ptr_equal(m, &marks);
	n_timed += fstatat(dirfd, name, &st, 0) == 0 ? (on ? 1 : -1) : 0;
}

int marks_add_file(struct marks *m, int dirfd, const char *name)
{
	struct stat st;

	assert_ptr_equal(m, &marks);
	if (fstatat(dirfd, name, &st, 0) < 0)
		return -errno;
	if (file_error)
		return file_error;
	strcat(strcat(marked, name), " ");
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(root) ? store_open(root, false, &store) : -1;
}

static int teardown(void **state)
{
	(void)state;
	store_done(&store);
	sh("rm -rf \"$r\"");
	return 0;
}

static void forget_marks(void)
{
	marked[0] = 0;
	n_dirs = n_flushes = 0;
	file_error = 0;
}

static int start(void **state)
{
	(void)state;
	sh("cd \"$r\" && rm -rf usr opt && mkdir -p usr/bin usr/libexec/a && "
	   "touch usr/bin/git usr/bin/git-x usr/libexec/a/git usr/libexec/b");
	w = (struct watched){ .store = &store, .marks = &marks };
	forget_marks();
	return 0;
}

static int end(void **state)
{
	(void)state;
	watched_done(&w);
	return 0;
}

/* Watch the programs of an index with a launch for each of PATHS. */
static void set(const char *const *paths, uint32_t n)
{
	struct shadow_launch launches[8] = { 0 };
	char strings[512] = "";
	struct shadow s = { .launches = launches, .n_launches = n, .strings = strings };
	size_t used = 1;

	for (uint32_t i = 0; i < n; i++) {
		launches[i].program = le32_make((uint32_t)used);
		used += (size_t)sprintf(strings + used, "%s", paths[i]) + 1;
	}
	assert_int_equal(watched_set(&w, &s, &(struct name_list){ 0 }), 0);
}

#define SET(...)                                                                           \
	do {                                                                               \
		static const char *const paths[] = { __VA_ARGS__ };                        \
		set(paths, ARRAY_SIZE(paths));                                             \
	} while (0)

static struct dir_id id_of(const char *dir)
{
	struct dir_id id = { .bytes = 1 };
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", root, dir);
	assert_int_equal(stat(path, &st), 0);
	id.fsid = st.st_ino;
	return id;
}

static const char *find(const char *dir, const char *name)
{
	const struct dir_id id = id_of(dir);
	const struct watched_program *p = watched_find(&w, &id, name);

	return p ? p->path : "none";
}

static bool changed(const char *dir, const char *name)
{
	const struct dir_id id = id_of(dir);

	return watched_changed(&w, &id, name);
}

static void programs_and_all_above_them_have_marks(void **state)
{
	(void)state;
	SET("/usr/libexec/a/git", "/usr/bin/git", "/usr/bin/git", "not-absolute");
	assert_string_equal(marked, "git git ");
	assert_int_equal(w.n_programs, 2); /* each once */
	assert_int_equal(n_dirs, 5);	   /* "", usr, bin, libexec, a */
	assert_int_equal(n_flushes, 1);
}

static void names_are_found_in_their_directory_only(void **state)
{
	(void)state;
	SET("/usr/bin/git", "/usr/libexec/a/git", "/usr/bin/git-x");
	assert_string_equal(find("/usr/bin", "git"), "/usr/bin/git");
	assert_string_equal(find("/usr/bin", "git-x"), "/usr/bin/git-x");
	assert_string_equal(find("/usr/libexec/a", "git"), "/usr/libexec/a/git");
	assert_string_equal(find("/usr/libexec", "git"), "none");
	assert_string_equal(find("/usr/bin", "gi"), "none");
	sh("mkdir -p \"$r/opt\"");
	assert_string_equal(find("/opt", "git"), "none");
}

static void programs_of_one_directory_lie_between_those_of_others(void **state)
{
	(void)state;
	/* '-' and '.' come before '/', "bin" is the beginning of "bin-x" and "bin.d". */
	sh("cd \"$r/usr\" && mkdir bin-x bin.d && touch bin-x/p bin.d/p bin/p bin/z");
	SET("/usr/bin-x/p", "/usr/bin.d/p", "/usr/bin/p", "/usr/bin/z", "/usr/libexec/b");
	assert_int_equal(watched_resolve(&w, false), 0);
	for (size_t i = 0; i < w.n_programs; i++)
		assert_int_equal(w.programs[i].error, 0);
	assert_string_equal(marked + 0, "p p p z b ");
}

static void what_is_there_is_not_marked_again(void **state)
{
	(void)state;
	SET("/usr/bin/git");
	forget_marks();
	assert_int_equal(watched_resolve(&w, false), 0);
	assert_string_equal(marked, "");
	assert_int_equal(n_dirs, 0);
	/* Unless marks were lost. */
	assert_int_equal(watched_resolve(&w, true), 0);
	assert_string_equal(marked, "git ");
	assert_int_equal(n_dirs, 3);
}

static void another_directory_in_its_place_is_noticed(void **state)
{
	(void)state;
	SET("/usr/bin/git", "/usr/libexec/b");
	forget_marks();
	sh("cd \"$r/usr\" && mkdir new && touch new/git && mv bin old && mv new bin");
	assert_int_equal(watched_resolve(&w, false), 0);
	assert_string_equal(marked, "git ");
	assert_int_equal(n_dirs, 1);
	assert_string_equal(find("/usr/bin", "git"), "/usr/bin/git");
	assert_string_equal(find("/usr/old", "git"), "none");
}

static void what_comes_later_is_marked(void **state)
{
	int error = 0;

	(void)state;
	SET("/opt/x/y", "/usr/bin/new");
	assert_string_equal(marked, "");
	/* Who is not there is no failure. */
	assert_int_equal(watched_count_failed(&w, &error), 0);
	sh("touch \"$r/usr/bin/new\"");
	assert_false(changed("/usr/bin", "new"));
	assert_string_equal(marked, "new ");
	/* A name that is part of the way to a program: look at the directories again. */
	sh("mkdir -p \"$r/opt/x\" && touch \"$r/opt/x/y\"");
	assert_true(changed("", "opt"));
	assert_false(changed("/usr/bin", "other"));
	assert_int_equal(watched_resolve(&w, false), 0);
	assert_string_equal(marked, "new y ");
	assert_string_equal(find("/opt/x", "y"), "/opt/x/y");
}

static void what_comes_before_the_mark_above_it_is_marked(void **state)
{
	(void)state;
	comes_late = true;
	SET("/opt/x/y");
	assert_false(comes_late);
	assert_string_equal(marked, "y ");
}

static void failures_are_counted(void **state)
{
	int error = 0;

	(void)state;
	file_error = -ENOSPC;
	SET("/usr/bin/git", "/usr/bin/git-x", "/usr/bin/none", "/usr/bin/git/x");
	assert_int_equal(watched_count_failed(&w, &error), 2);
	assert_int_equal(error, -ENOSPC);
	file_error = 0;
	assert_int_equal(watched_resolve(&w, true), 0);
	assert_int_equal(watched_count_failed(&w, &error), 0);
}

static void links_are_not_followed(void **state)
{
	(void)state;
	sh("cd \"$r/usr\" && mv bin real && ln -s real bin");
	SET("/usr/bin/git");
	assert_string_equal(marked, "");
	assert_int_equal(w.programs[0].error, -ENOTDIR);
}

static void another_index_takes_the_place_of_the_first(void **state)
{
	(void)state;
	SET("/usr/bin/git");
	SET("/usr/libexec/b");
	assert_int_equal(n_flushes, 2);
	assert_int_equal(w.n_programs, 1);
	assert_string_equal(find("/usr/bin", "git"), "none");
	assert_string_equal(find("/usr/libexec", "b"), "/usr/libexec/b");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

static void only_what_is_there_is_timed(void **state)
{
	(void)state;
	SET("/usr/bin/git", "/usr/libexec/gone");
	watched_time(&w, &w.programs[0], true);
	assert_int_equal(n_timed, 1);
	watched_time(&w, &w.programs[0], false);
	assert_int_equal(n_timed, 0);
	watched_time(&w, &w.programs[1], true);
	assert_int_equal(n_timed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(programs_and_all_above_them_have_marks),
		TEST(names_are_found_in_their_directory_only),
		TEST(programs_of_one_directory_lie_between_those_of_others),
		TEST(what_is_there_is_not_marked_again),
		TEST(another_directory_in_its_place_is_noticed),
		TEST(what_comes_later_is_marked),
		TEST(what_comes_before_the_mark_above_it_is_marked),
		TEST(failures_are_counted),
		TEST(links_are_not_followed),
		TEST(another_index_takes_the_place_of_the_first),
		TEST(only_what_is_there_is_timed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
