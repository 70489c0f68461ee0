/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page for a browser: maps, order in time, shares, what is stale. Nothing in it is fetched. */
#ifndef ELFCAST_SHOW_HTML_H
#define ELFCAST_SHOW_HTML_H

#include "page-map.h"

struct show_html; /* being made */

/* New; NULL: no memory. */
struct show_html *show_html_new(const char *title);
void show_html_add(struct show_html *h, const struct summary *s, const struct page_map *m);
/* Write it to PATH as output_file_write() does, and free H. Problems are logged. */
int show_html_finish(struct show_html *h, const char *path);

#endif
