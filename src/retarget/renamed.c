/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "macro.h"
#include "renamed.h"

/* Bytes of the version that P begins with: libz3.so is not libz.so. */
static size_t version_bytes(const char *p)
{
	size_t n = isdigit((unsigned char)*p) ? strspn(p, "0123456789.") : 0;

	while (n > 0 && p[n - 1] == '.')
		n--;
	return n;
}

/* The next character of a stem, of which *NAME is left. A version behind a dot may as well be missing. */
static char next_of_stem(const char **name)
{
	const char *p = *name;
	size_t n;

	while (*p == '.' && (n = version_bytes(p + 1)))
		p += 1 + n;
	n = version_bytes(p);
	*name = p + (n ? n : *p != 0);
	return n ? '0' : *p;
}

bool names_are_alike(const char *a, const char *b)
{
	char c;

	do {
		c = next_of_stem(&a);
		if (next_of_stem(&b) != c)
			return false;
	} while (c);
	return true;
}

char *renamed_stem(const char *path)
{
	char *stem = strdup(path), *to = stem;

	while (stem && (*to = next_of_stem(&path)))
		to++;
	return stem;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool is_wanted(int dirfd, const char *name, mode_t type)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == type;
}

/* How many bytes A and B have in common, but for the number in which they differ. */
static size_t common_bytes(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	while (n > 0 && isdigit((unsigned char)a[n - 1]))
		n--;
	return n;
}

/* libfoo2.so.3 takes the place of libfoo2.so.1 sooner than libfoo3.so.1 does. */
bool renamed_is_better(const char *a, const char *b, const char *path)
{
	size_t x = common_bytes(a, path), y = common_bytes(b, path);

	return x != y ? x > y : strverscmp(a, b) > 0;
}

/* The entry of the directory that is NAME, or most like it. */
static int find_entry(int dirfd, const char *name, mode_t type, char ret[NAME_MAX + 1])
{
	_cleanup_(closedirp) DIR *d = NULL;
	const struct dirent *e;
	int fd;

	snprintf(ret, NAME_MAX + 1, "%s", name);
	if (is_wanted(dirfd, name, type))
		return 0;
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		closep(&fd);
		return -errno;
	}
	*ret = 0;
	while ((e = readdir(d)))
		if (names_are_alike(e->d_name, name) && is_wanted(dirfd, e->d_name, type) &&
		    (!*ret || renamed_is_better(e->d_name, ret, name)))
			snprintf(ret, NAME_MAX + 1, "%s", e->d_name);
	return *ret ? 0 : -ENOENT;
}

int renamed_find(int rootfd, const char *path, char **ret)
{
	_cleanup_close_ int dir = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char found[LIMIT_PATH_BYTES + 1], name[NAME_MAX + 1], entry[NAME_MAX + 1];
	size_t at = 0;

	for (const char *p = path + 1, *end; dir >= 0; p = end + 1) {
		mode_t type;
		int r, next;

		end = strchrnul(p, '/');
		type = *end ? S_IFDIR : S_IFREG;
		if (end - p > NAME_MAX)
			return -ENOENT;
		snprintf(name, sizeof(name), "%.*s", (int)(end - p), p);
		r = find_entry(dir, name, type, entry);
		if (r < 0)
			return r;
		at += (size_t)snprintf(found + at, sizeof(found) - at, "/%s", entry);
		if (at >= sizeof(found))
			return -ENOENT;
		if (!*end) {
			*ret = strdup(found);
			return *ret ? 0 : -ENOMEM;
		}
		next = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	return -errno;
}
