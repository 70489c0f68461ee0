/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hard links: of a group, the first member has the data. A link to a member that is not wanted
 * makes that one wanted as well, and the archive is read once more.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "gunzip.h"
#include "payload.h"

DEFINE_CLEANUP(struct archive *, archive_read_free)

struct reader {
	struct archive *archive; /* of the members: borrowed */
	struct members members;
	struct wanted more; /* targets of hard links, for the second pass */
};

/* Where the bytes come from: the file, or a member of a .deb; unpacked here if gzip. */
struct source {
	int fd;
	struct archive *outer;
	struct gunzip *gunzip;
	bool is_begun;
	const char *error_text;
	char buffer[65536];
};

/* What libarchive says of A. Its own errors are positive or ARCHIVE_ERRNO_*, hence the words. */
static int fail_archive(struct reader *r, struct archive *a)
{
	const char *text = archive_error_string(a);

	if (archive_errno(a) == ENOMEM)
		return -ENOMEM;
	if (archive_errno(a) == EIO)
		return members_fail(&r->members, -EIO, "%s", strerror(EIO));
	/* EILSEQ: no reader took it; what cannot be unpacked has another. */
	if (archive_format(a) == 0 && archive_errno(a) == EILSEQ &&
	    !r->members.counts.n_members)
		return members_fail(&r->members, -EBADMSG,
				    "is neither an rpm, a .deb nor a tar archive");
	return members_fail(&r->members, -EBADMSG, "damaged: %s",
			    text ? text : "unreadable");
}

/* ---- bytes in ---- */

static ssize_t read_file(struct source *s, const void **ret)
{
	ssize_t n;

	do
		n = read(s->fd, s->buffer, sizeof(s->buffer));
	while (n < 0 && errno == EINTR);
	*ret = s->buffer;
	if (n < 0)
		s->error_text = strerror(errno);
	return n < 0 ? -errno : n;
}

static ssize_t read_outer(struct source *s, const void **ret)
{
	la_int64_t off;
	size_t bytes;
	int c;

	do
		c = archive_read_data_block(s->outer, ret, &bytes, &off);
	while (c == ARCHIVE_OK && bytes == 0);
	if (c == ARCHIVE_OK)
		return (ssize_t)bytes;
	if (c == ARCHIVE_EOF)
		return 0;
	s->error_text = archive_error_string(s->outer);
	return archive_errno(s->outer) == ENOMEM ? -ENOMEM : -EBADMSG;
}

/* A gunzip_source. */
static ssize_t read_packed(void *userdata, const void **ret)
{
	struct source *s = userdata;

	return s->outer ? read_outer(s, ret) : read_file(s, ret);
}

static ssize_t read_unpacked(struct source *s, const void **ret)
{
	ssize_t n;

	if (s->gunzip)
		return gunzip_read(s->gunzip, ret, &s->error_text);
	n = read_packed(s, ret);
	if (s->is_begun || n <= 0)
		return n;
	s->is_begun = true;
	if (*(const unsigned char *)*ret != 0x1f)
		return n;
	s->gunzip = gunzip_new(read_packed, s, *ret, (size_t)n);
	return s->gunzip ? gunzip_read(s->gunzip, ret, &s->error_text) : -ENOMEM;
}

static la_ssize_t on_read(struct archive *a, void *userdata, const void **ret)
{
	struct source *s = userdata;
	ssize_t n = read_unpacked(s, ret);

	if (n >= 0)
		return n;
	archive_set_error(a, (int)-n, "%s", s->error_text ? s->error_text : "unreadable");
	return -1;
}

static void support_filters(struct archive *a)
{
	/*
	 * What dpkg and tar use besides gzip; all of them code of libarchive, as
	 * distributions build it, that compares the checksums.
	 */
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,
		archive_read_support_filter_lzma,
		archive_read_support_filter_zstd,
	};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		filters[i](a);
}

/* No seek and no skip callback: then a cut file is noticed also where nobody looks. */
static int open_archive(struct reader *r, struct archive *a, struct source *s)
{
	if (archive_read_open(a, s, NULL, on_read, NULL) == ARCHIVE_OK)
		return 0;
	return fail_archive(r, a);
}

/* ---- one member ---- */

static int read_data(struct reader *r, struct archive_entry *entry, bool want_digest)
{
	struct members *m = &r->members;
	int c, e = members_begin_data(m, want_digest);
	const void *block;
	la_int64_t off;
	size_t bytes;

	while (e == 0 && (c = archive_read_data_block(r->archive, &block, &bytes, &off)) !=
				 ARCHIVE_EOF) {
		if (c < ARCHIVE_WARN)
			return fail_archive(r, r->archive);
		if (off < 0 || (uint64_t)off < m->pos)
			return members_fail(m, -EBADMSG,
					    "damaged: parts of a member overlap");
		e = members_add_data(m, NULL, (uint64_t)off - m->pos);
		if (e == 0)
			e = members_add_data(m, block, bytes);
	}
	if (e == 0 && archive_entry_size_is_set(entry) &&
	    archive_entry_size(entry) > (la_int64_t)m->pos)
		e = members_add_data(m, NULL, (uint64_t)archive_entry_size(entry) - m->pos);
	return e;
}

