/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rpm/header.h>
#include <rpm/rpmarchive.h>
#include <rpm/rpmcli.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "librpm.h"
#include "rpm-package.h"

/* Not in the headers of rpm 4.18, but in packages that it reads. */
#define TAG_OPENPGP   278
#define TAG_RPMFORMAT 5114
#define LEAD_BYTES    96

struct rpm_package {
	FD_t fd; /* at the payload */
	Header header;
	rpmfiles files;
	char *name;
	unsigned format;
	bool is_signed;
	uint64_t n_members; /* ghosts are in the header only */
};

_printf_(3, 4) static int fail(struct diag *d, int error, const char *format, ...)
{
	va_list ap;

	*d = (struct diag){ 0 };
	va_start(ap, format);
	vsnprintf(d->message, sizeof(d->message), format, ap);
	va_end(ap);
	return error;
}

/* ---- opening ---- */

static int verify_digests(rpmts ts, int fd, struct diag *diag)
{
	char path[64];
	char *argv[] = { path, NULL };

	/* The file that is open, whatever its name is now; and no URL. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (rpmcliVerifySignatures(ts, argv) == 0)
		return 0;
	return fail(diag, -EBADMSG, "damaged: %s",
		    librpm_message("its digests do not agree"));
}

/*
 * Whether somebody signed it. The signatures have a header of their own, behind the lead, of
 * which rpmReadPackageFile() tells only what its version knows: 4.18 none of format 6.
 */
static int read_signatures(int fd, struct rpm_package *p, struct diag *diag)
{
	static const rpmTagVal tags[] = { RPMSIGTAG_RSA, RPMSIGTAG_DSA, RPMSIGTAG_PGP,
					  RPMSIGTAG_GPG, TAG_OPENPGP };
	FD_t f = lseek(fd, LEAD_BYTES, SEEK_SET) < 0 ? NULL : fdDup(fd);
	Header h;

	if (!f)
		return fail(diag, -errno, "%s", strerror(errno));
	h = headerRead(f, HEADER_MAGIC_YES);
	Fclose(f);
	if (!h)
		return fail(diag, -EBADMSG, "damaged: %s",
			    librpm_message("its signatures cannot be read"));
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		p->is_signed |= headerIsEntry(h, tags[i]);
	headerFree(h);
	return 0;
}

/* Leaves P->fd at the payload. */
static int read_header(rpmts ts, int fd, struct rpm_package *p, struct diag *diag)
{
	rpmRC rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(diag, -errno, "%s", strerror(errno));
	p->fd = fdDup(fd); /* shares the offset */
	if (!p->fd)
		return fail(diag, -errno, "%s", strerror(errno));
	rc = rpmReadPackageFile(ts, p->fd, "package", &p->header);
	if (rc == RPMRC_OK || rc == RPMRC_NOKEY || rc == RPMRC_NOTTRUSTED)
		return 0;
	return fail(diag, -EBADMSG, "damaged: %s",
		    librpm_message("its header cannot be read"));
}

static int check_kind(Header h, struct diag *diag)
{
	const char *format = headerGetString(h, RPMTAG_PAYLOADFORMAT);

	if (headerIsSource(h))
		return fail(diag, -EOPNOTSUPP, "is a source package");
	if (format && strcmp(format, "cpio") != 0)
		return fail(diag, -EOPNOTSUPP, "has a payload of format '%.20s', not cpio",
			    format);
	return 0;
}

static bool is_ghost(const struct rpm_package *p, int i)
{
	return rpmfilesFFlags(p->files, i) & RPMFILE_GHOST;
}

static int describe(struct rpm_package *p)
{
	p->name = headerGetAsString(p->header, RPMTAG_NEVRA);
	p->format = headerIsEntry(p->header, TAG_RPMFORMAT)
			    ? (unsigned)headerGetNumber(p->header, TAG_RPMFORMAT)
			    : 4;
	p->files = rpmfilesNew(NULL, p->header, RPMTAG_BASENAMES, RPMFI_KEEPHEADER);
	for (int i = 0; i < (int)rpmfilesFC(p->files); i++)
		p->n_members += !is_ghost(p, i);
	return p->name ? 0 : -ENOMEM;
}

static int open_package(rpmts ts, int fd, struct rpm_package *p, struct diag *diag)
{
	int r = verify_digests(ts, fd, diag);

	if (r == 0)
		r = read_signatures(fd, p, diag);
	if (r == 0)
		r = read_header(ts, fd, p, diag);
	if (r == 0)
		r = check_kind(p->header, diag);
	return r == 0 ? describe(p) : r;
}

int rpm_package_open(int fd, struct rpm_package **ret, struct diag *diag)
{
	_cleanup_(rpm_package_freep) struct rpm_package *p = calloc(1, sizeof(*p));
	rpmts ts;
	int r = p ? librpm_begin() : -ENOMEM;

	if (r == -EIO)
		return fail(diag, r, "librpm cannot be used");
	if (r < 0)
		return r;
	ts = librpm_transaction();
	r = open_package(ts, fd, p, diag);
	rpmtsFree(ts);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

void rpm_package_free(struct rpm_package *p)
{
	if (!p)
		return;
	if (p->fd)
		Fclose(p->fd);
	rpmfilesFree(p->files);
	headerFree(p->header);
	free(p->name);
	free(p);
}

const char *rpm_package_name(const struct rpm_package *p)
{
	return p->name;
}

unsigned rpm_package_format(const struct rpm_package *p)
{
	return p->format;
}

bool rpm_package_is_signed(const struct rpm_package *p)
{
	return p->is_signed;
}

/* ---- the header as a source of facts ---- */

int rpm_class_buildid(const char *file_class, struct buildid *ret)
{
	const char *p =
		strncmp(file_class, "ELF ", 4) == 0 ? strstr(file_class, "BuildID[") : NULL;

	p = p ? strstr(p, "]=") : NULL;
	if (!p)
		return -ENOENT;
	p += 2;
	return buildid_from_hex(p, strspn(p, "0123456789abcdef"), ret) < 0 ? -ENOENT : 0;
}

/* Whether that is all there is to know about file I of the header. */
static bool look_up_file(const struct rpm_package *p, int i, struct wanted_file *f)
{
	const char *file_class = rpmfilesFClass(p->files, i);
	mode_t mode = rpmfilesFMode(p->files, i);

	f->type = S_ISREG(mode) ? WANTED_FILE : S_ISLNK(mode) ? WANTED_LINK : WANTED_OTHER;
	f->size_bytes = rpmfilesFSize(p->files, i);
	f->buildid_error = -ENOEXEC;
	if (f->type == WANTED_LINK) {
		const char *link = rpmfilesFLink(p->files, i);

		free(f->link);
		f->link = strdup(link ? link : "");
	}
	if (f->type != WANTED_FILE)
		return true;
	if (!file_class || !*file_class || f->want_digest)
		return false;
	if (strncmp(file_class, "ELF ", 4) != 0)
		return true;
	f->buildid_error = rpm_class_buildid(file_class, &f->buildid);
	return f->buildid_error == 0;
}

static int look_up_name(const struct rpm_package *p, int i, struct wanted *w,
			bool *ret_complete)
{
	char path[2 * LIMIT_PATH_BYTES], folded[LIMIT_PATH_BYTES + 8];
	struct wanted_file *f;
	int r = 0;

	if (is_ghost(p, i) || !librpm_file_path(p->files, i, path, sizeof(path)) ||
	    wanted_fold(path, folded, sizeof(folded)) < 0)
		return 0;
	if (S_ISDIR(rpmfilesFMode(p->files, i)))
		wanted_note_dir(w, folded);
	else if (S_ISREG(rpmfilesFMode(p->files, i)))
		r = wanted_note_file(w, folded);
	f = wanted_find(w, folded);
	if (f && !look_up_file(p, i, f))
		*ret_complete = false;
	return r < 0 || (f && f->type == WANTED_LINK && !f->link) ? -ENOMEM : 0;
}

int rpm_package_look_up(const struct rpm_package *p, struct wanted *w, bool *ret_complete)
{
	int r = 0;

	*ret_complete = true;
	wanted_reset(w);
	for (int i = 0; r == 0 && i < (int)rpmfilesFC(p->files); i++)
		r = look_up_name(p, i, w, ret_complete);
	return r;
}

/* ---- the payload ---- */

/*
 * The reader's own view of the files: without flags, so that it knows no ghosts. Behind a ghost
 * in a payload whose headers are stripped librpm (4.18 to 6.1) does not know where it is.
 */
struct payload {
	const struct rpm_package *package;
	struct members *members;
	rpmfiles files;
	rpmfi reader;
	bool *seen; /* by file */
	uint64_t n_seen;
};

static bool has_data(const struct payload *p, int i, const int **ret_links, uint32_t *ret_n)
{
	*ret_links = NULL;
	*ret_n = rpmfilesFLinks(p->files, i, ret_links);
	return S_ISREG(rpmfilesFMode(p->files, i)) &&
	       (*ret_n < 2 || !*ret_links || (*ret_links)[*ret_n - 1] == i);
}

/*
 * What the header claims of the members, which librpm believes: it reads a link's target into
 * memory of that size, and skips what it takes for a file's data.
 */
static int check_sizes(const struct payload *p)
{
	struct members *m = p->members;
	const int *links;
	uint32_t n;
	int r = 0;

	for (int i = 0; r == 0 && i < (int)rpmfilesFC(p->files); i++) {
		uint64_t size = rpmfilesFSize(p->files, i);

		if (is_ghost(p->package, i)) {
			if (rpmfilesFNlink(p->files, i) > 1)
				r = members_fail(m, -EOPNOTSUPP,
						 "has a ghost that is a hard link");
		} else if (S_ISLNK(rpmfilesFMode(p->files, i)) && size > LIMIT_PATH_BYTES) {
			r = members_fail(m, -EBADMSG,
					 "damaged: a link of %llu bytes (at most %u)",
					 (unsigned long long)size, LIMIT_PATH_BYTES);
		} else if (has_data(p, i, &links, &n)) {
			r = members_charge(m, size);
		}
	}
	m->bytes_left = LIMIT_PAYLOAD_BYTES;
	return r;
}

static struct wanted_file *find_file(const struct payload *p, int i)
{
	char path[2 * LIMIT_PATH_BYTES], folded[LIMIT_PATH_BYTES + 8];

	if (!librpm_file_path(p->files, i, path, sizeof(path)) ||
	    wanted_fold(path, folded, sizeof(folded)) < 0)
		return NULL;
	return wanted_find(p->members->wanted, folded);
}

static int read_data(struct payload *p, uint64_t left, bool want_digest)
{
	int r = members_begin_data(p->members, want_digest);
	char buffer[65536];

	while (r == 0 && left > 0) {
		size_t n = (size_t)MIN(left, sizeof(buffer));

		if (rpmfiArchiveRead(p->reader, buffer, n) != (ssize_t)n)
			return members_fail(p->members, -EBADMSG,
					    "damaged: the payload ends too early");
		r = members_add_data(p->members, buffer, n);
		left -= n;
	}
	return r;
}

/* The last of a group of hard links has the data, and comes last. */
static int read_regular(struct payload *p, int file)
{
	bool is_wanted = false, want_digest = false;
	struct wanted_file *f;
	const int *links;
	uint32_t n;
	int r = 0;

	if (!has_data(p, file, &links, &n))
		return 0;
	if (n < 2 || !links) {
		links = &file;
		n = 1;
	}
	for (uint32_t i = 0; i < n; i++) {
		f = find_file(p, links[i]);
		is_wanted |= f != NULL;
		want_digest |= f && f->want_digest;
	}
	if (is_wanted)
		r = read_data(p, rpmfilesFSize(p->files, file), want_digest);
	for (uint32_t i = 0; r == 0 && is_wanted && i < n; i++) {
		f = find_file(p, links[i]);
		r = f ? members_give_data(p->members, f) : 0;
	}
	return r;
}

static int read_member(struct payload *p, int i)
{
	mode_t mode = rpmfilesFMode(p->files, i);
	struct members *m = p->members;
	char path[2 * LIMIT_PATH_BYTES];
	struct wanted_file *f;
	const char *link;
	int r;

	if (p->seen[i] || is_ghost(p->package, i))
		return members_fail(m, -EBADMSG, "damaged: member %d is %s", i,
				    p->seen[i] ? "there twice" : "a ghost");
	p->seen[i] = true;
	p->n_seen++;
	r = members_next(m,
			 librpm_file_path(p->files, i, path, sizeof(path)) ? path : NULL);
	if (S_ISREG(mode) && r > 0)
		r = wanted_note_file(m->wanted, m->path) < 0 ? -ENOMEM : 1;
	if (S_ISREG(mode) && r >= 0)
		return read_regular(p, i);
	if (r <= 0)
		return r;
	if (S_ISDIR(mode))
		wanted_note_dir(m->wanted, m->path);
	f = wanted_find(m->wanted, m->path);
	if (!f)
		return 0;
	link = rpmfilesFLink(p->files, i);
	return S_ISLNK(mode) ? members_give_type(f, WANTED_LINK, link ? link : "")
			     : members_give_type(f, WANTED_OTHER, NULL);
}

/* Its digest is that of what is packed: what comes behind the last member is of no interest. */
static int read_members(struct payload *p)
{
	int i, r = 0;
	char *text;

	while (r == 0 && (i = rpmfiNext(p->reader)) >= 0)
		r = read_member(p, i);
	if (r < 0)
		return r;
	if (i == RPMERR_ITER_END || i == RPMERR_MISSING_FILE) {
		if (p->n_seen == p->package->n_members)
			return 0;
		return members_fail(p->members, -EBADMSG,
				    "damaged: %llu members, the header has %llu",
				    (unsigned long long)p->n_seen,
				    (unsigned long long)p->package->n_members);
	}
	text = rpmfileStrerror(i);
	r = members_fail(p->members, -EBADMSG, "damaged: %s", text);
	free(text);
	return r;
}

/* Without the name of a compressor it is gzip, whose reader takes what is not packed, too. */
static int unpack(struct rpm_package *p, const struct members *m)
{
	static const char *const known[] = { "gzip", "bzip2", "xz", "lzma", "zstd" };
	const char *name = headerGetString(p->header, RPMTAG_PAYLOADCOMPRESSOR);
	char mode[16];

	name = name ? name : "gzip";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		FD_t fd;

		if (strcmp(name, known[i]) != 0)
			continue;
		snprintf(mode, sizeof(mode), "r.%s", name);
		fd = Fdopen(p->fd, mode);
		if (!fd)
			return -ENOMEM;
		p->fd = fd;
		return 0;
	}
	return members_fail(m, -EOPNOTSUPP, "has a payload packed with '%.20s'", name);
}

static int read_payload(struct rpm_package *package, struct members *m)
{
	struct payload p = { .package = package, .members = m };
	size_t n = rpmfilesFC(package->files);
	int r;

	if (n > LIMIT_PAYLOAD_MEMBERS)
		return members_fail(m, -E2BIG, "%zu files (at most %u)", n,
				    LIMIT_PAYLOAD_MEMBERS);
	p.files = rpmfilesNew(NULL, package->header, RPMTAG_BASENAMES,
			      RPMFI_KEEPHEADER | RPMFI_NOFILEFLAGS);
	p.seen = calloc(n + 1, sizeof(*p.seen));
	r = p.seen ? check_sizes(&p) : -ENOMEM;
	if (r == 0)
		r = unpack(package, m);
	if (r == 0) {
		p.reader = rpmfiNewArchiveReader(package->fd, p.files,
						 RPMFI_ITER_READ_ARCHIVE);
		r = p.reader ? read_members(&p) : -ENOMEM;
	}
	rpmfiFree(p.reader);
	rpmfilesFree(p.files);
	free(p.seen);
	return r;
}

int rpm_package_read(struct rpm_package *p, struct wanted *w, struct member_counts *ret,
		     struct diag *diag)
{
	struct members m;
	int r = members_init(&m, w, diag);

	/* A package without files has an empty payload, which is no archive. */
	if (r == 0 && p->n_members > 0)
		r = read_payload(p, &m);
	*ret = m.counts;
	members_done(&m);
	return r;
}
