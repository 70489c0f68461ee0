/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Archives of bytes written here, member by member, so that they can be as wrong as needed:
 * what tar and dpkg-deb make, and all of rpm, is left to tests/system/against*.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "bounds.h"
#include "io.h"
#include "payload.h"
#include "rpm-package.h"

/* ---- writing archives ---- */

struct bytes {
	uint8_t *data;
	size_t n;
};

static void put(struct bytes *b, const void *data, size_t n)
{
	b->data = realloc(b->data, b->n + n + 1);
	assert_non_null(b->data);
	memcpy(b->data + b->n, data, n);
	b->n += n;
}

static void pad(struct bytes *b, size_t to)
{
	while (b->n % to)
		put(b, "", 1);
}

/* A tar header that claims SIZE bytes of data. */
static void tar_header(struct bytes *b, char type, const char *name, const char *link,
		       unsigned long long size)
{
	struct {
		char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
		char link[100], magic[6], version[2], rest[247];
	} h;
	unsigned sum = 0;

	_Static_assert(sizeof(h) == 512, "a block");
	memset(&h, 0, sizeof(h));
	memcpy(h.name, name, strlen(name));
	memcpy(h.link, link, strlen(link));
	memcpy(h.mode, "0000755", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	memcpy(h.mtime, "00000000000", 12);
	snprintf(h.size, sizeof(h.size), "%011llo", size & 077777777777);
	h.type = type;
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((unsigned char *)&h)[i];
	snprintf(h.sum, sizeof(h.sum), "%06o", sum);
	put(b, &h, sizeof(h));
}

static void tar_file(struct bytes *b, const char *name, const char *text)
{
	tar_header(b, '0', name, "", strlen(text));
	put(b, text, strlen(text));
	pad(b, 512);
}

static void tar_end(struct bytes *b)
{
	static const char zeros[1024];

	put(b, zeros, sizeof(zeros));
}

/* ---- reading them ---- */

static struct diag diag;
static struct member_counts counts;

static int read_bytes(struct bytes *b, enum payload_kind kind, struct wanted *w)
{
	_cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, b->data, b->n), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	r = payload_read(fd, kind, w, &counts, &diag);
	free(b->data);
	*b = (struct bytes){ 0 };
	return r;
}

static void want(struct wanted *w, const char *path)
{
	assert_int_equal(wanted_add(w, path, true), 0);
	assert_int_equal(wanted_prepare(w), 0);
}

/* That PATH was found as a file of TEXT; NULL: TYPE was found. */
static void assert_found(const struct wanted *w, const char *path, const char *text,
			 enum wanted_type type)
{
	const struct wanted_file *f = wanted_find(w, path);
	struct hash_stream *h = hash_stream_new();
	char digest[HASH_DIGEST_BYTES];

	assert_non_null(f);
	assert_non_null(h);
	assert_int_equal(f->type, text ? WANTED_FILE : type);
	if (text) {
		hash_stream_add(h, text, strlen(text));
		hash_stream_digest(h, digest);
		assert_int_equal(f->size_bytes, strlen(text));
		assert_string_equal(f->digest, digest);
		assert_int_equal(f->buildid_error, -ENOEXEC);
	}
	hash_stream_free(h);
}

/* ---- names ---- */

