/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written into an SVG file. libc only. */
#ifndef ELFCAST_SVG_H
#define ELFCAST_SVG_H

#include <stdio.h>

#include "macro.h"

/*
 * Text of others as character data or in quotes: what XML would read as something else is
 * escaped; what is no UTF-8, a control (utf8.h), or not allowed in XML at all becomes '?'.
 */
void svg_put_escaped(FILE *f, const char *s);
/* The same, at most MAX_CHARACTERS of it, the last one an ellipsis where it was cut. */
void svg_put_cut(FILE *f, const char *s, size_t max_characters);

/*
 * A picture as wide as the window, at most twice WIDTH, on a background of its own in light and in dark; up to
 * within <style>.
 */
void svg_begin(FILE *f, double width, double height, unsigned font_px);
/* ANCHOR: "start", "middle" or "end". CLASS and ANCHOR are ours. */
void svg_text(FILE *f, double x, double y, const char *class, const char *anchor,
	      const char *s);
_printf_(6, 7) void svg_textf(FILE *f, double x, double y, const char *class,
			      const char *anchor, const char *format, ...);
/* A name that ends at X, cut; all of it where the pointer rests. */
void svg_name(FILE *f, double x, double y, const char *name, size_t max_characters);
void svg_rect(FILE *f, double x, double y, double width, double height, const char *class);
void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *class);

#endif
