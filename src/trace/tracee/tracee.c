/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A start goes through a pipe: fork, the parent attaches (PTRACE_SEIZE), writes a byte, and only
 * then does the child set its filter and execute. So it is traced from its first instruction,
 * and a parent that could not attach leaves a child that never ran anything. A second pipe, closed
 * by exec, brings the error of a start that failed.
 *
 * Calls are injected into a stopped task at the vDSO's own syscall instruction, since nothing may
 * be written into its text; its registers are put back afterwards.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/elf.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "cpu.h"
#include "io.h"
#include "macro.h"
#include "tracee.h"

/* linux/seccomp.h of Linux 5.19 */
#define FLAG_WAIT_KILLABLE (1UL << 5)

#define SIGNAL_SET_BYTES   8 /* the kernel's sigset_t */

#define PAGEMAP_PRESENT	   (1ull << 63)

#define OPTIONS                                                                            \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |                \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |                   \
	 PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

bool tracee_arch_supported(void)
{
	return cpu_audit_arch != 0;
}

/* ---- the child ---- */

#define LOAD(field)	       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action)	       BPF_STMT(BPF_RET | BPF_K, action)
#define DO_IF_CALL(nr, action) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RETURN(action)
#define TRACE_IF_CALL(nr)      DO_IF_CALL(nr, SECCOMP_RET_TRACE)
#define ANNOUNCE_IF_CALL(nr)   DO_IF_CALL(nr, if_announced)
#define LOOKUP_IF_CALL(nr)     DO_IF_CALL(nr, if_lookup)
/* Unless FLAG is among the flags, argument ARG; little endian: its low half. */
#define LOOKUP_IF_WITHOUT(nr, arg, flag)                                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4), LOAD(args[arg]),                    \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1),                          \
		RETURN(SECCOMP_RET_ALLOW), RETURN(if_lookup)

static int install(struct sock_filter *code, size_t n, unsigned flags)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
	int r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return r < 0 ? -errno : r;
}

/*
 * Calls that change which files are mapped, read files, or look up names, but for those of
 * files that are open already or are to be made. Those that only handle anonymous memory or do not
 * concern files are not to be slowed down. IF_ASKED: what comes of a
 * program's question whether it is filtered; IF_ANNOUNCED: of calls of which it is enough to know that
 * they begin; IF_LOOKUP: of those that only name a path. FLAGS: of seccomp(2), whose result it is.
 */
static int set_filter(uint32_t if_asked, uint32_t if_announced, uint32_t if_lookup,
		      unsigned flags)
{
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cpu_audit_arch, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(nr),
		/* Most calls of the other ABI have the same numbers beside. */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~cpu_other_abi_bit),
		ANNOUNCE_IF_CALL(__NR_read),
		ANNOUNCE_IF_CALL(__NR_munmap),
		ANNOUNCE_IF_CALL(__NR_pread64),
		TRACE_IF_CALL(__NR_readv),
		TRACE_IF_CALL(__NR_preadv),
		TRACE_IF_CALL(__NR_preadv2),
		TRACE_IF_CALL(__NR_mremap),
		TRACE_IF_CALL(__NR_execve),
		TRACE_IF_CALL(__NR_execveat),
		TRACE_IF_CALL(__NR_sendfile),
		TRACE_IF_CALL(__NR_copy_file_range),
		TRACE_IF_CALL(__NR_splice),
		LOOKUP_IF_WITHOUT(__NR_openat, 2, O_CREAT),
		LOOKUP_IF_CALL(__NR_openat2),
#ifdef __NR_newfstatat /* else none of those that follow a launch */
		LOOKUP_IF_WITHOUT(__NR_newfstatat, 3, AT_EMPTY_PATH),
#endif
		LOOKUP_IF_WITHOUT(__NR_statx, 2, AT_EMPTY_PATH),
		LOOKUP_IF_CALL(__NR_faccessat),
		LOOKUP_IF_CALL(__NR_faccessat2),
		LOOKUP_IF_CALL(__NR_readlinkat),
		LOOKUP_IF_CALL(__NR_getdents64),
		LOOKUP_IF_CALL(__NR_chdir),
		TRACE_IF_CALL(__NR_chroot),
		TRACE_IF_CALL(__NR_pivot_root),
		TRACE_IF_CALL(__NR_unshare),
		TRACE_IF_CALL(__NR_setns),
