/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event loop of a recorded launch, and its end. First-touch order comes from scanning
 * every live address space at the end of each time bucket.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "io.h"
#include "trace-private.h"
#include "walk-paths.h"

#define KILL_AFTER_US	 1000000 /* SIGTERM first, SIGKILL then */
#define LOOK_US		 200

/* When new pages are rare: at most one of so many, or so many, in so many buckets. */
#define HALF_THE_TIME	 3u /* 1.25^3 is 1.95 */
#define RARE_SHARE	 100u
#define RARE_PAGES	 8u
#define EARLIEST_END_US	 2000000u
#define GIVE_UP_AFTER_US 6000000 /* stuck in the kernel: EXITKILL gets them later */

/*
 * Whether pages of AS are just being moved: they may lie where we still believe others to be.
 * They were scanned before, and are again later.
 */
static bool is_moving(const struct trace *t, const struct address_space *as)
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		for (const struct task *task = t->tasks[i]; task; task = task->next)
			if (task->as == as && task->pending == PENDING_MREMAP)
				return true;
	return false;
}

/* At the end of a time bucket: what is new since the last scan belongs to it. */
static void scan_all(struct trace *t)
{
	uint64_t now = clock_us();
	uint32_t when = when_from_us(now - t->start_us);

	when = MAX(when, 1u) - 1;
	for (struct address_space *as = t->spaces; as; as = as->next)
		if (!is_moving(t, as))
			trace_scan(t, as, when);
	while (t->next_scan_us <= now) {
		t->n_pages_at[t->next_when - 1] = traced_files_count(&t->files);
		t->next_scan_us = t->start_us + when_end_us(t->next_when++);
	}
}

/*
 * Whether the second half of the time since the program's start brought next to nothing. A program that
 * has started waits for its user; what it reads later it reads for that.
 */
static bool pages_are_rare(const struct trace *t)
{
	uint32_t last = t->next_when - 2; /* bucket that has ended */
	uint64_t n;

	if (t->next_when < 2 + HALF_THE_TIME)
		return false;
	n = t->n_pages_at[last];
	return n - t->n_pages_at[last - HALF_THE_TIME] <= MAX(n / RARE_SHARE, RARE_PAGES);
}

static void for_each_task(struct trace *t, void (*fn)(struct trace *, struct task *))
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			fn(t, task);
}

static void signal_task(const struct task *task, int sig)
{
	if (task->leader)
		kill(task->tid, sig);
}

static void terminate_task(struct trace *t, struct task *task)
{
	(void)t;
	signal_task(task, SIGTERM);
	signal_task(task, SIGCONT);
}

static void kill_task(struct trace *t, struct task *task)
{
	(void)t;
	signal_task(task, SIGKILL);
}

static void end_launch(struct trace *t)
{
	if (t->ending_us)
		return;
	for (struct address_space *as = t->spaces; as; as = as->next)
		trace_scan(t, as, when_now(t));
	t->result->elapsed_us = clock_us() - t->start_us;
	t->ending_us = clock_us();
	for_each_task(t, terminate_task);
}

/* How long to sleep; does what is due before. */
static uint64_t do_due(struct trace *t)
{
	uint64_t now = clock_us(), window_us = (uint64_t)t->options->window_ms * 1000u;
	uint64_t deadline = t->start_us + window_us;

	if (!t->ending_us && now >= deadline) {
		t->result->window_ended = true;
		t->result->cut = !trace_at_exit(t) && !pages_are_rare(t);
		end_launch(t);
	}
	if (t->ending_us) {
		t->killed |= now >= t->ending_us + KILL_AFTER_US;
		if (t->killed) /* again and again: there may be new ones */
			for_each_task(t, kill_task);
		return t->killed ? 10000 : t->ending_us + KILL_AFTER_US - now;
	}
	if (t->executed && now >= t->next_scan_us)
		scan_all(t);
	if (t->options->until_rare && t->executed && now - t->start_us >= EARLIEST_END_US &&
	    pages_are_rare(t)) {
		t->result->settled = t->result->window_ended = true;
		end_launch(t);
		return KILL_AFTER_US;
	}
	if (t->executed)
		deadline = MIN(deadline, t->next_scan_us);
	now = clock_us();
	return deadline > now ? deadline - now : 0;
}

static void sleep_until_event(struct trace *t, const sigset_t *signals, uint64_t timeout_us)
{
	struct timespec timeout = clock_timespec(timeout_us);
	int sig;

	pthread_mutex_unlock(&t->lock);
	sig = sigtimedwait(signals, NULL, &timeout);
	pthread_mutex_lock(&t->lock);

	if (sig == SIGINT || sig == SIGTERM) {
		t->error = -EINTR;
		end_launch(t);
	}
}

/*
 * The next stop or end of a task; 0: none for now. A call that stops is mostly followed by the next
 * one soon, and whoever sleeps until then is woken by another processor, which takes longer than
 * all else: so we look for a moment, and let run meanwhile who is to run on this processor, which may be the launch.
 * A launch of perl takes, without looking, 1.46 times what it takes alone; looking for 50 us and letting nobody run, 1.60;
 * letting others run, 1.39, and for 200 us 1.35. One of gcc 1.57, 1.81, 1.53, 1.43.
 */
