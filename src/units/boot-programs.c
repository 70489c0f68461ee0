/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Three steps: what default.target needs, and what that needs; a rank for each, one more than
 * the highest of all that it comes after (systemd's implicit orders included); the programs of
 * their Exec lines by rank, with the interpreter of a script.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot-programs.h"
#include "bounds.h"
#include "io.h"
#include "launch-shadows.h"
#include "unit-load.h"
#include "unit-text.h"
#include "vec.h"

/* A unit that the boot starts. */
struct member {
	struct unit unit;
	char *called;  /* the name it was found by, an alias perhaps */
	uint32_t rank; /* more than that of all that it comes after */
	enum { RANK_UNKNOWN, RANK_PENDING, RANK_KNOWN } state;
};

struct closure {
	struct unit_paths paths;
	struct member *items;
	size_t n, capacity;
};

static void closure_done(struct closure *c)
{
	for (size_t i = 0; i < c->n; i++) {
		unit_done(&c->items[i].unit);
		free(c->items[i].called);
	}
	free(c->items);
	unit_paths_done(&c->paths);
}

/* ---- what is started ---- */

static struct member *find_member(const struct closure *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->items[i].called, name) == 0 ||
		    strcmp(c->items[i].unit.name, name) == 0)
			return &c->items[i];
	return NULL;
}

static int add_member(struct closure *c, const char *name)
{
	struct member *m;
	int r;

	if (c->n >= LIMIT_UNITS || find_member(c, name))
		return 0;
	r = VEC_RESERVE_ONE(c->items, c->n, c->capacity);
	if (r < 0)
		return r;
	m = &c->items[c->n];
	*m = (struct member){ .called = strdup(name) };
	if (!m->called)
		return -ENOMEM;
	c->n++;
	return unit_load(&c->paths, name, &m->unit);
}

static int add_members(struct closure *c, const struct name_list *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = add_member(c, names->names[i]);
	return r;
}

/* A service on the bus starts the bus: by its socket, whose unit says which it is. */
static int add_bus(struct closure *c)
{
	struct name_list services;
	struct member *socket;
	int r = add_member(c, "dbus.socket");

	socket = r == 0 ? find_member(c, "dbus.socket") : NULL;
	if (!socket || !socket->unit.found)
		return r;
	services = socket->unit.services;
	return services.n > 0 ? add_members(c, &services) : add_member(c, "dbus.service");
}

/* Of items[I], which may move while others are added. */
static int add_needs(struct closure *c, size_t i)
{
	const struct unit *u = &c->items[i].unit;
	struct name_list needs = u->needs;
	bool on_bus = u->on_bus;
	int r = 0;

	if (!u->found || u->cannot_start)
		return 0;
	if (u->default_dependencies && strcmp(unit_type(u->name), "target") != 0)
		r = add_member(c, "sysinit.target");
	if (r == 0)
		r = add_members(c, &needs);
	return r == 0 && on_bus ? add_bus(c) : r;
}

static int find_members(struct closure *c)
{
	int r = add_member(c, "default.target");

	for (size_t i = 0; r == 0 && i < c->n; i++)
		r = add_needs(c, i);
	return r;
}

/* ---- in which order ---- */

static uint32_t rank_of(struct closure *c, struct member *m);

static uint32_t rank_after(struct closure *c, const char *name, uint32_t rank)
{
	struct member *other = find_member(c, name);
	uint32_t r = other ? rank_of(c, other) + 1 : 0;

	return MAX(rank, r);
}

static uint32_t rank_after_all(struct closure *c, const struct name_list *names,
			       uint32_t rank)
{
	for (size_t i = 0; i < names->n; i++)
		rank = rank_after(c, names->names[i], rank);
	return rank;
}

/* Before= of others is After= here. */
static uint32_t rank_after_earlier(struct closure *c, const struct member *m, uint32_t rank)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->items[i].unit.before.n; k++)
			if (strcmp(c->items[i].unit.before.names[k], m->unit.name) == 0)
				rank = MAX(rank, rank_of(c, &c->items[i]) + 1);
	return rank;
}

/* Orders that go in circles are cut where they are met, as systemd does in its way. */
static uint32_t rank_of(struct closure *c, struct member *m)
{
	bool is_target = strcmp(unit_type(m->unit.name), "target") == 0;
	uint32_t rank = 0;

	if (m->state != RANK_UNKNOWN)
		return m->rank;
	m->state = RANK_PENDING;
	rank = rank_after_all(c, &m->unit.after, rank);
	rank = rank_after_earlier(c, m, rank);
	if (m->unit.default_dependencies)
		rank = is_target ? rank_after_all(c, &m->unit.needs, rank)
				 : rank_after(c, "sysinit.target", rank);
	if (m->unit.default_dependencies && strcmp(unit_type(m->unit.name), "service") == 0)
		rank = rank_after(c, "basic.target", rank);
	m->rank = rank;
	m->state = RANK_KNOWN;
	return rank;
}

