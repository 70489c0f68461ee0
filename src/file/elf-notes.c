/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only the program headers and the notes they name are read, through one small window: in
 * most files all of it lies in the first page. Section headers lie at the end. Every number of the file is a wish; what is
 * not there, or is more than Linux itself would load, is damage.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "buildid.h"
#include "elf-notes.h"
#include "macro.h"

struct window {
	int fd;
	bool is_64, is_big_endian;
	uint64_t file_bytes;
	uint64_t off;
	size_t bytes;
	uint8_t data[4096];
};

/*
 * N (<= 64) bytes at OFF, which lies within what the file once had, valid until the next
 * call. -EBADMSG past its end, -errno.
 */
static int window_get(struct window *w, uint64_t off, size_t n, const uint8_t **ret)
{
	if (off < w->off || off - w->off > w->bytes || w->bytes - (off - w->off) < n) {
		ssize_t got;

		do
			got = pread(w->fd, w->data, sizeof(w->data), (off_t)off);
		while (got < 0 && errno == EINTR);
		w->off = off;
		w->bytes = got > 0 ? (size_t)got : 0;
		if (got < 0) /* FUSE may say anything; -ENOENT has a meaning here */
			return errno == ENOENT ? -EIO : -errno;
		if (w->bytes < n)
			return -EBADMSG;
	}
	*ret = w->data + (off - w->off);
	return 0;
}

static uint64_t get(const struct window *w, const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++)
		x = x << 8 | p[w->is_big_endian ? i : n - 1 - i];
	return x;
}

