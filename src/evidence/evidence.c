/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "evidence.h"
#include "hash.h"
#include "io.h"
#include "macro.h"
#include "search.h"
#include "vec.h"

void evidence_done(struct evidence *e)
{
	for (size_t i = 0; i < e->n_items; i++) {
		free(e->items[i].fingerprint);
		free(e->items[i].ran);
	}
	free(e->items);
	free(e->bad_name);
}

/* ---- the directory ---- */

static DIR *open_dir(int rootfd, const char *path)
{
	struct stat st;
	_cleanup_close_ int path_fd = io_open_path(rootfd, path, &st);
	int fd = path_fd < 0 || !S_ISDIR(st.st_mode)
			 ? -1
			 : openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool is_wanted(const char *name)
{
	size_t n = strlen(name);

	return *name != '.' && n > strlen(".json") &&
	       strcmp(name + n - strlen(".json"), ".json") == 0;
}

/* Names, sorted; there may be no such directory. The descriptor of DIR stays its own. */
static int list(DIR *dir, struct name_list *ret)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		if (is_wanted(entry->d_name) && name_list_add(ret, entry->d_name) < 0)
			return -ENOMEM;
	name_list_sort(ret);
	return 0;
}

uint64_t evidence_sum(int rootfd, const char *path)
{
	_cleanup_(name_list_done) struct name_list names = { 0 };
	DIR *dir = open_dir(rootfd, path);
	uint64_t sum = 0;
	int r = dir ? list(dir, &names) : 0;

	for (size_t i = 0; r == 0 && i < MIN(names.n, (size_t)EVIDENCE_FILES); i++) {
		struct stat st;

		if (fstatat(dirfd(dir), names.names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			const uint64_t of[] = { sum,
						hash_string(names.names[i]),
						st.st_ino,
						(uint64_t)st.st_size,
						(uint64_t)st.st_mtim.tv_sec,
						(uint64_t)st.st_mtim.tv_nsec };

			sum = hash_bytes(of, sizeof(of));
		}
	}
	if (dir)
		closedir(dir);
	return sum;
}

/* ---- what is in it ---- */

static int compare(const void *pa, const void *pb)
{
	const struct evidence_item *a = pa, *b = pb;
	int c = memcmp(&a->buildid, &b->buildid, sizeof(a->buildid));

	return c ? c : (a->file > b->file) - (a->file < b->file);
}

/* The fingerprints are taken out of P. */
static int take_items(struct evidence *e, struct profile *p, unsigned file)
{
	for (size_t i = 0; i < p->n_objects; i++) {
		struct profile_object *o = &p->objects[i];

		if (!o->buildid.n_bytes)
			continue;
		if (VEC_RESERVE_ONE(e->items, e->n_items, e->capacity) < 0)
			return -ENOMEM;
		e->items[e->n_items++] = (struct evidence_item){
			o->buildid,
			TAKE_PTR(o->fingerprint),
			TAKE_PTR(o->ran),
			(uint8_t)file,
		};
	}
	return 0;
}

static int read_file(struct evidence *e, unsigned file, int dirfd, const char *name,
		     struct diag *diag)
{
	_cleanup_close_ int fd = openat(
		dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t bytes;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);
	if (r == 0)
		r = profile_parse(text, bytes, &p, diag);
	return r == 0 ? take_items(e, p, file) : r;
}

/* Each file counts for itself. */
static void read_all(struct evidence *e, DIR *dir, const struct name_list *names)
{
	for (unsigned i = 0; i < MIN(names->n, (size_t)EVIDENCE_FILES); i++) {
		struct diag diag = { 0 };
		int r = read_file(e, i, dirfd(dir), names->names[i], &diag);

		if (r == 0 || e->bad_name)
			continue;
		if (!diag.message[0])
			diag_set(&diag, 0, 0, "%s", strerror(-r));
		e->bad_name = strdup(names->names[i]);
		e->bad = diag;
	}
	if (e->n_items > 0)
		qsort(e->items, e->n_items, sizeof(*e->items), compare);
}

static void read_dir(struct evidence *e)
{
	_cleanup_(name_list_done) struct name_list names = { 0 };
	DIR *dir = open_dir(e->rootfd, e->dir);

	e->is_read = true;
	if (!dir)
		return;
	if (list(dir, &names) == 0)
		read_all(e, dir, &names);
	closedir(dir);
}

static size_t find_first(struct evidence *e, const struct buildid *id)
{
	if (!e->is_read)
		read_dir(e);
	return SEARCH_FIRST(k, e->n_items,
			    memcmp(&e->items[k].buildid, id, sizeof(*id)) < 0);
}

const char *evidence_find(struct evidence *e, const struct buildid *id,
			  const char **ret_ran)
{
	for (size_t i = find_first(e, id);
	     i < e->n_items && buildid_equal(&e->items[i].buildid, id); i++)
		if (e->items[i].fingerprint) {
			*ret_ran = e->items[i].ran;
			return e->items[i].fingerprint;
		}
	return NULL;
}

uint8_t evidence_files(struct evidence *e, const struct buildid *id)
{
	uint8_t files = 0;

	for (size_t i = find_first(e, id);
	     i < e->n_items && buildid_equal(&e->items[i].buildid, id); i++)
		files |= (uint8_t)(1u << e->items[i].file);
	return files;
}

int evidence_fill(struct evidence *e, struct profile *p)
{
	for (size_t i = 0; i < p->n_objects; i++) {
		struct profile_object *o = &p->objects[i];
		const char *text, *ran = NULL;

		if (o->fingerprint || !o->buildid.n_bytes || o->retargeted_from.n_bytes)
			continue;
		text = evidence_find(e, &o->buildid, &ran);
		if (text && !(o->fingerprint = strdup(text)))
			return -ENOMEM;
		if (ran && !(o->ran = strdup(ran)))
			return -ENOMEM;
	}
	return 0;
}
