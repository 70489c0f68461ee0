/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast retarget: a profile for other builds of the files that it was trained on. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "cmd.h"
#include "evidence.h"
#include "input.h"
#include "io.h"
#include "json-out.h"
#include "log.h"
#include "output.h"
#include "renamed.h"
#include "retarget-job.h"
#include "retarget-verb.h"
#include "store.h"

static const char *arg_to, *arg_output; /* NULL: standard output */

struct source {
	int dirfd;	  /* --to=DIR, or -1 */
	int filefd;	  /* --to=FILE or PACKAGE, or -1 */
	const char *file; /* its name */
};

/* ---- the new file ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_target(const struct source *s, const struct profile_object *o,
		       struct retarget_target *ret)
{
	struct stat st;
	int r;

	if (s->filefd >= 0) {
		ret->path = strdup(o->path);
		ret->fd = fcntl(s->filefd, F_DUPFD_CLOEXEC, 0);
	} else {
		r = renamed_find(s->dirfd, o->path, &ret->path);
		if (r < 0)
			return r;
		ret->fd = openat(s->dirfd, ret->path + 1,
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (!ret->path)
		return -ENOMEM;
	if (ret->fd < 0 || fstat(ret->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ret->size_bytes = (uint64_t)st.st_size;
	r = retarget_target_id(ret->fd, o, &ret->id);
	if (r == 0 && o->digest && o->size_bytes == ret->size_bytes &&
	    ret->size_bytes <= LIMIT_DIGESTED_BYTES)
		r = hash_file(ret->fd, ret->digest);
	return r;
}

static bool is_named(const struct source *s, const struct profile_object *o)
{
	return names_are_alike(base_name(o->path), s->file);
}

static int do_object(struct retarget_job *j, const struct source *s,
		     const struct profile_object *o)
{
	_cleanup_(retarget_target_done) struct retarget_target t = { .fd = -1 };
	int r;

	if (s->filefd >= 0 && !is_named(s, o))
		return retarget_job_leave_out(j, o, "not the file that --to names");
	r = open_target(s, o, &t);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? retarget_job_leave_out(j, o, strerror(-r))
		     : retarget_job_take(j, o, &t);
}

/* -ENOENT: there is nothing of P. */
static int do_objects(const struct source *s, const struct profile *p,
		      struct retarget_result *ret)
{
	_cleanup_(retarget_job_done) struct retarget_job j = { 0 };
	_cleanup_free_ char *program = NULL;
	int r = s->dirfd < 0 ? -ENOENT : renamed_find(s->dirfd, p->program, &program);

	if (r == -ENOMEM)
		return r;
	r = retarget_job_begin(&j, p, program ? program : p->program);
	for (size_t i = 0; r == 0 && i < p->n_objects; i++)
		r = do_object(&j, s, &p->objects[i]);
	return r < 0 ? r : retarget_job_end(&j, ret);
}

/* ---- the profile ---- */

static void print_summary(const struct retarget_result *t)
{
	unsigned sure = t->n_pages ? (unsigned)(t->confidence / t->n_pages) : 0;

	if (arg_json) {
		json_open(NULL, '{');
		json_uint("exact", t->n_exact);
		json_uint("retargeted", t->n_retargeted);
		json_uint("left_out", t->n_left_out);
		json_uint("pages", t->n_pages);
		json_uint("confidence", sure);
		json_close('}');
		return;
	}
	log_info("%u objects as they were, %u retargeted, %u left out", t->n_exact,
		 t->n_retargeted, t->n_left_out);
	if (t->n_retargeted)
		log_info("%llu pages retargeted, %u %% of which will be needed",
			 (unsigned long long)t->n_pages, sure);
}

