/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bounds.h"
#include "child.h"
#include "clock.h"
#include "compile-shadow.h"
#include "embedded.h"
#include "io.h"
#include "parse-child.h"
#include "profile.h"
#include "retarget-objects.h"
#include "sandbox.h"

/* The worst profile of LIMIT_PROFILE_BYTES and its shadow stay below this. */
#define WORKER_MEMORY_BYTES (256u << 20)

enum { BATCH_MAX = 256 };

/* On the pipe, before the shadow's bytes. Same program on both ends: host order. */
struct frame {
	uint32_t index;
	int32_t error;
	uint8_t is_deferred;
	struct diag diag;
	struct parse_child_notice notice;
	uint64_t bytes;
};

void parse_child_describe(int error, struct diag *ret)
{
	switch (error) {
	case -ELOOP:
		diag_set(ret, 0, 0, "is a symbolic link");
		break;
	case -EISDIR:
		diag_set(ret, 0, 0, "is a directory");
		break;
	case -EINVAL:
		diag_set(ret, 0, 0, "is not a regular file with a plain name");
		break;
	case -EPERM:
		diag_set(ret, 0, 0, "is not root's, or others may write it");
		break;
	case -ENAMETOOLONG:
		diag_set(ret, 0, 0, "has a name longer than the limit (%u bytes)",
			 LIMIT_PROFILE_NAME_BYTES);
		break;
	case -E2BIG:
		diag_set(ret, 0, 0, "is larger than the limit (%u bytes)",
			 LIMIT_PROFILE_BYTES);
		break;
	case -ENOMEM:
		diag_set(ret, 0, 0, "needs more memory than the parser may use (%u bytes)",
			 WORKER_MEMORY_BYTES);
		break;
	default:
		diag_set(ret, 0, 0, "%s", strerror(-error));
		break;
	}
}

static int read_embedded(int fd, const char *program, struct profile **ret,
			 struct diag *diag)
{
	struct embedded e;
	int r = fd < 0 ? fd : embedded_find(fd, &e);

	if (r == -ENOENT || (r == 0 && e.is_empty)) {
		diag_set(diag, 0, 0, "has no profile in it");
		return -ENOENT;
	}
	if (r == 0)
		r = embedded_load(fd, &e, program, ret, diag);
	if (r == -EBADMSG && !diag->message[0])
		diag_set(diag, 0, 0, "has a damaged profile in it");
	return r;
}

/* FD: negative errno is passed on. */
static int read_profile(int fd, const struct profile_file *f, struct profile **ret,
			struct diag *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r;

	if (f->program)
		return read_embedded(fd, f->program, ret, diag);
	r = fd < 0 ? fd : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);
	if (r < 0)
		return r;
	return profile_parse(text, bytes, ret, diag);
}

static int read_all_facts(const struct parse_child_job *job, const struct profile *p,
			  struct file_facts *facts)
{
	for (size_t i = 0; i < p->n_objects; i++) {
		facts_read_object(job->facts, &p->objects[i], &facts[i]);
		if (facts[i].error == -ENOMEM || facts[i].error == -EMFILE ||
		    facts[i].error == -ENFILE)
			return facts[i].error; /* our trouble, not the file's */
	}
	return 0;
}

/* Retargeted objects stand in another order: their facts are asked for again, and are known. */
static int retarget(const struct parse_child_job *job, struct retargeter *retargeter,
		    struct profile *p, const char *program, struct file_facts *facts,
		    bool *ret_is_deferred)
{
	_cleanup_free_ struct retarget_file *files =
		calloc(p->n_objects + 1, sizeof(*files));
	bool is_changed;

	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++)
		files[i] = (struct retarget_file){
			.is_readable = facts[i].error == 0,
			.is_missing =
				facts[i].error == -ENOENT || facts[i].error == -ENOTDIR,
			.buildid = facts[i].buildid,
			.size_bytes = facts[i].identity.size_bytes,
			.is_trained_build = object_is_build(&p->objects[i], &facts[i]),
		};
	retarget_objects(retargeter, p, program, files, &is_changed, ret_is_deferred);
	return is_changed ? read_all_facts(job, p, facts) : 0;
}

