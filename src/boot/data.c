/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens what needs privileges, drops them, and only then looks at bytes of the pack. What it
 * finds goes to the shared memory; it says nothing itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot.h"
#include "bounds.h"
#include "clock.h"
#include "config.h"
#include "pace.h"
#include "rest.h"
#include "sandbox.h"
#include "store.h"
#include "utf8.h"

/* Made by packaging/sysusers.d; where that did not run, "nobody" does. */
#define USER		 "elfcast"
#define NOBODY		 65534u
/* A hundred times what a large pack takes: then something is very wrong. */
#define CPU_SECONDS	 10
/* The step takes 0.3 s for 3,000 files on a slow volume, 1 s on a disk that seeks. */
#define METADATA_WAIT_MS 3000

/*
 * Of /etc/passwd itself: what else a name service knows may be on the network, and would be
 * code of others in this process.
 */
static void find_user(uid_t *ret_uid, gid_t *ret_gid)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;

	*ret_uid = *ret_gid = NOBODY;
	while (f && (p = fgetpwent(f)))
		if (strcmp(p->pw_name, USER) == 0 && p->pw_uid != 0) {
			*ret_uid = p->pw_uid;
			*ret_gid = p->pw_gid;
			break;
		}
	if (f)
		fclose(f);
}

/*
 * For good; with nothing to drop, the rest all the same. No Landlock: this user may write
 * nowhere but in /tmp, and nothing to there, and it would cost 2 us an open.
 */
static int drop_privileges(void)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, none = { 0, 0 };
	uid_t uid;
	gid_t gid;

	if (geteuid() == 0) {
		find_user(&uid, &gid);
		if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			return -errno;
	}
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_CORE, &none);
	sandbox_drop_privileges();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return 0;
}

/* The pack stays: threads that hang may still use it. -ENOENT: none. */
static int load_pack(const struct boot_options *o, struct store *store, int pack_fd,
		     struct boot_share *share, struct shadow_buffer *ret)
{
	if (o->pack)
		return shadow_buffer_read(pack_fd, LIMIT_PACK_BYTES, SHADOW_KIND_PACK, ret);
	store_choose(store);
	share->from_usr = store->usr;
	return store_load(store, STORE_PACK, NULL, ret);
}

/*
 * What was not given as an option is the administrator's. What is wrong in the file compile
 * has said. False: nothing is to be read.
 */
static bool read_config(const struct boot_options *o, const struct store *store,
			int told_fd, struct boot_share *share, enum boot_wish *ret_wish)
{
	static const enum boot_wish wishes[] = { BOOT_WISH_AUTO, BOOT_WISH_NO,
						 BOOT_WISH_YES };
	struct config config;
	bool boot;

	if (config_load(store, &config, NULL, NULL) < 0)
		config_init(&config);
	share->max_bytes = o->has_max_bytes
				   ? o->max_bytes
				   : config_budget_bytes(&config, config_ram_bytes());
	share->deadline_ms = o->deadline_ms   ? o->deadline_ms
			     : config.time_ms ? config.time_ms
					      : LIMIT_WINDOW_MS;
	*ret_wish = wishes[config.boot_eager + 1];
	boot = config_allows_boot(&config);
	config_done(&config);
	return write(told_fd, "", 1) == 1 && boot;
}

static void name_skipped(struct boot_share *share, const char *path, enum object_skip why)
{
	if (share->n_named == BOOT_NAMED)
		return;
	share->named[share->n_named].why = why;
	snprintf(share->named[share->n_named].path, BOOT_NAME_BYTES, "%.*s",
		 (int)utf8_cut(path, BOOT_NAME_BYTES - 1), path);
	share->n_named++;
}

static void fill_share(struct boot_share *share, const struct shadow *s,
		       const struct prefetch_report *report)
{
	share->n_extents_asked = report->n_extents_asked;
	for (uint32_t i = 0; i < report->n_objects; i++) {
		enum object_skip skip = report->skips[i];

		share->n_skips[skip]++;
		if (skip != OBJECT_USED && skip != OBJECT_NO_PAGES &&
		    skip != OBJECT_NOT_REACHED)
			name_skipped(share, shadow_string(s, s->objects[i].path), skip);
	}
	if (share->data.stop != BOOT_STOP_NONE)
		return;
	if (report->deadline_hit)
		share->data.stop = BOOT_STOP_DEADLINE;
	else if (!report->stopped &&
		 report->n_pages_asked >= share->max_bytes / PAGE_BYTES &&
		 share->n_skips[OBJECT_NOT_REACHED] > 0)
		share->data.stop = BOOT_STOP_BUDGET;
}

