/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the stops of tasks mean: pages are collected before they vanish (munmap, exec, exit),
 * new mappings registered before they are used, new processes followed.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bounds.h"
#include "breakpoints.h"
#include "cpu.h"
#include "trace-private.h"

/* Keep the first error; recording goes on as far as it can. */
static void note_error(struct trace *t, int r)
{
	if (r < 0 && t->error == 0)
		t->error = r;
}

/* ---- tasks and address spaces ---- */

static struct task **task_slot(struct trace *t, pid_t tid)
{
	struct task **p = &t->tasks[(unsigned)tid % TASK_SLOTS];

	while (*p && (*p)->tid != tid)
		p = &(*p)->next;
	return p;
}

struct task *trace_add_task(struct trace *t, pid_t tid)
{
	struct task **slot = task_slot(t, tid), *task;

	if (*slot)
		return *slot;
	task = calloc(1, sizeof(*task));
	if (!task) {
		note_error(t, -ENOMEM);
		return NULL;
	}
	task->tid = tid;
	*slot = task;
	t->n_tasks++;
	return task;
}

static struct address_space *space_new(struct trace *t, pid_t tid)
{
	bool by_scan = t->result->method == TRACE_UFFD;
	struct address_space *as = address_space_new(tid, by_scan);

	if (!as) {
		note_error(t, -ENOMEM);
		return NULL;
	}
	as->next = t->spaces;
	t->spaces = as;
	return as;
}

static void space_remove(struct trace *t, struct address_space *as)
{
	struct address_space **p = &t->spaces;

	while (*p != as)
		p = &(*p)->next;
	*p = as->next;
	if (!as->outside && !trace_at_exit(t) &&
	    (as->blind ||
	     (t->result->method == TRACE_UFFD && (as->inexact || as->uffd < 0))))
		t->result->n_unseen++;
	address_space_free(as);
}

static void task_set_space(struct trace *t, struct task *task, struct address_space *as)
{
	struct address_space *old = task->as;

	if (as)
		as->n_tasks++;
	task->as = as;
	if (old && --old->n_tasks == 0)
		space_remove(t, old);
}

static void task_remove(struct trace *t, struct task **slot)
{
	struct task *task = *slot;

	task_set_space(t, task, NULL);
	*slot = task->next;
	free(task->executes);
	free(task);
	t->n_tasks--;
}

/* ---- recording ---- */

void trace_scan(struct trace *t, struct address_space *as, uint32_t when)
{
	if (as && t->executed && !as->outside)
		address_space_scan(as, &t->files, when);
}

static void open_uffd(struct trace *t, struct task *task, uint64_t vdso, int *ret_status)
{
	bool sandboxed;
	int fd;

	if (t->result->method != TRACE_UFFD || !vdso)
		return;
	if (!t->vdso_syscall_off)
		t->vdso_syscall_off = tracee_find_syscall(task->tid, vdso);
	if (!t->vdso_syscall_off)
		return;
	sandboxed = tracee_seccomp_filters(task->tid) > t->n_filters;
	fd = tracee_open_uffd(task->tid, vdso + t->vdso_syscall_off, sandboxed, ret_status);
	if (fd >= 0)
		address_space_take_uffd(task->as, fd);
}

/*
 * TASK, alone in a new address space, is stopped before its first instruction there.
 * *ret_status: how it ended meanwhile, else 0.
 */
static void begin_space(struct trace *t, struct task *task, int *ret_status)
{
	uint64_t vdso = 0;

	task_set_space(t, task, space_new(t, task->tid));
	if (!task->as)
		return;
	task->as->outside = task->outside;
	task->as->blind = trace_at_exit(t) || !tracee_is_native(task->tid);
	if (address_space_load(task->as, &t->files, &vdso) < 0 || task->as->blind)
		return;
	open_uffd(t, task, vdso, ret_status);
	address_space_register_all(task->as);
}

static void begin_recording(struct trace *t)
{
	t->executed = true;
	t->result->n_stops = t->result->n_announced = 0;
	t->start_us = clock_us();
	t->next_when = 0;
	t->next_scan_us =
		trace_at_exit(t) ? UINT64_MAX : t->start_us + when_end_us(t->next_when++);
}

/* TASK is what it was all about: what was before does not count, nor do others that go on. */
static void begin_again(struct trace *t, struct task *task)
{
	traced_files_forget(&t->files);
	asked_paths_done(&t->asked);
	for (size_t i = 0; i < TASK_SLOTS; i++)
		for (struct task *other = t->tasks[i]; other; other = other->next)
			other->outside = other != task;
	for (struct address_space *as = t->spaces; as; as = as->next)
		as->outside = true;
	t->has_outside = true;
	if (t->options->functions)
		functions_forget(t->options->functions);
	t->result->n_processes = 1;
	t->result->n_unseen = 0;
	begin_recording(t);
}