static pid_t next_status(struct trace *t, int *ret_status)
{
	uint64_t until_us = clock_us() + LOOK_US;
	pid_t tid;

	pthread_mutex_unlock(&t->lock);
	while ((tid = waitpid(-1, ret_status, __WALL | __WNOTHREAD | WNOHANG)) == 0 &&
	       clock_us() < until_us)
		sched_yield();
	pthread_mutex_lock(&t->lock);
	return tid;
}

/* Until all tasks have ended. */
static void run(struct trace *t, const sigset_t *signals)
{
	while (t->n_tasks) {
		uint64_t timeout_us;
		int status;
		pid_t tid;

		while ((tid = next_status(t, &status)) > 0) {
			trace_on_status(t, tid, status);
			if (t->executed && !t->ending_us && clock_us() >= t->next_scan_us)
				do_due(t);
		}
		if (!t->n_tasks || (tid < 0 && errno == ECHILD))
			break;
		if (t->ending_us && clock_us() >= t->ending_us + GIVE_UP_AFTER_US)
			break;
		timeout_us = do_due(t);
		sleep_until_event(t, signals, timeout_us);
	}
	if (!t->ending_us)
		t->result->elapsed_us = clock_us() - t->start_us;
}

static void trace_done(struct trace *t)
{
	trace_remove_all_tasks(t);
	front_done(&t->front);
	asked_paths_done(&t->asked);
	traced_files_done(&t->files);
}

/* The child is traced, but has not yet been told to exec when this is called. */
static int record(struct trace *t, const struct tracee_spawn *spawn,
		  const sigset_t *signals)
{
	_cleanup_close_ int error_fd = -1;
	struct task *task;
	int r, error, listener;

	t->start_us = clock_us();
	r = tracee_spawn(spawn, &t->pid, &error_fd, &listener);
	if (r < 0)
		return r;
	child_drop_stdio(); /* it is the program's: nobody is to wait for us there */
	task = trace_add_task(t, t->pid);
	r = task ? 0 : -ENOMEM;
	if (r == 0 && listener >= 0)
		r = notified_start(&t->notified, t, listener);
	if (r < 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, __WALL);
		return r;
	}
	task->started = true;
	trace_set_leader(t, task);
	pthread_mutex_lock(&t->lock);
	run(t, signals);
	pthread_mutex_unlock(&t->lock);
	notified_stop(&t->notified);
	if (!t->executed && io_read_full(error_fd, &error, sizeof(error)) == 0)
		return error;
	return t->error;
}

/* What the kernel looks up without being asked by a call. */
static void add_interpreters(struct trace *t)
{
	for (size_t i = 0; i < t->files.n; i++) {
		const char *path = t->files.items[i]->interpreter;

		if (path && *path == '/')
			asked_paths_add(&t->asked, path, ASKED_FOLLOWED);
	}
}

/* What the execve() that recording began with asked for; a link may lead there. */
static int look_around(struct trace *t)
{
	const char *program = t->front.path;

	if (!t->result->has_lookups)
		return 0;
	if (program && *program == '/')
		asked_paths_add(&t->asked, program, ASKED_FOLLOWED | ASKED_EXECUTED);
	walk_scripts(&t->asked, &t->files);
	add_interpreters(t);
	return walk_paths(&t->asked, &t->files, &t->result->lookups);
}

static int tell_program(struct trace *t)
{
	if (!t->front.path)
		return 0;
	t->result->program = strdup(t->front.path);
	if (t->front.n_executed == 1)
		t->result->starts = TAKE_PTR(t->front.first_executed);
	return t->result->program ? front_interpreted(&t->front, &t->result->interpreted)
				  : -ENOMEM;
}

static int trace_with_signals(struct trace *t, struct tracee_spawn *spawn)
{
	struct sigaction chld = { .sa_handler = SIG_DFL };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	/* Ignored, it would reap children before we see them. */
	sigaction(SIGCHLD, &chld, NULL);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return record(t, spawn, &signals);
}

enum trace_method trace_method_here(enum trace_method wanted)
{
	if (wanted == TRACE_UFFD &&
	    !(tracee_can_copy_descriptors() && tracee_arch_supported() &&
	      address_space_exact_supported()))
		return TRACE_PTE;
	return wanted;
}

int trace_record(const char *program, char *const argv[], const sigset_t *mask,
		 const struct trace_options *options, int error_fd,
		 struct trace_result *ret)
{
	bool at_exit = options->method == TRACE_EXIT;
	bool can_copy = !at_exit && tracee_can_copy_descriptors();
	struct tracee_spawn spawn = {
		.program = program,
		.argv = argv,
		.inherit_stdio = options->inherit_stdio,
		.only_executed = at_exit,
		.announce = can_copy,
		.lookups = options->lookups,
		.error_fd = error_fd,
		.mask = mask,
		.user = options->user,
	};
	struct trace t = {
		.options = options,
		.program = program,
		.result = ret,
		.n_roots = 1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.notified = NOTIFIED_NONE,
	};
	int r;

	*ret = (struct trace_result){ .method = options->method,
				      .has_lookups = options->lookups && !at_exit };
	r = traced_files_init(&t.files);
	if (r == 0)
		r = trace_with_signals(&t, &spawn);
	if (r == 0)
		r = traced_files_finish(&t.files, ret);
	if (r == 0 && options->functions)
		r = functions_pack(options->functions, &ret->functions,
				   &ret->functions_bytes);
	if (r == 0)
		r = look_around(&t);
	if (r == 0)
		r = tell_program(&t);
	trace_done(&t);
	if (r < 0)
		trace_result_done(ret);
	return r;
}