/* What becomes of an object of which some pages are read in one run, others in a later one. */
static uint8_t merge_skips(uint8_t eager, uint8_t later)
{
	return later == OBJECT_NO_PAGES || eager == OBJECT_USED ? eager : later;
}

/* Two runs, one after the other, in one report; EAGER's skips are let go. */
static void add_report(struct prefetch_report *r, struct prefetch_report *eager)
{
	if (!eager->skips)
		return;
	if (!r->skips) {
		*r = *eager;
		return;
	}
	for (uint32_t i = 0; i < r->n_objects; i++)
		r->skips[i] = merge_skips(eager->skips[i], r->skips[i]);
	r->n_extents_asked += eager->n_extents_asked;
	r->n_pages_asked += eager->n_pages_asked;
	free(eager->skips);
}

static int read_part(const struct boot_part *part, struct pace *pace,
		     const struct store *store, const struct shadow *s, uint64_t max_pages,
		     struct prefetch_report *ret)
{
	return pace_prefetch(pace, store, s, max_pages,
			     part->start_us + part->share->deadline_ms * UINT64_C(1000),
			     ret);
}

/* Pages that are left of the budget. False: none, after DONE. */
static bool has_budget(const struct boot_part *part, const struct prefetch_report *done,
		       uint64_t *ret_pages)
{
	uint64_t pages = part->share->max_bytes / PAGE_BYTES;

	if (done->n_pages_asked > 0 && done->n_pages_asked >= pages) {
		part->share->data.stop = BOOT_STOP_BUDGET;
		return false;
	}
	*ret_pages = pages - done->n_pages_asked;
	return true;
}

/* What an early run did, as if it had been done here. */
static int continue_early(const struct boot_part *part, const struct shadow_buffer *pack,
			  struct prefetch_report *ret)
{
	const uint8_t *skips =
		part->early ? boot_fates_get(&part->early->data_fates, pack) : NULL;

	if (!skips)
		return 0;
	ret->skips = malloc(pack->shadow.n_objects);
	if (!ret->skips)
		return -ENOMEM;
	memcpy(ret->skips, skips, pack->shadow.n_objects);
	ret->n_objects = pack->shadow.n_objects;
	ret->n_extents_asked = part->early->n_extents_asked;
	ret->n_pages_asked = part->early->data.pages_asked;
	part->share->data_continued = true;
	return 0;
}

/*
 * Whether names and inodes are to be there before anything else: a disk that seeks reads them in
 * one sweep of its own, and where one request is served after the other, who looks up a name would
 * wait behind all the data that is asked for. A volume behind a network does both at once.
 *
 * What process 1 begins with first, then the rest's names and inodes, in two to four slices by first use, has
 * systemd begin earlier and the boot end no earlier: on an SD card 3.54 to 3.56 s from process 1 instead of 3.50, on a
 * disk that seeks 6.3 instead of 5.9. Nor does it gain to let process 1 wait 50 to 200 ms for its libraries. With all
 * that comes before basic.target in front (13 of 50 MiB), a short queue and this machine's own files behind it, that is reached
 * 120 to 230 ms earlier on an SD card, 170 behind a network; but the disk is then as much longer behind with what the slowest service
 * waits for, and the boot ends when it did.
 */
static bool wants_metadata_first(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_eager; i++)
		if (s->objects[le32_get(s->extents[i].object)].storage != STORAGE_NETWORK)
			return true;
	return false;
}

/* What the boot itself needs, now; REPORT: of an early run, and of both. */
static int read_eager(const struct boot_part *part, struct pace *pace,
		      const struct store *store, const struct shadow *s, bool is_judged,
		      struct prefetch_report *report)
{
	struct prefetch_report now = { 0 };
	struct shadow left;
	uint64_t max_pages;
	int r = rest_find_eager(s, report->skips, &left);

	if (r < 0 || left.n_extents == 0 || !has_budget(part, report, &max_pages))
		return r;
	if (wants_metadata_first(&left))
		pace_wait_hangup(part, part->eager_fd, clock_in_ms(METADATA_WAIT_MS));
	pace->eager = true;
	if (is_judged)
		pace_watch_opens(pace, &left, &part->share->data_eager);
	r = read_part(part, pace, store, &left, max_pages, &now);
	boot_eager_put(&part->share->data_eager, &part->share->data, part->start_us);
	add_report(&now, report);
	*report = now;
	if (pace->is_unused) {
		part->share->plan = BOOT_PLAN_UNUSED;
		report->stopped = false;
	}
	return r;
}

