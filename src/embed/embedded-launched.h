/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_EMBEDDED_LAUNCHED_H
#define ELFCAST_EMBEDDED_LAUNCHED_H

#include "names.h"
#include "store.h"

/*
 * Programs that were launched on this machine (elfcast-launches(5)), are not in KNOWN, which is sorted, and
 * bring a profile, damaged or not, in a file that may be believed: added to *RET. At most
 * LIMIT_EMBEDDED_PROGRAMS are looked into, those launched most. 0 or -ENOMEM.
 */
int embedded_find_launched(const struct store *s, const struct name_list *known,
			   struct name_list *ret);

#endif
