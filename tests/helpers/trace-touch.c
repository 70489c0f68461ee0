/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Touches known pages of FILE in one of many ways; tests/system/trace.sh holds what was
 * recorded against what each case says here. Pages are the processor's: 4, 16 or 64 KiB.
 * Usage: trace-touch CASE FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "macro.h"

#define PAGE	 page_bytes
#define MAX_PAGE 65536
#define PAGES	 600
#define CHECK(x) ((x) ? (void)0 : die(#x, __LINE__))

static int page_bytes; /* bytes */
static const char *path;
static char *self;

static void die(const char *what, int line)
{
	fprintf(stderr, "trace-touch:%d: %s: %m\n", line, what);
	_exit(99);
}

static int open_file(int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static volatile char *map_at(void *at, int first, int pages, int prot, int flags,
			     int oflags)
{
	int fd = open_file(oflags);
	void *p = mmap(at, (size_t)pages * PAGE, prot, flags, fd, (off_t)first * PAGE);

	CHECK(p != MAP_FAILED);
	close(fd);
	return p;
}

static volatile char *map(int first, int pages)
{
	return map_at(NULL, first, pages, PROT_READ, MAP_PRIVATE, O_RDONLY);
}

static void touch(volatile char *p, int page)
{
	(void)p[(size_t)page * PAGE + 17];
}

static void unmap(volatile char *p, int pages)
{
	CHECK(munmap((void *)(uintptr_t)p, (size_t)pages * PAGE) == 0);
}

static void wait_for(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* 0, 3, 6 … 597 */
static void every_third(void)
{
	volatile char *p = map(0, PAGES);

	for (int i = 0; i < PAGES; i += 3)
		touch(p, i);
}

static void write_private(void) /* 1 5 */
{
	volatile char *p =
		map_at(NULL, 0, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, O_RDONLY);

	p[1 * PAGE] = 1;
	p[5 * PAGE] = 1;
}

static void write_every_third(void) /* 0 3 … 597 */
{
	volatile char *p =
		map_at(NULL, 0, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, O_RDONLY);

	for (int i = 0; i < PAGES; i += 3)
		p[(size_t)i * PAGE] = 1;
}

static void shared_read_only(void) /* 2 40 */
{
	volatile char *p = map_at(NULL, 0, PAGES, PROT_READ, MAP_SHARED, O_RDONLY);

	touch(p, 2);
	touch(p, 40);
}

static void shared_writable(void) /* 3 50 */
{
	volatile char *p =
		map_at(NULL, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, O_RDWR);

	touch(p, 3);
	touch(p, 50);
}

static void read_calls(void) /* 5-7 */
{
	char buffer[2 * MAX_PAGE];
	int fd = open_file(O_RDONLY);

	CHECK(lseek(fd, 5 * PAGE + 100, SEEK_SET) > 0);
	CHECK(read(fd, buffer, 10) == 10);
	CHECK(read(fd, buffer, 2 * PAGE) == 2 * PAGE);
}

static void pread_calls(void) /* 10 20-21 599 */
{
	char buffer[2 * MAX_PAGE];
	int fd = open_file(O_RDONLY);

	CHECK(pread(fd, buffer, 1, 10 * PAGE) == 1);
	CHECK(pread(fd, buffer, 2, 21 * PAGE - 1) == 2);
	CHECK(pread(fd, buffer, 2 * PAGE, (PAGES - 1) * PAGE) == PAGE);
	CHECK(pread(fd, buffer, 2 * PAGE, (PAGES + 5) * PAGE) == 0);
	CHECK(pread(fd, buffer, 0, 33 * PAGE) == 0);
}

static void many_calls(void) /* 0-99, and memory without a file that goes and comes */
{
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), c;
	int fd = open_file(O_RDONLY);

	for (int i = 0; i < 100; i++) {
		CHECK(i % 2 ? read(fd, &c, 1) == 1 : pread(fd, &c, 1, i * PAGE) == 1);
		CHECK(lseek(fd, (i + 2 - i % 2) * PAGE - PAGE, SEEK_SET) > 0);
		CHECK(munmap(p, PAGE) == 0);
		CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == p);
	}
}

