/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast merge: the evidence of several profiles of one program as one; or of as many as there
 * are, of any programs, one a line, which is how those of many machines are merged: in any
 * grouping and order, to the same bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "cmd.h"
#include "input.h"
#include "json-lines.h"
#include "log.h"
#include "output.h"
#include "profile.h"
#include "search.h"
#include "train-again.h"
#include "vec.h"

static const char *arg_output;	 /* NULL: standard output */
static const char *arg_scenario; /* of what is written; NULL: that of what is read */
static bool arg_lines, arg_keys;

/* One for each program, scenario and architecture, sorted by these. */
struct merged {
	struct profile **items;
	size_t n, capacity;
	unsigned long long n_added;
};

static void merged_done(struct merged *m)
{
	for (size_t i = 0; i < m->n; i++)
		profile_free(m->items[i]);
	free(m->items);
}

static int compare(const struct profile *a, const struct profile *b)
{
	int c = strcmp(a->program, b->program);

	if (c == 0)
		c = strcmp(a->scenario, b->scenario);
	return c ? c : strcmp(a->arch, b->arch);
}

/* Before item AT; P is taken. */
static int insert(struct merged *m, size_t at, struct profile *p)
{
	if (VEC_RESERVE_ONE(m->items, m->n, m->capacity) < 0) {
		profile_free(p);
		return -ENOMEM;
	}
	memmove(&m->items[at + 1], &m->items[at], (m->n - at) * sizeof(m->items[0]));
	m->items[at] = p;
	m->n++;
	return 0;
}

/* Who trains it again by one of their commands would have that one's evidence alone. */
static int set_scenario(struct profile *p, const char *scenario)
{
	char *copy;

	if (!scenario)
		return 0;
	copy = strdup(scenario);
	if (!copy)
		return -ENOMEM;
	free(p->scenario);
	p->scenario = copy;
	train_again_forget(p);
	return 0;
}

/* P is taken. DIAG as profile_merge() sets it. */
static int add(struct merged *m, struct profile *p, struct diag *diag)
{
	_cleanup_(profile_freep) struct profile *one = p, *both = NULL;
	size_t at;
	int r = set_scenario(one, arg_scenario);

	if (r < 0)
		return r;
	at = SEARCH_FIRST(i, m->n, compare(m->items[i], one) < 0);
	m->n_added++;
	/* Without --lines there is to be one: profile_merge() says what differs. */
	if (!arg_lines && m->n > 0)
		at = 0;
	else if (at == m->n || compare(m->items[at], one) != 0)
		return insert(m, at, TAKE_PTR(one));
	r = profile_merge(m->items[at], one, &both, diag);
	if (r < 0)
		return r;
	profile_free(m->items[at]);
	m->items[at] = TAKE_PTR(both);
	return 0;
}

static int fail(int error, const char *name, unsigned long long line, const struct diag *d)
{
	char where[32] = "";

	if (error == -ENOMEM)
		return log_errno(error, "cannot merge '%s'", name);
	if (line)
		snprintf(where, sizeof(where), ":%llu", line);
	if (d->line)
		log_error("%s%s:%u: %s", name, where, d->column, d->message);
	else
		log_error("%s%s: %s", name, where, d->message);
	return error;
}

/* ---- reading ---- */

static int add_file(struct merged *m, const char *name)
{
	struct profile *p;
	struct diag d = { 0 };
	int r = input_load_profile(name, &p);

	if (r < 0)
		return r;
	r = add(m, p, &d);
	return r < 0 ? fail(r, name, 0, &d) : 0;
}

/* Of the key that a line begins with, and of the tab behind it; a profile begins with a brace. */
static size_t key_bytes(const char *text, size_t bytes)
{
	const char *tab = *text == '/' ? memchr(text, '\t', bytes) : NULL;

	return tab ? (size_t)(tab - text) + 1 : 0;
}

static int add_line(struct merged *m, const char *name, unsigned long long line,
		    const char *text, size_t bytes)
{
	size_t skip = key_bytes(text, bytes);
	struct profile *p;
	struct diag d = { 0 };
	int r = profile_parse(text + skip, bytes - skip, &p, &d);

	if (r == 0)
		r = add(m, p, &d);
	d.column += d.line ? (unsigned)skip : 0;
	return r < 0 ? fail(r, name, line, &d) : 0;
}

