/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast note-boot: what this boot took, for the log of boots, and what that log says by now.
 * Run once, when the boot is over, by elfcast-boot-note.service.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "boot-gain.h"
#include "boot-report.h"
#include "boots.h"
#include "clock.h"
#include "cmd.h"
#include "config.h"
#include "launch-counts.h"
#include "log.h"
#include "macro.h"
#include "systemd.h"
#include "watch-state.h"

#define LOCK_TIMEOUT_MS 5000u
/* It may run when nobody else wants to, and nobody waits for it. */
#define ASK_TIMEOUT_MS	60000u

/* What the eager part saves at best, when that is too little. */
static void log_turned_off(const struct boot_gain *g)
{
	log_warning("what is read for the boot gains nothing here: %.2f s without, %.2f s "
		    "saved at best (95 %%, %zu controls); it is off until it is another "
		    "one, or with BootEager=yes",
		    g->control_ms / 1000, g->saves_ms.high / 1000, g->n_pairs);
}

/* Without systemd, or with one that hangs, the boot's time is not known. */
static void ask_times(struct boot_line *l)
{
	uint64_t until_us = clock_in_ms(ASK_TIMEOUT_MS), target_us = 0, start_us, up_us,
		 now_s;
	struct boot_times t = { 0 };
	int r = systemd_ask_boot(until_us, &t);

	if (r == 0)
		r = systemd_ask_default_target(until_us, &target_us);
	if (r < 0) {
		log_error("cannot ask systemd how long the boot took: %s",
			  systemd_error_text(r));
		return;
	}
	start_us = boot_times_start_us(&t, watch_state_process_us(1, t.userspace_us));
	up_us = clock_us() - MIN(start_us, clock_us());
	now_s = clock_seconds(CLOCK_REALTIME);
	if (now_s >= LAUNCHES_FIRST_CLOCK_S)
		l->time_s = MIN(now_s - MIN(up_us / 1000000, now_s), LIMIT_TIME_S);
	if (target_us > start_us)
		l->target_ms = MIN((target_us - start_us) / 1000, (uint64_t)LIMIT_BOOT_MS);
}

static void describe(const struct boot_report *r, struct boot_line *l)
{
	uint64_t read_bytes = MIN(r->read_bytes, LIMIT_BOOT_BYTES / 2) +
			      MIN(r->metadata_read_bytes, LIMIT_BOOT_BYTES / 2);

	memcpy(l->boot_id, r->boot_id, sizeof(l->boot_id));
	l->plan = r->plan;
	l->key = r->key;
	l->eager_bytes = r->eager_bytes;
	l->eager_ms = (uint64_t)MIN(r->eager_ms, (double)LIMIT_BOOT_MS);
	/* Of the machine's own files nothing is read after the boot. */
	l->rest_bytes = read_bytes - MIN(r->eager_bytes - r->own_bytes, read_bytes);
	l->rest_ms = (uint64_t)MIN(r->all_ms, (double)LIMIT_BOOT_MS);
	l->used_percent = BOOT_USED_UNKNOWN;
	boots_read_kernel(l->kernel);
}

static void log_unused(void)
{
	log_warning("twice, the boot used little of what was read for it: that is off "
		    "until it is "
		    "another one, or with BootEager=yes");
}

/* Only what is measured is judged, and only by who may decide. */
static int judge(const struct store *s, struct boots *b)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct boot_line *l = &b->items[b->n - 1];
	struct boot_gain g;
	int r = config_load(s, &c, NULL, NULL);

	if (r == 0 && c.boot_eager < 0 && boots_are_unused(b)) {
		l->turned_off = true;
		log_unused();
	}
	if (r < 0 || c.boot_eager >= 0 ||
	    (l->plan != BOOT_PLAN_EAGER && l->plan != BOOT_PLAN_CONTROL))
		return r;
	r = boot_gain_find(b, &g);
	if (r < 0 || !g.is_none)
		return r;
	l->turned_off = true;
	log_turned_off(&g);
	return 0;
}

static int load_log(const struct store *s, struct boots *ret)
{
	int r = boots_load(s, ret);

	if (r == 0 || r == -ENOENT)
		return 0;
	if (!launch_counts_are_lost(r))
		return r;
	log_warning("the log of boots cannot be used, and is begun anew: %s",
		    error_text(r));
	return 0;
}

static bool has_read(const struct boot_report *r)
{
	return *r->boot_id &&
	       (strcmp(r->outcome, "read") == 0 || strcmp(r->outcome, "left behind") == 0);
}

static int note(const struct store *s)
{
	_cleanup_(boot_report_done) struct boot_report report = { 0 };
	_cleanup_close_ int lock = store_lock_boots(s, LOCK_TIMEOUT_MS);
	struct boot_line line = { 0 };
	static struct boots b;
	int r = lock < 0 ? lock : load_log(s, &b);

	if (r == 0)
		r = boot_report_load(s, &report);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!has_read(&report)) {
		log_info("nothing was read ahead in this boot");
		return 0;
	}
	if (boots_find(&b, report.boot_id)) {
		log_info("this boot is in the log already");
		return 0;
	}
	describe(&report, &line);
	ask_times(&line);
	boots_add(&b, &line);
	r = judge(s, &b);
	return r < 0 ? r : boots_save(s, &b);
}

static int run_note_boot(int argc, char *argv[])
{
	static const struct option options[] = { COMMON_LONGOPTS };
	_cleanup_(store_done) struct store s = { 0 };
	int r = cmd_take_flags(&cmd_note_boot, argc, argv, options);

	if (r < 0)
		r = cmd_refuse_arguments(&cmd_note_boot, argc, argv);
	if (r >= 0)
		return r;
	r = cmd_open_store(&s);
	if (r < 0)
		return CMD_FAILED;
	r = note(&s);
	if (r < 0) {
		log_errno(r, "cannot note what this boot took");
		return CMD_FAILED;
	}
	return CMD_DONE;
}

const struct cmd cmd_note_boot = {
	.name = "note-boot",
	.args = "[OPTION...]",
	.summary = "keep what this boot took, once it is over, for status --boots",
	.run = run_note_boot,
};
