/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "macro.h"
#include "terminal.h"
#include "text-out.h"
#include "utf8.h"

void text_put(FILE *f, const char *s)
{
	size_t left = strlen(s), n;

	while (left > 0) {
		n = utf8_plain(s, left);
		fwrite(s, 1, n, f);
		if (n == left)
			break;
		fputc('?', f);
		n += MAX(utf8_length(s + n, left - n), (size_t)1);
		s += n;
		left -= n;
	}
}

void text_put_launch(FILE *f, const char *program, const char *scenario,
		     const char *profile)
{
	text_put(f, program);
	if (strcmp(scenario, "default") != 0) {
		fputs(", ", f);
		text_put(f, scenario);
	}
	if (profile) {
		fputs(" [", f);
		text_put(f, profile);
		fputc(']', f);
	}
}

/* ---- lines of limited width ---- */

/* What is below a heading stands there; see status. */
enum { HEADING = 11, FURTHER_IN = 2, ROW = 9, NARROWEST = 20 };

int text_open(struct text_lines *t)
{
	*t = (struct text_lines){ .f = stdout };
	if (terminal_columns(STDOUT_FILENO) != UINT_MAX)
		t->f = open_memstream(&t->text, &t->bytes);
	return t->f ? 0 : log_errno(-ENOMEM, "cannot print");
}

/* One character: its bytes, and whether it is seen. Colours are not. */
static size_t next(const char *s, size_t left, bool *ret_is_seen)
{
	size_t n;

	*ret_is_seen = s[0] != '\033';
	if (*ret_is_seen)
		return MAX(utf8_length(s, left), (size_t)1);
	for (n = 1; n < left && s[n] != 'm'; n++)
		;
	return MIN(n + 1, left);
}

static unsigned width(const char *s, size_t n)
{
	unsigned columns = 0;
	bool is_seen;

	for (size_t i = 0; i < n; columns += is_seen)
		i += next(s + i, n - i, &is_seen);
	return columns;
}

/* Where the word at the start of S ends: at a blank, in quotes behind them if all of that fits into COLUMNS. */
static size_t word_end(const char *s, size_t n, unsigned columns)
{
	const char *quote = s[0] == '\'' ? memchr(s + 1, '\'', n - 1) : NULL;
	const char *from = quote && width(s, (size_t)(quote - s)) < columns ? quote : s;
	const char *blank = memchr(from, ' ', n - (size_t)(from - s));

	return blank ? (size_t)(blank - s) : n;
}

static unsigned indent_of(const char *line, size_t n)
{
	const char *colon = memchr(line, ':', MIN(n, (size_t)HEADING));
	size_t blanks = 0;

	if (colon && n > HEADING && line[0] != ' ' && line[HEADING - 1] == ' ' &&
	    line[HEADING] != ' ')
		return HEADING;
	while (blanks < n && line[blanks] == ' ')
		blanks++;
	/* Numbers in a table, which stand on the right. */
	if (blanks > 0 && blanks < ROW && memchr("-0123456789", line[blanks], 11))
		return ROW;
	return (unsigned)blanks + FURTHER_IN;
}

static void put_line(const char *line, size_t n, unsigned columns)
{
	unsigned indent = MIN(indent_of(line, n), columns / 2), at = 0;
	size_t i = 0;

	while (i < n) {
		size_t blanks = 0, end;
		unsigned wide;

		while (i + blanks < n && line[i + blanks] == ' ')
			blanks++;
		if (i + blanks == n)
			break;
		end = word_end(line + i + blanks, n - i - blanks, columns - indent);
		wide = width(line + i + blanks, end);
		if (at > 0 && at + blanks + wide > columns) {
			at = MIN(indent, columns - MIN(wide, columns));
			printf("\n%*s", (int)at, "");
		} else {
			printf("%*s", (int)blanks, "");
			at += (unsigned)blanks;
		}
		fwrite(line + i + blanks, 1, end, stdout);
		at += wide;
		i += blanks + end;
	}
	putchar('\n');
}

int text_close(struct text_lines *t)
{
	unsigned columns = MAX(terminal_columns(STDOUT_FILENO), (unsigned)NARROWEST);
	const char *line, *end;

	if (t->f == stdout)
		return 0;
	if (fclose(t->f) != 0) {
		free(t->text);
		return log_errno(-ENOMEM, "cannot print");
	}
	for (line = t->text; (end = strchr(line, '\n')); line = end + 1)
		put_line(line, (size_t)(end - line), columns);
	free(t->text);
	return 0;
}

void text_time(uint64_t s, char *ret, size_t bytes)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s == 0 || !localtime_r(&t, &tm) ||
	    strftime(ret, bytes, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, bytes, "-");
}
