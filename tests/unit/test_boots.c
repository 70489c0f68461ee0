/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "boot-report.h"
#include "boots.h"
#include "clock.h"
#include "launch-counts.h"
#include "macro.h"
#include "shadow-read.h"
#include "shadow-write.h"

#define KEY   UINT64_C(0x0123456789abcdef)
#define OTHER (~KEY)

static const char text[] =
	"elfcast-boots 1\n"
	"6f1c2d3e-0000-4000-8000-0123456789ab 1767300000 eager - 0123456789abcdef 3120 "
	"51380224 1100 104857600 9000 37 6.18.44\n"
	"6f1c2d3e-0000-4000-8000-0123456789b0 1767310000 control off 0123456789abcdef 4510 "
	"0 0 "
	"104857600 11000 - 6.18.44-1-amd64+deb13~1\n"
	"end 2\n";

static void set_id(struct boot_line *l, unsigned n, char last)
{
	snprintf(l->boot_id, sizeof(l->boot_id), "%08x-0000-4000-8000-00000000000%c", n,
		 last);
}

static void add(struct boots *b, enum boot_plan plan, uint64_t key)
{
	static unsigned n;
	struct boot_line l = { .plan = plan, .key = key, .target_ms = 1000, .kernel = "k" };

	set_id(&l, ++n, '1');
	boots_add(b, &l);
}

/* Of a boot that is no control by its ID. */
static enum boot_plan plan(const struct boots *b, uint64_t key, enum boot_wish wish)
{
	return boots_plan(b, "ffffffff-0000-4000-8000-000000000001", key, wish);
}

static void test_first_boots_gain(void **state)
{
	static struct boots b;

	(void)state;
	b.n = 0;
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
	assert_int_equal(
		boots_plan(&b, "ffffffff-0000-4000-8000-000000000000", KEY, BOOT_WISH_AUTO),
		BOOT_PLAN_EAGER);
	assert_int_equal(plan(&b, 0, BOOT_WISH_AUTO), BOOT_PLAN_NONE);
	add(&b, BOOT_PLAN_NONE, 0);
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
}

static void test_one_of_sixteen(void **state)
{
	static struct boots b;
	char id[] = "ffffffff-0000-4000-8000-00000000000x";
	unsigned n_controls = 0;

	(void)state;
	b.n = 0;
	add(&b, BOOT_PLAN_EAGER, KEY);
	for (const char *digit = "0123456789abcdef"; *digit; digit++) {
		id[BOOT_ID_BYTES - 1] = *digit;
		n_controls += boots_plan(&b, id, KEY, BOOT_WISH_AUTO) == BOOT_PLAN_CONTROL;
		/* The setting goes before. */
		assert_int_equal(boots_plan(&b, id, KEY, BOOT_WISH_YES), BOOT_PLAN_EAGER);
		assert_int_equal(boots_plan(&b, id, KEY, BOOT_WISH_NO), BOOT_PLAN_NO);
	}
	assert_int_equal(n_controls, 1);
}

