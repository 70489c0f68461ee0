/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>

#include "log.h"
#include "macro.h"
#include "train-user.h"

static bool parse_id(const char *text, unsigned *ret)
{
	unsigned long x;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	x = strtoul(text, &end, 10);
	if (*end || errno || x >= UINT32_MAX) /* (uid_t)-1 is nobody's */
		return false;
	*ret = (unsigned)x;
	return true;
}

static int find_groups(const struct passwd *pw, struct train_user *u)
{
	int n = 0;

	getgrouplist(pw->pw_name, u->user.gid, NULL, &n);
	u->groups = calloc((size_t)MAX(n, 1), sizeof(*u->groups));
	if (!u->groups)
		return -ENOMEM;
	if (getgrouplist(pw->pw_name, u->user.gid, u->groups, &n) < 0)
		return -EAGAIN; /* they changed just now */
	u->user.groups = u->groups;
	u->user.n_groups = (size_t)n;
	return 0;
}

static int fill(const struct passwd *pw, struct train_user *u)
{
	u->user.name = strdup(pw->pw_name);
	u->user.home = strdup(pw->pw_dir);
	return u->user.name && u->user.home ? find_groups(pw, u) : -ENOMEM;
}

int train_user_find(struct train_user *ret)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	struct train_user u = { 0 };
	const struct passwd *pw;
	int r;

	if (geteuid() != 0 || (!uid && !gid))
		return 0;
	if (!parse_id(uid, &u.user.uid) || !parse_id(gid, &u.user.gid)) {
		log_error(
			"SUDO_UID and SUDO_GID are not a user and a group; --as-root runs "
			"the command as root");
		return -EINVAL;
	}
	if (u.user.uid == 0)
		return 0;
	pw = getpwuid(u.user.uid);
	if (!pw) {
		log_error("there is no user %u (SUDO_UID); --as-root runs the command as "
			  "root",
			  u.user.uid);
		return -ENOENT;
	}
	r = fill(pw, &u);
	if (r < 0) {
		train_user_done(&u);
		return log_errno(r, "cannot tell the groups of user %u", u.user.uid);
	}
	*ret = u;
	return 1;
}

void train_user_done(struct train_user *u)
{
	free((char *)(uintptr_t)u->user.name);
	free((char *)(uintptr_t)u->user.home);
	free(u->groups);
	*u = (struct train_user){ 0 };
}
