/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "config.h"
#include "storage.h"
#include "utf8.h"

#define TIME_DEFAULT_MS	   30000u
#define TIME_MAX_MS	   3600000u
/* More of memory than that would push out what the boot itself brought in. */
#define BUDGET_MAX_PERCENT 50u
#define BUDGET_MAX_BYTES   ((uint64_t)1 << 50)
/* What the kernel keeps for itself differs a little from boot to boot. */
#define RAM_STEP_BYTES	   ((uint64_t)64 << 20)

struct parser {
	struct config *config;
	config_problem on_problem;
	void *userdata;
	const char *path;
	const char *line_start;
	unsigned line;
};

/* A part of the text, which has no NULs of its own at its ends. */
struct span {
	const char *s;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span t)
{
	while (t.n > 0 && is_blank(t.s[0])) {
		t.s++;
		t.n--;
	}
	while (t.n > 0 && is_blank(t.s[t.n - 1]))
		t.n--;
	return t;
}

static bool span_is(struct span t, const char *text)
{
	return t.n == strlen(text) && memcmp(t.s, text, t.n) == 0;
}

/* For messages: as much as fits, and nothing that a terminal would obey. */
static const char *quote(struct span t, char ret[static 64])
{
	size_t n = MIN(t.n, 61u);

	for (size_t i = 0; i < n; i++)
		ret[i] = (char)(t.s[i] ? t.s[i] : '?');
	ret[n] = 0;
	ret[utf8_cut(ret, 60)] = 0;
	utf8_blank(ret);
	return t.n > 60 ? strcat(ret, "...") : ret;
}

static void problem(struct parser *p, const char *at, const char *message)
{
	struct diag d = { 0 };

	diag_set(&d, p->line, (unsigned)(at - p->line_start) + 1, "%s", message);
	if (p->on_problem)
		p->on_problem(p->path, &d, p->userdata);
}

