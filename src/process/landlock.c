/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"

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
#define ACCESS_FS_TRUNCATE  (1ull << 14) /* ABI 3, Linux 6.2 */
#define ACCESS_FS_IOCTL_DEV (1ull << 15) /* ABI 5, Linux 6.10 */
#define ACCESS_NET_TCP	    3ull	 /* bind, connect: ABI 4, Linux 6.7 */
#define SCOPES		    3ull	 /* abstract sockets, signals: ABI 6, Linux 6.12 */

/* struct landlock_ruleset_attr of ABI 6, which older headers do not have. */
struct ruleset {
	uint64_t access_fs, access_net, scoped;
};

/* What this kernel knows: writing, and with ALONE also all to do with others. */
static struct ruleset ruleset(long abi, bool alone)
{
	struct ruleset r = { .access_fs = LANDLOCK_WRITES };

	if (abi >= 3)
		r.access_fs |= ACCESS_FS_TRUNCATE;
	if (alone && abi >= 4)
		r.access_net = ACCESS_NET_TCP;
	if (alone && abi >= 5)
		r.access_fs |= ACCESS_FS_IOCTL_DEV;
	if (alone && abi >= 6)
		r.scoped = SCOPES;
	return r;
}

static size_t ruleset_bytes(long abi)
{
	return abi >= 6	  ? sizeof(struct ruleset)
	       : abi >= 4 ? offsetof(struct ruleset, scoped)
			  : offsetof(struct ruleset, access_net);
}

bool landlock_restrict(const int *dirs, size_t n, bool alone)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset attr = ruleset(abi, alone);
	bool done = true;
	int fd;

	if (abi < 1)
		return false;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_bytes(abi), 0);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct landlock_path_beneath_attr beneath = {
			.allowed_access =
				attr.access_fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
			.parent_fd = dirs[i],
		};

		done &= syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
				&beneath, 0) == 0;
	}
	done = done && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done;
}
