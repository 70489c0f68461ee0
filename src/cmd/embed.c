/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast embed: a profile into the program that it is about. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "buildid.h"
#include "cmd.h"
#include "compile-shadow.h"
#include "embed-write.h"
#include "embedded.h"
#include "input.h"
#include "json-out.h"
#include "log.h"

/* One segment of notes is read up to LIMIT_ELF_NOTES_BYTES, and the build-id is among them. */
#define LEAST_RESERVE 256u
#define MOST_RESERVE  49152u

static const char *arg_output; /* NULL: the program */
static bool arg_remove, arg_trailer;
static unsigned arg_reserve; /* bytes; 0: not asked for */

struct program {
	char *path; /* canonical */
	int fd;
	uint64_t bytes; /* without a trailer */
	bool has_trailer, has_note;
	struct embedded note;
};

static void program_close(struct program *p)
{
	free(p->path);
	closep(&p->fd);
}

/* ---- the program ---- */

static int find_places(struct program *p, uint64_t file_bytes)
{
	struct embedded e;
	int r = embedded_find(p->fd, &e);

	p->bytes = file_bytes;
	if (r == 0 && e.place == EMBEDDED_TRAILER) {
		p->has_trailer = true;
		p->bytes = e.off;
	}
	if (r == -EBADMSG)
		return log_errno(r, "'%s' has a damaged note, or end", p->path);
	r = embedded_find_note(p->fd, &p->note);
	p->has_note = r == 0;
	if (r == -ENOEXEC)
		log_error("'%s' is not an ELF program", p->path);
	else if (r < 0 && r != -ENOENT)
		log_errno(r, "cannot look into '%s'", p->path);
	return r == -ENOENT ? 0 : r;
}

static int open_program(const char *name, struct program *ret)
{
	const char *refusal;
	struct stat st;
	int r;

	ret->path = realpath(name, NULL);
	ret->fd = ret->path ? open(ret->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
			    : -1;
	if (ret->fd < 0 || fstat(ret->fd, &st) < 0)
		return log_errno(-errno, "cannot open '%s'", name);
	if (!S_ISREG(st.st_mode)) {
		log_error("'%s' is not a regular file", name);
		return -EINVAL;
	}
	r = find_places(ret, (uint64_t)st.st_size);
	if (r < 0)
		return r;
	refusal = embed_refusal(ret->fd);
	if (refusal) {
		log_error("'%s' stays as it is: %s", ret->path, refusal);
		return -EPERM;
	}
	if (!arg_output && st.st_nlink > 1) {
		log_error("'%s' has %u names, the others would stay as they are: "
			  "use --output",
			  ret->path, (unsigned)st.st_nlink);
		return -EMLINK;
	}
	return 0;
}

/* ---- the profile ---- */

/*
 * What is launched by a link (python3) is another path than its file (python3.11): of either, the
 * build ID, or else another one; NULL: none has a build-id.
 */
static const struct profile_object *find_own(const struct profile *p, const char *file,
					     const struct buildid *id)
{
	const struct profile_object *other = NULL;

	for (size_t i = 0; i < p->n_objects; i++) {
		const struct profile_object *o = &p->objects[i];

		if ((strcmp(o->path, p->program) != 0 && strcmp(o->path, file) != 0) ||
		    !o->buildid.n_bytes)
			continue;
		if (buildid_equal(&o->buildid, id))
			return o;
		other = o;
	}
	return other;
}

/* And trained where it had another path. */
static const struct profile_object *find_target(const struct profile *p,
						const struct buildid *id)
{
	for (size_t i = 0; i < p->n_objects; i++)
		if (buildid_equal(&p->objects[i].buildid, id))
			return &p->objects[i];
	return NULL;
}

/* The profile goes into the file, whatever name that was launched by. */
static int rename_program(struct profile *p, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	free(p->program);
	p->program = copy;
	return 0;
}

/* Of several releases' builds of the program this is one. */
static void drop_other_builds(struct profile *p, const struct buildid *id)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_objects; i++) {
		struct profile_object *o = &p->objects[i];

		if (strcmp(o->path, p->program) == 0 && !buildid_equal(&o->buildid, id))
			profile_object_done(o);
		else
			p->objects[n++] = *o;
	}
	p->n_objects = n;
}

static int adapt(struct profile *profile, const char *name, const struct program *p)
{
	char trained[BUILDID_HEX_BYTES], found[BUILDID_HEX_BYTES];
	const struct profile_object *self;
	struct buildid id;
	int r = buildid_read(p->fd, &id);

	if (r < 0) {
		log_error("'%s' has no build-id: link it with --build-id", p->path);
		return r;
	}
	self = find_own(profile, p->path, &id);
	if (!self)
		self = find_target(profile, &id);
	if (!self) {
		log_error("%s: it names neither its program '%s' nor '%s' with a build-id",
			  name, profile->program, p->path);
		return -EINVAL;
	}
	if (!buildid_equal(&self->buildid, &id)) {
		buildid_to_hex(&self->buildid, trained);
		buildid_to_hex(&id, found);
		log_error("%s: it was trained on build %s, '%s' is %s", name, trained,
			  p->path, found);
		return -ESTALE;
	}
	r = rename_program(profile, self->path);
	if (r == 0)
		drop_other_builds(profile, &id);
	return r;
}

