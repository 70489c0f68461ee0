/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"
#include "macro.h"
#include "sandbox.h"
#include "syscall-filter.h"

/* KEPT: bits of the first 32 capabilities. */
static void drop_capabilities_but(uint32_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = kept, .permitted = kept }
	};

	syscall(SYS_capset, &header, caps);
}

static void limit(int resource, uint64_t value)
{
	const struct rlimit l = { value, value };

	setrlimit((__rlimit_resource_t)resource, &l);
}

void sandbox_drop_privileges(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_capabilities_but(0);
}

void sandbox_drop_all_but_reading(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_capabilities_but(1u << CAP_DAC_READ_SEARCH);
}

/* The kernel's nobody, whom files of unmapped users belong to as well. */
static unsigned nobody(const char *setting)
{
	_cleanup_close_ int fd = open(setting, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	unsigned id;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%u", &id) != 1)
		return 65534;
	return id;
}

/* Each as far as it is allowed: a container may have one user only, or forbid setgroups(2). */
static void become_nobody(void)
{
	unsigned uid = nobody("/proc/sys/kernel/overflowuid");
	unsigned gid = nobody("/proc/sys/kernel/overflowgid");

	if (geteuid() != 0)
		return;
	setgroups(0, NULL);
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return; /* what follows holds for root, too */
}

/* gcc defines it by itself. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

void sandbox_limit_memory(_unused_ size_t bytes)
{
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory is terabytes of address space */
	struct rlimit l;

	if (getrlimit(RLIMIT_AS, &l) == 0 && l.rlim_cur > bytes)
		limit(RLIMIT_AS, bytes);
#endif
}

void sandbox_enter(const struct sandbox *s)
{
	bool confined;

	if (s->memory_bytes)
		sandbox_limit_memory(s->memory_bytes);
	limit(RLIMIT_CORE, 0);
	if (!s->keep_user)
		become_nobody();
	/* After that, which would undo it. */
	if (s->is_child)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sandbox_drop_privileges();
	confined = landlock_restrict(NULL, 0, true);
	if (!confined && s->is_child)
		limit(RLIMIT_FSIZE, 0); /* second best; pipes are not limited by it */
	syscall_filter_install();
}

static int compare_descriptors(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void sandbox_close_all_but(const int *kept, size_t n)
{
	_cleanup_free_ int *sorted = calloc(n + 1, sizeof(*sorted));
	unsigned next = STDERR_FILENO + 1;

	if (!sorted)
		return;
	for (size_t i = 0; i < n; i++)
		sorted[i] = kept[i];
	qsort(sorted, n, sizeof(*sorted), compare_descriptors);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)next)
			continue;
		if (sorted[i] > (int)next)
			syscall(SYS_close_range, next, (unsigned)sorted[i] - 1, 0u);
		next = (unsigned)sorted[i] + 1;
	}
	syscall(SYS_close_range, next, ~0u, 0u);
}

void sandbox_confine(const int *dirs, size_t n)
{
	limit(RLIMIT_CORE, 0);
	sandbox_drop_privileges();
	landlock_restrict(dirs, n, false);
}
