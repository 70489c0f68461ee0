/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "json-read.h"
#include "json-scan.h"
#include "known.h"
#include "log.h"
#include "readable.h"
#include "train-again.h"
#include "train-name.h"
#include "utf8.h"

/* Words of a command and its options, and bytes of one. */
enum { MOST_WORDS = 256, WORD_BYTES = 4096 };

/* ---- into the profile ---- */

static bool can_be_kept(char *const words[])
{
	size_t n = 0;

	for (; words[n]; n++)
		if (n >= MOST_WORDS || strlen(words[n]) >= WORD_BYTES ||
		    !utf8_is_plain(words[n]))
			return false;
	return true;
}

static int write_keys(char *const command[], const struct name_list *options, char **ret,
		      size_t *ret_bytes)
{
	FILE *f = open_memstream(ret, ret_bytes);

	if (!f)
		return -ENOMEM;
	json_to(f);
	json_open(NULL, '{');
	json_open("command", '[');
	for (size_t i = 0; command[i]; i++)
		json_string(NULL, command[i]);
	json_close(']');
	if (options->n > 0) {
		json_open("options", '[');
		for (size_t i = 0; i < options->n; i++)
			json_string(NULL, options->names[i]);
		json_close(']');
	}
	json_close('}');
	json_to(NULL);
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* A name that leads to nothing may be one of a file to be made. */
static bool is_private_path(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL), *copy = NULL;
	struct stat st;

	if (real)
		return stat(real, &st) < 0   ? true
		       : S_ISDIR(st.st_mode) ? !dir_is_readable_by_all(real)
					     : !file_is_readable_by_all(real);
	copy = strchr(path, '/') ? strdup(path) : NULL;
	if (!copy)
		return false;
	*strrchr(copy, '/') = 0;
	real = realpath(*copy ? copy : "/", NULL);
	return real && !dir_is_readable_by_all(real);
}

/* "--option=PATH" as well as "PATH". */
static bool is_private(const char *word)
{
	const char *value = strchr(word, '=');

	return is_private_path(word) || (value && is_private_path(value + 1));
}

static bool can_be_public(char *const command[])
{
	for (size_t i = 0; command[i]; i++)
		if (is_private(command[i])) {
			log_info("the command is not kept for --again: not everybody may "
				 "read "
				 "'%s'",
				 command[i]);
			return false;
		}
	return true;
}

int train_again_note(struct profile *p, char *const command[],
		     const struct name_list *options, bool is_public)
{
	_cleanup_free_ char *text = NULL;
	struct json_value root, v;
	struct diag unused;
	size_t bytes = 0;
	int r = 0;

	if (can_be_kept(command) && (!is_public || can_be_public(command)))
		r = write_keys(command, options, &text, &bytes);
	if (r < 0 || !text || bytes >= LIMIT_EXTRA_BYTES ||
	    json_scan(text, bytes, NULL, &unused) < 0)
		return r;
	root = json_root(text, bytes, &(struct json_seen){ 0 });
	for (bool any = json_first(&root, &v); any && r == 0; any = json_next(&v))
		r = extra_add(&p->trained_extra, &v);
	extra_sort(&p->trained_extra);
	return r == -EINVAL ? 0 : r;
}

void train_again_forget(struct profile *p)
{
	extra_remove(&p->trained_extra, "command");
	extra_remove(&p->trained_extra, "options");
}

/* ---- out of it ---- */

static const char *find_extra(const struct extra *e, const char *key)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->items[i].key, key) == 0)
			return e->items[i].value;
	return NULL;
}

/* TEXT, the value of a key that nobody has looked at, is to be an array of words. -EBADMSG. */
static int add_words(const char *text, struct name_list *words)
{
	struct json_value root, v;
	struct diag unused;
	char word[WORD_BYTES];
	int r = json_scan(text, strlen(text), NULL, &unused);

	if (r < 0)
		return -EBADMSG;
	root = json_root(text, strlen(text), &(struct json_seen){ 0 });
	if (json_kind(&root) != JSON_ARRAY || json_count(&root) > MOST_WORDS)
		return -EBADMSG;
	for (bool any = json_first(&root, &v); any && r == 0; any = json_next(&v)) {
		if (json_kind(&v) != JSON_STRING ||
		    json_copy_string(v.at, v.end, word, sizeof(word)) >= sizeof(word))
			return -EBADMSG;
		r = name_list_add(words, word);
	}
	return r;
}

static bool is_option(const char *word)
{
	static const char *const known[] = { "--window=",  "--for=",	     "--until-exit",
					     "--program=", "--allow-failed", "--as-root",
					     "--method=" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i]);

		if (strncmp(word, known[i], n) == 0 && (known[i][n - 1] == '=' || !word[n]))
			return true;
	}
	return false;
}

