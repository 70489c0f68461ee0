/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last boots, and what reading ahead for them gains. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot-gain.h"
#include "boots.h"
#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "macro.h"
#include "status.h"
#include "terminal.h"
#include "text-out.h"

/* Up to and including these columns. A narrow terminal gets less of them; --json has all. */
enum { WITH_EAGER = 56, WITH_REST = 74, WITH_USED = 81, WITH_KERNEL = 100 };

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

/* ---- the verdict, which the overview prints, too ---- */

bool status_boot_is_off(const struct boots *b)
{
	const struct boot_line *last = b->n > 0 ? &b->items[b->n - 1] : NULL;

	return last && (last->plan == BOOT_PLAN_OFF || last->turned_off);
}

/* Why: of the line with which it was. */
static bool is_off_as_unused(const struct boots *b)
{
	for (size_t i = b->n; i-- > 0;)
		if (b->items[i].turned_off)
			return b->items[i].plan == BOOT_PLAN_UNUSED;
	return false;
}

static const char *boot_state_name(const struct boots *b)
{
	enum boot_plan last = b->n > 0 ? b->items[b->n - 1].plan : BOOT_PLAN_NONE;

	if (status_boot_is_off(b))
		return "off";
	return last == BOOT_PLAN_NO ? "no" : last == BOOT_PLAN_NONE ? "none" : "on";
}

void status_print_boot_gain(FILE *f, const struct boots *b, const struct boot_gain *g)
{
	if (status_boot_is_off(b)) {
		fprintf(f, "switched off: %s\n",
			is_off_as_unused(b)
				? "the boot used little of what is read for it"
				: "what is read for the boot gains nothing here");
		return;
	}
	if (g->n_eager + g->n_controls == 0) {
		fputs("nothing is known yet\n", f);
		return;
	}
	if (g->n_eager > 0)
		fprintf(f, "%.2f s read ahead (%zu)", g->eager_ms / 1000, g->n_eager);
	if (g->n_controls > 0)
		fprintf(f, "%s%.2f s left alone (%zu)", g->n_eager > 0 ? ", " : "",
			g->control_ms / 1000, g->n_controls);
	if (g->n_pairs < STATS_N_MIN)
		fputs(", too few to tell\n", f);
	else
		fprintf(f, ": saves %.2f s [%.2f to %.2f]\n", g->saves_ms.value / 1000,
			g->saves_ms.low / 1000, g->saves_ms.high / 1000);
}

void status_put_boot_gain(const struct boots *b, const struct boot_gain *g)
{
	json_string("boot_part", boot_state_name(b));
	json_uint("read_ahead", g->n_eager);
	json_uint("controls", g->n_controls);
	json_double("read_ahead_ms", g->eager_ms);
	json_double("control_ms", g->control_ms);
	if (g->n_pairs < STATS_N_MIN) {
		json_string("saves_ms", NULL);
		return;
	}
	json_open("saves_ms", '{');
	json_double("median", g->saves_ms.value);
	json_double("low", g->saves_ms.low);
	json_double("high", g->saves_ms.high);
	json_close('}');
}

/* ---- the table ---- */

static void print_head(FILE *f, unsigned columns)
{
	fprintf(f, "%-16s  %-8s  %8s", "BOOT", "READ", "TARGET S");
	if (columns >= WITH_EAGER)
		fprintf(f, "  %8s %7s", "FOR IT", "S");
	if (columns >= WITH_REST)
		fprintf(f, "  %8s %7s", "REST", "S");
	if (columns >= WITH_USED)
		fprintf(f, "  %5s", "USED");
	if (columns >= WITH_KERNEL)
		fprintf(f, "  %s", "KERNEL");
	fputc('\n', f);
}

static void print_amount(FILE *f, uint64_t bytes, uint64_t ms)
{
	fprintf(f, "  %8.1f %7.2f", mib(bytes), seconds(ms));
}

static const char *colour_of(const struct boot_line *l, bool use_colour)
{
	if (!use_colour)
		return "";
	switch (l->plan) {
	case BOOT_PLAN_EAGER:
		return "\033[32m";
	case BOOT_PLAN_CONTROL:
		return "\033[33m";
	default:
		return "\033[31m";
	}
}

static void print_line(FILE *f, const struct boot_line *l, unsigned columns,
		       bool use_colour)
{
	char when[32], used[16] = "-", target[32] = "-";

	text_time(l->time_s, when, sizeof(when));
	if (l->target_ms > 0)
		snprintf(target, sizeof(target), "%.2f", seconds(l->target_ms));
	if (l->used_percent != BOOT_USED_UNKNOWN)
		snprintf(used, sizeof(used), "%u %%", l->used_percent);
	fprintf(f, "%-16.16s  %s%-8s%s  %8s", when, colour_of(l, use_colour),
		boot_plan_name(l->plan), use_colour ? "\033[0m" : "", target);
	if (columns >= WITH_EAGER)
		print_amount(f, l->eager_bytes, l->eager_ms);
	if (columns >= WITH_REST)
		print_amount(f, l->rest_bytes, l->rest_ms);
	if (columns >= WITH_USED)
		fprintf(f, "  %5s", used);
	if (columns >= WITH_KERNEL)
		fprintf(f, "  %s", l->kernel);
	fprintf(f, "%s\n", l->turned_off ? "  -> off" : "");
}

static int print_text(const struct boots *b, const struct boot_gain *g)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	bool use_colour = terminal_has_colour(STDOUT_FILENO);
	struct text_lines t;

	if (text_open(&t) < 0)
		return CMD_FAILED;
	if (b->n > 0)
		print_head(t.f, columns);
	for (size_t i = 0; i < b->n; i++)
		print_line(t.f, &b->items[i], columns, use_colour);
	fputs(b->n > 0 ? "\nboots: " : "boots: ", t.f);
	status_print_boot_gain(t.f, b, g);
	return text_close(&t) < 0 ? CMD_FAILED : CMD_DONE;
}

static void put_line(const struct boot_line *l)
{
	json_open(NULL, '{');
	json_string("boot_id", l->boot_id);
	json_uint("time", l->time_s);
	json_string("plan", boot_plan_name(l->plan));
	json_bool("turned_off", l->turned_off);
	json_uint("target_ms", l->target_ms);
	json_uint("eager_bytes", l->eager_bytes);
	json_uint("eager_ms", l->eager_ms);
	json_uint("rest_bytes", l->rest_bytes);
	json_uint("rest_ms", l->rest_ms);
	if (l->used_percent == BOOT_USED_UNKNOWN)
		json_string("used_percent", NULL);
	else
		json_uint("used_percent", l->used_percent);
	json_string("kernel", l->kernel);
	json_close('}');
}

static void print_json(const struct boots *b, const struct boot_gain *g)
{
	json_open(NULL, '{');
	status_put_boot_gain(b, g);
	json_open("boots", '[');
	for (size_t i = 0; i < b->n; i++)
		put_line(&b->items[i]);
	json_close(']');
	json_close('}');
}

int status_load_boots(const struct store *s, struct boots *b, struct boot_gain *g)
{
	int r = boots_load(s, b);

	if (r < 0 && r != -ENOENT)
		log_warning("the log of boots cannot be used: %s", error_text(r));
	return boot_gain_find(b, g);
}

int status_boots(const struct store *s)
{
	static struct boots b;
	struct boot_gain g;
	int r = status_load_boots(s, &b, &g);

	if (r < 0) {
		log_errno(r, "cannot tell what the last boots took");
		return CMD_FAILED;
	}
	if (arg_json)
		print_json(&b, &g);
	else
		return print_text(&b, &g);
	return CMD_DONE;
}
