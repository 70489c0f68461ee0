/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libelf reads headers only; what sections hold is read here, piece by piece or within
 * LIMIT_SECTION_BYTES, and given to src/layout.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "elf-layout.h"
#include "elf-private.h"
#include "hash.h"
#include "io.h"
#include "le.h"
#include "unwind.h"
#include "utf8.h"
#include "vec.h"

enum { BUFFER_BYTES = 256 << 10 };
/* Of a longer name the first ones count: no symbol table makes work without end. */
enum { MAX_NAME_BYTES = 256 };

struct reader {
	int fd;
	Elf *elf;
	bool is_64, is_x86_64;
	char *names; /* of sections, NUL behind */
	size_t names_bytes;
	struct layout *layout;
	struct hash_stream *hash;
	char *buffer; /* BUFFER_BYTES */
	char *texts;  /* .rodata, NUL behind */
	struct elf_image image;
	bool has_symbols;
	unsigned n_relocations; /* sections of them */
};

static void reader_done(struct reader *r)
{
	elf_end(r->elf);
	free(r->names);
	free(r->buffer);
	free(r->texts);
	free(r->image.slots);
	free(r->image.stubs);
	hash_stream_free(r->hash);
}

/* New, one NUL behind. */
static int read_bytes(int fd, uint64_t off, uint64_t bytes, char **ret)
{
	_cleanup_free_ char *data = NULL;
	ssize_t n;

	if (bytes > LIMIT_SECTION_BYTES)
		return -E2BIG;
	if (off > LIMIT_FILE_BYTES)
		return -EBADMSG;
	data = malloc(bytes + 1);
	if (!data)
		return -ENOMEM;
	for (uint64_t at = 0; at < bytes; at += (uint64_t)n) {
		n = pread(fd, data + at, bytes - at, (off_t)(off + at));
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
	}
	data[bytes] = 0;
	*ret = TAKE_PTR(data);
	return 0;
}

/* ---- sections ---- */

static const char *section_name(const struct reader *r, const GElf_Shdr *s)
{
	return s->sh_name < r->names_bytes ? r->names + s->sh_name : "";
}

static bool is_loaded(const GElf_Shdr *s)
{
	return s->sh_flags & SHF_ALLOC && s->sh_type != SHT_NOBITS && s->sh_size > 0;
}

static enum section_kind section_kind(const GElf_Shdr *s, const char *name)
{
	if (s->sh_flags & SHF_EXECINSTR)
		return SECTION_CODE;
	if (s->sh_flags & SHF_WRITE)
		return SECTION_WRITABLE;
	if (strncmp(name, ".eh_frame", 9) == 0 || strncmp(name, ".gcc_except", 11) == 0)
		return SECTION_UNWIND;
	return s->sh_type == SHT_PROGBITS && strncmp(name, ".rodata", 7) == 0
		       ? SECTION_DATA
		       : SECTION_TABLE;
}

static int read_names(struct reader *r)
{
	size_t i;
	GElf_Shdr s;
	Elf_Scn *scn;
	int error;

	if (elf_getshdrstrndx(r->elf, &i) < 0)
		return -EBADMSG;
	scn = elf_getscn(r->elf, i);
	if (!scn || !gelf_getshdr(scn, &s) || s.sh_flags & SHF_COMPRESSED ||
	    s.sh_size > LIMIT_ELF_NOTES_BYTES)
		return -EBADMSG;
	error = read_bytes(r->fd, s.sh_offset, s.sh_size, &r->names);
	r->names_bytes = error < 0 ? 0 : s.sh_size;
	return error;
}

