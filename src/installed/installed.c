/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "dpkg.h"
#include "installed.h"
#include "io.h"
#include "librpm.h"
#include "macro.h"
#include "rpmdb.h"

void installed_done(struct installed *i)
{
	name_list_done(&i->packages);
	librpm_cleanup();
	*i = (struct installed){ 0 };
}

void installed_claim(const struct installed *i, struct wanted *w, const char *path)
{
	char folded[LIMIT_PATH_BYTES + 8];
	struct wanted_file *f;

	if (wanted_fold(path, folded, sizeof(folded)) < 0)
		return;
	f = wanted_find(w, folded);
	if (f && !f->owner)
		f->owner = i->packages.n;
}

/*
 * The directory of rpm's database, NULL: none. Its own macro is not asked: it is about this
 * system and this user (Debian's is in the home directory), not about the root.
 */
static const char *find_rpmdb(int rootfd)
{
	static const char *const dirs[] = { "/usr/lib/sysimage/rpm", "/var/lib/rpm" };
	static const char *const files[] = { "rpmdb.sqlite", "Packages.db", "Packages" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
			struct stat st;
			int fd;

			snprintf(path, sizeof(path), "%s/%s", dirs[i], files[k]);
			fd = io_open_path(rootfd, path, &st);
			if (fd < 0)
				continue;
			close(fd);
			if (S_ISREG(st.st_mode))
				return dirs[i];
		}
	return NULL;
}

int installed_read(int rootfd, const char *root_path, struct wanted *w,
		   struct installed *ret, struct diag *diag)
{
	const char *rpmdb = find_rpmdb(rootfd);

	if (rpmdb) {
		ret->manager = "rpm";
		return rpm_read_installed(root_path, rpmdb, w, ret, diag);
	}
	ret->manager = "dpkg";
	return dpkg_read_installed(rootfd, w, ret, diag);
}
