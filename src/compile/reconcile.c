/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One round, under the lock: read the settings and the index of the last round, list the profiles,
 * plan (keep, compile, remove: one stat a file tells what is unchanged), compile, write the
 * index, then pack and places. Everything is written before the index says so: who is killed
 * leaves files that the next round makes again, or removes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot-training.h"
#include "bounds.h"
#include "compile-index.h"
#include "config.h"
#include "embedded-launched.h"
#include "evidence.h"
#include "metadata-places.h"
#include "parse-child.h"
#include "reconcile.h"
#include "shadow-read.h"
#include "shadow-write.h"

/* A machine that installs packages without end must not keep one of them here for ever. */
#define SYNC_ROUNDS    3

/* Part of what an entry of the index must agree in: what it says changed its meaning. */
#define INDEX_REVISION "4"

/* One run. "Wanted" are the shadows that there should be when it ends. */
struct sync {
	const struct store *store;
	const struct reconcile_options *options;
	struct reconcile_result *result;
	struct config config;
	/* Of elfcast.conf and disabled.conf; why it has none. */
	struct identity config_identity[2];
	int config_error[2];
	struct mounts *mounts;
	struct facts_context facts;
	struct profile_list profiles;
	struct name_list shadows; /* what lies in the directory at the start */
	struct compile_index index;
	bool index_put;	     /* the one on disk is not that one any more */
	char parameters[96]; /* all that the result depends on besides files */
	const struct profile_file **todo;
	size_t n_todo;
	struct name_list wanted;
	struct index_builder next;
};

static void sync_done(struct sync *c)
{
	config_done(&c->config);
	facts_done(&c->facts);
	mounts_free(c->mounts);
	profile_list_done(&c->profiles);
	name_list_done(&c->shadows);
	name_list_done(&c->wanted);
	index_done(&c->index);
	index_builder_done(&c->next);
	free(c->todo);
}

static void problem_at(struct sync *c, const char *path, const struct diag *d)
{
	c->result->n_bad++;
	if (c->options->on_problem)
		c->options->on_problem(path, d, c->options->userdata);
}

static void on_config_problem(const char *path, const struct diag *d, void *userdata)
{
	problem_at(userdata, path, d);
}

static const enum store_file config_files[2] = { STORE_CONFIG, STORE_DISABLED };

/* Their identities first: whatever is written later, the next compile will notice. */
static int load_config(struct sync *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(config_files); i++)
		c->config_error[i] =
			store_stat(c->store, config_files[i], NULL, &c->config_identity[i]);
	return config_load(c->store, &c->config, on_config_problem, c);
}

/* Programs of which something else than they themselves has a profile. */
static int find_known(const struct sync *c, struct name_list *ret)
{
	const struct shadow *s = &c->index.shadow;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->n_launches; i++)
		if (!store_profile_is_embedded(shadow_string(s, s->launches[i].name)))
			r = name_list_add(ret, shadow_string(s, s->launches[i].program));
	for (size_t i = 0; r == 0 && i < c->config.embedded.n; i++)
		r = name_list_add(ret, c->config.embedded.names[i]);
	name_list_sort_unique(ret);
	return r;
}

/* What was launched here and brings its profile. Of an image nothing was launched. */
static int add_launched(struct sync *c)
{
	_cleanup_(name_list_done) struct name_list known = { 0 }, found = { 0 };
	int r;

	if (c->store->usr)
		return 0;
	r = find_known(c, &known);
	if (r == 0)
		r = embedded_find_launched(c->store, &known, &found);
	return r == 0 ? store_add_embedded(c->store, &found, &c->profiles) : r;
}

static int sync_init(struct sync *c)
{
	int r = mounts_load(&c->mounts), storage = c->options->storage_override;

	if (r == 0)
		r = load_config(c);
	if (r == 0)
		r = store_list_profiles(c->store, &c->profiles);
	if (r == 0)
		r = store_add_embedded(c->store, &c->config.embedded, &c->profiles);
	if (r == 0)
		r = store_list_shadows(c->store, &c->shadows);
	if (r < 0)
		return r;
	if (storage < 0)
		storage = c->config.storage;
	c->facts = (struct facts_context){
		.rootfd = c->store->rootfd,
		.root_path = c->store->root_path,
		.mounts = c->mounts,
		.storage_override = storage,
	};
	snprintf(c->parameters, sizeof(c->parameters), "%s %s storage=%d evidence=%" PRIx64,
		 ELFCAST_VERSION, INDEX_REVISION, storage,
		 evidence_sum(c->store->rootfd, STORE_EVIDENCE));
	c->next.old = &c->index;
	if (!c->options->force)
		r = index_load(c->store, &c->facts, &c->index);
	if (r == 0)
		r = add_launched(c);
	if (r < 0)
		return r;
	c->todo = calloc(c->profiles.n + 1, sizeof(*c->todo));
	return c->todo ? 0 : -ENOMEM;
}

