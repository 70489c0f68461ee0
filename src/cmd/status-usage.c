/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of the pages that the pack names: still in memory, evicted, and brought in for
 * a program that has been launched since boot or for one that has not.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot-report.h"
#include "bounds.h"
#include "clock.h"
#include "cmd.h"
#include "json-out.h"
#include "launch-counts.h"
#include "log.h"
#include "object-open.h"
#include "pack.h"
#include "residency.h"
#include "status-usage.h"
#include "status.h"
#include "terminal.h"
#include "text-out.h"
#include "watch-state.h"

/* Narrower terminals get less columns. */
enum { WITH_ALL = 76 };

void usage_done(struct usage *u)
{
	shadow_buffer_done(&u->file);
	free(u->launches);
}

static void look_at_extent(struct usage *u, int fd, const struct shadow_extent *e)
{
	struct launch_usage *l = &u->launches[le32_get(e->when)];
	uint32_t n_pages = le32_get(e->n_pages);
	struct residency_count c;

	if (fd < 0 || residency_count(fd, le32_get(e->first_pgno), n_pages, &c) < 0) {
		l->n_unknown += n_pages;
		return;
	}
	l->n_resident += c.n_resident;
	l->n_evicted += c.n_evicted;
}

/* A file that is not the one in the pack was not read ahead: nothing is known of it. */
static void look_at_object(struct usage *u, const struct object_place *place,
			   const struct shadow_object *o)
{
	_cleanup_close_ int fd = -1;
	enum object_skip skip;
	struct stat st;

	if (object_open(place, shadow_string(u->pack, o->path), &fd, &st, &skip) < 0 ||
	    skip != OBJECT_USED)
		fd = -1;
	else if (object_check(o, &st, fd) != OBJECT_USED) {
		close(fd);
		fd = -1;
	}
	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(u->pack->extents[i].next))
		look_at_extent(u, fd, &u->pack->extents[i]);
}

/* When this boot began, by the clock as it is now. */
static uint64_t boot_time(void)
{
	uint64_t now = clock_seconds(CLOCK_REALTIME), up = clock_seconds(CLOCK_BOOTTIME);

	return now > up ? now - up : 0;
}

/* It has watched from early on, or takes up what one did that has. */
static bool is_watched(const struct store *s, const struct launch_counts *counts)
{
	char boot_id[BOOT_ID_BYTES + 1];
	struct watch_state w;

	if (boots_read_id(boot_id) == 0 && strcmp(counts->watched_id, boot_id) == 0)
		return true;
	return watch_state_load(s, &w) == 0 && watch_state_is_running(&w) &&
	       watch_state_start_s(&w) <= LAUNCHES_LATEST_S;
}

static void mark_launched(struct usage *u, const char *program)
{
	for (uint32_t i = 0; i < u->pack->n_launches; i++)
		if (strcmp(shadow_string(u->pack, u->pack->launches[i].program), program) ==
		    0)
			u->launches[i].launched = true;
}

/* What was launched before elfcastd was, and runs still. Others than root see their own alone. */
static void look_at_running(struct usage *u)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	while (proc && (e = readdir(proc))) {
		char link[sizeof(e->d_name) + 16], program[LIMIT_PATH_BYTES + 1];
		ssize_t n;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(link, sizeof(link), "/proc/%s/exe", e->d_name);
		n = readlink(link, program, sizeof(program) - 1);
		if (n <= 0)
			continue;
		program[n] = 0;
		mark_launched(u, program);
	}
	if (proc)
		closedir(proc);
}

/* What cannot be read counts as nothing: this is only a look. */
static void look_at_launches(struct usage *u, const struct store *s)
{
	_cleanup_(launch_counts_done) struct launch_counts counts = { 0 };
	uint64_t since_s = boot_time();

	u->counts_error = launch_counts_load(s, &counts);
	u->counting = u->counts_error == 0;
	if (!u->counting)
		counts = (struct launch_counts){ 0 };
	u->is_watched = u->counting && is_watched(s, &counts);
	for (uint32_t i = 0; i < u->pack->n_launches; i++) {
		const struct shadow_launch *l = &u->pack->launches[i];
		const char *program = shadow_string(u->pack, l->program);
		const struct launch_count *c = launch_counts_find(&counts, program);

		u->launches[i].boot =
			strcmp(shadow_string(u->pack, l->scenario), SCENARIO_BOOT) == 0;
		u->launches[i].launched =
			u->launches[i].boot || (c && c->last_s >= since_s);
		u->launches[i].n_boots = launch_counts_vain_boots(&counts, program);
	}
	if (strcmp(s->root_path, "/") == 0)
		look_at_running(u);
}

