/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast-hook: what package managers run. No arguments, no output, always exit status 0:
 * a transaction must never fail because of us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "reconcile.h"

#define LOCK_TIMEOUT_MS 2000
/* rpm and dnf hold their locks, and people wait, as long as we run. */
#define DEADLINE_MS	5000

/* Standard descriptors that are closed would be given to our files. */
static void fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/*
 * File triggers write the paths of the transaction to us. What matters is on disk, but a
 * writer whose pipe closes early would get SIGPIPE.
 */
static void drain_stdin(void)
{
	char buffer[65536];
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
}

/*
 * Let go of everything inherited: a process that is stuck in a dead disk must hold neither
 * the package manager's pipes nor its lock files. DONE stays, as descriptor 3.
 */
static void let_go(int done)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	if (done != 3)
		dup2(done, 3);
	syscall(SYS_close_range, 4u, ~0u, 0u);
}

static void sync_quietly(void)
{
	const struct reconcile_options options = {
		.storage_override = -1,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
	};
	struct reconcile_result result;
	struct store store;

	if (store_open(NULL, false, &store) < 0)
		return;
	reconcile_run(&store, &options, &result);
	store_done(&store);
}

static _Noreturn void work(int done)
{
	drain_stdin();
	let_go(done);
	sync_quietly();
	_exit(0);
}

/* Until the worker has ended, which closes the pipe, or the deadline. */
static void wait_until_deadline(int in)
{
	struct pollfd p = { .fd = in };
	struct timespec t;
	int64_t end, now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + DEADLINE_MS;
	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	} while (now < end && poll(&p, 1, (int)(end - now)) < 0 && errno == EINTR);
}

/*
 * The work is done in a child, because nothing can end a system call that hangs: at the
 * deadline the child is told to die, and left. What it did not get done is left to
 * elfcast-compile.timer.
 */
int main(void)
{
	int done[2];
	pid_t pid;

	log_setup("elfcast-hook", LOG_LEVEL_SILENT);
	fill_stdio();
	/* A full disk quota is an error of write(), not the end of the transaction. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* A package manager may ignore it, and children are then not waited for. */
	signal(SIGCHLD, SIG_DFL);
	umask(022);
	if (pipe2(done, O_CLOEXEC) < 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return 0;
	if (pid == 0)
		work(done[1]);
	close(done[1]);
	wait_until_deadline(done[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
	return 0;
}
