/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verb, as one struct that is filled from top to bottom: the options, then in the sandbox all
 * profiles, all packages (each read once, for all profiles together), one verdict a profile;
 * only then is anything printed, as text or as JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "check-input.h"
#include "check.h"
#include "embedded.h"
#include "evidence.h"
#include "io.h"
#include "json-out.h"
#include "log.h"
#include "package-told.h"
#include "sandbox.h"
#include "store.h"
#include "tool.h"
#include "vec.h"

static bool arg_all, arg_quick, arg_strict;

struct checked_profile {
	const char *path;
	struct input input;
	struct profile *profile;  /* NULL: it is bad */
	struct diag diag;	  /* why */
	struct finding *findings; /* one for each object; NULL: not held against anything */
	uint8_t *sure;		  /* of each object: see check_retarget() */
};

struct checked_package {
	const char *path;
	struct input input;
	struct package info;
	int error;
	struct diag diag;
};

struct check {
	struct checked_profile *profiles;
	struct checked_package *packages;
	struct wanted *wanted; /* one for each package: what it has */
	size_t n_profiles, n_packages, packages_capacity;
	bool has_problem, has_warning;
};

static void check_done(struct check *c)
{
	for (size_t i = 0; i < c->n_profiles; i++) {
		input_close(&c->profiles[i].input);
		profile_free(c->profiles[i].profile);
		free(c->profiles[i].findings);
		free(c->profiles[i].sure);
	}
	for (size_t i = 0; c->wanted && i < c->n_packages; i++)
		wanted_done(&c->wanted[i]);
	for (size_t i = 0; i < c->n_packages; i++) {
		input_close(&c->packages[i].input);
		package_done(&c->packages[i].info);
	}
	free(c->profiles);
	free(c->packages);
	free(c->wanted);
	packages_done();
}

/* ---- reading ---- */

/*
 * All of it is a stranger's: opened first, then read with no rights but to read on. Below a
 * directory there is no end of files to open, so that root stays the owner of his own there.
 */
static void enter_sandbox(struct check *c)
{
	struct sandbox sandbox = { 0 };

	input_raise_limit();
	for (size_t i = 0; i < c->n_packages; i++) {
		input_open(c->packages[i].path, &c->packages[i].input);
		sandbox.keep_user |= c->packages[i].input.is_dir;
	}
	for (size_t i = 0; i < c->n_profiles; i++)
		input_open(c->profiles[i].path, &c->profiles[i].input);
	sandbox_enter(&sandbox);
}

/* Whatever is called .json is meant to be a profile. */
static bool is_program(const char *path, int fd)
{
	const char *dot = strrchr(path, '.');
	char magic[4];

	return !(dot && strcmp(dot, ".json") == 0) &&
	       pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* As it was trained: where the program lies now may be where it was built. */
static int read_embedded(int fd, struct checked_profile *p)
{
	struct embedded e;
	int r = embedded_find(fd, &e);

	if (r == -ENOENT || (r == 0 && e.is_empty))
		diag_set(&p->diag, 0, 0, "has no profile in it");
	else if (r == 0)
		r = embedded_load(fd, &e, NULL, &p->profile, &p->diag);
	if ((r == -EBADMSG || r == -ESTALE) && !p->diag.message[0])
		diag_set(&p->diag, 0, 0, "has a damaged profile in it");
	return r;
}

static int read_text(int fd, struct checked_profile *p)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	return r < 0 ? r : profile_parse(text, bytes, &p->profile, &p->diag);
}

static void read_profile(struct checked_profile *p)
{
	int fd = input_take(p->path, &p->input), r = fd;
	struct stat st;

	if (fd >= 0)
		r = is_program(p->path, fd) ? read_embedded(fd, p) : read_text(fd, p);
	if (p->diag.message[0] && r != -ENOMEM) {
		input_close(&p->input);
		return;
	}
	if (r == -E2BIG && fstat(fd, &st) == 0)
		diag_set(&p->diag, 0, 0, "%llu bytes (at most %u)",
			 (unsigned long long)st.st_size, LIMIT_PROFILE_BYTES);
	else if (r == -EINVAL)
		diag_set(&p->diag, 0, 0, "is not a regular file");
	else if (r < 0)
		diag_set(&p->diag, 0, 0, "%s", strerror(-r));
	input_close(&p->input);
}

