/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "boot-programs.h"
#include "bounds.h"
#include "bundle.h"
#include "launch-counts.h"
#include "pack.h"
#include "page-select.h"
#include "shadow-write.h"
#include "storage.h"

#define PRIOR (LAUNCHES_ONE / 10)

/* Of N_BOOTS boots N_LAUNCHED launched it, and COUNT launches were counted. */
static uint32_t likely(unsigned count, unsigned n_launched, unsigned n_boots)
{
	uint64_t c = (uint64_t)count * LAUNCHES_ONE + PRIOR;
	uint64_t unseen = (c << 30) / (c + 20197800); /* 14 / ln 2 days */

	return (uint32_t)((((uint64_t)n_launched << 30) + unseen) / (n_boots + 1));
}

/* ---- shadows from lines ---- */

enum { MAX_ITEMS = 64 };

struct file {
	const char *path;
	uint64_t ino;
	int64_t ctime_ns;
	enum storage_class storage;
	struct buildid buildid;
	bool stale;
};

/* One extent: FILE's pages, touched in bucket WHEN. FILES sorted by path; ends with 0. */
struct use {
	unsigned file, first, n, when;
};

struct spec {
	const char *name, *program, *scenario;
	unsigned count; /* launches */
	struct use uses[8];
};

static int compare_uses(const void *pa, const void *pb)
{
	const struct extent_desc *a = pa, *b = pb;

	if (a->when != b->when)
		return a->when < b->when ? -1 : 1;
	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return a->first_pgno < b->first_pgno ? -1 : 1;
}

static void add_uses(struct pack *p, const char *name, const char *program,
		     const char *scenario, unsigned count, const struct file *files,
		     unsigned n_files, const struct use *uses, unsigned n_uses)
{
	const char *lookups[] = { "/looked/up", name };
	struct object_desc objects[MAX_ITEMS];
	struct extent_desc extents[MAX_ITEMS];
	struct launch_desc launch = { program,	   scenario, "x86_64", "",	SHADOW_NONE,
				      SHADOW_NONE, 0,	     n_uses,   lookups, 2 };
	struct shadow_desc d = {
		SHADOW_KIND_SHADOW, &launch, objects, extents, 1, n_files, n_uses
	};
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow s;
	size_t bytes;

	for (unsigned i = 0; i < n_files; i++)
		objects[i] = (struct object_desc){
			.path = files[i].path,
			.wanted_bytes = 1 << 30,
			.state = files[i].stale ? OBJECT_STALE : OBJECT_VALID,
			.storage = files[i].storage,
			.buildid = files[i].buildid,
			.identity = { files[i].ino, 1 << 30, 1, files[i].ctime_ns },
		};
	for (unsigned i = 0; i < n_uses; i++)
		extents[i] = (struct extent_desc){ uses[i].file, uses[i].first, uses[i].n,
						   uses[i].when };
	qsort(extents, n_uses, sizeof(extents[0]), compare_uses);
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(pack_add(p, &s, name, (uint64_t)count * LAUNCHES_ONE, true), 0);
}

static void add_spec(struct pack *p, const struct file *files, unsigned n_files,
		     const struct spec *s)
{
	unsigned n = 0;

	while (n < ARRAY_SIZE(s->uses) && s->uses[n].n > 0)
		n++;
	add_uses(p, s->name, s->program, s->scenario ? s->scenario : "default", s->count,
		 files, n_files, s->uses, n);
}

static struct pack *chosen(const struct pack_options *o, const struct file *files,
			   unsigned n_files, const struct spec *specs, unsigned n_specs)
{
	struct pack *p = pack_new(o);

	assert_non_null(p);
	for (unsigned i = 0; i < n_specs; i++)
		add_spec(p, files, n_files, &specs[i]);
	assert_int_equal(pack_choose(p), 0);
	assert_int_equal(pack_count(p), n_specs);
	return p;
}

/* "a+3 b+1 c-budget": names with new pages, or why not. */
static const char *described(const struct pack *p)
{
	static const char *const verdicts[PACK_VERDICTS] = {
		"+",	   "-budget", "-time",	 "-other", "-boot",
		"-unused", "-stale",  "-absent", "-never"
	};
	static char text[512];
	char *end = text;

	text[0] = 0;
	for (size_t i = 0; i < pack_count(p); i++) {
		const struct pack_choice *c = pack_get(p, i);

		end += sprintf(end, "%s%s%s", i ? " " : "", c->name, verdicts[c->verdict]);
		if (c->verdict == PACK_TAKEN)
			end += sprintf(end, "%u", (unsigned)c->n_new_pages);
	}
	return text;
}

struct packed {
	uint8_t *data;
	size_t bytes;
	struct shadow s;
};

static struct packed packed(const struct pack *p, pack_locate locate, void *userdata)
{
	struct packed k;

	assert_int_equal(pack_write(p, locate, userdata, &k.data, &k.bytes), 0);
	assert_non_null(k.data);
	assert_int_equal(shadow_parse(k.data, k.bytes, &k.s), 0);
	assert_int_equal(k.s.kind, SHADOW_KIND_PACK);
	return k;
}

/* "PATH 0-3@0 …": extents in reading order, with the launch that brought each. */
static const char *extents_of(const struct packed *k)
{
	static char text[4096];
	char *end = text;

	text[0] = 0;
	for (uint32_t i = 0; i < k->s.n_extents; i++) {
		const struct shadow_extent *e = &k->s.extents[i];
		const struct shadow_object *o = &k->s.objects[le32_get(e->object)];

		end += sprintf(end, "%s%s:%u-%u@%u", i ? " " : "",
			       shadow_string(&k->s, o->path) + 1, le32_get(e->first_pgno),
			       le32_get(e->first_pgno) + le32_get(e->n_pages) - 1,
			       le32_get(e->when));
	}
	return text;
}

static const struct pack_options plenty = { .budget_bytes = (uint64_t)1 << 40 };

enum { A, B, LIBC, N_FILES };
static const struct file files[N_FILES] = {
	[A] = { "/a", 1, 5, STORAGE_FLASH, { 0 } },
	[B] = { "/b", 2, 5, STORAGE_FLASH, { 0 } },
	[LIBC] = { "/libc", 3, 5, STORAGE_FLASH, { 0 } },
};

/* ---- the model ---- */

static void test_faults_of_a_cold_launch(void **state)
{
	uint64_t ahead = 0;

	(void)state;
	assert_int_equal(pack_count_faults(0, 1, &ahead), 1);
	assert_int_equal(pack_count_faults(2, 3, &ahead), 0); /* came with the first */
	assert_int_equal(pack_count_faults(5, 4, &ahead), 1); /* page 8 did not */
	assert_int_equal(pack_count_faults(40, 17, &ahead), 3);
	assert_int_equal(pack_count_faults(64, 1, &ahead), 1);
	assert_int_equal(pack_count_faults(UINT32_MAX - 1, 1, &ahead), 1);
	ahead = 0;
	assert_int_equal(pack_count_faults(0, UINT32_MAX, &ahead), 1u << 29);
}

