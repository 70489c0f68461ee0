/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "svg.h"
#include "utf8.h"

/* U+FFFE and U+FFFF: characters to UTF-8, none to XML 1.0. */
#define FIRST_NONCHARACTER 0xfffeu
#define LAST_NONCHARACTER  0xffffu
#define ELLIPSIS	   "\xe2\x80\xa6"

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* One character, or one byte that is none; how long it was. */
static size_t put_character(FILE *f, const char *s, size_t left)
{
	size_t n = utf8_length(s, left);
	uint32_t c = n ? utf8_decode(s, n) : 0;

	if (n == 0 || utf8_plain(s, n) != n ||
	    (c >= FIRST_NONCHARACTER && c <= LAST_NONCHARACTER))
		putc('?', f);
	else if (entity(*s))
		fputs(entity(*s), f);
	else
		fwrite(s, 1, n, f);
	return MAX(n, (size_t)1);
}

void svg_put_escaped(FILE *f, const char *s)
{
	size_t left = strlen(s), n;

	for (; left > 0; s += n, left -= n)
		n = put_character(f, s, left);
}

static size_t count_characters(const char *s)
{
	size_t left = strlen(s), count = 0;

	while (left > 0) {
		size_t n = MAX(utf8_length(s, left), (size_t)1);

		s += n;
		left -= n;
		count++;
	}
	return count;
}

void svg_put_cut(FILE *f, const char *s, size_t max_characters)
{
	size_t left = strlen(s), n;

	if (count_characters(s) <= max_characters) {
		svg_put_escaped(f, s);
		return;
	}
	for (size_t i = 1; i < max_characters; i++, s += n, left -= n)
		n = put_character(f, s, left);
	fputs(ELLIPSIS, f);
}

void svg_begin(FILE *f, double width, double height, unsigned font_px)
{
	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
		"width=\"100%%\" style=\"max-width: %.0fpx; height: calc(min(100vw, "
		"%.0fpx) * "
		"%.0f / %.0f)\" font-family=\"system-ui, sans-serif\" font-size=\"%u\">\n"
		"<style>\nsvg { color-scheme: light dark; background: #fff }\n"
		"@media (prefers-color-scheme: dark) { svg { background: #16181b } }\n",
		width, height, 2 * width, 2 * width, height, width, font_px);
}

void svg_text(FILE *f, double x, double y, const char *class, const char *anchor,
	      const char *s)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y,
		class, anchor);
	svg_put_escaped(f, s);
	fputs("</text>\n", f);
}

void svg_textf(FILE *f, double x, double y, const char *class, const char *anchor,
	       const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	svg_text(f, x, y, class, anchor, text);
}

void svg_name(FILE *f, double x, double y, const char *name, size_t max_characters)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" class=\"t\" text-anchor=\"end\"><title>", x,
		y);
	svg_put_escaped(f, name);
	fputs("</title>", f);
	svg_put_cut(f, name, max_characters);
	fputs("</text>\n", f);
}

void svg_rect(FILE *f, double x, double y, double width, double height, const char *class)
{
	fprintf(f,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"class=\"%s\"/>\n",
		x, y, width, height, class);
}

void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *class)
{
	fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
		x1, y1, x2, y2, class);
}
