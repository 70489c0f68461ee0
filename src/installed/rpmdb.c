/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <rpm/header.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmmacro.h>
#include <string.h>

#include "bounds.h"
#include "librpm.h"
#include "rpmdb.h"

static void claim_files(Header h, struct wanted *w, struct installed *installed)
{
	rpmfiles files = rpmfilesNew(NULL, h, RPMTAG_BASENAMES, RPMFI_FLAGS_ONLY_FILENAMES);
	char path[2 * LIMIT_PATH_BYTES];

	for (int i = 0; i < (int)rpmfilesFC(files); i++)
		if (librpm_file_path(files, i, path, sizeof(path)))
			installed_claim(installed, w, path);
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
	int r = librpm_configure();
	rpmts ts;

	if (r < 0) {
		diag_set(diag, 0, 0, "librpm cannot read its configuration");
		return r;
	}
	ts = librpm_transaction();
	rpmPushMacro(NULL, "_dbpath", NULL, db_path, RMIL_CMDLINE);
	if (rpmtsSetRootDir(ts, root_path) != 0 || rpmtsOpenDB(ts, O_RDONLY) != 0) {
		diag_set(diag, 0, 0, "%s: %.180s", db_path,
			 librpm_message("cannot be opened"));
		r = -EIO;
	} else {
		r = read_database(ts, w, ret);
	}
	rpmtsFree(ts);
	rpmPopMacro(NULL, "_dbpath");
	return r;
}
