/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "search.h"
#include "vec.h"
#include "wanted.h"

/* What many files may share: their directory, or all of the path before a version. */
struct wanted_key {
	const char *path; /* of the file */
	size_t bytes;	  /* of it that are the key */
	size_t file;
};

static void forget(struct wanted_file *f)
{
	char *path = f->path;
	bool want_digest = f->want_digest;

	free(f->link);
	free(f->hardlink);
	free(f->other_version);
	*f = (struct wanted_file){ .path = path, .want_digest = want_digest };
}

void wanted_reset(struct wanted *w)
{
	for (size_t i = 0; i < w->n; i++)
		forget(&w->files[i]);
}

int wanted_tell_file(const struct wanted *w, int fd, const struct wanted_file *f)
{
	return w->on_file ? w->on_file(fd, f, w->userdata) : 0;
}

void wanted_done(struct wanted *w)
{
	wanted_reset(w);
	for (size_t i = 0; i < w->n; i++)
		free(w->files[i].path);
	free(w->files);
	free(w->dirs);
	free(w->stems);
	*w = (struct wanted){ 0 };
}

/* Directories that are links into /usr where it is merged. */
static bool is_merged(const char *name, size_t n)
{
	static const char *const names[] = { "bin",   "sbin",  "lib",
					     "lib32", "lib64", "libx32" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return true;
	return false;
}

static int append(char *to, size_t room, size_t *len, const char *name, size_t n)
{
	if (n + 2 > room - *len)
		return -ENAMETOOLONG;
	to[(*len)++] = '/';
	memcpy(to + *len, name, n);
	*len += n;
	to[*len] = 0;
	return 0;
}

int wanted_fold(const char *path, char *ret, size_t bytes)
{
	size_t len = 0, n;
	int r = 0;

	for (const char *p = path; r == 0 && *p; p += n) {
		n = strcspn(p, "/");
		if (n == 0) {
			n = 1; /* the slash */
			continue;
		}
		if (n == 1 && p[0] == '.')
			continue;
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return -EINVAL;
		if (len == 0 && is_merged(p, n))
			r = append(ret, bytes, &len, "usr", 3);
		if (r == 0)
			r = append(ret, bytes, &len, p, n);
	}
	return r < 0 ? r : len == 0 ? -ENOENT : 0;
}

int wanted_add(struct wanted *w, const char *path, bool want_digest)
{
	char folded[LIMIT_PATH_BYTES + 8];
	int r = wanted_fold(path, folded, sizeof(folded));

	if (r < 0)
		return r;
	if (VEC_RESERVE_ONE(w->files, w->n, w->capacity) < 0)
		return -ENOMEM;
	w->files[w->n] =
		(struct wanted_file){ .path = strdup(folded), .want_digest = want_digest };
	if (!w->files[w->n].path)
		return -ENOMEM;
	w->n++;
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct wanted_file *)a)->path,
		      ((const struct wanted_file *)b)->path);
}

static void join_equal(struct wanted *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (n > 0 && strcmp(w->files[n - 1].path, w->files[i].path) == 0) {
			w->files[n - 1].want_digest |= w->files[i].want_digest;
			forget(&w->files[i]);
			free(w->files[i].path);
		} else {
			w->files[n++] = w->files[i];
		}
	}
	w->n = n;
}

static int compare_key(const struct wanted_key *k, const char *path, size_t bytes)
{
	int c = memcmp(k->path, path, MIN(k->bytes, bytes));

	return c ? c : (k->bytes > bytes) - (k->bytes < bytes);
}

static int compare_keys(const void *a, const void *b)
{
	const struct wanted_key *k = b;

	return compare_key(a, k->path, k->bytes);
}

size_t wanted_stem_bytes(const char *name)
{
	const char *p = name;

	while ((p = strstr(p, ".so."))) {
		p += strlen(".so");
		if (p[1] >= '0' && p[1] <= '9' && !strchr(p, '/'))
			return (size_t)(p - name);
	}
	return 0;
}

