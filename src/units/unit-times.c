/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "unit-times.h"
#include "utf8.h"
#include "vec.h"

#define ID	  "Id="
#define BEGIN	  "InactiveExitTimestampMonotonic="
#define ACTIVE	  "ActiveEnterTimestampMonotonic="
#define MAIN	  "ExecMainStartTimestampMonotonic="
#define PROGRAM	  "ExecStart="
/* In the value of ExecStart=: "{ path=/usr/bin/x ; argv[]=…". */
#define PATH_KEY  "path="
#define PATH_END  " ;"
#define USERSPACE "UserspaceTimestampMonotonic="
#define INITRD	  "InitRDTimestampMonotonic="
#define FINISH	  "FinishTimestampMonotonic="

const char *unit_times_properties(void)
{
	return "Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic,"
	       "ExecMainStartTimestampMonotonic,ExecStart";
}

const char *boot_times_properties(void)
{
	return "UserspaceTimestampMonotonic,FinishTimestampMonotonic,"
	       "InitRDTimestampMonotonic";
}

/* A line, or a part of one. */
struct span {
	const char *s;
	size_t n;
};

/* The value of KEY in LINE. */
static bool take_value(struct span line, const char *key, struct span *ret)
{
	size_t n = strlen(key);

	if (line.n < n || memcmp(line.s, key, n) != 0)
		return false;
	*ret = (struct span){ line.s + n, line.n - n };
	return true;
}

/* Of several lines the first one counts. What is no number is none. */
static bool take_time(struct span line, const char *key, uint64_t *ret)
{
	struct span value;
	uint64_t x = 0;

	if (*ret != 0 || !take_value(line, key, &value) || value.n == 0 || value.n > 18)
		return false;
	for (size_t i = 0; i < value.n; i++) {
		if (value.s[i] < '0' || value.s[i] > '9')
			return false;
		x = x * 10 + (uint64_t)(value.s[i] - '0');
	}
	*ret = x;
	return true;
}

static void take_name(struct span line, struct unit_time *u)
{
	struct span value;

	if (*u->name || !take_value(line, ID, &value) || value.n >= sizeof(u->name) ||
	    utf8_plain(value.s, value.n) != value.n)
		return;
	memcpy(u->name, value.s, value.n);
	u->name[value.n] = 0;
}

static int take_program(struct span line, struct unit_time *u)
{
	const char *path, *end;
	struct span value;

	if (u->program || !take_value(line, PROGRAM, &value))
		return 0;
	path = memmem(value.s, value.n, PATH_KEY, strlen(PATH_KEY));
	if (!path)
		return 0;
	path += strlen(PATH_KEY);
	end = memmem(path, (size_t)(value.s + value.n - path), PATH_END, strlen(PATH_END));
	if (!end || *path != '/' || end - path > (ptrdiff_t)LIMIT_PATH_BYTES ||
	    utf8_plain(path, (size_t)(end - path)) != (size_t)(end - path))
		return 0;
	u->program = strndup(path, (size_t)(end - path));
	return u->program ? 0 : -ENOMEM;
}

static int take_line(struct span line, struct unit_time *u)
{
	take_name(line, u);
	take_time(line, BEGIN, &u->begin_us);
	take_time(line, ACTIVE, &u->active_us);
	take_time(line, MAIN, &u->main_us);
	return take_program(line, u);
}

/* Takes *U, a whole block. */
static int add(struct unit_times *t, struct unit_time *u)
{
	int r = 0;

	if (*u->name && u->begin_us > 0)
		r = t->n < LIMIT_UNITS ? VEC_RESERVE_ONE(t->items, t->n, t->capacity)
				       : -E2BIG;
	if (*u->name && u->begin_us > 0 && r == 0)
		t->items[t->n++] = *u;
	else
		free(u->program);
	*u = (struct unit_time){ .program = NULL };
	return r;
}

static bool next_line(const char **text, const char *end, struct span *ret)
{
	const char *newline;

	if (*text == end)
		return false;
	newline = memchr(*text, '\n', (size_t)(end - *text));
	*ret = (struct span){ *text, (size_t)((newline ? newline : end) - *text) };
	*text = newline ? newline + 1 : end;
	return true;
}

static int compare(const void *pa, const void *pb)
{
	const struct unit_time *a = pa, *b = pb;

	if (a->begin_us != b->begin_us)
		return a->begin_us < b->begin_us ? -1 : 1;
	return strcmp(a->name, b->name);
}

int unit_times_parse(const char *text, size_t bytes, struct unit_times *ret)
{
	struct unit_time u = { .program = NULL };
	const char *end = text + bytes;
	struct span line;
	int r = 0;

	*ret = (struct unit_times){ 0 };
	while (r == 0 && next_line(&text, end, &line))
		r = line.n > 0 ? take_line(line, &u) : add(ret, &u);
	if (r == 0)
		r = add(ret, &u);
	free(u.program);
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare);
	return r;
}

void unit_times_done(struct unit_times *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i].program);
	free(t->items);
	*t = (struct unit_times){ 0 };
}

int boot_times_parse(const char *text, size_t bytes, struct boot_times *ret)
{
	struct boot_times t = { 0 };
	const char *end = text + bytes;
	bool has_start = false;
	struct span line;

	while (next_line(&text, end, &line)) {
		has_start |= take_time(line, USERSPACE, &t.userspace_us);
		take_time(line, FINISH, &t.finish_us);
		take_time(line, INITRD, &t.initrd_us);
	}
	if (!has_start)
		return -EBADMSG;
	*ret = t;
	return 0;
}

uint64_t boot_times_start_us(const struct boot_times *t, uint64_t process_us)
{
	return t->initrd_us > 0 ? t->userspace_us : MIN(process_us, t->userspace_us);
}