#ifdef __NR_open /* calls that newer processors never had */
		LOOKUP_IF_WITHOUT(__NR_open, 1, O_CREAT),
		LOOKUP_IF_CALL(__NR_stat),
		LOOKUP_IF_CALL(__NR_lstat),
		LOOKUP_IF_CALL(__NR_access),
		LOOKUP_IF_CALL(__NR_readlink),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prctl, 0, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_GET_SECCOMP, 0, 1),
		RETURN(if_asked),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(args[3]), /* little endian: the low half, where all flags are */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
		RETURN(SECCOMP_RET_TRACE),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_FIXED, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(if_announced),
	};

	return install(code, ARRAY_SIZE(code), flags);
}

/* Which program a launch is of is told by what it executes. */
static int set_exec_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cpu_audit_arch, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(nr),
		TRACE_IF_CALL(__NR_execve),
		TRACE_IF_CALL(__NR_execveat),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(code, ARRAY_SIZE(code), 0);
}

/*
 * Such calls are announced, unless somebody is told of ours already (-EBUSY), or the kernel cannot
 * (Linux 5.19: not taken back by signals once they are received).
 */
static int announce_or_stop(uint32_t if_asked, const struct tracee_spawn *s,
			    int *ret_listener)
{
	int r = !s->announce
			? -EOPNOTSUPP
			: set_filter(if_asked, SECCOMP_RET_USER_NOTIF,
				     s->lookups ? SECCOMP_RET_USER_NOTIF
						: SECCOMP_RET_ALLOW,
				     SECCOMP_FILTER_FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE);

	if (r >= 0)
		*ret_listener = r;
	if (r >= 0 || r == -EACCES)
		return MIN(r, 0);
	if (s->only_executed)
		return set_exec_filter();
	return set_filter(if_asked, SECCOMP_RET_TRACE,
			  s->lookups ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW, 0);
}

/*
 * A program that asks (man does, and has no sandbox then) is told what it would be told
 * without us, but only where we can look into its sandbox.
 */
static int install_filter(const struct tracee_spawn *s, int *ret_listener)
{
	bool filtered = prctl(PR_GET_SECCOMP) != 0;
	int r = announce_or_stop(filtered ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO /* 0 */,
				 s, ret_listener);

	/* Without CAP_SYS_ADMIN it takes no_new_privs, which disables set-user-id programs. */
	if (r != -EACCES)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return announce_or_stop(SECCOMP_RET_ALLOW, s, ret_listener);
}

/*
 * Where the page cache holds 2 MiB folios, one touch maps 512 pages whatever userfaultfd
 * watches: finish_fault() maps a PMD first (Linux 6.18, 7.2). Inherited by all children; only
 * a kernel without huge pages does not know it.
 */
static void keep_pages_small(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static int null_stdio(int error_fd)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 ||
	    dup2(error_fd >= 0 ? error_fd : fd, 2) < 0)
		return -errno;
	if (fd > 2)
		close(fd);
	return 0;
}

