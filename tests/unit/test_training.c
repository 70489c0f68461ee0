/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "search-path.h"
#include "traced-files.h"
#include "training.h"

static char dir[] = "/tmp/elfcast-test-train-XXXXXX";
static char data_path[64], program_path[64], plain_path[64], link_path[64];

static void write_file(const char *path, mode_t mode, const char *text, size_t bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, text, bytes), 0);
}

static int setup(void **state)
{
	static char text[5 * PAGE_BYTES + 100];

	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	snprintf(data_path, sizeof(data_path), "%s/data", dir);
	snprintf(program_path, sizeof(program_path), "%s/program", dir);
	snprintf(plain_path, sizeof(plain_path), "%s/plain", dir);
	snprintf(link_path, sizeof(link_path), "%s/link", dir);
	write_file(data_path, 0644, text, sizeof(text));
	write_file(program_path, 0755, "#!/bin/sh\n", 10);
	write_file(plain_path, 0644, "x", 1);
	return symlink("program", link_path);
}

static int teardown(void **state)
{
	(void)state;
	unlink(data_path);
	unlink(program_path);
	unlink(plain_path);
	unlink(link_path);
	return rmdir(dir);
}

static struct trace_object object_of(const char *path, uint8_t *when, uint32_t n_pages)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (struct trace_object){
		.path = strdup(path),
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size_bytes = (uint64_t)st.st_size,
		.n_pages = n_pages,
		.when = when,
	};
}

static unsigned n_private;

static int train(unsigned window_ms, const struct trace_result *t, struct profile **ret)
{
	const struct train_options o = { "/bin/p", "s", window_ms, false };

	return train_profile(&o, t, ret, &n_private);
}

/* Runs are maximal, keep their bucket, and leave out what was not touched. */
static void test_data_file(void **state)
{
	(void)state;
	uint8_t when[6] = { 1, 1, 0, 5, 6, 6 };
	struct trace_object o = object_of(data_path, when, 6);
	struct trace_result t = { .method = TRACE_UFFD, .objects = &o, .n_objects = 1 };
	_cleanup_(profile_freep) struct profile *p = NULL;
	static const struct page_run want[] = { { 0, 2, 1, 0 },
						{ 3, 1, 1, 4 },
						{ 4, 2, 1, 5 } };
	_cleanup_close_ int fd = open(data_path, O_RDONLY | O_CLOEXEC);
	char digest[HASH_DIGEST_BYTES];
	struct utsname u;

	assert_int_equal(train(1234, &t, &p), 0);
	uname(&u);
	assert_string_equal(p->program, "/bin/p");
	assert_string_equal(p->scenario, "s");
	assert_string_equal(p->arch, u.machine);
	assert_string_equal(p->kernel, u.release);
	assert_string_equal(p->method, "uffd");
	assert_int_equal(p->window_ms, 1234);
	assert_int_equal(p->n_runs, 1);
	assert_int_equal(p->n_objects, 1);
	assert_string_equal(p->objects[0].path, data_path);
	assert_int_equal(p->objects[0].buildid.n_bytes, 0);
	assert_true(p->objects[0].size_bytes == o.size_bytes);
	assert_int_equal(hash_file(fd, digest), 0);
	assert_string_equal(p->objects[0].digest, digest);
	assert_int_equal(p->objects[0].pages.n_runs, 3);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(&p->objects[0].pages.runs[i], &want[i],
				    sizeof(want[i]));
	free(o.path);
}

/* This test is an ELF file with a build-id: no digest. */
static void test_elf_file(void **state)
{
	(void)state;
	uint8_t when[1] = { 1 };
	char self[4096] = "";
	_cleanup_(profile_freep) struct profile *p = NULL;
	struct buildid id;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	struct trace_object o = object_of(self, when, 1);
	struct trace_result t = { .method = TRACE_PAGEMAP, .objects = &o, .n_objects = 1 };
	_cleanup_close_ int fd = open(self, O_RDONLY | O_CLOEXEC);

	assert_int_equal(buildid_read(fd, &id), 0);
	assert_int_equal(train(1, &t, &p), 0);
	assert_string_equal(p->method, "pagemap");
	assert_true(buildid_equal(&p->objects[0].buildid, &id));
	assert_null(p->objects[0].digest);
	free(o.path);
}