/* Calls FN for each section that is loaded, until it fails. */
static int for_sections(struct reader *r,
			int (*fn)(struct reader *r, const GElf_Shdr *s, const char *name))
{
	Elf_Scn *scn = NULL;
	int error = 0;

	while (error == 0 && (scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr s;

		if (!gelf_getshdr(scn, &s))
			return -EBADMSG;
		if (is_loaded(&s))
			error = fn(r, &s, section_name(r, &s));
	}
	return error;
}

static int add_section(struct reader *r, const GElf_Shdr *s, const char *name)
{
	return layout_add_section(r->layout, section_kind(s, name), name, s->sh_addr,
				  s->sh_offset, s->sh_size);
}

/* ---- what is in them ---- */

static int hash_section(struct reader *r, const GElf_Shdr *s, const char *name)
{
	le64 head[] = { le64_make(s->sh_offset), le64_make(s->sh_size) };
	ssize_t n;

	hash_stream_add(r->hash, head, sizeof(head));
	if (strcmp(name, ".note.gnu.build-id") == 0)
		return 0;
	for (uint64_t at = 0; at < s->sh_size; at += (uint64_t)n) {
		n = pread(r->fd, r->buffer, MIN(BUFFER_BYTES, s->sh_size - at),
			  (off_t)(s->sh_offset + at));
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		hash_stream_add(r->hash, r->buffer, (size_t)n);
	}
	return 0;
}

static int read_content(struct reader *r, const GElf_Shdr *s, const char *name)
{
	_cleanup_free_ struct unwind_range *ranges = NULL;
	bool is_table = strcmp(name, ".eh_frame") == 0;
	_cleanup_free_ char *data = NULL;
	size_t n = 0;
	int error;

	if (!is_table && section_kind(s, name) != SECTION_DATA)
		return 0;
	error = read_bytes(r->fd, s->sh_offset, s->sh_size, &data);
	if (error < 0)
		return error;
	if (!is_table) {
		error = layout_add_pieces(r->layout, data, s->sh_size, s->sh_offset);
		if (!r->texts && strcmp(name, ".rodata") == 0) {
			r->texts = TAKE_PTR(data);
			r->image.texts = r->texts;
			r->image.texts_addr = s->sh_addr;
			r->image.texts_bytes = s->sh_size;
		}
		return error;
	}
	error = unwind_parse(data, s->sh_size, s->sh_addr, r->is_64, &ranges, &n);
	if (error == -ENOMEM)
		return error;
	return layout_set_units(r->layout, ranges, n);
}

/* ---- exported names ---- */

struct symbol {
	uint32_t name;
	uint64_t addr;
	uint8_t type;
	uint16_t section;
};

static struct symbol symbol_at(const struct reader *r, const char *data)
{
	if (r->is_64) {
		struct {
			le32 name;
			uint8_t info, other;
			le16 section;
			le64 addr;
		} s;

		memcpy(&s, data, sizeof(s));
		return (struct symbol){ le32_get(s.name), le64_get(s.addr), s.info & 15,
					le16_get(s.section) };
	}
	struct {
		le32 name, addr, bytes;
		uint8_t info, other;
		le16 section;
	} s;

	memcpy(&s, data, sizeof(s));
	return (struct symbol){ le32_get(s.name), le32_get(s.addr), s.info & 15,
				le16_get(s.section) };
}

/* Their strings are in the section that this one names. */
static int read_symbols(struct reader *r, const GElf_Shdr *s, const char *name)
{
	size_t bytes = r->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	_cleanup_free_ char *symbols = NULL, *strings = NULL;
	Elf_Scn *scn;
	GElf_Shdr t;
	int error;

	(void)name;
	if (s->sh_type != SHT_DYNSYM || r->has_symbols)
		return 0;
	r->has_symbols = true;
	scn = elf_getscn(r->elf, s->sh_link);
	if (!scn || !gelf_getshdr(scn, &t) || t.sh_type != SHT_STRTAB)
		return -EBADMSG;
	error = read_bytes(r->fd, s->sh_offset, s->sh_size, &symbols);
	if (error == 0)
		error = read_bytes(r->fd, t.sh_offset, t.sh_size, &strings);
	for (uint64_t at = 0; error == 0 && at + bytes <= s->sh_size; at += bytes) {
		struct symbol x = symbol_at(r, symbols + at);

		if (x.type == STT_FUNC && x.section != SHN_UNDEF && x.name < t.sh_size)
			error = layout_add_key(r->layout, x.addr, false, strings + x.name,
					       strnlen(strings + x.name, MAX_NAME_BYTES));
	}
	return error;
}

/* ---- slots ---- */

/*
 * Where the dynamic linker writes the address of one of the file's own functions: a library calls these by stubs, too, so
 * that others can take their place.
 */
static int add_slot(struct reader *r, const le64 *relocation, const char *symbols,
		    uint64_t n_symbols)
{
	uint64_t info = le64_get(relocation[1]), i = info >> 32;
	uint32_t type = (uint32_t)info;
	struct elf_image *m = &r->image;
	struct symbol x;

	if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) || i >= n_symbols)
		return 0;
	x = symbol_at(r, symbols + i * sizeof(Elf64_Sym));
	if (x.type != STT_FUNC || x.section == SHN_UNDEF || m->n_slots == LIMIT_FUNCTIONS)
		return 0;
	if (VEC_RESERVE_ONE(m->slots, m->n_slots, m->slots_capacity) < 0)
		return -ENOMEM;
	m->slots[m->n_slots++] = (struct elf_jump){ le64_get(relocation[0]), x.addr };
	return 0;
}