static int read_package(struct checked_package *p, struct wanted *w)
{
	int fd = input_take(p->path, &p->input), r = fd;

	if (fd >= 0)
		r = package_read(fd, arg_quick, w, &p->info, &p->diag);
	else
		diag_set(&p->diag, 0, 0, "%s", strerror(-fd));
	input_close(&p->input);
	return r;
}

static int want_all(const struct check *c, struct wanted *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_profiles; i++)
		if (c->profiles[i].profile)
			r = want_profile(c->profiles[i].profile, w);
	return r == 0 ? wanted_prepare(w) : r;
}

/* All profiles look at the file while it is there. */
static int on_file(int fd, const struct wanted_file *f, void *userdata)
{
	struct check *c = userdata;
	int r = 0;

	if (fd < 0 || f->buildid_error < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < c->n_profiles; i++) {
		struct checked_profile *p = &c->profiles[i];

		if (!p->profile)
			continue;
		if (!p->sure)
			p->sure = calloc(p->profile->n_objects + 1, sizeof(*p->sure));
		r = p->sure ? check_retarget(fd, f, p->profile, p->sure) : -ENOMEM;
	}
	return r;
}

/* All packages, also after a bad one. Of each is kept what it has: hundreds are checked at once. */
static int read_packages(struct check *c)
{
	_cleanup_(wanted_done) struct wanted all = { .on_file = on_file, .userdata = c };
	int r;

	sandbox_limit_memory(LIMIT_CHECK_MEMORY_BYTES);
	c->wanted = calloc(c->n_packages + 1, sizeof(*c->wanted));
	if (!c->wanted)
		return -ENOMEM;
	r = want_all(c, &all);
	for (size_t i = 0; r == 0 && i < c->n_packages; i++) {
		struct checked_package *p = &c->packages[i];

		p->error = read_package(p, &all);
		c->has_problem |= p->error < 0;
		r = wanted_take_found(&all, &c->wanted[i]);
	}
	return r;
}

static bool all_packages_are_good(const struct check *c)
{
	for (size_t i = 0; i < c->n_packages; i++)
		if (c->packages[i].error < 0)
			return false;
	return c->n_packages > 0;
}

static int judge(const struct check *c, struct checked_profile *p)
{
	if (!p->profile || !all_packages_are_good(c))
		return 0;
	p->findings = calloc(p->profile->n_objects + 1, sizeof(*p->findings));
	if (!p->sure)
		p->sure = calloc(p->profile->n_objects + 1, sizeof(*p->sure));
	if (!p->findings || !p->sure)
		return -ENOMEM;
	return judge_profile(p->profile, c->wanted, c->n_packages, arg_all, p->sure,
			     p->findings);
}

/* ---- text ---- */

static void print_warning(const char *text, void *userdata)
{
	const struct checked_profile *p = userdata;

	log_warning("%s: %s", p->path, text);
}

static enum log_level level_of(enum verdict v)
{
	if (v >= VERDICT_STALE)
		return LOG_LEVEL_ERROR;
	return v == VERDICT_MATCHES ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

static void print_findings(const struct checked_profile *p, const size_t counts[VERDICTS])
{
	for (size_t i = 0; i < p->profile->n_objects; i++) {
		const struct finding *f = &p->findings[i];

		if (level_of(f->verdict) <= log_get_level())
			printf("%s: %s: %s%s%s\n", p->path, verdict_text(f->verdict),
			       p->profile->objects[i].path, f->detail[0] ? ": " : "",
			       f->detail);
	}
	if (log_get_level() < LOG_LEVEL_INFO)
		return;
	printf("%s:", p->path);
	for (int v = 0; v < VERDICTS; v++)
		if (counts[v] > 0 || v == VERDICT_MATCHES)
			printf("%s %zu %s", v ? "," : "", counts[v], verdict_text(v));
	putchar('\n');
}

static uint64_t count_pages(const struct profile *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_objects; i++)
		n += pageset_count(&p->objects[i].pages);
	return n;
}

static void print_amounts(const struct checked_profile *p)
{
	const struct profile *f = p->profile;
	size_t n_names = lookups_count(&f->lookups);

	printf("%s: %s, scenario %s: %zu object%s, %" PRIu64 " page%s", p->path, f->program,
	       f->scenario, f->n_objects, f->n_objects == 1 ? "" : "s", count_pages(f),
	       count_pages(f) == 1 ? "" : "s");
	if (f->lookups.n > 0)
		printf(", %zu name%s looked up", n_names, n_names == 1 ? "" : "s");
	putchar('\n');
}