/* As a login does it; the rest of the environment is what the caller had. */
static int become(const struct trace_user *u)
{
	if (setgroups(u->n_groups, u->groups) < 0 ||
	    setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
		return -errno;
	if (setenv("HOME", u->home, 1) < 0 || setenv("USER", u->name, 1) < 0 ||
	    setenv("LOGNAME", u->name, 1) < 0)
		return -errno;
	return 0;
}

/*
 * Of the child: it is told to go on twice, with its filter in between, of which it tells the
 * descriptor that announces calls (-1: none). False: the tracer could not trace, or is gone.
 */
static bool prepare(const struct tracee_spawn *s, int go_fd, int error_fd, int *ret_error)
{
	int listener = -1, r = 0;
	sigset_t all;
	char go;

	if (io_read_full(go_fd, &go, 1) < 0)
		return false;
	/* A signal would stop it while it is waited for. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (!s->inherit_stdio)
		r = null_stdio(s->error_fd);
	keep_pages_small();
	/* Still as root: the filter then costs the program no privileges. */
	if (r == 0)
		r = install_filter(s, &listener);
	*ret_error = r;
	return io_write_full(error_fd, &listener, sizeof(listener)) == 0 &&
	       io_read_full(go_fd, &go, 1) == 0;
}

__attribute__((noreturn)) static void run_child(const struct tracee_spawn *s, int go_fd,
						int error_fd)
{
	int r;

	if (!prepare(s, go_fd, error_fd, &r))
		_exit(127);
	sigprocmask(SIG_SETMASK, s->mask, NULL);
	if (r == 0 && s->user)
		r = become(s->user);
	if (r == 0) {
		execve(s->program, s->argv, environ);
		r = -errno;
	}
	if (io_write_full(error_fd, &r, sizeof(r)) < 0)
		_exit(126);
	_exit(127);
}

static int copy_fd(pid_t tid, int remote);

/* Of the tracer. *ret_listener is ours. */
static int lead(pid_t pid, int go_fd, int error_fd, int *ret_listener)
{
	int r = ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0 ? -errno : 0, remote = -1;

	*ret_listener = -1;
	if (r == 0)
		r = io_write_full(go_fd, "", 1);
	if (r == 0)
		r = io_read_full(error_fd, &remote, sizeof(remote));
	if (r == 0 && remote >= 0)
		*ret_listener = r = copy_fd(pid, remote);
	return r < 0 ? r : io_write_full(go_fd, "", 1);
}

int tracee_spawn(const struct tracee_spawn *s, pid_t *ret_pid, int *ret_error_fd,
		 int *ret_listener)
{
	_cleanup_close_ int go_r = -1, go_w = -1, error_r = -1, error_w = -1;
	int go[2], error[2], r;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	go_r = go[0];
	go_w = go[1];
	if (pipe2(error, O_CLOEXEC) < 0)
		return -errno;
	error_r = error[0];
	error_w = error[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(TAKE_FD(go_w));
		run_child(s, go_r, error_w);
	}
	close(TAKE_FD(error_w)); /* whoever dies says nothing */
	r = lead(pid, go_w, error_r, ret_listener);
	if (r < 0) {
		closep(ret_listener);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, __WALL);
		return r;
	}
	*ret_pid = pid;
	*ret_error_fd = TAKE_FD(error_r);
	return 0;
}

/* ---- the tracer ---- */

void tracee_resume(pid_t tid, int request, int sig)
{
	ptrace((enum __ptrace_request)request, tid, 0, (long)sig);
}

unsigned long tracee_event_message(pid_t tid)
{
	unsigned long message = 0;

	return ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) < 0 ? 0 : message;
}

int tracee_get_call(pid_t tid, struct tracee_call *ret)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return -errno;
	if (info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return -EINVAL;
	ret->nr = info.seccomp.nr;
	ret->is_foreign = ret->nr & cpu_other_abi_bit;
	memcpy(ret->args, info.seccomp.args, sizeof(ret->args));
	return 0;
}

int tracee_get_result(pid_t tid, int64_t *ret)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return -errno;
	if (info.op != PTRACE_SYSCALL_INFO_EXIT)
		return -EINVAL;
	*ret = info.exit.rval;
	return 0;
}

bool tracee_is_native(pid_t tid)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) > 0 &&
	       info.arch == cpu_audit_arch;
}

/* -EOPNOTSUPP: not the registers of a program of our kind. */
static int get_regs(pid_t tid, struct cpu_regs *ret)
{
	struct iovec regs = { .iov_base = ret, .iov_len = sizeof(*ret) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &regs) < 0)
		return -errno;
	return regs.iov_len == sizeof(*ret) ? 0 : -EOPNOTSUPP;
}

static int set_regs(pid_t tid, struct cpu_regs *r)
{
	struct iovec regs = { .iov_base = r, .iov_len = sizeof(*r) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &regs) < 0 ? -errno : 0;
}

int tracee_set_mmap_flags(pid_t tid, uint64_t flags)
{
	struct cpu_regs regs;
	int r = get_regs(tid, &regs);

	if (r < 0)
		return r;
	cpu_set_mmap_flags(&regs, flags);
	return set_regs(tid, &regs);
}

