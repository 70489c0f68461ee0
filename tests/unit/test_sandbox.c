/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "landlock.h"
#include "macro.h"
#include "sandbox.h"

static char file[] = "/tmp/elfcast-test-sandbox-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkstemp(file) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

static const struct sandbox child = { .is_child = true };

/* The exit status of TRY in a sandboxed child; the errno of what it tried, or 0. */
static int in_sandbox(int (*try)(void), const struct sandbox *sandbox)
{
	const gid_t groups[] = { 4, 5 };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* Root's are to go, too; as anybody else there are those there are. */
		setgroups(ARRAY_SIZE(groups), groups);
		sandbox_enter(sandbox);
		_exit(try());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_read(void)
{
	char byte;
	int fd = open("/etc/passwd", O_RDONLY);

	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : errno;
}

/* Made by mkstemp(): for its owner alone. */
static int try_read_private(void)
{
	return open(file, O_RDONLY) < 0 ? errno : 0;
}

static int try_create(void)
{
	return open("/tmp/elfcast-test-sandbox-new", O_WRONLY | O_CREAT, 0600) < 0 ? errno
										   : 0;
}

static int try_write(void)
{
	return open("/dev/null", O_WRONLY) < 0 ? errno : 0;
}

static int try_remove(void)
{
	return unlink(file) < 0 ? errno : 0;
}

static int try_exec(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int try_chown(void)
{
	return fchownat(AT_FDCWD, file, 12345, 12345, 0) < 0 ? errno : 0;
}

static int try_chmod(void)
{
	return chmod(file, 0644) < 0 ? errno : 0;
}

static int try_user(void)
{
	return setresuid(0, 0, 0) < 0 ? errno : 0;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int try_signal_parent(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int try_signal_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 ? errno : 0;
}

static int try_signal_pidfd(void)
{
	return syscall(SYS_pidfd_send_signal, STDIN_FILENO, 0, NULL, 0) < 0 ? errno : 0;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0 ? errno : 0;
}

static int try_memory_of_parent(void)
{
	struct iovec here = { &(int){ 0 }, sizeof(int) }, there = here;

	return process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 ? errno : 0;
}

static int try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int try_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL) < 0 ? errno : 0;
}

static int try_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 0) < 0 ? errno : 0;
}

static int try_unknown_call(void)
{
	return syscall(4000) < 0 ? errno : 0;
}

static int try_typing(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x") < 0 ? errno : 0;
}

static int try_users(void)
{
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
		return 1;
	return getgroups(0, NULL) == 0 ? 0 : 2;
}

static int try_memory(void)
{
	void *volatile p = malloc(64u << 20); /* or gcc 16 does not call it */
	int r = p ? 0 : errno;

	free(p);
	return r;
}

static int try_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			return 1;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2;
}

/* Of who reads this machine's own files: may read any, and nothing else. */
static int try_reading_alone(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t reading = 1u << CAP_DAC_READ_SEARCH;

	sandbox_drop_all_but_reading();
	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	if (data[0].effective != reading || data[0].permitted != reading ||
	    data[0].inheritable != 0)
		return 1;
	if (data[1].effective | data[1].permitted | data[1].inheritable)
		return 2;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
}

static void test_reading_alone(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(try_reading_alone());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *nothing(void *x)
{
	return x;
}

static int try_thread(void)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, nothing, NULL);

	return r ? r : pthread_join(thread, NULL);
}

static void test_reading_stays(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(try_read, &child), 0);
}

static void test_root_is_nobody(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_sandbox(try_users, &child), 0);
	assert_int_equal(in_sandbox(try_read_private, &child), EACCES);
	assert_int_equal(
		in_sandbox(try_read_private,
			   &(struct sandbox){ .is_child = true, .keep_user = true }),
		0);
}

static void test_no_capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(try_capabilities, &child), 0);
	assert_int_equal(
		in_sandbox(try_capabilities, &(struct sandbox){ .keep_user = true }), 0);
}

