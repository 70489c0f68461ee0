/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "command.h"
#include "log.h"
#include "macro.h"
#include "systemd.h"

static char *systemctl(void)
{
	static char usr[] = "/usr/bin/systemctl", bin[] = "/bin/systemctl";

	return access(usr, X_OK) == 0 ? usr : bin;
}

/* At most that many units are asked for by name. */
enum { SHOW_MAX = 16 };

/* A unit may be a pattern; none: the manager. */
static int show_all(const char *const units[], size_t n, const char *properties,
		    uint64_t until_us, char **ret, size_t *ret_bytes)
{
	static char verb[] = "show", no_pager[] = "--no-pager", all[] = "--all",
		    dashes[] = "--";
	char property[256], names[SHOW_MAX][UNIT_NAME_BYTES];
	char *argv[6 + SHOW_MAX + 1] = {
		systemctl(), verb, no_pager, all, property, dashes
	};

	assert(n <= SHOW_MAX);
	snprintf(property, sizeof(property), "--property=%s", properties);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%s", units[i]);
		argv[6 + i] = names[i];
	}
	return command_read(argv, LIMIT_SYSTEMCTL_BYTES, until_us, ret, ret_bytes);
}

/* UNIT NULL: the manager. */
static int show(const char *unit, const char *properties, uint64_t until_us, char **ret,
		size_t *ret_bytes)
{
	return show_all(&unit, unit ? 1 : 0, properties, until_us, ret, ret_bytes);
}

int systemd_ask_boot(uint64_t until_us, struct boot_times *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show(NULL, boot_times_properties(), until_us, &text, &bytes);

	return r < 0 ? r : boot_times_parse(text, bytes, ret);
}

int systemd_ask_units(uint64_t until_us, struct unit_times *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r;

	*ret = (struct unit_times){ 0 };
	r = show("*", unit_times_properties(), until_us, &text, &bytes);
	return r < 0 ? r : unit_times_parse(text, bytes, ret);
}

int systemd_ask_default_target(uint64_t until_us, uint64_t *ret_us)
{
	_cleanup_(unit_times_done) struct unit_times t = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show("default.target", unit_times_properties(), until_us, &text, &bytes);

	if (r == 0)
		r = unit_times_parse(text, bytes, &t);
	if (r < 0)
		return r;
	*ret_us = t.n == 1 ? t.items[0].active_us : 0;
	return 0;
}

/* The number behind "NAME=" at the start of a line; -1: there is none. */
static long number_of(const char *text, const char *name)
{
	const char *line = text;
	size_t n = strlen(name);

	while (line && (strncmp(line, name, n) != 0 || line[n] != '=')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line && line[n + 1] >= '0' && line[n + 1] <= '9'
		       ? strtol(line + n + 1, NULL, 10)
		       : -1;
}

int systemd_ask_service(const char *unit, uint64_t until_us, pid_t *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show(unit, "LoadState,MainPID", until_us, &text, &bytes);
	long pid;

	if (r < 0)
		return r;
	pid = number_of(text, "MainPID");
	if (strstr(text, "LoadState=not-found") || pid < 0 || pid > INT32_MAX)
		return -ENOENT;
	*ret = (pid_t)pid;
	return 0;
}

int systemd_ask_states(const char *const names[], size_t n, uint64_t until_us,
		       struct unit_state ret[])
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = show_all(names, n, unit_state_properties(), until_us, &text, &bytes);

	if (r == 0)
		unit_states_parse(text, bytes, names, n, ret);
	return r;
}

int systemd_start(const char *unit, uint64_t until_us)
{
	static char verb[] = "start", quiet[] = "--quiet", no_ask[] = "--no-ask-password",
		    dashes[] = "--";
	_cleanup_free_ char *text = NULL;
	char name[UNIT_NAME_BYTES];
	char *argv[] = { systemctl(), verb, quiet, no_ask, dashes, name, NULL };
	size_t bytes;

	snprintf(name, sizeof(name), "%s", unit);
	return command_read(argv, LIMIT_SYSTEMCTL_BYTES, until_us, &text, &bytes);
}

const char *systemd_error_text(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no systemctl, or no such unit";
	case -EIO:
		return "systemctl failed: it may not run this machine";
	case -ETIMEDOUT:
		return "systemctl does not answer";
	default:
		return error_text(error);
	}
}
