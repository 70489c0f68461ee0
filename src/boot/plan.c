/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "boot.h"

/* A log that cannot be used is none. */
void boot_make_plan(const struct boot_part *part, const struct store *store,
		    enum boot_wish wish)
{
	char boot_id[BOOT_ID_BYTES + 1] = "";
	static struct boots boots;

	if (part->options->no_eager)
		wish = BOOT_WISH_NO;
	if (wish == BOOT_WISH_AUTO && boots_read_id(boot_id) == 0)
		boots_load(store, &boots);
	part->share->plan = boots_plan(&boots, boot_id, part->share->eager_key, wish);
	/* Who was earlier has seen it. */
	if (part->early && part->early->plan == BOOT_PLAN_UNUSED &&
	    part->share->plan == BOOT_PLAN_EAGER)
		part->share->plan = BOOT_PLAN_UNUSED;
	if (part->plan_fd >= 0)
		close(part->plan_fd);
}
