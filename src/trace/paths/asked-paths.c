/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "asked-paths.h"
#include "hash.h"
#include "vec.h"

/* A launch that looks at more than that walks over a disk: no profile is made of it. */
#define MAX_PATHS 131072u

void asked_paths_done(struct asked_paths *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->items[i].path);
	free(a->items);
	free(a->slots);
	*a = (struct asked_paths){ 0 };
}

/* Where PATH is, or is to be. */
static uint32_t *find_slot(const struct asked_paths *a, const char *path, uint64_t hash)
{
	size_t i = (size_t)hash & (a->n_slots - 1);

	for (; a->slots[i]; i = (i + 1) & (a->n_slots - 1)) {
		const struct asked_path *p = &a->items[a->slots[i] - 1];

		if (p->hash == hash && strcmp(p->path, path) == 0)
			break;
	}
	return &a->slots[i];
}

static int grow(struct asked_paths *a)
{
	size_t n_slots = a->n_slots ? a->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(a->slots);
	a->slots = slots;
	a->n_slots = n_slots;
	for (size_t i = 0; i < a->n; i++)
		*find_slot(a, a->items[i].path, a->items[i].hash) = (uint32_t)i + 1;
	return 0;
}

bool asked_paths_add(struct asked_paths *a, const char *path, unsigned how)
{
	uint64_t hash = hash_string(path);
	uint32_t *slot;
	char *copy;

	if (a->n * 2 >= a->n_slots && grow(a) < 0) {
		a->n_dropped++;
		return false;
	}
	slot = find_slot(a, path, hash);
	if (*slot) {
		a->items[*slot - 1].how |= how;
		return false;
	}
	copy = a->n < MAX_PATHS ? strdup(path) : NULL;
	if (!copy || VEC_RESERVE_ONE(a->items, a->n, a->capacity) < 0) {
		free(copy);
		a->n_dropped++;
		return false;
	}
	a->items[a->n++] = (struct asked_path){ copy, how, hash };
	*slot = (uint32_t)a->n;
	return true;
}