static int read_slots(struct reader *r, const GElf_Shdr *s, const char *name)
{
	_cleanup_free_ char *data = NULL, *symbols = NULL;
	le64 relocation[3];
	Elf_Scn *scn;
	GElf_Shdr t;
	int error;

	/* .rela.dyn and .rela.plt. */
	if (s->sh_type != SHT_RELA || !r->is_x86_64 || strncmp(name, ".rela.", 6) != 0 ||
	    r->n_relocations++ >= 2)
		return 0;
	scn = elf_getscn(r->elf, s->sh_link);
	if (!scn || !gelf_getshdr(scn, &t) || t.sh_type != SHT_DYNSYM)
		return 0;
	error = read_bytes(r->fd, s->sh_offset, s->sh_size, &data);
	if (error == 0)
		error = read_bytes(r->fd, t.sh_offset, t.sh_size, &symbols);
	for (uint64_t at = 0; error == 0 && at + sizeof(relocation) <= s->sh_size;
	     at += sizeof(relocation)) {
		memcpy(relocation, data + at, sizeof(relocation));
		error = add_slot(r, relocation, symbols, t.sh_size / sizeof(Elf64_Sym));
	}
	return error;
}

static int compare_slots(const void *a, const void *b)
{
	const struct elf_jump *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static int read_all_slots(struct reader *r)
{
	struct elf_image *m = &r->image;
	int error = for_sections(r, read_slots);

	if (m->n_slots > 1)
		qsort(m->slots, m->n_slots, sizeof(*m->slots), compare_slots);
	return error;
}

/* ---- its own name ---- */

/* Where the name is among the strings; false: it has none. */
static bool find_soname(const struct reader *r, const char *data, uint64_t bytes,
			uint64_t *ret_off)
{
	size_t half = r->is_64 ? 8 : 4;
	le64 entry[2] = { 0 };

	for (uint64_t at = 0; at + 2 * half <= bytes; at += 2 * half) {
		memcpy(&entry[0], data + at, half);
		memcpy(&entry[1], data + at + half, half);
		if (le64_get(entry[0]) == DT_NULL)
			break;
		*ret_off = le64_get(entry[1]);
		if (le64_get(entry[0]) == DT_SONAME)
			return true;
	}
	return false;
}

static int read_soname(struct reader *r, const GElf_Shdr *s, const char *name)
{
	_cleanup_free_ char *data = NULL, *soname = NULL;
	uint64_t off, bytes;
	Elf_Scn *scn;
	GElf_Shdr t;
	int error;

	(void)name;
	if (s->sh_type != SHT_DYNAMIC || r->layout->soname)
		return 0;
	scn = elf_getscn(r->elf, s->sh_link);
	if (!scn || !gelf_getshdr(scn, &t) || t.sh_type != SHT_STRTAB)
		return -EBADMSG;
	error = read_bytes(r->fd, s->sh_offset, s->sh_size, &data);
	if (error < 0 || !find_soname(r, data, s->sh_size, &off))
		return error;
	if (off >= t.sh_size)
		return -EBADMSG;
	bytes = MIN(t.sh_size - off, (uint64_t)MAX_NAME_BYTES);
	if (t.sh_offset > LIMIT_FILE_BYTES)
		return -EBADMSG;
	error = read_bytes(r->fd, t.sh_offset + off, bytes, &soname);
	if (error == 0)
		r->layout->soname = TAKE_PTR(soname);
	return error;
}

/* ---- code ---- */

/* Piece by piece: a browser's code is larger than what the parser may use. */
static int read_code(struct reader *r, const GElf_Shdr *s, const char *name)
{
	int error = 0;
	ssize_t n;

	if (section_kind(s, name) != SECTION_CODE || !r->is_x86_64)
		return 0;
	/* Each piece begins with the end of the one before, too short for an instruction. */
	for (uint64_t at = 0; error == 0 && at + ELF_INSTRUCTION_BYTES <= s->sh_size;
	     at += (uint64_t)n - (ELF_INSTRUCTION_BYTES - 1)) {
		n = pread(r->fd, r->buffer, MIN(BUFFER_BYTES, s->sh_size - at),
			  (off_t)(s->sh_offset + at));
		if (n < (ssize_t)ELF_INSTRUCTION_BYTES)
			return n < 0 ? -errno : -EBADMSG;
		error = elf_add_references(r->layout, &r->image, (const uint8_t *)r->buffer,
					   (size_t)n, s->sh_addr + at);
	}
	return error;
}

/* ---- all of it ---- */

/* Where a file that is not relocated is in memory. */
static void read_place(struct reader *r)
{
	uint64_t start = UINT64_MAX, end = 0;
	GElf_Phdr p;

	for (int i = 0; i < UINT16_MAX && gelf_getphdr(r->elf, i, &p); i++) {
		if (p.p_type != PT_LOAD)
			continue;
		start = MIN(start, p.p_vaddr);
		end = MAX(end, p.p_vaddr + p.p_memsz);
	}
	r->image.start = start;
	r->image.bytes = end - MIN(start, end);
}

static int begin(struct reader *r)
{
	struct stat st;
	GElf_Ehdr e;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > LIMIT_FILE_BYTES)
		return -E2BIG;
	r->layout->file_bytes = (uint64_t)st.st_size;
	if (elf_has_extended_numbering(r->fd))
		return -ENOTSUP;
	elf_version(EV_CURRENT);
	errno = 0;
	r->elf = elf_begin(r->fd, ELF_C_READ, NULL);
	if (!r->elf)
		return errno ? -errno : -EBADMSG;
	if (elf_kind(r->elf) != ELF_K_ELF)
		return -ENOEXEC;
	if (!gelf_getehdr(r->elf, &e))
		return -EBADMSG;
	if (e.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (e.e_type != ET_EXEC && e.e_type != ET_DYN))
		return -ENOTSUP;
	r->is_64 = e.e_ident[EI_CLASS] == ELFCLASS64;
	r->is_x86_64 = e.e_machine == EM_X86_64 && r->is_64;
	r->image.is_fixed = e.e_type == ET_EXEC;
	read_place(r);
	r->hash = hash_stream_new();
	r->buffer = malloc(BUFFER_BYTES);
	return r->hash && r->buffer ? read_names(r) : -ENOMEM;
}

static int read_all(struct reader *r)
{
	char digest[HASH_DIGEST_BYTES];
	int error = for_sections(r, add_section);

	if (error == 0)
		error = layout_finish_sections(r->layout);
	if (error == 0)
		error = for_sections(r, hash_section);
	if (error < 0)
		return error;
	hash_stream_digest(r->hash, digest);
	r->layout->content_hash = hash_string(digest);
	error = layout_set_units(r->layout, NULL, 0); /* in case there is no table */
	if (error == 0)
		error = for_sections(r, read_content);
	if (error == 0)
		error = for_sections(r, read_symbols);
	if (error == 0)
		error = for_sections(r, read_soname);
	if (error == 0)
		error = read_all_slots(r);
	if (error == 0)
		error = for_sections(r, read_code);
	return error < 0 ? error : layout_finish_keys(r->layout);
}

int elf_read_layout(int fd, struct layout *ret)
{
	struct layout layout = { 0 };
	_cleanup_(reader_done) struct reader r = { .fd = fd, .layout = &layout };
	int error = begin(&r);

	if (error == 0)
		error = read_all(&r);
	if (error < 0) {
		layout_done(&layout);
		return error;
	}
	*ret = layout;
	return 0;
}
