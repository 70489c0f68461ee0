/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole-file reading with limits, full writes, and opening beneath a root without links. */
#ifndef ELFCAST_IO_H
#define ELFCAST_IO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/*
 * Read all of FD, from offset 0 and with pread (another process may truncate). The buffer is
 * new, one NUL past *ret_bytes. -E2BIG past LIMIT_BYTES, -EINVAL when not a regular file.
 */
int io_read_file(int fd, size_t limit_bytes, char **ret, size_t *ret_bytes);

/* read() until BYTES came, end of file (-ENODATA) or an error. */
int io_read_full(int fd, void *buffer, size_t bytes);
/* pread() until BYTES came from OFF on; -EBADMSG: the file ends before; never -ENOENT, which FUSE may say. */
int io_read_at(int fd, uint64_t off, void *buffer, size_t bytes);

/* write() until all is out. */
int io_write_full(int fd, const void *buffer, size_t bytes);

/*
 * Open PATH (absolute, canonical) beneath the directory ROOTFD without following any
 * symbolic or magic link and without side effects on FIFOs and devices: O_PATH only. A link
 * as last component is opened itself (S_ISLNK); one on the way is -ELOOP. Other errors as
 * openat2(2), Linux 5.6. Returns a descriptor.
 */
int io_open_path(int rootfd, const char *path, struct stat *ret_st);

/* Reopen an O_PATH descriptor of a regular file for reading; -EINVAL for other types. */
int io_reopen_read(int path_fd);
/* The same for who knows that it is one. */
int io_reopen_regular(int path_fd);

/* open(PATH) of a directory as root descriptor, NULL or "" meaning "/". */
int io_open_root(const char *path);

/* A text in memory: what WRITE writes of OF, as a new buffer with a NUL behind. 0 or -ENOMEM. */
int io_build_text(void (*write)(const void *of, FILE *f), const void *of, char **ret,
		  size_t *ret_bytes);

#endif