static void print_profile(const struct checked_profile *p, const size_t counts[VERDICTS],
			  bool is_alone)
{
	if (!p->profile && p->diag.line > 0)
		log_error("%s:%u:%u: %s", p->path, p->diag.line, p->diag.column,
			  p->diag.message);
	else if (!p->profile)
		log_error("%s: %s", p->path, p->diag.message);
	if (!p->profile)
		return;
	lint_profile(p->profile, print_warning, (void *)(uintptr_t)p);
	if (p->findings)
		print_findings(p, counts);
	else if (is_alone && log_get_level() >= LOG_LEVEL_INFO)
		print_amounts(p);
}

/* ---- JSON ---- */

static void put_package(const struct checked_package *p)
{
	json_open(NULL, '{');
	json_string("path", p->path);
	json_string("kind", p->info.kind);
	json_string("name", p->info.name);
	json_uint("members", p->info.counts.n_members);
	json_bool("header_only", p->info.is_header_only);
	if (p->info.rpm_format) {
		json_uint("rpm_format", p->info.rpm_format);
		json_string("digests", p->error < 0 ? NULL : "verified");
		json_string("signature", p->info.is_signed ? "not verified" : "none");
	}
	json_string("error", p->error < 0 ? p->diag.message : NULL);
	json_close('}');
}

static void put_warning(const char *text, _unused_ void *userdata)
{
	json_string(NULL, text);
}

static void put_file(const char *key, const struct buildid *b, uint64_t size_bytes,
		     const char *digest)
{
	char hex[BUILDID_HEX_BYTES];

	buildid_to_hex(b, hex);
	json_open(key, '{');
	if (b->n_bytes)
		json_string("build_id", hex);
	json_uint("size", size_bytes);
	if (digest && digest[0])
		json_string("digest", digest);
	json_close('}');
}

static void put_finding(const struct profile_object *o, const struct finding *f)
{
	static const struct buildid none;

	json_open(NULL, '{');
	json_string("path", o->path);
	json_string("state", verdict_text(f->verdict));
	put_file("wanted", &o->buildid, o->size_bytes, o->digest);
	if (f->file && f->file->type == WANTED_FILE)
		put_file("found", f->file->buildid_error == 0 ? &f->file->buildid : &none,
			 f->file->size_bytes, f->file->digest);
	if (f->detail[0])
		json_string("detail", f->detail);
	json_close('}');
}

static void put_findings(const struct checked_profile *p, const size_t counts[VERDICTS])
{
	json_open("counts", '{');
	for (int v = 0; v < VERDICTS; v++)
		json_uint(verdict_text(v), counts[v]);
	json_close('}');
	json_open("objects", '[');
	for (size_t i = 0; i < p->profile->n_objects; i++)
		put_finding(&p->profile->objects[i], &p->findings[i]);
	json_close(']');
}

static void put_profile(const struct checked_profile *p, const size_t counts[VERDICTS])
{
	json_open(NULL, '{');
	json_string("path", p->path);
	if (!p->profile) {
		json_open("error", '{');
		json_uint("line", p->diag.line);
		json_uint("column", p->diag.column);
		json_string("message", p->diag.message);
		json_close('}');
	} else {
		json_string("program", p->profile->program);
		json_string("scenario", p->profile->scenario);
		json_uint("pages", count_pages(p->profile));
		json_open("warnings", '[');
		lint_profile(p->profile, put_warning, NULL);
		json_close(']');
		if (p->findings)
			put_findings(p, counts);
	}
	json_close('}');
}

/* ---- all ---- */

static void note_warning(_unused_ const char *text, void *userdata)
{
	((struct check *)userdata)->has_warning = true;
}

static void report_profile(struct check *c, const struct checked_profile *p)
{
	size_t counts[VERDICTS] = { 0 };

	for (size_t i = 0; p->findings && i < p->profile->n_objects; i++) {
		counts[p->findings[i].verdict]++;
		c->has_problem |= p->findings[i].verdict >= VERDICT_STALE;
	}
	c->has_problem |= !p->profile;
	if (p->profile)
		lint_profile(p->profile, note_warning, c);
	if (arg_json)
		put_profile(p, counts);
	else
		print_profile(p, counts, c->n_packages == 0);
}

static void report(struct check *c)
{
	if (arg_json) {
		json_open(NULL, '{');
		json_open("packages", '[');
	}
	for (size_t i = 0; i < c->n_packages; i++) {
		if (arg_json)
			put_package(&c->packages[i]);
		else
			package_told_print(c->packages[i].path, &c->packages[i].info,
					   c->packages[i].error < 0 ? &c->packages[i].diag
								    : NULL);
	}
	if (arg_json) {
		json_close(']');
		json_open("profiles", '[');
	}
	for (size_t i = 0; i < c->n_profiles; i++)
		report_profile(c, &c->profiles[i]);
	if (arg_json) {
		json_close(']');
		json_close('}');
	}
}

