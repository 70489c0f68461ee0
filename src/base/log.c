/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "utf8.h"

static const char *log_prefix = "elfcast";
static enum log_level log_level = LOG_LEVEL_INFO;

void log_setup(const char *prefix, enum log_level level)
{
	log_prefix = prefix;
	log_level = level;
}

void log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level log_get_level(void)
{
	return log_level;
}

/* Much of what is asked for is there, and not to be found without. */
static bool is_proc_missing(void)
{
	return access("/proc/self", F_OK) < 0 && errno == ENOENT;
}

const char *error_text(int error)
{
	switch (error < 0 ? -error : error) {
	case ENOENT:
		return is_proc_missing()
			       ? "No such file or directory, and /proc is not mounted"
			       : strerror(ENOENT);
	case ESTALE:
		return "of another version or build";
	case EBADMSG:
		return "damaged";
	case E2BIG:
		return "over a limit";
	default:
		return strerror(error < 0 ? -error : error);
	}
}

/* One write() per line, so that lines of parallel processes do not mix. */
_printf_(4, 0) static void log_line(enum log_level level, const char *kind, int error,
				    const char *format, va_list ap)
{
	char text[4096 + 512], line[sizeof(text) + 256];
	int n;

	if (level > log_level)
		return;
	vsnprintf(text, sizeof(text), format, ap);
	utf8_blank(text); /* names of files, text of others */
	if (error)
		n = snprintf(line, sizeof(line), "%s: %s%s: %s\n", log_prefix, kind, text,
			     error_text(error));
	else
		n = snprintf(line, sizeof(line), "%s: %s%s\n", log_prefix, kind, text);
	if (n > 0 && write(STDERR_FILENO, line, MIN((size_t)n, sizeof(line) - 1)) < 0)
		return; /* nowhere left to complain */
}

int log_errno(int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_line(LOG_LEVEL_ERROR, "", error, format, ap);
	va_end(ap);
	return error;
}

#define DEFINE_LOG(name, level, kind)                                                      \
	void name(const char *format, ...)                                                 \
	{                                                                                  \
		va_list ap;                                                                \
                                                                                           \
		va_start(ap, format);                                                      \
		log_line(level, kind, 0, format, ap);                                      \
		va_end(ap);                                                                \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR, "")
DEFINE_LOG(log_warning, LOG_LEVEL_INFO, "warning: ")
DEFINE_LOG(log_info, LOG_LEVEL_INFO, "")
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG, "")

void log_notice(const char *path, const char *what)
{
	log_warning("%s: %s", path, what);
}

void log_diag(const char *path, const struct diag *d)
{
	if (d->line > 0)
		log_warning("%s:%u:%u: %s", path, d->line, d->column, d->message);
	else
		log_warning("%s: %s", path, d->message);
}