static void problem(struct sync *c, const struct profile_file *f, const struct diag *d)
{
	char path[512];

	store_profile_path(f, path, sizeof(path));
	problem_at(c, path, d);
}

static void report_directories(struct sync *c)
{
	for (int etc = 0; etc < 2; etc++) {
		struct diag d = { 0 };

		if (c->profiles.dir_error[etc] == 0)
			continue;
		if (c->profiles.dir_error[etc] == -E2BIG)
			diag_set(&d, 0, 0,
				 "more than %u profiles: the last ones are not read",
				 LIMIT_PROFILES);
		else
			parse_child_describe(c->profiles.dir_error[etc], &d);
		problem_at(c, store_profile_dir(etc), &d);
	}
}

/* One of our own files, for the index. PATH is borrowed. */
static int describe_own(struct sync *c, char *path, const struct identity *identity,
			struct index_file *ret)
{
	char full[2 * LIMIT_PATH_BYTES + 2];

	if (facts_full_path(&c->facts, path, full, sizeof(full)) < 0)
		return -ENAMETOOLONG;
	*ret = (struct index_file){ .path = path,
				    .state = OBJECT_VALID,
				    .storage = facts_storage(&c->facts, full),
				    .identity = *identity };
	return 0;
}

static int record_objects(struct sync *c, const struct shadow *s)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];
		char path[LIMIT_PATH_BYTES + 1];
		/* Only what a stat sees: whether it is the file wanted, the shadow knows. */
		struct index_file f = {
			.path = path,
			.state = o->state == OBJECT_MISSING ? OBJECT_MISSING : OBJECT_VALID,
			.storage = (enum storage_class)o->storage,
			.identity = shadow_object_identity(o),
		};

		strcpy(path, shadow_string(s, o->path)); /* checked: at most that long */
		r = index_add_file(&c->next, &f);
	}
	return r;
}

/* On which it depends what the launch is a launch of. */
static int record_links(struct sync *c, const struct shadow *s)
{
	_cleanup_(name_list_done) struct name_list links = { 0 };
	char program[LIMIT_PATH_BYTES + 1];
	int r = facts_follow(&c->facts, shadow_launched_as(s), &links, program);

	for (size_t i = 0; r == 0 && i < links.n; i++) {
		struct file_facts f;
		struct index_file link = { .path = links.names[i] };

		facts_read(&c->facts, link.path, false, &f);
		link.identity = f.identity;
		link.storage = f.storage;
		link.state = f.error == -ENOENT || f.error == -ENOTDIR ? OBJECT_MISSING
								       : OBJECT_VALID;
		r = index_add_file(&c->next, &link);
	}
	return r;
}

/* The shadow NAME of profile F was made: remember it and all that it depends on. */
static int record(struct sync *c, const struct profile_file *f, const char *name,
		  const struct shadow *s, bool is_deferred)
{
	struct index_file source, target;
	char source_path[512], target_path[512];
	struct identity identity;
	int r = store_stat(c->store, STORE_SHADOW, name, &identity);

	store_profile_path(f, source_path, sizeof(source_path));
	store_path(c->store, STORE_SHADOW, name, target_path, sizeof(target_path));
	if (r == 0)
		r = describe_own(c, source_path, &f->identity, &source);
	if (r == 0)
		r = describe_own(c, target_path, &identity, &target);
	if (r == 0)
		r = name_list_add(&c->wanted, name);
	if (r < 0 || is_deferred)
		return r;
	if (r == 0)
		r = index_add_entry(
			&c->next, f->name, shadow_string(s, s->launches[0].program),
			shadow_string(s, s->launches[0].scenario), &source, &target);
	if (r == 0)
		r = record_objects(c, s);
	return r == 0 ? record_links(c, s) : r;
}

/* What the index has of F; *RET_WHY: NULL where nothing that its shadow depends on was touched since. */
static const struct shadow_launch *
find_recorded(const struct sync *c, const struct profile_file *f, const char **ret_why)
{
	const struct shadow_launch *l = index_find(&c->index, f->name, c->parameters);
	char source[512];

	*ret_why = c->options->force ? "all are to be compiled"
				     : "not compiled yet, or otherwise than now";
	if (!l)
		return NULL;
	store_profile_path(f, source, sizeof(source));
	if (strcmp(index_source(&c->index, l), source) != 0)
		*ret_why = "another file of its name counts now";
	else
		*ret_why = index_changed(&c->index, l);
	return l;
}

