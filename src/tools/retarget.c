/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast retarget --to=PACKAGE. A child without rights reads the package and makes the new profile of
 * what is in it, file by file as they are unpacked; its parent writes what the child tells.
 *
 * The package is read again where a file is not what has the name that it was trained under: the other end
 * of a hard link, or, where that is missing, the one whose path differs in numbers.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bounds.h"
#include "child.h"
#include "io.h"
#include "log.h"
#include "package-told.h"
#include "renamed.h"
#include "retarget-verb.h"
#include "sandbox.h"
#include "search.h"
#include "tool.h"

/* The object's own path, the one like it, and where that is a hard link what has its data. */
enum { PASSES_MAX = 3 };

/* Where the file of an object is. Paths are folded, but for the object's own. */
struct sought {
	const struct profile_object *object;
	char *path, *stem;   /* of the object */
	char *want;	     /* looked for in this pass */
	char *renamed;	     /* what may take its place, or NULL */
	const char *lies_at; /* borrowed: the path that it has in the package */
	bool is_done;
};

struct unpack {
	struct retarget_job job;
	const char *program;  /* of the old profile */
	struct sought *items; /* by stem */
	size_t n;
};

static void unpack_done(struct unpack *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->items[i].path);
		free(u->items[i].stem);
		free(u->items[i].want);
		free(u->items[i].renamed);
	}
	free(u->items);
	retarget_job_done(&u->job);
}

static int replace_text(char **text, const char *by)
{
	char *new = strdup(by);

	if (!new)
		return -ENOMEM;
	free(*text);
	*text = new;
	return 0;
}

static int compare_stems(const void *a, const void *b)
{
	return strcmp(((const struct sought *)a)->stem, ((const struct sought *)b)->stem);
}

static int seek(const struct profile_object *o, struct sought *s)
{
	char folded[LIMIT_PATH_BYTES + 8];
	int r = wanted_fold(o->path, folded, sizeof(folded));

	s->object = o;
	s->lies_at = o->path;
	s->path = strdup(folded);
	s->want = strdup(folded);
	s->stem = renamed_stem(folded);
	return r == 0 && (!s->path || !s->want || !s->stem) ? -ENOMEM : r;
}

static int unpack_init(struct unpack *u, const struct profile *p)
{
	int r = retarget_job_begin(&u->job, p, p->program);

	u->program = p->program;
	u->items = calloc(p->n_objects + 1, sizeof(*u->items));
	if (!u->items)
		return -ENOMEM;
	while (r == 0 && u->n < p->n_objects) {
		r = seek(&p->objects[u->n], &u->items[u->n]);
		u->n++;
	}
	if (r == 0)
		qsort(u->items, u->n, sizeof(*u->items), compare_stems);
	return r;
}

/* ---- what is in there ---- */

/* A regular file: it may take the place of objects whose paths are like its. */
static int on_name(const char *folded, void *userdata)
{
	_cleanup_free_ char *stem = renamed_stem(folded);
	struct unpack *u = userdata;
	int r = stem ? 0 : -ENOMEM;
	size_t i = stem ? SEARCH_FIRST(k, u->n, strcmp(u->items[k].stem, stem) < 0) : 0;

	for (; r == 0 && i < u->n && strcmp(u->items[i].stem, stem) == 0; i++) {
		struct sought *s = &u->items[i];

		if (s->lies_at == s->object->path && !s->is_done &&
		    (!s->renamed || renamed_is_better(folded, s->renamed, s->path)))
			r = replace_text(&s->renamed, folded);
	}
	return r;
}

static int take(struct unpack *u, struct sought *s, int fd, const struct wanted_file *f)
{
	const struct profile_object *o = s->object;
	struct retarget_target t = { .fd = fd, .size_bytes = f->size_bytes };
	int r = 0;

	s->is_done = true;
	if (fd >= 0)
		r = retarget_target_id(fd, o, &t.id);
	else if (f->buildid_error == 0)
		t.id = f->buildid;
	if (o->digest && f->size_bytes <= LIMIT_DIGESTED_BYTES)
		memcpy(t.digest, f->digest, sizeof(t.digest));
	t.path = strdup(s->lies_at);
	if (r == 0)
		r = t.path ? retarget_job_take(&u->job, o, &t) : -ENOMEM;
	if (r == 0 && strcmp(o->path, u->program) == 0)
		r = replace_text(&u->job.to->program, s->lies_at);
	free(t.path);
	return r;
}

/* Of several members of one name the first counts: what one costs is bounded, their number is not. */
static int on_file(int fd, const struct wanted_file *f, void *userdata)
{
	struct unpack *u = userdata;
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->n; i++)
		if (!u->items[i].is_done && strcmp(u->items[i].want, f->path) == 0)
			r = take(u, &u->items[i], fd, f);
	return r;
}

static int give_up(struct unpack *u, struct sought *s, const struct wanted_file *f)
{
	s->is_done = true;
	return retarget_job_leave_out(&u->job, s->object,
				      !f || f->type == WANTED_ABSENT
					      ? "not in the package"
					      : "no regular file in the package");
}