/*
 * REST, when the boot is over. Names and inodes that the other part has read need not be
 * waited for one by one; it takes its time on a disk that others read from, and may hang.
 */
static int read_later(const struct boot_part *part, struct pace *pace,
		      const struct store *store, const struct shadow *rest,
		      const struct prefetch_report *eager, struct prefetch_report *ret)
{
	uint64_t max_pages;

	pace_step_back(pace);
	if (rest->n_extents == 0 || !has_budget(part, eager, &max_pages) ||
	    !pace_wait_quiet(pace, part))
		return 0;
	if (part->ready_fd >= 0)
		close(part->ready_fd);
	pace_wait_hangup(part, part->before_fd, clock_in_ms(METADATA_WAIT_MS));
	return read_part(part, pace, store, rest, max_pages, ret);
}

static void describe_pack(struct boot_share *share, const struct shadow_buffer *pack)
{
	const struct shadow *s = &pack->shadow;
	const struct shadow eager = shadow_slice(s, 0, s->n_eager);

	share->n_launches = s->n_launches;
	share->n_objects = s->n_objects;
	share->n_pages = shadow_count_pages(s);
	share->n_eager_pages = shadow_count_pages(&eager);
	share->eager_key = boots_key(s);
	share->pack_sum = shadow_buffer_sum(pack);
}

static enum boot_outcome read_ahead(const struct boot_part *part, struct pace *pace,
				    const struct store *store,
				    const struct shadow_buffer *pack, enum boot_wish wish,
				    int *ret_error)
{
	struct prefetch_report eager = { 0 }, later = { 0 };
	const struct boot_options *o = part->options;
	const struct shadow *s = &pack->shadow;
	struct shadow rest;
	int r;

	describe_pack(part->share, pack);
	boot_make_plan(part, store, wish);
	pace_publish(pace);
	r = continue_early(part, pack, &eager);
	if (r == 0 && part->share->plan == BOOT_PLAN_EAGER)
		r = read_eager(part, pace, store, s, wish != BOOT_WISH_YES, &eager);
	if (r == 0)
		r = rest_find(s, eager.skips, &rest);
	if (r == 0 && !o->only_eager && !eager.deadline_hit && !eager.stopped)
		r = read_later(part, pace, store, &rest, &eager, &later);
	*ret_error = r;
	if (r < 0)
		return BOOT_FAILED;
	add_report(&later, &eager);
	boot_fates_put(&part->share->data_fates, pack, later.skips);
	fill_share(part->share, s, &later);
	free(later.skips);
	return BOOT_READ;
}

static enum boot_outcome run(const struct boot_part *part, struct pace *pace,
			     int *ret_error)
{
	const struct boot_options *o = part->options;
	struct store store = { .rootfd = -1 };
	struct shadow_buffer pack;
	enum boot_wish wish;
	int r, pack_fd = -1;

	r = store_open(o->root, false, &store);
	if (r == 0)
		pace_watch_disks(pace, store.root_path);
	if (r == 0 && o->pack) {
		pack_fd = open(o->pack, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		r = pack_fd < 0 ? -errno : 0;
	}
	*ret_error = r;
	if (r < 0)
		return r == -ENOENT && o->pack ? BOOT_NO_PACK : BOOT_FAILED;
	*ret_error = r = drop_privileges();
	if (r < 0)
		return BOOT_FAILED;
	if (!read_config(o, &store, part->told_fd, part->share, &wish))
		return BOOT_OFF;
	*ret_error = r = load_pack(o, &store, pack_fd, part->share, &pack);
	if (r < 0)
		return r == -ENOENT ? BOOT_NO_PACK : BOOT_BAD_PACK;
	return read_ahead(part, pace, &store, &pack, wish, ret_error);
}

void boot_data_part(const struct boot_part *part)
{
	static struct pace pace;
	enum boot_outcome outcome;

	pace_init(&pace, part, &part->share->data, &part->share->data_timeline,
		  &part->share->metadata);
	outcome = run(part, &pace, &part->share->error);
	part->share->data.cpu_us = clock_cpu_us();
	part->share->outcome = outcome;
}