/* ---- breakpoints ---- */

bool tracee_has_breakpoints(void)
{
	return cpu_breakpoint_bytes > 0;
}

/*
 * In the aligned word around it, so that no other page is needed; the kernel sees to the instruction cache
 * (arch/arm64/mm/flush.c). -EEXIST: it was there; -EINVAL: no instruction begins there.
 */
static int replace_code(pid_t tid, uint64_t addr, const uint8_t *code)
{
	uint64_t at = addr & ~(uint64_t)(sizeof(long) - 1);
	union {
		long word;
		uint8_t bytes[sizeof(long)];
	} u;

	if (addr % cpu_breakpoint_bytes != 0)
		return -EINVAL;
	errno = 0;
	u.word = ptrace(PTRACE_PEEKTEXT, tid, at, 0);
	if (errno)
		return -errno;
	if (memcmp(u.bytes + (addr - at), code, cpu_breakpoint_bytes) == 0)
		return -EEXIST;
	memcpy(u.bytes + (addr - at), code, cpu_breakpoint_bytes);
	return ptrace(PTRACE_POKETEXT, tid, at, u.word) < 0 ? -errno : 0;
}

int tracee_set_breakpoint(pid_t tid, uint64_t addr)
{
	return replace_code(tid, addr, cpu_breakpoint);
}

int tracee_remove_breakpoint(pid_t tid, uint64_t addr, const uint8_t code[static 4])
{
	return replace_code(tid, addr, code);
}

int tracee_at_breakpoint(pid_t tid, uint64_t *ret)
{
	struct cpu_regs regs;
	siginfo_t info;
	int r;

	if (ptrace(PTRACE_GETSIGINFO, tid, 0, &info) < 0)
		return -errno;
	/* What a process has sent is not. */
	if (info.si_code <= 0)
		return -ENOENT;
	r = get_regs(tid, &regs);
	if (r == 0)
		*ret = cpu_breakpoint_addr(&regs);
	return r;
}

int tracee_go_back_to(pid_t tid, uint64_t addr)
{
	struct cpu_regs regs;
	int r = get_regs(tid, &regs);

	if (r < 0)
		return r;
	cpu_go_to(&regs, addr);
	return set_regs(tid, &regs);
}

int tracee_read(pid_t tid, uint64_t addr, void *buffer, size_t bytes)
{
	struct iovec local = { .iov_base = buffer, .iov_len = bytes };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = bytes };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : (size_t)n < bytes ? -EFAULT : 0;
}

static bool is_present(int pagemap, uint64_t addr)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), entry;

	return pread(pagemap, &entry, sizeof(entry),
		     (off_t)(addr / page_bytes * sizeof(entry))) == sizeof(entry) &&
	       entry & PAGEMAP_PRESENT;
}

int tracee_read_present(pid_t tid, int pagemap, uint64_t addr, void *buffer, size_t bytes)
{
	if (bytes == 0 || addr > UINT64_MAX - bytes || !is_present(pagemap, addr) ||
	    !is_present(pagemap, addr + bytes - 1))
		return -EAGAIN;
	return tracee_read(tid, addr, buffer, bytes);
}

int tracee_read_string(pid_t tid, int pagemap, uint64_t addr, char *ret, size_t bytes)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t got = 0; got < bytes;) {
		size_t n = MIN(bytes - got, page_bytes - (addr + got) % page_bytes);
		int r = tracee_read_present(tid, pagemap, addr + got, ret + got, n);

		if (r < 0)
			return r;
		if (memchr(ret + got, 0, n))
			return 0;
		got += n;
	}
	return -ENAMETOOLONG;
}

unsigned tracee_seccomp_filters(pid_t tid)
{
	char text[4096], path[64], *line;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	line = strstr(text, "\nSeccomp_filters:");
	return line ? (unsigned)strtoul(line + sizeof("\nSeccomp_filters:") - 1, NULL, 10)
		    : 0;
}

int tracee_same_memory(pid_t a, pid_t b)
{
	long r = syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);

	return r < 0 ? -errno : r == 0;
}