_printf_(3, 4) static int bad(struct parser *p, struct span at, const char *format, ...)
{
	char message[sizeof(((struct diag *)0)->message)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	problem(p, at.s, message);
	return 0;
}

/* Digits at the start of T, and what follows them. */
static bool take_number(struct span t, uint64_t *ret, struct span *ret_rest)
{
	uint64_t x = 0;
	size_t i = 0;

	for (; i < t.n && t.s[i] >= '0' && t.s[i] <= '9'; i++)
		if (__builtin_mul_overflow(x, 10u, &x) ||
		    __builtin_add_overflow(x, (uint64_t)(t.s[i] - '0'), &x))
			return false;
	*ret = x;
	*ret_rest = trim((struct span){ t.s + i, t.n - i });
	return i > 0;
}

static bool take_unit(struct span unit, uint64_t *x)
{
	static const char units[] = "KMGT";
	const char *u = unit.n == 1 ? memchr(units, unit.s[0], 4) : NULL;
	uint64_t scale = u ? (uint64_t)1 << (10 * (u - units + 1)) : 1;

	return (u || unit.n == 0) && !__builtin_mul_overflow(*x, scale, x);
}

static int set_budget(struct parser *p, struct span v)
{
	struct config *c = p->config;
	struct span unit;
	char text[64];
	uint64_t x;

	if (!take_number(v, &x, &unit))
		return bad(p, v, "'%s' is no number of bytes and no share of memory",
			   quote(v, text));
	if (span_is(unit, "%")) {
		if (x == 0 || x > BUDGET_MAX_PERCENT)
			return bad(p, v, "'%s' is not between 1%% and %u%%", quote(v, text),
				   BUDGET_MAX_PERCENT);
		c->budget_percent = (unsigned)x;
		c->has_budget = true;
		return 0;
	}
	if (!take_unit(unit, &x))
		return bad(p, unit, "unknown unit '%s', not one of K, M, G, T, %%",
			   quote(unit, text));
	if (x > BUDGET_MAX_BYTES)
		return bad(p, v, "'%s' is too much", quote(v, text));
	c->budget_bytes = x;
	c->budget_percent = 0;
	c->has_budget = true;
	return 0;
}

static int set_time(struct parser *p, struct span v)
{
	struct span unit;
	char text[64];
	uint64_t x;

	if (!take_number(v, &x, &unit))
		return bad(p, v, "'%s' is no time", quote(v, text));
	if (span_is(unit, "s") && x <= TIME_MAX_MS)
		x *= 1000;
	else if (unit.n > 0 && !span_is(unit, "ms"))
		return bad(p, unit, "unknown unit '%s', not one of ms, s",
			   quote(unit, text));
	if (x > TIME_MAX_MS)
		return bad(p, v, "'%s' is more than an hour", quote(v, text));
	p->config->time_ms = (unsigned)x;
	return 0;
}

static int set_storage(struct parser *p, struct span v)
{
	enum storage_class class;
	char text[64];

	if (span_is(v, "auto")) {
		p->config->storage = -1;
		return 0;
	}
	if (storage_class_from_name(quote(v, text), &class) < 0)
		return bad(p, v,
			   "unknown storage '%s', not one of auto, rotational, network, "
			   "flash, image",
			   text);
	p->config->storage = (int)class;
	return 0;
}

static int set_bool(struct parser *p, struct span v, bool *ret)
{
	char text[64];

	if (!span_is(v, "yes") && !span_is(v, "no"))
		return bad(p, v, "'%s' is not yes or no", quote(v, text));
	*ret = span_is(v, "yes");
	return 0;
}

static int set_boot(struct parser *p, struct span v)
{
	return set_bool(p, v, &p->config->boot);
}

static int set_boot_eager(struct parser *p, struct span v)
{
	char text[64];

	if (!span_is(v, "auto") && !span_is(v, "yes") && !span_is(v, "no"))
		return bad(p, v, "'%s' is not auto, yes or no", quote(v, text));
	p->config->boot_eager = span_is(v, "auto") ? -1 : span_is(v, "yes");
	return 0;
}

static int set_boot_train(struct parser *p, struct span v)
{
	char text[64];

	if (!span_is(v, "auto") && !span_is(v, "no"))
		return bad(p, v, "'%s' is not auto or no", quote(v, text));
	p->config->boot_train = span_is(v, "auto");
	return 0;
}

static int set_watch(struct parser *p, struct span v)
{
	return set_bool(p, v, &p->config->watch);
}

static int set_exec_read_ahead(struct parser *p, struct span v)
{
	return set_bool(p, v, &p->config->exec_read_ahead);
}

static int add_program(struct parser *p, struct span word, struct name_list *l,
		       bool is_path)
{
	char text[64];

	if (is_path && word.s[0] != '/')
		return bad(p, word, "'%s' is no absolute path", quote(word, text));
	if (word.s[0] != '/' && memchr(word.s, '/', word.n))
		return bad(p, word, "'%s' is neither an absolute path nor a name",
			   quote(word, text));
	if (word.n > LIMIT_PATH_BYTES)
		return bad(p, word, "'%s' is longer than %u bytes", quote(word, text),
			   LIMIT_PATH_BYTES);
	if (l->n >= LIMIT_CONFIG_PROGRAMS)
		return bad(p, word, "more than %u programs", LIMIT_CONFIG_PROGRAMS);
	return name_list_add_bytes(l, word.s, word.n);
}

/* Programs are added; nothing at all empties the list, as in systemd's files. */
static int set_programs(struct parser *p, struct span v, struct name_list *l,
			bool are_paths)
{
	int r = 0;

	if (v.n == 0)
		name_list_done(l);
	while (r == 0 && v.n > 0) {
		size_t n = 0;

		while (n < v.n && !is_blank(v.s[n]))
			n++;
		r = add_program(p, (struct span){ v.s, n }, l, are_paths);
		v = trim((struct span){ v.s + n, v.n - n });
	}
	return r;
}

/* Each is a file to be looked into. */
static int set_embedded(struct parser *p, struct span v)
{
	return set_programs(p, v, &p->config->embedded, true);
}

static int set_always(struct parser *p, struct span v)
{
	return set_programs(p, v, &p->config->always, false);
}

static int set_never(struct parser *p, struct span v)
{
	return set_programs(p, v, &p->config->never, false);
}

static const struct {
	const char *key;
	int (*set)(struct parser *p, struct span value);
} keys[] = {
	{ "BootBudget", set_budget },
	{ "BootTime", set_time },
	{ "Storage", set_storage },
	{ "Always", set_always },
	{ "Embedded", set_embedded },
	{ "Never", set_never },
	{ "Boot", set_boot },
	{ "Watch", set_watch },
	{ "BootEager", set_boot_eager },
	{ "BootTrain", set_boot_train },
	{ "ExecReadAhead", set_exec_read_ahead },
};

static int set_key(struct parser *p, struct span key, struct span value)
{
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (span_is(key, keys[i].key))
			return keys[i].set(p, value);
	return bad(p, key, "unknown key '%s'", quote(key, text));
}

/* What a terminal would obey, other than tabs and returns; *RET is empty where it is no UTF-8. */
static bool find_control(struct span t, struct span *ret)
{
	for (size_t i = 0;; i++) {
		i += utf8_plain(t.s + i, t.n - i);
		if (i == t.n)
			return false;
		if (t.s[i] == '\t' || t.s[i] == '\r')
			continue;
		*ret = (struct span){ t.s + i, utf8_length(t.s + i, t.n - i) };
		return true;
	}
}

static int parse_line(struct parser *p, struct span line)
{
	struct span t = trim(line), at;
	const char *equals;

	if (t.n == 0 || t.s[0] == '#')
		return 0;
	if (find_control(t, &at))
		return at.n ? bad(p, at, "control character %u", utf8_decode(at.s, at.n))
			    : bad(p, at, "byte %u is not UTF-8", (unsigned char)*at.s);
	equals = memchr(t.s, '=', t.n);
	if (!equals)
		return bad(p, t, "no '=': not KEY=VALUE, and no comment");
	return set_key(p, trim((struct span){ t.s, (size_t)(equals - t.s) }),
		       trim((struct span){ equals + 1, (size_t)(t.s + t.n - equals) - 1 }));
}

int config_parse(const char *path, const char *text, size_t bytes, struct config *c,
		 config_problem on_problem, void *userdata)
{
	struct parser p = {
		.config = c, .path = path, .on_problem = on_problem, .userdata = userdata
	};
	const char *end = text + bytes;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		p.line++;
		p.line_start = text;
		r = parse_line(&p, (struct span){ text, (size_t)(line_end - text) });
		text = newline ? newline + 1 : end;
	}
	return r;
}

