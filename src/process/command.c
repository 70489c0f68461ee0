/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "macro.h"

/* Exit status of who could not be executed, besides what it tells. */
#define NOT_EXECUTED 127
#define FIRST_BYTES  4096u

_Noreturn static void execute(char *const argv[], int out)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = { path, locale, NULL };
	int *const kept[] = { &out };
	sigset_t none;

	child_let_go(kept, ARRAY_SIZE(kept));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(out, STDOUT_FILENO) == STDOUT_FILENO)
		execve(argv[0], argv, environment);
	_exit(NOT_EXECUTED);
}

/* Room for a byte more, and a NUL. */
static int make_room(char **text, size_t used, size_t *capacity, size_t limit_bytes)
{
	size_t wanted = MAX(*capacity * 2, (size_t)FIRST_BYTES);
	char *more;

	if (used + 1 < *capacity)
		return 0;
	if (used > limit_bytes)
		return -E2BIG;
	more = realloc(*text, wanted);
	if (!more)
		return -ENOMEM;
	*text = more;
	*capacity = wanted;
	return 0;
}

static int read_all(const struct child *c, size_t limit_bytes, uint64_t until_us,
		    char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0, capacity = 0;

	for (;;) {
		int r = make_room(&text, used, &capacity, limit_bytes);
		ssize_t n;

		if (r < 0)
			return r;
		if (!child_wait(c, until_us))
			return -ETIMEDOUT;
		n = read(c->fd, text + used, capacity - used - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	if (used > limit_bytes)
		return -E2BIG;
	text[used] = 0;
	*ret = TAKE_PTR(text);
	*ret_bytes = used;
	return 0;
}

int command_read(char *const argv[], size_t limit_bytes, uint64_t until_us, char **ret,
		 size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	struct child c = CHILD_NONE;
	int out, r, status;
	size_t bytes = 0;
	pid_t pid;

	if (access(argv[0], X_OK) < 0)
		return -errno;
	pid = child_fork(&c, &out);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		execute(argv, out);
	r = read_all(&c, limit_bytes, until_us, &text, &bytes);
	if (r < 0) {
		child_leave(&c);
		return r;
	}
	status = child_reap(&c);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -EIO;
	*ret = TAKE_PTR(text);
	*ret_bytes = bytes;
	return 0;
}