static void test_saving(void **state)
{
	const struct storage_cost *net = storage_cost(STORAGE_NETWORK);

	(void)state;
	assert_int_equal(pack_saving_us(STORAGE_NETWORK, 3, 1000),
			 3 * net->latency_us + 1000 * net->page_ns / 1000);
	assert_int_equal(pack_reading_us(STORAGE_NETWORK, 3, 1000),
			 3 * net->request_us + 1000 * net->page_ns / 1000);
	/* Scattered pages are worth more than those in a row, and on a hard disk most. */
	for (int c = 0; c < STORAGE_CLASSES; c++) {
		assert_true(pack_saving_us(c, 16, 16) > pack_saving_us(c, 1, 16));
		assert_true(pack_saving_us(STORAGE_ROTATIONAL, 9, 9) >=
			    pack_saving_us(c, 9, 9));
	}
}

/* ---- the choice ---- */

static void test_by_saving_per_byte(void **state)
{
	/* Same pages, other counts; and the same count, but scattered over the file. */
	static const struct spec specs[] = {
		{ "rare", "/rare", NULL, 1, { { A, 0, 4, 0 } } },
		{ "often", "/often", NULL, 9, { { B, 0, 4, 0 } } },
		{ "dense", "/dense", NULL, 5, { { LIBC, 0, 4, 0 } } },
		{ "scattered",
		  "/scattered",
		  NULL,
		  5,
		  { { LIBC, 50, 1, 0 }, { LIBC, 80, 1, 0 }, { LIBC, 110, 2, 0 } } },
	};
	_cleanup_(pack_freep) struct pack *p =
		chosen(&plenty, files, N_FILES, specs, ARRAY_SIZE(specs));

	(void)state;
	assert_string_equal(described(p), "scattered+4 often+4 dense+4 rare+4");
	assert_int_equal(pack_get(p, 0)->weight, likely(5, 0, 0));
	/* Opening the file, and three faults. */
	assert_int_equal(pack_get(p, 0)->saving_us, pack_saving_us(STORAGE_FLASH, 4, 4));
}

static void test_shared_pages_are_paid_once(void **state)
{
	/* "small" would be before "shares", were it not for "best", which brings the libc. */
	static const struct spec specs[] = {
		{ "best", "/best", NULL, 50, { { LIBC, 0, 32, 0 }, { A, 0, 2, 1 } } },
		{ "shares", "/shares", NULL, 4, { { LIBC, 0, 32, 0 }, { A, 4, 2, 1 } } },
		{ "small", "/small", NULL, 5, { { B, 0, 4, 0 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, files, N_FILES, specs, 3);
	_cleanup_(pack_freep) struct pack *without =
		chosen(&plenty, files, N_FILES, specs + 1, 2);

	(void)state;
	assert_string_equal(described(p), "best+34 shares+2 small+4");
	assert_int_equal(pack_get(p, 1)->n_pages, 34);
	assert_string_equal(described(without), "small+4 shares+34");
}

static void test_nothing_new_is_free(void **state)
{
	static const struct spec specs[] = {
		{ "all", "/all", NULL, 1, { { LIBC, 0, 100, 0 } } },
		{ "part", "/part", NULL, 0, { { LIBC, 40, 2, 0 } } },
	};
	const struct pack_options o = { .budget_bytes = 100 * PAGE_BYTES };
	_cleanup_(pack_freep) struct pack *p = chosen(&o, files, N_FILES, specs, 2);
	struct packed k = packed(p, NULL, NULL);

	(void)state;
	assert_string_equal(described(p), "all+100 part+0");
	assert_int_equal(k.s.n_launches, 2);
	assert_string_equal(extents_of(&k), "libc:0-99@0");
	free(k.data);
}

static void test_budget_of_bytes(void **state)
{
	static const struct spec specs[] = {
		{ "big", "/big", NULL, 5, { { A, 0, 10, 0 } } },
		{ "first", "/first", NULL, 100, { { B, 0, 5, 0 } } },
		{ "small", "/small", NULL, 1, { { LIBC, 0, 3, 0 } } },
	};
	struct pack_options o = { .budget_bytes = 14 * PAGE_BYTES };
	struct pack *p = chosen(&o, files, N_FILES, specs, 3);

	(void)state;
	assert_string_equal(described(p), "first+5 small+3 big-budget");
	pack_free(p);
	o.budget_bytes = 15 * PAGE_BYTES;
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "first+5 big+10 small-budget");
	pack_free(p);
	o.budget_bytes = 3 * PAGE_BYTES - 1;
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "first-budget big-budget small-budget");
	pack_free(p);
}

/* How near it was is said of what is missing at the end. */
static void test_over_budget_but_shared(void **state)
{
	static const struct spec specs[] = {
		{ "a", "/a", NULL, 9, { { A, 0, 2, 0 } } },
		{ "big", "/big", NULL, 8, { { LIBC, 0, 8, 0 }, { LIBC, 90, 1, 0 } } },
		{ "half", "/half", NULL, 0, { { LIBC, 0, 8, 0 } } },
	};
	const struct pack_options o = { .budget_bytes = 11 * PAGE_BYTES - 1 };
	_cleanup_(pack_freep) struct pack *p = chosen(&o, files, N_FILES, specs, 3);

	(void)state;
	assert_string_equal(described(p), "a+2 half+8 big-budget");
	assert_int_equal(pack_get(p, 2)->n_pages, 9);
	assert_int_equal(pack_get(p, 2)->n_new_pages, 1);
}

static void test_budget_of_time(void **state)
{
	static const struct spec specs[] = {
		{ "a", "/a", NULL, 9, { { A, 0, 10, 0 } } },
		{ "b", "/b", NULL, 1, { { B, 0, 10, 0 } } },
	};
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	o.budget_us = 2 * pack_reading_us(STORAGE_FLASH, 1, 10);
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "a+10 b+10");
	pack_free(p);
	o.budget_us--;
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "a+10 b-time");
	pack_free(p);
}

static char *const always_names[] = { (char *)(uintptr_t) "/b" };
static char *const never_names[] = { (char *)(uintptr_t) "a" };

/* Read ahead in vain at several boots: hope is gone, but not what launches there are. */
static void test_unused(void **state)
{
	static char program[] = "/1";
	struct launch_count hopeless = { program, 0, 0, LAUNCHES_VAIN_BOOTS },
			    hopeful = { program, 0, 0, LAUNCHES_VAIN_BOOTS - 1 };
	struct launch_counts unused = { .items = &hopeless, .n = 1 };
	struct spec specs[] = {
		{ "1", "/1", NULL, 0, { { A, 0, 1, 0 } } },
		{ "2", "/2", NULL, 0, { { B, 0, 2, 0 } } },
	};
	static char *names[] = { program };
	const struct name_list always = { names, 1, 1 };
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	o.counts = &unused;
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "2+2 1-unused");
	pack_free(p);
	o.always = &always; /* the administrator knows better */
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "1+1 2+2");
	pack_free(p);
	o.always = NULL;
	specs[0].scenario = SCENARIO_BOOT; /* nobody launches the system */
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "1+1 2+2");
	pack_free(p);
	specs[0].scenario = NULL;
	specs[0].count = 1; /* and since then launched */
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "1+1 2+2");
	pack_free(p);
	specs[0].count = 0;
	unused.items = &hopeful;
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "1+1 2+2");
	pack_free(p);
}

