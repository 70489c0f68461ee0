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

/* What a root-relative path leads to, links followed below the root: its canonical path. */
static int canonical_path(const struct store *s, const char *path, char **ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	bool is_root = strcmp(s->root_path, "/") == 0;
	char proc[64], found[PATH_MAX];
	_cleanup_close_ int fd = -1;
	size_t skip = is_root ? 0 : strlen(s->root_path);
	struct stat st;
	ssize_t n;

	if (!is_root)
		how.resolve |= RESOLVE_IN_ROOT;
	fd = (int)syscall(SYS_openat2, is_root ? AT_FDCWD : s->rootfd, path, &how,
			  sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return -EACCES;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, found, sizeof(found) - 1);
	if (n < 0)
		return -errno;
	found[n] = 0;
	if (strncmp(found, s->root_path, skip) != 0 || found[skip] != '/')
		return -ENOENT; /* moved meanwhile */
	*ret = strdup(found + skip);
	return *ret ? 0 : -ENOMEM;
}

int program_resolve(const struct store *s, const char *command, char **ret)
{
	bool is_root = strcmp(s->root_path, "/") == 0;
	_cleanup_free_ char *found = NULL;
	int r;

	if (!is_root && command[0] != '/')
		return -EINVAL;
	if (*command && strchr(command, '/'))
		return canonical_path(s, command, ret);
	r = search_path_find(command, &found);
	return r < 0 ? r : canonical_path(s, found, ret);
}

const char *launch_shadow_program(const struct shadow_buffer *b)
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
	return 0;
}

/* The hash in a name only narrows the search down: the program's path decides. */
static int add_if_wanted(struct launch_shadows *l, const struct store *s, const char *name,
			 const char *program, const char *scenario)
{
	struct shadow_buffer b;
	int r = store_load(s, STORE_SHADOW, name, &b);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		l->n_damaged++;
		return 0;
	}
	if (strcmp(launch_shadow_program(&b), program) == 0 &&
	    (!scenario || strcmp(launch_shadow_scenario(&b), scenario) == 0))
		return launch_shadows_add(l, &b);
	shadow_buffer_done(&b);
	return 0;
}

/* Without a scenario asked for: where there is a "default" one, only that. */
static void keep_default(struct launch_shadows *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		kept += strcmp(launch_shadow_scenario(&l->items[i]), "default") == 0;
	if (kept == 0)
		return;
	kept = 0;
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(launch_shadow_scenario(&l->items[i]), "default") == 0)
			l->items[kept++] = l->items[i];
		else
			shadow_buffer_done(&l->items[i]);
	l->n = kept;
}

static int add_all(struct launch_shadows *l, const struct store *s, const char *program,
		   const char *scenario)
{
	_cleanup_(name_list_done) struct name_list names = { 0 };
	int r;

	r = store_list_shadows(s, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (store_shadow_is_of(names.names[i], program))
			r = add_if_wanted(l, s, names.names[i], program, scenario);
	return r;
}

int launch_shadows_find(const struct store *s, const char *program, const char *scenario,
			struct launch_shadows *ret)
{
	_cleanup_(launch_shadows_done) struct launch_shadows l = { 0 };
	int r = add_all(&l, s, program, scenario);

	if (r < 0)
		return r;
	if (!scenario)
		keep_default(&l);
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
