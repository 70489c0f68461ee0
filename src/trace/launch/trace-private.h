/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of one recording, between trace-launch.c (the process that nothing can stop),
 * trace.c (the event loop, its clock and its end) and trace-events.c (what each stop of a task
 * means). Each task and each address space is in
 * exactly one list; an address space lives while tasks use it.
 */
#ifndef ELFCAST_TRACE_PRIVATE_H
#define ELFCAST_TRACE_PRIVATE_H

#include "address-space.h"
#include "bounds.h"
#include "clock.h"
#include "front.h"
#include "notified.h"
#include "pageset.h"
#include "trace.h"
#include "traced-calls.h"
#include "tracee.h"

#define TASK_SLOTS 1024

/* What is to be done where the current system call ends. */
enum task_pending {
	PENDING_NONE,
	PENDING_MMAP,
	PENDING_MREMAP,
	PENDING_EXEC,
	PENDING_READ,
	PENDING_ROOT,
};

struct task {
	struct task *next;
	pid_t tid;
	bool leader;
	bool started;	/* its first stop has been seen */
	bool outside;	/* not of the program that is recorded: of who started it */
	char *executes; /* path of its current execve(), absolute; NULL: not known */
	struct address_space *as; /* NULL: not known yet, or gone */
	enum task_pending pending;
	struct mapping mapping;	 /* with PENDING_MMAP: all but the address */
	struct traced_read read; /* with PENDING_READ */
	struct traced_path path; /* with: */
	bool has_path;		 /* it is to be read when that call is over */
	uint32_t roots_seen;	 /* n_roots when OWN_PATHS was found out */
	bool own_paths;		 /* paths mean to it what they mean to us */
	uint64_t flags_before;	 /* of a changed mmap call, 0: not changed */
};

struct trace {
	pthread_mutex_t lock; /* held by who does anything with what follows */
	struct notified notified;
	const struct trace_options *options;
	struct trace_result *result;
	struct traced_files files;
	struct asked_paths asked;
	uint32_t n_roots; /* 1, and calls that may have changed what paths mean */
	struct task *tasks[TASK_SLOTS];
	size_t n_tasks;
	struct address_space *spaces;
	pid_t pid; /* of the command */
	bool executed;
	const char *program; /* that is executed first */
	struct front front;
	bool has_outside; /* some task may be */
	/* Pages that were known at the end of each time bucket. */
	uint64_t n_pages_at[LIMIT_WHEN + 1];
	uint64_t start_us, next_scan_us; /* CLOCK_MONOTONIC; start is the exec */
	uint32_t next_when;
	uint64_t vdso_syscall_off;
	unsigned n_filters; /* seccomp filters that are not the program's own */
	uint64_t ending_us; /* since when the launch is being ended, 0: it is not */
	bool killed;
	int error;
};

static inline uint32_t when_now(const struct trace *t)
{
	return t->executed ? when_from_us(clock_us() - t->start_us) : 0;
}

static inline bool trace_at_exit(const struct trace *t)
{
	return t->result->method == TRACE_EXIT;
}

/* TRACE_PTE where there is no userfaultfd as exact recording needs it. */
enum trace_method trace_method_here(enum trace_method wanted);

/*
 * trace_launch() without a limit for what hangs, in a process of its own: its signals, its
 * standard descriptors and all its children are the recording's. MASK: the program's. ERROR_FD:
 * its standard error, where it has not ours; -1: /dev/null. OPTIONS: the method as
 * trace_method_here() has it.
 */
int trace_record(const char *program, char *const argv[], const sigset_t *mask,
		 const struct trace_options *options, int error_fd,
		 struct trace_result *ret);

/* New, or the one that is there. NULL: no memory, which is noted. */
struct task *trace_add_task(struct trace *t, pid_t tid);
/* TASK is a process, not a thread: found out, and counted. */
void trace_set_leader(struct trace *t, struct task *task);
/* A call that was announced, with the lock. */
void trace_on_announced(struct trace *t, pid_t tid, const struct tracee_call *call);
/* Record what AS has touched by now. AS may be NULL. */
void trace_scan(struct trace *t, struct address_space *as, uint32_t when);
/* A task stopped or ended: do what is to be done, and let it go on. */
void trace_on_status(struct trace *t, pid_t tid, int status);
void trace_remove_all_tasks(struct trace *t);

#endif
