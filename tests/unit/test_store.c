/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "macro.h"
#include "store.h"

static char root[64];
static struct store store;

/* With "r" set to the root: commands are constant strings. */
static void sh(const char *command)
{
	setenv("r", root, 1);
	assert_int_equal(system(command),
			 0); /* NOLINT: for tests the shell is the right tool */
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/elfcast-test-store-XXXXXX");
	return mkdtemp(root) ? store_open(root, false, &store) : -1;
}

static int teardown(void **state)
{
	(void)state;
	store_done(&store);
	sh("rm -rf \"$r\"");
	return 0;
}

#define MAKE_DIR(path) sh("mkdir -p -m 755 \"$r" path "\"")
#define MAKE_FILE(path, text)                                                              \
	sh("printf %s '" text "' >\"$r" path "\"; chmod 644 \"$r" path "\"")
#define MAKE_LINK(path, to) sh("ln -s '" to "' \"$r" path "\"")

#define USR		    "/usr/share/elfcast/profiles.d"
#define ETC		    "/etc/elfcast/profiles.d"

static void test_no_directories_is_empty(void **state)
{
	struct profile_list l;
	struct name_list n;

	(void)state;
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(store_list_shadows(&store, &n), 0);
	assert_int_equal(n.n, 0);
}

static void test_what_is_ours(void **state)
{
	(void)state;
	assert_true(store_is_state("/var/lib/elfcast/boot.pack"));
	assert_true(store_is_state("/var/lib/elfcast/shadows/a.shadow"));
	assert_true(store_is_state("/usr/lib/elfcast/shadows/a.shadow"));
	assert_false(store_is_state("/var/lib/elfcast"));
	assert_false(store_is_state("/var/lib/elfcast-other/a"));
	assert_false(store_is_state("/var/lib/other/var/lib/elfcast/a"));
	assert_false(store_is_state("/usr/bin/elfcast"));
	assert_false(store_is_state(USR "/a.json"));
	assert_false(store_is_state(""));
}

static void test_etc_overrides_and_masks(void **state)
{
	struct profile_list l;
	char path[512];

	(void)state;
	MAKE_DIR(USR);
	MAKE_DIR(ETC);
	MAKE_FILE(USR "/a.json", "usr");
	MAKE_FILE(USR "/b.json", "usr");
	MAKE_FILE(USR "/c.json", "usr");
	MAKE_FILE(USR "/d.json", "usr");
	MAKE_FILE(USR "/notes.txt", "no profile");
	MAKE_FILE(USR "/.hidden.json", "no profile");
	MAKE_FILE(ETC "/b.json", "etc");
	MAKE_LINK(ETC "/c.json", "/dev/null");
	MAKE_FILE(ETC "/d.json", "");
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.items[0].name, "a.json");
	assert_false(l.items[0].from_etc);
	assert_true(l.items[1].from_etc);
	assert_false(l.items[1].masked);
	store_profile_path(&l.items[1], path, sizeof(path));
	assert_string_equal(path, ETC "/b.json");
	assert_true(l.items[2].masked);
	assert_true(l.items[3].masked);
	profile_list_done(&l);
}

static int error_of(const struct profile_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].name, name) == 0)
			return l->items[i].error;
	return 1;
}

static void test_what_is_not_trusted(void **state)
{
	struct profile_list l;

	(void)state;
	MAKE_DIR(USR);
	MAKE_FILE(USR "/good.json", "x");
	MAKE_FILE(USR "/writable.json", "x");
	sh("chmod 666 \"$r" USR "/writable.json\"");
	MAKE_FILE(USR "/group.json", "x");
	sh("chmod 664 \"$r" USR "/group.json\"");
	MAKE_LINK(USR "/link.json", "good.json");
	MAKE_DIR(USR "/dir.json");
	sh("mkfifo \"$r" USR "/fifo.json\"");
	MAKE_FILE(USR "/spa ce.json", "x");
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(error_of(&l, "good.json"), 0);
	assert_int_equal(error_of(&l, "writable.json"), -EPERM);
	assert_int_equal(error_of(&l, "group.json"), -EPERM);
	assert_int_equal(error_of(&l, "link.json"), -ELOOP);
	assert_int_equal(error_of(&l, "dir.json"), -EISDIR);
	assert_int_equal(error_of(&l, "fifo.json"), -EINVAL);
	assert_int_equal(error_of(&l, "spa ce.json"), -EINVAL);
	profile_list_done(&l);
}

static void test_whom_directories_may_belong_to(void **state)
{
	static const char *const modes[] = { "777", "775", "757" };
	struct profile_list l;

	(void)state;
	MAKE_DIR(USR);
	MAKE_FILE(USR "/good.json", "x");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		setenv("mode", modes[i], 1);
		sh("chmod $mode \"$r" USR "\"");
		assert_int_equal(store_list_profiles(&store, &l), 0);
		assert_int_equal(l.n, 0);
		assert_int_equal(l.dir_error[0], -EPERM);
		profile_list_done(&l);
	}
	if (geteuid() != 0)
		skip();
	sh("chmod 755 \"$r" USR "\" && chown 12345 \"$r" USR "/good.json\"");
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(error_of(&l, "good.json"), -EPERM);
	profile_list_done(&l);
	sh("chown 12345 \"$r" USR "\"");
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(l.dir_error[0], -EPERM);
	profile_list_done(&l);
}