/* Where else S may be, which was not at the path that was wanted: F. */
static int seek_further(struct unpack *u, struct sought *s, const struct wanted_file *f,
			bool *ret_again)
{
	bool is_file = f && f->type == WANTED_FILE;

	if (is_file && f->hardlink) {
		*ret_again = true;
		return replace_text(&s->want, f->hardlink);
	}
	if (is_file || !s->renamed || s->lies_at == s->renamed)
		return give_up(u, s, f);
	*ret_again = true;
	s->lies_at = s->renamed;
	return replace_text(&s->want, s->renamed);
}

/* DIAG is set with all errors but -ENOMEM. */
static int read_pass(struct unpack *u, int fd, struct package *info, struct diag *diag,
		     bool *ret_again)
{
	_cleanup_(wanted_done) struct wanted w = {
		.on_file = on_file,
		.on_name = on_name,
		.userdata = u,
	};
	int r = 0;

	*ret_again = false;
	for (size_t i = 0; r == 0 && i < u->n; i++)
		if (!u->items[i].is_done)
			r = wanted_add(&w, u->items[i].want,
				       u->items[i].object->digest != NULL);
	if (r == 0)
		r = wanted_prepare(&w);
	if (r < 0)
		return r;
	package_done(info);
	lseek(fd, 0, SEEK_SET); /* what cannot is no package */
	r = package_read(fd, false, &w, info, diag);
	for (size_t i = 0; r == 0 && i < u->n; i++)
		if (!u->items[i].is_done)
			r = seek_further(u, &u->items[i], wanted_find(&w, u->items[i].want),
					 ret_again);
	return r;
}

static int read_passes(struct unpack *u, int fd, struct package *info, struct diag *diag)
{
	bool again = true;
	int r = 0;

	for (int i = 0; r == 0 && again && i < PASSES_MAX; i++)
		r = read_pass(u, fd, info, diag, &again);
	for (size_t i = 0; r == 0 && i < u->n; i++)
		if (!u->items[i].is_done)
			r = give_up(u, &u->items[i], NULL);
	return r;
}

/* ---- the child ---- */

/* On the pipe, before the text. Same program on both ends: host order. */
struct reply {
	int32_t error;
	bool is_told; /* to the user */
	struct retarget_result result;
};

static void read_package(int fd, const char *path, const struct profile *p,
			 struct reply *ret)
{
	_cleanup_(unpack_done) struct unpack u = { 0 };
	struct package info = { 0 };
	struct diag diag = { 0 };

	ret->error = unpack_init(&u, p);
	if (ret->error == 0)
		ret->error = read_passes(&u, fd, &info, &diag);
	ret->is_told = diag.message[0] && ret->error < 0;
	if (ret->error == 0 || ret->is_told)
		package_told_print(path, &info, ret->error < 0 ? &diag : NULL);
	package_done(&info);
	packages_done();
	if (ret->error == 0)
		ret->error = retarget_job_end(&u.job, &ret->result);
}

_Noreturn static void run_child(int out, int fd, const char *path, const struct profile *p)
{
	struct reply reply;
	int r;

	memset(&reply, 0, sizeof(reply)); /* padding too: it goes through a pipe */
	sandbox_close_all_but((const int[]){ fd, out }, 2);
	sandbox_enter(&(struct sandbox){ .memory_bytes = LIMIT_CHECK_MEMORY_BYTES });
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	read_package(fd, path, p, &reply);
	r = io_write_full(out, &reply, sizeof(reply));
	if (r == 0)
		r = io_write_full(out, reply.result.text, reply.result.bytes);
	_exit(r < 0);
}

/* ---- the parent ---- */

/* It has read what strangers made: nothing is believed. -ENODATA: it ended before. */
static int receive(int fd, struct reply *ret)
{
	int r = io_read_full(fd, ret, sizeof(*ret));
	size_t bytes = ret->result.bytes;

	ret->result.text = NULL;
	if (r < 0 || ret->error < 0)
		return r;
	if (bytes > LIMIT_PROFILE_BYTES)
		return -ENODATA;
	ret->result.text = malloc(bytes + 1);
	return ret->result.text ? io_read_full(fd, ret->result.text, bytes) : -ENOMEM;
}

static int report_death(const char *path, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s: who read it died of it (signal %d)", path, WTERMSIG(status));
	else
		log_error("%s: who read it gave up on it (exit status %d)", path,
			  WEXITSTATUS(status));
	return CMD_FAILED;
}

/* A retarget_package. */
static int unpack(int fd, const char *path, const struct profile *p, _unused_ char *argv[],
		  struct retarget_result *ret)
{
	struct child child = CHILD_NONE;
	struct reply reply = { 0 };
	int out, r, status;
	pid_t pid = child_fork(&child, &out);

	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		run_child(out, fd, path, p);
	r = receive(child.fd, &reply);
	*ret = reply.result;
	if (r < 0 && r != -ENODATA) {
		child_leave(&child);
		return r;
	}
	status = child_reap(&child);
	if (r < 0)
		return report_death(path, status);
	return reply.is_told ? CMD_FAILED : reply.error;
}

static int run(int argc, char *argv[])
{
	return retarget_run(argc, argv, unpack);
}

static const struct cmd cmd_retarget_package = { .name = "retarget", .run = run };

const struct cmd *const tool_cmd = &cmd_retarget_package;