static int add_all_lines(struct merged *m, const char *name, int fd)
{
	_cleanup_(json_lines_done) struct json_lines l = { .fd = fd };
	const char *text;
	size_t bytes;
	int r;

	while ((r = json_lines_next(&l, &text, &bytes)) > 0) {
		r = add_line(m, name, l.n_line, text, bytes);
		if (r < 0)
			return r;
	}
	if (r == -E2BIG)
		log_error("%s:%llu: longer than a profile may be (%u bytes)", name,
			  (unsigned long long)l.n_line, LIMIT_PROFILE_BYTES);
	else if (r < 0)
		log_errno(r, "cannot read '%s'", name);
	return r;
}

static int add_lines(struct merged *m, const char *name)
{
	_cleanup_close_ int fd = -1;

	if (strcmp(name, "-") == 0)
		return add_all_lines(m, "stdin", STDIN_FILENO);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? log_errno(-errno, "cannot read '%s'", name)
		      : add_all_lines(m, name, fd);
}

/* ---- writing ---- */

/* White space between values is all that lines and tabs are: in strings they are escaped. */
static size_t squeeze(char *text, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		if (text[i] != '\n' && text[i] != '\t')
			text[n++] = text[i];
	text[n++] = '\n';
	return n;
}

/* A program's name has no control characters (profile.h); spaces in it are as in a URL. */
static void put_key(const struct profile *p, FILE *f)
{
	for (const char *c = p->program; *c; c++)
		if (*c == ' ' || *c == '%')
			fprintf(f, "%%%02X", *c);
		else
			putc(*c, f);
	fprintf(f, " %s %s\t", p->scenario, p->arch);
}

static int put(const struct profile *p, FILE *f)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = profile_write(p, &text, &bytes);

	if (r < 0)
		return log_errno(r, "cannot write the profile of '%s'", p->program);
	if (arg_lines)
		bytes = squeeze(text, bytes);
	if (arg_keys)
		put_key(p, f);
	return fwrite(text, 1, bytes, f) == bytes ? 0 : -EIO;
}

static int put_all(const struct merged *m, FILE *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n; i++)
		r = put(m->items[i], f);
	return r;
}

static int write_file(const struct merged *m, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	int r = f ? put_all(m, f) : -ENOMEM;

	if (f && fclose(f) != 0)
		r = -ENOMEM;
	if (r < 0)
		return r == -ENOMEM ? log_errno(r, "cannot write '%s'", path) : r;
	return output_text(path, text, bytes);
}

static int merge(char *names[])
{
	_cleanup_(merged_done) struct merged m = { 0 };
	int r = *names ? 0 : add_lines(&m, "-");

	for (char **name = names; r == 0 && *name; name++)
		r = arg_lines ? add_lines(&m, *name) : add_file(&m, *name);
	if (r == 0 && arg_output && strcmp(arg_output, "-") != 0)
		r = write_file(&m, arg_output);
	else if (r == 0)
		r = put_all(&m, stdout); /* main() looks at the stream's error */
	if (r == 0)
		log_info("%llu profile%s merged to %zu", m.n_added,
			 m.n_added == 1 ? "" : "s", m.n);
	return r < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "lines", no_argument, NULL, 'l' },
		{ "keys", no_argument, NULL, 'k' },
		{ "scenario", required_argument, NULL, 's' },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:lk" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == 'o') {
			arg_output = optarg;
			continue;
		}
		if (c == 's') {
			arg_scenario = optarg;
			if (!cmd_is_scenario(optarg))
				return cmd_usage_error(&cmd_merge, "bad scenario '%s'",
						       optarg);
			continue;
		}
		if (c == 'l' || c == 'k') {
			arg_lines = true;
			arg_keys |= c == 'k';
			continue;
		}
		r = cmd_common_option(&cmd_merge, c);
		if (r >= 0)
			return r;
	}
	if (optind >= argc && !arg_lines)
		return cmd_usage_error(&cmd_merge, "no profile given");
	return merge(argv + optind);
}

const struct cmd cmd_merge = {
	.name = "merge",
	.args = "[-o FILE] [--scenario=NAME] PROFILE...\n"
		"       elfcast merge --lines|--keys [-o FILE] [--scenario=NAME] [FILE...]",
	.summary = "add the evidence of several profiles",
	.options =
		"  -o, --output=FILE   default: standard output\n"
		"      --scenario=NAME what is written is of this one, whatever is read\n"
		"  -l, --lines         profiles of any programs, one a line, from files or "
		"standard\n"
		"                      input; of each program one, as a line\n"
		"  -k, --keys          the same, with program, scenario and architecture "
		"as a key\n"
		"                      and a tab before each line\n",
	.run = run,
};