static void folds_names(_unused_ void **state)
{
	static const char *const names[][2] = {
		{ "./usr/bin/a", "/usr/bin/a" },    { "usr/bin/a", "/usr/bin/a" },
		{ "/usr//bin/./a/", "/usr/bin/a" }, { "./lib/a", "/usr/lib/a" },
		{ "/bin/a", "/usr/bin/a" },	    { "lib64", "/usr/lib64" },
		{ "sbin/a", "/usr/sbin/a" },	    { "library/a", "/library/a" },
		{ "/etc/bin/a", "/etc/bin/a" },	    { "/usr/lib/lib/a", "/usr/lib/lib/a" },
		{ "..a/b..", "/..a/b.." },	    { "/opt/...", "/opt/..." },
	};
	char folded[64], again[64], longest[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(wanted_fold(names[i][0], folded, sizeof(folded)), 0);
		assert_string_equal(folded, names[i][1]);
		assert_int_equal(wanted_fold(folded, again, sizeof(again)), 0);
		assert_string_equal(again, folded);
	}
	assert_int_equal(wanted_fold("./usr/../etc", folded, sizeof(folded)), -EINVAL);
	assert_int_equal(wanted_fold("..", folded, sizeof(folded)), -EINVAL);
	assert_int_equal(wanted_fold("./", folded, sizeof(folded)), -ENOENT);
	assert_int_equal(wanted_fold("", folded, sizeof(folded)), -ENOENT);
	memset(longest, 'a', sizeof(longest));
	longest[62] = 0; /* with slash and NUL it just fits */
	assert_int_equal(wanted_fold(longest, folded, sizeof(folded)), 0);
	assert_int_equal(wanted_fold(longest, folded, sizeof(folded) - 1), -ENAMETOOLONG);
}

static void stems_of_libraries(_unused_ void **state)
{
	assert_int_equal(wanted_stem_bytes("/usr/lib/liba.so.1.2"),
			 strlen("/usr/lib/liba.so"));
	assert_int_equal(wanted_stem_bytes("/usr/lib/liba.so"), 0);
	assert_int_equal(wanted_stem_bytes("/usr/lib/liba.so.conf"), 0);
	assert_int_equal(wanted_stem_bytes("/usr/lib/liba.so.1/b"), 0);
	assert_int_equal(wanted_stem_bytes("/usr/a.so.d/liba.so.6"),
			 strlen("/usr/a.so.d/liba.so"));
}

static void class_strings(_unused_ void **state)
{
	struct buildid b;

	assert_int_equal(rpm_class_buildid("ELF 64-bit LSB pie executable, x86-64, "
					   "BuildID[sha1]=0a1b, for GNU/Linux 3.2.0",
					   &b),
			 0);
	assert_int_equal(b.n_bytes, 2);
	assert_int_equal(b.bytes[1], 0x1b);
	assert_int_equal(rpm_class_buildid("ELF 64-bit LSB executable, no id", &b),
			 -ENOENT);
	assert_int_equal(rpm_class_buildid("ELF, BuildID[sha1]=0a1", &b), -ENOENT);
	assert_int_equal(rpm_class_buildid("ELF, BuildID[sha1]=", &b), -ENOENT);
	assert_int_equal(rpm_class_buildid("ELF, BuildID[sha1", &b), -ENOENT);
	assert_int_equal(rpm_class_buildid("ASCII text, BuildID[sha1]=0a1b", &b), -ENOENT);
}

/* ---- members ---- */

static void finds_what_is_wanted(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/usr/lib/a");
	want(&w, "/opt/absent");
	want(&w, "/opt/link");
	want(&w, "/opt/dir");
	want(&w, "/usr/lib/a");
	assert_int_equal(w.n, 4);
	tar_header(&b, '5', "./lib/", "", 0);
	tar_file(&b, "./lib/a", "hello");
	tar_file(&b, "./lib/unwanted", "nobody");
	tar_header(&b, '2', "opt/link", "../usr/lib/a", 0);
	tar_header(&b, '5', "opt/dir/", "", 0);
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_int_equal(counts.n_members, 5);
	assert_int_equal(counts.n_bad_names, 0);
	assert_found(&w, "/usr/lib/a", "hello", 0);
	assert_found(&w, "/opt/absent", NULL, WANTED_ABSENT);
	assert_found(&w, "/opt/link", NULL, WANTED_LINK);
	assert_string_equal(wanted_find(&w, "/opt/link")->link, "../usr/lib/a");
	assert_found(&w, "/opt/dir", NULL, WANTED_OTHER);
	assert_false(wanted_find(&w, "/usr/lib/a")->dir_is_owned);
}