static void test_always_and_never(void **state)
{
	static const struct spec specs[] = {
		{ "1", "/usr/bin/a", NULL, 9, { { A, 0, 1, 0 } } },
		{ "2", "/b", NULL, 0, { { B, 0, 8, 0 } } },
		{ "3", "/c", NULL, 9, { { LIBC, 0, 1, 0 } } },
	};
	const struct name_list always = { (char **)(uintptr_t)always_names, 1, 1 };
	const struct name_list never = { (char **)(uintptr_t)never_names, 1, 1 };
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	o.always = &always;
	o.never = &never;
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "2+8 3+1 1-never");
	assert_true(pack_get(p, 0)->always);
	assert_false(pack_get(p, 1)->always);
	pack_free(p);
	o.budget_bytes = 7 * PAGE_BYTES; /* which always comes first does not overrule */
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "3+1 2-budget 1-never");
	pack_free(p);
	o.never = &always; /* never goes before always */
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "1+1 3+1 2-never");
	pack_free(p);
}

static void test_boot_comes_first(void **state)
{
	static const struct spec specs[] = {
		{ "1", "/b", "default", 9, { { A, 0, 1, 0 } } },
		{ "2", "/b", SCENARIO_BOOT, 0, { { B, 0, 8, 0 } } },
		{ "3", "/c", NULL, 99, { { LIBC, 0, 1, 0 } } },
	};
	const struct name_list always = { (char **)(uintptr_t)always_names, 1, 1 };
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	/* Before what always comes first, and no other scenario of its program. */
	o.always = &always;
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "2+8 1+1 3+1");
	pack_free(p);
	o.always = NULL;
	o.budget_bytes = 7 * PAGE_BYTES;
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "3+1 1+1 2-budget");
	pack_free(p);
	o.never = &always;
	p = chosen(&o, files, N_FILES, specs + 1, 1);
	assert_string_equal(described(p), "2-never");
	pack_free(p);
}

/* Where no boot is known, programs that the boot starts come first, as they start. */
static void test_programs_that_the_boot_starts(void **state)
{
	static const struct spec specs[] = {
		{ "1", "/often", NULL, 99, { { A, 0, 1, 0 } } },
		{ "2", "/second", NULL, 0, { { B, 0, 8, 0 } } },
		{ "3", "/first", NULL, 0, { { LIBC, 0, 8, 0 } } },
		{ "4", "/init", SCENARIO_BOOT, 0, { { A, 20, 1, 0 } } },
	};
	struct boot_program starts[] = { { (char *)(uintptr_t) "/first", NULL },
					 { (char *)(uintptr_t) "/second", NULL } };
	const struct boot_programs programs = { starts, 2, 2 };
	struct launch_count hopeless = { (char *)(uintptr_t) "/first", 0, 0, 99 };
	struct launch_counts unused = { .items = &hopeless, .n = 1 };
	struct file changed[N_FILES];
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	o.boot_programs = &programs;
	o.counts = &unused; /* they start before anybody counts */
	p = chosen(&o, files, N_FILES, specs, 3);
	assert_string_equal(described(p), "3+8 2+8 1+1");
	assert_true(pack_get(p, 1)->boot);
	assert_false(pack_get(p, 2)->boot);
	pack_free(p);
	/* A recorded boot knows better. */
	p = chosen(&o, files, N_FILES, specs, 4);
	assert_string_equal(described(p), "4+1 1+1 2+8 3+8");
	pack_free(p);
	/* But not when most of it has changed. */
	memcpy(changed, files, sizeof(changed));
	changed[B].stale = changed[LIBC].stale = true;
	p = pack_new(&o);
	add_spec(p, files, N_FILES, &specs[0]);
	add_spec(p, files, N_FILES, &specs[1]);
	add_spec(p, changed, N_FILES, &specs[3]);
	assert_int_equal(pack_choose(p), 0);
	assert_string_equal(described(p), "4+1 2+8 1+1");
	pack_free(p);
}

/* Vendors ship several boots; one of them is this system's. */
static void test_one_of_several_boots(void **state)
{
	static const struct spec specs[] = {
		{ "desktop", "/init", SCENARIO_BOOT, 0, { { A, 0, 1, 0 } } },
		{ "server", "/init", SCENARIO_BOOT, 0, { { B, 0, 1, 0 } } },
	};
	struct boot_program starts[] = { { (char *)(uintptr_t) "/none", NULL },
					 { (char *)(uintptr_t) "/other", NULL } };
	const struct boot_programs programs = { starts, 2, 2 };
	struct file desktop[N_FILES], server[N_FILES];
	struct pack_options o = plenty;
	struct pack *p = pack_new(&o);

	(void)state;
	memcpy(desktop, files, sizeof(desktop));
	memcpy(server, files, sizeof(server));
	desktop[LIBC].stale = true;
	add_spec(p, desktop, N_FILES, &specs[0]);
	add_spec(p, server, N_FILES, &specs[1]);
	assert_int_equal(pack_choose(p), 0);
	assert_string_equal(described(p), "server+1 desktop-boot");
	pack_free(p);
	/* Files that no program of this boot is among speak less. */
	starts[0].path = (char *)(uintptr_t)files[A].path;
	server[A].path = "/0";
	desktop[LIBC].stale = server[B].stale = server[LIBC].stale = false;
	o.boot_programs = &programs;
	p = pack_new(&o);
	add_spec(p, desktop, N_FILES, &specs[0]);
	add_spec(p, server, N_FILES, &specs[1]);
	assert_int_equal(pack_choose(p), 0);
	assert_string_equal(described(p), "desktop+1 server-boot");
	pack_free(p);
}

