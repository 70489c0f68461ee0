/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "functions.h"
#include "hash.h"
#include "search.h"
#include "vec.h"

void functions_done(struct functions *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->files[i].path);
		fingerprint_done(&f->files[i].print);
		free(f->files[i].pages);
		free(f->files[i].functions);
		free(f->files[i].calls);
		free(f->files[i].references);
	}
	free(f->files);
	*f = (struct functions){ 0 };
}

struct functions_file *functions_add_file(struct functions *f, const char *path, int fd)
{
	struct functions_file file = { .path = strdup(path) };
	struct stat st;

	if (!file.path || VEC_RESERVE_ONE(f->files, f->n, f->capacity) < 0) {
		free(file.path);
		return NULL;
	}
	file.ino = fstat(fd, &st) == 0 ? st.st_ino : 0;
	f->files[f->n] = file;
	return &f->files[f->n++];
}

int functions_add_page(struct functions_file *file, int fd, const struct layout *l,
		       uint32_t pgno)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES;
	size_t i = SEARCH_FIRST(k, l->n_units, l->units[k].off < start), first = i;
	struct functions_page page = { .pgno = pgno, .first = file->n };
	uint8_t content[PAGE_BYTES];
	ssize_t n = pread(fd, content, sizeof(content), (off_t)start);

	if (n < 0)
		return errno == EIO ? -EIO : 0;
	/* The last page of a file has no end of its own in memory. */
	if (n < (ssize_t)sizeof(content))
		return 0;
	page.hash = hash_bytes(content, sizeof(content));
	for (; i < l->n_units && l->units[i].off < start + PAGE_BYTES &&
	       i - first < UINT8_MAX;
	     i++) {
		struct function one = { .number = (uint32_t)i,
					.off = (uint16_t)(l->units[i].off - start),
					.unit = (uint8_t)(i - first) };

		memcpy(one.code, content + one.off,
		       MIN(sizeof(one.code), PAGE_BYTES - one.off));
		if (unit_is_gap(l->units[i].code))
			continue;
		if (VEC_RESERVE_ONE(file->functions, file->n, file->capacity) < 0)
			return -ENOMEM;
		file->functions[file->n++] = one;
		page.n++;
	}
	if (page.n == 0)
		return 0;
	if (VEC_RESERVE_ONE(file->pages, file->n_pages, file->pages_capacity) < 0)
		return -ENOMEM;
	file->pages[file->n_pages++] = page;
	return 0;
}

static int add_call(struct functions_file *file, uint32_t from, size_t place, uint32_t to)
{
	size_t k = SEARCH_FIRST(x, file->n, file->functions[x].number < to);

	if (place >= RAN_MAX_CALLS || k == file->n || file->functions[k].number != to)
		return 0;
	if (VEC_RESERVE_ONE(file->calls, file->n_calls, file->calls_capacity) < 0)
		return -ENOMEM;
	file->calls[file->n_calls++] =
		(struct functions_call){ from, (uint32_t)k, (uint8_t)place };
	return 0;
}

static int add_references(struct functions_file *file, const struct layout *l, uint32_t i)
{
	uint32_t number = file->functions[i].number;

	for (size_t k = layout_references_of(l, number);
	     k < l->n_references && l->references[k].from == number; k++) {
		if (VEC_RESERVE_ONE(file->references, file->n_references,
				    file->references_capacity) < 0)
			return -ENOMEM;
		file->references[file->n_references++] =
			(struct functions_reference){ i, l->references[k].pgno };
	}
	return 0;
}

int functions_add_calls(struct functions_file *file, const struct layout *l)
{
	int r = 0;

	for (uint32_t i = 0; i < file->n; i++) {
		struct function *one = &file->functions[i];
		size_t first = layout_calls_of(l, one->number), k = first;

		for (; r == 0 && k < l->n_calls && l->calls[k].from == one->number; k++)
			r = add_call(file, i, k - first, l->calls[k].to);
		one->n_calls = (uint32_t)(k - first);
		if (r == 0)
			r = add_references(file, l, i);
	}
	return r;
}

struct functions_file *functions_find(struct functions *f, const char *path, ino_t ino)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->files[i].path, path) == 0)
			return &f->files[i];
	for (size_t i = 0; ino && i < f->n; i++)
		if (f->files[i].ino == ino)
			return &f->files[i];
	return NULL;
}

size_t functions_page_from(const struct functions_file *file, uint64_t pgno)
{
	return SEARCH_FIRST(i, file->n_pages, file->pages[i].pgno < pgno);
}

struct function *functions_at(struct functions_file *file, uint64_t off)
{
	size_t i = functions_page_from(file, off / PAGE_BYTES);
	const struct functions_page *p = &file->pages[i];

	if (i == file->n_pages || p->pgno != off / PAGE_BYTES)
		return NULL;
	for (size_t k = p->first; k < p->first + p->n; k++)
		if (file->functions[k].off == off % PAGE_BYTES)
			return &file->functions[k];
	return NULL;
}

void functions_forget(struct functions *f)
{
	for (size_t i = 0; i < f->n; i++) {
		for (size_t k = 0; k < f->files[i].n_pages; k++)
			f->files[i].pages[k].is_watched = false;
		for (size_t k = 0; k < f->files[i].n; k++)
			f->files[i].functions[k].ran = false;
	}
}

int functions_pack(const struct functions *f, uint8_t **ret, size_t *ret_bytes)
{
	size_t n = 0, at = 0;
	uint8_t *data;

	for (size_t i = 0; i < f->n; i++)
		n += f->files[i].n_pages + f->files[i].n;
	data = malloc(n + 1);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		for (size_t k = 0; k < f->files[i].n_pages; k++)
			data[at++] = f->files[i].pages[k].is_watched;
		for (size_t k = 0; k < f->files[i].n; k++)
			data[at++] = f->files[i].functions[k].ran;
	}
	*ret = data;
	*ret_bytes = n;
	return 0;
}

int functions_unpack(struct functions *f, const uint8_t *data, size_t bytes)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->files[i].n_pages + f->files[i].n;
	if (n != bytes)
		return -EBADMSG;
	for (size_t i = 0; i < f->n; i++) {
		for (size_t k = 0; k < f->files[i].n_pages; k++)
			f->files[i].pages[k].is_watched = data[at++];
		for (size_t k = 0; k < f->files[i].n; k++)
			f->files[i].functions[k].ran = data[at++];
	}
	return 0;
}
