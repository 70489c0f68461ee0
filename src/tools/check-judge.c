/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pure function of profile and facts. It agrees with compile on what is valid, but that a
 * program may still be to be stripped, and is stricter where a package can be looked at more closely
 * than a machine: digests, ranges.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "check.h"
#include "macro.h"
#include "utf8.h"

#define OUR_DIGEST "xxh3-128:"

const char *verdict_text(enum verdict v)
{
	static const char *const texts[VERDICTS] = {
		[VERDICT_MATCHES] = "matches",	     [VERDICT_OTHER_BUILD] = "other build",
		[VERDICT_ELSEWHERE] = "elsewhere",   [VERDICT_STALE] = "stale",
		[VERDICT_PAST_END] = "past the end", [VERDICT_DIGEST] = "digest differs",
		[VERDICT_MISSING] = "missing",	     [VERDICT_NOT_A_FILE] = "not a file",
	};

	return texts[v];
}

_printf_(3, 4) static void find(struct finding *f, enum verdict v, const char *format, ...)
{
	va_list ap;

	f->verdict = v;
	va_start(ap, format);
	vsnprintf(f->detail, sizeof(f->detail), format, ap);
	va_end(ap);
	utf8_blank(f->detail); /* names out of a package may hold anything */
}

static bool has_our_digest(const struct profile_object *o)
{
	return o->digest && strncmp(o->digest, OUR_DIGEST, strlen(OUR_DIGEST)) == 0;
}

int want_profile(const struct profile *p, struct wanted *w)
{
	int r = wanted_add(w, p->program, false);

	for (size_t i = 0; r == 0 && i < p->n_objects; i++)
		r = wanted_add(w, p->objects[i].path, has_our_digest(&p->objects[i]));
	return r;
}

/* ---- a file that is there ---- */

/* What could be made of another build; nothing of it was looked at where only a header was read. */
static const char *carried_text(const struct profile_object *o, uint8_t sure,
				char ret[static 48])
{
	if (sure == CANNOT_BE_RETARGETED)
		return "; cannot be retargeted";
	if (!sure)
		return o->fingerprint ? "; may be retargeted" : "";
	snprintf(ret, 48, "; can be retargeted, %u %% sure", sure);
	return ret;
}

static void judge_buildid(const struct profile_object *o, uint8_t sure, struct finding *f)
{
	char wanted[BUILDID_HEX_BYTES], found[BUILDID_HEX_BYTES] = "", carried[48];
	const struct wanted_file *file = f->file;
	const char *what = found;

	buildid_to_hex(&o->buildid, wanted);
	switch (file->buildid_error) {
	case 0:
		if (buildid_equal(&o->buildid, &file->buildid))
			return;
		buildid_to_hex(&file->buildid, found);
		break;
	case -ENOENT:
		if (buildid_equal(&o->buildid, &file->buildid))
			return;
		what = "none";
		break;
	case -ENOEXEC:
		what = "no ELF file";
		break;
	case -E2BIG:
		what = "none near its start";
		break;
	default:
		what = "a damaged ELF file";
	}
	find(f, VERDICT_STALE, "build-id %s wanted, %s found%s", wanted, what,
	     what == found ? carried_text(o, sure, carried) : "");
}

static void judge_data(const struct profile_object *o, struct finding *f)
{
	const struct wanted_file *file = f->file;

	if (file->size_bytes != o->size_bytes)
		find(f, VERDICT_STALE, "%" PRIu64 " bytes wanted, %" PRIu64 " found",
		     o->size_bytes, file->size_bytes);
	else if (has_our_digest(o) && strcmp(o->digest, file->digest) != 0)
		find(f, VERDICT_DIGEST, "%s wanted, %s found", o->digest, file->digest);
}

static void judge_file(const struct profile_object *o, uint8_t sure, struct finding *f)
{
	uint64_t file_pages = DIV_ROUND_UP(f->file->size_bytes, PAGE_BYTES);
	uint32_t end = pageset_end(&o->pages);

	if (o->buildid.n_bytes == 0) {
		judge_data(o, f);
		return;
	}
	judge_buildid(o, sure, f);
	if (f->verdict != VERDICT_MATCHES || f->file->size_bytes == o->size_bytes)
		return;
	if (end > file_pages)
		find(f, VERDICT_PAST_END,
		     "page %" PRIu32 " is past the end (%" PRIu64 " pages)", end - 1,
		     file_pages);
	else /* not stripped yet, or stripped further: what is loaded is the same */
		find(f, VERDICT_MATCHES, "%" PRIu64 " bytes, not %" PRIu64,
		     f->file->size_bytes, o->size_bytes);
}

/* ---- a file that is not ---- */

struct absence {
	bool is_owned;
	const char *other_version;
};

static void judge_absent(const struct absence *a, bool must_be_there, struct finding *f)
{
	if (a->other_version)
		find(f, VERDICT_MISSING, "there is %s", a->other_version);
	else if (a->is_owned || must_be_there)
		find(f, VERDICT_MISSING, "%s", "");
	else
		find(f, VERDICT_ELSEWHERE, "%s", "");
}

static void judge_type(struct finding *f)
{
	const struct wanted_file *file = f->file;

	if (file->type == WANTED_LINK && file->link)
		find(f, VERDICT_NOT_A_FILE, "a symbolic link to '%.200s'", file->link);
	else if (file->type == WANTED_LINK)
		find(f, VERDICT_NOT_A_FILE, "a symbolic link leads to it");
	else if (file->type == WANTED_DANGLING)
		find(f, VERDICT_NOT_A_FILE, "a hard link to '%.200s', which is not there",
		     file->hardlink ? file->hardlink : "..");
	else
		find(f, VERDICT_NOT_A_FILE, "neither a file nor a link");
}

static int judge_object(const struct profile *p, const struct profile_object *o,
			const struct wanted *packages, size_t n, bool all, uint8_t sure,
			struct finding *f)
{
	char path[LIMIT_PATH_BYTES + 8];
	struct absence absence = { 0 };
	int r = wanted_fold(o->path, path, sizeof(path));

	*f = (struct finding){ 0 };
	if (r < 0)
		return r;
	for (size_t i = 0; !f->file && i < n; i++) {
		const struct wanted_file *file = wanted_find(&packages[i], path);

		if (!file)
			continue;
		if (file->type != WANTED_ABSENT)
			f->file = file;
		absence.is_owned |= file->dir_is_owned;
		if (file->other_version)
			absence.other_version = file->other_version;
	}
	if (!f->file)
		judge_absent(&absence, all || strcmp(o->path, p->program) == 0, f);
	else if (f->file->type == WANTED_FILE)
		judge_file(o, sure, f);
	else
		judge_type(f);
	return 0;
}

/* Of several builds of one path, objects being sorted by path, one can match. */
static void excuse_other_builds(const struct profile *p, struct finding *f)
{
	size_t end;

	for (size_t i = 0; i < p->n_objects; i = end) {
		bool any = false;

		for (end = i; end < p->n_objects &&
			      strcmp(p->objects[end].path, p->objects[i].path) == 0;
		     end++)
			any |= f[end].verdict == VERDICT_MATCHES;
		for (size_t j = i; any && j < end; j++)
			if (f[j].verdict == VERDICT_STALE)
				f[j].verdict = VERDICT_OTHER_BUILD;
	}
}

int judge_profile(const struct profile *p, const struct wanted *packages, size_t n,
		  bool all, const uint8_t *sure, struct finding *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_objects; i++)
		r = judge_object(p, &p->objects[i], packages, n, all, sure[i], &ret[i]);
	if (r == 0)
		excuse_other_builds(p, ret);
	return r;
}