/* WORDS: "elfcast: train" and what comes behind it. -ENOENT: P does not know its command. */
static int read_words(const struct profile *p, const char *runs, struct name_list *words)
{
	const char *command = find_extra(&p->trained_extra, "command");
	const char *options = find_extra(&p->trained_extra, "options");
	char scenario[LIMIT_NAME_BYTES + sizeof("--scenario=")];
	size_t n_before;
	int r;

	if (!command)
		return -ENOENT;
	snprintf(scenario, sizeof(scenario), "--scenario=%s", p->scenario);
	r = name_list_add(words, "elfcast");
	if (r == 0)
		r = name_list_add(words, "train");
	if (r == 0)
		r = name_list_add(words, "--install");
	if (r == 0 && strcmp(p->scenario, "default") != 0)
		r = name_list_add(words, scenario);
	if (r == 0 && runs)
		r = name_list_add(words, runs);
	n_before = words->n;
	if (r == 0 && options)
		r = add_words(options, words);
	for (size_t i = n_before; r == 0 && i < words->n; i++)
		if (!is_option(words->names[i]))
			r = -EBADMSG;
	if (r == 0)
		r = name_list_add(words, "--");
	n_before = words->n;
	if (r == 0)
		r = add_words(command, words);
	return r == 0 && words->n == n_before ? -EBADMSG : r;
}

/* ---- again ---- */

static void tell(const struct name_list *words)
{
	char text[4096] = "";
	size_t n = 0;

	for (size_t i = 0; i < words->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
				      words->names[i]);
	log_info("%s", text);
}

static int run_words(const struct name_list *words)
{
	_cleanup_free_ char **argv = calloc(words->n + 1, sizeof(*argv));
	int status;
	pid_t pid;

	if (!argv)
		return CMD_FAILED;
	memcpy(argv, words->names, words->n * sizeof(*argv));
	pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", argv);
		log_errno(-errno, "cannot run elfcast train");
		_exit(CMD_FAILED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		log_errno(-errno, "cannot run elfcast train");
		return CMD_FAILED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CMD_FAILED;
}

static int train_one(const struct store *s, const struct train_again *o,
		     const struct known_launch *l)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(name_list_done) struct name_list words = { 0 };
	int r = train_load_installed(s, known_profile(l), &p);

	if (r == 0)
		r = read_words(p, o->runs, &words);
	if (r == -ENOENT || r == -EBADMSG) {
		log_error("'%s' does not tell by which command it was trained: 'elfcast "
			  "train "
			  "--install -- %s ...' makes it new",
			  known_profile(l), known_program(l));
		return CMD_FAILED;
	}
	if (r < 0) {
		log_errno(r, "cannot read the profile '%s'", known_profile(l));
		return CMD_FAILED;
	}
	tell(&words);
	return o->dry_run ? CMD_DONE : run_words(&words);
}

static bool is_stale(const struct known_launch *l)
{
	return l->state == KNOWN_STALE || l->state == KNOWN_PARTLY_STALE ||
	       l->totals.n_retargeted > 0;
}

/* PROGRAM NULL: all that have a command, or are stale. */
static int train_matching(const struct store *s, const struct train_again *o,
			  const struct known *k, const char *program, size_t *n)
{
	int status = CMD_DONE;

	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if (!l->shadow.data || !l->file || !l->file->from_etc ||
		    (program && strcmp(known_file(l), program) != 0) ||
		    strcmp(known_scenario(l), SCENARIO_BOOT) == 0)
			continue;
		if (o->only_stale ? !is_stale(l) : !program && l->state == KNOWN_ABSENT)
			continue;
		(*n)++;
		if (train_one(s, o, l) != CMD_DONE)
			status = CMD_FAILED;
	}
	return status;
}

static int train_named(const struct store *s, const struct train_again *o,
		       const struct known *k, const char *name)
{
	_cleanup_free_ char *program = NULL;
	size_t n = 0;
	int status;

	if (known_find_program(s, k, name, &program) < 0)
		return CMD_FAILED;
	status = train_matching(s, o, k, program, &n);
	if (n == 0 && !o->only_stale) {
		log_error("this machine has no profile of its own of '%s': 'elfcast train "
			  "--install -- %s ...' makes one",
			  program, name);
		return CMD_FAILED;
	}
	return status;
}

int train_again(const struct train_again *o)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(known_done) struct known k = { 0 };
	int status = CMD_DONE, r = cmd_open_store(&s);
	size_t n = 0;

	if (r < 0 || known_load(&s, &k) < 0)
		return CMD_FAILED;
	for (int i = 0; i < o->n_programs; i++)
		if (train_named(&s, o, &k, o->programs[i]) != CMD_DONE)
			status = CMD_FAILED;
	if (o->n_programs > 0)
		return status;
	status = train_matching(&s, o, &k, NULL, &n);
	if (n == 0)
		log_info(o->only_stale ? "no profile of this machine's own is stale"
				       : "this machine has no profiles of its own");
	return status;
}