static void test_forbidden_calls(void **state)
{
	static int (*const tries[])(void) = {
		try_remove,
		try_exec,
		try_chown,
		try_chmod,
		try_user,
		try_fork,
		try_signal_parent,
		try_signal_thread,
		try_signal_pidfd,
		try_ptrace,
		try_memory_of_parent,
		try_unix_socket,
		try_tcp_socket,
		try_io_uring,
		try_namespace,
		try_userfaultfd,
		try_typing,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		assert_int_equal(in_sandbox(tries[i], &child), EPERM);
		/* The user is another guard, and none of these needs it. */
		assert_int_equal(
			in_sandbox(tries[i], &(struct sandbox){ .keep_user = true }),
			EPERM);
	}
	assert_int_equal(in_sandbox(try_unknown_call, &child), ENOSYS);
}

static void test_threads_stay(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(try_thread, &child), 0);
}

/* Another architecture's calls have other numbers. */
static void test_other_architecture(void **state)
{
#ifdef __x86_64__
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		long r = 20; /* getpid of i386 */

		sandbox_enter(&child);
		__asm__ volatile("int $0x80" : "+a"(r)::"memory", "r8", "r9", "r10", "r11");
		_exit(r < 0 ? 1 : 0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		skip(); /* a kernel without */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
#else
	(void)state;
	skip();
#endif
}

static void test_abort_tells_of_itself(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		sandbox_enter(&child);
		abort();
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_nothing_is_written(void **state)
{
	(void)state;
	if (landlock_abi() < 1)
		skip();
	assert_int_equal(in_sandbox(try_create, &child), EACCES);
	assert_int_equal(in_sandbox(try_write, &child), EACCES);
}

/* What is forbidden twice: by Landlock alone. */
static int in_landlock(int (*try)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sandbox_drop_privileges();
		_exit(landlock_restrict(NULL, 0, true) ? try() : 255);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_tcp_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
}

static struct sockaddr_un abstract = { .sun_family = AF_UNIX };
static socklen_t abstract_bytes;

static int try_abstract_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&abstract, abstract_bytes) < 0 ? errno : 0;
}

static void test_landlock(void **state)
{
	long abi = landlock_abi();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	if (abi < 1)
		skip();
	assert_int_equal(in_landlock(try_remove), EACCES);
	assert_int_equal(in_landlock(try_exec), EACCES);
	assert_int_equal(in_landlock(try_tcp_connect), abi >= 4 ? EACCES : ECONNREFUSED);
	abstract_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     (size_t)snprintf(abstract.sun_path + 1, 64,
						      "elfcast-test-%d", (int)getpid()));
	assert_int_equal(bind(fd, (struct sockaddr *)&abstract, abstract_bytes), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(in_landlock(try_abstract_connect), abi >= 6 ? EPERM : 0);
	assert_int_equal(in_landlock(try_signal_parent), abi >= 6 ? EPERM : 0);
	close(fd);
}

/* Descriptor 40 is open, and so is the highest; 41 is kept. */
static void test_descriptors(void **state)
{
	int kept[] = { 41, -1, 5000 };
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		dup2(STDIN_FILENO, 40);
		dup2(STDIN_FILENO, 41);
		dup2(STDIN_FILENO, 42);
		dup2(STDIN_FILENO, 500);
		sandbox_close_all_but(kept, ARRAY_SIZE(kept));
		_exit((fcntl(STDERR_FILENO, F_GETFD) < 0) | (fcntl(40, F_GETFD) >= 0) << 1 |
		      (fcntl(41, F_GETFD) < 0) << 2 | (fcntl(42, F_GETFD) >= 0) << 3 |
		      (fcntl(500, F_GETFD) >= 0) << 4);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_memory_is_limited(void **state)
{
	(void)state;
	if (getenv("ELFCAST_SANITIZED"))
		skip(); /* terabytes of shadow memory */
	assert_int_equal(
		in_sandbox(try_memory, &(struct sandbox){ .memory_bytes = 32u << 20 }),
		ENOMEM);
	assert_int_equal(
		in_sandbox(try_memory, &(struct sandbox){ .memory_bytes = 256u << 20 }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_stays),
		cmocka_unit_test(test_root_is_nobody),
		cmocka_unit_test(test_no_capabilities),
		cmocka_unit_test(test_reading_alone),
		cmocka_unit_test(test_forbidden_calls),
		cmocka_unit_test(test_threads_stay),
		cmocka_unit_test(test_other_architecture),
		cmocka_unit_test(test_abort_tells_of_itself),
		cmocka_unit_test(test_nothing_is_written),
		cmocka_unit_test(test_landlock),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_memory_is_limited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