static int note_data(struct reader *r, struct archive_entry *entry, struct wanted_file *f,
		     struct wanted_file *target)
{
	int e = read_data(r, entry, f->want_digest || (target && target->want_digest));

	if (e == 0)
		e = members_give_data(&r->members, f);
	return e == 0 && target ? members_give_data(&r->members, target) : e;
}

/* F has the data of the member at the folded path TARGET. */
static int note_hardlink(struct reader *r, struct wanted_file *f, const char *target)
{
	const struct wanted_file *t = wanted_find(r->members.wanted, target);

	if (f == t) /* a later link to itself says nothing new */
		return 0;
	members_give_type(f, WANTED_DANGLING, NULL);
	f->hardlink = strdup(target);
	if (!f->hardlink)
		return -ENOMEM;
	if (t && (t->want_digest || !f->want_digest))
		return 0;
	if (r->more.n >= LIMIT_PAYLOAD_LINKS)
		return members_fail(&r->members, -E2BIG, "more than %u hard links",
				    LIMIT_PAYLOAD_LINKS);
	return wanted_add(&r->more, target, f->want_digest);
}

static bool has_data(struct archive_entry *entry)
{
	return archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0;
}

static int note_regular(struct reader *r, struct archive_entry *entry)
{
	struct wanted *w = r->members.wanted;
	struct wanted_file *f = wanted_find(w, r->members.path), *target = NULL;
	const char *name = archive_entry_hardlink(entry);
	char folded[LIMIT_PATH_BYTES + 8];

	if (!name)
		return f ? note_data(r, entry, f, NULL) : 0;
	if (wanted_fold(name, folded, sizeof(folded)) < 0)
		return f ? members_give_type(f, WANTED_DANGLING, NULL) : 0;
	if (!has_data(entry))
		return f ? note_hardlink(r, f, folded) : 0;
	target = wanted_find(w, folded);
	if (target == f)
		target = NULL;
	if (!f && !target)
		return 0;
	return note_data(r, entry, f ? f : target, f ? target : NULL);
}

static int note_member(struct reader *r, struct archive_entry *entry)
{
	mode_t type = archive_entry_filetype(entry);
	struct wanted_file *f;
	const char *link;
	int e;

	/* The type of a tar's hard link is not always set. */
	if (type == S_IFREG || archive_entry_hardlink(entry)) {
		e = wanted_note_file(r->members.wanted, r->members.path);
		return e < 0 ? e : note_regular(r, entry);
	}
	f = wanted_find(r->members.wanted, r->members.path);
	if (!f)
		return 0;
	if (type != S_IFLNK)
		return members_give_type(f, WANTED_OTHER, NULL);
	link = archive_entry_symlink(entry);
	return members_give_type(f, WANTED_LINK, link ? link : "");
}

static int read_member(struct reader *r, struct archive_entry *entry)
{
	int e = members_next(&r->members, archive_entry_pathname(entry));

	return e > 0 ? note_member(r, entry) : e;
}

/* ---- all members ---- */

/* What was not read of the member, unpacked and counted. */
static int drop_rest(struct reader *r)
{
	const void *block;
	la_int64_t off;
	size_t bytes;
	int c, e = 0;

	while (e == 0 && (c = archive_read_data_block(r->archive, &block, &bytes, &off)) !=
				 ARCHIVE_EOF) {
		if (c < ARCHIVE_WARN)
			return fail_archive(r, r->archive);
		e = members_charge(&r->members, bytes);
	}
	if (e == 0 && archive_read_data_skip(r->archive) < ARCHIVE_WARN)
		e = fail_archive(r, r->archive);
	return e;
}

/* Ends after the last member, and only when that is followed by the mark of the end. */
static int read_members(struct reader *r)
{
	struct archive_entry *entry;
	la_int64_t end = 0;
	int c, e;

	while ((c = archive_read_next_header(r->archive, &entry)) != ARCHIVE_EOF) {
		if (c < ARCHIVE_WARN)
			return fail_archive(r, r->archive);
		e = read_member(r, entry);
		if (e == 0)
			e = drop_rest(r);
		if (e < 0)
			return e;
		end = archive_filter_bytes(r->archive, 0);
	}
	/* libarchive is content with a tar that was cut between two members. */
	if (archive_filter_bytes(r->archive, 0) < end + 512)
		return members_fail(&r->members, -EBADMSG,
				    "damaged: the archive has no end");
	return 0;
}

static int read_tar(struct reader *r, struct source *s)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	int c, e;

	if (!a)
		return -ENOMEM;
	support_filters(a);
	c = archive_read_support_format_tar(a);
	/* To the last byte: checksums of what is compressed come last. */
	if (c == ARCHIVE_OK)
		c = archive_read_set_options(a, "tar:read_concatenated_archives");
	if (c != ARCHIVE_OK)
		return fail_archive(r, a);
	e = open_archive(r, a, s);
	if (e < 0)
		return e;
	r->archive = a;
	e = read_members(r);
	r->archive = NULL;
	return e;
}

