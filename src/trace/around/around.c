/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "around.h"
#include "macro.h"
#include "recording-pipe.h"
#include "residency.h"
#include "sandbox.h"

static int launch(const char *program, char *const argv[],
		  const struct trace_options *options, struct trace_result *ret)
{
	struct trace_options at_exit = *options;

	at_exit.method = TRACE_EXIT;
	return trace_launch(program, argv, &at_exit, ret);
}

static void drop_objects(struct trace_result *r)
{
	for (size_t i = 0; i < r->n_objects; i++) {
		free(r->objects[i].path);
		free(r->objects[i].when);
	}
	free(r->objects);
	r->objects = NULL;
	r->n_objects = r->objects_capacity = 0;
}

/* ---- the page cache ---- */

static int open_object(const struct trace_object *o)
{
	return open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* What is gone meanwhile is left out: the profile would not have it either. */
static int evict(const struct trace_result *known, uint64_t *ret_kept)
{
	uint64_t n_kept = 0;

	for (size_t i = 0; i < known->n_objects; i++) {
		const struct trace_object *o = &known->objects[i];
		_cleanup_close_ int fd = open_object(o);
		struct residency_count n;
		int r = fd < 0 ? 0 : residency_evict(fd);

		if (fd >= 0 && r == 0)
			r = residency_count(fd, 0, o->n_pages, &n);
		if (r < 0)
			return r;
		n_kept += fd < 0 ? 0 : n.n_resident;
	}
	*ret_kept = n_kept;
	return 0;
}

/* As it is now, in bucket 0: nobody knows when what came. */
static int add_resident(const struct trace_object *o, struct trace_result *ret)
{
	_cleanup_close_ int fd = open_object(o);
	struct trace_object *now = &ret->objects[ret->n_objects];
	_cleanup_free_ uint8_t *pages = NULL;
	uint32_t n;
	int r = fd < 0 ? 0 : residency_read(fd, &pages, &n);

	/* Another file, or none. */
	if (fd < 0 || r < 0 || n != o->n_pages)
		return r == -ENOMEM ? r : 0;
	if (!memchr(pages, 1, n))
		return 0;
	*now = *o;
	now->path = strdup(o->path);
	now->when = TAKE_PTR(pages);
	ret->n_objects++;
	return now->path ? 0 : -ENOMEM;
}

static int look(const struct trace_result *known, struct trace_result *ret)
{
	int r = 0;

	drop_objects(ret);
	ret->method = TRACE_RESIDENCY;
	ret->objects = calloc(known->n_objects + 1, sizeof(ret->objects[0]));
	if (!ret->objects)
		return -ENOMEM;
	ret->objects_capacity = known->n_objects;
	for (size_t i = 0; r == 0 && i < known->n_objects; i++)
		r = add_resident(&known->objects[i], ret);
	return r;
}

int around_residency(const char *program, char *const argv[],
		     const struct trace_options *options, const struct trace_result *known,
		     struct trace_result *ret, uint64_t *ret_kept)
{
	int r = geteuid() == 0 ? evict(known, ret_kept) : -EPERM;

	if (r < 0)
		return r;
	r = launch(program, argv, options, ret);
	if (r < 0)
		return r;
	r = look(known, ret);
	if (r < 0)
		trace_result_done(ret);
	return r;
}

/* ---- the whole system ---- */

struct recorded_launch {
	const char *program;
	char *const *argv;
	const struct trace_options *options;
	sigset_t mask; /* of who called us: the recorder's is another */
	pid_t pid;     /* who launches it; 0: not begun */
	int fd;	       /* a file of no name, in which it says what came of it */
};

static _Noreturn void launch_and_tell(const struct recorded_launch *l, pid_t recorder)
{
	struct trace_result result;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Whoever is to put the kernel's settings back waits for the end of a pipe. */
	sandbox_close_all_but(&l->fd, 1);
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	r = getppid() == recorder ? launch(l->program, l->argv, l->options, &result)
				  : -EINTR;
	r = recording_write(l->fd, r, &result);
	kill(recorder, SIGTERM);
	_exit(r < 0);
}

static void start(void *userdata)
{
	struct recorded_launch *l = userdata;
	pid_t recorder = getpid(), pid = fork();

	if (pid == 0)
		launch_and_tell(l, recorder);
	l->pid = MAX(pid, 0);
	if (pid < 0)
		kill(recorder, SIGTERM);
}

/* The recording is over, because the launch is or because somebody ended it. */
static int collect(struct recorded_launch *l, struct trace_result *ret)
{
	struct stat st;
	void *data;
	int r;

	kill(l->pid, SIGTERM);
	waitpid(l->pid, NULL, 0);
	if (fstat(l->fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -EINTR;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, l->fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	r = recording_parse(data, (size_t)st.st_size, ret);
	munmap(data, (size_t)st.st_size);
	return r;
}

/* The launch as it was, with what the system read. */
static void take_objects(struct trace_result *system, struct trace_result *ret)
{
	drop_objects(ret);
	ret->objects = TAKE_PTR(system->objects);
	ret->n_objects = ret->objects_capacity = system->n_objects;
	system->n_objects = 0;
	ret->method = system->method;
}

int around_system(const char *program, char *const argv[],
		  const struct trace_options *options, bool light, struct trace_result *ret,
		  struct trace_system_report *ret_report, bool *ret_began)
{
	_cleanup_close_ int fd = memfd_create("elfcast-launch", MFD_CLOEXEC);
	struct recorded_launch l = {
		.program = program,
		.argv = argv,
		.options = options,
		.fd = fd,
	};
	const struct trace_system_options around = {
		.duration_ms =
			options->window_ms + 60000, /* it ends the recording itself */
		.light = light,
		.on_start = start,
		.userdata = &l,
	};
	struct trace_result system;
	int r, launched = -EAGAIN; /* it could not be forked */
	sigset_t ends;

	*ret_began = false;
	if (fd < 0)
		return -errno;
	/* The launch tells its end by a signal, which is not to come when nobody records any more. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &l.mask);
	r = trace_system(&around, &system, ret_report);
	if (l.pid > 0)
		launched = collect(&l, ret);
	sigtimedwait(&ends, NULL, &(struct timespec){ 0 });
	sigprocmask(SIG_SETMASK, &l.mask, NULL);
	if (r < 0 && l.pid == 0)
		return r;
	*ret_began = r == 0;
	if (r == 0 && launched == 0)
		take_objects(&system, ret);
	else if (launched == 0)
		trace_result_done(ret);
	if (r == 0)
		trace_result_done(&system);
	return r < 0 ? r : launched;
}
