/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last boot as a picture: what is known of it here, put together for boot-plot.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "boot-plot.h"
#include "boots.h"
#include "bounds.h"
#include "clock.h"
#include "cmd.h"
#include "log.h"
#include "output.h"
#include "plot-launches.h"
#include "shadow-read.h"
#include "status.h"
#include "systemd.h"
#include "text-out.h"
#include "watch-state.h"

#define ASK_TIMEOUT_MS 10000u

const char *arg_plot;

struct known {
	struct boot_report report;
	bool has_report;
	struct boot_times boot;
	uint64_t start_us; /* of the boot */
	struct unit_times times;
	uint64_t target_us;
	bool has_units; /* systemd has told its times */
	struct shadow_buffer pack;
	bool has_pack; /* that was read, its eager part with it */
	struct plot_launches launches;
};

static void known_done(struct known *k)
{
	boot_report_done(&k->report);
	unit_times_done(&k->times);
	shadow_buffer_done(&k->pack);
	plot_launches_done(&k->launches);
}

/* Of another system there is nobody to be asked. */
static void ask_systemd(struct known *k)
{
	uint64_t until_us = clock_in_ms(ASK_TIMEOUT_MS);
	int r;

	if (arg_root && *arg_root)
		return;
	r = systemd_ask_boot(until_us, &k->boot);
	if (r == 0)
		r = systemd_ask_default_target(until_us, &k->target_us);
	if (r == 0)
		r = systemd_ask_units(until_us, &k->times);
	if (r < 0)
		log_warning("without units' times: cannot ask systemd: %s",
			    systemd_error_text(r));
	k->has_units = r == 0;
	k->start_us = boot_times_start_us(&k->boot,
					  watch_state_process_us(1, k->boot.userspace_us));
}

static int look(const struct store *s, struct known *k)
{
	int r = boot_report_load(s, &k->report);

	if (r < 0 && r != -ENOENT)
		log_warning("without the last boot's report: %s", error_text(r));
	k->has_report = r == 0;
	ask_systemd(k);
	r = plot_launches_load(s, k->has_report ? &k->report : NULL, &k->launches);
	if (r == 0 && !k->has_report && !k->has_units && k->launches.log.n == 0)
		r = -ENOENT;
	if (r < 0)
		return r;
	k->has_pack = k->has_report && k->report.plan == BOOT_PLAN_EAGER &&
		      boot_report_load_pack(s, &k->report, &k->pack) == 0;
	return 0;
}

/* As often as PATH leads elsewhere, the unit's author meant the file there. */
static bool is_file(const char *path, const char *object_path)
{
	_cleanup_free_ char *real = NULL;

	if (strcmp(path, object_path) == 0)
		return true;
	real = realpath(path, NULL);
	return real && strcmp(real, object_path) == 0;
}

/*
 * When all that the boot needs of the program at PATH had been asked for: files are asked for in the
 * pack's order. Where some were skipped, that is too late by as much.
 */
static double find_read_ms(const struct known *k, const char *path)
{
	const struct shadow *s = &k->pack.shadow;
	uint64_t n_pages = 0, n_until = 0;

	if (!k->has_pack || !path)
		return PLOT_UNKNOWN;
	for (uint32_t i = 0; i < s->n_eager; i++) {
		uint32_t object = le32_get(s->extents[i].object);

		n_pages += le32_get(s->extents[i].n_pages);
		if (is_file(path, shadow_string(s, s->objects[object].path)))
			n_until = n_pages;
	}
	return n_until > 0 ? boot_plot_asked_ms(&k->report, n_until) : PLOT_UNKNOWN;
}

/* Moments of CLOCK_MONOTONIC, in ms since the boot began: boot_times_start_us(). */
static double since_start(const struct known *k, uint64_t us)
{
	return us > k->start_us ? (double)(us - k->start_us) / 1000 : 0;
}

static double since_start_or_unknown(const struct known *k, uint64_t us)
{
	return us == 0 ? PLOT_UNKNOWN : since_start(k, us);
}

static struct plot_unit describe(const struct known *k, const struct unit_time *t,
				 double prefetch_ms)
{
	double read_ms = find_read_ms(k, t->program);

	return (struct plot_unit){
		.name = t->name,
		.begin_ms = since_start(k, t->begin_us),
		.active_ms = since_start_or_unknown(k, t->active_us),
		.main_ms = since_start_or_unknown(k, t->main_us),
		.read_ms = read_ms < 0 ? read_ms : read_ms + prefetch_ms,
	};
}

static void put_picture(const void *of, FILE *f)
{
	boot_plot_write(of, f);
}

static int draw(const struct known *k)
{
	_cleanup_free_ struct plot_unit *units = calloc(k->times.n + 1, sizeof(*units));
	char when[32], title[64] = "The last boot", kernel[LIMIT_KERNEL_BYTES + 1];
	struct boot_plot p = { .title = title,
			       .kernel = kernel,
			       .units = units,
			       .n_units = k->times.n,
			       .target_ms = PLOT_UNKNOWN,
			       .launches = &k->launches.plot };
	uint64_t now_us = clock_us(), now_s = clock_seconds(CLOCK_REALTIME);

	if (!units)
		return log_errno(-ENOMEM, "cannot draw the boot");
	boots_read_kernel(kernel);
	if (k->has_report)
		p.report = &k->report;
	if (k->has_report && k->has_units)
		p.prefetch_ms = since_start(k, k->report.start_us);
	if (k->has_units && k->target_us > 0)
		p.target_ms = since_start(k, k->target_us);
	for (size_t i = 0; i < k->times.n; i++)
		units[i] = describe(k, &k->times.items[i], p.prefetch_ms);
	if (k->has_units && k->start_us < now_us) {
		text_time(now_s - (now_us - k->start_us) / 1000000, when, sizeof(when));
		snprintf(title, sizeof(title), "Boot of %s", when);
	}
	return output_built(arg_plot, put_picture, &p);
}

int status_plot(const struct store *s)
{
	_cleanup_(known_done) struct known k = { 0 };
	int r = look(s, &k);

	if (r == -ENOENT)
		log_error("nothing is known of the last boot");
	else if (r < 0)
		log_errno(r, "cannot draw the boot");
	if (r < 0)
		return CMD_FAILED;
	return draw(&k) < 0 ? CMD_FAILED : CMD_DONE;
}
