/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot-plot.h"
#include "clock.h"
#include "log.h"
#include "plot-launches.h"
#include "watch-state.h"

void plot_launches_done(struct plot_launches *l)
{
	usage_done(&l->usage);
	launched_done(&l->log);
	launch_counts_done(&l->counts);
	status_gain_done(&l->gain);
	free(l->programs);
}

static void warn(int r)
{
	if (r == -EACCES)
		log_warning("without launches: they are root's to read");
	else if (r < 0 && r != -ENOENT)
		log_warning("without launches: %s", error_text(r));
}

/* Counts that cannot be used are as good as none: status tells of them. */
static int load(const struct store *s, struct plot_launches *l)
{
	int r = usage_load(s, &l->usage);

	if (r != -ENOMEM)
		r = status_load_times(s, &l->gain);
	if (r == -ENOMEM)
		return r;
	if (launch_counts_load(s, &l->counts) < 0)
		l->counts = (struct launch_counts){ 0 };
	r = launched_load(s, &l->log);
	if (r == -ENOMEM)
		return r;
	warn(r);
	l->programs =
		calloc(l->usage.pack->n_launches + l->log.n + 1u, sizeof(*l->programs));
	return l->programs ? 0 : -ENOMEM;
}

/* A new one where NAME is not there. */
static struct plot_program *find(struct plot_launches *l, const char *name)
{
	for (size_t i = 0; i < l->plot.n_programs; i++)
		if (strcmp(l->programs[i].name, name) == 0)
			return &l->programs[i];
	l->programs[l->plot.n_programs] = (struct plot_program){
		.name = name,
		.read_ms = PLOT_UNKNOWN,
		.first_ms = PLOT_UNKNOWN,
	};
	return &l->programs[l->plot.n_programs++];
}

/* Pages of the pack up to the last one of launch AT; files are asked for in its order. */
static uint64_t pages_until(const struct shadow *pack, uint32_t at)
{
	uint64_t n = 0, n_until = 0;

	for (uint32_t i = 0; i < pack->n_extents; i++) {
		n += le32_get(pack->extents[i].n_pages);
		if (le32_get(pack->extents[i].when) == at)
			n_until = n;
	}
	return n_until;
}

static void add_from_pack(struct plot_launches *l, const struct boot_report *report,
			  uint32_t at)
{
	const struct shadow *pack = l->usage.pack;
	const struct launch_usage *u = &l->usage.launches[at];
	double ms = boot_plot_asked_ms(report, pages_until(pack, at));
	struct plot_program *g;

	/* Where it ended early, what came behind that was not read. */
	if (u->boot || u->n_pages == 0 || (ms < 0 && *report->stopped))
		return;
	g = find(l, shadow_string(pack, pack->launches[at].program));
	g->pack_pages += u->n_pages;
	g->is_launched |= u->launched;
	if (ms >= 0)
		g->read_ms = MAX(g->read_ms, ms + (double)report->start_us / 1000);
}

/* The log has the last launches, the counts the first one of each program. */
static void add_launches(struct plot_launches *l)
{
	char boot_id[BOOT_ID_BYTES + 1];
	bool is_this_boot =
		boots_read_id(boot_id) == 0 && strcmp(l->counts.watched_id, boot_id) == 0;

	for (size_t i = 0; i < l->log.n; i++) {
		struct plot_program *g = find(l, l->log.items[i].program);

		g->is_launched = true;
		if (g->first_ms < 0)
			g->first_ms = (double)l->log.items[i].after_ms;
	}
	for (size_t i = 0; i < l->plot.n_programs; i++) {
		struct plot_program *g = &l->programs[i];
		const struct launch_count *c = launch_counts_find(&l->counts, g->name);

		if (is_this_boot && c && c->first_ms[0] > 0)
			g->first_ms = c->first_ms[0];
	}
}

static void add_gains(struct plot_launches *l)
{
	struct launch_gain gain;

	for (size_t i = 0; i < l->plot.n_programs; i++) {
		struct plot_program *g = &l->programs[i];

		if (launch_gain_find(&l->gain.times, g->name, &gain) < 0)
			continue;
		g->has_saving = gain.n_pairs >= LAUNCH_GAIN_PAIRS;
		g->saves_percent = gain.percent.value;
	}
}

static void add_counts(const struct store *s, struct launch_plot *p)
{
	struct watch_state w = { 0 };

	/* None since boot: zeros. */
	watch_state_load(s, &w);
	p->n_with[LAUNCHED_READ] = w.n_read;
	p->n_with[LAUNCHED_ALONE] = w.n_alone;
	p->n_with[LAUNCHED_THERE] = w.n_resident + w.n_again;
	p->n_with[LAUNCHED_DROPPED] = w.n_dropped;
	p->n_pages = w.n_pages;
}

int plot_launches_load(const struct store *s, const struct boot_report *report,
		       struct plot_launches *l)
{
	int r = load(s, l);

	if (r < 0)
		return r;
	for (uint32_t i = 0; report && report->asked_bytes > 0 && l->usage.is_of_boot &&
			     i < l->usage.pack->n_launches;
	     i++)
		add_from_pack(l, report, i);
	add_launches(l);
	add_gains(l);
	add_counts(s, &l->plot);
	l->plot.log = &l->log;
	l->plot.programs = l->programs;
	l->plot.from_ms = report ? (double)report->start_us / 1000 : 0;
	l->plot.now_ms = (double)clock_boottime_ms();
	l->plot.is_counting = l->usage.is_watched;
	return 0;
}
