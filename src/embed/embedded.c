/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The block is the canonical text, deflated: its one parser, with its limits, is the one that reads
 * it, and zlib makes it as small as a format of our own would be (git's: 12 KiB of 68).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "bounds.h"
#include "elf-notes.h"
#include "embedded.h"
#include "hash.h"
#include "le.h"
#include "macro.h"

static const char block_magic[8] = "elfcast\1", footer_magic[8] = "elfcastE";

struct block_header {
	char magic[8]; /* the last byte is the version */
	le32 packed_bytes, text_bytes;
	le64 checksum; /* XXH3-64 of the whole block, this field as zero */
};

struct footer {
	le64 block_bytes;
	char magic[8];
};

_Static_assert(sizeof(struct footer) == EMBEDDED_FOOTER_BYTES, "as the manual says");

static int read_at(int fd, uint64_t off, void *buffer, size_t bytes)
{
	uint8_t *p = buffer;

	while (bytes > 0) {
		ssize_t n = pread(fd, p, bytes, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOENT ? -EIO : -errno;
		if (n == 0)
			return -EBADMSG;
		p += n;
		off += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* ---- where it is ---- */

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
	r = read_at(fd, bytes - sizeof(f), &f, sizeof(f));
	if (r < 0)
		return r;
	if (memcmp(f.magic, footer_magic, sizeof(footer_magic)) != 0)
		return -ENOENT;
	n = le64_get(f.block_bytes);
	if (n < sizeof(struct block_header) || n > LIMIT_PROFILE_BYTES ||
	    n > bytes - sizeof(f))
		return -EBADMSG;
	*ret = (struct embedded){ EMBEDDED_TRAILER, bytes - sizeof(f) - n, n, false };
	return 0;
}

static bool is_zero(const void *data, size_t bytes)
{
	const char *p = data;

	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

int embedded_find_note(int fd, struct embedded *ret)
{
	struct block_header h;
	struct elf_note note;
	int r = elf_note_find(fd, EMBEDDED_OWNER, EMBEDDED_NOTE_TYPE, &note);

	if (r < 0)
		return r;
	if (note.bytes < sizeof(h))
		return -EBADMSG;
	r = read_at(fd, note.off, &h, sizeof(h));
	if (r < 0)
		return r;
	*ret = (struct embedded){ EMBEDDED_NOTE, note.off, note.bytes,
				  is_zero(&h, sizeof(h)) };
	return 0;
}

int embedded_find(int fd, struct embedded *ret)
{
	int r = find_trailer(fd, ret);

	return r == -ENOENT ? embedded_find_note(fd, ret) : r;
}

/* ---- what it says ---- */

static int inflate_text(const uint8_t *packed, size_t packed_bytes, char *ret, size_t bytes)
{
	uLongf n = bytes;
	uLong used = packed_bytes;
	int r = uncompress2((Bytef *)ret, &n, packed, &used);

	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_OK && n == bytes && used == packed_bytes ? 0 : -EBADMSG;
}

int embedded_unpack(const uint8_t *room, size_t room_bytes, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	struct block_header h;
	size_t packed_bytes, text_bytes;
	int r;

	if (room_bytes < sizeof(h))
		return -EBADMSG;
	memcpy(&h, room, sizeof(h));
	if (memcmp(h.magic, block_magic, sizeof(block_magic)) != 0)
		return memcmp(h.magic, block_magic, sizeof(block_magic) - 1) == 0
			       ? -ESTALE
			       : -EBADMSG;
	packed_bytes = le32_get(h.packed_bytes);
	text_bytes = le32_get(h.text_bytes);
	if (packed_bytes > room_bytes - sizeof(h) || text_bytes > LIMIT_PROFILE_BYTES ||
	    !is_zero(room + sizeof(h) + packed_bytes,
		     room_bytes - sizeof(h) - packed_bytes) ||
	    hash_without(room, sizeof(h) + packed_bytes,
			 offsetof(struct block_header, checksum)) != le64_get(h.checksum))
		return -EBADMSG;
	text = malloc(text_bytes + 1);
	if (!text)
		return -ENOMEM;
	r = inflate_text(room + sizeof(h), packed_bytes, text, text_bytes);
	if (r < 0)
		return r;
	text[text_bytes] = 0;
	*ret = TAKE_PTR(text);
	*ret_bytes = text_bytes;
	return 0;
}

/* The object that is the program itself; NULL: none. */
static struct profile_object *find_self(struct profile *p)
{
	for (size_t i = 0; i < p->n_objects; i++)
		if (strcmp(p->objects[i].path, p->program) == 0 &&
		    p->objects[i].buildid.n_bytes)
			return &p->objects[i];
	return NULL;
}

/* What was trained as one path lies at another, and with a trailer is longer. */
static int move(struct profile *p, const char *path, uint64_t size_bytes, struct diag *diag)
{
	struct profile_object *self = find_self(p);
	const char *problem = profile_path_problem(path);
	char *program, *object;

	if (problem) {
		diag_set(diag, 0, 0, "the program's path %s", problem);
		return -EINVAL;
	}
	program = strdup(path);
	object = strdup(path);
	if (!program || !object || !self) {
		free(program);
		free(object);
		if (self)
			return -ENOMEM;
		diag_set(diag, 0, 0, "it does not name the program '%s' itself",
			 p->program);
		return -EINVAL;
	}
	free(self->path);
	self->path = object;
	self->size_bytes = size_bytes;
	free(p->program);
	p->program = program;
	profile_sort(p);
	for (size_t i = 1; i < p->n_objects; i++)
		if (profile_object_compare(&p->objects[i - 1], &p->objects[i]) == 0) {
			diag_set(diag, 0, 0, "it names '%s' twice", path);
			return -EINVAL;
		}
	return 0;
}

int embedded_load(int fd, const struct embedded *e, const char *path, struct profile **ret,
		  struct diag *diag)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ uint8_t *room = malloc(e->room_bytes + 1);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t bytes;
	int r = room ? 0 : -ENOMEM;

	if (r == 0)
		r = fstat(fd, &st) < 0 ? -errno : read_at(fd, e->off, room, e->room_bytes);
	if (r == 0)
		r = embedded_unpack(room, e->room_bytes, &text, &bytes);
	if (r == 0)
		r = profile_parse(text, bytes, &p, diag);
	if (r == 0 && path)
		r = move(p, path, (uint64_t)st.st_size, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

/* ---- made ---- */

/* The file is the one that was trained: nothing has to be found again in another build. */
static void drop_fingerprints(struct profile *p)
{
	for (size_t i = 0; i < p->n_objects; i++) {
		free(p->objects[i].fingerprint);
		p->objects[i].fingerprint = NULL;
	}
}

void embedded_make_footer(uint64_t block_bytes, uint8_t ret[static EMBEDDED_FOOTER_BYTES])
{
	struct footer f = { .block_bytes = le64_make(block_bytes) };

	memcpy(f.magic, footer_magic, sizeof(f.magic));
	memcpy(ret, &f, sizeof(f));
}

int embedded_pack(struct profile *p, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *block = NULL;
	struct block_header h = { 0 };
	size_t text_bytes;
	uLongf packed;
	int r;

	drop_fingerprints(p);
	r = profile_write(p, &text, &text_bytes);
	if (r < 0)
		return r;
	packed = compressBound(text_bytes);
	block = malloc(sizeof(h) + packed);
	if (!block || compress2(block + sizeof(h), &packed, (const Bytef *)text, text_bytes,
				Z_BEST_COMPRESSION) != Z_OK)
		return -ENOMEM;
	memcpy(h.magic, block_magic, sizeof(h.magic));
	h.packed_bytes = le32_make((uint32_t)packed);
	h.text_bytes = le32_make((uint32_t)text_bytes);
	memcpy(block, &h, sizeof(h));
	h.checksum = le64_make(hash_bytes(block, sizeof(h) + packed));
	memcpy(block, &h, sizeof(h));
	*ret = TAKE_PTR(block);
	*ret_bytes = sizeof(h) + packed;
	return 0;
}
