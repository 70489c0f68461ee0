/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

/*
 * Rights of ABI 1: execute, write, remove and make anything. Reading is not handled, so it
 * stays as it is.
 */
#define LANDLOCK_WRITES                                                                    \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                      \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                      \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                      \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                    \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)
#define ACCESS_FS_TRUNCATE (1ull << 14) /* ABI 3, Linux 6.2 */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	syscall(SYS_capset, &header, none);
}

/* What it handles is forbidden everywhere but below DIRS. */
static bool forbid_writing(const int *dirs, size_t n)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_WRITES };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	bool done = true;
	int fd;

	if (abi < 1)
		return false;
	if (abi >= 3)
		attr.handled_access_fs |= ACCESS_FS_TRUNCATE;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct landlock_path_beneath_attr beneath = {
			.allowed_access = attr.handled_access_fs &
					  ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
			.parent_fd = dirs[i],
		};

		done &= syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
				&beneath, 0) == 0;
	}
	done = done && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done;
}

static void limit(int resource, uint64_t value)
{
	const struct rlimit l = { value, value };

	setrlimit((__rlimit_resource_t)resource, &l);
}

void sandbox_drop_privileges(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_capabilities();
}

void sandbox_enter(size_t memory_bytes)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (memory_bytes)
		limit(RLIMIT_AS, memory_bytes);
	limit(RLIMIT_CORE, 0);
	sandbox_drop_privileges();
	if (!forbid_writing(NULL, 0))
		limit(RLIMIT_FSIZE, 0); /* second best; pipes are not limited by it */
}

void sandbox_confine(const int *dirs, size_t n)
{
	limit(RLIMIT_CORE, 0);
	sandbox_drop_privileges();
	forbid_writing(dirs, n);
}