static int open_source(struct source *ret)
{
	struct stat st;
	int fd = open(arg_to, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*ret = (struct source){ .dirfd = -1, .filefd = -1, .file = base_name(arg_to) };
	if (fd < 0 || fstat(fd, &st) < 0)
		return log_errno(-errno, "cannot open '%s'", arg_to);
	*(S_ISDIR(st.st_mode) ? &ret->dirfd : &ret->filefd) = fd;
	return 0;
}

static void source_done(struct source *s)
{
	closep(&s->dirfd);
	closep(&s->filefd);
}

/* A file is the new build of what has its name; what has no object's name is a package. */
static bool is_package(const struct source *s, const struct profile *p)
{
	for (size_t i = 0; i < p->n_objects; i++)
		if (is_named(s, &p->objects[i]))
			return false;
	return s->filefd >= 0;
}

/* That of packages' profiles lies beside them, on the machine that this runs on. */
static int add_evidence(struct profile *p)
{
	_cleanup_close_ int rootfd = io_open_root(NULL);
	_cleanup_(evidence_done) struct evidence e = { .rootfd = rootfd,
						       .dir = STORE_EVIDENCE };

	return rootfd < 0 ? rootfd : evidence_fill(&e, p);
}

static int retarget(const char *name, char *argv[], retarget_package *package)
{
	_cleanup_(retarget_result_done) struct retarget_result result = { 0 };
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(source_done) struct source s;
	int r = open_source(&s);

	if (r == 0)
		r = input_load_profile(name, &p);
	if (r < 0)
		return CMD_FAILED;
	r = add_evidence(p);
	if (r < 0)
		log_errno(r, "cannot read evidence");
	r = is_package(&s, p) ? package(s.filefd, arg_to, p, argv, &result)
			      : do_objects(&s, p, &result);
	if (r == -ENOENT)
		log_error("nothing of '%s' is known of '%s'", name, arg_to);
	else if (r < 0)
		log_errno(r, "cannot retarget '%s'", name);
	if (r != 0 || output_text(arg_output, result.text, result.bytes) < 0)
		return CMD_FAILED;
	print_summary(&result);
	return CMD_DONE;
}

int retarget_run(int argc, char *argv[], retarget_package *package)
{
	enum { OPT_TO = OPT_VERB };
	static const struct option options[] = {
		{ "to", required_argument, NULL, OPT_TO },
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == OPT_TO) {
			arg_to = optarg;
			continue;
		}
		if (c == 'o') {
			arg_output = optarg;
			continue;
		}
		r = cmd_common_option(&cmd_retarget, c);
		if (r >= 0)
			return r;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_retarget, "needs one profile");
	if (!arg_to)
		return cmd_usage_error(&cmd_retarget,
				       "needs --to=DIR, --to=FILE or --to=PACKAGE");
	if (arg_json && (!arg_output || strcmp(arg_output, "-") == 0))
		return cmd_usage_error(&cmd_retarget,
				       "--json and the profile cannot both go to "
				       "standard output");
	return retarget(argv[optind], argv, package);
}

/* Packages are read by who has the libraries. */
static int become_tool(_unused_ int fd, const char *path, _unused_ const struct profile *p,
		       char *argv[], _unused_ struct retarget_result *ret)
{
	int r = cmd_exec_tool("retarget", argv);

	if (r == -ENOENT)
		log_error(
			"'%s' has the name of no object, and elfcast-retarget, which takes "
			"packages, is not installed",
			path);
	else
		log_errno(r, "cannot run elfcast-retarget");
	return CMD_FAILED;
}

static int run(int argc, char *argv[])
{
	return retarget_run(argc, argv, become_tool);
}

const struct cmd cmd_retarget = {
	.name = "retarget",
	.args = "[-o FILE] --to=FILE|DIR|PACKAGE PROFILE",
	.summary = "carry a profile over to other builds of its files",
	.options =
		"      --to=PATH       the new build of one file, a root with new files, "
		"or an .rpm, .deb\n"
		"                      or tar archive\n"
		"  -o, --output=FILE   default: standard output\n",
	.run = run,
};
