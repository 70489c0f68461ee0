/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload reader: the first byte of the input says tar or deb, the rest is the archive.
 * What it reports must hold together, and be the same when read again.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "io.h"
#include "payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/*
 * libarchive allocates what an archive says a name takes, and ASan then marks all of it:
 * seconds an input. elfcast-check runs under a limit that refuses it, so here, too.
 */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_file(const struct wanted_file *f)
{
	char folded[8192];

	check(wanted_fold(f->path, folded, sizeof(folded)) == 0);
	check(strcmp(folded, f->path) == 0);
	check(!f->link || f->type == WANTED_LINK);
	check(f->type == WANTED_FILE || (!f->digest[0] && f->size_bytes == 0));
	check(f->type != WANTED_FILE || !f->want_digest || f->digest[0]);
	check(!f->other_version || wanted_stem_bytes(f->other_version) > 0);
}

static int read_all(int fd, enum payload_kind kind, struct wanted *w)
{
	struct member_counts counts;
	struct diag diag;
	int r;

	check(lseek(fd, 0, SEEK_SET) == 0);
	r = payload_read(fd, kind, w, &counts, &diag);
	check(r == 0 || r == -ENOMEM || (r < 0 && diag.message[0]));
	check(counts.n_bad_names <= counts.n_members);
	return r;
}

static bool equal(const struct wanted_file *a, const struct wanted_file *b)
{
	return a && b && a->type == b->type && a->size_bytes == b->size_bytes &&
	       a->buildid_error == b->buildid_error && strcmp(a->digest, b->digest) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/usr/bin/a", "/usr/bin/b",
					     "/usr/lib/liba.so.1", "/usr/share/d/e", "/c" };
	_cleanup_(wanted_done) struct wanted first = { 0 }, second = { 0 };
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	enum payload_kind kind = size && data[0] % 2 ? PAYLOAD_TAR : PAYLOAD_DEB;
	int r;

	if (size == 0)
		return 0;
	check(fd >= 0 && io_write_full(fd, data + 1, size - 1) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		check(wanted_add(&first, paths[i], i % 2) == 0);
		check(wanted_add(&second, paths[i], i % 2) == 0);
	}
	check(wanted_prepare(&first) == 0 && wanted_prepare(&second) == 0);
	r = read_all(fd, kind, &first);
	check(read_all(fd, kind, &second) == r);
	if (r < 0)
		return 0;
	for (size_t i = 0; i < first.n; i++) {
		check_file(&first.files[i]);
		check(equal(&first.files[i], wanted_find(&second, first.files[i].path)));
	}
	return 0;
}