static void test_without_counts_by_name(void **state)
{
	static const struct spec specs[] = {
		{ "c", "/1", NULL, 0, { { A, 0, 1, 0 } } },
		{ "a", "/2", NULL, 0, { { B, 0, 1, 0 } } },
		{ "b", "/3", NULL, 0, { { LIBC, 0, 1, 0 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, files, N_FILES, specs, 3);

	(void)state;
	assert_string_equal(described(p), "a+1 b+1 c+1");
	assert_int_equal(pack_get(p, 0)->weight, likely(0, 0, 0));
}

static void test_scenarios(void **state)
{
	static const struct spec specs[] = {
		{ "g1", "/git", "clone", 8, { { A, 0, 1, 0 } } },
		{ "g2", "/git", "default", 8, { { A, 1, 1, 0 } } },
		{ "h1", "/hg", "clone", 8, { { B, 0, 1, 0 } } },
		{ "h2", "/hg", "status", 8, { { B, 20, 1, 0 } } },
		{ "i1", "/i", "default", 8, { { 0 } } }, /* stale: no default then */
		{ "i2", "/i", "other", 8, { { LIBC, 9, 1, 0 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, files, N_FILES, specs, 6);

	(void)state;
	assert_string_equal(described(p), "g2+1 i2+1 h1+1 h2+1 g1-other i1-stale");
	assert_int_equal(pack_get(p, 2)->weight, likely(8, 0, 0) / 2); /* one of the two */
}

/* The same path in two states: the newer file is there, the other one's pages are not. */
static void test_objects_in_two_states(void **state)
{
	struct file old[N_FILES], new[N_FILES];
	static const struct spec specs[] = {
		{ "a", "/a", NULL, 9, { { A, 0, 9, 0 }, { LIBC, 0, 9, 0 } } },
		{ "b", "/b", NULL, 1, { { LIBC, 20, 1, 0 } } },
		{ "c", "/c", NULL, 1, { { LIBC, 40, 1, 0 } } },
	};
	(void)state;
	memcpy(old, files, sizeof(old));
	memcpy(new, files, sizeof(new));
	new[LIBC].ctime_ns++;
	new[LIBC].ino = 77;
	for (int turn = 0; turn < 2; turn++) {
		_cleanup_(pack_freep) struct pack *p = pack_new(&plenty);
		struct packed k;

		if (turn == 0)
			add_spec(p, old, N_FILES, &specs[0]);
		add_spec(p, new, N_FILES, &specs[1]);
		add_spec(p, old, N_FILES, &specs[2]);
		if (turn == 1)
			add_spec(p, old, N_FILES, &specs[0]);
		assert_int_equal(pack_choose(p), 0);
		assert_string_equal(described(p), "a+9 b+1 c-stale");
		k = packed(p, NULL, NULL);
		assert_string_equal(extents_of(&k), "a:0-8@0 libc:20-20@1");
		assert_int_equal(le64_get(k.s.objects[1].ino), 77);
		free(k.data);
	}
}

/* The same file, known by its build-id to one profile only: it is kept. */
static void test_build_id_of_any(void **state)
{
	struct file with[N_FILES];
	static const struct spec specs[] = {
		{ "a", "/a", NULL, 1, { { LIBC, 0, 1, 0 } } },
		{ "b", "/b", NULL, 2, { { LIBC, 1, 1, 0 } } },
	};

	(void)state;
	memcpy(with, files, sizeof(with));
	with[LIBC].buildid = (struct buildid){ 2, { 0xab, 0xcd } };
	for (int turn = 0; turn < 2; turn++) {
		_cleanup_(pack_freep) struct pack *p = pack_new(&plenty);
		struct packed k;

		add_spec(p, turn ? with : files, N_FILES, &specs[0]);
		add_spec(p, turn ? files : with, N_FILES, &specs[1]);
		assert_int_equal(pack_choose(p), 0);
		k = packed(p, NULL, NULL);
		assert_int_equal(k.s.n_objects, 1);
		assert_int_equal(k.s.objects[0].buildid_bytes, 2);
		assert_string_equal(extents_of(&k), "libc:1-1@0 libc:0-0@1");
		free(k.data);
	}
}

/* ---- the order ---- */

static void test_order_by_rank_then_first_touch(void **state)
{
	static const struct spec specs[] = {
		{ "x",
		  "/x",
		  NULL,
		  1,
		  { { A, 0, 2, 9 }, { B, 4, 2, 3 }, { LIBC, 0, 9, 5 } } },
		{ "y", "/y", NULL, 90, { { LIBC, 3, 2, 7 }, { A, 6, 1, 2 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, files, N_FILES, specs, 2);
	struct packed k = packed(p, NULL, NULL);

	(void)state;
	assert_string_equal(extents_of(&k),
			    "a:6-6@0 libc:3-4@0 b:4-5@1 libc:0-2@1 libc:5-8@1 a:0-1@1");
	assert_string_equal(shadow_string(&k.s, k.s.launches[0].name), "y");
	assert_string_equal(shadow_string(&k.s, k.s.launches[1].program), "/x");
	assert_string_equal(shadow_string(&k.s, k.s.launches[1].arch), "x86_64");
	free(k.data);
}

/* When each of the last boots launched it first, in ms; 0: not in it. */
#define LAUNCHED(program, ...)                                                             \
	{                                                                                  \
		(char *)(uintptr_t)(program), .first_ms = { __VA_ARGS__ }                  \
	}

/* Four boots: a, b, c in this order; d much later, and not yet in the last; r once, before all others. */
static struct launch_count session_items[] = {
	LAUNCHED("/a", 8000, 9000, 7000, 8000), LAUNCHED("/b", 21000, 20000, 5000, 20000),
	LAUNCHED("/c", 61000, 60000, 0, 62000), LAUNCHED("/d", 0, 310000, 290000, 300000),
	LAUNCHED("/r", 0, 1000, 0, 0),
};
static const struct launch_counts session = { .items = session_items,
					      .n = ARRAY_SIZE(session_items),
					      .n_watched = 4 };

/* Counts say d c a b; they were launched a b c, and d later. */
static void test_order_of_sessions(void **state)
{
	static const struct spec specs[] = {
		{ "a", "/a", NULL, 3, { { A, 0, 2, 1 }, { LIBC, 0, 8, 0 } } },
		{ "b", "/b", NULL, 2, { { B, 0, 9, 1 }, { LIBC, 4, 8, 0 } } },
		{ "c", "/c", NULL, 90, { { LIBC, 4, 4, 1 }, { A, 10, 9, 2 } } },
		{ "d", "/d", NULL, 900, { { LIBC, 20, 1, 0 } } },
		{ "r", "/r", NULL, 900, { { LIBC, 30, 1, 0 } } },
		{ "s", "/s", NULL, 9000, { { LIBC, 40, 1, 0 } } },
	};
	struct pack_options o = plenty;
	struct pack *p = chosen(&o, files, N_FILES, specs, 6);
	struct packed k;

	(void)state;
	assert_string_equal(described(p), "s+1 d+1 r+1 c+13 a+6 b+13");
	pack_free(p);
	o.counts = &session;
	p = chosen(&o, files, N_FILES, specs, 6);
	/* Last what half of the boots do not launch, by worth. */
	assert_string_equal(described(p), "a+10 b+13 c+9 d+1 r+1 s+1");
	assert_int_equal(pack_get(p, 0)->habit.after_ms, 8000);
	assert_int_equal(pack_get(p, 1)->habit.after_ms, 20000);
	assert_int_equal(pack_get(p, 2)->habit.after_ms, 61000);
	assert_int_equal(pack_get(p, 2)->habit.n_launched, 3);
	assert_int_equal(pack_get(p, 3)->habit.after_ms, 300000);
	assert_int_equal(pack_get(p, 3)->habit.n_boots, 3); /* the last may go on */
	assert_int_equal(pack_get(p, 4)->habit.after_ms, LAUNCHES_NEVER);
	k = packed(p, NULL, NULL);
	/* What several need comes with the first that is read. */
	assert_string_equal(extents_of(&k),
			    "libc:0-7@0 a:0-1@0 libc:8-11@1 b:0-8@1 a:10-18@2 "
			    "libc:20-20@3 libc:30-30@4 libc:40-40@5");
	free(k.data);
	pack_free(p);
}

/* What is read at all, the likelihood decides: a script may launch its tool as often as it likes. */
static void test_likelihood_decides(void **state)
{
	static const struct spec specs[] = {
		{ "b", "/b", NULL, 3, { { A, 0, 4, 0 } } },
		{ "r", "/r", NULL, 1000, { { B, 0, 4, 0 } } },
	};
	struct pack_options o = { .budget_bytes = 4 * PAGE_BYTES };
	struct pack *p = chosen(&o, files, N_FILES, specs, 2);

	(void)state;
	assert_string_equal(described(p), "r+4 b-budget");
	pack_free(p);
	o.counts = &session;
	p = chosen(&o, files, N_FILES, specs, 2);
	assert_string_equal(described(p), "b+4 r-budget");
	assert_int_equal(pack_get(p, 0)->weight, likely(3, 4, 4));
	assert_int_equal(pack_get(p, 1)->weight, likely(1000, 1, 3));
	pack_free(p);
}

static const struct file disks[N_FILES] = {
	[A] = { "/a", 1, 5, STORAGE_ROTATIONAL, { 0 } },
	[B] = { "/b", 2, 5, STORAGE_NETWORK, { 0 } },
	[LIBC] = { "/libc", 3, 5, STORAGE_ROTATIONAL, { 0 } },
};

struct places {
	uint64_t device_a, device_libc;
	bool has_a;
	unsigned n_asked;
};

/* /a in one piece at 1 MiB; /libc: pages 0-3 at 2 MiB, 4-7 at 0, then a hole. */
static int locate(const char *path, const struct identity *identity, uint64_t *ret_device,
		  struct fiemap_runs *ret, void *userdata)
{
	static const struct fiemap_run a[] = { { 0, 1 << 20, 40960 } };
	static const struct fiemap_run libc[] = { { 0, 2 << 20, 16384 },
						  { 16384, 0, 16384 } };
	struct places *p = userdata;
	bool is_a = strcmp(path, "/a") == 0;

	p->n_asked++;
	if (strcmp(path, "/b") == 0) /* somewhere */
		return 0;
	assert_true(is_a || strcmp(path, "/libc") == 0);
	assert_int_equal(identity->ino, is_a ? 1 : 3);
	if (is_a && !p->has_a)
		return 0;
	*ret_device = is_a ? p->device_a : p->device_libc;
	ret->n = is_a ? 1 : 2;
	ret->items = calloc(ret->n, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	memcpy(ret->items, is_a ? a : libc, ret->n * sizeof(*ret->items));
	return 0;
}

static void test_rotating_disks_are_swept(void **state)
{
	static const struct spec specs[] = {
		{ "x",
		  "/x",
		  NULL,
		  9,
		  { { LIBC, 2, 7, 0 }, { B, 0, 2, 1 }, { A, 1, 2, 2 } } },
		{ "y", "/y", NULL, 1, { { A, 0, 1, 0 }, { B, 9, 1, 0 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, disks, N_FILES, specs, 2);
	struct places places = { .device_a = 9, .device_libc = 9, .has_a = true };
	struct packed k = packed(p, locate, &places);

	(void)state;
	/* Others by rank; then by place, split where the file is; then what has none. */
	assert_string_equal(extents_of(&k),
			    "b:0-1@0 b:9-9@1 "
			    "libc:4-7@0 a:0-0@1 a:1-2@0 libc:2-3@0 libc:8-8@0");
	assert_int_equal(places.n_asked, 2); /* each file once */
	free(k.data);
	/* Two disks: one after the other; numbers of devices are no order. */
	for (uint64_t d = 1; d < 20; d += 11) {
		places = (struct places){ .device_a = d, .device_libc = 10, .has_a = true };
		k = packed(p, locate, &places);
		assert_string_equal(extents_of(&k),
				    "b:0-1@0 b:9-9@1 "
				    "a:0-0@1 a:1-2@0 libc:4-7@0 libc:2-3@0 libc:8-8@0");
		free(k.data);
	}
	places = (struct places){ .device_libc = 9 };
	k = packed(p, locate, &places);
	assert_string_equal(extents_of(&k),
			    "b:0-1@0 b:9-9@1 "
			    "libc:4-7@0 libc:2-3@0 libc:8-8@0 a:1-2@0 a:0-0@1");
	free(k.data);
	k = packed(p, NULL, NULL);
	assert_string_equal(extents_of(&k), "b:0-1@0 b:9-9@1 libc:2-8@0 a:1-2@0 a:0-0@1");
	free(k.data);
}

/* Launches that follow each other are one sweep, until it takes a second. */
static void test_sweeps_of_sessions(void **state)
{
	static struct launch_count items[] = {
		LAUNCHED("/1st", 1000),
		LAUNCHED("/2nd", 19000),
		LAUNCHED("/3rd", 20000),
	};
	static const struct launch_counts one_boot = { .items = items,
						       .n = ARRAY_SIZE(items),
						       .n_watched = 1 };
	static struct spec specs[] = {
		{ "1", "/2nd", NULL, 1, { { A, 0, 1, 0 }, { LIBC, 5, 1, 0 } } },
		{ "2", "/1st", NULL, 1, { { A, 5, 1, 0 }, { LIBC, 0, 1, 0 } } },
		{ "3", "/3rd", NULL, 1, { { A, 2, 1, 0 }, { LIBC, 6, 1, 0 } } },
		{ "4", "/never", NULL, 99, { { A, 3, 1, 0 }, { LIBC, 4, 1, 0 } } },
		{ "5", "/x", SCENARIO_BOOT, 0, { { A, 6, 1, 0 }, { LIBC, 3, 1, 0 } } },
	};
	struct places places = { .device_a = 9, .device_libc = 9, .has_a = true };
	struct pack_options o = plenty;
	struct pack *p;
	struct packed k;

	(void)state;
	o.counts = &one_boot;
	p = chosen(&o, disks, N_FILES, specs, 5);
	k = packed(p, locate, &places);
	assert_string_equal(extents_of(&k), "a:6-6@0 libc:3-3@0 "
					    "libc:5-5@2 libc:6-6@3 a:0-0@2 a:2-2@3 "
					    "a:5-5@1 libc:0-0@1 libc:4-4@4 a:3-3@4");
	free(k.data);
	pack_free(p);
	/* The first one takes more than a second. */
	specs[1].uses[2] = (struct use){ B, 0, 1 << 15, 1 };
	assert_true(pack_reading_us(STORAGE_NETWORK, 1, 1 << 15) > 1000000);
	p = chosen(&o, disks, N_FILES, specs, 5);
	k = packed(p, locate, &places);
	assert_string_equal(extents_of(&k),
			    "a:6-6@0 libc:3-3@0 b:0-32767@1 a:5-5@1 libc:0-0@1 "
			    "libc:5-5@2 libc:6-6@3 a:0-0@2 a:2-2@3 "
			    "libc:4-4@4 a:3-3@4");
	free(k.data);
	pack_free(p);
}

/* What the boot itself needs is read before the rest, from each kind of disk. */
static void test_the_boot_is_read_first(void **state)
{
	static const struct spec specs[] = {
		{ "x", "/x", NULL, 9, { { LIBC, 4, 2, 0 }, { B, 0, 2, 1 } } },
		{ "y",
		  "/y",
		  SCENARIO_BOOT,
		  0,
		  { { LIBC, 2, 2, 0 }, { A, 1, 2, 2 }, { B, 1, 3, 3 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, disks, N_FILES, specs, 2);
	struct places places = { .device_a = 9, .device_libc = 9, .has_a = true };
	struct packed k = packed(p, locate, &places);

	(void)state;
	assert_string_equal(extents_of(&k),
			    "b:1-3@0 a:1-2@0 libc:2-3@0 b:0-0@1 libc:4-5@1");
	assert_int_equal(k.s.n_eager, 3);
	free(k.data);
}

/* What the boot needs of other disks: of each MiB in the order of places, the rest as it was. */
static void test_small_files_of_the_boot_lie_side_by_side(void **state)
{
	static const struct spec specs[] = {
		{ "x",
		  "/x",
		  NULL,
		  9,
		  { { A, 8, 1, 0 }, { LIBC, 9, 1, 1 }, { A, 0, 1, 2 } } },
		{ "y",
		  "/y",
		  SCENARIO_BOOT,
		  0,
		  { { LIBC, 2, 6, 0 },
		    { B, 0, 248, 1 },
		    { A, 1, 2, 2 },
		    { LIBC, 0, 1, 3 },
		    { A, 5, 1, 4 } } },
	};
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, files, N_FILES, specs, 2);
	struct places places = { .device_a = 9, .device_libc = 9, .has_a = true };
	struct packed k = packed(p, locate, &places);

	(void)state;
	assert_string_equal(extents_of(&k),
			    "libc:4-7@0 a:1-2@0 libc:2-3@0 b:0-247@0 "
			    "a:5-5@0 libc:0-0@0 a:8-8@1 libc:9-9@1 a:0-0@1");
	free(k.data);
}

static int cannot_locate(const char *path, const struct identity *identity,
			 uint64_t *ret_device, struct fiemap_runs *ret, void *userdata)
{
	(void)path, (void)identity, (void)ret_device, (void)ret, (void)userdata;
	return -ENOMEM;
}

static void test_errors_of_locate(void **state)
{
	static const struct spec specs[] = { { "x", "/x", NULL, 9, { { A, 1, 2, 2 } } } };
	_cleanup_(pack_freep) struct pack *p = chosen(&plenty, disks, N_FILES, specs, 1);
	uint8_t *data;
	size_t bytes;

	(void)state;
	assert_int_equal(pack_write(p, cannot_locate, NULL, &data, &bytes), -ENOMEM);
}

static void test_nothing_chosen_is_no_pack(void **state)
{
	static const struct spec specs[] = { { "x", "/x", NULL, 9, { { A, 1, 2, 2 } } } };
	const struct pack_options none = { 0 };
	struct pack *p = chosen(&none, files, N_FILES, specs, 1);
	uint8_t *data;
	size_t bytes;

	(void)state;
	assert_int_equal(pack_write(p, NULL, NULL, &data, &bytes), 0);
	assert_null(data);
	pack_free(p);
	p = chosen(&plenty, files, N_FILES, specs, 0);
	assert_int_equal(pack_write(p, NULL, NULL, &data, &bytes), 0);
	assert_null(data);
	pack_free(p);
}

/* ---- the bundle ---- */

/* "NAME=PATH:0-3@0,… …": launches with their extents, and when they are touched. */
static const char *bundled(const struct pack *p)
{
	static char text[1024];
	char *end = text;
	struct shadow s;
	uint8_t *data;
	size_t bytes;

	text[0] = 0;
	assert_int_equal(pack_write_bundle(p, &data, &bytes), 0);
	if (!data)
		return "none";
	assert_int_equal(shadow_parse_kind(data, bytes, SHADOW_KIND_BUNDLE, &s), 0);
	for (uint32_t i = 0; i < s.n_launches; i++) {
		const struct shadow_launch *l = &s.launches[i];

		end += sprintf(end, "%s%s", i ? " " : "", shadow_string(&s, l->name));
		for (uint32_t k = 0; k < le32_get(l->n_extents); k++) {
			const struct shadow_extent *e =
				&s.extents[le32_get(l->first_extent) + k];
			const struct shadow_object *o = &s.objects[le32_get(e->object)];

			end += sprintf(end, "%s%s:%u+%u@%u", k ? "," : "=",
				       shadow_string(&s, o->path) + 1,
				       le32_get(e->first_pgno), le32_get(e->n_pages),
				       le32_get(e->when));
		}
	}
	free(data);
	return text;
}

/* Each with all its pages in order of first touch, also those that another one has. */
static void test_bundle_has_each_launch_whole(void **state)
{
	static const struct spec specs[] = {
		{ "x",
		  "/x",
		  NULL,
		  1,
		  { { LIBC, 0, 9, 5 }, { A, 0, 2, 9 }, { B, 4, 2, 3 } } },
		{ "y", "/w", NULL, 90, { { LIBC, 3, 2, 7 }, { A, 6, 1, 2 } } },
	};
	const struct pack_options none = { 0 };
	struct pack *p = chosen(&plenty, files, N_FILES, specs, 2);

	(void)state;
	assert_string_equal(bundled(p),
			    "y=a:6+1@2,libc:3+2@7 x=b:4+2@3,libc:0+9@5,a:0+2@9");
	pack_free(p);
	p = chosen(&none, files, N_FILES, specs, 2); /* whatever the boot reads */
	assert_string_equal(bundled(p),
			    "y=a:6+1@2,libc:3+2@7 x=b:4+2@3,libc:0+9@5,a:0+2@9");
	pack_free(p);
	p = chosen(&plenty, files, N_FILES, specs, 0);
	assert_string_equal(bundled(p), "none");
	pack_free(p);
}

static void add_places(struct pack *p, const struct extent_desc *e, uint32_t n,
		       uint8_t uuid)
{
	const struct object_desc o[2] = {
		{ .path = "/",
		  .buildid = { SHADOW_UUID_BYTES, { uuid } },
		  .wanted_bytes = 1 << 20,
		  .state = OBJECT_VALID,
		  .identity.size_bytes = 1 << 20 },
		{ .path = "/usr",
		  .buildid = { SHADOW_UUID_BYTES, { 9 } },
		  .wanted_bytes = 1 << 20,
		  .state = OBJECT_VALID,
		  .identity.size_bytes = 1 << 20 },
	};
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow s;
	size_t bytes;

	assert_int_equal(shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_PLACES,
							     .objects = o,
							     .n_objects = 2,
							     .extents = e,
							     .n_extents = n },
				      &data, &bytes),
			 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(pack_add_places(p, &s), 0);
}

/* Each launch's own, before its pages; a file system that another one replaced has none. */
static void test_bundle_has_places(void **state)
{
	static const struct spec specs[] = {
		{ "x", "/x", NULL, 1, { { A, 0, 2, 0 } } },
		{ "y", "/y", NULL, 1, { { A, 0, 2, 5 } } },
		{ "z", "/z", NULL, 1, { { B, 0, 2, 0 } } },
	};
	static const struct extent_desc e[] = { { 0, 7, 2, 1 }, { 1, 3, 1, 1 } };
	_cleanup_(shadow_buffer_done) struct shadow_buffer bundle = { 0 }, taken = { 0 };
	struct pack *p = pack_new(&plenty);
	struct shadow_lookups names;
	uint8_t *data;
	size_t bytes;

	(void)state;
	add_spec(p, files, N_FILES, &specs[0]);
	add_places(p, e, 2, 1);
	add_spec(p, files, N_FILES, &specs[1]);
	add_spec(p, files, N_FILES, &specs[2]);
	add_places(p, e, 2, 2);
	assert_int_equal(pack_choose(p), 0);
	assert_string_equal(bundled(p),
			    "x=:7+2@0,a:0+2@0,usr:3+1@0 y=a:0+2@5 z=b:0+2@0,usr:3+1@0");
	assert_int_equal(pack_write_bundle(p, &data, &bytes), 0);
	assert_int_equal(shadow_buffer_parse(data, bytes, SHADOW_KIND_BUNDLE, &bundle), 0);
	assert_int_equal(bundle_take(&bundle.shadow, 0, &taken), 0);
	assert_int_equal(taken.shadow.n_objects, 1);
	assert_int_equal(taken.shadow.n_extents, 1);
	assert_int_equal(taken.places.n_objects, 2);
	assert_int_equal(taken.places.n_extents, 2);
	assert_string_equal(shadow_string(&taken.places, taken.places.objects[1].path),
			    "/usr");
	assert_int_equal(taken.places.objects[0].buildid[0], 1);
	assert_int_equal(le32_get(taken.places.extents[0].first_pgno), 7);
	assert_int_equal(taken.shadow.n_lookups, 0);
	shadow_buffer_done(&taken);
	assert_int_equal(bundle_take(&bundle.shadow, 1, &taken), 0);
	assert_int_equal(taken.places.n_extents, 0);
	/* Without places, what is looked up. */
	names = shadow_lookups(&taken.shadow);
	assert_string_equal(shadow_lookups_next(&names), "y");
	assert_string_equal(names.dir, "/looked/up");
	assert_null(shadow_lookups_next(&names));
	pack_free(p);
}

static void test_bundle_leaves_out(void **state)
{
	static const struct spec specs[] = {
		{ "1", "/usr/bin/a", NULL, 9, { { A, 0, 1, 0 } } },
		{ "g1", "/git", "clone", 8, { { A, 0, 1, 0 } } },
		{ "g2", "/git", "default", 8, { { A, 1, 1, 0 } } },
		{ "h1", "/hg", "clone", 8, { { B, 0, 1, 0 } } },
		{ "h2", "/hg", "status", 8, { { B, 20, 1, 0 } } },
		{ "i1", "/i", "default", 8, { { 0 } } },
		{ "s", "/systemd", SCENARIO_BOOT, 8, { { LIBC, 9, 1, 0 } } },
	};
	const struct name_list never = { (char **)(uintptr_t)never_names, 1, 1 };
	struct pack_options o = plenty;
	struct pack *p;

	(void)state;
	o.never = &never;
	p = chosen(&o, files, N_FILES, specs, 7);
	assert_string_equal(bundled(p), "g2=a:1+1@0 h1=b:0+1@0 h2=b:20+1@0");
	pack_free(p);
}

/* Where there is no room for all, those that are worth most; each is there whole, or not. */
static void test_bundle_of_limited_size(void **state)
{
	enum { LAUNCHES = LIMIT_BUNDLE_BYTES / (MAX_ITEMS * 20) + 100 };
	struct use uses[MAX_ITEMS];
	struct pack *p = pack_new(&plenty);
	char last[32];
	struct shadow s;
	uint32_t first;
	uint8_t *data;
	size_t bytes;

	(void)state;
	for (unsigned i = 0; i < MAX_ITEMS; i++)
		uses[i] = (struct use){ A, 2 * i, 1, 0 };
	for (unsigned i = 0; i < LAUNCHES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "/p%05u", i);
		add_uses(p, name + 1, name, "default", i % 2, files, N_FILES, uses,
			 MAX_ITEMS);
	}
	assert_int_equal(pack_choose(p), 0);
	assert_int_equal(pack_write_bundle(p, &data, &bytes), 0);
	assert_uint_in_range(bytes, LIMIT_BUNDLE_BYTES - 2000, LIMIT_BUNDLE_BYTES);
	assert_int_equal(shadow_parse_kind(data, bytes, SHADOW_KIND_BUNDLE, &s), 0);
	assert_true(s.n_launches < LAUNCHES);
	for (uint32_t i = 0; i < s.n_launches; i++)
		assert_int_equal(le32_get(s.launches[i].n_extents), MAX_ITEMS);
	/* The last one, which was launched, but not the last one that never was. */
	snprintf(last, sizeof(last), "/p%05u", LAUNCHES / 2 * 2 - 1);
	assert_int_equal(bundle_find(&s, last, &first), 1);
	snprintf(last, sizeof(last), "/p%05u", LAUNCHES / 2 * 2 - 2);
	assert_int_equal(bundle_find(&s, last, &first), 0);
	free(data);
	pack_free(p);
}

/* ---- against the definition, page by page ---- */

enum { R_LAUNCHES = 7, R_FILES = 4, R_PAGES = 40, R_SECONDS = 6, R_ROUNDS = 3000 };

struct random_case {
	bool needs[R_LAUNCHES][R_FILES][R_PAGES];
	unsigned count[R_LAUNCHES];
	unsigned first_s[R_LAUNCHES]; /* in the only boot; 0: not launched */
	unsigned n_new[R_LAUNCHES];
	int order[R_LAUNCHES];
	unsigned n_taken;
	int brought[R_FILES][R_PAGES]; /* rank or -1 */
};

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static unsigned count_missing(const struct random_case *c, int l, bool all)
{
	unsigned n = 0;

	for (int f = 0; f < R_FILES; f++)
		for (int g = 0; g < R_PAGES; g++)
			n += c->needs[l][f][g] && (all || c->brought[f][g] < 0);
	return n;
}

static uint64_t saving_of(const struct random_case *c, int l)
{
	uint64_t us = 0;

	for (int f = 0; f < R_FILES; f++) {
		uint64_t ahead = 0, faults = 0, pages = 0;

		for (int g = 0; g < R_PAGES; g++)
			if (c->needs[l][f][g]) {
				faults += (uint64_t)g >= ahead;
				ahead = (uint64_t)g >= ahead ? (uint64_t)g + 8 : ahead;
				pages++;
			}
		us += pages ? pack_saving_us(STORAGE_FLASH, 1 + faults, pages) : 0;
	}
	return us;
}

/* Of each of N pages that are missing: 1/1024 us, as likely as they are saved. */
static uint64_t worth_of(const struct random_case *c, int l, unsigned n)
{
	bool launched = c->first_s[l] > 0;

	return n ? saving_of(c, l) * 1024 / n * likely(c->count[l], launched, launched)
		 : UINT64_MAX;
}

/* All that launch RANK is missing. */
static unsigned bring(struct random_case *c, unsigned rank)
{
	int l = c->order[rank];
	unsigned n = c->n_new[l] = count_missing(c, l, false);

	for (int f = 0; f < R_FILES; f++)
		for (int g = 0; g < R_PAGES; g++)
			if (c->needs[l][f][g] && c->brought[f][g] < 0)
				c->brought[f][g] = (int)rank;
	return n;
}

/*
 * Of MAY, again and again over all launches, as pack.h says it. TIMED: in the order of reading,
 * over the square of seconds, and those without a time last.
 */
static void take_slowly(struct random_case *c, const bool *may, unsigned budget, bool timed)
{
	bool taken[R_LAUNCHES] = { 0 };

	memset(c->brought, 0xff, sizeof(c->brought));
	for (c->n_taken = 0;; c->n_taken++) {
		uint64_t best_worth = 0;
		int best = -1;

		for (int l = 0; l < R_LAUNCHES; l++) {
			unsigned n = count_missing(c, l, false), s = c->first_s[l];
			uint64_t worth = worth_of(c, l, n) / (timed && n && s ? s * s : 1);
			bool late = timed && best >= 0 && s == 0 && c->first_s[best] > 0;
			bool soon = timed && best >= 0 && s > 0 && c->first_s[best] == 0;

			if (taken[l] || !may[l] || count_missing(c, l, true) == 0 ||
			    n > budget || late || (!soon && worth <= best_worth))
				continue;
			best = l;
			best_worth = worth;
		}
		if (best < 0)
			return;
		taken[best] = true;
		c->order[c->n_taken] = best;
		budget -= bring(c, c->n_taken);
	}
}

static void choose_slowly(struct random_case *c, unsigned budget)
{
	bool all[R_LAUNCHES], chosen_ones[R_LAUNCHES] = { 0 };

	memset(all, true, sizeof(all));
	take_slowly(c, all, budget, false);
	for (unsigned i = 0; i < c->n_taken; i++)
		chosen_ones[c->order[i]] = true;
	take_slowly(c, chosen_ones, UINT_MAX, true);
}

static void make_case(struct random_case *c)
{
	memset(c, 0, sizeof(*c));
	for (int l = 0; l < R_LAUNCHES; l++) {
		c->count[l] = random_below(20);
		c->first_s[l] = random_below(R_SECONDS);
		for (unsigned i = random_below(6); i > 0; i--) {
			uint32_t f = random_below(R_FILES), g = random_below(R_PAGES);

			for (uint32_t n = random_below(12); n > 0 && g < R_PAGES; n--)
				c->needs[l][f][g++] = true;
		}
	}
}

static void add_case(const struct random_case *c, struct pack *p, int l)
{
	static const struct file r_files[R_FILES] = {
		{ "/0", 1, 1, STORAGE_FLASH, { 0 } },
		{ "/1", 2, 1, STORAGE_FLASH, { 0 } },
		{ "/2", 3, 1, STORAGE_FLASH, { 0 } },
		{ "/3", 4, 1, STORAGE_FLASH, { 0 } }
	};
	char name[] = "0", program[] = "/p0";
	struct use uses[MAX_ITEMS];
	unsigned n = 0;

	for (unsigned f = 0; f < R_FILES; f++)
		for (unsigned g = 0; g < R_PAGES; g++) {
			if (!c->needs[l][f][g])
				continue;
			/* Now and then two extents that touch. */
			if (n > 0 && uses[n - 1].file == f &&
			    uses[n - 1].first + uses[n - 1].n == g && g % 13)
				uses[n - 1].n++;
			else
				uses[n++] = (struct use){ f, g, 1, (f * 7 + g) % 9 };
		}
	name[0] = program[2] = (char)('0' + l);
	add_uses(p, name, program, "default", c->count[l], r_files, R_FILES, uses, n);
}

static void assert_same_pages(const struct random_case *c, const struct packed *k)
{
	unsigned n = 0, n_want = 0;

	for (uint32_t i = 0; i < k->s.n_extents; i++) {
		const struct shadow_extent *e = &k->s.extents[i];
		const struct shadow_object *o = &k->s.objects[le32_get(e->object)];
		int f = shadow_string(&k->s, o->path)[1] - '0';

		assert_true(i == 0 || le32_get(e[-1].when) <= le32_get(e->when));
		for (uint32_t g = 0; g < le32_get(e->n_pages); g++, n++)
			assert_int_equal(c->brought[f][le32_get(e->first_pgno) + g],
					 le32_get(e->when));
	}
	for (int f = 0; f < R_FILES; f++)
		for (int g = 0; g < R_PAGES; g++)
			n_want += c->brought[f][g] >= 0;
	assert_int_equal(n, n_want);
}

static void test_against_the_definition(void **state)
{
	static char programs[R_LAUNCHES][16];
	static struct random_case c;
	struct launch_count items[R_LAUNCHES];
	const struct launch_counts counts = { .items = items,
					      .n = R_LAUNCHES,
					      .n_watched = 1 };

	(void)state;
	for (int l = 0; l < R_LAUNCHES; l++)
		snprintf(programs[l], sizeof(programs[l]), "/p%d", l);
	for (seed = 0; seed < R_ROUNDS; seed++) {
		uint32_t round = seed;
		unsigned budget = 0;
		struct pack_options o;
		struct pack *p;
		struct packed k;

		make_case(&c);
		budget = random_below(3) ? random_below(150) : 10000;
		for (int l = 0; l < R_LAUNCHES; l++)
			items[l] = (struct launch_count){
				.program = programs[l], .first_ms = { c.first_s[l] * 1000 }
			};
		o = (struct pack_options){ .budget_bytes = budget * PAGE_BYTES,
					   .counts = &counts };
		choose_slowly(&c, budget);
		p = pack_new(&o);
		for (int l = 0; l < R_LAUNCHES; l++) /* in any order */
			add_case(&c, p, (int)((unsigned)l * 3 + round) % R_LAUNCHES);
		assert_int_equal(pack_choose(p), 0);
		for (unsigned i = 0; i < R_LAUNCHES; i++) {
			const struct pack_choice *choice = pack_get(p, i);

			assert_int_equal(choice->verdict == PACK_TAKEN, i < c.n_taken);
			if (i >= c.n_taken)
				continue;
			if (choice->name[0] - '0' != c.order[i])
				fail_msg("round %u, rank %u: %s, not %d", round, i,
					 choice->name, c.order[i]);
			assert_int_equal(choice->n_new_pages, c.n_new[c.order[i]]);
		}
		if (c.n_taken > 0) {
			k = packed(p, NULL, NULL);
			assert_same_pages(&c, &k);
			free(k.data);
		}
		pack_free(p);
		seed = round;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_of_a_cold_launch),
		cmocka_unit_test(test_saving),
		cmocka_unit_test(test_by_saving_per_byte),
		cmocka_unit_test(test_shared_pages_are_paid_once),
		cmocka_unit_test(test_nothing_new_is_free),
		cmocka_unit_test(test_budget_of_bytes),
		cmocka_unit_test(test_over_budget_but_shared),
		cmocka_unit_test(test_budget_of_time),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_always_and_never),
		cmocka_unit_test(test_boot_comes_first),
		cmocka_unit_test(test_programs_that_the_boot_starts),
		cmocka_unit_test(test_one_of_several_boots),
		cmocka_unit_test(test_without_counts_by_name),
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_objects_in_two_states),
		cmocka_unit_test(test_build_id_of_any),
		cmocka_unit_test(test_order_by_rank_then_first_touch),
		cmocka_unit_test(test_order_of_sessions),
		cmocka_unit_test(test_likelihood_decides),
		cmocka_unit_test(test_rotating_disks_are_swept),
		cmocka_unit_test(test_sweeps_of_sessions),
		cmocka_unit_test(test_the_boot_is_read_first),
		cmocka_unit_test(test_small_files_of_the_boot_lie_side_by_side),
		cmocka_unit_test(test_errors_of_locate),
		cmocka_unit_test(test_nothing_chosen_is_no_pack),
		cmocka_unit_test(test_bundle_has_each_launch_whole),
		cmocka_unit_test(test_bundle_has_places),
		cmocka_unit_test(test_bundle_leaves_out),
		cmocka_unit_test(test_bundle_of_limited_size),
		cmocka_unit_test(test_against_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