/* What TASK has executed may be what the command is there for. */
static void follow_front(struct trace *t, struct task *task)
{
	const char *path = t->executed ? task->executes : t->program;
	bool in_front = front_executed(&t->front, task->tid, path, t->options->of);

	if (in_front && t->options->of_itself)
		front_stay(&t->front);
	if (!t->executed) {
		begin_recording(t);
		t->n_filters = tracee_seccomp_filters(task->tid);
	} else if (in_front) {
		begin_again(t, task);
	}
}

/* ---- system calls ---- */

/*
 * A shared mapping of a descriptor without write permission cannot be registered
 * (VM_MAYWRITE, fs/userfaultfd.c). Private, it shows the same bytes.
 */
static void make_private(struct task *task, const struct tracee_call *call)
{
	uint64_t flags = call->args[3];
	int fd_flags;

	task->flags_before = 0;
	if ((flags & MAP_TYPE) != MAP_SHARED || call->args[2] & PROT_WRITE ||
	    traced_fd_info(task->tid, (int)call->args[4], &fd_flags, NULL) < 0 ||
	    (fd_flags & O_ACCMODE) != O_RDONLY)
		return;
	if (tracee_set_mmap_flags(task->tid, (flags & ~(uint64_t)MAP_TYPE) | MAP_PRIVATE) ==
	    0)
		task->flags_before = flags;
}

/* Returns how to go on. */
static int enter_mmap(struct trace *t, struct task *task, const struct tracee_call *call)
{
	const uint64_t *a = call->args;
	struct traced_file *file;

	if (a[3] & MAP_FIXED)
		note_error(t, address_space_unmap(task->as, a[0], a[1], when_now(t)));
	if (a[3] & MAP_ANONYMOUS)
		return PTRACE_CONT;
	file = traced_files_by_fd(&t->files, task->tid, (int)a[4]);
	if (!file)
		return PTRACE_CONT;
	if (task->as->uffd >= 0)
		make_private(task, call);
	task->mapping = (struct mapping){
		.end = a[1],
		.pgno = a[5] >> PAGE_SHIFT,
		.file = file,
		.is_code = a[2] & PROT_EXEC && (a[3] & MAP_TYPE) == MAP_PRIVATE,
	};
	task->pending = PENDING_MMAP;
	return PTRACE_SYSCALL;
}

static int enter_mremap(struct trace *t, struct task *task, const struct tracee_call *call)
{
	const uint64_t *a = call->args;
	bool fixed = a[3] & MREMAP_FIXED;

	/* Old length 0 asks for a second mapping of the same pages. */
	if (!address_space_overlaps(task->as, a[0], MAX(a[1], 1u)) &&
	    !(fixed && address_space_overlaps(task->as, a[4], a[2])))
		return PTRACE_CONT;
	trace_scan(t, task->as, when_now(t));
	task->pending = PENDING_MREMAP;
	return PTRACE_SYSCALL;
}

/* By others too, who share its root: asked again after each such call of anybody. */
static bool has_own_paths(const struct trace *t, struct task *task)
{
	if (task->roots_seen != t->n_roots) {
		task->own_paths = traced_paths_are_ours(task->tid);
		task->roots_seen = t->n_roots;
	}
	return task->own_paths;
}

static bool enter_path(struct trace *t, struct task *task, const struct tracee_call *call)
{
	return t->result->has_lookups && t->executed && has_own_paths(t, task) &&
	       traced_path_begin(&t->asked, &t->files, task->tid, task->as->pagemap, call,
				 &task->path);
}

/* Of a call that is over, as the next one shows: its path is in memory now. */
static void read_path(struct trace *t, struct task *task)
{
	if (task->has_path && task->as)
		traced_path_end(&t->asked, &t->files, task->tid, task->as->pagemap,
				&task->path);
	task->has_path = false;
}

