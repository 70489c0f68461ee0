/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a trained profile keeps of its files, once all its pages are known. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "elf-id.h"
#include "elf-layout.h"
#include "readable.h"
#include "search.h"
#include "training.h"

/* The recorded file, or an error. */
static int open_same(const struct profile_object *o)
{
	_cleanup_close_ int fd =
		open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct buildid id;
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != o->size_bytes)
		return -ESTALE;
	r = elf_id_read(fd, &id);
	if (r >= 0 && !buildid_equal(&id, &o->buildid))
		r = -ESTALE;
	return r < 0 ? r : TAKE_FD(fd);
}

static int make(const struct layout *l, const struct pageset *pages,
		enum fingerprint_level level, struct fingerprint *ret)
{
	_cleanup_free_ struct page_range *ranges =
		calloc(pages->n_runs + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < pages->n_runs; i++)
		ranges[i] = (struct page_range){ pages->runs[i].first_pgno,
						 pages->runs[i].n_pages };
	return fingerprint_make(l, ranges, pages->n_runs, level, ret);
}

/* As with digests: who guesses what is in a private file would know that he is right. */
static bool is_to_have(const struct profile_object *o)
{
	return o->buildid.n_bytes && !o->fingerprint && file_is_readable_by_all(o->path);
}

/* Takes F. */
static int add_functions(const struct profile_object *o, int fd, const struct layout *l,
			 struct fingerprint *f, struct functions *functions)
{
	struct functions_file *file = functions_add_file(functions, o->path, fd);
	int r = 0;

	if (!file)
		return -ENOMEM;
	file->print = *f;
	*f = (struct fingerprint){ 0 };
	for (size_t i = 0; r == 0 && i < file->print.n_code; i++)
		r = functions_add_page(file, fd, l, file->print.code[i].pgno);
	return r == 0 ? functions_add_calls(file, l) : r;
}

static int add(struct profile_object *o, enum fingerprint_level level,
	       struct functions *functions)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout layout = { 0 };
	_cleanup_close_ int fd = open_same(o);
	int r = fd < 0 ? fd : elf_read_layout(fd, &layout);

	if (r == 0)
		r = make(&layout, &o->pages, level, &f);
	if (r == 0)
		r = fingerprint_write(&f, &o->fingerprint);
	if (r == 0 && functions)
		r = add_functions(o, fd, &layout, &f, functions);
	return r == -ENOMEM || r == -EIO ? r : 0;
}

int train_add_fingerprints(struct profile *p, enum fingerprint_level level,
			   struct functions *functions)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_objects && level != FINGERPRINT_NONE; i++)
		if (is_to_have(&p->objects[i]))
			r = add(&p->objects[i], level, functions);
	return r;
}

/* ---- which ran ---- */

/* What everybody calls tells of nobody. Without a limit the rest of a profile would be as long. */
enum { MAX_CALLS = 3 };

static int add_ran_page(struct fingerprint *f, const struct functions_file *file,
			const struct functions_page *p)
{
	size_t i = SEARCH_FIRST(k, f->n_code, f->code[k].pgno < p->pgno);
	uint8_t ran[UINT8_MAX] = { 0 };

	if (i == f->n_code || f->code[i].pgno != p->pgno || !p->is_watched)
		return 0;
	for (size_t k = p->first; k < p->first + p->n; k++)
		ran[file->functions[k].unit] = file->functions[k].ran;
	return fingerprint_set_ran(f, i, ran);
}

static size_t find_page(const struct fingerprint *f, const struct functions_file *file,
			uint32_t function)
{
	size_t p = SEARCH_FIRST(k, file->n_pages,
				file->pages[k].first + file->pages[k].n <= function);

	return SEARCH_FIRST(k, f->n_code, f->code[k].pgno < file->pages[p].pgno);
}

/* N: calls that there are of or to each function. */
static bool is_worth_it(uint8_t *n, unsigned max)
{
	if (*n >= max)
		return false;
	++*n;
	return true;
}

static int add_call(struct fingerprint *f, const struct functions_file *file,
		    const struct functions_call *c, uint8_t *n, unsigned max)
{
	const struct function *from = &file->functions[c->from];
	const struct function *to = &file->functions[c->to];
	size_t page, to_page;
	bool wanted;

	if (!from->ran || !to->ran)
		return 0;
	page = find_page(f, file, c->from);
	to_page = find_page(f, file, c->to);
	if (page == f->n_code || to_page == f->n_code)
		return 0;
	wanted = is_worth_it(&n[c->to], max);
	wanted |= is_worth_it(&n[c->from], max);
	if (!wanted)
		return 0;
	fingerprint_set_calls(f, page, from->unit, from->n_calls);
	return fingerprint_add_call(f, page, from->unit, c->place, to_page, to->unit);
}

