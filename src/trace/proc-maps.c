/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "proc-maps.h"

int proc_maps_open(pid_t pid, struct proc_maps *ret)
{
	char path[32] = "/proc/self/maps";
	FILE *file;

	if (pid > 0)
		snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	proc_maps_init(ret, file);
	return 0;
}

void proc_maps_init(struct proc_maps *ret, FILE *file)
{
	ret->file = file;
	ret->line[0] = 0;
}

void proc_maps_done(struct proc_maps *m)
{
	if (m->file)
		fclose(m->file);
	m->file = NULL;
}

/* A number at *AT that the character AFTER ends; *AT is behind that then. */
static bool take_number(const char **at, int base, char after, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret = strtoull(*at, &end, base);
	if (errno || end == *at || *end != after)
		return false;
	*at = end + 1;
	return true;
}

static bool take_permissions(const char **at, bool *ret_is_code)
{
	if (strcspn(*at, " ") != 4)
		return false;
	*ret_is_code = (*at)[2] == 'x' && (*at)[3] == 'p';
	*at += 4;
	if (**at != ' ')
		return false;
	++*at;
	return true;
}

/* "start-end perms offset major:minor inode name": all but the inode in hexadecimal. */
static bool parse(const char *at, struct proc_mapping *ret)
{
	uint64_t major_nr, minor_nr, ino;

	if (!take_number(&at, 16, '-', &ret->start) ||
	    !take_number(&at, 16, ' ', &ret->end) || ret->end <= ret->start ||
	    !take_permissions(&at, &ret->is_code) ||
	    !take_number(&at, 16, ' ', &ret->off) ||
	    !take_number(&at, 16, ':', &major_nr) ||
	    !take_number(&at, 16, ' ', &minor_nr) || !take_number(&at, 10, ' ', &ino))
		return false;
	ret->dev = makedev((unsigned)major_nr, (unsigned)minor_nr);
	ret->ino = (ino_t)ino;
	ret->name = at + strspn(at, " ");
	return true;
}

/* What does not fit is dropped, up to the line's end. */
static bool read_line(struct proc_maps *m)
{
	char *newline;
	int c;

	if (!fgets(m->line, sizeof(m->line), m->file))
		return false;
	newline = strchr(m->line, '\n');
	if (newline)
		*newline = 0;
	else
		while ((c = getc(m->file)) != EOF && c != '\n')
			;
	return true;
}

bool proc_maps_next(struct proc_maps *m, struct proc_mapping *ret)
{
	while (read_line(m))
		if (parse(m->line, ret))
			return true;
	return false;
}
