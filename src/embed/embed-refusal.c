/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that would not be what they are with a byte more, or another one. */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "elf-end.h"
#include "embed-write.h"
#include "macro.h"

/* UPX writes it before what it packed, near the program headers. */
#define UPX_WITHIN_BYTES 4096u

static bool is_verity(int fd)
{
	int flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_VERITY_FL;
}

static bool is_signed(int fd)
{
	return fgetxattr(fd, "security.ima", NULL, 0) >= 0 ||
	       fgetxattr(fd, "security.evm", NULL, 0) >= 0;
}

/* Its own bytes of the identification: "AI" and the type. */
static bool is_appimage(const char *head, size_t bytes)
{
	return bytes > 10 && head[8] == 'A' && head[9] == 'I';
}

static bool is_upx(const char *head, size_t bytes)
{
	return memmem(head, bytes, "UPX!", 4);
}

static bool has_more(int fd)
{
	struct embedded e;
	struct stat st;
	uint64_t end, bytes;

	if (fstat(fd, &st) < 0 || elf_find_end(fd, &end) < 0)
		return true;
	bytes = (uint64_t)st.st_size;
	if (embedded_find(fd, &e) == 0 && e.place == EMBEDDED_TRAILER)
		bytes = e.off;
	return bytes > end;
}

const char *embed_refusal(int fd)
{
	char head[UPX_WITHIN_BYTES];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return strerror(errno);
	if (is_verity(fd))
		return "it is protected by fs-verity";
	if (is_signed(fd))
		return "it is signed (security.ima, security.evm)";
	if (is_appimage(head, (size_t)n))
		return "it is an AppImage, which has its files behind its end";
	if (is_upx(head, (size_t)n))
		return "it is packed by UPX, its pages are not those of the file";
	if (has_more(fd))
		return "something lies behind its end: a signature, or a payload that "
		       "finds itself from there";
	return NULL;
}