static void vector_calls(void) /* 0-1 30-31 60 90 */
{
	static char a[MAX_PAGE], b[MAX_PAGE];
	struct iovec v[] = { { a, PAGE }, { b, PAGE } };
	int fd = open_file(O_RDONLY);

	CHECK(readv(fd, v, 2) == 2 * PAGE);
	CHECK(preadv(fd, v, 2, 30 * PAGE) == 2 * PAGE);
	CHECK(preadv2(fd, v, 1, 60 * PAGE, 0) == PAGE);
	CHECK(lseek(fd, 90 * PAGE, SEEK_SET) > 0);
	CHECK(preadv2(fd, v, 1, -1, 0) == PAGE);
}

static void copy_calls(void) /* 4 70 80 */
{
	int fd = open_file(O_RDONLY), out[2];
	off_t off = 70 * PAGE;

	CHECK(pipe(out) == 0);
	CHECK(lseek(fd, 4 * PAGE, SEEK_SET) > 0);
	CHECK(sendfile(out[1], fd, NULL, PAGE) == PAGE);
	CHECK(sendfile(out[1], fd, &off, PAGE) == PAGE);
	off = 80 * PAGE;
	CHECK(splice(fd, &off, out[1], NULL, PAGE, 0) == PAGE);
}

/* An address that nothing is mapped at; the compiler is not to know. */
static void *volatile nowhere = (void *)8;

/* What fails reads nothing, however much it asks for; what it says that it read, it read. */
static void failing_reads(void) /* 7 30 33-34 50 98-99 */
{
	struct iovec huge = { nowhere, PAGES * PAGE }, wrong[2];
	char buffer[MAX_PAGE];
	int fd = open_file(O_RDONLY), write_only = open_file(O_WRONLY),
	    path_only = open_file(O_PATH), out[2];
	off_t off = 20 * PAGE;

	/* Read, and only then found to fit nowhere. */
	CHECK(pread(fd, nowhere, 2 * PAGE, 98 * PAGE) < 0);
	CHECK(pread(write_only, buffer, PAGE, PAGE) < 0);
	CHECK(read(write_only, buffer, PAGE) < 0);
	CHECK(read(path_only, buffer, PAGE) < 0);
	CHECK(pread(fd, buffer, PAGE, -PAGE) < 0);
	CHECK(preadv(fd, &huge, 1, 3 * PAGE) < 0);
	CHECK(readv(fd, nowhere, 1) < 0);
	CHECK(pipe(out) == 0);
	CHECK(sendfile(out[0], fd, &off, PAGE) < 0);
	CHECK(sendfile(out[1], fd, nowhere, PAGE) < 0);
	CHECK(pread(fd, buffer, PAGE, 7 * PAGE) == PAGE);
	wrong[0] = (struct iovec){ buffer, PAGE };
	wrong[1] = (struct iovec){ nowhere, 40 * PAGE };
	CHECK(preadv(fd, wrong, 2, 30 * PAGE) == PAGE);
	CHECK(pread(fd, buffer, PAGE, 33 * PAGE + 9) == PAGE);
	/* Less than it asks for: no more fits. */
	CHECK(fcntl(out[1], F_SETPIPE_SZ, PAGE) == PAGE);
	off = 50 * PAGE;
	CHECK(splice(fd, &off, out[1], NULL, 100 * PAGE, SPLICE_F_NONBLOCK) == PAGE);
}

static void fork_child(void) /* 1 2 50 100 */
{
	volatile char *p =
		map_at(NULL, 0, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, O_RDONLY);
	pid_t pid;

	p[1 * PAGE] = 1; /* makes the kernel copy page tables */
	pid = fork();
	if (pid == 0) {
		touch(p, 50);
		touch(map(0, PAGES), 100);
		_exit(0);
	}
	CHECK(pid > 0);
	wait_for(pid);
	touch(p, 2);
}

static void *thread_touches(void *arg)
{
	touch(map(0, PAGES), (int)(intptr_t)arg);
	return NULL;
}

static void one_thread(void) /* 44 */
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread_touches, (void *)(intptr_t)44) == 0);
	pthread_join(t, NULL);
}

static void many_threads(void) /* 0 2 4 … 398 */
{
	pthread_t t[200];

	for (intptr_t i = 0; i < 200; i++)
		CHECK(pthread_create(&t[i], NULL, thread_touches, (void *)(2 * i)) == 0);
	for (int i = 0; i < 200; i++)
		pthread_join(t[i], NULL);
}

static void spawn_self(void) /* as every_third */
{
	char name[] = "every-third", file[4096];
	char *argv[] = { self, name, file, NULL };
	pid_t pid;

	snprintf(file, sizeof(file), "%s", path);
	CHECK(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0);
	wait_for(pid);
}

