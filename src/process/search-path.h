/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* $PATH, as execvp(3) understands it. */
#ifndef ELFCAST_SEARCH_PATH_H
#define ELFCAST_SEARCH_PATH_H

/*
 * The file that execvp() would execute: COMMAND itself where it has a slash, else the first
 * regular file of that name in $PATH that may be executed; an empty part of $PATH is the
 * current directory. New. -ENOENT; -EACCES when what is there may not be executed; -ENOMEM.
 */
int search_path_find(const char *command, char **ret);

#endif