static bool is_needed(const struct pageset *pages, uint32_t pgno)
{
	size_t i = SEARCH_FIRST(k, pages->n_runs,
				pages->runs[k].first_pgno + pages->runs[k].n_pages <= pgno);

	return i < pages->n_runs && pages->runs[i].first_pgno <= pgno;
}

static void note_data(struct fingerprint *f, uint32_t pgno)
{
	size_t i = SEARCH_FIRST(k, f->n_data, f->data[k].pgno < pgno);

	if (i < f->n_data && f->data[i].pgno == pgno)
		f->data[i].is_referred = true;
}

/* The references [FIRST, END) are those of one function. */
static int add_references(struct profile_object *o, struct functions_file *file,
			  size_t first, size_t end)
{
	const struct functions_reference *r = file->references;
	const struct function *from = &file->functions[r[first].from];
	struct fingerprint *f = &file->print;
	size_t page = find_page(f, file, r[first].from);
	uint8_t needed[32] = { 0 };

	if (!from->ran || page == f->n_code)
		return 0;
	for (size_t i = first; i < end; i++) {
		note_data(f, r[i].pgno);
		if (i - first < RAN_MAX_REFERENCES && is_needed(&o->pages, r[i].pgno))
			needed[(i - first) / 8] |= (uint8_t)(1u << (i - first) % 8);
	}
	return fingerprint_set_references(f, page, from->unit, (unsigned)(end - first),
					  needed);
}

static size_t count_keys(const struct fingerprint *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_code; i++)
		n += f->code[i].n_keys;
	return n;
}

/* F as text, with less of units that did not run. *RET_LESS: it would be too long, and has fewer keys. */
static int write_less(struct fingerprint *f, bool all, char **ret, bool *ret_less)
{
	_cleanup_(fingerprint_done) struct fingerprint written = { 0 };
	_cleanup_free_ char *text = NULL;
	int r;

	fingerprint_drop_keys(f, all);
	r = fingerprint_write(f, &text);
	if (r == 0)
		r = fingerprint_read(text, strlen(text), &written);
	if (r < 0)
		return r;
	*ret_less = count_keys(&written) < count_keys(f);
	*ret = TAKE_PTR(text);
	return 0;
}

/* With what that makes superfluous left out, there is room for more of what was too long. */
static int write_again(struct profile_object *o, struct fingerprint *f)
{
	char *text = NULL, *shorter = NULL;
	bool has_less;
	int r = write_less(f, false, &text, &has_less);

	if (r == 0 && has_less) {
		r = write_less(f, true, &shorter, &has_less);
		free(text);
		text = shorter;
	}
	if (r < 0)
		return r;
	free(o->fingerprint);
	o->fingerprint = text;
	return fingerprint_write_ran_of(f, text, &o->ran);
}

/* Three calls, or where that is too much two, or one. */
static int add_calls(struct profile_object *o, struct functions_file *file)
{
	_cleanup_(fingerprint_done) struct fingerprint written = { 0 };
	int r = 0;

	for (unsigned max = MAX_CALLS; max > 0; max--) {
		_cleanup_free_ uint8_t *n = calloc(file->n + 1, 1);

		if (!n)
			return -ENOMEM;
		file->print.n_ran_calls = 0;
		for (size_t i = 0; r == 0 && i < file->n_calls; i++)
			r = add_call(&file->print, file, &file->calls[i], n, max);
		free(o->ran);
		o->ran = NULL;
		if (r == 0)
			r = write_again(o, &file->print);
		if (r == 0)
			r = fingerprint_load(o->fingerprint, o->ran, &written);
		if (r < 0 || !written.has_left_calls)
			return r;
		fingerprint_done(&written);
	}
	return 0;
}

static int add_ran(struct profile_object *o, struct functions_file *file)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < file->n_pages; i++)
		r = add_ran_page(&file->print, file, &file->pages[i]);
	for (size_t i = 0, end; r == 0 && i < file->n_references; i = end) {
		for (end = i + 1; end < file->n_references &&
				  file->references[end].from == file->references[i].from;)
			end++;
		r = add_references(o, file, i, end);
	}
	return r == 0 ? add_calls(o, file) : r;
}

int train_add_ran(struct profile *p, struct functions *functions)
{
	int r = 0;

	/* One a file that has got a fingerprint, in their order. */
	for (size_t i = 0, k = 0; r == 0 && i < p->n_objects && k < functions->n; i++)
		if (p->objects[i].fingerprint &&
		    strcmp(p->objects[i].path, functions->files[k].path) == 0)
			r = add_ran(&p->objects[i], &functions->files[k++]);
	return r;
}