static void *thread_execs(void *arg)
{
	char name[] = "every-third", file[4096];
	char *argv[] = { self, name, file, NULL };

	snprintf(file, sizeof(file), "%s", path);
	execv(self, argv);
	return arg;
}

static void exec_from_thread(void) /* as every_third, and 1 */
{
	pthread_t t;

	touch(map(0, PAGES), 1);
	CHECK(pthread_create(&t, NULL, thread_execs, NULL) == 0);
	pthread_join(t, NULL);
	die("exec", __LINE__);
}

static void unmap_and_map(void) /* 4 8 221 */
{
	volatile char *p = map(0, PAGES);

	touch(p, 4);
	touch(p, 8);
	unmap(p, PAGES);
	touch(map(200, 100), 21);
}

static void unmap_middle(void) /* 12 102 120 */
{
	volatile char *p = map(100, 30);

	touch(p, 2);
	unmap(p + 10 * PAGE, 5);
	touch(p, 20);
	touch(map(0, 5000 / 100), 12);
}

static void remap(void) /* 6 25 */
{
	volatile char *p = map(5, 30), *room = map(300, 100);
	void *q;

	touch(p, 1);
	q = mremap((void *)(uintptr_t)p, 30 * PAGE, 30 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(uintptr_t)(room + 50 * PAGE));
	CHECK(q == (void *)(uintptr_t)(room + 50 * PAGE));
	touch(q, 20);
}

static void remap_grow(void) /* 7 90 */
{
	volatile char *p = map(5, 10);
	void *q;

	touch(p, 2);
	q = mremap((void *)(uintptr_t)p, 10 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	touch(q, 85);
}

static void map_over(void) /* 3 10 203 */
{
	volatile char *p = map(0, 100);
	void *q;

	touch(p, 3);
	q = mmap((void *)(uintptr_t)(p + 2 * PAGE), 4 * PAGE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == (void *)(uintptr_t)(p + 2 * PAGE));
	touch(p, 4);
	touch(p, 10);
	map_at((void *)(uintptr_t)(p + 50 * PAGE), 200, 10, PROT_READ,
	       MAP_PRIVATE | MAP_FIXED, O_RDONLY);
	touch(p, 53);
}

static void populate(void) /* 16-23 */
{
	map_at(NULL, 16, 8, PROT_READ, MAP_PRIVATE | MAP_POPULATE, O_RDONLY);
}

/* Kills for the calls that would be injected. */
static void sandbox(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void sandboxed(void) /* 9 11 */
{
	volatile char *p = map(0, PAGES);

	sandbox();
	touch(p, 9);
	touch(map(0, PAGES), 11);
}

/* Calls of the x32 ABI, which a kernel need not have: who makes any is not seen well. */
static void x32_calls(void) /* 5 */
{
	char c;
	int fd = open_file(O_RDONLY);

	touch(map(0, PAGES), 5);
	syscall(0x40000000 | SYS_pread64, fd, &c, 1, (off_t)5 * PAGE);
}

static void asks_for_filter(void) /* 5 */
{
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	touch(map(0, PAGES), 5);
	sandbox();
}

static void sandboxed_child(void) /* 9 300; without privileges, not exactly */
{
	pid_t pid;

	sandbox();
	touch(map(0, PAGES), 9);
	pid = fork();
	if (pid == 0) {
		touch(map(0, PAGES), 300);
		_exit(0);
	}
	wait_for(pid);
}

/* A stopped task does nothing: it must not write before it is continued. */
static void stop_and_continue(void) /* 7 8 */
{
	volatile char *p = map(0, PAGES);
	int status, running[2];
	struct pollfd wait = { .events = POLLIN };
	pid_t pid;

	CHECK(pipe(running) == 0);
	wait.fd = running[0];
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		CHECK(write(running[1], "", 1) == 1);
		touch(p, 7);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	CHECK(poll(&wait, 1, 200) == 0);
	kill(pid, SIGCONT);
	wait_for(pid);
	touch(p, 8);
}

static void crash(void) /* 2 */
{
	touch(map(0, PAGES), 2);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void killed(void) /* 2 */
{
	touch(map(0, PAGES), 2);
	raise(SIGKILL);
}

static volatile sig_atomic_t n_alarms;

static void on_alarm(int sig)
{
	(void)sig;
	n_alarms++;
}

static void signals(void) /* 1 3 5 … 199 */
{
	const char *slow = getenv("SLOW"); /* see trace.sh */
	suseconds_t us = 200 * (slow ? atoi(slow) : 1);
	struct itimerval often = { { 0, us }, { 0, us } }, never = { 0 };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 1; i < 200; i += 2) {
		volatile char *p = map(0, PAGES);
		pid_t pid;

		touch(p, i);
		unmap(p, PAGES);
		if (i % 20 != 1)
			continue;
		/* An alarm of the parent's is not inherited: only injection is disturbed. */
		pid = fork();
		if (pid == 0)
			_exit(0);
		while (waitpid(pid, NULL, 0) < 0)
			CHECK(errno == EINTR);
	}
	while (!n_alarms)
		;
	setitimer(ITIMER_REAL, &never, NULL);
}

static void daemonised(void) /* 6 300 */
{
	int parent_gone[2];
	char c;

	touch(map(0, PAGES), 6);
	CHECK(pipe(parent_gone) == 0);
	if (fork() != 0)
		_exit(0);
	close(parent_gone[1]);
	setsid();
	CHECK(read(parent_gone[0], &c, 1) == 0);
	touch(map(0, PAGES), 300);
}

static void endless(void) /* 1 */
{
	touch(map(0, PAGES), 1);
	for (;;)
		pause();
}

static void unserved_memory(void) /* 1; readv() never gets its vectors */
{
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	touch(map(0, PAGES), 1);
	CHECK(ioctl(uffd, UFFDIO_API, &api) == 0);
	CHECK(ioctl(uffd, UFFDIO_REGISTER, &reg) == 0);
	CHECK(readv(open_file(O_RDONLY), p, 1) < 0);
}

static void stubborn(void) /* 1 2 */
{
	signal(SIGTERM, SIG_IGN);
	touch(map(0, PAGES), 2);
	if (fork() == 0)
		raise(SIGSTOP);
	endless();
}

static void descriptors(void) /* 0; the next free descriptors are the same as ever */
{
	int a = open_file(O_RDONLY), b = open_file(O_RDONLY);
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(open_file(O_RDONLY) == b + 1);
		_exit(0);
	}
	CHECK(a == 3 && b == 4);
	touch(map(0, PAGES), 0);
	wait_for(pid);
}

static void write_file(void) /* dropped: the launch changed it */
{
	int fd = open_file(O_RDWR);

	touch(map(0, PAGES), 3);
	CHECK(pwrite(fd, "x", 1, 0) == 1);
}

static void write_secretly(void) /* dropped, too */
{
	int fd = open_file(O_RDWR);
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	write_file();
	CHECK(futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim }) == 0);
}

