/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "bundle.h"
#include "elf-notes.h"
#include "embedded-block.h"
#include "io.h"
#include "macro.h"

#define FOOTER_MAGIC "elfcastE"

struct footer {
	le64 block_bytes;
	char magic[8];
};

_Static_assert(sizeof(struct footer) == EMBEDDED_FOOTER_BYTES, "as the manual says");

static int find_trailer(int fd, struct embedded *ret)
{
	struct footer f;
	struct stat st;
	uint64_t bytes, n;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	bytes = (uint64_t)st.st_size;
	if (bytes < sizeof(f))
		return -ENOENT;
	r = io_read_at(fd, bytes - sizeof(f), &f, sizeof(f));
	if (r < 0)
		return r;
	if (memcmp(f.magic, FOOTER_MAGIC, sizeof(f.magic)) != 0)
		return -ENOENT;
	n = le64_get(f.block_bytes);
	if (n < sizeof(struct embedded_header) || n > LIMIT_EMBEDDED_BYTES ||
	    n > bytes - sizeof(f))
		return -EBADMSG;
	*ret = (struct embedded){ EMBEDDED_TRAILER, bytes - sizeof(f) - n, n, false };
	return 0;
}

int embedded_find_note(int fd, struct embedded *ret)
{
	static const struct embedded_header empty;
	struct embedded_header h;
	struct elf_note note;
	int r = elf_note_find(fd, EMBEDDED_OWNER, EMBEDDED_NOTE_TYPE, &note);

	if (r < 0)
		return r;
	if (note.bytes < sizeof(h))
		return -EBADMSG;
	r = io_read_at(fd, note.off, &h, sizeof(h));
	if (r < 0)
		return r;
	*ret = (struct embedded){ EMBEDDED_NOTE, note.off, note.bytes,
				  memcmp(&h, &empty, sizeof(h)) == 0 };
	return 0;
}

int embedded_find(int fd, struct embedded *ret)
{
	int r = find_trailer(fd, ret);

	return r == -ENOENT ? embedded_find_note(fd, ret) : r;
}

void embedded_make_footer(uint64_t block_bytes, uint8_t ret[static EMBEDDED_FOOTER_BYTES])
{
	struct footer f = { .block_bytes = le64_make(block_bytes) };

	memcpy(f.magic, FOOTER_MAGIC, sizeof(f.magic));
	memcpy(ret, &f, sizeof(f));
}

int embedded_find_shadow(int fd, const struct embedded *e, uint64_t *ret_off,
			 size_t *ret_bytes)
{
	struct embedded_header h;
	uint64_t packed, bytes;
	int r = e->is_empty ? -ENOENT : io_read_at(fd, e->off, &h, sizeof(h));

	if (r < 0)
		return r;
	if (memcmp(h.magic, EMBEDDED_MAGIC, sizeof(h.magic)) != 0)
		return memcmp(h.magic, EMBEDDED_MAGIC, sizeof(h.magic) - 1) == 0 ? -ESTALE
										 : -EBADMSG;
	packed = le32_get(h.packed_bytes);
	bytes = le32_get(h.shadow_bytes);
	if (bytes == 0)
		return -ENOENT;
	if (bytes > LIMIT_EMBEDDED_SHADOW || sizeof(h) + packed + bytes > e->room_bytes)
		return -EBADMSG;
	*ret_off = e->off + sizeof(h) + packed;
	*ret_bytes = bytes;
	return 0;
}

int embedded_load_shadow(int fd, const char *path, enum storage_class storage,
			 struct shadow_buffer *ret)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
	struct embedded e;
	uint64_t off;
	size_t bytes;
	uint8_t *data;
	int r = embedded_find(fd, &e);

	if (r == 0)
		r = embedded_find_shadow(fd, &e, &off, &bytes);
	if (r < 0)
		return r;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	r = io_read_at(fd, off, data, bytes);
	if (r < 0) {
		free(data);
		return r;
	}
	r = shadow_buffer_parse(data, bytes, SHADOW_KIND_SHADOW, &b);
	return r < 0 ? r : shadow_take_brought(&b.shadow, path, storage, ret);
}