/* ---- .deb ---- */

/* Directly after the header of data.tar. */
static int read_deb_data(struct reader *r, struct archive *outer)
{
	struct source *inner = calloc(1, sizeof(*inner));
	int e;

	if (!inner)
		return -ENOMEM;
	inner->outer = outer;
	e = read_tar(r, inner);
	gunzip_free(inner->gunzip);
	free(inner);
	return e;
}

static int check_deb_version(struct reader *r, struct archive *outer, const char *name)
{
	char version[2] = "";

	if (strcmp(name, "debian-binary") != 0)
		return members_fail(&r->members, -EBADMSG, "no .deb: begins with '%.40s'",
				    name);
	if (archive_read_data(outer, version, sizeof(version)) != sizeof(version) ||
	    memcmp(version, "2.", sizeof(version)) != 0)
		return members_fail(&r->members, -EBADMSG, "a .deb of an unknown version");
	return 0;
}

static int read_deb_member(struct reader *r, struct archive *outer,
			   struct archive_entry *entry, unsigned i, unsigned *n_data)
{
	const char *name = archive_entry_pathname(entry);

	if (i == 0)
		return check_deb_version(r, outer, name ? name : "");
	if (!name || strncmp(name, "data.tar", strlen("data.tar")) != 0)
		return 0;
	if ((*n_data)++)
		return members_fail(&r->members, -EBADMSG,
				    "damaged: data.tar is there twice");
	return read_deb_data(r, outer);
}

static int read_deb_members(struct reader *r, struct archive *outer)
{
	unsigned n = 0, n_data = 0;
	struct archive_entry *entry;
	int c, e;

	while ((c = archive_read_next_header(outer, &entry)) != ARCHIVE_EOF) {
		if (c < ARCHIVE_WARN)
			return fail_archive(r, outer);
		e = read_deb_member(r, outer, entry, n++, &n_data);
		if (e < 0)
			return e;
		if (archive_read_data_skip(outer) < ARCHIVE_WARN)
			return fail_archive(r, outer);
	}
	return n_data ? 0
		      : members_fail(&r->members, -EBADMSG,
				     "damaged: there is no data.tar");
}

static int read_deb(struct reader *r, struct source *s)
{
	_cleanup_(archive_read_freep) struct archive *outer = archive_read_new();
	int e;

	if (!outer)
		return -ENOMEM;
	if (archive_read_support_format_ar(outer) != ARCHIVE_OK)
		return fail_archive(r, outer);
	e = open_archive(r, outer, s);
	return e < 0 ? e : read_deb_members(r, outer);
}

/* ---- passes ---- */

static int read_pass(struct reader *r, int fd, off_t start, bool is_deb)
{
	struct source *s;
	int e;

	if (lseek(fd, start, SEEK_SET) < 0)
		return -errno;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fd = fd;
	members_restart(&r->members);
	e = is_deb ? read_deb(r, s) : read_tar(r, s);
	gunzip_free(s->gunzip);
	free(s);
	return e;
}

static int want_more(struct reader *r)
{
	struct wanted *w = r->members.wanted;
	int e = 0;

	for (size_t i = 0; e == 0 && i < r->more.n; i++)
		e = wanted_add(w, r->more.files[i].path, r->more.files[i].want_digest);
	return e < 0 ? e : wanted_prepare(w);
}

/* Give hard links the facts of the member that has the data. */
static void resolve_hardlinks(struct wanted *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct wanted_file *f = &w->files[i];
		const struct wanted_file *t =
			f->hardlink ? wanted_find(w, f->hardlink) : NULL;

		/* Links to links are not made by anyone; two of them may link to each other. */
		if (!t || t->hardlink || t->type != WANTED_FILE)
			continue;
		f->type = WANTED_FILE;
		f->size_bytes = t->size_bytes;
		f->buildid_error = t->buildid_error;
		f->buildid = t->buildid;
		memcpy(f->digest, t->digest, sizeof(f->digest));
	}
}

static int read_passes(struct reader *r, int fd, bool is_deb)
{
	off_t start = lseek(fd, 0, SEEK_CUR);
	int e;

	if (start < 0)
		return -errno;
	e = read_pass(r, fd, start, is_deb);
	if (e == 0 && r->more.n > 0) {
		e = want_more(r);
		if (e == 0)
			e = read_pass(r, fd, start, is_deb);
	}
	if (e == 0)
		resolve_hardlinks(r->members.wanted);
	return e;
}

int payload_read(int fd, enum payload_kind kind, struct wanted *w,
		 struct member_counts *ret, struct diag *diag)
{
	struct reader r = { 0 };
	int e = members_init(&r.members, w, diag);

	if (e == 0)
		e = read_passes(&r, fd, kind == PAYLOAD_DEB);
	if (e < 0 && e != -ENOMEM && !diag->message[0])
		members_fail(&r.members, e, "%s", strerror(-e));
	*ret = r.members.counts;
	members_done(&r.members);
	wanted_done(&r.more);
	return e;
}
