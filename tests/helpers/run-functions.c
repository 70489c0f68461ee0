/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run-functions [trap | blocked | sum | stay]: a program of which it is known which of its functions run: none that is
 * called never_. They lie side by side, so that pages do not tell. As trap it handles SIGTRAP itself, which
 * a breakpoint in its handler makes the kernel forget, since the signal is blocked meanwhile; as blocked it has it blocked;
 * as sum it looks at its own code and aborts if that has changed; as stay it does not end.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not inlined, nor one with others of the same code. */
#ifdef __clang__
#define ALONE __attribute__((noinline, optnone))
#else
#define ALONE __attribute__((noipa))
#endif

#define FUNCTION(name)                                                                     \
	ALONE static int name(int x)                                                       \
	{                                                                                  \
		volatile int y = x;                                                        \
		return y * 3 + 1;                                                          \
	}

FUNCTION(in_main)
FUNCTION(never_1)
FUNCTION(in_threads)
FUNCTION(in_child)
FUNCTION(never_2)
FUNCTION(in_vfork)
FUNCTION(in_exec)
FUNCTION(in_handler)
FUNCTION(after_fork)
FUNCTION(never_3)

static volatile sig_atomic_t n_traps;

static void on_trap(int sig)
{
	(void)sig;
	n_traps++;
	in_handler(1);
}

static pthread_barrier_t together;

/* All of them at once. */
static void *thread(void *p)
{
	pthread_barrier_wait(&together);
	in_threads(1);
	return p;
}

static int run_threads(void)
{
	pthread_t threads[8];

	pthread_barrier_init(&together, NULL, 8);
	for (int i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, thread, NULL) != 0)
			return 1;
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int run_children(char *self)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(in_child(1) - 4);
	if (wait_for(pid) != 0)
		return 1;
	after_fork(1);
	pid = vfork();
	if (pid == 0) {
		in_vfork(1);
		execl(self, self, "exec", (char *)NULL);
		_exit(1);
	}
	return wait_for(pid) != 0;
}

static int run_trap(void)
{
	signal(SIGTRAP, on_trap);
	raise(SIGTRAP);
#ifdef __x86_64__
	__asm__ volatile("int3");
#else /* whose handler would have to go on behind it */
	raise(SIGTRAP);
#endif
	return n_traps != 2;
}

static int sum_code(void)
{
#ifdef __x86_64__
	static const uint8_t breakpoint[] = { 0xcc };
#else /* arm64 */
	static const uint8_t breakpoint[] = { 0x00, 0x00, 0x20, 0xd4 };
#endif
	const uint8_t *code = (const uint8_t *)(uintptr_t)never_3;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	if (memcmp(code, breakpoint, sizeof(breakpoint)) == 0)
		abort();
	return 0;
}

static int run_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return in_handler(1) != 4;
}

static int run_library(void)
{
	void *library = dlopen("libm.so.6", RTLD_NOW);
	double (*function)(double) = NULL;
	void *symbol = library ? dlsym(library, "cbrt") : NULL;

	memcpy(&function, &symbol, sizeof(symbol));
	return !function || function(27) < 2;
}

int main(int argc, char *argv[])
{
	const char *how = argc > 1 ? argv[1] : "";

	if (argc > 9)
		return never_1(1) + never_2(1) + never_3(1);
	if (strcmp(how, "exec") == 0)
		return in_exec(1) != 4;
	if (strcmp(how, "trap") == 0)
		return run_trap();
	if (strcmp(how, "sum") == 0)
		return sum_code();
	while (strcmp(how, "stay") == 0 && in_handler(1))
		pause();
	if (strcmp(how, "blocked") == 0)
		return run_blocked();
	in_main(1);
	return run_threads() || run_children(argv[0]) || run_library();
}
