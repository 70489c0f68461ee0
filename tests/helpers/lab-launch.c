/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start one program, possibly in a chroot, and say in one JSON line on stdout what it cost:
 * wall and CPU time, major and minor faults of it and of all children that it waited for.
 *
 * Usage: lab-launch [-r ROOT] [-d DIR] [-t SECONDS] [-u UID] [-v] [-f] [-w WORD]... -- CMD...
 *   -w  words of a command that is started, outside ROOT, at the same moment; not counted
 *   -f  that command may fail
 *   -u  as the user of this number, in no group
 *   -v  leave the program its output (else /dev/null)
 * "refaults": pages of files that the kernel had taken away from the page cache and that were
 * read again meanwhile, by whomever; where a machine reclaims what looks cold (DAMON, say), a
 * launch with such pages was not as cold, or as warm, as it is said to be.
 * Nothing of the harness itself is read inside ROOT. Exits 0 when the program did, and the
 * companion; 1 else; 3 when the time was up. Processes that the program leaves behind
 * (Chromium's) end with it, uncounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 32

static const char *arg_root, *arg_dir = "/";
static unsigned arg_timeout_s = 120;
static bool arg_verbose, arg_may_fail;
static uid_t arg_uid; /* 0: whoever this is */
static char *companion[MAX_WORDS + 1];

/* The same for every launch and every machine. LC_ALL=C: no locale archive is looked for. */
static char *const environment[] = {
	(char[]){ "PATH=/usr/bin:/bin" },
	(char[]){ "HOME=/root" },
	(char[]){ "LC_ALL=C" },
	(char[]){ "TERM=dumb" },
	(char[]){ "TMPDIR=/tmp" },
	/* git status: the file system is read-only, it could not refresh its index */
	(char[]){ "GIT_OPTIONAL_LOCKS=0" },
	NULL,
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Linux 5.9 and later; 0 where it is not told. The counts of each CPU are added up first. */
static unsigned long long refaults(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	unsigned long long n = 0;
	char name[64], byte;
	FILE *f;

	if (fd >= 0) {
		if (read(fd, &byte, 1) < 0)
			fputs("lab-launch: stat_refresh cannot be read\n", stderr);
		close(fd);
	}
	f = fopen("/proc/vmstat", "re");
	while (f && fscanf(f, "%63s %llu", name, &n) == 2)
		if (strcmp(name, "workingset_refault_file") == 0)
			break;
		else
			n = 0;
	if (f)
		fclose(f);
	return n;
}

static int64_t us(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "lab-launch: %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void redirect(int null_fd)
{
	dup2(null_fd, 0);
	if (!arg_verbose)
		dup2(null_fd, 1);
}

static pid_t start(char *const argv[], int null_fd, bool inside)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	redirect(null_fd);
	if (!inside) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (arg_root && chroot(arg_root) < 0)
		die(arg_root);
	if (chdir(arg_dir) < 0)
		die(arg_dir);
	if (arg_uid > 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(arg_uid, arg_uid, arg_uid) < 0 ||
	     setresuid(arg_uid, arg_uid, arg_uid) < 0))
		die("setresuid");
	execve(argv[0], argv, environment);
	die(argv[0]);
}

/* Its wait status. The alarm interrupts the wait, its handler ends the process. */
static int wait_for(pid_t pid, struct rusage *ret)
{
	int status;

	while (wait4(pid, &status, 0, ret) != pid)
		if (errno != EINTR)
			die("wait4");
	return status;
}

static pid_t launch_pid;
static volatile sig_atomic_t timed_out;

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
	if (launch_pid > 0)
		kill(launch_pid, SIGKILL);
}

/* We are the subreaper: processes whose parent ended are our children by now. */
static void end_left_behind(void)
{
	FILE *f;
	long pid;

	do {
		f = fopen("/proc/thread-self/children", "re");
		while (f && fscanf(f, "%ld", &pid) == 1)
			kill((pid_t)pid, SIGKILL);
		if (f)
			fclose(f);
	} while (wait(NULL) > 0 || errno == EINTR);
}

static int code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void parse(int argc, char *argv[])
{
	size_t n = 0;
	int c;

	while ((c = getopt(argc, argv, "+r:d:t:u:w:vf")) != -1)
		switch (c) {
		case 'r':
			arg_root = optarg;
			break;
		case 'd':
			arg_dir = optarg;
			break;
		case 't':
			arg_timeout_s = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			arg_uid = (uid_t)strtoul(optarg, NULL, 10);
			break;
		case 'v':
			arg_verbose = true;
			break;
		case 'f':
			arg_may_fail = true;
			break;
		case 'w':
			if (n < MAX_WORDS)
				companion[n++] = optarg;
			break;
		default:
			exit(2);
		}
	if (optind == argc) {
		fputs("Usage: lab-launch [-r ROOT] [-d DIR] [-t SECONDS] [-u UID] [-v] "
		      "[-f] [-w "
		      "WORD]... "
		      "-- CMD...\n",
		      stderr);
		exit(2);
	}
}

/*
 * What else runs here is not to be measured, so the launch and its companion go before it. By
 * real time, in turn with each other: a nice value counts within a session only, where the
 * scheduler groups by session. May be denied. More than 95 % of a second is given to no one
 * (sched_rt_runtime_us): a launch that computes for longer loses 50 ms of each.
 */
static void go_before_others(void)
{
	struct sched_param param = { .sched_priority = 1 };

	setpriority(PRIO_PROCESS, 0, -20);
	sched_setscheduler(0, SCHED_RR, &param);
}

int main(int argc, char *argv[])
{
	int null_fd, status, companion_status = 0;
	struct sigaction on = { .sa_handler = on_alarm };
	struct rusage ru = { 0 }, other = { 0 };
	int64_t t0, wall_us, companion_us = 0;
	unsigned long long refaults_before;
	pid_t companion_pid = 0;

	parse(argc, argv);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		die("/dev/null");
	refaults_before = refaults();
	go_before_others();
	sigaction(SIGALRM, &on, NULL);
	alarm(arg_timeout_s);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t0 = now_us();
	if (companion[0])
		companion_pid = start(companion, null_fd, false);
	launch_pid = start(argv + optind, null_fd, true);
	status = wait_for(launch_pid, &ru);
	wall_us = now_us() - t0;
	if (companion_pid) {
		launch_pid = companion_pid;
		companion_status = wait_for(companion_pid, &other);
		companion_us = now_us() - t0;
	}
	launch_pid = 0; /* reaped: the number may be another's soon */
	end_left_behind();
	printf("{\"wall_us\": %lld, \"user_us\": %lld, \"sys_us\": %lld, \"majflt\": %ld, "
	       "\"minflt\": %ld, \"status\": %d, \"companion_us\": %lld, "
	       "\"companion_cpu_us\": %lld, \"refaults\": %llu}\n",
	       (long long)wall_us, (long long)us(ru.ru_utime), (long long)us(ru.ru_stime),
	       ru.ru_majflt, ru.ru_minflt, code(status), (long long)companion_us,
	       (long long)(us(other.ru_utime) + us(other.ru_stime)),
	       refaults() - refaults_before);
	if (timed_out)
		return 3;
	return code(status) || (code(companion_status) && !arg_may_fail);
}