void config_init(struct config *c)
{
	*c = (struct config){
		.time_ms = TIME_DEFAULT_MS,
		.storage = -1,
		.boot_eager = -1,
		.boot = true,
		.watch = true,
		.boot_train = true,
		.exec_read_ahead = true,
	};
}

void config_done(struct config *c)
{
	name_list_done(&c->always);
	name_list_done(&c->embedded);
	name_list_done(&c->never);
}

/* Why there is a file and it does not count; false: an error of this moment. */
static bool describe_unread(int error, struct diag *ret)
{
	switch (error) {
	case -EPERM:
		diag_set(ret, 0, 0, "not root's, or others may write it: ignored");
		return true;
	case -ELOOP:
	case -EINVAL:
		diag_set(ret, 0, 0, "not a regular file: ignored");
		return true;
	case -E2BIG:
		diag_set(ret, 0, 0, "more than %u bytes: ignored", LIMIT_CONFIG_BYTES);
		return true;
	default:
		return false;
	}
}

static int load_file(const struct store *s, enum store_file file, struct config *c,
		     config_problem on_problem, void *userdata)
{
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	char path[512];
	size_t bytes;
	int r;

	store_path(s, file, NULL, path, sizeof(path));
	r = store_read(s, file, NULL, (uint8_t **)&text, &bytes);
	if (r == 0)
		return config_parse(path, text, bytes, c, on_problem, userdata);
	if (r == -ENOENT)
		return 0;
	if (!describe_unread(r, &d))
		return r;
	if (on_problem)
		on_problem(path, &d, userdata);
	return 0;
}

