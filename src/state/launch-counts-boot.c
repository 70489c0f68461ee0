/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that were read ahead at boot, boot after boot, and not launched in any of them.
 * Counts alone cannot tell these from programs of a fresh install: both have none.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "boot-report.h"
#include "boots.h"
#include "bounds.h"
#include "clock.h"
#include "launch-counts.h"
#include "shadow-read.h"

static bool was_launched(const struct launch_count *c, uint64_t since_s)
{
	return c->last_s >= since_s && c->last_s > 0;
}

/* Launched, or not read ahead any more for another reason than being here. */
static void strike_off(struct launch_counts *l, uint64_t since_s,
		       const struct name_list *pack)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct launch_count *c = &l->items[i];

		if (was_launched(c, since_s) ||
		    (c->n_vain < LAUNCHES_VAIN_BOOTS && !name_list_has(pack, c->program)))
			c->n_vain = 0;
		if (c->weight > 0 || c->n_vain > 0)
			l->items[kept++] = *c;
		else
			free(c->program);
	}
	l->n = kept;
}

/* One boot more for PROGRAM, unless it was launched. */
static int add_boot(struct launch_counts *l, uint64_t since_s, const char *program)
{
	bool found;
	size_t at = launch_counts_position(l, program, &found);
	struct launch_count *c = &l->items[at];

	if (found && !was_launched(c, since_s))
		c->n_vain = MIN(c->n_vain + 1, LIMIT_VAIN_BOOTS);
	if (found)
		return 0;
	if (l->n >= LIMIT_LAUNCHES || !launch_counts_is_path(program, strlen(program)))
		return 0;
	return launch_counts_insert(
		l, at, &(struct launch_count){ .program = strdup(program), .n_vain = 1 });
}

int launch_counts_note_boot(struct launch_counts *l, const char *boot_id, uint64_t since_s,
			    const struct name_list *pack)
{
	int r = 0;

	if (!launch_counts_is_boot_id(boot_id))
		return -EINVAL;
	strike_off(l, since_s, pack);
	if (strcmp(boot_id, l->boot_id) == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < pack->n; i++)
		r = add_boot(l, since_s, pack->names[i]);
	memcpy(l->boot_id, boot_id, sizeof(l->boot_id));
	return r;
}

static int add_programs(const struct shadow *pack, struct name_list *l)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < pack->n_launches; i++) {
		const struct shadow_launch *launch = &pack->launches[i];

		if (strcmp(shadow_string(pack, launch->scenario), SCENARIO_BOOT) != 0)
			r = name_list_add(l, shadow_string(pack, launch->program));
	}
	/* A program may have several scenarios. */
	name_list_sort_unique(l);
	return r;
}

int launch_counts_pack_programs(const struct store *s, struct name_list *ret)
{
	_cleanup_(name_list_done) struct name_list l = { 0 };
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	int r = boot_report_find_pack(s, &pack);

	if (r < 0 && r != -ENOMEM)
		r = store_load(s, STORE_PACK, NULL, &pack);
	if (r == 0)
		r = add_programs(&pack.shadow, &l);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct name_list){ 0 };
	return 0;
}

int launch_counts_note_this_boot(const struct store *s, struct launch_counts *l,
				 uint64_t watched_s)
{
	_cleanup_(name_list_done) struct name_list pack = { 0 };
	uint64_t now_s = clock_seconds(CLOCK_REALTIME),
		 up_s = clock_seconds(CLOCK_BOOTTIME);
	uint64_t since_s = now_s - MIN(up_s, now_s);
	char boot_id[LAUNCHES_BOOT_ID_BYTES + 1];
	int r = launch_counts_pack_programs(s, &pack);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* nothing was read ahead */
	if (up_s < LAUNCHES_SHORTEST_S || watched_s > LAUNCHES_LATEST_S ||
	    now_s < LAUNCHES_FIRST_CLOCK_S) {
		strike_off(l, since_s, &pack);
		return 0;
	}
	r = boots_read_id(boot_id);
	return r < 0 ? r : launch_counts_note_boot(l, boot_id, since_s, &pack);
}
