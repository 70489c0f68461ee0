/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a block is the canonical one, deflated: its one parser, with its limits, is the one that
 * reads it. The shadow beside it is for those that cannot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "bounds.h"
#include "embedded.h"
#include "hash.h"
#include "io.h"
#include "le.h"
#include "macro.h"

static bool is_zero(const void *data, size_t bytes)
{
	const char *p = data;

	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
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

/* Of a block in ROOM; 0: it is none. */
static size_t block_bytes(const struct embedded_header *h, size_t room_bytes)
{
	uint64_t bytes = sizeof(*h) + (uint64_t)le32_get(h->packed_bytes) +
			 le32_get(h->shadow_bytes);

	return bytes <= room_bytes && le32_get(h->text_bytes) <= LIMIT_PROFILE_BYTES &&
			       le32_get(h->reserved) == 0
		       ? (size_t)bytes
		       : 0;
}

int embedded_unpack(const uint8_t *room, size_t room_bytes, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	struct embedded_header h;
	size_t bytes, text_bytes;
	int r;

	if (room_bytes < sizeof(h))
		return -EBADMSG;
	memcpy(&h, room, sizeof(h));
	if (memcmp(h.magic, EMBEDDED_MAGIC, sizeof(h.magic)) != 0)
		return memcmp(h.magic, EMBEDDED_MAGIC, sizeof(h.magic) - 1) == 0 ? -ESTALE
										 : -EBADMSG;
	bytes = block_bytes(&h, room_bytes);
	if (bytes == 0 || !is_zero(room + bytes, room_bytes - bytes) ||
	    hash_without(room, bytes, offsetof(struct embedded_header, checksum)) !=
		    le64_get(h.checksum))
		return -EBADMSG;
	text_bytes = le32_get(h.text_bytes);
	text = malloc(text_bytes + 1);
	if (!text)
		return -ENOMEM;
	r = inflate_text(room + sizeof(h), le32_get(h.packed_bytes), text, text_bytes);
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
		r = fstat(fd, &st) < 0 ? -errno
				       : io_read_at(fd, e->off, room, e->room_bytes);
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
		free(p->objects[i].ran);
		p->objects[i].fingerprint = p->objects[i].ran = NULL;
	}
}

int embedded_pack(struct profile *p, const void *shadow, size_t shadow_bytes, uint8_t **ret,
		  size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *block = NULL;
	struct embedded_header h = { 0 };
	size_t text_bytes, bytes;
	uLongf packed;
	int r;

	drop_fingerprints(p);
	r = profile_write(p, &text, &text_bytes);
	if (r < 0)
		return r;
	packed = compressBound(text_bytes);
	block = malloc(sizeof(h) + packed + shadow_bytes);
	if (!block || compress2(block + sizeof(h), &packed, (const Bytef *)text, text_bytes,
				Z_BEST_COMPRESSION) != Z_OK)
		return -ENOMEM;
	bytes = sizeof(h) + packed + shadow_bytes;
	if (shadow_bytes > 0)
		memcpy(block + sizeof(h) + packed, shadow, shadow_bytes);
	memcpy(h.magic, EMBEDDED_MAGIC, sizeof(h.magic));
	h.packed_bytes = le32_make((uint32_t)packed);
	h.text_bytes = le32_make((uint32_t)text_bytes);
	h.shadow_bytes = le32_make((uint32_t)shadow_bytes);
	memcpy(block, &h, sizeof(h));
	h.checksum = le64_make(hash_bytes(block, bytes));
	memcpy(block, &h, sizeof(h));
	*ret = TAKE_PTR(block);
	*ret_bytes = bytes;
	return 0;
}
