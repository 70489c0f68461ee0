/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "json-out.h"
#include "log.h"
#include "macro.h"
#include "train-tell.h"
#include "utf8.h"

#define PTRACE_SCOPE "/proc/sys/kernel/yama/ptrace_scope"

static const struct {
	const char *key, *text;
} reasons[N_LEFT_OUT] = {
	[LEFT_OUT_NAME] = { "name", "by a name that is not UTF-8" },
	[LEFT_OUT_TEMPORARY] = { "temporary", "below /tmp, /var/tmp or /run" },
	[LEFT_OUT_MEMORY] = { "memory", "on a file system in memory" },
	[LEFT_OUT_FILE_SYSTEM] = { "file_system",
				   "on FUSE or another file system that is no disk's" },
	[LEFT_OUT_ELSEWHERE] = { "elsewhere", "not found by their paths outside of it" },
	[LEFT_OUT_CHANGED] = { "changed", "that changed meanwhile" },
};

/* What the kernel's Yama allows: '2' only administrators, '3' nobody, 0: not asked. */
static char ptrace_scope(void)
{
	_cleanup_close_ int fd = open(PTRACE_SCOPE, O_RDONLY | O_CLOEXEC);
	char scope;

	return fd >= 0 && read(fd, &scope, 1) == 1 ? scope : 0;
}

int train_explain(int error, const char *program)
{
	char scope = error == -EPERM ? ptrace_scope() : 0;

	if (scope == '2' || scope == '3')
		log_error(
			"cannot record '%s': the sysctl kernel.yama.ptrace_scope is %c: %s",
			program, scope,
			scope == '2' ? "only root may trace programs"
				     : "nobody may trace programs until the next boot");
	else if (error == -ETIMEDOUT)
		log_error(
			"cannot record '%s': the recorder hung and was left; a file system "
			"may not answer",
			program);
	else
		return log_errno(error, "cannot record '%s'", program);
	return error;
}

void train_tell_left_out(const struct trace_result *r)
{
	for (size_t i = 0; i < N_LEFT_OUT; i++) {
		const struct trace_omission *o = &r->left_out[i];

		if (!o->n_files || !reasons[i].text)
			continue;
		/* Logs, caches, histories: every other program writes one. */
		if (i == LEFT_OUT_CHANGED)
			log_debug("left out: %u file%s %s ('%s')", o->n_files,
				  o->n_files == 1 ? "" : "s", reasons[i].text, o->example);
		else
			log_info("left out: %u file%s %s ('%s')", o->n_files,
				 o->n_files == 1 ? "" : "s", reasons[i].text, o->example);
	}
}

void train_print_left_out(const unsigned n_files[N_LEFT_OUT])
{
	json_open("left_out", '{');
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		if (reasons[i].key)
			json_uint(reasons[i].key, n_files[i]);
	json_close('}');
}

void train_tell_last_words(const char *words)
{
	enum { MOST_LINES = 10 };
	char text[LAST_WORDS_BYTES], *line = text, *next;
	unsigned n = 0;

	snprintf(text, sizeof(text), "%s", words);
	/* It begins in the middle of a line, where there was more of it. */
	if (strlen(text) == sizeof(text) - 1 && (next = strchr(text, '\n')))
		line = next + 1;
	for (char *c = line; *c; c++)
		n += *c == '\n' && c[1];
	for (; n >= MOST_LINES; n--)
		line = strchr(line, '\n') + 1;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		utf8_blank(line);
		log_error("| %s", line);
	}
}
