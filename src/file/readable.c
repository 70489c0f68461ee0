/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "macro.h"
#include "readable.h"

static bool others_may(const char *path, mode_t kind, mode_t what)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind &&
	       (st.st_mode & what) == what;
}

/* Each directory above PATH. */
static bool leads_all_to(const char *path)
{
	_cleanup_free_ char *part = strdup(path);

	if (!part || path[0] != '/' || !others_may("/", S_IFDIR, S_IXOTH))
		return false;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (!others_may(part, S_IFDIR, S_IXOTH))
			return false;
		*slash = '/';
	}
	return true;
}

bool file_is_readable_by_all(const char *path)
{
	return leads_all_to(path) && others_may(path, S_IFREG, S_IROTH);
}

bool dir_is_readable_by_all(const char *path)
{
	return leads_all_to(path) && others_may(path, S_IFDIR, S_IROTH | S_IXOTH);
}

bool name_is_readable_by_all(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? errno == ENOENT
				    : S_ISLNK(st.st_mode) || st.st_mode & S_IROTH;
}