static void test_another_eager_part(void **state)
{
	static struct boots b;

	(void)state;
	b.n = 0;
	add(&b, BOOT_PLAN_EAGER, KEY);
	assert_int_equal(plan(&b, KEY ^ 0xfff, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
	assert_int_equal(plan(&b, KEY ^ 0x1fff, BOOT_WISH_AUTO), BOOT_PLAN_CONTROL);
	assert_int_equal(plan(&b, OTHER, BOOT_WISH_AUTO), BOOT_PLAN_CONTROL);
	/* Not again and again where all changes all the time. */
	add(&b, BOOT_PLAN_CONTROL, OTHER);
	for (unsigned i = 1; i < 8; i++) {
		uint64_t key = i % 2 ? KEY : OTHER;

		assert_int_equal(plan(&b, key, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
		add(&b, BOOT_PLAN_EAGER, key);
	}
	add(&b, BOOT_PLAN_NO, OTHER); /* says nothing of what is the usual one */
	assert_int_equal(plan(&b, OTHER, BOOT_WISH_AUTO), BOOT_PLAN_CONTROL);
}

static void test_the_same_all_boot_long(void **state)
{
	static struct boots b;
	struct boot_line l = { .plan = BOOT_PLAN_CONTROL, .key = OTHER, .kernel = "k" };

	(void)state;
	b.n = 0;
	add(&b, BOOT_PLAN_EAGER, KEY);
	set_id(&l, 0xfffff, '1');
	assert_int_equal(boots_plan(&b, l.boot_id, OTHER, BOOT_WISH_AUTO),
			 BOOT_PLAN_CONTROL);
	boots_add(&b, &l);
	assert_int_equal(boots_plan(&b, l.boot_id, OTHER, BOOT_WISH_AUTO),
			 BOOT_PLAN_CONTROL);
	l.turned_off = true;
	boots_add(&b, &l);
	assert_int_equal(b.n, 2);
	assert_int_equal(boots_plan(&b, l.boot_id, OTHER, BOOT_WISH_AUTO),
			 BOOT_PLAN_CONTROL);
}

static void test_unused_twice(void **state)
{
	static struct boots b;

	(void)state;
	b.n = 0;
	assert_false(boots_are_unused(&b));
	add(&b, BOOT_PLAN_UNUSED, KEY);
	assert_false(boots_are_unused(&b));
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
	add(&b, BOOT_PLAN_CONTROL, KEY); /* tells nothing */
	assert_false(boots_are_unused(&b));
	add(&b, BOOT_PLAN_UNUSED, KEY);
	assert_true(boots_are_unused(&b));
	b.items[b.n - 1].turned_off = true;
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
	add(&b, BOOT_PLAN_OFF, KEY);
	assert_false(boots_are_unused(&b));
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
	/* Once, then used: chance. Twice, but of two packs: neither. */
	b.n = 0;
	add(&b, BOOT_PLAN_UNUSED, KEY);
	add(&b, BOOT_PLAN_EAGER, KEY);
	add(&b, BOOT_PLAN_UNUSED, KEY);
	assert_false(boots_are_unused(&b));
	add(&b, BOOT_PLAN_UNUSED, OTHER);
	assert_false(boots_are_unused(&b));
}

static void test_off_until_it_is_another(void **state)
{
	static struct boots b;

	(void)state;
	b.n = 0;
	add(&b, BOOT_PLAN_EAGER, KEY);
	add(&b, BOOT_PLAN_CONTROL, KEY);
	assert_int_equal(boots_first_counting(&b), 0);
	b.items[1].turned_off = true;
	assert_int_equal(boots_first_counting(&b), 2);
	assert_int_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
	assert_int_equal(
		boots_plan(&b, "ffffffff-0000-4000-8000-000000000000", KEY, BOOT_WISH_AUTO),
		BOOT_PLAN_OFF);
	assert_int_equal(plan(&b, KEY, BOOT_WISH_YES), BOOT_PLAN_EAGER);
	/* It stays off while it changes by and by, but not for ever. */
	add(&b, BOOT_PLAN_OFF, KEY ^ 0xff);
	add(&b, BOOT_PLAN_NO, KEY ^ 0xff);
	assert_int_equal(plan(&b, KEY ^ 0xfff, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
	add(&b, BOOT_PLAN_OFF, KEY ^ 0xfff);
	assert_int_not_equal(plan(&b, KEY ^ 0xfffff, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
	/* Tried again, what it was before does not matter any more. */
	add(&b, BOOT_PLAN_EAGER, OTHER);
	assert_int_equal(plan(&b, OTHER, BOOT_WISH_AUTO), BOOT_PLAN_EAGER);
	assert_int_not_equal(plan(&b, KEY, BOOT_WISH_AUTO), BOOT_PLAN_OFF);
}

static void test_the_oldest_makes_room(void **state)
{
	static struct boots b;
	struct boot_line l = { .kernel = "k" };

	(void)state;
	b.n = 0;
	for (unsigned i = 0; i < LIMIT_BOOTS + 3; i++) {
		set_id(&l, i, '1');
		boots_add(&b, &l);
	}
	assert_int_equal(b.n, LIMIT_BOOTS);
	assert_true(strncmp(b.items[0].boot_id, "00000003", 8) == 0);
	assert_string_equal(b.items[LIMIT_BOOTS - 1].boot_id, l.boot_id);
	l.target_ms = 5;
	boots_add(&b, &l);
	assert_int_equal(b.n, LIMIT_BOOTS);
	assert_int_equal(boots_find(&b, l.boot_id)->target_ms, 5);
	assert_null(boots_find(&b, "00000001-0000-4000-8000-000000000001"));
}

/* ---- the text ---- */

static void assert_same_text(const struct boots *b, const char *want)
{
	_cleanup_free_ char *got = NULL;
	size_t bytes;

	assert_int_equal(boots_format(b, &got, &bytes), 0);
	assert_int_equal(bytes, strlen(want));
	assert_memory_equal(got, want, bytes);
}

static void test_text(void **state)
{
	static struct boots b;

	(void)state;
	assert_int_equal(boots_parse(text, strlen(text), &b), 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.items[0].time_s, 1767300000);
	assert_int_equal(b.items[0].plan, BOOT_PLAN_EAGER);
	assert_false(b.items[0].turned_off);
	assert_true(b.items[0].key == KEY);
	assert_int_equal(b.items[0].target_ms, 3120);
	assert_int_equal(b.items[0].eager_bytes, 51380224);
	assert_int_equal(b.items[0].eager_ms, 1100);
	assert_int_equal(b.items[0].rest_bytes, 104857600);
	assert_int_equal(b.items[0].rest_ms, 9000);
	assert_int_equal(b.items[0].used_percent, 37);
	assert_string_equal(b.items[0].kernel, "6.18.44");
	assert_int_equal(b.items[1].plan, BOOT_PLAN_CONTROL);
	assert_true(b.items[1].turned_off);
	assert_int_equal(b.items[1].used_percent, BOOT_USED_UNKNOWN);
	assert_same_text(&b, text);
	b.n = 0;
	assert_same_text(&b, "elfcast-boots 1\nend 0\n");
}

static int parse_changed(const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char changed[2 * sizeof(text)];
	static struct boots b;
	int r;

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		 at + strlen(from));
	r = boots_parse(changed, strlen(changed), &b);
	assert_true(r == 0 || b.n == 0);
	return r;
}

static void test_damage(void **state)
{
	static const char *const changes[][2] = {
		{ "boots 1", "boot 1" },
		{ "6f1c", "6F1c" },
		{ "6f1c", "6f1" },
		{ "6789b0", "6789ab" }, /* one boot twice */
		{ " 1767300000", " 01767300000" },
		{ " 1767300000", " 1099511627776" },
		{ " 1767300000", " -1" },
		{ "eager", "eagle" },
		{ "eager -", "eager on" },
		{ "0123456789abcdef", "0123456789abcdeF" },
		{ "0123456789abcdef", "0123456789abcde" },
		{ "0123456789abcdef", "0123456789abcdef0" },
		{ " 3120", " 86400001" },
		{ " 3120", " 3.12" },
		{ " 51380224", " 1125899906842625" },
		{ " 1100", " 86400001" },
		{ " 104857600", " 99999999999999999999" },
		{ " 9000", " " },
		{ " 37", " 101" },
		{ " 6.18.44\n", " \n" },
		{ " 6.18.44\n", " 6.18 44\n" },
		{ " 6.18.44\n", " 6.18\033[2J\n" },
		{ " 6.18.44\n", " 6.18.\xc3\xa4\n" },
		{ " 6.18.44\n",
		  " 12345678901234567890123456789012345678901234567890123456789012345\n" },
		{ "end 2", "end 1" },
		{ "end 2\n", "end 2" },
		{ "end 2\n", "end 2\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (parse_changed(changes[i][0], changes[i][1]) != -EBADMSG)
			fail_msg("'%s' became '%s'", changes[i][0], changes[i][1]);
	assert_int_equal(parse_changed("boots 1", "boots 2"), -ESTALE);
	assert_int_equal(parse_changed(" 37", " 100"), 0);
	for (size_t n = 0; n < strlen(text); n++) {
		static struct boots b;

		assert_true(boots_parse(text, n, &b) < 0);
	}
}

static void test_too_many(void **state)
{
	static struct boots b;
	static char many[LIMIT_BOOTS_BYTES];
	size_t used = (size_t)snprintf(many, sizeof(many), "elfcast-boots 1\n");

	(void)state;
	for (unsigned i = 0; i <= LIMIT_BOOTS; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used,
					 "%08x-0000-4000-8000-000000000000 0 none - "
					 "0000000000000000 0 0 0 0 0 - k\n",
					 i);
	used += (size_t)snprintf(many + used, sizeof(many) - used, "end %u\n",
				 LIMIT_BOOTS + 1);
	assert_int_equal(boots_parse(many, used, &b), -E2BIG);
	assert_int_equal(b.n, 0);
}

/* The longest lines fit in what the file may hold. */
static void test_largest(void **state)
{
	_cleanup_free_ char *got = NULL;
	static struct boots b;
	struct boot_line l = { .time_s = LIMIT_TIME_S,
			       .plan = BOOT_PLAN_CONTROL,
			       .turned_off = true,
			       .target_ms = LIMIT_BOOT_MS,
			       .eager_bytes = LIMIT_BOOT_BYTES,
			       .eager_ms = LIMIT_BOOT_MS,
			       .rest_bytes = LIMIT_BOOT_BYTES,
			       .rest_ms = LIMIT_BOOT_MS,
			       .used_percent = 100 };
	size_t bytes;

	(void)state;
	b.n = 0;
	memset(l.kernel, 'k', LIMIT_KERNEL_BYTES);
	for (unsigned i = 0; i < LIMIT_BOOTS; i++) {
		set_id(&l, i, '1');
		boots_add(&b, &l);
	}
	assert_int_equal(boots_format(&b, &got, &bytes), 0);
	assert_true(bytes <= LIMIT_BOOTS_BYTES);
	assert_int_equal(boots_parse(got, bytes, &b), 0);
}

/* ---- the key ---- */

/* Of files FIRST to FIRST + N - 1, in that order or backwards. */
static uint64_t key_of(unsigned first, unsigned n, bool backwards)
{
	struct object_desc objects[64] = { 0 };
	struct extent_desc extents[64] = { 0 };
	struct launch_desc launch = { .program = "/a",
				      .scenario = "boot",
				      .arch = "x",
				      .name = "n",
				      .source = SHADOW_NONE,
				      .target = SHADOW_NONE };
	const struct shadow_desc desc = { .kind = SHADOW_KIND_PACK,
					  .launches = &launch,
					  .n_launches = 1,
					  .objects = objects,
					  .n_objects = n,
					  .extents = extents,
					  .n_extents = n,
					  .n_eager = n };
	_cleanup_free_ uint8_t *data = NULL;
	char paths[64][16];
	struct shadow s;
	size_t bytes;

	for (unsigned i = 0; i < n; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/file%03u", first + i);
		objects[i] = (struct object_desc){ .path = paths[i],
						   .state = OBJECT_VALID,
						   .wanted_bytes = 1 << 20,
						   .identity = { .ino = i + 1,
								 .size_bytes = 1 << 20 } };
		extents[i].object = backwards ? n - 1 - i : i;
		extents[i].n_pages = 8;
	}
	assert_int_equal(shadow_write(&desc, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	return boots_key(&s);
}

static void test_key(void **state)
{
	uint64_t all = key_of(0, 60, false);

	(void)state;
	assert_true(key_of(0, 0, false) == 0);
	assert_true(all != 0);
	assert_true(key_of(0, 60, true) == all);
	assert_false(boots_keys_differ(all, key_of(1, 60, false)));
	assert_true(boots_keys_differ(all, key_of(30, 60, false)));
	assert_true(boots_keys_differ(all, key_of(100, 60, false)));
}

/* For the boot 100 pages; for /a 10, /b 40, /c 50. */
static void make_pack(uint8_t **ret, size_t *ret_bytes)
{
	const struct launch_desc launches[] = {
		{ "/a", "default", "x", "a", SHADOW_NONE, SHADOW_NONE, 0, 0 },
		{ "/b", "default", "x", "b", SHADOW_NONE, SHADOW_NONE, 0, 0 },
		{ "/c", "default", "x", "c", SHADOW_NONE, SHADOW_NONE, 0, 0 },
	};
	const struct object_desc object = { .path = "/o",
					    .state = OBJECT_VALID,
					    .wanted_bytes = 1 << 20,
					    .identity = { .ino = 1,
							  .size_bytes = 1 << 20 } };
	const struct extent_desc extents[] = {
		{ 0, 0, 100, 1 }, { 0, 100, 10, 0 }, { 0, 110, 40, 1 }, { 0, 150, 50, 2 }
	};
	struct shadow_desc d = { SHADOW_KIND_PACK, launches, &object, extents, 3, 1, 4, 1 };

	assert_int_equal(shadow_write(&d, ret, ret_bytes), 0);
}

static void test_used(void **state)
{
	static const char counts[] = "elfcast-launches 2 2000 -\n"
				     "1.000000 900 0 /a\n1.000000 1000 0 /b\nend 2\n";
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow s;
	size_t bytes;

	(void)state;
	assert_int_equal(launch_counts_parse(counts, strlen(counts), &l), 0);
	make_pack(&data, &bytes);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(boots_used_percent(&s, &l, 950), 40);
	assert_int_equal(boots_used_percent(&s, &l, 900), 50);
	assert_int_equal(boots_used_percent(&s, &l, 1001), 0);
	s = shadow_slice(&s, 0, 1);
	s.n_eager = 1;
	assert_int_equal(boots_used_percent(&s, &l, 900), BOOT_USED_UNKNOWN);
}

/* Of a boot that has read the pack DATA, or one whose sum is OTHER more. */
static void put_report(const struct store *s, const uint8_t *data, size_t bytes,
		       uint64_t other)
{
	const struct shadow_header *h = (const void *)data;
	char report[256];
	bool written;

	assert_true(bytes > sizeof(*h));
	snprintf(report, sizeof(report),
		 "{ \"elfcast\": 1, \"outcome\": \"read\", \"launches\": 2, \"pack_sum\": "
		 "\"%016" PRIx64 "\" }",
		 le64_get(h->xxh3) + other);
	assert_int_equal(
		store_put(s, STORE_BOOT_REPORT, NULL, report, strlen(report), &written), 0);
}

/* With files. */
static void test_note_used(void **state)
{
	char dir[] = "/tmp/elfcast-test-boots-XXXXXX", command[64];
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_(store_done) struct store s = { 0 };
	struct boot_line line = { .used_percent = BOOT_USED_UNKNOWN, .kernel = "k" };
	_cleanup_free_ uint8_t *data = NULL;
	struct identity identity;
	static struct boots b;
	bool written;
	size_t bytes;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), "%s/run", dir);
	assert_int_equal(mkdir(command, 0755), 0);
	assert_int_equal(store_open(dir, false, &s), 0);
	assert_int_equal(boots_note_used(&s, &l), -ENOENT);
	b.n = 0;
	add(&b, BOOT_PLAN_EAGER, KEY);
	assert_int_equal(boots_save(&s, &b), 0);
	assert_int_equal(boots_note_used(&s, &l), -ENOENT); /* no pack */
	make_pack(&data, &bytes);
	assert_int_equal(store_put(&s, STORE_PACK, NULL, data, bytes, &written), 0);
	assert_int_equal(boots_note_used(&s, &l), -ENOENT); /* this boot is not in there */
	assert_int_equal(boots_read_id(line.boot_id), 0);
	boots_add(&b, &line);
	assert_int_equal(boots_save(&s, &b), 0);
	assert_int_equal(launch_counts_count(&l, "/b", clock_seconds(CLOCK_REALTIME)), 0);
	assert_int_equal(boots_note_used(&s, &l), -ENOENT); /* nobody has read it */
	put_report(&s, data, bytes, 1);
	assert_int_equal(boots_note_used(&s, &l), -ENOENT); /* nor this one */
	put_report(&s, data, bytes, 0);
	/* Whatever is there by then: it is the one that was read which was used. */
	boot_report_keep_pack(&s, data, bytes);
	assert_int_equal(store_stat(&s, STORE_PACK_READ, NULL, &identity), -ENOENT);
	boot_report_keep_pack(&s, NULL, 0);
	assert_int_equal(store_remove(&s, STORE_PACK, NULL, &written), 0);
	assert_int_equal(boots_note_used(&s, &l), 0);
	assert_int_equal(boots_load(&s, &b), 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(boots_find(&b, line.boot_id)->used_percent, 40);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_this_boot(void **state)
{
	char id[BOOT_ID_BYTES + 1], kernel[LIMIT_KERNEL_BYTES + 1];
	enum boot_plan p;

	(void)state;
	assert_int_equal(boots_read_id(id), 0);
	assert_int_equal(strspn(id, "0123456789abcdef-"), BOOT_ID_BYTES);
	boots_read_kernel(kernel);
	assert_true(strlen(kernel) > 0);
	for (unsigned i = 0; i < BOOT_PLANS; i++) {
		assert_true(boot_plan_from_name(boot_plan_name(i), &p));
		assert_int_equal(p, i);
	}
	assert_false(boot_plan_from_name("eag", &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_boots_gain),
		cmocka_unit_test(test_one_of_sixteen),
		cmocka_unit_test(test_another_eager_part),
		cmocka_unit_test(test_the_same_all_boot_long),
		cmocka_unit_test(test_unused_twice),
		cmocka_unit_test(test_off_until_it_is_another),
		cmocka_unit_test(test_the_oldest_makes_room),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_note_used),
		cmocka_unit_test(test_this_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