/* One without is known by its first page: by an id all the same, and no digest; but a private one. */
static void test_elf_file_without_id(void **state)
{
	static const char head[64] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 };
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/without", dir);
	for (int private = 0; private < 2; private ++) {
		uint8_t when[1] = { 1 };
		_cleanup_(profile_freep) struct profile *p = NULL;
		struct trace_object o;
		struct trace_result t = { .method = TRACE_UFFD,
					  .objects = &o,
					  .n_objects = 1 };

		write_file(path, private ? 0600 : 0644, head, sizeof(head));
		o = object_of(path, when, 1);
		assert_int_equal(train(1, &t, &p), 0);
		assert_int_equal(p->objects[0].buildid.n_bytes, private ? 0 : 8);
		assert_null(p->objects[0].digest);
		assert_int_equal(unlink(path), 0);
		free(o.path);
	}
}

/* Replaced since it was recorded, or gone: its pages mean nothing any more. */
static void test_changed_file(void **state)
{
	(void)state;
	uint8_t when[1] = { 1 };
	struct trace_object o[2] = { object_of(data_path, when, 1),
				     object_of(plain_path, when, 1) };
	struct trace_result t = { .method = TRACE_UFFD, .objects = o, .n_objects = 2 };
	_cleanup_(profile_freep) struct profile *p = NULL;

	o[0].size_bytes++;
	free(o[1].path);
	o[1].path = strdup("/nonexistent/file");
	assert_int_equal(train(1, &t, &p), 0);
	assert_int_equal(p->n_objects, 0);
	free(o[0].path);
	free(o[1].path);
}

/* By its own mode, or that of a directory on the way. */
static void test_private_file(void **state)
{
	(void)state;
	uint8_t when[1] = { 1 };
	struct trace_object o[2] = { object_of(data_path, when, 1),
				     object_of(plain_path, when, 1) };
	struct trace_result t = { .method = TRACE_UFFD, .objects = o, .n_objects = 2 };
	const struct train_options public = { "/bin/p", "s", 1, true };

	for (int by_dir = 0; by_dir < 2; by_dir++) {
		_cleanup_(profile_freep) struct profile *p = NULL, *q = NULL;

		assert_int_equal(chmod(by_dir ? dir : data_path, by_dir ? 0750 : 0640), 0);
		assert_int_equal(train(1, &t, &p), 0);
		assert_int_equal(n_private, 1 + by_dir);
		assert_int_equal(p->n_objects, 2);
		assert_null(p->objects[0].digest);
		assert_int_equal(!p->objects[1].digest, by_dir);
		assert_int_equal(train_profile(&public, &t, &q, &n_private), 0);
		assert_int_equal(n_private, 1 + by_dir);
		assert_int_equal(q->n_objects, 1 - by_dir);
		assert_int_equal(chmod(by_dir ? dir : data_path, by_dir ? 0755 : 0644), 0);
	}
	free(o[0].path);
	free(o[1].path);
}

static char *lookups_of(const struct trace_result *t, bool is_public)
{
	const struct train_options o = { "/bin/p", "s", 1, is_public };
	_cleanup_(profile_freep) struct profile *p = NULL;
	char *text, *from;
	size_t bytes;

	assert_int_equal(train_profile(&o, t, &p, &n_private), 0);
	assert_int_equal(profile_write(p, &text, &bytes), 0);
	from = strstr(text, "\t\t[\"/");
	from = strdup(from ? from : "");
	free(text);
	return from;
}

static void add_names(struct lookups *l, const char *path, uint32_t listed,
		      const char *const *names)
{
	struct lookup_dir *d = lookups_add_dir(l, path, strlen(path), listed);

	assert_non_null(d);
	for (; names && *names; names++)
		assert_int_equal(lookup_dir_add(d, *names, strlen(*names), 1), 0);
}

/* What objects and other lookups make the kernel look up anyway is left out. */
static void test_lookups(void **state)
{
	(void)state;
	static const char *const root[] = { "no", "tmp", "tmpx", NULL };
	static const char *const tmp[] = { "nothing", NULL };
	static const char *const here[] = { "dat", "data", "data.x", "link", NULL };
	uint8_t when[1] = { 1 };
	struct trace_object o = object_of(data_path, when, 1);
	struct trace_result t = { .method = TRACE_UFFD, .objects = &o, .n_objects = 1 };
	_cleanup_free_ char *text = NULL;
	char want[512];

	add_names(&t.lookups, "/", 0, root);
	add_names(&t.lookups, "/tmp", 0, tmp);
	add_names(&t.lookups, dir, 1, here);
	add_names(&t.lookups, "/usr", 0, (const char *const[]){ "lib", NULL });
	add_names(&t.lookups, "/usr/lib", 1, NULL);
	text = lookups_of(&t, true);
	snprintf(want, sizeof(want),
		 "\t\t[\"/\", 0, [1, \"no\", \"tmpx\"]],\n"
		 "\t\t[\"/tmp\", 0, [1, \"nothing\"]],\n"
		 "\t\t[\"%s\", 1, [1, \"dat\", \"data.x\", \"link\"]],\n"
		 "\t\t[\"/usr/lib\", 1]\n\t]\n}\n",
		 dir);
	assert_string_equal(text, want);
	lookups_done(&t.lookups);
	free(o.path);
}

