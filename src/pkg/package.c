/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bounds.h"
#include "elf-id.h"
#include "io.h"
#include "librpm.h"
#include "package.h"
#include "payload.h"
#include "rpm-package.h"

void package_done(struct package *p)
{
	free(p->name);
	p->name = NULL;
}

void packages_done(void)
{
	librpm_cleanup();
}

static int fail_errno(struct diag *d, int error)
{
	diag_set(d, 0, 0, "%s", strerror(-error));
	return error;
}

/* ---- directories ---- */

DEFINE_CLEANUP(DIR *, closedir)

/* Open PATH (folded) below the root as it is, or where it lies when /usr is not merged. */
static int open_below(int rootfd, const char *path, struct stat *ret)
{
	int fd = io_open_path(rootfd, path, ret);
	char unmerged[LIMIT_PATH_BYTES + 8];

	if (fd != -ENOENT || strncmp(path, "/usr/", 5) != 0)
		return fd;
	/* Only what folding may have put into /usr. */
	if (wanted_fold(path + 4, unmerged, sizeof(unmerged)) < 0 ||
	    strcmp(unmerged, path) != 0)
		return fd;
	return io_open_path(rootfd, path + 4, ret);
}

static int read_link_at(int fd, struct wanted_file *f)
{
	char target[LIMIT_PATH_BYTES + 1];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = 0;
	f->link = strdup(target);
	return f->link ? 0 : -ENOMEM;
}

static int read_regular(int path_fd, const struct stat *st, const struct wanted *w,
			struct wanted_file *f)
{
	_cleanup_close_ int fd = io_reopen_read(path_fd);
	int r;

	if (fd < 0)
		return fd;
	f->size_bytes = (uint64_t)st->st_size;
	f->buildid_error = wanted_id_error(elf_id_read(fd, &f->buildid));
	r = f->want_digest ? hash_file(fd, f->digest) : 0;
	if (r == 0)
		r = wanted_tell_file(w, fd, f);
	return f->buildid_error == -ENOMEM ? -ENOMEM : r;
}

/* Another version of the library F, which is not there. */
static int find_other_version(int rootfd, struct wanted *w, const struct wanted_file *f)
{
	char parent[LIMIT_PATH_BYTES + 8], path[2 * LIMIT_PATH_BYTES];
	_cleanup_close_ int path_fd = -1;
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *d;
	int fd, r = 0;

	if (wanted_stem_bytes(f->path) == 0)
		return 0;
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(f->path, '/') - f->path),
		 f->path);
	path_fd = parent[0] ? open_below(rootfd, parent, NULL) : -1;
	fd = path_fd < 0 ? -1 : openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	while (r == 0 && dir && (d = readdir(dir))) {
		if (d->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s", parent, d->d_name);
		r = wanted_note_file(w, path);
	}
	return r;
}

static int look_up_below(int rootfd, struct wanted *w, struct wanted_file *f)
{
	struct stat st = { 0 };
	_cleanup_close_ int fd = open_below(rootfd, f->path, &st);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return find_other_version(rootfd, w, f);
	if (fd == -ELOOP) { /* in a directory that is a link */
		f->type = WANTED_LINK;
		return 0;
	}
	if (fd < 0)
		return fd;
	f->buildid_error = -ENOEXEC;
	f->type = S_ISREG(st.st_mode)	? WANTED_FILE
		  : S_ISLNK(st.st_mode) ? WANTED_LINK
					: WANTED_OTHER;
	if (f->type == WANTED_LINK)
		return read_link_at(fd, f);
	return f->type == WANTED_FILE ? read_regular(fd, &st, w, f) : 0;
}

static int read_directory(int rootfd, struct wanted *w, struct diag *diag)
{
	wanted_reset(w);
	for (size_t i = 0; i < w->n; i++) {
		int r = look_up_below(rootfd, w, &w->files[i]);

		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			diag_set(diag, 0, 0, "%.180s: %s", w->files[i].path, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* ---- rpm ---- */

static int read_rpm(int fd, bool quick, struct wanted *w, struct package *ret,
		    struct diag *diag)
{
	_cleanup_(rpm_package_freep) struct rpm_package *p = NULL;
	int r = rpm_package_open(fd, &p, diag);

	if (r < 0)
		return r;
	ret->name = strdup(rpm_package_name(p));
	if (!ret->name)
		return -ENOMEM;
	ret->rpm_format = rpm_package_format(p);
	ret->is_signed = rpm_package_is_signed(p);
	if (quick) {
		r = rpm_package_look_up(p, w, &ret->is_header_only);
		if (r < 0 || ret->is_header_only)
			return r;
	}
	return rpm_package_read(p, w, &ret->counts, diag);
}

/* ---- all ---- */

static int read_file(int fd, bool quick, struct wanted *w, struct package *ret,
		     struct diag *diag)
{
	static const char rpm_magic[] = "\xed\xab\xee\xdb", ar_magic[] = "!<arch>\n";
	char head[8] = "";
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return fail_errno(diag, -errno);
	if (memcmp(head, rpm_magic, strlen(rpm_magic)) == 0) {
		ret->kind = "rpm";
		return read_rpm(fd, quick, w, ret, diag);
	}
	if (memcmp(head, ar_magic, strlen(ar_magic)) == 0) {
		ret->kind = "deb";
		return payload_read(fd, PAYLOAD_DEB, w, &ret->counts, diag);
	}
	ret->kind = "tar";
	return payload_read(fd, PAYLOAD_TAR, w, &ret->counts, diag);
}

int package_read(int fd, bool quick, struct wanted *w, struct package *ret,
		 struct diag *diag)
{
	struct stat st;
	int r;

	*ret = (struct package){ 0 };
	if (fstat(fd, &st) < 0)
		return fail_errno(diag, -errno);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		diag_set(diag, 0, 0, "is neither a package nor a directory");
		return -EINVAL;
	}
	if (S_ISDIR(st.st_mode)) {
		ret->kind = "directory";
		r = read_directory(fd, w, diag);
	} else {
		r = read_file(fd, quick, w, ret, diag);
	}
	return r == -ENOMEM ? fail_errno(diag, r) : r;
}