static void later_members_replace(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/a");
	want(&w, "/b");
	want(&w, "/c");
	tar_file(&b, "a", "first");
	tar_file(&b, "b", "first");
	tar_header(&b, '2', "c", "a", 0);
	tar_file(&b, "/a", "second one");
	tar_header(&b, '2', "./b", "a", 0);
	tar_file(&b, "c", "file");
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_found(&w, "/a", "second one", 0);
	assert_found(&w, "/b", NULL, WANTED_LINK);
	assert_found(&w, "/c", "file", 0);
	assert_null(wanted_find(&w, "/c")->link);
}

static void passes_over_dot_dot(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/etc/passwd");
	tar_file(&b, "../etc/passwd", "x");
	tar_file(&b, "usr/../etc/passwd", "x");
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_int_equal(counts.n_bad_names, 2);
	assert_found(&w, "/etc/passwd", NULL, WANTED_ABSENT);
}

static void hard_links_of_tars(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/near"); /* target is wanted */
	want(&w, "/target");
	want(&w, "/far"); /* target is not: a second pass */
	want(&w, "/dangling");
	want(&w, "/outside");
	want(&w, "/loop");
	tar_file(&b, "target", "one");
	tar_file(&b, "unwanted", "three");
	tar_header(&b, '1', "near", "./target", 0);
	tar_header(&b, '1', "far", "unwanted", 0);
	tar_header(&b, '1', "dangling", "nothing", 0);
	tar_header(&b, '1', "outside", "../target", 0);
	tar_header(&b, '1', "loop", "loop", 0);
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_int_equal(counts.n_members, 7);
	assert_found(&w, "/target", "one", 0);
	assert_found(&w, "/near", "one", 0);
	assert_found(&w, "/far", "three", 0);
	assert_found(&w, "/dangling", NULL, WANTED_DANGLING);
	assert_found(&w, "/outside", NULL, WANTED_DANGLING);
	assert_found(&w, "/loop", NULL, WANTED_ABSENT);
}

static void link_wants_a_digest_of_its_target(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	assert_int_equal(wanted_add(&w, "/target", false), 0);
	want(&w, "/link");
	tar_file(&b, "target", "one");
	tar_header(&b, '1', "link", "target", 0);
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_found(&w, "/link", "one", 0);
}

static void other_versions(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/usr/lib/liba.so.1");
	tar_file(&b, "usr/lib/liba.so.9", "");
	tar_file(&b, "usr/lib/liba.so.10", "");
	tar_file(&b, "usr/lib/liba.so.2", "");
	tar_file(&b, "usr/lib/libab.so.3", "");
	tar_end(&b);
	assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), 0);
	assert_string_equal(wanted_find(&w, "/usr/lib/liba.so.1")->other_version,
			    "liba.so.10");
}

/* What an rpm says of its directories; a tar says nothing. */
static void owned_directories(_unused_ void **state)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };

	want(&w, "/usr/lib/p/x");
	want(&w, "/usr/lib/p/y");
	want(&w, "/usr/lib/p/sub/x");
	want(&w, "/usr/lib/q");
	wanted_note_dir(&w, "/usr/lib/p");
	assert_true(wanted_find(&w, "/usr/lib/p/x")->dir_is_owned);
	assert_true(wanted_find(&w, "/usr/lib/p/y")->dir_is_owned);
	assert_false(wanted_find(&w, "/usr/lib/p/sub/x")->dir_is_owned);
	assert_false(wanted_find(&w, "/usr/lib/q")->dir_is_owned);
}

/* ---- damage ---- */

static void every_cut_of_a_tar(_unused_ void **state)
{
	struct bytes whole = { 0 };

	tar_file(&whole, "a", "hello");
	tar_header(&whole, '2', "b", "a", 0);
	tar_file(&whole, "c", "world");
	for (size_t n = 0; n < whole.n; n++) {
		_cleanup_(wanted_done) struct wanted w = { 0 };
		struct bytes b = { 0 };

		want(&w, "/a");
		put(&b, whole.data, n);
		assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), -EBADMSG);
		assert_true(diag.message[0]);
	}
	free(whole.data);
}

