/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "embedded.h"
#include "input.h"
#include "io.h"
#include "known.h"
#include "log.h"

enum content { CONTENT_OTHER, CONTENT_PROFILE, CONTENT_SHADOW };

/* By the first bytes alone: what turns out to be a program may be large. */
static enum content detect_content(int fd)
{
	char head[512];
	struct stat st;
	ssize_t n, i = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return CONTENT_OTHER;
	n = pread(fd, head, sizeof(head), 0);
	if (n >= 8 && memcmp(head, SHADOW_MAGIC, 8) == 0)
		return CONTENT_SHADOW;
	while (i < n && head[i] && strchr(" \t\r\n", head[i]))
		i++;
	return i < n && head[i] == '{' ? CONTENT_PROFILE : CONTENT_OTHER;
}

/* B is taken. */
static int add_container(struct shadow_buffer *b, struct input *ret)
{
	int r = shadow_parse_launch(b->data, b->bytes, &b->shadow, &b->places);

	if (r == 0)
		return launch_shadows_add(&ret->shadows, b);
	r = shadow_parse(b->data, b->bytes, &b->shadow);
	if (r == 0 && b->shadow.kind == SHADOW_KIND_PACK) {
		ret->pack = *b;
		return 0;
	}
	shadow_buffer_done(b);
	return r < 0 ? r : -EINVAL;
}

static int load_container(int fd, const char *name, struct input *ret)
{
	char *data;
	size_t bytes;
	int r;

	r = io_read_file(fd, LIMIT_PACK_BYTES, &data, &bytes);
	if (r == 0)
		r = add_container(
			&(struct shadow_buffer){ .data = (uint8_t *)data, .bytes = bytes },
			ret);
	if (r == -EINVAL) {
		log_error("'%s' is neither a program's shadow nor a pack", name);
		return r;
	}
	return r < 0 ? log_errno(r, "cannot read shadow '%s'", name) : 0;
}

int input_find_shadows(const struct store *s, const struct program_paths *p,
		       const char *scenario, struct launch_shadows *ret)
{
	const char *program = p->launched_as;
	int r = launch_shadows_find(s, p, scenario, ret);

	if (r < 0)
		return log_errno(r, "cannot read the shadows of '%s'", program);
	if (ret->n_damaged > 0)
		log_warning(
			ret->n_damaged == 1
				? "%u shadow of '%s' is damaged or of another version; "
				  "'elfcast compile' makes it new"
				: "%u shadows of '%s' are damaged or of another version; "
				  "'elfcast compile' makes them new",
			ret->n_damaged, program);
	if (ret->n > 0)
		return 0;
	launch_shadows_done(ret);
	if (scenario)
		log_error("no shadow of '%s' for scenario '%s'", program, scenario);
	else
		log_error("no shadow of '%s': 'elfcast status %s' tells why", program,
			  program);
	return -ENOENT;
}

static bool is_from(const struct shadow_buffer *b, const char *profile)
{
	size_t n = strlen(profile);

	return b->profile && strncmp(b->profile, profile, n) == 0 &&
	       (!b->profile[n] || strcmp(b->profile + n, ".json") == 0);
}

void input_keep_profile(struct launch_shadows *l, const char *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (is_from(&l->items[i], profile))
			l->items[n++] = l->items[i];
		else
			shadow_buffer_done(&l->items[i]);
	l->n = n;
}

/* A program that is not there, but whose profiles are. */
static int find_gone(const struct store *s, const char *name, struct program_paths *ret)
{
	_cleanup_(known_done) struct known k = { 0 };
	_cleanup_(program_done) struct program_paths p = { 0 };
	const struct known_launch *l;
	int r = known_load(s, &k);

	if (r == 0)
		r = known_find_called(&k, name, &l);
	if (r < 0)
		return r;
	p.launched_as = strdup(known_program(l));
	p.file = strdup(known_file(l));
	if (!p.launched_as || !p.file)
		return -ENOMEM;
	*ret = p;
	p = (struct program_paths){ 0 };
	return 0;
}

static int find_program(const struct store *s, const char *name, struct program_paths *ret)
{
	int r = program_find(s, name, ret), gone;

	if (r == 0 || r == -ENOMEM)
		return r;
	gone = find_gone(s, name, ret);
	if (gone == -ENOENT)
		log_error("'%s' is no profile, no shadow and no program", name);
	return gone;
}

static int load_program(const struct store *s, const char *name, const char *scenario,
			const char *profile, struct input *ret)
{
	_cleanup_(program_done) struct program_paths program = { 0 };
	int r = find_program(s, name, &program);

	if (r == 0)
		r = input_find_shadows(s, &program, scenario, &ret->shadows);
	if (r < 0 || !profile)
		return r;
	input_keep_profile(&ret->shadows, profile);
	if (ret->shadows.n > 0)
		return 0;
	log_error("'%s' has no such profile: '%s'", program.launched_as, profile);
	return -ENOENT;
}

/* What was compiled for a program counts before what is inside of it. */
static bool is_embedded_only(const struct store *s, int fd, const char *name)
{
	_cleanup_(program_done) struct program_paths p = { 0 };
	_cleanup_(launch_shadows_done) struct launch_shadows l = { 0 };
	struct embedded e;

	if (embedded_find(fd, &e) < 0 || e.is_empty)
		return false;
	return program_find(s, name, &p) < 0 || launch_shadows_find(s, &p, NULL, &l) < 0 ||
	       l.n == 0;
}

int input_load(const struct store *s, const char *name, const char *scenario,
	       const char *profile, struct input *ret)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	*ret = (struct input){ 0 };
	/* A program that may be executed and not read has shadows. */
	if (fd < 0 && errno != ENOENT && access(name, X_OK) < 0)
		return log_errno(-errno, "cannot read '%s'", name);
	if (fd >= 0)
		switch (detect_content(fd)) {
		case CONTENT_PROFILE:
			return input_read_profile(fd, name, &ret->profile);
		case CONTENT_SHADOW:
			return load_container(fd, name, ret);
		case CONTENT_OTHER:
			if (is_embedded_only(s, fd, name))
				return input_load_embedded(fd, name, &ret->profile);
			break;
		}
	r = load_program(s, name, scenario, profile, ret);
	if (r < 0)
		input_done(ret);
	return r;
}

void input_done(struct input *in)
{
	profile_free(in->profile);
	shadow_buffer_done(&in->pack);
	launch_shadows_done(&in->shadows);
	*in = (struct input){ 0 };
}