static void tell_plan(const struct sync *c, const struct profile_file *f, const char *why)
{
	char path[512], text[LIMIT_PATH_BYTES + 64];

	if (!c->options->on_plan)
		return;
	store_profile_path(f, path, sizeof(path));
	snprintf(text, sizeof(text), *why == '/' ? "'%s' changed" : "%s", why);
	c->options->on_plan(path, text, c->options->userdata);
}

/* Keep F's shadow if nothing that it depends on changed; else put F on the list. */
static int plan_one(struct sync *c, const struct profile_file *f)
{
	const char *why;
	const struct shadow_launch *l = find_recorded(c, f, &why);
	int r;

	/* Another profile of its program may come to count: see is_overridden(). */
	if (!why && f->program && c->n_todo > 0)
		why = "other profiles changed";
	if (why) {
		tell_plan(c, f, why);
		c->todo[c->n_todo++] = f;
		return 0;
	}
	c->result->n_unchanged++;
	r = index_keep(&c->next, l);
	return r == 0 ? name_list_add(&c->wanted,
				      strrchr(index_target(&c->index, l), '/') + 1)
		      : r;
}

static bool has_recorded(const struct sync *c, enum store_file file)
{
	char path[512];

	store_path(c->store, file, NULL, path, sizeof(path));
	return index_has(&c->index, path);
}

/*
 * Whether the index accounts for every profile and every shadow there is, and all files are
 * as it recorded them. Most transactions touch nothing of ours: then no shadow is read.
 */
static bool is_all_unchanged(const struct sync *c)
{
	uint32_t n = 0;

	if (c->index.any_changed || c->shadows.n != c->index.shadow.n_launches ||
	    !has_recorded(c, STORE_PACK) || !has_recorded(c, STORE_BUNDLE))
		return false;
	for (size_t i = 0; i < c->profiles.n; i++) {
		const struct profile_file *f = &c->profiles.items[i];
		const char *why;

		if (f->masked || f->error < 0)
			continue;
		find_recorded(c, f, &why);
		if (why)
			return false;
		n++;
	}
	return n == c->index.shadow.n_launches;
}

static int plan(struct sync *c, bool keep_all)
{
	int r = 0;

	report_directories(c);
	for (size_t i = 0; r == 0 && i < c->profiles.n; i++) {
		const struct profile_file *f = &c->profiles.items[i];
		struct diag d = { 0 };

		if (f->masked)
			continue;
		c->result->n_profiles++;
		if (f->error < 0) {
			parse_child_describe(f->error, &d);
			problem(c, f, &d);
			continue;
		}
		if (keep_all)
			c->result->n_unchanged++;
		else
			r = plan_one(c, f);
	}
	return r;
}

static int for_an_image(const uint8_t *data, size_t bytes, uint8_t **ret, size_t *ret_bytes)
{
	*ret = malloc(bytes);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, data, bytes);
	shadow_forget_inodes(*ret, bytes);
	*ret_bytes = bytes;
	return 0;
}

/*
 * Behind the shadow: where the file systems keep what its launch reads of them. Not of an image,
 * whose files are going to lie elsewhere. New; *RET is NULL where there is nothing to say. -ENOMEM.
 */
static int append_places(struct sync *c, const struct shadow *s, const uint8_t *data,
			 size_t bytes, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_free_ uint8_t *places = NULL;
	size_t places_bytes;
	int r;

	*ret = NULL;
	if (c->store->usr)
		return for_an_image(data, bytes, ret, ret_bytes);
	r = metadata_places_of_launch(s, &c->facts, &places, &places_bytes);
	if (r < 0 || places_bytes > LIMIT_SHADOW_BYTES - bytes)
		return r == -ENOMEM ? r : 0;
	*ret = malloc(bytes + places_bytes);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, data, bytes);
	memcpy(*ret + bytes, places, places_bytes);
	*ret_bytes = bytes + places_bytes;
	return 0;
}

/* What a package or the administrator says of a program counts before what is inside of it. */
static bool is_overridden(const struct sync *c, const struct profile_file *f,
			  const char *shadow_name, const char *program)
{
	for (size_t i = 0; f->program && i < c->wanted.n; i++)
		if (store_shadow_is_of(c->wanted.names[i], program) &&
		    strcmp(c->wanted.names[i], shadow_name) != 0)
			return true;
	return false;
}

