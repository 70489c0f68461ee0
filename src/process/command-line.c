/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "command-line.h"
#include "macro.h"
#include "utf8.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_one_of(const char *word, const char *const list[])
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* ---- who starts another program ---- */

/* "-c", "-ec" in front of the first word that is no option. */
static bool has_command(char *const argv[])
{
	for (argv++; *argv && (**argv == '-' || **argv == '+'); argv++)
		if ((*argv)[1] != '-' && strchr(*argv, 'c'))
			return true;
	return false;
}

enum starts command_line_starts(const char *path, char *const argv[])
{
	static const char *const shells[] = { "sh", "dash", "bash", "ksh", "zsh", NULL };
	static const char *const others[] = {
		"env",	   "nice",   "ionice",	"chrt",	   "taskset", "setpriv", "nohup",
		"stdbuf",  "setsid", "setarch", "linux32", "linux64", "prlimit", "choom",
		"timeout", "time",   "su",	"runuser", "sudo",    "doas",	 NULL
	};
	const char *name = base_name(path);

	if (is_one_of(name, others))
		return STARTS_CHILD;
	return is_one_of(name, shells) && argv[0] && has_command(argv) ? STARTS_IN_PLACE
								       : STARTS_NOTHING;
}

bool command_line_is_on_the_way(const char *path)
{
	static const char *const helpers[] = { "unix_chkpwd",	       "unix_update",
					       "mkhomedir_helper",     "pwhistory_helper",
					       "pam_namespace_helper", NULL };

	return is_one_of(base_name(path), helpers);
}

/* ---- who interprets one ---- */

/* Letters of options, each with what follows it in its word or as the next one. */
struct interpreter {
	const char *const *names; /* a version may follow: python3.11 */
	const char *code;	  /* a program's text: there is no file */
	const char *module;	  /* names the program */
	const char *file;	  /* its path */
	const char *next;	  /* a value */
	const char *rest;	  /* a value, only in the same word */
	const char *const *words; /* longer options with a value in the next word */
};

#define NAMES(...)                                                                         \
	(const char *const[])                                                              \
	{                                                                                  \
		__VA_ARGS__, NULL                                                          \
	}

static const struct interpreter interpreters[] = {
	{ NAMES("python", "pypy"), "c", "m", "", "WX", "",
	  NAMES("--check-hash-based-pycs") },
	{ NAMES("perl"), "eE", "", "", "I", "MmDVixlFC0", NAMES("") },
	{ NAMES("ruby"), "e", "", "", "ICEr", "xiWTKF0", NAMES("") },
	{ NAMES("node", "nodejs"), "ep", "", "", "rC", "",
	  NAMES("--require", "--import", "--loader", "--experimental-loader",
		"--conditions", "--env-file") },
	{ NAMES("php"), "rBRE", "", "f", "dcz", "", NAMES("--define", "--php-ini") },
	{ NAMES("lua"), "e", "", "", "l", "", NAMES("") },
	{ NAMES("sh", "dash", "bash", "ksh", "zsh"), "cs", "", "", "oO", "",
	  NAMES("--rcfile", "--init-file") },
	{ NAMES("Rscript"), "e", "", "", "", "", NAMES("") },
};

static const struct interpreter *find_interpreter(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(interpreters); i++)
		for (const char *const *n = interpreters[i].names; *n; n++) {
			size_t bytes = strlen(*n);

			if (strncmp(name, *n, bytes) == 0 &&
			    name[bytes + strspn(name + bytes, "0123456789.")] == 0)
				return &interpreters[i];
		}
	return NULL;
}

/* What a program is called, if it is: a file, or else a name. */
struct found {
	const char *file, *name;
};

/* Letters behind one hyphen. False: that was all that there is to find. */
static bool read_letters(const struct interpreter *in, char *const **argv,
			 struct found *ret)
{
	for (const char *c = **argv + 1; *c; c++) {
		bool module = strchr(in->module, *c), file = strchr(in->file, *c);

		if (strchr(in->code, *c))
			return false;
		if (strchr(in->rest, *c))
			return true;
		if (!module && !file && !strchr(in->next, *c))
			continue;
		/* Its value is the rest of the word, or the next one. */
		c = c[1] ? c + 1 : *++*argv;
		if (module)
			ret->name = c;
		else if (file)
			ret->file = c;
		return c && !module && !file;
	}
	return true;
}

static void find_script(const struct interpreter *in, char *const argv[], struct found *ret)
{
	for (argv++; *argv && **argv == '-'; argv++) {
		if (strcmp(*argv, "-") == 0)
			return;
		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		if ((*argv)[1] != '-') {
			if (!read_letters(in, &argv, ret))
				return;
		} else if (is_one_of(*argv, NAMES("--eval", "--print")) ||
			   (is_one_of(*argv, in->words) && !*++argv)) {
			return;
		}
	}
	ret->file = *argv;
}

/* java -jar FILE, java -m MODULE, java CLASS. */
static void find_class(char *const argv[], struct found *ret)
{
	static const char *const valued[] = { "-cp", "-classpath",    "--class-path",
					      "-p",  "--module-path", "--add-modules",
					      NULL };

	for (argv++; *argv && **argv == '-'; argv++) {
		if (strcmp(*argv, "-jar") == 0) {
			ret->file = argv[1];
			return;
		}
		if (is_one_of(*argv, NAMES("-m", "--module"))) {
			ret->name = argv[1];
			return;
		}
		if (is_one_of(*argv, valued) && !*++argv)
			return;
	}
	ret->name = *argv;
}

/* Longer than a name may be, its end stays, which says most, and a sum of all of it. */
static int make_name(const char *text, char **ret)
{
	enum { SUM_BYTES = 18 };
	size_t bytes = strlen(text), cut;
	uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */

	if (!*text || !utf8_is_plain(text))
		return 0;
	if (bytes <= LIMIT_NAME_BYTES) {
		*ret = strdup(text);
		return *ret ? 0 : -ENOMEM;
	}
	for (const char *c = text; *c; c++)
		sum = (sum ^ (unsigned char)*c) * 0x100000001b3u;
	cut = bytes - (LIMIT_NAME_BYTES - SUM_BYTES);
	while (((unsigned char)text[cut] & 0xc0) == 0x80) /* within a character */
		cut++;
	return asprintf(ret, "%016llx~%s", (unsigned long long)sum, text + cut) < 0
		       ? -ENOMEM
		       : 0;
}

static int name_file(const char *file, const char *dir, char **ret)
{
	_cleanup_free_ char *path = NULL, *canonical = NULL;

	if (asprintf(&path, "%s/%s", *file == '/' ? "" : dir, file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	canonical = realpath(path, NULL);
	return canonical ? make_name(canonical, ret) : errno == ENOMEM ? -ENOMEM : 0;
}

int command_line_interpreted(const char *path, char *const argv[], const char *dir,
			     char **ret)
{
	const char *name = base_name(path);
	const struct interpreter *in = find_interpreter(name);
	struct found found = { 0 };

	*ret = NULL;
	if (!argv[0])
		return 0;
	if (in)
		find_script(in, argv, &found);
	else if (strcmp(name, "java") == 0)
		find_class(argv, &found);
	if (found.file)
		return name_file(found.file, dir, ret);
	return found.name ? make_name(found.name, ret) : 0;
}
