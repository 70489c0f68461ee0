/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "json-out.h"
#include "launch-counts.h"
#include "log.h"
#include "macro.h"
#include "status.h"
#include "terminal.h"
#include "text-out.h"
#include "watch-state.h"

/* Narrower terminals get less columns. */
enum { WITH_LAST = 80 };

static int compare_weights(const void *a, const void *b)
{
	const struct launch_count *x = *(const struct launch_count *const *)a;
	const struct launch_count *y = *(const struct launch_count *const *)b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->program, y->program);
}

static double launches_of(const struct launch_count *c)
{
	return (double)c->weight / LAUNCHES_ONE;
}

void status_print_habit(FILE *f, const struct launch_habit *h)
{
	uint32_t s = h->after_ms / 1000;
	char boots[32], after[32] = "-";

	snprintf(boots, sizeof(boots), h->n_boots ? "%u/%u" : "-", h->n_launched,
		 h->n_boots);
	if (h->after_ms != LAUNCHES_NEVER)
		snprintf(after, sizeof(after), s < 100 ? "%u s" : "%u min",
			 s < 100 ? s : s / 60);
	fprintf(f, "%7s %8s", boots, after);
}

void status_put_habit(const struct launch_habit *h)
{
	json_uint("boots", h->n_boots);
	json_uint("boots_launched", h->n_launched);
	if (h->after_ms == LAUNCHES_NEVER)
		json_string("after_ms", NULL);
	else
		json_uint("after_ms", h->after_ms);
}

void status_print_watcher(FILE *f, const struct watch_state *w, bool running)
{
	fputs(running ? "running" : "not running", f);
	if (w->n_read + w->n_resident + w->n_again + w->n_dropped > 0)
		fprintf(f,
			", since boot %" PRIu64
			" launch%s read ahead (%.1f MiB asked for), "
			"%" PRIu64 " in memory already",
			w->n_read, w->n_read == 1 ? "" : "es",
			(double)w->n_pages * PAGE_BYTES / (1 << 20),
			w->n_resident + w->n_again);
	fputc('\n', f);
	if (w->n_dropped > 0)
		log_warning("%" PRIu64
			    " launch%s not read ahead: too many at once, or memory was "
			    "short",
			    w->n_dropped, w->n_dropped == 1 ? " was" : "es were");
}

void status_put_watcher(const struct watch_state *w, bool running)
{
	json_bool("running", running);
	json_uint("programs", running ? w->n_programs : 0);
	json_uint("overflows", w->n_overflows);
	json_uint("launches_read", w->n_read);
	json_uint("launches_in_memory", w->n_resident + w->n_again);
	json_uint("launches_left_alone", w->n_alone);
	json_uint("launches_dropped", w->n_dropped);
	json_uint("pages_asked", w->n_pages);
}

static void print_line(FILE *f, const struct launch_counts *l, const struct launch_count *c,
		       const struct status_gain *g, unsigned columns)
{
	struct launch_habit habit;
	char when[32];

	fprintf(f, "%12.2f", launches_of(c));
	text_time(c->last_s, when, sizeof(when));
	if (columns >= WITH_LAST)
		fprintf(f, "  %-19s", when);
	launch_counts_habit(l, c->program, &habit);
	status_print_habit(f, &habit);
	status_print_program_gain(f, g, c->program);
	fputs("  ", f);
	text_put(f, c->program);
	fputc('\n', f);
}

static int print_table(const struct launch_counts *l,
		       const struct launch_count *const *sorted, size_t n,
		       const struct status_gain *g, const struct watch_state *w)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	struct text_lines t;

	if (n == 0)
		return 0;
	if (text_open(&t) < 0)
		return -ENOMEM;
	fprintf(t.f, "%12s", "LAUNCHES");
	if (columns >= WITH_LAST)
		fprintf(t.f, "  %-19s", "LAST");
	fputs(STATUS_HABIT_COLUMNS STATUS_GAIN_COLUMN "  PROGRAM\n", t.f);
	for (size_t i = 0; i < n; i++)
		print_line(t.f, l, sorted[i], g, columns);
	fputs("read ahead: ", t.f);
	status_print_launch_gain(t.f, g, w);
	return text_close(&t);
}