static int load_pack(const struct store *s, struct usage *u)
{
	int r = boot_report_find_pack(s, &u->file);

	u->is_of_boot = r == 0;
	return r == 0 || r == -ENOMEM ? r : store_load(s, STORE_PACK, NULL, &u->file);
}

int usage_load(const struct store *s, struct usage *u)
{
	int r = load_pack(s, u);

	u->pack = &u->file.shadow;
	if (r < 0)
		return r;
	u->launches = calloc(u->pack->n_launches + 1u, sizeof(*u->launches));
	if (!u->launches)
		return -ENOMEM;
	for (uint32_t i = 0; i < u->pack->n_extents; i++) {
		const struct shadow_extent *e = &u->pack->extents[i];

		u->launches[le32_get(e->when)].n_pages += le32_get(e->n_pages);
	}
	look_at_launches(u, s);
	return 0;
}

static int load(const struct store *s, struct usage *u)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	int r = usage_load(s, u);

	if (r < 0)
		return r == -ENOENT ? r : log_errno(r, "cannot tell how the pack was used");
	if (cmd_load_mounts(&mounts) < 0)
		return -EIO;
	for (uint32_t i = 0; i < u->pack->n_objects; i++)
		look_at_object(u, &(struct object_place){ s->rootfd, s->root_path, mounts },
			       &u->pack->objects[i]);
	return 0;
}

/* Of a part of the launches, or of another pack, it would be another figure. */
static const char *why_unknown(const struct usage *u)
{
	if (u->counts_error == -EACCES)
		return "launch counts are root's to read";
	if (!u->counting)
		return "launches are not counted";
	if (!u->is_of_boot)
		return "the pack that was read is not there any more";
	return u->is_watched ? NULL : "launches are not counted since this boot began";
}

static struct launch_usage sum(const struct usage *u, bool launched)
{
	struct launch_usage all = { 0 };

	for (uint32_t i = 0; i < u->pack->n_launches; i++) {
		const struct launch_usage *l = &u->launches[i];

		if (l->launched != launched)
			continue;
		all.n_pages += l->n_pages;
		all.n_resident += l->n_resident;
		all.n_evicted += l->n_evicted;
		all.n_unknown += l->n_unknown;
	}
	return all;
}

void status_usage_sum(const struct store *s, struct usage_sums *ret)
{
	_cleanup_(usage_done) struct usage u = { 0 };

	*ret = (struct usage_sums){ .unknown = "there is no pack" };
	if (usage_load(s, &u) < 0)
		return;
	ret->unknown = why_unknown(&u);
	ret->used_pages = sum(&u, true).n_pages;
	ret->not_used_pages = sum(&u, false).n_pages;
}

static double mib(uint64_t n_pages)
{
	return (double)n_pages * PAGE_BYTES / (1 << 20);
}

/* What cannot be seen is not 0.0. */
static void print_mib(FILE *f, const struct launch_usage *l, uint64_t n_pages)
{
	if (l->n_pages > 0 && l->n_unknown == l->n_pages)
		fprintf(f, " %9s", "?");
	else
		fprintf(f, " %9.1f", mib(n_pages));
}

static void print_head(FILE *f, unsigned columns)
{
	fprintf(f, "%9s %9s", "MIB", "RESIDENT");
	if (columns >= WITH_ALL)
		fprintf(f, " %9s", "EVICTED");
	fprintf(f, "  %-8s", "LAUNCHED");
	if (columns >= WITH_ALL)
		fprintf(f, " %7s", "IN VAIN");
	fputs("  PROGRAM\n", f);
}

static bool is_same(const struct shadow *s, const struct shadow_launch *a,
		    const struct shadow_launch *b)
{
	return strcmp(shadow_string(s, a->program), shadow_string(s, b->program)) == 0 &&
	       strcmp(shadow_string(s, a->scenario), shadow_string(s, b->scenario)) == 0;
}