static int compare_members(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->unit.name, b->unit.name);
}

/* ---- their programs ---- */

static int add_program(struct boot_programs *p, char *path, const char *unit)
{
	_cleanup_free_ char *owned = path;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->items[i].path, path) == 0)
			return 0;
	if (VEC_RESERVE_ONE(p->items, p->n, p->capacity) < 0)
		return -ENOMEM;
	p->items[p->n] = (struct boot_program){ .unit = strdup(unit) };
	if (!p->items[p->n].unit)
		return -ENOMEM;
	p->items[p->n++].path = TAKE_PTR(owned);
	return 0;
}

/* As systemd looks for a command that is no path, but on a local disk. */
static int resolve(const struct closure *c, const struct store *s, const char *command,
		   char **ret)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin",
					    "/usr/sbin",       "/usr/bin",
					    "/sbin",	       "/bin" };
	char path[PATH_MAX];
	int r = -ENOENT;

	if (command[0] == '/')
		return unit_paths_reach(&c->paths, command)
			       ? program_resolve(s, command, ret)
			       : -EREMOTE;
	for (size_t i = 0; r != 0 && r != -ENOMEM && i < ARRAY_SIZE(dirs); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dirs[i], command) <
			    sizeof(path) &&
		    unit_paths_reach(&c->paths, path))
			r = program_resolve(s, path, ret);
	return r;
}

/* The interpreter that a script's first line names; of env(1), what that starts. */
static bool interpreter_of(const struct store *s, const char *path, char *ret, size_t bytes)
{
	_cleanup_close_ int path_fd = io_open_path(s->rootfd, path, NULL);
	_cleanup_close_ int fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);
	char line[256];
	const char *words = line + 2;
	ssize_t n = fd < 0 ? -1 : pread(fd, line, sizeof(line) - 1, 0);

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	if (!unit_next_word(&words, ret, bytes))
		return false;
	if (strcmp(ret, "/usr/bin/env") == 0)
		while (unit_next_word(&words, ret, bytes) && ret[0] == '-')
			;
	return true;
}

static int add_command(const struct closure *c, const struct store *s, const char *command,
		       const char *unit, struct boot_programs *ret)
{
	char program[PATH_MAX];
	char *path = NULL;
	bool script;
	int r = resolve(c, s, command, &path);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	script = interpreter_of(s, path, program, sizeof(program));
	r = add_program(ret, path, unit);
	if (r < 0 || !script)
		return r;
	path = NULL;
	r = resolve(c, s, program, &path);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return add_program(ret, path, unit);
}

/* What process 1 itself starts for units of this type; NULL: nothing. */
static const char *helper_of(const char *type)
{
	if (strcmp(type, "mount") == 0)
		return "mount";
	return strcmp(type, "swap") == 0 ? "swapon" : NULL;
}

static int add_programs_of(const struct closure *c, const struct store *s,
			   const struct unit *u, struct boot_programs *ret)
{
	const char *helper = helper_of(unit_type(u->name));
	char program[PATH_MAX];
	int r = 0;

	if (!u->found || u->cannot_start)
		return 0;
	if (helper)
		return add_command(c, s, helper, u->name, ret);
	for (size_t i = 0; r == 0 && i < u->commands.n; i++)
		if (unit_command_program(u->commands.names[i], u->name, program,
					 sizeof(program)) == 0)
			r = add_command(c, s, program, u->name, ret);
	return r;
}

int boot_programs_find(const struct store *s, const struct mounts *m,
		       struct boot_programs *ret)
{
	_cleanup_(closure_done) struct closure c = { 0 };
	int r;

	*ret = (struct boot_programs){ 0 };
	r = unit_paths_load(s, m, &c.paths);
	if (r == 0)
		r = find_members(&c);
	if (r == 0 && c.n > 0 && c.items[0].unit.found)
		r = add_command(&c, s, "/usr/lib/systemd/systemd", "init.scope", ret);
	/* The last member is without a unit when there was no memory for it. */
	for (size_t i = 0; r == 0 && i < c.n; i++)
		rank_of(&c, &c.items[i]);
	if (r == 0 && c.n > 0)
		qsort(c.items, c.n, sizeof(c.items[0]), compare_members);
	for (size_t i = 0; r == 0 && i < c.n; i++)
		r = add_programs_of(&c, s, &c.items[i].unit, ret);
	if (r < 0)
		boot_programs_done(ret);
	return r;
}

void boot_programs_done(struct boot_programs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].path);
		free(p->items[i].unit);
	}
	free(p->items);
	*p = (struct boot_programs){ 0 };
}