static int compile_file(const struct parse_child_job *job, struct retargeter *retargeter,
			const struct profile_file *f, int fd,
			struct parse_child_result *ret)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ struct file_facts *facts = NULL;
	char program[LIMIT_PATH_BYTES + 1];
	int r = read_profile(fd, f, &p, &ret->diag);

	if (r < 0)
		return r;
	facts = calloc(p->n_objects ? p->n_objects : 1, sizeof(*facts));
	if (!facts)
		return -ENOMEM;
	r = read_all_facts(job, p, facts);
	if (r < 0)
		return r;
	r = facts_follow(job->facts, p->program, NULL, program);
	if (r == 0)
		r = retarget(job, retargeter, p, program, facts, &ret->is_deferred);
	return r < 0 ? r : compile_profile(p, program, facts, &ret->data, &ret->bytes);
}

/* Once a child: the next profile finds it read. */
static void take_notice(struct evidence *e, struct parse_child_notice *ret)
{
	if (!e->bad_name)
		return;
	snprintf(ret->name, sizeof(ret->name), "%s", e->bad_name);
	ret->diag = e->bad;
	free(TAKE_PTR(e->bad_name));
}

static int send_result(int fd, size_t i, const struct parse_child_result *result)
{
	struct frame frame;
	int r;

	memset(&frame, 0, sizeof(frame)); /* padding too: it goes through a pipe */
	frame.index = (uint32_t)i;
	frame.error = result->error;
	frame.is_deferred = result->is_deferred;
	frame.diag = result->diag;
	frame.notice = result->notice;
	frame.bytes = result->bytes;
	r = io_write_full(fd, &frame, sizeof(frame));
	return r < 0 ? r : io_write_full(fd, result->data, result->bytes);
}

/* How many profiles a child gets: so many are open at once, and objects come on top. */
static size_t batch(void)
{
	struct rlimit l;
	size_t n = BATCH_MAX;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur / 4 < n)
		n = (size_t)l.rlim_cur / 4;
	return MAX(n, (size_t)1);
}

/*
 * Profiles are root's and may be for root alone: opened here, while we are root. A root whose
 * own directory is closed to others has nothing in it that nobody could see.
 */
static void enter_sandbox(const struct parse_child_job *job, size_t first, size_t n,
			  int out, int fds[static BATCH_MAX])
{
	struct sandbox sandbox = {
		.memory_bytes = WORKER_MEMORY_BYTES,
		.is_child = true,
	};
	int kept[BATCH_MAX + 2];
	struct stat st;

	for (size_t i = 0; i < n; i++)
		kept[i] = fds[i] = store_open_profile(job->store, job->files[first + i]);
	kept[n] = job->facts->rootfd;
	kept[n + 1] = out;
	sandbox_close_all_but(kept, n + 2);
	sandbox.keep_user = fstat(job->facts->rootfd, &st) < 0 || !(st.st_mode & S_IXOTH);
	sandbox_enter(&sandbox);
}

static _Noreturn void compile_files(const struct parse_child_job *job, size_t first,
				    size_t n, int out)
{
	struct retargeter retargeter = {
		.rootfd = job->facts->rootfd,
		.evidence = { .rootfd = job->facts->rootfd, .dir = STORE_EVIDENCE },
	};
	int fds[BATCH_MAX];

	if (job->retarget_ms)
		retargeter.cpu_us = clock_cpu_us() + (uint64_t)job->retarget_ms * 1000;
	enter_sandbox(job, first, n, out, fds);
	for (size_t i = 0; i < n; i++) {
		struct parse_child_result result = { 0 };

		result.error = compile_file(job, &retargeter, job->files[first + i], fds[i],
					    &result);
		take_notice(&retargeter.evidence, &result.notice);
		if (fds[i] >= 0)
			close(fds[i]);
		if (result.error < 0 && !result.diag.message[0])
			parse_child_describe(result.error, &result.diag);
		if (send_result(out, first + i, &result) < 0)
			_exit(1);
		free(result.data);
	}
	_exit(0);
}

