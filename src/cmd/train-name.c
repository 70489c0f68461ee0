/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A path does not fit into a file name, so two programs can have the same one. Each name is looked
 * at before it is taken: the second such program gets one with a number that no other has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "train-name.h"

static int open_installed(const struct store *s, const char *name)
{
	_cleanup_(profile_list_done) struct profile_list l = { 0 };
	int r = store_list_profiles(s, &l);

	for (size_t i = 0; r == 0 && i < l.n; i++) {
		const struct profile_file *f = &l.items[i];

		if (strcmp(f->name, name) == 0 && f->from_etc && !f->masked)
			return f->error < 0 ? f->error : store_open_profile(s, f);
	}
	return r < 0 ? r : -ENOENT;
}

int train_load_installed(const struct store *s, const char *name, struct profile **ret)
{
	_cleanup_close_ int fd = open_installed(s, name);
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	size_t bytes;
	int r = fd < 0 ? fd : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	return r < 0 ? r : profile_parse(text, bytes, ret, &d);
}

/* Programs of the usual directories go by their name, others by their path. */
static const char *program_word(const char *program)
{
	static const char *const usual[] = { "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/" };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strncmp(program, usual[i], strlen(usual[i])) == 0)
			return program + strlen(usual[i]);
	return program + 1;
}

/* Of the program and the scenario: what tells them from those that look alike in a file name. */
static uint64_t number_of(const struct profile *p)
{
	char text[LIMIT_PATH_BYTES + LIMIT_NAME_BYTES + 2];

	snprintf(text, sizeof(text), "%s\n%s", p->program, p->scenario);
	return hash_string(text);
}

/* "local.PROGRAM.json", with the scenario where it is not the default one, and the number. New. */
static char *name_of(const struct profile *p, bool is_numbered)
{
	enum {
		LONGEST = LIMIT_PROFILE_NAME_BYTES - sizeof("local.~0123456789abcdef.json")
	};
	bool named = strcmp(p->scenario, "default") != 0;
	_cleanup_free_ char *word = NULL;
	char number[20] = "", *name;

	if (asprintf(&word, "%s%s%s", program_word(p->program), named ? "." : "",
		     named ? p->scenario : "") < 0) {
		word = NULL;
		return NULL;
	}
	/* Plain names only, see store_list_profiles(). */
	for (char *c = word; *c; c++)
		if (*c == '/' || (unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			*c = '-';
	if (is_numbered)
		snprintf(number, sizeof(number), "~%016llx",
			 (unsigned long long)number_of(p));
	return asprintf(&name, "local.%.*s%s.json", (int)LONGEST, word, number) < 0 ? NULL
										    : name;
}

/* Whose profile is there. */
enum owner { NOBODYS, OURS, OTHERS };

static int owner_of(const struct store *s, const char *name, const struct profile *p)
{
	_cleanup_(profile_freep) struct profile *old = NULL;
	int r = train_load_installed(s, name, &old);

	if (r == -ENOMEM)
		return r;
	if (r < 0) /* what cannot be read has no effect */
		return NOBODYS;
	return strcmp(old->program, p->program) == 0 &&
			       strcmp(old->scenario, p->scenario) == 0
		       ? OURS
		       : OTHERS;
}

int train_choose_name(const struct store *s, const struct profile *p, char **ret)
{
	_cleanup_free_ char *plain = name_of(p, false), *numbered = name_of(p, true);
	int is_plain, is_numbered;

	if (!plain || !numbered)
		return -ENOMEM;
	is_plain = owner_of(s, plain, p);
	is_numbered = owner_of(s, numbered, p);
	if (is_plain < 0 || is_numbered < 0)
		return MIN(is_plain, is_numbered);
	/* Where it is, also when the plain name has become free. */
	if (is_plain != OTHERS && is_numbered != OURS)
		*ret = TAKE_PTR(plain);
	else if (is_numbered != OTHERS)
		*ret = TAKE_PTR(numbered);
	else
		return -EEXIST;
	return 0;
}
