#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A fanotify group that reports file handles (FAN_REPORT_FID) and has a mark on any other file system takes none on a
# file in a btrfs subvolume: EXDEV, though the mark alone is fine, and other file systems go together. The root
# of Fedora and openSUSE is such a subvolume.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 256M mkfs.btrfs -q -f
btrfs subvolume create "$T/mnt/sub" >/dev/null || cannot "no btrfs"
touch "$T/mnt/sub/file" "$T/other"
program mark <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
static const char *mark(int fd, const char *path)
{
	return fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, path) == 0 ? "taken" : errno == EXDEV ? "EXDEV" : strerror(errno);
}
int main(int argc, char **argv)
{
	int a = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
	int b = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
	int c = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);

	printf("subvolume alone: %s; ", mark(b, argv[1]));
	printf("after another file system: ");
	mark(a, argv[2]);
	printf("%s; ", mark(a, argv[1]));
	mark(c, argv[2]);
	printf("a third file system there: %s\n", mark(c, "/dev"));
	return argc == 3 ? 0 : 1;
}
C
seen "$(kernel), btrfs-progs $(btrfs --version | sed -n '1s/.*v//p')" "marks on a file in a subvolume, alone and in a group" \
	"subvolume alone: taken; after another file system: EXDEV; a third file system there: taken" \
	"$("$T/mark" "$T/mnt/sub/file" "$T/other")"
