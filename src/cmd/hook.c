/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast-hook: what package managers run. No arguments, no output, always exit status 0:
 * a transaction must never fail because of us.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "log.h"
#include "sync.h"

#define LOCK_TIMEOUT_MS 2000

/* Standard descriptors that are closed would be given to our files. */
static void fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR); /* NOLINT: stdin to stderr stay open in children */
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

	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISFIFO(st.st_mode))
		return;
	while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
}

int main(void)
{
	const struct sync_options options = {
		.storage_override = -1,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
	};
	struct sync_result result;
	struct store store;

	log_setup("elfcast-hook", LOG_LEVEL_SILENT);
	fill_stdio();
	/* A full disk quota is an error of write(), not the end of the transaction. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* A package manager may ignore it, and children are then not waited for. */
	signal(SIGCHLD, SIG_DFL);
	umask(022);
	drain_stdin();
	if (store_open(NULL, false, &store) < 0)
		return 0;
	sync_run(&store, &options, &result);
	store_done(&store);
	return 0;
}