#define GET(w, p, type, field)                                                             \
	((w)->is_64 ? get(w, (p) + offsetof(Elf64_##type, field),                          \
			  sizeof(((Elf64_##type *)0)->field))                              \
		    : get(w, (p) + offsetof(Elf32_##type, field),                          \
			  sizeof(((Elf32_##type *)0)->field)))

static int check_range(const struct window *w, uint64_t off, uint64_t bytes)
{
	return off > w->file_bytes || bytes > w->file_bytes - off ? -EBADMSG : 0;
}

/* Headers of segments, or of sections. */
struct table {
	uint64_t off;
	size_t n, entry_bytes;
	bool damaged; /* N is 0 then */
};

static void check_table(const struct window *w, struct table *t, uint64_t entry_bytes)
{
	if (t->off == 0)
		t->n = 0;
	if (t->n == 0)
		return;
	t->damaged = entry_bytes != t->entry_bytes ||
		     check_range(w, t->off, t->n * t->entry_bytes) < 0;
	if (t->damaged)
		t->n = 0;
}

/* PN_XNUM is far over the limit; of too many sections none is looked at. */
static int read_header(struct window *w, struct table *segments, struct table *sections)
{
	const uint8_t *p;
	int r = window_get(w, 0, EI_NIDENT, &p);

	if (r == -EBADMSG || (r == 0 && memcmp(p, ELFMAG, SELFMAG) != 0))
		return -ENOEXEC;
	if (r < 0)
		return r;
	if ((p[EI_CLASS] != ELFCLASS32 && p[EI_CLASS] != ELFCLASS64) ||
	    (p[EI_DATA] != ELFDATA2LSB && p[EI_DATA] != ELFDATA2MSB) ||
	    p[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	w->is_64 = p[EI_CLASS] == ELFCLASS64;
	w->is_big_endian = p[EI_DATA] == ELFDATA2MSB;
	r = window_get(w, 0, w->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), &p);
	if (r < 0)
		return r == -EBADMSG ? -ENOEXEC : r;
	*segments =
		(struct table){ GET(w, p, Ehdr, e_phoff), GET(w, p, Ehdr, e_phnum),
				w->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), false };
	*sections =
		(struct table){ GET(w, p, Ehdr, e_shoff), GET(w, p, Ehdr, e_shnum),
				w->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), false };
	check_table(w, segments, GET(w, p, Ehdr, e_phentsize));
	check_table(w, sections, GET(w, p, Ehdr, e_shentsize));
	if (segments->n * segments->entry_bytes > LIMIT_ELF_HEADERS_BYTES) {
		segments->n = 0;
		segments->damaged = true;
	}
	if (sections->n * sections->entry_bytes > LIMIT_SECTIONS_BYTES)
		sections->n = 0;
	return 0;
}

struct note {
	uint32_t name_bytes, desc_bytes, type;
	uint64_t name_off, desc_off, next_off;
};

static uint64_t align_up(uint64_t n, uint64_t alignment)
{
	return (n + alignment - 1) & ~(alignment - 1);
}

/* The note at OFF of a segment that ends at END, both within the file. */
static int read_note(struct window *w, uint64_t off, uint64_t end, uint64_t alignment,
		     struct note *ret)
{
	const uint8_t *p;
	int r;

	r = window_get(w, off, sizeof(Elf64_Nhdr), &p);
	if (r < 0)
		return r;
	ret->name_bytes = (uint32_t)get(w, p, 4);
	ret->desc_bytes = (uint32_t)get(w, p + 4, 4);
	ret->type = (uint32_t)get(w, p + 8, 4);
	ret->name_off = off + sizeof(Elf64_Nhdr);
	/* Padded relative to the start of the note, which is padded itself. */
	ret->desc_off = off + align_up(sizeof(Elf64_Nhdr) + ret->name_bytes, alignment);
	ret->next_off = ret->desc_off + align_up(ret->desc_bytes, alignment);
	/* With the padding, as libelf has it; no sum of these wraps. */
	return ret->next_off > end ? -EBADMSG : 0;
}

struct wanted {
	const char *owner;
	uint32_t owner_bytes; /* with its NUL, at most LONGEST_OWNER */
	uint32_t type;
};

#define LONGEST_OWNER 16u

static int take_if_wanted(struct window *w, const struct note *n,
			  const struct wanted *wanted, struct elf_note *ret)
{
	const uint8_t *p;
	int r;

	if (n->type != wanted->type || n->name_bytes != wanted->owner_bytes)
		return -ENOENT;
	r = window_get(w, n->name_off, n->name_bytes, &p);
	if (r < 0)
		return r;
	if (memcmp(p, wanted->owner, n->name_bytes) != 0)
		return -ENOENT;
	*ret = (struct elf_note){ n->desc_off, n->desc_bytes };
	return n->desc_bytes ? 0 : -EBADMSG;
}

static int read_notes(struct window *w, uint64_t off, uint64_t bytes, uint64_t alignment,
		      const struct wanted *wanted, struct elf_note *ret)
{
	uint64_t end = off + bytes; /* may wrap until the range is checked */

	if (bytes == 0) /* nothing, wherever it may be */
		return -ENOENT;
	if (bytes > LIMIT_ELF_NOTES_BYTES || check_range(w, off, bytes) < 0)
		return -EBADMSG;
	while (off < end) {
		struct note n = { 0 };
		int r = read_note(w, off, end, alignment, &n);

		if (r < 0)
			return r;
		r = take_if_wanted(w, &n, wanted, ret);
		if (r != -ENOENT)
			return r;
		off = n.next_off;
	}
	return -ENOENT;
}

/* -ENOENT also when header I is no note. */
static int read_segment(struct window *w, const struct table *t, size_t i,
			const struct wanted *wanted, struct elf_note *ret)
{
	const uint8_t *p;
	int r = window_get(w, t->off + i * t->entry_bytes, t->entry_bytes, &p);

	if (r < 0)
		return r;
	if (GET(w, p, Phdr, p_type) != PT_NOTE)
		return -ENOENT;
	return read_notes(w, GET(w, p, Phdr, p_offset), GET(w, p, Phdr, p_filesz),
			  GET(w, p, Phdr, p_align) == 8 ? 8 : 4, wanted, ret);
}

static int read_section(struct window *w, const struct table *t, size_t i,
			const struct wanted *wanted, struct elf_note *ret)
{
	const uint8_t *p;
	int r = window_get(w, t->off + i * t->entry_bytes, t->entry_bytes, &p);

	if (r < 0)
		return r;
	if (GET(w, p, Shdr, sh_type) != SHT_NOTE ||
	    (GET(w, p, Shdr, sh_flags) & SHF_COMPRESSED))
		return -ENOENT;
	return read_notes(w, GET(w, p, Shdr, sh_offset), GET(w, p, Shdr, sh_size),
			  GET(w, p, Shdr, sh_addralign) == 8 ? 8 : 4, wanted, ret);
}

/* One that is damaged does not hide what is in another. */
static int find_in(struct window *w, const struct table *t,
		   int (*read)(struct window *w, const struct table *t, size_t i,
			       const struct wanted *wanted, struct elf_note *ret),
		   const struct wanted *wanted, struct elf_note *ret)
{
	int worst = t->damaged ? -EBADMSG : -ENOENT;

	for (size_t i = 0; i < t->n; i++) {
		int r = read(w, t, i, wanted, ret);

		if (r != -ENOENT && r != -EBADMSG)
			return r;
		worst = r == -EBADMSG ? r : worst;
	}
	return worst;
}

static int find(struct window *w, const struct wanted *wanted, bool in_sections,
		struct elf_note *ret)
{
	struct table segments, sections;
	struct stat st;
	int r, second;

	if (fstat(w->fd, &st) < 0)
		return -errno;
	w->file_bytes = (uint64_t)st.st_size;
	r = read_header(w, &segments, &sections);
	if (r < 0)
		return r;
	r = find_in(w, &segments, read_segment, wanted, ret);
	if (!in_sections || (r != -ENOENT && r != -EBADMSG))
		return r;
	second = find_in(w, &sections, read_section, wanted, ret);
	return second == -ENOENT ? r : second;
}

int elf_note_find(int fd, const char *owner, uint32_t type, struct elf_note *ret)
{
	const struct wanted wanted = { owner, (uint32_t)strlen(owner) + 1, type };
	struct window w = { .fd = fd };

	return wanted.owner_bytes > LONGEST_OWNER ? -ENOENT : find(&w, &wanted, false, ret);
}

int buildid_read(int fd, struct buildid *ret)
{
	static const struct wanted wanted = { ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU),
					      NT_GNU_BUILD_ID };
	struct window w = { .fd = fd };
	struct elf_note n;
	const uint8_t *p;
	int r = find(&w, &wanted, true, &n);

	if (r < 0)
		return r;
	if (n.bytes > BUILDID_MAX_BYTES)
		return -E2BIG;
	r = window_get(&w, n.off, n.bytes, &p);
	return r < 0 ? r : buildid_from_bytes(p, n.bytes, ret);
}