/* Returns how to go on: PTRACE_SYSCALL only for a call that stops, not for one that is announced. */
static int enter_call(struct trace *t, struct task *task, const struct tracee_call *call)
{
	read_path(t, task);
	if (call->is_foreign) {
		task->as->blind = true;
		return PTRACE_CONT;
	}
	if (call->nr == __NR_execve || call->nr == __NR_execveat) {
		free(task->executes);
		task->executes =
			has_own_paths(t, task)
				? traced_executed_path(task->tid, task->as->pagemap, call)
				: NULL;
	}
	if (task->outside)
		return PTRACE_CONT;
	switch (call->nr) {
	case __NR_mmap:
		return enter_mmap(t, task, call);
	case __NR_munmap:
		note_error(t, address_space_unmap(task->as, call->args[0], call->args[1],
						  when_now(t)));
		return PTRACE_CONT;
	case __NR_mremap:
		return enter_mremap(t, task, call);
	case __NR_execve:
	case __NR_execveat:
		trace_scan(t, task->as, when_now(t));
		enter_path(t, task, call);
		return PTRACE_CONT;
	case __NR_chroot:
	case __NR_pivot_root:
	case __NR_unshare:
	case __NR_setns:
		task->pending = PENDING_ROOT;
		return PTRACE_SYSCALL;
	case __NR_read:
	case __NR_pread64:
		traced_read_asked(&t->files, task->tid, call, when_now(t));
		return PTRACE_CONT;
	default:
		task->has_path = enter_path(t, task, call);
		if (!traced_read_begin(&t->files, task->tid, call, &task->read))
			return PTRACE_CONT;
		task->pending = PENDING_READ;
		return PTRACE_SYSCALL;
	}
}

void trace_on_announced(struct trace *t, pid_t tid, const struct tracee_call *call)
{
	struct task *task = *task_slot(t, tid);

	if (!task || !task->as || t->ending_us)
		return;
	t->result->n_announced++;
	enter_call(t, task, call);
}

static int on_call(struct trace *t, struct task *task)
{
	struct tracee_call call;

	return task->as && tracee_get_call(task->tid, &call) == 0
		       ? enter_call(t, task, &call)
		       : PTRACE_CONT;
}

static void watch(struct trace *t, struct task *task, const struct mapping *m)
{
	if (t->options->functions && m && m->is_code && !task->as->blind)
		breakpoints_set(t->options->functions, m, task->tid);
}

static void leave_mmap(struct trace *t, struct task *task)
{
	struct mapping *m = &task->mapping;
	int64_t addr;

	if (task->flags_before)
		tracee_set_mmap_flags(task->tid, task->flags_before);
	if (!task->as || tracee_get_result(task->tid, &addr) < 0 || addr < 0)
		return;
	note_error(t,
		   address_space_map(task->as, (uint64_t)addr, m->end, m->pgno, m->file));
	m->start = (uint64_t)addr;
	m->end += m->start;
	watch(t, task, m);
}

static void leave_read(struct trace *t, struct task *task)
{
	int64_t result;

	if (task->as && tracee_get_result(task->tid, &result) == 0)
		traced_read_end(&task->read, task->tid, task->as->pagemap, result,
				when_now(t));
}

static void leave_call(struct trace *t, struct task *task, int *ret_status)
{
	enum task_pending pending = task->pending;

	task->pending = PENDING_NONE;
	if (pending == PENDING_MMAP)
		leave_mmap(t, task);
	else if (pending == PENDING_READ)
		leave_read(t, task);
	else if (pending == PENDING_ROOT)
		t->n_roots++;
	else if (pending == PENDING_MREMAP && task->as)
		address_space_load(task->as, &t->files, NULL);
	else if (pending == PENDING_EXEC)
		begin_space(t, task, ret_status);
	if (pending != PENDING_EXEC || !task->as || task->outside || trace_at_exit(t))
		return;
	address_space_mark_executed(task->as);
	for (size_t i = 0; i < task->as->n; i++)
		watch(t, task, &task->as->maps[i]);
}

/* Whether TASK, which has got signal SIG, has come to a breakpoint of ours. */
static bool on_breakpoint(const struct trace *t, const struct task *task, int sig)
{
	return sig == SIGTRAP && t->options->functions &&
	       breakpoints_take(t->options->functions, task->as, task->tid);
}

/* ---- processes ---- */

void trace_set_leader(struct trace *t, struct task *task)
{
	task->leader = tracee_is_leader(task->tid);
	t->result->n_processes += task->leader && !task->outside;
}

/*
 * The parent tells of its child. Now, while it is stopped, it is known whether they share
 * their memory; the child itself may have stopped before.
 */
static void on_new_child(struct trace *t, struct task *parent)
{
	pid_t tid = (pid_t)tracee_event_message(parent->tid);
	struct task *child;

	if (tid <= 0 || *task_slot(t, tid))
		return;
	if (tracee_same_memory(parent->tid, tid) < 0)
		return; /* gone; its end is waited for all the same */
	child = trace_add_task(t, tid);
	if (child)
		child->outside = parent->outside;
	if (child && parent->as && tracee_same_memory(parent->tid, tid) == 1)
		task_set_space(t, child, parent->as);
}

