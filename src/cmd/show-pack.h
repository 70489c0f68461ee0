/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_SHOW_PACK_H
#define ELFCAST_SHOW_PACK_H

#include "shadow-read.h"

/* What a pack holds, launch by launch: text, or JSON where arg_json. 0 or -ENOMEM. */
int show_pack(const struct shadow *pack);

#endif