/* Names of what others may not read, or in directories that they may not. */
static void test_private_lookups(void **state)
{
	(void)state;
	static const char *const here[] = { "link", "none", "plain", NULL };
	struct trace_result t = { .method = TRACE_UFFD };
	static const struct {
		mode_t dir, plain;
		bool is_public;
		const char *want;
	} cases[] = {
		{ 0750, 0640, false, "[1, \"link\", \"none\", \"plain\"]]" },
		{ 0755, 0640, true, "[1, \"link\", \"none\"]]" },
		{ 0755, 0644, true, "[1, \"link\", \"none\", \"plain\"]]" },
		{ 0751, 0644, true, NULL },
		{ 0754, 0644, true, NULL },
	};

	add_names(&t.lookups, dir, 0, here);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(chmod(dir, cases[i].dir), 0);
		assert_int_equal(chmod(plain_path, cases[i].plain), 0);
		text = lookups_of(&t, cases[i].is_public);
		if (cases[i].want)
			assert_non_null(strstr(text, cases[i].want));
		else
			assert_string_equal(text, "");
	}
	chmod(dir, 0755);
	lookups_done(&t.lookups);
}

static void test_find_program(void **state)
{
	(void)state;
	_cleanup_free_ char *found = NULL, *canonical = NULL, *by_path = NULL;
	_cleanup_free_ char *path_before = strdup(getenv("PATH") ? getenv("PATH") : "");
	char path[256], *none = NULL;

	snprintf(path, sizeof(path), "/nonexistent:%s", dir);
	setenv("PATH", path, 1);
	assert_int_equal(search_path_find("link", &found), 0);
	assert_string_equal(found, link_path);
	assert_int_equal(train_find_program("link", &by_path), 0);
	assert_string_equal(by_path, link_path);
	assert_int_equal(train_find_program(link_path, &canonical), 0);
	assert_string_equal(canonical, link_path);
	assert_int_equal(train_find_program("no-such-program", &none), -ENOENT);
	assert_int_equal(train_find_program("", &none), -ENOENT);
	assert_int_equal(train_find_program("plain", &none), -EACCES);
	assert_int_equal(train_find_program(plain_path, &none), -EACCES);
	assert_int_equal(train_find_program(dir, &none), -EACCES);
	assert_null(none);
	setenv("PATH", path_before, 1);
}

/* ---- traced files ---- */

static struct traced_file *own_file(struct traced_files *f, const char *path, int *ret_fd)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	return traced_files_by_fd(f, getpid(), *ret_fd);
}

/* The same file by descriptor and by mapping is one; its marks are clipped and kept. */
static void test_traced_file(void **state)
{
	(void)state;
	static const char path[] = "/bin/sh";
	_cleanup_free_ char *real = realpath(path, NULL);
	struct traced_files f;
	struct traced_file *file, *other;
	struct trace_result r = { 0 };
	struct stat st;
	int fd;

	assert_int_equal(traced_files_init(&f), 0);
	file = own_file(&f, path, &fd);
	assert_non_null(file);
	assert_int_equal(fstat(fd, &st), 0);
	assert_ptr_equal(own_file(&f, path, &fd), file);
	assert_ptr_equal(traced_files_by_mapping(&f, 0, st.st_dev, st.st_ino, real, 1),
			 file);
	/* Files of other mount namespaces by the same name: found out in the end. */
	other = traced_files_by_mapping(&f, 0, st.st_dev, st.st_ino + 1, real, 2);
	assert_non_null(other);
	traced_file_mark(other, 0, 2, 1);
	other = traced_files_by_mapping(&f, 0, st.st_dev + 1, st.st_ino, real, 2);
	assert_non_null(other);
	traced_file_mark(other, 0, 2, 1);

	traced_file_mark(file, 2, 1, 7);
	traced_file_mark(file, 1, 2, 9); /* page 2 keeps its earlier bucket */
	traced_file_mark(file, file->object.n_pages - 1u, UINT64_MAX, 0);
	traced_file_mark(file, UINT64_MAX, UINT64_MAX, 0);
	traced_file_mark_bytes(file, 4 * PAGE_BYTES + 4095, 2, UINT32_MAX);
	traced_file_mark_bytes(file, UINT64_MAX - 1, UINT64_MAX, 0);
	traced_file_mark_bytes(file, 9 * PAGE_BYTES, 0, 0);
	assert_int_equal(file->n_used, 5);
	assert_int_equal(traced_files_finish(&f, &r), 0);
	assert_int_equal(r.n_objects, 1);
	assert_int_equal(r.left_out[LEFT_OUT_ELSEWHERE].n_files, 2);
	assert_string_equal(r.left_out[LEFT_OUT_ELSEWHERE].example, real);
	assert_string_equal(r.objects[0].path, real);
	assert_int_equal(r.objects[0].when[0], 0);
	assert_int_equal(r.objects[0].when[1], 10);
	assert_int_equal(r.objects[0].when[2], 8);
	assert_int_equal(r.objects[0].when[4], LIMIT_WHEN + 1);
	assert_int_equal(r.objects[0].when[5], LIMIT_WHEN + 1);
	assert_int_equal(r.objects[0].when[9], 0);
	assert_int_equal(r.objects[0].when[r.objects[0].n_pages - 1], 1);
	trace_result_done(&r);
	traced_files_done(&f);
}

