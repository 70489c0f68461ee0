/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast retarget: a profile for other builds of the files that it was trained on. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "buildid.h"
#include "cmd.h"
#include "elf-end.h"
#include "elf-id.h"
#include "elf-layout.h"
#include "hash.h"
#include "io.h"
#include "json-out.h"
#include "log.h"
#include "output.h"
#include "profile.h"
#include "renamed.h"
#include "retarget.h"

static const char *arg_to, *arg_output; /* NULL: standard output */

struct job {
	int rootfd;	    /* --to=DIR, or -1 */
	int filefd;	    /* --to=FILE, or -1 */
	const char *file;   /* its name */
	struct profile *to; /* takes what is known */
	unsigned n_exact, n_retargeted, n_left_out;
	uint64_t confidence; /* sum over pages */
	uint64_t n_pages;
};

/* ---- the new file ---- */

struct target {
	char *path;
	int fd;
	uint64_t size_bytes;
	struct buildid id; /* none: a data file */
};

static void target_done(struct target *t)
{
	free(t->path);
	closep(&t->fd);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_target(const struct job *j, const struct profile_object *o,
		       struct target *ret)
{
	struct stat st;
	int r;

	if (j->filefd >= 0) {
		ret->path = strdup(o->path);
		ret->fd = fcntl(j->filefd, F_DUPFD_CLOEXEC, 0);
	} else {
		r = renamed_find(j->rootfd, o->path, &ret->path);
		if (r < 0)
			return r;
		ret->fd = openat(j->rootfd, ret->path + 1,
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (!ret->path)
		return -ENOMEM;
	if (ret->fd < 0 || fstat(ret->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ret->size_bytes = (uint64_t)st.st_size;
	/* What was trained as data is data, whatever it is. */
	r = o->buildid.n_bytes ? elf_id_read(ret->fd, &ret->id)
			       : buildid_read(ret->fd, &ret->id);
	if (r < 0)
		ret->id = (struct buildid){ 0 };
	return r == -ENOMEM || r == -EIO ? r : 0;
}

/* ---- one object ---- */

/* A new object of the same pages, trained or not. NULL: no memory. */
static struct profile_object *add_object(struct job *j, const struct profile_object *o,
					 const struct target *t)
{
	static const struct extra none;
	struct profile_object *to = profile_add_object(j->to);

	if (!to)
		return NULL;
	to->path = strdup(t->path);
	to->buildid = t->id;
	to->size_bytes = t->size_bytes;
	if (!to->path || extra_merge(&o->extra, &none, &to->extra) < 0)
		return NULL;
	return to;
}

static int copy_pages(const struct pageset *from, struct pageset *ret)
{
	static const struct pageset none;

	return pageset_merge(from, &none, ret);
}

/* The file that it was trained on, or a data file that looks like it. */
static int keep(struct job *j, const struct profile_object *o, const struct target *t)
{
	struct profile_object *to = add_object(j, o, t);
	char digest[HASH_DIGEST_BYTES];
	int r = to ? copy_pages(&o->pages, &to->pages) : -ENOMEM;

	if (r == 0 && o->digest && t->size_bytes <= LIMIT_DIGESTED_BYTES) {
		r = hash_file(t->fd, digest);
		to->digest = r < 0 ? NULL : strdup(digest);
		r = r < 0 || to->digest ? r : -ENOMEM;
	}
	if (r == 0 && o->fingerprint) {
		to->fingerprint = strdup(o->fingerprint);
		r = to->fingerprint ? 0 : -ENOMEM;
	}
	if (r == 0) {
		to->retargeted_from = o->retargeted_from;
		to->confidence = o->confidence;
		j->n_exact++;
	}
	return r;
}

/* Small files are read as a whole, whatever has changed in them. */
static int keep_whole(struct job *j, const struct profile_object *o, const struct target *t)
{
	struct profile_object *to = add_object(j, o, t);
	struct page_run run = { 0, (uint32_t)DIV_ROUND_UP(t->size_bytes, PAGE_BYTES), 0,
				LIMIT_WHEN };

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < o->pages.n_runs; i++) {
		run.runs = MAX(run.runs, o->pages.runs[i].runs);
		run.when = MIN(run.when, o->pages.runs[i].when);
	}
	j->n_exact++;
	return run.n_pages && run.runs ? pageset_append(&to->pages, &run) : 0;
}

static int left_out(struct job *j, const struct profile_object *o, const char *why)
{
	log_debug("%s: left out: %s", o->path, why);
	j->n_left_out++;
	return 0;
}

static int add_retargeted(struct job *j, const struct profile_object *o,
			  const struct target *t, struct retargeted *r)
{
	struct profile_object *to = add_object(j, o, t);
	uint64_t n = pageset_count(&r->pages);

	if (!to)
		return -ENOMEM;
	to->pages = r->pages;
	r->pages = (struct pageset){ 0 };
	to->retargeted_from = o->buildid;
	to->confidence = r->confidence;
	j->confidence += r->confidence * n;
	j->n_pages += n;
	j->n_retargeted++;
	log_debug("%s: %u %% sure of %llu pages, %u %% of its code found", to->path,
		  r->confidence, (unsigned long long)n, r->coverage);
	return 0;
}

static int retarget_object(struct job *j, const struct profile_object *o,
			   const struct target *t)
{
	_cleanup_(fingerprint_done) struct fingerprint print = { 0 };
	_cleanup_(retargeted_done) struct retargeted result = { 0 };
	_cleanup_(layout_done) struct layout layout = { 0 };
	int r;

	if (!o->fingerprint)
		return left_out(j, o, "another build, and trained without --portable");
	r = fingerprint_read(o->fingerprint, strlen(o->fingerprint), &print);
	if (r == -ESTALE)
		return left_out(j, o, "its fingerprint is of another version");
	if (r == 0)
		r = elf_read_layout(t->fd, &layout);
	if (r == 0)
		r = retarget_pages(&print, &o->pages, o->path, &layout, &result);
	if (r == -ENOMEM || r == -EIO)
		return r;
	if (r < 0)
		return left_out(j, o, error_text(r));
	if (result.is_foreign)
		return left_out(j, o, "another program");
	if (result.pages.n_runs == 0)
		return left_out(j, o, "too little is known of this build");
	return add_retargeted(j, o, t, &result);
}

/* As compile sees it: what was put behind the end makes no other file. */
static bool is_trained(const struct profile_object *o, const struct target *t)
{
	uint64_t end;

	return buildid_equal(&o->buildid, &t->id) &&
	       (o->size_bytes == t->size_bytes ||
		(t->id.n_bytes && elf_find_end(t->fd, &end) == 0 && end == o->size_bytes));
}

static int do_object(struct job *j, const struct profile_object *o)
{
	_cleanup_(target_done) struct target t = { .fd = -1 };
	int r;

	if (j->filefd >= 0 && !names_are_alike(base_name(o->path), j->file))
		return left_out(j, o, "not the file that --to names");
	r = open_target(j, o, &t);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return left_out(j, o, strerror(-r));
	if (is_trained(o, &t))
		return keep(j, o, &t);
	if (!o->buildid.n_bytes && !t.id.n_bytes && t.size_bytes <= LIMIT_WHOLE_DATA_BYTES)
		return keep_whole(j, o, &t);
	if (!o->buildid.n_bytes || !t.id.n_bytes)
		return left_out(j, o, "a data file of another size");
	if (o->retargeted_from.n_bytes)
		return left_out(j, o, "it was retargeted already; take what was trained");
	return retarget_object(j, o, &t);
}

/* ---- the profile ---- */

/* Of several objects that are one file now the trained one stays, or the surest. */
static void drop_doubles(struct profile *p)
{
	size_t n = 0;

	profile_sort(p);
	for (size_t i = 0; i < p->n_objects; i++) {
		struct profile_object *o = &p->objects[i], *last = &p->objects[n - !!n];
		struct profile_object worse;

		if (n == 0 || profile_object_compare(last, o) != 0) {
			worse = *o;
			*o = p->objects[n];
			p->objects[n++] = worse;
			continue;
		}
		if (last->retargeted_from.n_bytes &&
		    (!o->retargeted_from.n_bytes || o->confidence > last->confidence)) {
			worse = *last;
			*last = *o;
			*o = worse;
		}
	}
	while (p->n_objects > n)
		profile_object_done(&p->objects[--p->n_objects]);
}

static char *find_program(const struct job *j, const char *program)
{
	char *found;

	return j->rootfd >= 0 && renamed_find(j->rootfd, program, &found) == 0
		       ? found
		       : strdup(program);
}

static int fill_head(struct job *j, const struct profile *p)
{
	static const struct lookups no_lookups;
	static const struct extra none;
	struct profile *to = j->to;

	to->n_runs = p->n_runs;
	to->window_ms = p->window_ms;
	to->program = find_program(j, p->program);
	to->scenario = strdup(p->scenario);
	to->arch = strdup(p->arch);
	to->method = strdup(p->method);
	to->kernel = strdup(p->kernel);
	if (!to->program || !to->scenario || !to->arch || !to->method || !to->kernel ||
	    extra_merge(&p->extra, &none, &to->extra) < 0 ||
	    extra_merge(&p->trained_extra, &none, &to->trained_extra) < 0 ||
	    lookups_merge(&p->lookups, &no_lookups, &to->lookups) < 0)
		return -ENOMEM;
	return 0;
}

static int load(const char *name, struct profile **ret)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	size_t bytes;
	int r = fd < 0 ? -errno : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	if (r == 0)
		r = profile_parse(text, bytes, ret, &d);
	if (r < 0 && d.message[0])
		log_diag(name, &d);
	else if (r < 0)
		log_errno(r, "cannot read profile '%s'", name);
	return r;
}

static void print_summary(const struct job *j)
{
	unsigned sure = j->n_pages ? (unsigned)(j->confidence / j->n_pages) : 0;

	if (arg_json) {
		json_open(NULL, '{');
		json_uint("exact", j->n_exact);
		json_uint("retargeted", j->n_retargeted);
		json_uint("left_out", j->n_left_out);
		json_uint("pages", j->n_pages);
		json_uint("confidence", sure);
		json_close('}');
		return;
	}
	log_info("%u objects as they were, %u retargeted, %u left out", j->n_exact,
		 j->n_retargeted, j->n_left_out);
	if (j->n_retargeted)
		log_info("%llu pages retargeted, %u %% of which will be needed",
			 (unsigned long long)j->n_pages, sure);
}

static int open_to(struct job *j)
{
	struct stat st;
	int fd = open(arg_to, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return log_errno(-errno, "cannot open '%s'", arg_to);
	*(S_ISDIR(st.st_mode) ? &j->rootfd : &j->filefd) = fd;
	j->file = base_name(arg_to);
	return 0;
}

static void job_done(struct job *j)
{
	closep(&j->rootfd);
	closep(&j->filefd);
	profile_free(j->to);
}

static int retarget(const char *name)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(job_done) struct job j = { .rootfd = -1, .filefd = -1 };
	int r = open_to(&j);

	if (r == 0)
		r = load(name, &p);
	if (r < 0)
		return CMD_FAILED;
	j.to = profile_new();
	r = j.to ? fill_head(&j, p) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < p->n_objects; i++)
		r = do_object(&j, &p->objects[i]);
	if (r < 0) {
		log_errno(r, "cannot retarget '%s'", name);
		return CMD_FAILED;
	}
	drop_doubles(j.to);
	if (j.to->n_objects == 0) {
		log_error("nothing of '%s' is known of '%s'", name, arg_to);
		return CMD_FAILED;
	}
	if (output_profile(arg_output, j.to) < 0)
		return CMD_FAILED;
	print_summary(&j);
	return CMD_DONE;
}

static int run(int argc, char *argv[])
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
		return cmd_usage_error(&cmd_retarget, "needs --to=FILE or --to=DIR");
	if (arg_json && (!arg_output || strcmp(arg_output, "-") == 0))
		return cmd_usage_error(&cmd_retarget,
				       "--json and the profile cannot both go to "
				       "standard output");
	return retarget(argv[optind]);
}

const struct cmd cmd_retarget = {
	.name = "retarget",
	.args = "[-o FILE] --to=FILE|DIR PROFILE",
	.summary = "carry a profile over to other builds of its files",
	.options = "      --to=PATH       the new build of one file, or a root with new "
		   "files\n"
		   "  -o, --output=FILE   default: standard output\n",
	.run = run,
};
