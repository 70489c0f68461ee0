/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * librpm logs where it pleases; here its words end up in a diag. It has one configuration
 * per process, read at the first use.
 */
#include <errno.h>
#include <fcntl.h>
#include <rpm/header.h>
#include <rpm/rpmcli.h>
#include <rpm/rpmcrypto.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "pkgdb.h"

struct rpm_package {
	Header header;
	rpmfiles files;
	char *name;
	uint64_t n_members;
};

/* ---- the process ---- */

static bool is_configured;

/* The last error, or the first line that says what a digest did not agree with. */
static char last_message[sizeof(((struct diag *)NULL)->message)];

static int keep_message(rpmlogRec rec, _unused_ rpmlogCallbackData data)
{
	const char *text = rpmlogRecMessage(rec);
	bool is_result = strstr(text, "BAD") || strstr(text, "NOTFOUND");

	if (rpmlogRecPriority(rec) <= RPMLOG_ERR || is_result) {
		text += strspn(text, " \t\n");
		/* That is our name for it. */
		if (strncmp(text, "/proc/self/fd/", 14) == 0 && strstr(text, ": "))
			text = strstr(text, ": ") + 2;
		snprintf(last_message, sizeof(last_message), "%.*s",
			 (int)strcspn(text, "\n"), text);
	}
	return 0; /* printed nowhere */
}

static int configure(void)
{
	if (is_configured)
		return 0;
	rpmlogSetCallback(keep_message, NULL);
	if (rpmReadConfigFiles(NULL, NULL) != 0)
		return -EIO;
	rpmSetVerbosity(RPMLOG_INFO); /* with a digest per line */
	is_configured = true;
	return 0;
}

void rpm_cleanup(void)
{
	if (!is_configured)
		return;
	rpmFreeRpmrc();
	rpmFreeMacros(NULL);
	rpmFreeCrypto();
	rpmlogClose();
	is_configured = false;
}

_printf_(3, 4) static int fail(struct diag *d, int error, const char *format, ...)
{
	va_list ap;

	*d = (struct diag){ 0 };
	va_start(ap, format);
	vsnprintf(d->message, sizeof(d->message), format, ap);
	va_end(ap);
	return error;
}

/* ---- package files ---- */

/* An empty keyring, so that nobody opens (or creates) the database for keys. */
static rpmts new_transaction(void)
{
	rpmKeyring keyring = rpmKeyringNew();
	rpmts ts = rpmtsCreate();

	rpmtsSetKeyring(ts, keyring);
	rpmKeyringFree(keyring);
	rpmtsSetVSFlags(ts, rpmtsVSFlags(ts) | RPMVSF_MASK_NOSIGNATURES);
	rpmtsSetVfyFlags(ts, RPMVSF_MASK_NOSIGNATURES);
	rpmtsSetVfyLevel(ts, RPMSIG_DIGEST_TYPE);
	return ts;
}

static int verify_digests(rpmts ts, int fd, struct diag *diag)
{
	char path[64];
	char *argv[] = { path, NULL };

	/* The file that is open, whatever its name is now; and no URL. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	last_message[0] = 0;
	if (rpmcliVerifySignatures(ts, argv) == 0)
		return 0;
	return fail(diag, -EBADMSG, "damaged: %s",
		    last_message[0] ? last_message : "its digests do not agree");
}

static int read_header(rpmts ts, int fd, Header *ret, struct diag *diag)
{
	FD_t f;
	rpmRC rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(diag, -errno, "%s", strerror(errno));
	f = fdDup(fd); /* shares the offset */
	if (!f)
		return fail(diag, -errno, "%s", strerror(errno));
	last_message[0] = 0;
	rc = rpmReadPackageFile(ts, f, "package", ret);
	Fclose(f);
	if (rc == RPMRC_OK || rc == RPMRC_NOKEY || rc == RPMRC_NOTTRUSTED)
		return 0;
	return fail(diag, -EBADMSG, "damaged: %s",
		    last_message[0] ? last_message : "its header cannot be read");
}

static int check_kind(Header h, struct diag *diag)
{
	const char *format = headerGetString(h, RPMTAG_PAYLOADFORMAT);

	if (headerIsSource(h))
		return fail(diag, -EOPNOTSUPP, "is a source package");
	if (format && strcmp(format, "cpio") != 0)
		return fail(diag, -EOPNOTSUPP, "has a payload of format '%.20s', not cpio",
			    format);
	/* rpm then leaves sizes and names out of the cpio headers. */
	if (headerIsEntry(h, RPMTAG_LONGFILESIZES))
		return fail(diag, -EOPNOTSUPP,
			    "has files over 4 GiB (unpack it, and check the directory)");
	return 0;
}