static int publish(struct sync *c, const struct profile_file *f, const uint8_t *data,
		   size_t bytes, bool is_deferred)
{
	_cleanup_free_ uint8_t *both = NULL;
	_cleanup_free_ char *name = NULL;
	size_t both_bytes = 0;
	bool written = false;
	struct shadow s;
	int r;

	/* It comes from the child that parsed the profile: checked as if from a stranger. */
	if (shadow_parse_kind(data, bytes, SHADOW_KIND_SHADOW, &s) < 0)
		return -EBADMSG;
	name = store_shadow_name(shadow_string(&s, s.launches[0].program), f->name);
	if (!name)
		return -ENOMEM;
	if (is_overridden(c, f, name, shadow_string(&s, s.launches[0].program))) {
		c->result->n_unchanged++;
		return 0;
	}
	r = append_places(c, &s, data, bytes, &both, &both_bytes);
	if (r < 0)
		return r;
	r = store_put(c->store, STORE_SHADOW, name, both ? both : data,
		      both ? both_bytes : bytes, &written);
	if (r < 0)
		return r;
	if (written)
		c->result->n_compiled++;
	else
		c->result->n_unchanged++;
	return record(c, f, name, &s, is_deferred);
}

static void tell_notice(struct sync *c, const struct parse_child_notice *n)
{
	const char *root = strcmp(c->store->root_path, "/") == 0 ? "" : c->store->root_path;
	char path[2 * PATH_MAX];

	if (*n->name && snprintf(path, sizeof(path), "%s%s/%s", root, STORE_EVIDENCE,
				 n->name) < (int)sizeof(path))
		problem_at(c, path, &n->diag);
}

static int on_result(size_t i, struct parse_child_result *result, void *userdata)
{
	_cleanup_free_ uint8_t *data = TAKE_PTR(result->data);
	struct sync *c = userdata;
	int r;

	c->result->n_parsed++;
	tell_notice(c, &result->notice);
	if (result->error < 0) {
		problem(c, c->todo[i], &result->diag);
		return 0;
	}
	c->result->n_deferred += result->is_deferred;
	r = publish(c, c->todo[i], data, result->bytes, result->is_deferred);
	if (r != -EBADMSG)
		return r;
	diag_set(&result->diag, 0, 0, "the parser returned a damaged shadow");
	problem(c, c->todo[i], &result->diag);
	return 0;
}

static int compile_todo(struct sync *c)
{
	const struct parse_child_job job = {
		.store = c->store,
		.facts = &c->facts,
		.files = c->todo,
		.n_files = c->n_todo,
		.retarget_ms = c->options->retarget_ms,
		.on_result = on_result,
		.userdata = c,
	};

	return parse_child_run(&job);
}

static bool has_profile(const struct sync *c, const char *shadow)
{
	for (size_t i = 0; i < c->profiles.n; i++) {
		const struct profile_file *f = &c->profiles.items[i];

		if (!f->masked && f->error == 0 && store_shadow_is_from(shadow, f->name))
			return true;
	}
	return false;
}

/* What a run would do; what becomes of a profile that is to be parsed is not known. */
static int report_plan(struct sync *c)
{
	char path[512];

	c->result->n_compiled = (unsigned)c->n_todo;
	for (size_t i = 0; i < c->shadows.n; i++) {
		if (has_profile(c, c->shadows.names[i]))
			continue;
		c->result->n_removed++;
		store_path(c->store, STORE_SHADOW, c->shadows.names[i], path, sizeof(path));
		if (c->options->on_plan)
			c->options->on_plan(path, "it has no profile any more",
					    c->options->userdata);
	}
	return 0;
}

static int remove_unwanted(struct sync *c)
{
	bool removed;
	int r = 0;

	name_list_sort(&c->wanted);
	for (size_t i = 0; r == 0 && i < c->shadows.n; i++) {
		if (name_list_has(&c->wanted, c->shadows.names[i]))
			continue;
		r = store_remove(c->store, STORE_SHADOW, c->shadows.names[i], &removed);
		c->result->n_removed += removed;
	}
	return r;
}

static int put_index(struct sync *c)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	bool written;
	int r = index_write(&c->next, c->parameters, &data, &bytes);

	if (r < 0)
		return r;
	if (!c->index_put && bytes == c->index.bytes &&
	    memcmp(data, c->index.data, bytes) == 0)
		return 0;
	c->index_put = true;
	return store_put(c->store, STORE_INDEX, NULL, data, bytes, &written);
}

/* One of our files that need not be there. */
static int record_common(struct sync *c, char *path, int error,
			 const struct identity *identity)
{
	struct index_file f = { .path = path, .state = OBJECT_MISSING };
	int r = 0;

	if (error != -ENOENT)
		r = describe_own(c, path, identity, &f);
	return r == 0 ? index_add_common_file(&c->next, &f) : r;
}

