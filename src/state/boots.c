/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "boots.h"
#include "hash.h"
#include "io.h"
#include "macro.h"
#include "shadow-read.h"

/* Boots whose ID, which is random, ends like this are controls: one of 16. */
#define CONTROL_DIGIT '0'
/* A control because the eager part is another one comes at most once in so many boots: on a
 * system that changes all the time most boots are to gain. */
#define CONTROL_GAP   8u

/* Bits by which the keys of two eager parts differ that are about the same: see boots_key(). */
#define KEY_BITS      12

static const char *const plan_names[] = {
	[BOOT_PLAN_NONE] = "none",	 [BOOT_PLAN_EAGER] = "eager",
	[BOOT_PLAN_CONTROL] = "control", [BOOT_PLAN_OFF] = "off",
	[BOOT_PLAN_NO] = "no",		 [BOOT_PLAN_UNUSED] = "unused",
};

const char *boot_plan_name(enum boot_plan p)
{
	return plan_names[p];
}

bool boot_plan_from_name(const char *name, enum boot_plan *ret)
{
	for (enum boot_plan p = 0; p < BOOT_PLANS; p++)
		if (strcmp(name, plan_names[p]) == 0) {
			*ret = p;
			return true;
		}
	return false;
}

/* ---- deciding ---- */

/* The last of the first N lines that has an eager part of which this is to decide; NULL. */
static const struct boot_line *find_last(const struct boots *b, size_t n)
{
	while (n-- > 0)
		if (b->items[n].plan != BOOT_PLAN_NONE && b->items[n].plan != BOOT_PLAN_NO)
			return &b->items[n];
	return NULL;
}

/* The boot with which it was switched off, unless it was tried again after that; NULL. */
static const struct boot_line *find_switch(const struct boots *b, size_t n)
{
	while (n-- > 0) {
		const struct boot_line *l = &b->items[n];

		if (l->turned_off)
			return l;
		if (l->plan == BOOT_PLAN_EAGER || l->plan == BOOT_PLAN_CONTROL ||
		    l->plan == BOOT_PLAN_UNUSED)
			return NULL;
	}
	return NULL;
}

bool boots_are_unused(const struct boots *b)
{
	const struct boot_line *last = b->n > 0 ? &b->items[b->n - 1] : NULL;
	size_t n = b->n;

	if (!last || last->plan != BOOT_PLAN_UNUSED)
		return false;
	while (--n > 0 && b->items[n - 1].plan != BOOT_PLAN_EAGER)
		if (b->items[n - 1].plan == BOOT_PLAN_UNUSED)
			return !boots_keys_differ(b->items[n - 1].key, last->key);
	return false;
}

static bool has_control(const struct boots *b, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		if (b->items[i].plan == BOOT_PLAN_CONTROL)
			return true;
	return false;
}

/* The first boots of all gain: what was installed just now is not to be left alone. */
static bool is_control(const struct boots *b, size_t n, const char *boot_id, bool changed)
{
	if (boot_id[BOOT_ID_BYTES - 1] == CONTROL_DIGIT)
		return true;
	return changed && !has_control(b, n > CONTROL_GAP ? n - CONTROL_GAP : 0, n);
}

enum boot_plan boots_plan(const struct boots *b, const char *boot_id, uint64_t key,
			  enum boot_wish wish)
{
	const struct boot_line *last, *off;
	size_t n = b->n;

	if (key == 0)
		return BOOT_PLAN_NONE;
	if (wish != BOOT_WISH_AUTO)
		return wish == BOOT_WISH_YES ? BOOT_PLAN_EAGER : BOOT_PLAN_NO;
	if (n > 0 && strcmp(b->items[n - 1].boot_id, boot_id) == 0)
		n--;
	last = find_last(b, n);
	off = find_switch(b, n);
	if (!last)
		return BOOT_PLAN_EAGER;
	if (off && !boots_keys_differ(off->key, key))
		return BOOT_PLAN_OFF;
	return is_control(b, n, boot_id, boots_keys_differ(last->key, key))
		       ? BOOT_PLAN_CONTROL
		       : BOOT_PLAN_EAGER;
}

size_t boots_first_counting(const struct boots *b)
{
	size_t n = b->n;

	while (n > 0 && !b->items[n - 1].turned_off)
		n--;
	return n;
}

/* ---- keeping ---- */

struct boot_line *boots_find(struct boots *b, const char *boot_id)
{
	for (size_t i = b->n; i > 0; i--)
		if (strcmp(b->items[i - 1].boot_id, boot_id) == 0)
			return &b->items[i - 1];
	return NULL;
}

void boots_add(struct boots *b, const struct boot_line *line)
{
	struct boot_line *old = boots_find(b, line->boot_id);

	if (old) {
		*old = *line;
		return;
	}
	if (b->n == LIMIT_BOOTS)
		memmove(b->items, b->items + 1, --b->n * sizeof(*b->items));
	b->items[b->n++] = *line;
}

/* ---- what is there ---- */

/*
 * A similarity hash (Charikar, 2002): each page casts its file's vote for each bit. Of two sets
 * with a share x in common, a bit differs with arccos(x) / pi: 4 bits where 2 % have changed, 9
 * where 10 % have, 13 where 20 % have, 32 where all have.
 */
uint64_t boots_key(const struct shadow *pack)
{
	int64_t votes[64] = { 0 };
	uint64_t key = 0;

	for (uint32_t i = 0; i < pack->n_eager; i++) {
		const struct shadow_extent *e = &pack->extents[i];
		const struct shadow_object *o = &pack->objects[le32_get(e->object)];
		const char *path = shadow_string(pack, o->path);
		/* The build-id, or zeros; the size. */
		uint64_t h = hash_bytes(o->buildid, sizeof(o->buildid)) +
			     hash_bytes(&o->wanted_bytes, sizeof(o->wanted_bytes));

		h ^= hash_string(path);
		for (unsigned bit = 0; bit < ARRAY_SIZE(votes); bit++)
			votes[bit] += h >> bit & 1 ? (int64_t)le32_get(e->n_pages)
						   : -(int64_t)le32_get(e->n_pages);
	}
	for (unsigned bit = 0; bit < ARRAY_SIZE(votes); bit++)
		key |= (uint64_t)(votes[bit] > 0) << bit;
	return pack->n_eager > 0 ? MAX(key, UINT64_C(1)) : 0;
}

bool boots_keys_differ(uint64_t a, uint64_t b)
{
	return __builtin_popcountll(a ^ b) > KEY_BITS;
}

int boots_read_id(char ret[static BOOT_ID_BYTES + 1])
{
	_cleanup_close_ int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	ret[BOOT_ID_BYTES] = 0;
	return fd < 0 ? -errno : io_read_full(fd, ret, BOOT_ID_BYTES);
}

void boots_read_kernel(char ret[static LIMIT_KERNEL_BYTES + 1])
{
	struct utsname u;
	size_t n = 0;

	if (uname(&u) == 0)
		for (; n < LIMIT_KERNEL_BYTES && u.release[n]; n++)
			ret[n] = u.release[n] > ' ' && u.release[n] < 0x7f ? u.release[n]
									   : '?';
	if (n == 0)
		ret[n++] = '?';
	ret[n] = 0;
}
