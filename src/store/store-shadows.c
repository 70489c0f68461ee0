/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shadows' file names, and which there are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "store-private.h"

enum { HASH_CHARS = 16 };

static void program_hash(const char *program, char ret[static HASH_CHARS + 1])
{
	snprintf(ret, HASH_CHARS + 1, "%016llx", (unsigned long long)hash_string(program));
}

char *store_shadow_name(const char *program, const char *profile_name)
{
	char hash[HASH_CHARS + 1], *name;

	program_hash(program, hash);
	return asprintf(&name, "%s.%s.shadow", hash, profile_name) < 0 ? NULL : name;
}

char *store_shadow_profile(const char *shadow_name)
{
	size_t n = strlen(shadow_name), head = HASH_CHARS + 1, tail = strlen(".shadow");

	return n > head + tail ? strndup(shadow_name + head, n - head - tail) : strdup("");
}

bool store_shadow_is_of(const char *shadow_name, const char *program)
{
	char hash[HASH_CHARS + 1];

	program_hash(program, hash);
	return strncmp(shadow_name, hash, HASH_CHARS) == 0 &&
	       shadow_name[HASH_CHARS] == '.';
}

static int each_shadow(_unused_ int dirfd, const char *name, void *userdata)
{
	struct name_list *l = userdata;

	return name[0] == '.' ? 0 : name_list_add(l, name);
}

int store_list_shadows(const struct store *s, struct name_list *ret)
{
	int fd = store_open_shadows(s), r;
	struct name_list l = { 0 };

	r = fd == -ENOENT ? 0 : fd < 0 ? fd : store_for_each_name(fd, each_shadow, &l);
	if (r < 0) {
		name_list_done(&l);
		return r;
	}
	name_list_sort(&l);
	*ret = l;
	return 0;
}

bool store_shadow_is_from(const char *shadow_name, const char *profile_name)
{
	const char *p = strchr(shadow_name, '.'); /* behind the hash */
	size_t n = strlen(profile_name);

	return p && strncmp(p + 1, profile_name, n) == 0 &&
	       strcmp(p + 1 + n, ".shadow") == 0;
}

bool store_has_shadow(const struct name_list *shadows, const char *profile_name)
{
	for (size_t i = 0; i < shadows->n; i++)
		if (store_shadow_is_from(shadows->names[i], profile_name))
			return true;
	return false;
}
