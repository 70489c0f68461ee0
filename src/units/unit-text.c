/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "unit-text.h"

/* ---- lines ---- */

struct reader {
	const char *pos, *end;
	char *line; /* the next line as a whole, continuations joined; as large as the text */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_comment(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p < end && (*p == '#' || *p == ';');
}

/* Comments between continued lines are skipped; a NUL is as good as the end of its line. */
static bool next_line(struct reader *r)
{
	char *to = r->line;
	bool more = r->pos < r->end, any = more;

	while (more && r->pos < r->end) {
		const char *start = r->pos;
		const char *stop = memchr(start, '\n', (size_t)(r->end - start));

		if (!stop)
			stop = r->end;
		r->pos = stop < r->end ? stop + 1 : stop;
		if (is_comment(start, stop) && to > r->line)
			continue;
		more = stop > start && stop[-1] == '\\';
		memcpy(to, start, (size_t)(stop - start));
		to += stop - start;
		if (more)
			to[-1] = ' ';
	}
	*to = 0;
	return any;
}

static char *trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	n = strlen(s);
	while (n > 0 && is_space(s[n - 1]))
		s[--n] = 0;
	return s;
}

static int parse_line(char *line, char **section, unit_setting on_setting, void *userdata)
{
	char *equals, *text = trim(line);
	size_t n = strlen(text);

	if (*text == '[' && text[n - 1] == ']') {
		text[n - 1] = 0;
		free(*section);
		*section = strdup(text + 1);
		return *section ? 0 : -ENOMEM;
	}
	equals = strchr(text, '=');
	if (*text == '#' || *text == ';' || !equals || !*section)
		return 0;
	*equals = 0;
	return on_setting(*section, trim(text), trim(equals + 1), userdata);
}

int unit_text_parse(const char *text, size_t bytes, unit_setting on_setting, void *userdata)
{
	_cleanup_free_ char *line = malloc(bytes + 1);
	_cleanup_free_ char *section = NULL;
	struct reader r = { .pos = text, .end = text + bytes, .line = line };
	int error = line ? 0 : -ENOMEM;

	while (error == 0 && next_line(&r))
		error = parse_line(line, &section, on_setting, userdata);
	return error;
}

/* ---- words ---- */

/* A character behind a backslash; *POS is past it. Numbers of bytes are not resolved. */
static char unescape(const char **pos)
{
	char c = *(*pos)++;

	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 's':
		return ' ';
	default:
		return c;
	}
}

bool unit_next_word(const char **pos, char *ret, size_t bytes)
{
	const char *p = *pos;
	size_t n = 0;
	char quote = 0;

	while (isspace((unsigned char)*p))
		p++;
	if (!*p)
		return false;
	while (*p && (quote || !isspace((unsigned char)*p))) {
		char c = *p++;

		if (c == quote && quote) {
			quote = 0;
			continue;
		}
		if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == '\\' && *p)
			c = unescape(&p);
		if (n + 1 < bytes)
			ret[n++] = c;
	}
	ret[n] = 0;
	*pos = p;
	return true;
}

/* ---- specifiers ---- */

/* The parts of "prefix@instance.type"; without "@" the instance is empty. */
struct name_parts {
	size_t n_whole, n_prefix; /* without the type; up to the "@" */
	const char *instance;
	size_t n_instance;
};

static struct name_parts split_name(const char *unit)
{
	const char *dot = strrchr(unit, '.'), *at = strchr(unit, '@');
	struct name_parts p = { .n_whole = dot ? (size_t)(dot - unit) : strlen(unit) };

	p.n_prefix = p.n_whole;
	p.instance = unit + p.n_whole;
	if (at && (size_t)(at - unit) < p.n_whole) {
		p.n_prefix = (size_t)(at - unit);
		p.instance = at + 1;
		p.n_instance = p.n_whole - p.n_prefix - 1;
	}
	return p;
}

struct text {
	char *data;
	size_t n, bytes;
};

static int append(struct text *t, const char *s, size_t n)
{
	if (n >= t->bytes - t->n)
		return -ENAMETOOLONG;
	memcpy(t->data + t->n, s, n);
	t->n += n;
	t->data[t->n] = 0;
	return 0;
}

/* As systemd-escape --unescape: "-" is a slash, \xNN a byte. */
static int append_unescaped(struct text *t, const char *s, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		char c = s[i] == '-' ? '/' : s[i];

		if (n - i >= 4 && s[i] == '\\' && s[i + 1] == 'x') {
			char hex[3] = { s[i + 2], s[i + 3], 0 };

			c = (char)strtol(hex, NULL, 16);
			i += 3;
		}
		r = append(t, &c, 1);
	}
	return r;
}

/* %j, the last part of the prefix. */
static size_t last_part(const char *unit, size_t n_prefix)
{
	size_t start = n_prefix;

	while (start > 0 && unit[start - 1] != '-')
		start--;
	return start;
}

static int append_specifier(struct text *t, char c, const char *unit)
{
	struct name_parts p = split_name(unit);
	size_t last = last_part(unit, p.n_prefix);

	switch (c) {
	case '%':
		return append(t, "%", 1);
	case 'n':
		return append(t, unit, strlen(unit));
	case 'N':
		return append(t, unit, p.n_whole);
	case 'p':
		return append(t, unit, p.n_prefix);
	case 'i':
		return append(t, p.instance, p.n_instance);
	case 'I':
		return append_unescaped(t, p.instance, p.n_instance);
	case 'j':
		return append(t, unit + last, p.n_prefix - last);
	case 'J':
		return append_unescaped(t, unit + last, p.n_prefix - last);
	default:
		return -ENOENT;
	}
}

int unit_resolve_specifiers(const char *word, const char *unit, char *ret, size_t bytes)
{
	struct text t = { .data = ret, .bytes = bytes };
	int r = 0;

	ret[0] = 0;
	for (const char *p = word; r == 0 && *p; p++)
		r = *p == '%' ? append_specifier(&t, *++p, unit) : append(&t, p, 1);
	return r;
}

int unit_command_program(const char *value, const char *unit, char *ret, size_t bytes)
{
	char word[4096];
	const char *p = value, *program = word;

	if (!unit_next_word(&p, word, sizeof(word)))
		return -ENOENT;
	program += strspn(program, "@-:+!|");
	return *program ? unit_resolve_specifiers(program, unit, ret, bytes) : -ENOENT;
}
