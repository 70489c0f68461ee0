/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast list: the profiles that are installed, a line each. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "known.h"
#include "log.h"
#include "text-out.h"

static int arg_all;

static const char *profile_dir(const struct known_launch *l)
{
	return l->file ? store_profile_dir(l->file->from_etc) : NULL;
}

static void print_head(FILE *f)
{
	fprintf(f, "%-12s  %7s  %6s  %s\n", "STATE", "OBJECTS", "MIB", "PROGRAM");
}

static void print_line(FILE *f, const struct known *k, const struct known_launch *l)
{
	bool verbose = log_get_level() >= LOG_LEVEL_DEBUG;
	char objects[32] = "-", size[32] = "-";

	if (l->shadow.data) {
		snprintf(objects, sizeof(objects), "%zu/%zu", l->totals.n_usable,
			 l->n_objects);
		snprintf(size, sizeof(size), "%.1f",
			 (double)l->totals.n_pages_usable * PAGE_BYTES / (1 << 20));
	}
	fprintf(f, "%-12s  %7s  %6s  ", known_state_text(l->state), objects, size);
	if (!l->shadow.data)
		text_put(f, l->problem ? l->problem : known_profile(l));
	else
		text_put_launch(f, known_program(l), known_scenario(l),
				verbose || known_is_ambiguous(k, l) ? known_profile(l)
								    : NULL);
	if (l->totals.n_retargeted)
		fprintf(f, " (%zu retargeted)", l->totals.n_retargeted);
	if (verbose && l->file && l->file->from_etc)
		fputs(", of this machine", f);
	fputc('\n', f);
}

/* For scripts: each program once, of profiles of which that is not known their file. */
static void print_names(FILE *f, const struct known *k)
{
	const char *last = "";

	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];
		const char *name = l->shadow.data ? known_program(l) : known_profile(l);

		if ((l->state == KNOWN_ABSENT && !arg_all) || strcmp(name, last) == 0)
			continue;
		text_put(f, name);
		fputc('\n', f);
		last = name;
	}
}

static int print_text(const struct known *k)
{
	size_t n_hidden = 0, n_lines = 0;
	struct text_lines t;

	if (text_open(&t) < 0)
		return CMD_FAILED;

	for (size_t i = 0; i < k->n; i++) {
		if (k->items[i].state == KNOWN_ABSENT && !arg_all) {
			n_hidden++;
			continue;
		}
		if (n_lines++ == 0)
			print_head(t.f);
		print_line(t.f, k, &k->items[i]);
	}
	if (text_close(&t) < 0)
		return CMD_FAILED;
	fflush(stdout);
	if (n_hidden > 0)
		log_info("%zu profile%s of programs that are not installed; --all lists %s",
			 n_hidden, n_hidden == 1 ? "" : "s", n_hidden == 1 ? "it" : "them");
	if (k->n == 0)
		log_info(
			"there are no profiles: 'elfcast train --install -- COMMAND' makes "
			"one");
	return CMD_DONE;
}

static void print_json(const struct known *k)
{
	json_open(NULL, '[');
	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		json_open(NULL, '{');
		json_string("program", known_program(l));
		json_string("scenario", l->shadow.data ? known_scenario(l) : NULL);
		json_string("profile", known_profile(l));
		json_string("directory", profile_dir(l));
		json_string("state", known_state_text(l->state));
		json_string("problem", l->problem);
		json_uint("objects", l->n_objects);
		json_uint("usable_objects", l->totals.n_usable);
		json_uint("pages", l->totals.n_pages);
		json_uint("usable_pages", l->totals.n_pages_usable);
		json_close('}');
	}
	json_close(']');
}

static int list(void)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(known_done) struct known k = { 0 };
	int r = cmd_open_store(&s);

	if (r < 0)
		return CMD_FAILED;
	r = known_load(&s, &k);
	if (r < 0)
		return CMD_FAILED;
	if (arg_json)
		print_json(&k);
	else if (log_get_level() < LOG_LEVEL_INFO)
		print_names(stdout, &k);
	else
		return print_text(&k);
	return CMD_DONE;
}

static int run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "all", no_argument, &arg_all, true },
		COMMON_LONGOPTS,
	};
	int r = cmd_take_flags(&cmd_list, argc, argv, options);

	if (r < 0)
		r = cmd_refuse_arguments(&cmd_list, argc, argv);
	return r < 0 ? list() : r;
}

const struct cmd cmd_list = {
	.name = "list",
	.args = "[--all] [OPTION...]",
	.summary = "the programs that have profiles, and what these are worth now",
	.options = "      --all           also those that are not installed\n",
	.quiet = "names of programs alone",
	.run = run,
};
