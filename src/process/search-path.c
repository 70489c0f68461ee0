/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "macro.h"
#include "search-path.h"

/* Where there is no $PATH: the C library's, confstr(_CS_PATH). */
#define DEFAULT_PATH "/bin:/usr/bin"

static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

/* The file at PATH, which is taken. */
static int take_executable(char *path, char **ret)
{
	_cleanup_free_ char *owned = path;
	int r = path ? check_executable(path) : -ENOMEM;

	if (r == 0)
		*ret = TAKE_PTR(owned);
	return r;
}

/* What is there but may not be executed is only told when nothing else is. */
static int search(const char *dirs, const char *command, char **ret)
{
	int result = -ENOENT;

	for (const char *dir = dirs, *end; dir; dir = *end ? end + 1 : NULL) {
		char *path;
		int r;

		end = strchrnul(dir, ':');
		if (asprintf(&path, "%.*s%s%s", (int)(end - dir), dir,
			     end > dir ? "/" : "./", command) < 0)
			return -ENOMEM;
		r = take_executable(path, ret);
		if (r == 0 || r == -ENOMEM)
			return r;
		if (r == -EACCES)
			result = r;
	}
	return result;
}

int search_path_find(const char *command, char **ret)
{
	const char *dirs = getenv("PATH");

	if (!*command)
		return -ENOENT;
	if (!strchr(command, '/'))
		return search(dirs ? dirs : DEFAULT_PATH, command, ret);
	return take_executable(strdup(command), ret);
}