static size_t dir_bytes(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

/* Sorted keys of all files that have one. */
static int index_by(const struct wanted *w, size_t (*key_bytes)(const char *),
		    struct wanted_key **ret, size_t *ret_n)
{
	struct wanted_key *keys = calloc(w->n + 1, sizeof(*keys));
	size_t n = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++) {
		const char *path = w->files[i].path;
		size_t bytes = key_bytes(path);

		if (bytes > 0)
			keys[n++] = (struct wanted_key){ path, bytes, i };
	}
	if (n > 1)
		qsort(keys, n, sizeof(*keys), compare_keys);
	free(*ret);
	*ret = keys;
	*ret_n = n;
	return 0;
}

int wanted_prepare(struct wanted *w)
{
	int r;

	if (w->n > 1)
		qsort(w->files, w->n, sizeof(w->files[0]), compare_files);
	join_equal(w);
	r = index_by(w, dir_bytes, &w->dirs, &w->n_dirs);
	return r < 0 ? r : index_by(w, wanted_stem_bytes, &w->stems, &w->n_stems);
}

static bool tells_something(const struct wanted_file *f)
{
	return f->type != WANTED_ABSENT || f->dir_is_owned || f->other_version;
}

int wanted_take_found(struct wanted *w, struct wanted *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += tells_something(&w->files[i]);
	ret->files = calloc(n + 1, sizeof(*ret->files));
	if (!ret->files)
		return -ENOMEM;
	ret->capacity = n + 1;
	for (size_t i = 0; i < w->n; i++) {
		struct wanted_file *f = &w->files[i];
		char *path;

		if (!tells_something(f))
			continue;
		path = strdup(f->path);
		if (!path)
			return -ENOMEM;
		ret->files[ret->n] = *f;
		ret->files[ret->n++].path = path;
		*f = (struct wanted_file){ .path = f->path, .want_digest = f->want_digest };
	}
	return 0;
}

struct wanted_file *wanted_find(const struct wanted *w, const char *folded)
{
	size_t at = SEARCH_FIRST(i, w->n, strcmp(w->files[i].path, folded) < 0);

	return at < w->n && strcmp(w->files[at].path, folded) == 0 ? &w->files[at] : NULL;
}

/* Number of the first key that is not below PATH's first BYTES. */
static size_t first_key(const struct wanted_key *keys, size_t n, const char *path,
			size_t bytes)
{
	return SEARCH_FIRST(i, n, compare_key(&keys[i], path, bytes) < 0);
}

void wanted_note_dir(struct wanted *w, const char *folded)
{
	size_t bytes = strlen(folded);

	/* The same directory again costs nothing. */
	for (size_t i = first_key(w->dirs, w->n_dirs, folded, bytes);
	     i < w->n_dirs && !w->files[w->dirs[i].file].dir_is_owned &&
	     compare_key(&w->dirs[i], folded, bytes) == 0;
	     i++)
		w->files[w->dirs[i].file].dir_is_owned = true;
}

int wanted_note_file(struct wanted *w, const char *folded)
{
	size_t bytes = wanted_stem_bytes(folded);
	int r = w->on_name ? w->on_name(folded, w->userdata) : 0;

	if (r < 0 || bytes == 0)
		return r;
	for (size_t i = first_key(w->stems, w->n_stems, folded, bytes);
	     i < w->n_stems && compare_key(&w->stems[i], folded, bytes) == 0; i++) {
		struct wanted_file *f = &w->files[w->stems[i].file];

		const char *name = strrchr(folded, '/') + 1;

		/* Of several the newest, in whatever order they come. */
		if (strcmp(f->path, folded) == 0 ||
		    (f->other_version && strverscmp(f->other_version, name) >= 0))
			continue;
		free(f->other_version);
		f->other_version = strdup(name);
		if (!f->other_version)
			return -ENOMEM;
	}
	return 0;
}
