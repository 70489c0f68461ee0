/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast prefetch: read a program's pages ahead, now. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "child.h"
#include "clock.h"
#include "cmd.h"
#include "input.h"
#include "io.h"
#include "json-out.h"
#include "launch-shadows.h"
#include "log.h"
#include "prefetch-launch.h"
#include "skipped.h"

/* A disk that hangs in the middle of the child's own start shall not hold us either. */
#define DEADLINE_GRACE_MS 250

static unsigned arg_deadline_ms;
static bool arg_no_wait;
static const char *arg_scenario;
static const char *arg_shadow;

static const char *object_path(const struct shadow_buffer *l, uint32_t i)
{
	return shadow_string(&l->shadow, l->shadow.objects[i].path);
}

static void print_json_report(const struct shadow_buffer *l,
			      const struct prefetch_launch_report *launch)
{
	const struct prefetch_report *r = &launch->data;

	json_open(NULL, '{');
	json_string("program", launch_shadow_program(l));
	json_string("scenario", launch_shadow_scenario(l));
	json_uint("objects", r->n_objects);
	json_uint("objects_used", r->n_objects_used);
	json_uint("extents", r->n_extents_asked);
	json_uint("pages", r->n_pages_asked);
	json_uint("metadata_pages", launch->n_place_pages);
	json_uint("lookups", launch->n_lookups);
	json_double("ms", (double)r->elapsed_us / 1000);
	json_bool("deadline_hit", r->deadline_hit);
	json_open("skipped", '[');
	for (uint32_t i = 0; i < r->n_objects; i++) {
		if (!skipped_is(r->skips[i]))
			continue;
		json_open(NULL, '{');
		json_string("path", object_path(l, i));
		json_string("why", object_skip_text(r->skips[i]));
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

static void print_report(const struct shadow_buffer *l,
			 const struct prefetch_launch_report *launch)
{
	const struct prefetch_report *r = &launch->data;

	skipped_tell(l, r);
	log_debug("%llu pages of metadata, %u names looked up",
		  (unsigned long long)launch->n_place_pages, launch->n_lookups);
	log_info("%s (%s): %llu pages (%.1f MiB) of %u objects, %u skipped, %.1f ms%s",
		 launch_shadow_program(l), launch_shadow_scenario(l),
		 (unsigned long long)r->n_pages_asked,
		 (double)r->n_pages_asked * PAGE_BYTES / (1 << 20), r->n_objects_used,
		 skipped_count(r), (double)r->elapsed_us / 1000,
		 r->deadline_hit ? ", stopped at the deadline" : "");
}

/* What is left of the deadline; 0 stands for none, so at least 1. */
static unsigned remaining_ms(uint64_t deadline_us)
{
	return arg_deadline_ms ? MAX(clock_left_ms(deadline_us), 1u) : 0;
}

/*
 * Prefetch one shadow. *ret_stuck: the deadline came, workers may still use L and MOUNTS.
 * Returns CMD_*.
 */
static int prefetch_one(const struct store *s, const struct mounts *mounts,
			const struct shadow_buffer *l, uint64_t deadline_us,
			bool *ret_stuck)
{
	struct prefetch_options options = {
		.rootfd = s->rootfd,
		.root_path = s->root_path,
		.deadline_ms = remaining_ms(deadline_us),
		.wait = !arg_no_wait,
	};
	struct prefetch_launch_report report;
	int r;

	r = prefetch_launch(l, mounts, &options, &report);
	if (r < 0) {
		log_errno(r, "cannot read ahead for '%s'", launch_shadow_program(l));
		return CMD_FAILED;
	}
	if (arg_json)
		print_json_report(l, &report);
	else
		print_report(l, &report);
	*ret_stuck = report.data.deadline_hit;
	free(report.data.skips);
	return report.data.n_objects_used > 0 ? CMD_DONE : CMD_FAILED;
}

/* The list is freed unless somebody may still read it. */
static int prefetch_list(const struct store *s, const struct mounts *mounts,
			 struct launch_shadows *list, uint64_t deadline_us)
{
	int status = CMD_DONE;
	bool stuck = false;

	for (size_t i = 0; i < list->n && !stuck; i++)
		if (prefetch_one(s, mounts, &list->items[i], deadline_us, &stuck) !=
		    CMD_DONE)
			status = CMD_FAILED;
	if (!stuck)
		launch_shadows_done(list);
	return status;
}

static int find_shadows(const struct store *s, const char *command,
			struct launch_shadows *ret)
{
	_cleanup_(program_done) struct program_paths program = { 0 };
	int r;

	r = program_find(s, command, &program);
	if (r < 0)
		return cmd_log_program(r, command);
	return input_find_shadows(s, &program, arg_scenario, ret);
}

static int load_shadow_file(const char *path, struct launch_shadows *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct shadow_buffer b;
	int r;

	r = fd < 0 ? -errno
		   : shadow_buffer_read(fd, LIMIT_SHADOW_BYTES, SHADOW_KIND_SHADOW, &b);
	if (r == 0)
		r = launch_shadows_add(ret, &b);
	return r < 0 ? log_errno(r, "cannot read shadow '%s'", path) : 0;
}

static int prefetch_commands(const struct store *s, const struct mounts *mounts, int n,
			     char *const commands[], uint64_t deadline_us)
{
	int status = CMD_DONE, r;

	if (arg_json)
		json_open(NULL, '[');
	for (int i = 0; i < n; i++) {
		struct launch_shadows list = { 0 };

		r = arg_shadow ? load_shadow_file(arg_shadow, &list)
			       : find_shadows(s, commands[i], &list);
		if (r < 0 || prefetch_list(s, mounts, &list, deadline_us) != CMD_DONE)
			status = CMD_FAILED;
	}
	if (arg_json)
		json_close(']');
	return status;
}

static int prefetch_all(int n, char *const commands[], uint64_t deadline_us)
{
	struct mounts *mounts;
	struct store s;
	int r, status;

	r = cmd_open_store(&s);
	if (r < 0)
		return CMD_FAILED;
	r = cmd_load_mounts(&mounts);
	if (r < 0) {
		store_done(&s);
		return CMD_FAILED;
	}
	status = prefetch_commands(&s, mounts, n, commands, deadline_us);
	store_done(&s);
	/* With a deadline this is a child that ends now, and workers may be left. */
	if (!arg_deadline_ms)
		mounts_free(mounts);
	return status;
}

/*
 * Tell the parent how it went and let go of the caller's terminal and pipes: a thread that
 * sleeps in a dead disk keeps this process, and with it every open file, from ending.
 */
_Noreturn static void finish_child(int out, int status)
{
	uint8_t byte;

	if (fflush(stdout) != 0)
		status = CMD_FAILED;
	child_drop_stdio();
	byte = (uint8_t)status;
	if (write(out, &byte, 1) < 0)
		status = CMD_FAILED;
	_exit(status);
}

static int wait_child(struct child *child, uint64_t deadline_us)
{
	uint8_t status;

	if (!child_wait(child, deadline_us + DEADLINE_GRACE_MS * 1000)) {
		log_error("stuck in storage: left behind at the deadline");
		return CMD_FAILED;
	}
	if (read(child->fd, &status, 1) == 1)
		return status;
	log_error("the process that reads ahead ended unexpectedly");
	return CMD_FAILED;
}

/* Nothing can end a thread in uninterruptible sleep, so the work is a child's to be left. */
static int prefetch_with_deadline(int n, char *const commands[], uint64_t deadline_us)
{
	struct child child;
	int out, status;
	pid_t pid = child_fork(&child, &out);

	if (pid == 0)
		finish_child(out, prefetch_all(n, commands, deadline_us));
	if (pid < 0)
		return log_errno((int)pid, "cannot make a process"), CMD_FAILED;
	status = wait_child(&child, deadline_us);
	child_leave(&child);
	return status;
}

/*
 * Become elfcast-prefetch, which lies beside this program. Returns only on failure.
 */
static int exec_boot(int argc, char *argv[])
{
	char path[LIMIT_PATH_BYTES + sizeof("/elfcast-prefetch")], *slash;
	ssize_t n = readlink("/proc/self/exe", path, LIMIT_PATH_BYTES);

	if (n < 0)
		return log_errno(-errno, "cannot find this program"), CMD_FAILED;
	path[n] = 0;
	slash = strrchr(path, '/');
	strcpy(slash ? slash : path, "/elfcast-prefetch");
	/* "prefetch --boot OPTION..." */
	memmove(&argv[1], &argv[2], sizeof(*argv) * (size_t)(argc - 1));
	argv[0] = strrchr(path, '/') + 1;
	execv(path, argv);
	return log_errno(-errno, "cannot run '%s'", path), CMD_FAILED;
}

enum { OPT_DEADLINE = OPT_VERB, OPT_BOOT, OPT_WAIT, OPT_NO_WAIT, OPT_SCENARIO, OPT_SHADOW };

/* -1: all options are read; else the exit status. */
static int parse_options(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "boot", no_argument, NULL, OPT_BOOT },
		{ "deadline", required_argument, NULL, OPT_DEADLINE },
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "no-wait", no_argument, NULL, OPT_NO_WAIT },
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "shadow", required_argument, NULL, OPT_SHADOW },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (c) {
		case OPT_DEADLINE:
			if (!cmd_parse_ms(optarg, &arg_deadline_ms))
				return cmd_usage_error(&cmd_prefetch,
						       "'%s' is not a time in ms (1 to %u)",
						       optarg, LIMIT_WINDOW_MS);
			break;
		case OPT_BOOT:
			return cmd_usage_error(&cmd_prefetch, "--boot comes first");
		case OPT_WAIT:
		case OPT_NO_WAIT:
			arg_no_wait = c == OPT_NO_WAIT;
			break;
		case OPT_SCENARIO:
			arg_scenario = optarg;
			break;
		case OPT_SHADOW:
			arg_shadow = optarg;
			break;
		default:
			r = cmd_common_option(&cmd_prefetch, c);
			if (r >= 0)
				return r;
		}
	}
	return -1;
}