bool tracee_is_leader(pid_t tid)
{
	/* pidfd_open() refuses threads: cheaper than reading /proc/TID/status. */
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, tid, 0);

	return fd >= 0;
}

pid_t tracee_parent(pid_t pid)
{
	char text[512], path[64], *end;
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int ppid;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = 0;
	/* "PID (NAME) STATE PPID …": a name may hold anything. */
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &ppid) == 1 ? ppid : 0;
}

uint64_t tracee_find_syscall(pid_t tid, uint64_t vdso)
{
	uint8_t code[8192];
	size_t bytes = sizeof(code);

	/* The vDSO is one or two pages of code; data pages lie below it. */
	while (bytes && tracee_read(tid, vdso, code, bytes) < 0)
		bytes -= 4096;
	return cpu_find_syscall(code, bytes);
}

/*
 * Run on to the next stop at the start or end of a system call. Signals that come between
 * (all others are blocked: SIGSTOP, synchronous ones) are sent again in the end, by bits of
 * *LATER.
 */
static int run_to_call_stop(pid_t tid, uint64_t *later, int *ret_status)
{
	for (;;) {
		int status, sig;

		if (ptrace(PTRACE_SYSCALL, tid, 0, 0) < 0)
			return -errno; /* killed: its end is yet to be waited for */
		if (waitpid(tid, &status, __WALL) < 0)
			return -errno;
		if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXIT) {
			*ret_status = status;
			return -ESRCH;
		}
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80))
			return 0;
		if (status >> 16 == 0)
			*later |= UINT64_C(1) << sig;
	}
}

struct injection {
	pid_t tid;
	struct cpu_regs saved;
	uint64_t syscall_addr;
	uint64_t later;
	int status;
};

static int inject_call(struct injection *in, long nr, uint64_t arg, int64_t *ret)
{
	struct cpu_regs regs = in->saved;
	int r;

	cpu_set_call(&regs, in->syscall_addr, nr, arg);
	r = set_regs(in->tid, &regs);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) { /* its start, its end */
		r = run_to_call_stop(in->tid, &in->later, &in->status);
		if (r < 0)
			return r;
	}
	return tracee_get_result(in->tid, ret);
}

/* Descriptor REMOTE of TID, here. */
static int copy_fd(pid_t tid, int remote)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, tid, 0);
	int fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, remote, 0);
	return fd < 0 ? -errno : fd;
}

bool tracee_can_copy_descriptors(void)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int copy =
		pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, pidfd, 0);

	return copy >= 0;
}

static int inject_userfaultfd(struct injection *in)
{
	_cleanup_close_ int fd = -1;
	int64_t remote, ignored;
	int r;

	r = inject_call(in, __NR_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY,
			&remote);
	if (r < 0)
		return r;
	if (remote < 0)
		return (int)remote;
	fd = copy_fd(in->tid, (int)remote);
	r = inject_call(in, __NR_close, (uint64_t)remote, &ignored);
	if (r < 0)
		return r;
	return TAKE_FD(fd);
}

int tracee_open_uffd(pid_t tid, uint64_t syscall_addr, bool sandboxed, int *ret_status)
{
	struct injection in = { .tid = tid, .syscall_addr = syscall_addr };
	unsigned long options = OPTIONS | (sandboxed ? PTRACE_O_SUSPEND_SECCOMP : 0);
	uint64_t mask, all = UINT64_MAX;
	int r;

	*ret_status = 0;
	r = get_regs(tid, &in.saved);
	if (r < 0)
		return r;
	if (ptrace(PTRACE_GETSIGMASK, tid, SIGNAL_SET_BYTES, &mask) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_BYTES, &all) < 0)
		return -errno;
	r = ptrace(PTRACE_SETOPTIONS, tid, 0, options) < 0 ? -errno
							   : inject_userfaultfd(&in);
	ptrace(PTRACE_SETOPTIONS, tid, 0, OPTIONS);
	set_regs(tid, &in.saved);
	ptrace(PTRACE_SETSIGMASK, tid, SIGNAL_SET_BYTES, &mask);
	for (int sig = 1; sig < 64; sig++)
		if (in.later & UINT64_C(1) << sig)
			kill(tid, sig);
	*ret_status = in.status;
	return r;
}
