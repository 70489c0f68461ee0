/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of the kernel's, for the whole machine, as a recording needs them. They are put back
 * even when this process is killed: by a child that does nothing but wait for its end.
 */
#ifndef ELFCAST_SETTINGS_H
#define ELFCAST_SETTINGS_H

#include <stddef.h>
#include <sys/types.h>

struct setting;

struct settings {
	struct setting *items;
	size_t n, capacity;
	/* Besides, where they are put back, by whoever does it; NULL: nothing. */
	void (*at_end)(void *userdata);
	void *userdata;
	pid_t keeper;  /* 0: none */
	int keeper_fd; /* closing the last of it makes the keeper put everything back */
};

#define SETTINGS_NONE ((struct settings){ .keeper_fd = -1 })

/*
 * A file system of its own, mounted nowhere: nobody else sees it, and it goes with the
 * descriptor. -EPERM: not root.
 */
int settings_open_fs(const char *fstype);
/* Text of a file of the kernel's, which has no size: until it ends, at most BYTES - 1. */
int settings_read(int dirfd, const char *path, char *ret, size_t bytes);

/* Remember one, to be VALUE. 0: it is there and may be changed. */
int settings_add(struct settings *s, int dirfd, const char *path, const char *value);
/*
 * That a fault maps the page that was touched, and no cached ones around it. -EBUSY: another
 * recording has that; else: the kernel does not allow it (debugfs, which a locked down one shuts).
 */
int settings_add_fault_around(struct settings *s);
/* From now on they are put back, whatever becomes of us. */
int settings_keep(struct settings *s);
int settings_change(struct settings *s);
/* For a child of ours: they are not its own. */
void settings_leave(struct settings *s);
/* Put everything back. */
void settings_done(struct settings *s);

#endif