/* One frame; -ENODATA when the child closed the pipe, also in the middle of one. */
static int receive(int fd, size_t expected, struct parse_child_result *ret)
{
	struct frame frame;
	int r = io_read_full(fd, &frame, sizeof(frame));

	if (r < 0)
		return r;
	/* The child has parsed hostile input: believe nothing. */
	if (frame.index != expected || frame.bytes > LIMIT_SHADOW_BYTES || frame.error > 0)
		return -ENODATA;
	*ret = (struct parse_child_result){ .error = frame.error,
					    .is_deferred = frame.is_deferred != 0,
					    .diag = frame.diag,
					    .notice = frame.notice };
	ret->diag.message[sizeof(ret->diag.message) - 1] = 0;
	ret->notice.name[sizeof(ret->notice.name) - 1] = 0;
	ret->notice.diag.message[sizeof(ret->notice.diag.message) - 1] = 0;
	if (frame.bytes == 0)
		return 0;
	ret->data = malloc(frame.bytes);
	if (!ret->data)
		return -ENOMEM;
	ret->bytes = frame.bytes;
	r = io_read_full(fd, ret->data, ret->bytes);
	if (r < 0)
		free(TAKE_PTR(ret->data));
	return r;
}

static int report_death(const struct parse_child_job *job, size_t i, int status)
{
	struct parse_child_result result = { .error = -ECHILD };

	if (WIFSIGNALED(status))
		diag_set(&result.diag, 0, 0, "the parser died of it (signal %d)",
			 WTERMSIG(status));
	else
		diag_set(&result.diag, 0, 0, "the parser gave up on it (exit status %d)",
			 WEXITSTATUS(status));
	return job->on_result(i, &result, job->userdata);
}

/* Results of one child from *DONE to END; -ENODATA when it ended before all were done. */
static int receive_all(const struct parse_child_job *job, int fd, size_t *done, size_t end)
{
	int r = 0;

	while (r == 0 && *done < end) {
		struct parse_child_result result = { 0 };

		r = receive(fd, *done, &result);
		if (r == 0)
			r = job->on_result((*done)++, &result, job->userdata);
	}
	return r;
}

int parse_child_run(const struct parse_child_job *job)
{
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < job->n_files) {
		size_t n = MIN(batch(), job->n_files - done);
		struct child child;
		int fd, status;
		pid_t pid = child_fork(&child, &fd);

		if (pid < 0)
			return pid;
		if (pid == 0)
			compile_files(job, done, n, fd);
		r = receive_all(job, child.fd, &done, done + n);
		if (r < 0)
			kill(pid, SIGKILL);
		status = child_reap(&child);
		if (r == -ENODATA)
			r = report_death(job, done++, status);
	}
	return r;
}

/* ---- evidence ---- */

static _Noreturn void read_evidence(const struct store *s, int out)
{
	struct evidence evidence = { .rootfd = s->rootfd, .dir = STORE_EVIDENCE };
	const struct buildid none = { .n_bytes = 1 };
	struct facts_context facts = { .rootfd = s->rootfd };
	const struct parse_child_job job = { .store = s, .facts = &facts };
	struct parse_child_result result = { 0 };
	int fds[BATCH_MAX];

	enter_sandbox(&job, 0, 0, out, fds);
	evidence_find(&evidence, &none, &(const char *){ NULL });
	take_notice(&evidence, &result.notice);
	_exit(send_result(out, 0, &result) < 0);
}

int parse_child_check_evidence(const struct store *s, struct parse_child_notice *ret)
{
	struct parse_child_result result = { 0 };
	struct child child;
	pid_t pid;
	int fd, r;

	*ret = (struct parse_child_notice){ 0 };
	if (evidence_sum(s->rootfd, STORE_EVIDENCE) == 0)
		return 0;
	pid = child_fork(&child, &fd);
	if (pid < 0)
		return pid;
	if (pid == 0)
		read_evidence(s, fd);
	r = receive(child.fd, 0, &result);
	if (r < 0)
		kill(pid, SIGKILL);
	child_reap(&child);
	free(result.data);
	if (r == -ENODATA)
		diag_set(&ret->diag, 0, 0, "the parser died of a file in it");
	else if (r == 0)
		*ret = result.notice;
	return r == -ENODATA ? 0 : r;
}