static int load_profile(const char *name, const struct program *p, struct profile **ret)
{
	int r = input_load_profile(name, ret);

	return r < 0 ? r : adapt(*ret, name, p);
}

/* ---- what it becomes ---- */

/*
 * P compiled for any machine: each file is taken to be what was trained, and is looked at when it is read. Its
 * program is PROGRAM_BYTES long. The storage is not known either: flash is between the others.
 */
static int compile_for_all(struct profile *p, uint64_t program_bytes, uint8_t **ret,
			   size_t *ret_bytes)
{
	_cleanup_free_ struct file_facts *facts = calloc(p->n_objects + 1, sizeof(*facts));

	if (!facts)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++) {
		const struct profile_object *o = &p->objects[i];
		bool is_program = strcmp(o->path, p->program) == 0;

		facts[i] = (struct file_facts){
			.identity.size_bytes = is_program ? program_bytes : o->size_bytes,
			.buildid = o->buildid,
			.storage = STORAGE_FLASH,
		};
	}
	return compile_profile(p, p->program, facts, ret, ret_bytes);
}

/* P as a block, with the shadow that it is in a program of PROGRAM_BYTES. */
static int pack_with_shadow(struct profile *p, uint64_t program_bytes, uint8_t **ret,
			    size_t *ret_bytes)
{
	_cleanup_free_ uint8_t *shadow = NULL;
	size_t bytes;
	int r = compile_for_all(p, program_bytes, &shadow, &bytes);

	if (r == 0 && bytes > LIMIT_EMBEDDED_SHADOW)
		r = -E2BIG;
	return r < 0 ? r : embedded_pack(p, shadow, bytes, ret, ret_bytes);
}

/* Sorted by path: of several builds of a library nobody knows which one will be there. */
static bool has_several_builds(const struct profile *p)
{
	for (size_t i = 1; i < p->n_objects; i++)
		if (strcmp(p->objects[i - 1].path, p->objects[i].path) == 0)
			return true;
	return false;
}

static int pack_alone(struct profile *p, const char *why, uint8_t **ret, size_t *ret_bytes)
{
	log_info("the profile is compiled when the program is launched: %s", why);
	return embedded_pack(p, NULL, 0, ret, ret_bytes);
}

/*
 * Behind the end the block makes the program longer, whose size is in its shadow. All numbers are of one
 * size, so the second block is as long as the first.
 */
static int pack_for(const struct program *program, const struct embed_change *c,
		    struct profile *p, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_free_ uint8_t *block = NULL;
	size_t bytes, first_bytes;
	int r;

	if (has_several_builds(p))
		return pack_alone(p, "it names several builds of a file", ret, ret_bytes);
	r = pack_with_shadow(p, program->bytes, &block, &bytes);
	if (r == 0 && !c->use_note) {
		first_bytes = bytes;
		free(TAKE_PTR(block));
		r = pack_with_shadow(p,
				     program->bytes + first_bytes + EMBEDDED_FOOTER_BYTES,
				     &block, &bytes);
		if (r == 0 && bytes != first_bytes)
			r = -E2BIG;
	}
	if (r == 0 && c->use_note && bytes > program->note.room_bytes)
		r = -E2BIG;
	if (r == -E2BIG)
		return pack_alone(p, "beside it there is no room for its shadow", ret,
				  ret_bytes);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(block);
	*ret_bytes = bytes;
	return 0;
}

/* ---- putting it there ---- */

static int check_room(const struct program *p, const struct embed_change *c)
{
	if (!c->use_note || c->block_bytes <= p->note.room_bytes)
		return 0;
	log_error("the profile takes %zu bytes, and '%s' has %" PRIu64
		  " reserved: reserve more, or use --trailer",
		  c->block_bytes, p->path, p->note.room_bytes);
	return -ENOSPC;
}

static void tell(const struct program *p, const struct embed_change *c)
{
	if (arg_json) {
		json_open(NULL, '{');
		json_string("program", arg_output ? arg_output : p->path);
		json_string("place", !c->block ? NULL : c->use_note ? "note" : "trailer");
		json_uint("bytes", c->block_bytes);
		json_uint("reserved", p->has_note ? p->note.room_bytes : 0);
		json_close('}');
		return;
	}
	if (!c->block)
		log_info("'%s' has no profile in it any more", p->path);
	else if (c->use_note)
		log_info("%zu of the %" PRIu64 " bytes reserved are used", c->block_bytes,
			 p->note.room_bytes);
	else
		log_info("%zu bytes stand behind the end: strip and objcopy remove them",
			 c->block_bytes);
}