/* Mapped first, by a name that needs no descriptor: one file, with the pages of both. */
static void test_mapped_file(void **state)
{
	(void)state;
	_cleanup_free_ char *real = realpath("/bin/sh", NULL);
	struct traced_file *mapped, *file;
	struct trace_result r = { 0 };
	unsigned major_nr, minor_nr;
	struct traced_files f;
	unsigned long ino = 0;
	char line[512];
	FILE *maps;
	void *at;
	int fd;

	fd = open(real, O_RDONLY | O_CLOEXEC);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	maps = fopen("/proc/self/maps", "re");
	while (!ino && fgets(line, sizeof(line), maps))
		if (strstr(line, real))
			sscanf(line, "%*s %*s %*s %x:%x %lu", &major_nr, &minor_nr, &ino);
	fclose(maps);
	assert_int_equal(traced_files_init(&f), 0);
	mapped = traced_files_by_mapping(&f, 0, makedev(major_nr, minor_nr), ino, real,
					 1000000);
	assert_non_null(mapped);
	assert_ptr_equal(
		traced_files_by_mapping(&f, 0, makedev(major_nr, minor_nr), ino, real, 7),
		mapped);
	traced_file_mark(mapped, 1, 2, 4);
	traced_file_mark(mapped, 999999, 1, 4); /* behind its end */
	mapped->executed = true;
	file = own_file(&f, real, &fd);
	traced_file_mark(file, 2, 2, 3);
	assert_int_equal(traced_files_finish(&f, &r), 0);
	assert_int_equal(r.n_objects, 1);
	assert_int_equal(r.objects[0].when[0], 1);
	assert_int_equal(r.objects[0].when[1], 5);
	assert_int_equal(r.objects[0].when[2], 4);
	assert_int_equal(r.objects[0].when[3], 4);
	assert_true(r.objects[0].n_pages < 1000000);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		assert_int_equal(r.left_out[i].n_files, 0);
	trace_result_done(&r);
	traced_files_done(&f);
}

static void test_files_that_do_not_count(void **state)
{
	(void)state;
	static const char *const left_out[] = {
		"/proc/self/status", "/dev/zero", "relative", "/bin/sh\n", "/bin/\xff",
	};
	static const char *const elsewhere[] = { "/nonexistent", "/", "/bin/sh (deleted)" };
	struct trace_result r = { 0 };
	struct traced_files f;
	int fd;

	assert_int_equal(traced_files_init(&f), 0);
	assert_null(own_file(&f, "/proc/self/status", &fd));
	assert_null(own_file(&f, "/dev/zero", &fd));
	assert_null(own_file(&f, "/", &fd));
	assert_null(own_file(&f, data_path, &fd)); /* /tmp */
	assert_null(traced_files_by_fd(&f, getpid(), 9999));
	assert_null(traced_files_by_fd(&f, getpid(), -1));
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		assert_null(traced_files_by_mapping(&f, 0, 1, 1, left_out[i], 1));
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		traced_file_mark(traced_files_by_mapping(&f, 0, 1, 1, elsewhere[i], 1), 0,
				 1, 0);
	assert_int_equal(traced_files_finish(&f, &r), 0);
	assert_int_equal(r.n_objects, 0);
	assert_int_equal(r.left_out[LEFT_OUT_ELSEWHERE].n_files, 2);
	assert_int_equal(r.left_out[LEFT_OUT_TEMPORARY].n_files, 1);
	trace_result_done(&r);
	traced_files_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_file),
		cmocka_unit_test(test_elf_file),
		cmocka_unit_test(test_elf_file_without_id),
		cmocka_unit_test(test_changed_file),
		cmocka_unit_test(test_private_file),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_private_lookups),
		cmocka_unit_test(test_find_program),
		cmocka_unit_test(test_traced_file),
		cmocka_unit_test(test_mapped_file),
		cmocka_unit_test(test_files_that_do_not_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
