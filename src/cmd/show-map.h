/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page map for a terminal. */
#ifndef ELFCAST_SHOW_MAP_H
#define ELFCAST_SHOW_MAP_H

#include "page-map.h"

/* To stdout, as wide as the terminal, 80 columns where there is none. */
void show_map(const struct page_map *m);

#endif