static int record_config(struct sync *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(config_files); i++) {
		char path[512];

		store_path(c->store, config_files[i], NULL, path, sizeof(path));
		r = record_common(c, path, c->config_error[i], &c->config_identity[i]);
	}
	return r;
}

static int record_made(struct sync *c, enum store_file file)
{
	struct identity identity = { 0 };
	char path[512];
	int error = store_stat(c->store, file, NULL, &identity);

	store_path(c->store, file, NULL, path, sizeof(path));
	return record_common(c, path, error, &identity);
}

static int bring_pack(struct sync *c)
{
	int r = pack_sync(c->store, &c->config, c->mounts, &c->result->pack);

	if (r == -E2BIG) {
		struct diag d = { 0 };
		char path[512];

		store_path(c->store, STORE_PACK, NULL, path, sizeof(path));
		diag_set(&d, 0, 0,
			 "too many launches: nothing is read ahead, at boot or at exec");
		problem_at(c, path, &d);
	} else if (r < 0) {
		return r;
	}
	c->result->has_pack = true;
	/* Shadows are whole, so it was an error of the moment: not recorded, done again. */
	if (c->result->pack.n_damaged > 0)
		return 0;
	r = record_made(c, STORE_BUNDLE);
	return r == 0 ? record_made(c, STORE_PACK) : r;
}

/*
 * Where the file systems keep what opening the pack's files reads. Last of all: it may read
 * the device itself, and whoever is killed then has lost nothing else. Not of an image, whose
 * files are going to lie elsewhere.
 */
static int bring_places(struct sync *c)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	int r;

	if (c->store->usr)
		return 0;
	r = store_load(c->store, STORE_PACK, NULL, &pack);
	return metadata_places_update(c->store, &c->facts, r == 0 ? &pack.shadow : NULL);
}

/*
 * The pack comes last and is recorded by itself: whoever is killed before that leaves an
 * index in which there is none, and the next compile makes it.
 */
static int bring_all(struct sync *c)
{
	int r = compile_todo(c);

	if (r == 0)
		r = remove_unwanted(c);
	if (r == 0)
		r = record_config(c);
	if (r == 0 && (c->n_todo > 0 || c->result->n_removed > 0))
		r = put_index(c);
	if (r == 0)
		r = bring_pack(c);
	if (r == 0)
		r = put_index(c);
	return r == 0 ? bring_places(c) : r;
}

static int sync_all(struct sync *c)
{
	bool keep_all;
	int r = sync_init(c);

	if (r < 0)
		return r;
	keep_all = !c->options->rank && is_all_unchanged(c);
	r = plan(c, keep_all);
	if (r == 0 && c->options->dry_run)
		return report_plan(c);
	if (r == 0 && !keep_all)
		r = bring_all(c);
	/* Of an image nothing is known of what its machines will have recorded. */
	return r < 0 || c->store->usr ? r : boot_train_sync(c->store, &c->config);
}

static int sync_locked(const struct store *s, const struct reconcile_options *o,
		       struct reconcile_result *ret)
{
	_cleanup_(sync_done) struct sync c = { .store = s, .options = o, .result = ret };
	int r;

	*ret = (struct reconcile_result){ 0 };
	if (o->dry_run)
		return sync_all(&c);
	store_take_dirty(s);
	r = store_remove_leftovers(s);
	return r < 0 ? r : sync_all(&c);
}

/*
 * Whoever cannot wait for the lock leaves a mark, tries once more and goes; whoever held the
 * lock looks for the mark after giving it back. One of the two sees what changed.
 */
static int take_lock(const struct store *s, unsigned timeout_ms)
{
	int lock = store_lock(s, timeout_ms);

	if (lock != -EBUSY)
		return lock;
	store_mark_dirty(s);
	return store_lock(s, 0);
}

int reconcile_run(const struct store *s, const struct reconcile_options *o,
		  struct reconcile_result *ret)
{
	int lock, r;

	if (o->dry_run)
		return sync_locked(s, o, ret);
	lock = take_lock(s, o->lock_timeout_ms);
	if (lock < 0)
		return lock;
	for (int round = 0; round < SYNC_ROUNDS; round++) {
		r = sync_locked(s, o, ret);
		close(lock);
		if (r < 0 || !store_is_dirty(s))
			break;
		lock = store_lock(s, 0);
		if (lock < 0) /* then its holder sees the mark */
			break;
		if (round == SYNC_ROUNDS - 1)
			close(lock);
	}
	return r;
}