static int write_program(const struct program *p, const struct embed_change *c)
{
	int r = embed_write(p->fd, c, arg_output ? arg_output : p->path);

	if (r < 0)
		return log_errno(r, "cannot write '%s'", arg_output ? arg_output : p->path);
	tell(p, c);
	return 0;
}

static int embed(const char *program, const char *profile)
{
	_cleanup_(program_close) struct program p = { .fd = -1 };
	_cleanup_(profile_freep) struct profile *loaded = NULL;
	_cleanup_free_ uint8_t *block = NULL;
	struct embed_change c = { 0 };
	int r = open_program(program, &p);

	if (r == 0)
		r = load_profile(profile, &p, &loaded);
	if (r < 0)
		return CMD_FAILED;
	c.note = p.note;
	c.use_note = p.has_note && !arg_trailer;
	c.program_bytes = p.bytes;
	r = pack_for(&p, &c, loaded, &block, &c.block_bytes);
	if (r < 0) {
		log_errno(r, "cannot pack '%s'", profile);
		return CMD_FAILED;
	}
	c.block = block;
	r = check_room(&p, &c);
	return r < 0 || write_program(&p, &c) < 0 ? CMD_FAILED : CMD_DONE;
}

static int take_out(const char *program)
{
	_cleanup_(program_close) struct program p = { .fd = -1 };
	struct embed_change c = { 0 };

	if (open_program(program, &p) < 0)
		return CMD_FAILED;
	if (!p.has_trailer && (!p.has_note || p.note.is_empty)) {
		log_error("'%s' has no profile in it", p.path);
		return CMD_FAILED;
	}
	c.note = p.note;
	c.use_note = p.has_note;
	c.program_bytes = p.bytes;
	return write_program(&p, &c) < 0 ? CMD_FAILED : CMD_DONE;
}

/* For any assembler with GNU syntax, of any processor: the words of a note are of its byte order. */
static void print_reserve(void)
{
	printf("\t.section .note.elfcast,\"a\",%%note\n"
	       "\t.p2align 2\n"
	       "\t.4byte %zu, %u, %u\n"
	       "\t.asciz \"" EMBEDDED_OWNER "\"\n"
	       "\t.zero %u\n"
	       "\t.section .note.GNU-stack,\"\",%%progbits\n",
	       sizeof(EMBEDDED_OWNER), arg_reserve, EMBEDDED_NOTE_TYPE, arg_reserve);
}

static bool parse_reserve(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < LEAST_RESERVE || n > MOST_RESERVE)
		return false;
	*ret = ((unsigned)n + 3) & ~3u;
	return true;
}

enum { OPT_RESERVE = OPT_VERB, OPT_REMOVE, OPT_TRAILER };

static int take_option(int c)
{
	switch (c) {
	case OPT_RESERVE:
		if (parse_reserve(optarg, &arg_reserve))
			return -1;
		return cmd_usage_error(&cmd_embed, "'%s' is not a size (%u to %u bytes)",
				       optarg, LEAST_RESERVE, MOST_RESERVE);
	case OPT_REMOVE:
		arg_remove = true;
		return -1;
	case OPT_TRAILER:
		arg_trailer = true;
		return -1;
	case 'o':
		arg_output = optarg;
		return -1;
	default:
		return cmd_common_option(&cmd_embed, c);
	}
}

static int run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "print-reserve", required_argument, NULL, OPT_RESERVE },
		{ "remove", no_argument, NULL, OPT_REMOVE },
		{ "trailer", no_argument, NULL, OPT_TRAILER },
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONGOPTS,
	};
	int c, r, n;

	while ((c = getopt_long(argc, argv, "o:" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		r = take_option(c);
		if (r >= 0)
			return r;
	}
	n = argc - optind;
	if (arg_root && *arg_root)
		return cmd_usage_error(&cmd_embed,
				       "a program is named as it is: no --root here");
	if (arg_reserve) {
		if (n > 0 || arg_remove || arg_trailer || arg_output || arg_json)
			return cmd_usage_error(&cmd_embed, "--print-reserve stands alone");
		print_reserve();
		return CMD_DONE;
	}
	if (arg_remove && arg_trailer)
		return cmd_usage_error(&cmd_embed, "--remove takes all out: no --trailer");
	if (n != (arg_remove ? 1 : 2))
		return cmd_usage_error(&cmd_embed,
				       arg_remove ? "needs one program"
						  : "needs a program and a profile");
	return arg_remove ? take_out(argv[optind]) : embed(argv[optind], argv[optind + 1]);
}

const struct cmd cmd_embed = {
	.name = "embed",
	.args = "[-o FILE] PROGRAM PROFILE | --remove PROGRAM | --print-reserve=BYTES",
	.summary = "put a profile into its program",
	.options =
		"  -o, --output=FILE   write the program there, instead of replacing it\n"
		"      --trailer       behind the file's end, even where room is reserved\n"
		"      --remove        take what is in it out\n"
		"      --print-reserve=BYTES  assembler text that reserves room when it is "
		"linked\n",
	.run = run,
};
