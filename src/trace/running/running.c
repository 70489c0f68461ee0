/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "address-space.h"
#include "bounds.h"
#include "front.h"
#include "running.h"
#include "tracee.h"
#include "vec.h"

#define MAX_DEPTH 64 /* of processes that started each other */

void running_done(struct running *r)
{
	free(r->pids);
	*r = (struct running){ 0 };
}

static int add(struct running *r, pid_t pid)
{
	if (VEC_RESERVE_ONE(r->pids, r->n, r->capacity) < 0)
		return -ENOMEM;
	r->pids[r->n++] = pid;
	return 0;
}

static bool is_below(pid_t pid, const void *userdata)
{
	const pid_t *top = userdata;

	for (int depth = 0; depth < MAX_DEPTH && pid > 1; depth++) {
		pid = tracee_parent(pid);
		if (pid == *top)
			return true;
	}
	return false;
}

/* Text of /proc/PID/cgroup, "" when it cannot be read. */
static void read_cgroup(pid_t pid, char *ret, size_t bytes)
{
	char path[64];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, bytes - 1);
	ret[MAX(n, 0)] = 0;
}

static bool has_cgroup(pid_t pid, const void *userdata)
{
	char text[LIMIT_PATH_BYTES + 64];

	read_cgroup(pid, text, sizeof(text));
	return *text && strcmp(text, userdata) == 0;
}

/* MAIN, and then all others that BELONG to it. */
static int find(pid_t main, bool (*belongs)(pid_t pid, const void *userdata),
		const void *userdata, struct running *ret)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int r = dir ? add(ret, main) : -errno;

	while (r == 0 && (e = readdir(dir))) {
		pid_t pid = atoi(e->d_name);

		if (pid > 0 && pid != main && belongs(pid, userdata))
			r = add(ret, pid);
	}
	if (dir)
		closedir(dir);
	if (r < 0)
		running_done(ret);
	return r;
}

int running_below(pid_t pid, struct running *ret)
{
	*ret = (struct running){ 0 };
	return tracee_is_leader(pid) ? find(pid, is_below, &pid, ret) : -ESRCH;
}

int running_beside(pid_t main, struct running *ret)
{
	char cgroup[LIMIT_PATH_BYTES + 64];

	*ret = (struct running){ 0 };
	read_cgroup(main, cgroup, sizeof(cgroup));
	return *cgroup ? find(main, has_cgroup, cgroup, ret) : -ESRCH;
}

static int record_one(pid_t pid, struct traced_files *files)
{
	struct address_space *as = address_space_new(pid, address_space_exact_supported());
	int r = as ? address_space_load(as, files, NULL) : -ENOMEM;

	if (r == 0 && as->pagemap < 0)
		r = -EACCES;
	if (r == 0)
		address_space_scan(as, files, 0);
	address_space_free(as);
	return r;
}

static int tell_program(pid_t pid, struct trace_result *ret)
{
	struct front front = { 0 };
	int r;

	front_executed(&front, pid, NULL, NULL);
	if (front.path)
		ret->program = strdup(front.path);
	r = ret->program ? front_interpreted(&front, &ret->interpreted) : -ESRCH;
	front_done(&front);
	return r;
}

static int record_all(const struct running *r, struct traced_files *files,
		      struct trace_result *ret)
{
	int e = record_one(r->pids[0], files);

	if (e == 0)
		e = tell_program(r->pids[0], ret);
	for (size_t i = 1; e == 0 && i < r->n; i++) {
		e = record_one(r->pids[i], files);
		if (e != -ENOMEM)
			e = 0;
	}
	ret->n_processes = (unsigned)r->n;
	return e == 0 ? traced_files_finish(files, ret) : e;
}

int running_record(const struct running *r, struct trace_result *ret)
{
	struct traced_files files;
	int e;

	*ret = (struct trace_result){ .method = TRACE_PAGEMAP };
	e = traced_files_init(&files);
	if (e == 0)
		e = record_all(r, &files, ret);
	traced_files_done(&files);
	if (e < 0)
		trace_result_done(ret);
	return e;
}