static void test_links_cannot_lead_out_of_the_root(void **state)
{
	struct profile_list l;

	(void)state;
	MAKE_DIR("/real/profiles.d");
	MAKE_FILE("/real/profiles.d/x.json", "x");
	MAKE_DIR("/usr/share");
	MAKE_LINK("/usr/share/elfcast", "/../../../../real"); /* inside, whatever it says */
	assert_int_equal(store_list_profiles(&store, &l), 0);
	assert_int_equal(l.n, 1);
	profile_list_done(&l);
}

static void test_put_replaces_and_notices_no_change(void **state)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct identity one, two;
	bool written;
	size_t n;

	(void)state;
	assert_int_equal(store_put(&store, STORE_SHADOW, "s", "abc", 3, &written), 0);
	assert_true(written);
	assert_int_equal(store_stat(&store, STORE_SHADOW, "s", &one), 0);
	assert_int_equal(store_put(&store, STORE_SHADOW, "s", "abc", 3, &written), 0);
	assert_false(written);
	assert_int_equal(store_stat(&store, STORE_SHADOW, "s", &two), 0);
	assert_true(identity_equal(&one, &two));
	assert_int_equal(store_put(&store, STORE_SHADOW, "s", "xyz!", 4, &written), 0);
	assert_true(written);
	assert_int_equal(store_read(&store, STORE_SHADOW, "s", &data, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(data, "xyz!", 4);
	assert_int_equal(store_remove(&store, STORE_SHADOW, "s", &written), 0);
	assert_true(written);
	assert_int_equal(store_remove(&store, STORE_SHADOW, "s", &written), 0);
	assert_false(written);
}

static void test_second_lock_is_busy(void **state)
{
	int fd, again;

	(void)state;
	fd = store_lock(&store, 0);
	assert_true(fd >= 0);
	again = store_lock(&store, 0);
	assert_int_equal(again, -EBUSY);
	close(fd);
	fd = store_lock(&store, 0);
	assert_true(fd >= 0);
	close(fd);
}

static void test_shadow_names(void **state)
{
	_cleanup_free_ char *name = store_shadow_name("/usr/bin/git", "debian.git.json");

	(void)state;
	assert_non_null(strstr(name, ".debian.git.json.shadow"));
	assert_true(store_shadow_is_of(name, "/usr/bin/git"));
	assert_false(store_shadow_is_of(name, "/usr/bin/gitk"));
}

static void assert_profile_of(const char *shadow_name, const char *want)
{
	_cleanup_free_ char *name = store_shadow_profile(shadow_name);

	assert_non_null(name);
	assert_string_equal(name, want);
}

static void test_profiles_of_shadow_names(void **state)
{
	_cleanup_free_ char *name = store_shadow_name("/usr/bin/git", "v.git.json");

	(void)state;
	assert_non_null(name);
	assert_profile_of(name, "v.git.json");
	assert_profile_of("0123456789abcdef.x.shadow", "x");
	assert_profile_of("0123456789abcdef..shadow", "");
	assert_profile_of("stranger", "");
	assert_profile_of("", "");
}

static void test_pack(void **state)
{
	struct identity before, after;
	uint8_t *data;
	size_t bytes;
	char path[64];
	bool done;

	(void)state;
	store_path(&store, STORE_PACK, NULL, path, sizeof(path));
	assert_string_equal(path, "/var/lib/elfcast/boot.pack");
	assert_int_equal(store_remove(&store, STORE_PACK, NULL, &done),
			 0); /* nor is there a directory */
	assert_false(done);
	assert_int_equal(store_stat(&store, STORE_PACK, NULL, &before), -ENOENT);
	assert_int_equal(store_put(&store, STORE_PACK, NULL, "abc", 3, &done), 0);
	assert_true(done);
	assert_int_equal(store_stat(&store, STORE_PACK, NULL, &before), 0);
	assert_int_equal(store_put(&store, STORE_PACK, NULL, "abc", 3, &done), 0);
	assert_false(done);
	assert_int_equal(store_stat(&store, STORE_PACK, NULL, &after), 0);
	assert_true(identity_equal(&before, &after));
	assert_int_equal(store_put(&store, STORE_PACK, NULL, "ab", 2, &done), 0);
	assert_true(done);
	assert_int_equal(store_read(&store, STORE_PACK, NULL, &data, &bytes), 0);
	assert_int_equal(bytes, 2);
	assert_memory_equal(data, "ab", 2);
	free(data);
	assert_int_equal(store_remove(&store, STORE_PACK, NULL, &done), 0);
	assert_true(done);
	assert_int_equal(store_read(&store, STORE_PACK, NULL, &data, &bytes), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_directories_is_empty, setup,
						teardown),
		cmocka_unit_test(test_what_is_ours),
		cmocka_unit_test_setup_teardown(test_etc_overrides_and_masks, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_trusted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whom_directories_may_belong_to, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_links_cannot_lead_out_of_the_root,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_replaces_and_notices_no_change,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_lock_is_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shadow_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profiles_of_shadow_names, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pack, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