/* The profile, too, where the program has another one of this scenario. */
static void print_name(FILE *f, const struct shadow *pack, uint32_t i)
{
	const struct shadow_launch *l = &pack->launches[i];
	bool ambiguous = false;

	for (uint32_t k = 0; !ambiguous && k < pack->n_launches; k++)
		ambiguous = k != i && is_same(pack, l, &pack->launches[k]);
	text_put_launch(f, shadow_string(pack, l->program),
			shadow_string(pack, l->scenario),
			ambiguous ? shadow_string(pack, l->name) : NULL);
}

static void print_line(FILE *f, const struct usage *u, uint32_t i, unsigned columns)
{
	const struct launch_usage *l = &u->launches[i];

	fprintf(f, "%9.1f", mib(l->n_pages));
	print_mib(f, l, l->n_resident);
	if (columns >= WITH_ALL)
		print_mib(f, l, l->n_evicted);
	fprintf(f, "  %-8s",
		l->boot		 ? "boot"
		: l->launched	 ? "yes"
		: why_unknown(u) ? "?"
				 : "no");
	if (columns >= WITH_ALL)
		fprintf(f, " %7u", l->n_boots);
	fputs("  ", f);
	print_name(f, u->pack, i);
	fputc('\n', f);
}

static int print_table(const struct usage *u)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	struct text_lines t;

	if (text_open(&t) < 0)
		return -ENOMEM;
	if (u->pack->n_launches > 0)
		print_head(t.f, columns);
	for (uint32_t i = 0; i < u->pack->n_launches; i++)
		print_line(t.f, u, i, columns);
	return text_close(&t);
}

static int print_text(const struct usage *u)
{
	struct launch_usage used = sum(u, true), not_used = sum(u, false);
	uint64_t n_unknown = used.n_unknown + not_used.n_unknown;

	if (print_table(u) < 0)
		return CMD_FAILED;
	if (n_unknown > 0)
		log_warning(
			"of %.1f MiB it cannot be seen whether they are in memory: other "
			"files by now, or only root may",
			mib(n_unknown));
	if (why_unknown(u) || u->pack->n_launches == 0)
		return CMD_DONE;
	log_info("%.1f of %.1f MiB for programs launched since boot; %.1f MiB for others, "
		 "%.1f of them still in memory",
		 mib(used.n_pages), mib(used.n_pages + not_used.n_pages),
		 mib(not_used.n_pages), mib(not_used.n_resident));
	return CMD_DONE;
}

static void put_pages(const struct launch_usage *l)
{
	json_uint("bytes", l->n_pages * PAGE_BYTES);
	json_uint("resident_bytes", l->n_resident * PAGE_BYTES);
	json_uint("evicted_bytes", l->n_evicted * PAGE_BYTES);
	json_uint("unknown_bytes", l->n_unknown * PAGE_BYTES);
}

static void put_sum(const char *key, struct launch_usage l)
{
	json_open(key, '{');
	put_pages(&l);
	json_close('}');
}

static void print_json(const struct usage *u)
{
	json_open(NULL, '{');
	json_bool("counting", u->counting);
	put_sum("used", sum(u, true));
	put_sum("not_used", sum(u, false));
	json_open("launches", '[');
	for (uint32_t i = 0; i < u->pack->n_launches; i++) {
		const struct shadow_launch *l = &u->pack->launches[i];

		json_open(NULL, '{');
		json_string("program", shadow_string(u->pack, l->program));
		json_string("scenario", shadow_string(u->pack, l->scenario));
		json_string("profile", shadow_string(u->pack, l->name));
		json_bool("launched", u->launches[i].launched);
		json_uint("boots_in_vain", u->launches[i].n_boots);
		put_pages(&u->launches[i]);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

int status_usage(const struct store *s)
{
	_cleanup_(usage_done) struct usage u = { 0 };
	int r = load(s, &u);

	if (r == -ENOENT)
		log_info("there is no pack: nothing is read at boot");
	else if (r < 0)
		return CMD_FAILED;
	if (arg_json)
		print_json(&u);
	else if (print_text(&u) != CMD_DONE)
		return CMD_FAILED;
	if (u.counts_error == -EACCES)
		log_warning(
			"launch counts are root's to read: what was launched is not known");
	else if (!u.counting && u.pack->n_launches > 0)
		log_warning("launches are not counted: see elfcastd(8)");
	else if (u.pack->n_launches > 0 && why_unknown(&u))
		log_warning("%s", why_unknown(&u));
	return CMD_DONE;
}