static int run_prefetch(int argc, char *argv[])
{
	uint64_t deadline_us;
	int n, r;

	if (argc > 1 && strcmp(argv[1], "--boot") == 0)
		return exec_boot(argc, argv);
	r = parse_options(argc, argv);
	if (r >= 0)
		return r;
	n = argc - optind;
	if (arg_shadow && n > 0)
		return cmd_usage_error(&cmd_prefetch,
				       "--shadow takes the place of a program");
	if (!arg_shadow && n == 0)
		return cmd_usage_error(&cmd_prefetch, "no program given");
	if (arg_shadow)
		n = 1;
	deadline_us = clock_in_ms(arg_deadline_ms);
	return arg_deadline_ms ? prefetch_with_deadline(n, argv + optind, deadline_us)
			       : prefetch_all(n, argv + optind, deadline_us);
}

const struct cmd cmd_prefetch = {
	.name = "prefetch",
	.args = "[OPTION...] PROGRAM...",
	.summary = "read the pages of a program's launch ahead, now",
	.options =
		"      --boot          first: what elfcast-prefetch does at boot, with its "
		"options\n"
		"      --scenario=S    the launch trained as S (default: \"default\", else "
		"all)\n"
		"      --shadow=FILE   a shadow file instead of a program's\n"
		"      --no-wait       return when all was asked for, not when it has "
		"arrived\n"
		"      --wait          wait until it has arrived (default)\n"
		"      --deadline=MS   return then at the latest, whatever the disk does\n",
	.run = run_prefetch,
};