/* GNU's old form of a sparse file: two parts of 512 bytes each, at FIRST and SECOND. */
static void tar_sparse(struct bytes *b, const char *name, unsigned first, unsigned second)
{
	size_t at = b->n;
	unsigned sum = 0;
	char *h;

	tar_header(b, 'S', name, "", 1024);
	h = (char *)b->data + at;
	memcpy(h + 257, "ustar  ", 8);
	snprintf(h + 386, 12, "%011o", first);
	snprintf(h + 398, 12, "%011o", 512);
	snprintf(h + 410, 12, "%011o", second);
	snprintf(h + 422, 12, "%011o", 512);
	snprintf(h + 483, 12, "%011o", 4096);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	for (unsigned i = 0; i < 1024; i++)
		put(b, "x", 1);
}

static void parts_of_a_sparse_member(_unused_ void **state)
{
	for (unsigned overlap = 0; overlap < 2; overlap++) {
		_cleanup_(wanted_done) struct wanted w = { 0 };
		struct bytes b = { 0 };
		int r;

		want(&w, "/a");
		tar_sparse(&b, "a", 0, overlap ? 256 : 2048);
		tar_end(&b);
		r = read_bytes(&b, PAYLOAD_TAR, &w);
		assert_int_equal(r, overlap ? -EBADMSG : 0);
		if (overlap)
			assert_non_null(strstr(diag.message, "overlap"));
	}
}

static void member_larger_than_the_archive(_unused_ void **state)
{
	static const unsigned long long sizes[] = { 6, 513, 1ull << 32, 077777777777 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_(wanted_done) struct wanted w = { 0 };
		struct bytes b = { 0 };

		want(&w, i % 2 ? "/a" : "/other");
		tar_header(&b, '0', "a", "", sizes[i]);
		put(&b, "hello", 5);
		assert_int_equal(read_bytes(&b, PAYLOAD_TAR, &w), -EBADMSG);
	}
}

static void debs_without_data(_unused_ void **state)
{
	static const char version[] =
		"debian-binary   0           0     0     100644  4         `\n2.0\n";
	static const char data[] =
		"data.tar        0           0     0     100644  1024      `\n";
	static const char zeros[1024];
	_cleanup_(wanted_done) struct wanted w = { 0 };
	struct bytes b = { 0 };

	want(&w, "/a");
	put(&b, "!<arch>\n", 8);
	put(&b, version, strlen(version));
	assert_int_equal(read_bytes(&b, PAYLOAD_DEB, &w), -EBADMSG);
	assert_string_equal(diag.message, "damaged: there is no data.tar");

	put(&b, "!<arch>\n", 8);
	put(&b, version, strlen(version));
	for (int i = 0; i < 2; i++) {
		put(&b, data, strlen(data));
		put(&b, zeros, sizeof(zeros));
	}
	assert_int_equal(read_bytes(&b, PAYLOAD_DEB, &w), -EBADMSG);
	assert_string_equal(diag.message, "damaged: data.tar is there twice");

	put(&b, "!<arch>\n", 8);
	put(&b, data, strlen(data));
	put(&b, zeros, sizeof(zeros));
	assert_int_equal(read_bytes(&b, PAYLOAD_DEB, &w), -EBADMSG);
	assert_string_equal(diag.message, "no .deb: begins with 'data.tar'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_names),
		cmocka_unit_test(stems_of_libraries),
		cmocka_unit_test(class_strings),
		cmocka_unit_test(finds_what_is_wanted),
		cmocka_unit_test(later_members_replace),
		cmocka_unit_test(passes_over_dot_dot),
		cmocka_unit_test(hard_links_of_tars),
		cmocka_unit_test(link_wants_a_digest_of_its_target),
		cmocka_unit_test(other_versions),
		cmocka_unit_test(owned_directories),
		cmocka_unit_test(every_cut_of_a_tar),
		cmocka_unit_test(member_larger_than_the_archive),
		cmocka_unit_test(parts_of_a_sparse_member),
		cmocka_unit_test(debs_without_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