static int print_text(const struct launch_counts *l,
		      const struct launch_count *const *sorted, size_t n,
		      const struct status_gain *g, const struct watch_state *w,
		      bool running)
{
	if (print_table(l, sorted, n, g, w) < 0)
		return CMD_FAILED;
	log_info("%zu program%s launched; a count halves in %u days", n, n == 1 ? "" : "s",
		 LAUNCHES_HALF_LIFE_S / 86400);
	if (running)
		log_info("watcher: running, %" PRIu64 " program%s with profiles",
			 w->n_programs, w->n_programs == 1 ? "" : "s");
	else
		log_info("watcher: not running");
	return CMD_DONE;
}

/* What is not as it should be: whoever reads the table must know. */
static void print_warnings(const struct watch_state *w, bool running)
{
	if (w->n_overflows > 0)
		log_warning("launches were not counted: too many at once, %" PRIu64
			    " time%s since boot",
			    w->n_overflows, w->n_overflows == 1 ? "" : "s");
	if (running && w->n_unwatched > 0)
		log_warning("%" PRIu64 " program%s cannot be watched", w->n_unwatched,
			    w->n_unwatched == 1 ? "" : "s");
	if (running && w->last_error)
		log_warning("the watcher cannot write: %s", strerror((int)w->last_error));
}

static void print_json(const struct launch_counts *l,
		       const struct launch_count *const *sorted, size_t n,
		       const struct status_gain *g, const struct watch_state *w,
		       bool running)
{
	struct launch_habit habit;

	json_open(NULL, '{');
	json_uint("time", l->time_s);
	json_uint("half_life_seconds", LAUNCHES_HALF_LIFE_S);
	json_open("watcher", '{');
	status_put_watcher(w, running);
	json_uint("unwatched", running ? w->n_unwatched : 0);
	json_string("error",
		    running && w->last_error ? strerror((int)w->last_error) : NULL);
	json_close('}');
	json_open("gain", '{');
	status_put_launch_gain(g, w);
	json_close('}');
	json_open("programs", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(NULL, '{');
		json_string("program", sorted[i]->program);
		json_double("launches", launches_of(sorted[i]));
		json_uint("last", sorted[i]->last_s);
		launch_counts_habit(l, sorted[i]->program, &habit);
		status_put_habit(&habit);
		status_put_program_gain(g, sorted[i]->program);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

/* A watcher that writes once a minute knows more than the file. */
int status_launches(const struct store *s)
{
	_cleanup_free_ const struct launch_count **sorted = NULL;
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_(status_gain_done) struct status_gain g = { 0 };
	struct watch_state w = { 0 };
	size_t n = 0;
	bool running;
	int r = launch_counts_load(s, &l);

	if (launch_counts_are_lost(r))
		log_warning("the launch counts cannot be used: %s", error_text(r));
	else if (r < 0 && r != -ENOENT) {
		log_errno(r, "cannot read the launch counts");
		return CMD_FAILED;
	}
	running = watch_state_load(s, &w) == 0 && watch_state_is_running(&w);
	/* As of now, whenever the file was written. */
	launch_counts_advance(&l, (uint64_t)MAX(time(NULL), 0));
	sorted = calloc(l.n + 1, sizeof(*sorted));
	if (!sorted || status_load_times(s, &g) < 0)
		return CMD_FAILED;
	/* Whoever was only read ahead in vain was not launched. */
	for (size_t i = 0; i < l.n; i++)
		if (l.items[i].weight > 0)
			sorted[n++] = &l.items[i];
	qsort(sorted, n, sizeof(*sorted), compare_weights);
	r = CMD_DONE;
	if (arg_json)
		print_json(&l, sorted, n, &g, &w, running);
	else
		r = print_text(&l, sorted, n, &g, &w, running);
	print_warnings(&w, running);
	return r;
}
