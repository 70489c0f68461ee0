/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "io.h"
#include "unit-load.h"
#include "unit-text.h"
#include "vec.h"

static int add_name(struct name_list *l, const char *name, size_t n)
{
	if (VEC_RESERVE_ONE(l->names, l->n, l->capacity) < 0)
		return -ENOMEM;
	l->names[l->n] = strndup(name, n);
	return l->names[l->n++] ? 0 : -ENOMEM;
}

/* ---- settings ---- */

struct loading {
	const struct unit_paths *paths;
	struct unit *unit;
	bool has_trigger, trigger_holds; /* conditions with "|" */
};

static int add_names(struct loading *l, struct name_list *to, const char *value)
{
	char word[UNIT_NAME_BYTES], name[UNIT_NAME_BYTES];
	int r = 0;

	while (r == 0 && to->n < LIMIT_UNITS && unit_next_word(&value, word, sizeof(word)))
		if (unit_resolve_specifiers(word, l->unit->name, name, sizeof(name)) == 0)
			r = add_name(to, name, strlen(name));
	return r;
}

/* An empty value takes back what stood before. */
static int add_command(struct unit *u, const char *value)
{
	if (!*value) {
		name_list_done(&u->commands);
		return 0;
	}
	return u->commands.n < LIMIT_UNITS ? add_name(&u->commands, value, strlen(value))
					   : 0;
}

static bool is_one_of(const char *key, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* What is below these comes while the system runs. */
static bool is_volatile(const char *path)
{
	static const char *const dirs[] = { "/run/", "/sys/", "/proc/",
					    "/dev/", "/tmp/", "/var/run/" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0)
			return true;
	return false;
}

/* Of a condition that nobody can answer before the boot, what most machines answer. */
static bool holds(const struct unit_paths *p, const char *key, const char *value)
{
	static const char *const of_files[] = { "PathExists", "PathIsDirectory",
						"DirectoryNotEmpty", "FileNotEmpty",
						"FileIsExecutable" };
	static const char *const rare[] = { "KernelCommandLine", "FirstBoot", "NeedsUpdate",
					    "Virtualization", "ACPower" };
	bool negated = *value == '!';
	_cleanup_close_ int fd = -1;

	value += negated;
	if (is_one_of(key, rare, ARRAY_SIZE(rare)))
		return negated;
	if (!is_one_of(key, of_files, ARRAY_SIZE(of_files)) || *value != '/' ||
	    is_volatile(value) || !unit_paths_reach(p, value))
		return true;
	fd = io_open_path(p->rootfd, value, NULL);
	return fd == -ENOENT || fd == -ENOTDIR ? negated : fd < 0 || !negated;
}

static void add_condition(struct loading *l, const char *key, const char *value)
{
	bool trigger = *value == '|';
	bool held = holds(l->paths, key, value + trigger);

	if (trigger) {
		l->has_trigger = true;
		l->trigger_holds |= held;
	} else if (!held) {
		l->unit->cannot_start = true;
	}
}

static int set_unit(struct loading *l, const char *key, const char *value)
{
	static const char *const needs[] = { "Wants", "Requires", "BindsTo", "Upholds",
					     "Requisite" };

	if (is_one_of(key, needs, ARRAY_SIZE(needs)))
		return add_names(l, &l->unit->needs, value);
	if (strcmp(key, "After") == 0)
		return add_names(l, &l->unit->after, value);
	if (strcmp(key, "Before") == 0)
		return add_names(l, &l->unit->before, value);
	if (strcmp(key, "DefaultDependencies") == 0)
		l->unit->default_dependencies = !strchr("nNfF0", *value) || !*value;
	else if (strncmp(key, "Condition", 9) == 0 && *value)
		add_condition(l, key + 9, value);
	return 0;
}

static int on_setting(const char *section, const char *key, const char *value,
		      void *userdata)
{
	static const char *const starts[] = { "ExecCondition", "ExecStartPre", "ExecStart",
					      "ExecStartPost" };
	struct loading *l = userdata;

	if (strcmp(section, "Unit") == 0)
		return set_unit(l, key, value);
	if (strcmp(section, "Socket") == 0 && strcmp(key, "Service") == 0)
		return add_names(l, &l->unit->services, value);
	if (is_one_of(key, starts, ARRAY_SIZE(starts)))
		return add_command(l->unit, value);
	if (strcmp(section, "Service") == 0 &&
	    (strcmp(key, "BusName") == 0 ||
	     (strcmp(key, "Type") == 0 && strcmp(value, "dbus") == 0)))
		l->unit->on_bus = true;
	return 0;
}

/* 1: read; 0: there is none that may be. */
static int read_settings(struct loading *l, const char *path)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t bytes;
	int r;

	path_fd = unit_paths_open(l->paths, path, &st);
	fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);
	r = fd < 0 ? fd : io_read_file(fd, LIMIT_UNIT_BYTES, &text, &bytes);
	if (r == 0)
		r = unit_text_parse(text, bytes, on_setting, l);
	if (r == -ENOMEM)
		return r;
	return r == 0 && bytes > 0;
}

/* ---- directories beside a unit ---- */

/* A file in such a directory; PATH is that of the directory. */
struct beside {
	const char *path;
	const struct unit_entry *entry;
};