int config_load(const struct store *s, struct config *ret, config_problem on_problem,
		void *userdata)
{
	struct identity identity;
	int r;

	config_init(ret);
	r = load_file(s, STORE_CONFIG, ret, on_problem, userdata);
	/* Of their directory, which is not to be trusted, the first one has told. */
	if (r < 0 || store_stat(s, STORE_DISABLED, NULL, &identity) == -EPERM)
		return r;
	return load_file(s, STORE_DISABLED, ret, on_problem, userdata);
}

/* ---- disabled.conf ---- */

static bool can_be_named(const char *program)
{
	return program[0] == '/' && !strchr(program, ' ') &&
	       utf8_plain(program, strlen(program)) == strlen(program);
}

static int put_disabled(const struct store *s, const struct name_list *l)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	bool changed;
	FILE *f;

	if (l->n == 0)
		return store_remove(s, STORE_DISABLED, NULL, &changed);
	f = open_memstream(&text, &bytes);
	if (!f)
		return -ENOMEM;
	fputs("# Written by elfcast disable; elfcast enable takes lines away.\n", f);
	for (size_t i = 0; i < l->n; i++)
		fprintf(f, "Never=%s\n", l->names[i]);
	if (fclose(f) != 0)
		return -ENOMEM;
	return store_put(s, STORE_DISABLED, NULL, text, bytes, &changed);
}

int config_disable(const struct store *s, const char *program, bool disable,
		   bool *ret_changed)
{
	_cleanup_(config_done) struct config c = { 0 };
	_cleanup_(name_list_done) struct name_list l = { 0 };
	size_t n_without;
	int r;

	if (disable && !can_be_named(program))
		return -EINVAL;
	r = load_file(s, STORE_DISABLED, &c, NULL, NULL);
	for (size_t i = 0; r == 0 && i < c.never.n; i++)
		if (strcmp(c.never.names[i], program) != 0)
			r = name_list_add(&l, c.never.names[i]);
	n_without = l.n;
	if (r == 0 && disable && l.n >= LIMIT_CONFIG_PROGRAMS)
		r = -E2BIG;
	if (r == 0 && disable)
		r = name_list_add(&l, program);
	if (r < 0)
		return r;
	*ret_changed = disable ? n_without == c.never.n : n_without < c.never.n;
	name_list_sort(&l);
	return *ret_changed ? put_disabled(s, &l) : 0;
}

int config_find_disabled(const struct store *s, const char *name, char **ret)
{
	_cleanup_(config_done) struct config c = { 0 };
	const char *found = NULL;
	int r = load_file(s, STORE_DISABLED, &c, NULL, NULL);

	for (size_t i = 0; r == 0 && i < c.never.n; i++) {
		if (!path_is_called(c.never.names[i], name))
			continue;
		if (found)
			return -ENOTUNIQ;
		found = c.never.names[i];
	}
	if (r < 0 || !found)
		return r < 0 ? r : -ENOENT;
	*ret = strdup(found);
	return *ret ? 0 : -ENOMEM;
}

bool config_lists(const struct name_list *list, const char *program)
{
	for (size_t i = 0; i < list->n; i++)
		if (path_is_called(program, list->names[i]))
			return true;
	return false;
}

bool config_allows_boot(const struct config *c)
{
	return c->boot &&
	       !(c->has_budget && c->budget_percent == 0 && c->budget_bytes == 0);
}

uint64_t config_budget_bytes(const struct config *c, uint64_t ram_bytes)
{
	uint64_t share;

	if (c->has_budget && c->budget_percent == 0)
		return c->budget_bytes;
	/* An image is built for machines that are not known: the bound, and at boot each
	 * reads no more than it may. */
	if (ram_bytes == 0)
		return CONFIG_BUDGET_MAX_BYTES;
	share = ram_bytes / 100 *
		(c->has_budget ? c->budget_percent : CONFIG_BUDGET_PERCENT);
	return c->has_budget ? share : MIN(share, CONFIG_BUDGET_MAX_BYTES);
}

uint64_t config_ram_bytes(void)
{
	long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t bytes;

	if (n_pages <= 0 || page_bytes <= 0)
		return 0;
	bytes = (uint64_t)n_pages * (uint64_t)page_bytes;
	return MAX(bytes / RAM_STEP_BYTES, 1u) * RAM_STEP_BYTES;
}