/* What packages' profiles have beside them, on the machine that this runs on. */
static int add_evidence(struct check *c)
{
	_cleanup_close_ int rootfd = io_open_root(NULL);
	_cleanup_(evidence_done) struct evidence e = { .rootfd = rootfd,
						       .dir = STORE_EVIDENCE };
	int r = 0;

	for (size_t i = 0; r == 0 && rootfd >= 0 && i < c->n_profiles; i++)
		if (c->profiles[i].profile)
			r = evidence_fill(&e, c->profiles[i].profile);
	return r;
}

static int check_all(struct check *c, char *paths[], size_t n)
{
	int r = 0;

	c->profiles = calloc(n, sizeof(*c->profiles));
	if (!c->profiles)
		return -ENOMEM;
	for (; c->n_profiles < n; c->n_profiles++)
		c->profiles[c->n_profiles] = (struct checked_profile){
			.path = paths[c->n_profiles],
			.input.fd = -EBADF,
		};
	enter_sandbox(c);
	for (size_t i = 0; i < n; i++)
		read_profile(&c->profiles[i]);
	if (c->n_packages > 0)
		r = add_evidence(c);
	if (r == 0 && c->n_packages > 0)
		r = read_packages(c);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = judge(c, &c->profiles[i]);
	if (r == 0)
		report(c);
	return r;
}

static int add_package(struct check *c, const char *path)
{
	if (VEC_RESERVE_ONE(c->packages, c->n_packages, c->packages_capacity) < 0)
		return -ENOMEM;
	c->packages[c->n_packages++] = (struct checked_package){
		.path = path,
		.input.fd = -EBADF,
	};
	return 0;
}

static const struct cmd cmd_check;

static int parse_options(struct check *c, int argc, char *argv[])
{
	enum { OPT_AGAINST = OPT_VERB, OPT_ALL, OPT_QUICK, OPT_STRICT };
	static const struct option options[] = {
		{ "against", required_argument, NULL, OPT_AGAINST },
		{ "all", no_argument, NULL, OPT_ALL },
		{ "quick", no_argument, NULL, OPT_QUICK },
		{ "strict", no_argument, NULL, OPT_STRICT },
		COMMON_LONGOPTS,
	};
	int o, r;

	while ((o = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (o) {
		case OPT_AGAINST:
			if (add_package(c, optarg) == 0)
				break;
			log_errno(-ENOMEM, "cannot check anything");
			return CMD_FAILED;
		case OPT_ALL:
			arg_all = true;
			break;
		case OPT_QUICK:
			arg_quick = true;
			break;
		case OPT_STRICT:
			arg_strict = true;
			break;
		default:
			r = cmd_common_option(&cmd_check, o);
			if (r >= 0)
				return r;
		}
	}
	if (optind >= argc)
		return cmd_usage_error(&cmd_check, "no profile given");
	if (arg_root)
		return cmd_usage_error(&cmd_check,
				       "--root means nothing here, --against=DIR does");
	if ((arg_all || arg_quick) && c->n_packages == 0)
		return cmd_usage_error(&cmd_check, "--all and --quick need --against");
	return -1;
}

static int run(int argc, char *argv[])
{
	_cleanup_(check_done) struct check c = { 0 };
	int r = parse_options(&c, argc, argv);

	if (r >= 0)
		return r;
	r = check_all(&c, argv + optind, (size_t)(argc - optind));
	if (r < 0) {
		log_errno(r, "cannot check the profiles");
		return CMD_FAILED;
	}
	return c.has_problem || (arg_strict && c.has_warning) ? CMD_FAILED : CMD_DONE;
}

static const struct cmd cmd_check = {
	.name = "check",
	.args = "[--against=PACKAGE|DIR]... [--all] [--quick] [--strict] PROFILE...",
	.summary = "lint profiles, or hold them against a package's files",
	.options = "      --against=X     an .rpm, a .deb, a tar archive or a directory\n"
		   "      --all           what is not in there is missing, not elsewhere\n"
		   "      --quick         believe an rpm's header where it says enough\n"
		   "      --strict        exit 1 on warnings, too\n",
	.run = run,
};

const struct cmd *const tool_cmd = &cmd_check;