static int describe(struct rpm_package *p)
{
	p->name = headerGetAsString(p->header, RPMTAG_NEVRA);
	p->files = rpmfilesNew(NULL, p->header, RPMTAG_BASENAMES, RPMFI_KEEPHEADER);
	for (int i = 0; i < (int)rpmfilesFC(p->files); i++)
		p->n_members += !(rpmfilesFFlags(p->files, i) & RPMFILE_GHOST);
	return p->name ? 0 : -ENOMEM;
}

static int open_package(rpmts ts, int fd, struct rpm_package *p, struct diag *diag)
{
	int r = verify_digests(ts, fd, diag);

	if (r == 0)
		r = read_header(ts, fd, &p->header, diag);
	if (r == 0)
		r = check_kind(p->header, diag);
	return r == 0 ? describe(p) : r;
}

int rpm_package_open(int fd, struct rpm_package **ret, struct diag *diag)
{
	_cleanup_(rpm_package_freep) struct rpm_package *p = calloc(1, sizeof(*p));
	rpmts ts;
	int r = p ? configure() : -ENOMEM;

	if (r == -EIO)
		return fail(diag, r, "librpm cannot read its configuration");
	if (r < 0)
		return r;
	ts = new_transaction();
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
	rpmfilesFree(p->files);
	headerFree(p->header);
	free(p->name);
	free(p);
}

const char *rpm_package_name(const struct rpm_package *p)
{
	return p->name;
}

uint64_t rpm_package_n_members(const struct rpm_package *p)
{
	return p->n_members;
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
	const char *dir = rpmfilesDN(p->files, rpmfilesDI(p->files, i));
	const char *base = rpmfilesBN(p->files, i);
	char path[2 * LIMIT_PATH_BYTES], folded[LIMIT_PATH_BYTES + 8];
	struct wanted_file *f;
	int r = 0;

	if (!dir || !base || (rpmfilesFFlags(p->files, i) & RPMFILE_GHOST))
		return 0;
	snprintf(path, sizeof(path), "%s%s", dir, base);
	if (wanted_fold(path, folded, sizeof(folded)) < 0)
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

/* ---- installed packages ---- */

static void claim_files(Header h, struct wanted *w, struct installed *installed)
{
	rpmfiles files = rpmfilesNew(NULL, h, RPMTAG_BASENAMES, RPMFI_FLAGS_ONLY_FILENAMES);
	char path[2 * LIMIT_PATH_BYTES];

	for (int i = 0; i < (int)rpmfilesFC(files); i++) {
		const char *dir = rpmfilesDN(files, rpmfilesDI(files, i));
		const char *base = rpmfilesBN(files, i);

		if (!dir || !base)
			continue;
		snprintf(path, sizeof(path), "%s%s", dir, base);
		installed_claim(installed, w, path);
	}
	rpmfilesFree(files);
}

/* All headers in turn: looking up one path after the other would stat the host's files. */
static int read_database(rpmts ts, struct wanted *w, struct installed *installed)
{
	rpmdbMatchIterator all = rpmtsInitIterator(ts, RPMDBI_PACKAGES, NULL, 0);
	Header h;
	int r = 0;

	while (r == 0 && (h = rpmdbNextIterator(all))) {
		const char *name = headerGetString(h, RPMTAG_NAME);
		char *nevra;

		if (name && strcmp(name, "gpg-pubkey") == 0)
			continue;
		nevra = headerGetAsString(h, RPMTAG_NEVRA);
		r = nevra ? name_list_add(&installed->packages, nevra) : -ENOMEM;
		free(nevra);
		if (r == 0)
			claim_files(h, w, installed);
	}
	rpmdbFreeIterator(all);
	return r;
}

int rpm_read_installed(const char *root_path, const char *db_path, struct wanted *w,
		       struct installed *ret, struct diag *diag)
{
	int r = configure();
	rpmts ts;

	if (r < 0)
		return fail(diag, r, "librpm cannot read its configuration");
	ts = new_transaction();
	rpmPushMacro(NULL, "_dbpath", NULL, db_path, RMIL_CMDLINE);
	last_message[0] = 0;
	if (rpmtsSetRootDir(ts, root_path) != 0 || rpmtsOpenDB(ts, O_RDONLY) != 0)
		r = fail(diag, -EIO, "%s: %s", db_path,
			 last_message[0] ? last_message : "cannot be opened");
	else
		r = read_database(ts, w, ret);
	rpmtsFree(ts);
	rpmPopMacro(NULL, "_dbpath");
	return r;
}
