/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a systemd unit file, drop-in or not: systemd.syntax(7). Pure; knows neither
 * units nor files. libc only.
 */
#ifndef ELFCAST_UNIT_TEXT_H
#define ELFCAST_UNIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One assignment, in the order of the file; lines continued by a backslash are one. Strings
 * end with the call. Non-zero ends parsing and is returned.
 */
typedef int (*unit_setting)(const char *section, const char *key, const char *value,
			    void *userdata);

/*
 * TEXT needs no NUL behind it. A line that is no assignment is skipped, as systemd does. 0,
 * what ON_SETTING returned, -ENOMEM.
 */
int unit_text_parse(const char *text, size_t bytes, unit_setting on_setting,
		    void *userdata);

/*
 * The next word of *POS, with systemd's quotes and escapes resolved, in RET (cut at BYTES);
 * false where there is none. Specifiers are left as they are.
 */
bool unit_next_word(const char **pos, char *ret, size_t bytes);

/*
 * WORD with the specifiers that a unit's name tells (%n %N %p %i %I %j %J %%) resolved for
 * UNIT. -ENOENT: it has others, -ENAMETOOLONG.
 */
int unit_resolve_specifiers(const char *word, const char *unit, char *ret, size_t bytes);

/*
 * The program of the command line VALUE (of ExecStart= and the like) of UNIT, without what
 * may stand before it (@ - : + ! |). -ENOENT: none, or it cannot be told; -ENAMETOOLONG.
 */
int unit_command_program(const char *value, const char *unit, char *ret, size_t bytes);

#endif