typedef int (*beside_handler)(struct loading *l, const struct beside *b);

struct beside_list {
	struct unit_dir dirs[UNIT_DIRS];
	char paths[UNIT_DIRS][UNIT_NAME_BYTES + 64];
	size_t n_dirs;
	struct beside *items; /* sorted by name */
	size_t n, capacity;
};

static void beside_done(struct beside_list *b)
{
	for (size_t i = 0; i < b->n_dirs; i++)
		unit_dir_done(&b->dirs[i]);
	free(b->items);
}

static int compare_beside(const void *a, const void *b)
{
	return unit_entry_compare(((const struct beside *)a)->entry,
				  ((const struct beside *)b)->entry);
}

/* Of files of one name, that of the first directory counts. */
static int add_beside(struct beside_list *b, size_t dir)
{
	const struct unit_dir *d = &b->dirs[dir];

	for (size_t i = 0; i < d->n; i++) {
		bool hidden = false;

		for (size_t k = 0; k < dir; k++)
			hidden |= unit_dir_find(&b->dirs[k], d->entries[i].name) != NULL;
		if (hidden)
			continue;
		if (VEC_RESERVE_ONE(b->items, b->n, b->capacity) < 0)
			return -ENOMEM;
		b->items[b->n++] = (struct beside){ d->path, &d->entries[i] };
	}
	return 0;
}

static int list_beside(const struct unit_paths *p, const char *dir_name,
		       struct beside_list *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < UNIT_DIRS; i++) {
		size_t n = b->n_dirs;

		if (!unit_dir_find(&p->dirs[i], dir_name))
			continue;
		snprintf(b->paths[n], sizeof(b->paths[n]), "%s/%s", p->dirs[i].path,
			 dir_name);
		b->dirs[n].path = b->paths[n];
		b->n_dirs++;
		r = unit_dir_list(p, &b->dirs[n]);
		if (r == 0)
			r = add_beside(b, n);
	}
	if (b->n > 0)
		qsort(b->items, b->n, sizeof(b->items[0]), compare_beside);
	return r;
}

/* What lies in NAME + SUFFIX of all directories, by name. */
static int for_beside(struct loading *l, const char *name, const char *suffix,
		      beside_handler handler)
{
	_cleanup_(beside_done) struct beside_list b = { 0 };
	char dir_name[UNIT_NAME_BYTES + 16];
	int r;

	snprintf(dir_name, sizeof(dir_name), "%s%s", name, suffix);
	r = list_beside(l->paths, dir_name, &b);
	for (size_t i = 0; r == 0 && i < b.n; i++)
		r = handler(l, &b.items[i]);
	return r;
}

static int read_drop_in(struct loading *l, const struct beside *b)
{
	const struct unit_entry *e = b->entry;
	char path[PATH_MAX];
	int r;

	if (strcmp(unit_type(e->name), "conf") != 0 || (e->target && e->target[0] != '/'))
		return 0;
	r = snprintf(path, sizeof(path), "%s/%s", b->path, e->name);
	if (r < 0 || (size_t)r >= sizeof(path))
		return 0;
	r = read_settings(l, e->target ?: path);
	return MIN(r, 0);
}

static int add_wanted(struct loading *l, const struct beside *b)
{
	const struct unit_entry *e = b->entry;

	if (!*unit_type(e->name) || (e->target && strcmp(e->target, "/dev/null") == 0))
		return 0;
	return add_name(&l->unit->needs, e->name, strlen(e->name));
}

/* Those of a template count for its instances. */
static int for_all_beside(struct loading *l, const char *suffix, beside_handler handler)
{
	char template[UNIT_NAME_BYTES];
	int r = for_beside(l, l->unit->name, suffix, handler);

	if (r == 0 && unit_template(l->unit->name, template, sizeof(template)))
		r = for_beside(l, template, suffix, handler);
	return r;
}

static int load_beside(struct loading *l)
{
	int r = for_beside(l, unit_type(l->unit->name), ".d", read_drop_in);

	if (r == 0)
		r = for_all_beside(l, ".d", read_drop_in);
	if (r == 0)
		r = for_all_beside(l, ".wants", add_wanted);
	if (r == 0)
		r = for_all_beside(l, ".requires", add_wanted);
	return r;
}

int unit_load(const struct unit_paths *p, const char *name, struct unit *ret)
{
	struct loading l = { .paths = p, .unit = ret };
	struct unit_file f;
	int r;

	unit_paths_find(p, name, &f);
	*ret = (struct unit){ .name = strdup(f.name), .default_dependencies = true };
	if (!ret->name)
		return -ENOMEM;
	if (!f.path[0])
		return 0;
	r = read_settings(&l, f.path);
	if (r <= 0) /* empty: masked */
		return r;
	ret->found = true;
	r = load_beside(&l);
	if (l.has_trigger && !l.trigger_holds)
		ret->cannot_start = true;
	return r;
}

void unit_done(struct unit *u)
{
	free(u->name);
	name_list_done(&u->needs);
	name_list_done(&u->after);
	name_list_done(&u->before);
	name_list_done(&u->commands);
	name_list_done(&u->services);
	*u = (struct unit){ 0 };
}
