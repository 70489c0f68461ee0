/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "launch-shadows.h"
#include "search-path.h"
#include "vec.h"

/*
 * What a root-relative path leads to, links followed below the root: its canonical path, without a
 * slash at its end.
 */
static int canonical_path(const struct store *s, const char *path, struct stat *ret_st,
			  char **ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	bool is_root = strcmp(s->root_path, "/") == 0;
	char proc[64], found[PATH_MAX];
	_cleanup_close_ int fd = -1;
	size_t skip = is_root ? 0 : strlen(s->root_path);
	ssize_t n;

	if (!is_root)
		how.resolve |= RESOLVE_IN_ROOT;
	fd = (int)syscall(SYS_openat2, is_root ? AT_FDCWD : s->rootfd, path, &how,
			  sizeof(how));
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return -errno;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, found, sizeof(found) - 1);
	if (n < 0)
		return -errno;
	found[n] = 0;
	if (strncmp(found, s->root_path, skip) != 0 ||
	    (found[skip] != '/' && found[skip] != 0))
		return -ENOENT; /* moved meanwhile */
	*ret = strdup(strcmp(found + skip, "/") == 0 ? "" : found + skip);
	return *ret ? 0 : -ENOMEM;
}

/* PATH has a slash. */
static int find_file(const struct store *s, const char *path, char **ret)
{
	struct stat st;
	char *file;
	int r = canonical_path(s, path, &st, &file);

	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0) {
		free(file);
		return -EACCES;
	}
	*ret = file;
	return 0;
}

static int find_name(const struct store *s, const char *path, char **ret)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *parent = strndup(path, (size_t)(name - path)), *dir = NULL;
	struct stat st;
	int r = parent ? canonical_path(s, parent, &st, &dir) : -ENOMEM;

	if (r == 0 && asprintf(ret, "%s/%s", dir, name) < 0)
		r = -ENOMEM;
	return r;
}

/* What $PATH is there is not known. */
static int find_below(const struct store *s, const char *name, char **ret)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin",
					    "/usr/sbin",       "/usr/bin",
					    "/sbin",	       "/bin" };
	int error = -ENOENT;

	for (size_t i = 0; *name && i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = NULL, *file = NULL;
		int r = asprintf(&path, "%s/%s", dirs[i], name) < 0 ? -ENOMEM : 0;

		if (r == 0)
			r = find_file(s, path, &file);
		if (r == 0)
			*ret = TAKE_PTR(path);
		if (r == 0 || r == -ENOMEM)
			return r;
		if (r == -EACCES)
			error = r;
	}
	return error;
}

int program_find(const struct store *s, const char *command, struct program_paths *ret)
{
	bool is_root = strcmp(s->root_path, "/") == 0;
	struct program_paths p = { 0 };
	_cleanup_free_ char *found = NULL;
	int r = 0;

	if (!*command || !strchr(command, '/'))
		r = is_root ? search_path_find(command, &found)
			    : find_below(s, command, &found);
	else if (!is_root && command[0] != '/')
		r = -EINVAL;
	if (r == 0)
		r = find_file(s, found ? found : command, &p.file);
	if (r == 0)
		r = find_name(s, found ? found : command, &p.launched_as);
	if (r < 0)
		program_done(&p);
	else
		*ret = p;
	return r;
}

void program_done(struct program_paths *p)
{
	free(p->launched_as);
	free(p->file);
	*p = (struct program_paths){ 0 };
}

int program_resolve(const struct store *s, const char *command, char **ret)
{
	struct program_paths p;
	int r = program_find(s, command, &p);

	if (r == 0)
		*ret = TAKE_PTR(p.file), program_done(&p);
	return r;
}

const char *launch_shadow_program(const struct shadow_buffer *b)
{
	return shadow_launched_as(&b->shadow);
}

const char *launch_shadow_file(const struct shadow_buffer *b)
{
	return shadow_string(&b->shadow, b->shadow.launches[0].program);
}

const char *launch_shadow_scenario(const struct shadow_buffer *b)
{
	return shadow_string(&b->shadow, b->shadow.launches[0].scenario);
}

int launch_shadows_add(struct launch_shadows *l, struct shadow_buffer *b)
{
	if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0) {
		shadow_buffer_done(b);
		return -ENOMEM;
	}
	l->items[l->n++] = *b;
	*b = (struct shadow_buffer){ 0 };
	return 0;
}

/* The hash in a name only narrows the search down: the file's path decides. */
static int add_if_wanted(struct launch_shadows *l, const struct store *s, const char *name,
			 const char *file, const char *scenario)
{
	struct shadow_buffer b;
	int r = store_load(s, STORE_SHADOW, name, &b);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		l->n_damaged++;
		return 0;
	}
	if (strcmp(launch_shadow_file(&b), file) == 0 &&
	    (!scenario || strcmp(launch_shadow_scenario(&b), scenario) == 0)) {
		b.profile = store_shadow_profile(name);
		if (b.profile)
			return launch_shadows_add(l, &b);
		r = -ENOMEM;
	}
	shadow_buffer_done(&b);
	return r;
}

static bool is_default(const struct shadow_buffer *b, _unused_ const void *userdata)
{
	return strcmp(launch_shadow_scenario(b), "default") == 0;
}

static bool is_launched_as(const struct shadow_buffer *b, const void *userdata)
{
	return strcmp(launch_shadow_program(b), userdata) == 0;
}

/* Where there are some that FIT, only these. */
static void prefer(struct launch_shadows *l,
		   bool (*fits)(const struct shadow_buffer *b, const void *userdata),
		   const void *userdata)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		kept += fits(&l->items[i], userdata);
	if (kept == 0)
		return;
	kept = 0;
	for (size_t i = 0; i < l->n; i++)
		if (fits(&l->items[i], userdata))
			l->items[kept++] = l->items[i];
		else
			shadow_buffer_done(&l->items[i]);
	l->n = kept;
}

static int add_all(struct launch_shadows *l, const struct store *s, const char *file,
		   const char *scenario)
{
	_cleanup_(name_list_done) struct name_list names = { 0 };
	int r;

	r = store_list_shadows(s, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (store_shadow_is_of(names.names[i], file))
			r = add_if_wanted(l, s, names.names[i], file, scenario);
	return r;
}

int launch_shadows_find(const struct store *s, const struct program_paths *program,
			const char *scenario, struct launch_shadows *ret)
{
	_cleanup_(launch_shadows_done) struct launch_shadows l = { 0 };
	int r = add_all(&l, s, program->file, scenario);

	if (r < 0)
		return r;
	prefer(&l, is_launched_as, program->launched_as);
	if (!scenario)
		prefer(&l, is_default, NULL);
	*ret = l;
	l = (struct launch_shadows){ 0 };
	return 0;
}

void launch_shadows_done(struct launch_shadows *l)
{
	for (size_t i = 0; i < l->n; i++)
		shadow_buffer_done(&l->items[i]);
	free(l->items);
	*l = (struct launch_shadows){ 0 };
}
