/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast-hook: what package managers run. No arguments, no output, always exit status 0:
 * a transaction must never fail because of us.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
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

static void sync_quietly(void)
{
	/* No time for retargeting: elfcast-compile.timer has it. */
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

/* Stuck in a dead disk, it must hold neither the package manager's pipes nor its lock files. */
static _Noreturn void work(int done)
{
	int *const kept[] = { &done };

	drain_stdin();
	child_let_go(kept, 1);
	sync_quietly();
	_exit(0);
}

/*
 * The work is done in a child, because nothing can end a system call that hangs: at the
 * deadline the child is told to die, and left. What it did not get done is left to
 * elfcast-compile.timer.
 */
int main(void)
{
	struct child child;
	pid_t pid;
	int done;

	log_setup("elfcast-hook", LOG_LEVEL_SILENT);
	fill_stdio();
	/* A full disk quota is an error of write(), not the end of the transaction. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* A package manager may ignore it, and children are then not waited for. */
	signal(SIGCHLD, SIG_DFL);
	umask(022);
	pid = child_fork(&child, &done);
	if (pid == 0)
		work(done);
	if (pid < 0)
		return 0;
	child_wait(&child, clock_in_ms(DEADLINE_MS));
	child_leave(&child);
	return 0;
}