/* A path in a page of its own, which nobody but the kernel reads. */
static const char *in_file_nobody_read(int dirfd, const char *text)
{
	int fd = openat(dirfd, "made-path", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const char *p;

	CHECK(fd >= 0 && write(fd, text, strlen(text) + 1) > 0);
	p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	unlinkat(dirfd, "made-path", 0);
	return p;
}

/*
 * FILE/.. has the directories `seen`, `listed` and `there`, with the file `there/file`, and the
 * links `link` to `there` and `there/loop` to itself. See trace.sh for what is looked up.
 */
static void lookups(void)
{
	char dir[4096], buffer[4096];
	struct stat st;
	int here, fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	CHECK(chdir(dir) == 0);
	here = open("seen", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(here >= 0);
	CHECK(openat(here, "open", O_RDONLY) < 0 && errno == ENOENT);
	CHECK(fstatat(here, "stat", &st, 0) < 0);
	CHECK(faccessat(here, "access", R_OK, 0) < 0);
	CHECK(readlinkat(here, "readlink", buffer, sizeof(buffer)) < 0);
	CHECK(syscall(SYS_statx, here, "statx", 0, STATX_SIZE, buffer) < 0);
	CHECK(execl("seen/execve", "execve", NULL) < 0);
	CHECK(stat("seen/../seen/./dots", &st) < 0);
	CHECK(stat(in_file_nobody_read(here, "seen/unread"), &st) < 0);
	CHECK(stat("link/file", &st) == 0); /* through a link */
	CHECK(lstat("link", &st) == 0 && lstat("there/loop", &st) == 0);
	CHECK(stat("there/loop/x", &st) < 0 && errno == ELOOP);
	CHECK(stat("there/file/x", &st) < 0 && errno == ENOTDIR);
	/* What it makes itself was not there before. */
	fd = openat(here, "made", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && fstatat(here, "made", &st, 0) == 0);
	fd = open("listed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)) > 0);
	CHECK(fstatat(fd, "", &st, AT_EMPTY_PATH) == 0);
	CHECK(stat("/proc/self/nothing", &st) < 0 && stat("/tmp/nothing", &st) < 0);
}

/* The same names below another root, or with other mounts, are others. */
static void lookups_elsewhere(void)
{
	char dir[4096];
	struct stat st;
	pid_t pid = fork();

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (pid == 0) {
		CHECK(stat("/not-there-before", &st) < 0);
		CHECK(chroot(dir) == 0 && stat("/not-there-behind", &st) < 0);
		_exit(0);
	}
	wait_for(pid);
	CHECK(syscall(SYS_unshare, 0x00020000 /* CLONE_NEWNS */) == 0);
	CHECK(stat("/not-there-elsewhere", &st) < 0);
}

static void large_steps(void) /* 0 513 1026 1539 */
{
	volatile char *p = map(0, 2048);

	for (int i = 0; i < 4; i++)
		touch(p, i * 513);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Not a case: what khugepaged does to a file that is executed, at once. Status 1: cannot. */
static void collapse(void)
{
	int pages = PAGE / 8;
	size_t huge = (size_t)pages * PAGE;
	char *room = mmap(NULL, 2 * huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = room + (huge - (uintptr_t)room % huge);

	CHECK(room != MAP_FAILED);
	map_at(at, 0, pages, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, O_RDONLY);
	for (int i = 0; i < pages; i++)
		touch(at, i);
	if (madvise(at, huge, MADV_COLLAPSE) < 0)
		_exit(1);
}

/* Not a case. Status 1: FILE is not cached in folios so large that a touch maps more pages. */
static void maps_whole(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), n = 0;
	uint64_t entries[PAGES] = { 0 };
	volatile char *p = map(0, PAGES);

	touch(p, 300);
	CHECK(pread(pagemap, entries, sizeof(entries),
		    (off_t)((uintptr_t)p / PAGE * sizeof(entries[0]))) == sizeof(entries));
	for (int i = 0; i < PAGES; i++)
		n += entries[i] >> 63;
	if (n <= 16) /* fault-around */
		_exit(1);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "every-third", every_third },
	{ "write-private", write_private },
	{ "write-every-third", write_every_third },
	{ "shared-read-only", shared_read_only },
	{ "shared-writable", shared_writable },
	{ "read", read_calls },
	{ "pread", pread_calls },
	{ "many-calls", many_calls },
	{ "vectors", vector_calls },
	{ "copies", copy_calls },
	{ "failing-reads", failing_reads },
	{ "fork", fork_child },
	{ "thread", one_thread },
	{ "many-threads", many_threads },
	{ "spawn", spawn_self },
	{ "thread-exec", exec_from_thread },
	{ "unmap", unmap_and_map },
	{ "unmap-middle", unmap_middle },
	{ "remap", remap },
	{ "remap-grow", remap_grow },
	{ "map-over", map_over },
	{ "populate", populate },
	{ "sandboxed", sandboxed },
	{ "sandboxed-child", sandboxed_child },
	{ "x32-calls", x32_calls },
	{ "asks-for-filter", asks_for_filter },
	{ "stop", stop_and_continue },
	{ "crash", crash },
	{ "killed", killed },
	{ "signals", signals },
	{ "daemon", daemonised },
	{ "endless", endless },
	{ "stubborn", stubborn },
	{ "unserved-memory", unserved_memory },
	{ "descriptors", descriptors },
	{ "lookups", lookups },
	{ "lookups-elsewhere", lookups_elsewhere },
	{ "large-steps", large_steps },
	{ "write-file", write_file },
	{ "write-secretly", write_secretly },
	{ "collapse", collapse },
	{ "maps-whole", maps_whole },
};

int main(int argc, char *argv[])
{
	if (argc != 3)
		return 2;
	page_bytes = (int)sysconf(_SC_PAGESIZE);
	self = argv[0];
	path = argv[2];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (strcmp(cases[i].name, argv[1]) == 0) {
			cases[i].run();
			return 0;
		}
	return 2;
}
