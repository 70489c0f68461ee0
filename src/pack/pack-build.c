/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "boot-programs.h"
#include "boot-report.h"
#include "bounds.h"
#include "launch-counts.h"
#include "object-open.h"
#include "pack-build.h"

/*
 * Without counts all are equal, and may hope: a damaged file costs the order, not the pack. An image is made
 * without: who makes it launches other programs than those who are going to use it.
 */
static int load_counts(const struct store *s, struct launch_counts *ret)
{
	int r = s->usr ? -ENOENT : launch_counts_load(s, ret);

	if (r < 0)
		*ret = (struct launch_counts){ 0 };
	return r == -ENOENT || launch_counts_are_lost(r) ? 0 : r;
}

/* As of the time in the file: what is on disk decides, not when it is looked at. */
static uint64_t count_of(const struct launch_counts *l, const char *program)
{
	return launch_counts_weight(l, program, l->time_s);
}

static int add_shadow(struct pack *p, const struct store *s,
		      const struct object_place *place, const char *name,
		      const struct launch_counts *counts, unsigned *n_damaged)
{
	_cleanup_free_ char *profile = store_shadow_profile(name);
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
	const struct shadow *shadow = &b.shadow;
	const char *program;
	int r;

	if (!profile)
		return -ENOMEM;
	r = store_load(s, STORE_SHADOW, name, &b);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !*profile) {
		(*n_damaged)++;
		return 0;
	}
	program = shadow_string(shadow, shadow->launches[0].program);
	/* A profile need not name the program's own file: it may be a link that leads nowhere here. */
	r = pack_add(p, shadow, profile, count_of(counts, program),
		     object_is_there(place, program));
	return r < 0 ? r : pack_add_places(p, &b.places);
}

static int add_shadows(struct pack *p, const struct store *s, const struct mounts *mounts,
		       const struct launch_counts *counts, unsigned *n_damaged)
{
	const struct object_place place = { s->rootfd, s->root_path, mounts };
	_cleanup_(name_list_done) struct name_list names = { 0 };
	int r = store_list_shadows(s, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = add_shadow(p, s, &place, names.names[i], counts, n_damaged);
	return r;
}

/* Of an image the machine is not known, nor of what lies below another root. */
static uint64_t ram_bytes(const struct store *s)
{
	return s->usr || strcmp(s->root_path, "/") != 0 ? 0 : config_ram_bytes();
}

int pack_build(const struct store *s, const struct config *c, const struct mounts *mounts,
	       struct pack **ret, unsigned *ret_damaged)
{
	_cleanup_(launch_counts_done) struct launch_counts counts = { 0 };
	_cleanup_(boot_programs_done) struct boot_programs starts = { 0 };
	const struct pack_options options = {
		.budget_bytes =
			config_allows_boot(c) ? config_budget_bytes(c, ram_bytes(s)) : 0,
		.budget_us = (uint64_t)c->time_ms * 1000,
		.always = &c->always,
		.never = &c->never,
		.counts = &counts,
		.boot_programs = &starts,
	};
	_cleanup_(pack_freep) struct pack *p = pack_new(&options);
	unsigned n_damaged = 0;
	int r = p ? load_counts(s, &counts) : -ENOMEM;

	if (r == 0)
		r = boot_programs_find(s, mounts, &starts);
	if (r == 0)
		r = add_shadows(p, s, mounts, &counts, &n_damaged);
	if (r == 0)
		r = pack_choose(p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	*ret_damaged = n_damaged;
	return 0;
}

/* Where a file cannot be opened or asked, its place is not known: no reason to fail. */
static int locate(const char *path, const struct identity *identity, uint64_t *ret_device,
		  struct fiemap_runs *ret, void *userdata)
{
	const struct object_place *place = userdata;
	struct identity now;
	enum object_skip skip;
	struct stat st;
	int fd, r;

	if (object_open(place, path, &fd, &st, &skip) < 0 || skip != OBJECT_USED)
		return 0;
	now = identity_from_stat(&st);
	r = identity_equal(&now, identity) ? fiemap_read(fd, ret) : 0;
	close(fd);
	*ret_device = st.st_dev;
	return r == -ENOMEM ? r : 0;
}

int pack_build_bytes(const struct pack *p, const struct store *s,
		     const struct mounts *mounts, uint8_t **ret, size_t *ret_bytes)
{
	struct object_place place = { s->rootfd, s->root_path, mounts };

	return pack_write(p, locate, &place, ret, ret_bytes);
}

static void sum_up(const struct pack *p, struct pack_built *ret)
{
	for (size_t i = 0; i < pack_count(p); i++) {
		const struct pack_choice *c = pack_get(p, i);

		if (c->verdict != PACK_TAKEN)
			return;
		ret->n_launches++;
		ret->n_pages += c->n_new_pages;
	}
}

/* DATA in place of FILE; NULL: there is to be none. */
static int put_or_remove(const struct store *s, enum store_file file, const uint8_t *data,
			 size_t bytes, bool *ret_written)
{
	return data ? store_put(s, file, NULL, data, bytes, ret_written)
		    : store_remove(s, file, NULL, ret_written);
}

/* P is NULL where neither is wanted. */
static int sync_bundle(const struct store *s, const struct config *c, const struct pack *p)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes = 0;
	bool written;
	int r = 0;

	if (p && c->exec_read_ahead)
		r = pack_write_bundle(p, &data, &bytes);
	return r < 0 ? r : put_or_remove(s, STORE_BUNDLE, data, bytes, &written);
}

static int sync_pack(const struct store *s, const struct config *c, const struct pack *p,
		     const struct mounts *mounts, struct pack_built *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes = 0;
	int r = 0;

	if (p && config_allows_boot(c))
		r = pack_build_bytes(p, s, mounts, &data, &bytes);
	if (r < 0)
		return r;
	if (data)
		sum_up(p, ret);
	boot_report_keep_pack(s, data, bytes);
	return put_or_remove(s, STORE_PACK, data, bytes, &ret->written);
}

int pack_sync(const struct store *s, const struct config *c, const struct mounts *mounts,
	      struct pack_built *ret)
{
	_cleanup_(pack_freep) struct pack *p = NULL;
	int r = 0, removed;

	*ret = (struct pack_built){ 0 };
	if (config_allows_boot(c) || c->exec_read_ahead)
		r = pack_build(s, c, mounts, &p, &ret->n_damaged);
	if (r == 0)
		r = sync_bundle(s, c, p);
	if (r == 0)
		r = sync_pack(s, c, p, mounts, ret);
	if (r != -E2BIG)
		return r;
	removed = store_remove(s, STORE_PACK, NULL, &ret->written);
	if (removed == 0)
		removed = sync_bundle(s, c, NULL);
	return removed < 0 ? removed : r;
}
