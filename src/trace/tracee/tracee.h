/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ptrace and seccomp, and nothing about pages: a child that is traced from its first
 * instruction on and stops at few system calls only, and what a tracer can do to a stopped
 * task. A task may be killed at any moment: -ESRCH is always possible and never a problem.
 */
#ifndef ELFCAST_TRACEE_H
#define ELFCAST_TRACEE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* sys/ptrace.h and linux/ptrace.h cannot be included together. */
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

bool tracee_has_breakpoints(void); /* of this processor */

/* Whether calls are filtered and a userfaultfd can be injected on this architecture. */
bool tracee_arch_supported(void);

/* Whom to run a program as; all borrowed. */
struct trace_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
	const char *name, *home;
};

struct tracee_spawn {
	const char *program;
	char *const *argv;
	bool inherit_stdio;   /* else /dev/null */
	bool only_executed;   /* it stops where it executes, at no other call */
	bool announce;	      /* tracee_can_copy_descriptors() */
	bool lookups;	      /* else nobody is told of calls that only name a path */
	int error_fd;	      /* then its standard error, where it is not -1 */
	const sigset_t *mask; /* of the program */
	const struct trace_user *user; /* NULL: as who we are */
};

/*
 * Whether pidfd_getfd(2) is allowed, without which nothing can be announced and no userfaultfd be
 * had. The filter of systemd-nspawn refuses it (systemd 252 to 257), with -EPERM.
 */
bool tracee_can_copy_descriptors(void);

/*
 * Fork, trace, and let the child exec with the filter installed. ret_error_fd: holds the
 * negative errno (an int) when it cannot exec, ends empty when it could. ret_listener: announces
 * calls of which it is enough to know that they begin, of it and of all its children, which wait for the answer
 * (seccomp_unotify(2)); -1: they stop as others do, as all do without announce.
 */
int tracee_spawn(const struct tracee_spawn *s, pid_t *ret_pid, int *ret_error_fd,
		 int *ret_listener);

/* Go on: PTRACE_CONT, PTRACE_SYSCALL (stop where the current call ends), PTRACE_LISTEN. */
void tracee_resume(pid_t tid, int request, int sig);
/* PTRACE_GETEVENTMSG; 0 when the task is gone. */
unsigned long tracee_event_message(pid_t tid);

struct tracee_call {
	bool is_foreign; /* of another ABI (x32): not all of its calls stop */
	uint64_t nr;
	uint64_t args[6];
};

/* At a seccomp stop. */
int tracee_get_call(pid_t tid, struct tracee_call *ret);
/* At the stop at the end of a call: its result, -errno included. */
int tracee_get_result(pid_t tid, int64_t *ret);
/* Change the flags of an mmap call, at a seccomp stop and back at its end. */
int tracee_set_mmap_flags(pid_t tid, uint64_t flags);

/*
 * A breakpoint at ADDR of memory that TID has mapped privately: the kernel gives it a copy of the page. -EEXIST: it is the
 * program's own that is there.
 */
int tracee_set_breakpoint(pid_t tid, uint64_t addr);
/* What CODE begins with is there again. -EEXIST: another thread was faster. */
int tracee_remove_breakpoint(pid_t tid, uint64_t addr, const uint8_t code[static 4]);
/* TID has stopped with SIGTRAP: for the breakpoint at *RET, which may be its own. -ENOENT: for none. */
int tracee_at_breakpoint(pid_t tid, uint64_t *ret);
/* Execute what is at ADDR next. */
int tracee_go_back_to(pid_t tid, uint64_t addr);

/* Whether its system calls are of the kind that is filtered: not those of a 32-bit program. */
bool tracee_is_native(pid_t tid);
/* May wait for whoever serves the memory: for what the kernel itself supplies. */
int tracee_read(pid_t tid, uint64_t addr, void *buffer, size_t bytes);
/* Only where a page is, -EAGAIN elsewhere. PAGEMAP: /proc/TID/pagemap. */
int tracee_read_present(pid_t tid, int pagemap, uint64_t addr, void *buffer, size_t bytes);
/* The same of a string: with its NUL at most BYTES, or -ENAMETOOLONG. */
int tracee_read_string(pid_t tid, int pagemap, uint64_t addr, char *ret, size_t bytes);
/* Filters in force ("Seccomp_filters" of /proc/PID/status, Linux 5.9); 0: not told. */
unsigned tracee_seccomp_filters(pid_t tid);
/* 1: both use one address space, 0: not, or negative errno. */
int tracee_same_memory(pid_t a, pid_t b);
bool tracee_is_leader(pid_t tid);
pid_t tracee_parent(pid_t pid); /* 0: not known */

/* Offset of a system call instruction in the vDSO at VDSO, 0: none found. */
uint64_t tracee_find_syscall(pid_t tid, uint64_t vdso);

/*
 * Make TID, the only thread of its process, open a userfaultfd and close it again, and return
 * our copy of it. SYSCALL_ADDR: a system call instruction in its memory. SANDBOXED: it has a
 * filter of its own, which could kill it for a call that it does not know; filters are
 * suspended meanwhile, which takes CAP_SYS_ADMIN (-EPERM). The task's state is afterwards as
 * before. *ret_status is its wait status when it ended meanwhile (-ESRCH), else 0.
 */
int tracee_open_uffd(pid_t tid, uint64_t syscall_addr, bool sandboxed, int *ret_status);

#endif
