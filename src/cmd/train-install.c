/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "log.h"
#include "reconcile.h"
#include "train-install.h"

#define LOCK_TIMEOUT_MS 30000

/* Programs of the usual directories go by their name, others by their path. New. */
static char *program_word(const char *program)
{
	static const char *const usual[] = { "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/" };
	char *word;

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strncmp(program, usual[i], strlen(usual[i])) == 0)
			return strdup(program + strlen(usual[i]));
	word = strdup(program + 1);
	return word;
}

/* "local.PROGRAM.json", with the scenario where it is not the default one. New. */
static char *profile_name(const struct profile *p)
{
	enum { LONGEST = LIMIT_PROFILE_NAME_BYTES - sizeof("local..json") };
	bool named = strcmp(p->scenario, "default") != 0;
	_cleanup_free_ char *word = program_word(p->program);
	char *name;

	if (!word ||
	    asprintf(&name, "%s%s%s", word, named ? "." : "", named ? p->scenario : "") < 0)
		return NULL;
	/* Plain names only, see store_list_profiles(). */
	for (char *c = name; *c; c++)
		if (*c == '/' || (unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			*c = '-';
	free(word);
	word = name;
	if (asprintf(&name, "local.%.*s.json", (int)LONGEST, word) < 0)
		return NULL;
	return name;
}

static void on_problem(const char *path, const struct diag *d, _unused_ void *userdata)
{
	log_diag(path, d);
}

static int compile(const struct store *s, const char *name)
{
	const struct reconcile_options options = {
		.storage_override = -1,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
		.on_problem = on_problem,
	};
	struct reconcile_result result;
	int r = reconcile_run(s, &options, &result);

	return r < 0 ? log_errno(r, "cannot compile the profile '%s'", name) : 0;
}

int train_install(const struct train_install *o, struct profile **p, char **ret_text,
		  size_t *ret_bytes, char **ret_name)
{
	_cleanup_(store_done) struct store store = { 0 };
	_cleanup_free_ char *name = profile_name(*p), *text = NULL;
	uint64_t n_new_pages;
	size_t bytes;
	int r = store_open(o->root, false, &store);

	if (r < 0)
		return log_errno(r, "cannot open root '%s'", o->root ? o->root : "/");
	r = name ? train_auto_add(&store, name, o->why, p, &n_new_pages) : -ENOMEM;
	if (r == 0)
		r = profile_write(*p, &text, &bytes);
	if (r == 0)
		r = store_put_profile(&store, name, text, bytes);
	if (r < 0)
		return log_errno(r, "cannot install the profile of '%s'", (*p)->program);
	if (o->is_system && strcmp((*p)->scenario, SCENARIO_BOOT) == 0)
		train_auto_note(&store, name, *p, n_new_pages);
	r = compile(&store, name);
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	*ret_bytes = bytes;
	*ret_name = TAKE_PTR(name);
	return 0;
}