/* The child stopped before its parent: ask who shares its memory. */
static void find_space(struct trace *t, struct task *child)
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			if (task != child && task->as &&
			    tracee_same_memory(task->tid, child->tid) == 1) {
				task_set_space(t, child, task->as);
				return;
			}
}

/* The child stopped before its parent: ask whose it is. */
static bool is_of_outside(struct trace *t, const struct task *child)
{
	pid_t ppid = t->has_outside ? tracee_parent(child->tid) : 0;
	const struct task *parent = ppid > 0 ? *task_slot(t, ppid) : NULL;

	return parent && parent->outside;
}

static void on_first_stop(struct trace *t, struct task *task, bool told, int *ret_status)
{
	task->started = true;
	if (!told)
		task->outside = is_of_outside(t, task);
	trace_set_leader(t, task);
	if (!task->as && !told)
		find_space(t, task);
	if (!task->as)
		begin_space(t, task, ret_status);
}

static int on_exec(struct trace *t, struct task *task)
{
	pid_t former = (pid_t)tracee_event_message(task->tid);

	/* A thread that was not the leader takes over its number, and reports no end. */
	if (former > 0 && former != task->tid && *task_slot(t, former))
		task_remove(t, task_slot(t, former));
	task_set_space(t, task, NULL);
	if (!task->leader)
		trace_set_leader(t, task);
	follow_front(t, task);
	/* Registers are the program's own only when execve() is done. */
	task->pending = PENDING_EXEC;
	return PTRACE_SYSCALL;
}

/* Whose /proc/PID/maps are read when AS is blind: not that of a task that has ended. */
static void find_other_pid(struct trace *t, const struct task *gone)
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			if (task != gone && task->as == gone->as) {
				gone->as->pid = task->tid;
				return;
			}
}

static void on_exit_event(struct trace *t, struct task *task)
{
	if (!task->as)
		return;
	read_path(t, task);
	if (task->as->n_tasks == 1)
		trace_scan(t, task->as, when_now(t));
	else if (task->as->pid == task->tid)
		find_other_pid(t, task);
	task_set_space(t, task, NULL);
}

static bool is_job_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void on_stop(struct trace *t, struct task *task, int status, int *ret_status)
{
	int event = status >> 16, sig = WSTOPSIG(status), how = PTRACE_CONT, deliver = 0;

	t->result->n_stops++;
	switch (event) {
	case 0:
		if (sig == (SIGTRAP | 0x80))
			leave_call(t, task, ret_status);
		else if (!on_breakpoint(t, task, sig))
			deliver = sig;
		break;
	case PTRACE_EVENT_SECCOMP:
		how = on_call(t, task);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_new_child(t, task);
		break;
	case PTRACE_EVENT_EXEC:
		how = on_exec(t, task);
		break;
	case PTRACE_EVENT_EXIT:
		on_exit_event(t, task);
		break;
	case PTRACE_EVENT_STOP:
		if (is_job_stop(sig))
			how = PTRACE_LISTEN;
		break;
	}
	if (*ret_status == 0)
		tracee_resume(task->tid, how, deliver);
}

/* While the launch is being ended nothing is recorded any more. TASK may be NULL. */
static void pass_on(const struct trace *t, const struct task *task, pid_t tid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	if (event || sig == (SIGTRAP | 0x80) || (task && on_breakpoint(t, task, sig)))
		sig = 0;
	if (event == PTRACE_EVENT_STOP && is_job_stop(WSTOPSIG(status)))
		tracee_resume(tid, PTRACE_LISTEN, 0);
	else
		tracee_resume(tid, PTRACE_CONT, sig);
}

static void on_end(struct trace *t, pid_t tid, int status)
{
	struct task **slot = task_slot(t, tid);

	if (tid == t->pid && !t->ending_us) {
		t->result->exited = true;
		t->result->exit_status = status;
	}
	if (*slot)
		task_remove(t, slot);
}

void trace_on_status(struct trace *t, pid_t tid, int status)
{
	while (WIFSTOPPED(status)) {
		struct task *task = *task_slot(t, tid);
		bool told = task;
		int next = 0;

		if (!task)
			task = trace_add_task(t, tid);
		if (task && t->ending_us && !task->started)
			task->leader = tracee_is_leader(tid);
		if (!task || t->ending_us) {
			pass_on(t, task, tid, status);
			return;
		}
		if (!task->started)
			on_first_stop(t, task, told, &next);
		if (next == 0)
			on_stop(t, task, status, &next);
		if (next == 0)
			return;
		status = next;
	}
	on_end(t, tid, status);
}

void trace_remove_all_tasks(struct trace *t)
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		while (t->tasks[i])
			task_remove(t, &t->tasks[i]);
}
