/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line to stderr per event; cmd/ only (all others return errors and stay silent).
 */
#ifndef ELFCAST_LOG_H
#define ELFCAST_LOG_H

#include "diag.h"
#include "macro.h"

enum log_level {
	LOG_LEVEL_SILENT = -1, /* the hook: not a byte */
	LOG_LEVEL_ERROR = 0,   /* --quiet */
	LOG_LEVEL_INFO = 1,    /* default: warnings, results */
	LOG_LEVEL_DEBUG = 2,   /* --verbose */
};

/* Wire up once at the start of main(). PREFIX is borrowed and put before every line. */
void log_setup(const char *prefix, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* ERROR is 0 or a negative errno, whose text is appended; returned as it is. */
_printf_(2, 3) int log_errno(int error, const char *format, ...);
_printf_(1, 2) void log_error(const char *format, ...);
_printf_(1, 2) void log_warning(const char *format, ...);
_printf_(1, 2) void log_info(const char *format, ...);
_printf_(1, 2) void log_debug(const char *format, ...);

/* A warning: PATH:LINE:COLUMN: MESSAGE, without a position where D has none. */
void log_notice(const char *path, const char *what); /* a warning */
void log_diag(const char *path, const struct diag *d);

/*
 * What -ESTALE, -EBADMSG and -E2BIG mean here, and -ENOENT where /proc is not mounted; strerror() for
 * everything else.
 */
const char *error_text(int error);

#endif
