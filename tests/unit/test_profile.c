/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "profile.h"

#define HEAD                                                                               \
	"{\"elfcast\":1,\"program\":\"/bin/p\",\"arch\":\"x86_64\",\"trained\":{\"runs\":" \
	"4,\"window_ms\":100,\"method\":\"uffd\",\"kernel\":\"6.1\"},"

/* ---- reading and writing ---- */

static struct profile *parse(const char *text)
{
	struct profile *p = NULL;
	struct diag diag = { 0 };

	if (profile_parse(text, strlen(text), &p, &diag) != 0)
		fail_msg("%u:%u: %s in %s", diag.line, diag.column, diag.message, text);
	return p;
}

static char *write_text(const struct profile *p)
{
	char *text = NULL;
	size_t bytes = 0;

	assert_int_equal(profile_write(p, &text, &bytes), 0);
	assert_int_equal(strlen(text), bytes);
	return text;
}

static void test_parse(void **state)
{
	_cleanup_(profile_freep) struct profile *p = parse(
		HEAD "\"objects\":[{\"path\":\"/b\",\"size\":40960,\"build_id\":\"00ff\","
		     "\"pages\":[[0,1,4,2],[1,2,4,2],[3,1,4,3],[5,1,4,3]]},"
		     "{\"path\":\"/a\",\"size\":1,\"digest\":\"x:00\",\"pages\":[]}]}");
	const struct profile_object *b = &p->objects[1];

	(void)state;
	assert_string_equal(p->program, "/bin/p");
	assert_string_equal(p->scenario, "default");
	assert_string_equal(p->arch, "x86_64");
	assert_string_equal(p->method, "uffd");
	assert_string_equal(p->kernel, "6.1");
	assert_int_equal(p->n_runs, 4);
	assert_int_equal(p->window_ms, 100);
	assert_int_equal(p->n_objects, 2);
	assert_string_equal(p->objects[0].path, "/a");
	assert_string_equal(p->objects[0].digest, "x:00");
	assert_int_equal(p->objects[0].pages.n_runs, 0);
	assert_string_equal(b->path, "/b");
	assert_int_equal(b->buildid.n_bytes, 2);
	assert_int_equal(b->buildid.bytes[1], 0xff);
	assert_int_equal(b->size_bytes, 40960);
	/* [0] and [1,2] have the same evidence and touch. */
	assert_int_equal(b->pages.n_runs, 3);
	assert_int_equal(b->pages.runs[0].n_pages, 3);
	assert_int_equal(b->pages.runs[1].when, 3);
	assert_int_equal(b->pages.runs[2].first_pgno, 5);
}

static void test_error_codes(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *message;
	} cases[] = {
		{ "{\"elfcast\":2}", -ESTALE,
		  "version 2 is not supported (this is version 1)" },
		{ "{\"elfcast\":-1}", -ESTALE,
		  "version -1 is not supported (this is version 1)" },
		{ "{\"elfcast\":1}", -EINVAL, "'program' is missing" },
		{ HEAD
		  "\"objects\":[{\"path\":\"/a\",\"size\":8192,\"pages\":[[1,2,4,0]]}]}",
		  -EINVAL, "page 2 is past the end (2 pages)" },
		{ HEAD
		  "\"objects\":[{\"path\":\"/a\",\"size\":8193,\"pages\":[[1,3,4,0]]}]}",
		  -EINVAL, "page 3 is past the end (3 pages)" },
		{ HEAD
		  "\"objects\":[{\"path\":\"/a\",\"size\":8192,\"pages\":[[1,1,5,0]]}]}",
		  -EINVAL, "needed in 5 runs of 4" },
		{ HEAD
		  "\"objects\":[{\"path\":\"/a\",\"size\":8192,\"pages\":[[1,1,4,128]]}]}",
		  -E2BIG, "when is 128 (at most 127)" },
		/* Of two, the one whose key comes first in elfcast-profile(5), wherever it stands. */
		{ "{\"elfcast\":1,\"objects\":5,\"program\":\"p\"}", -EINVAL,
		  "'program' is not absolute" },
		{ "{\"elfcast\":1,\"program\":\"/p\",\"trained\":5,\"objects\":[]}",
		  -EINVAL, "'arch' is missing" },
		{ HEAD "\"objects\":[{\"path\":\"/a\",\"size\":1,\"digest\":\"x:00\","
		       "\"pages\":[],\"build_id\":\"00\"}]}",
		  -EINVAL, "'digest' beside 'build_id'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct profile *p = NULL;
		struct diag diag = { 0 };

		assert_int_equal(
			profile_parse(cases[i].text, strlen(cases[i].text), &p, &diag),
			cases[i].error);
		assert_string_equal(diag.message, cases[i].message);
		assert_int_equal(diag.line, 1);
		assert_null(p);
	}
}

/* Every way to say the same gives the same bytes. */
static void test_canonical(void **state)
{
	static const char *const texts[] = {
		HEAD "\"objects\":[{\"path\":\"/b\",\"size\":9,\"pages\":[]},"
		     "{\"path\":\"/a\",\"size\":8192,\"pages\":[[0,2,4,1]]}],\"z\":[1, 2],"
		     "\"y\":{\"q\":\"\\u0041\\/\"}}",
		"{\"z\":[1,2],\"y\" : { \"q\":\"A/\" "
		"},\n\"objects\":[{\"pages\":[[0,1,4,1],[1,1,4,1]],"
		"\"size\":8192,\"path\":\"\\/a\"},{\"size\":9,\"path\":\"/"
		"b\",\"pages\":[]}],"
		"\"trained\":{\"kernel\":\"6.1\",\"method\":\"uffd\",\"window_ms\":100,"
		"\"runs\":4},"
		"\"arch\":\"x86\\u005f64\",\"scenario\":\"default\",\"program\":\"/bin/p\","
		"\"elfcast\":1}\r\n",
	};
	static const char canonical[] =
		"{\n\t\"elfcast\": 1,\n\t\"program\": \"/bin/p\",\n\t\"scenario\": "
		"\"default\",\n"
		"\t\"arch\": \"x86_64\",\n\t\"trained\": { \"runs\": 4, \"window_ms\": "
		"100, "
		"\"method\": \"uffd\", \"kernel\": \"6.1\" },\n\t\"objects\": [\n\t\t{\n"
		"\t\t\t\"path\": \"/a\",\n\t\t\t\"size\": 8192,\n\t\t\t\"pages\": [\n"
		"\t\t\t\t[0, 2, 4, 1]\n\t\t\t]\n\t\t},\n\t\t{\n\t\t\t\"path\": \"/b\",\n"
		"\t\t\t\"size\": 9,\n\t\t\t\"pages\": []\n\t\t}\n\t],\n\t\"y\": "
		"{\"q\":\"A/\"},\n"
		"\t\"z\": [1,2]\n}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(profile_freep) struct profile *p = parse(texts[i]);
		_cleanup_free_ char *text = write_text(p);

		assert_string_equal(text, canonical);
	}
}

static void test_path_problem(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   "a",
					   "a/b",
					   "//",
					   "/a//b",
					   "/a/",
					   "/.",
					   "/..",
					   "/a/./b",
					   "/a/..",
					   "/../a",
					   "/a\nb",
					   "/\x7f",
					   "/a/\x1b",
					   "/a\xc2\x9b",
					   "/\xe2\x80\xae/a",
					   "/a\xd8\x9c",
					   "/\xe9" };
	static const char *const good[] = { "/a",   "/a/b",	"/...",	    "/.a",
					    "/a..", "/a b\\\"", "/\xc3\xa9" };
	char longest[LIMIT_PATH_BYTES + 2] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!profile_path_problem(bad[i]))
			fail_msg("%s is accepted", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_null(profile_path_problem(good[i]));
	memset(longest, 'x', LIMIT_PATH_BYTES);
	longest[0] = '/';
	assert_null(profile_path_problem(longest));
	longest[LIMIT_PATH_BYTES] = 'x';
	assert_non_null(profile_path_problem(longest));
}

/* A struct made by a program, not a parser, may hold what no text can. */
static void test_write_refuses(void **state)
{
	static const char *const paths[] = { "relative", "/a\nb", "/latin-1-\xe9" };
	_cleanup_(profile_freep) struct profile *p = parse(HEAD "\"objects\":[]}");
	struct profile_object *o = profile_add_object(p);
	char *text = NULL;
	size_t bytes;

	(void)state;
	assert_non_null(o);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		o->path = strdup(paths[i]);
		assert_int_equal(profile_write(p, &text, &bytes), -EINVAL);
		free(o->path);
		o->path = NULL;
	}
	o->path = strdup("/a");
	o->size_bytes = LIMIT_FILE_BYTES;
	for (uint32_t i = 0; i <= LIMIT_PROFILE_PAGE_RUNS; i++)
		assert_int_equal(
			pageset_append(&o->pages, &(struct page_run){ 2 * i, 1, 1, 0 }), 0);
	assert_int_equal(profile_write(p, &text, &bytes), -E2BIG);
	pageset_clip(&o->pages, 2 * LIMIT_PROFILE_PAGE_RUNS);
	assert_int_equal(profile_write(p, &text, &bytes), 0);
	free(text);
}

/* ---- merging ---- */

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static void append_random_pages(char **at, uint32_t n_pages, uint32_t n_runs)
{
	const char *comma = "";
	uint32_t pgno = 0;

	for (;;) {
		uint32_t first = pgno + random_below(4), n = 1 + random_below(4);

		if (first + n > n_pages)
			return;
		*at += sprintf(*at, "%s[%u,%u,%u,%u]", comma, first, n,
			       1 + random_below(n_runs), random_below(3));
		comma = ",";
		pgno = first + n;
	}
}

static void append_random_lookups(char **at, uint32_t n_runs)
{
	const char *comma = "";

	*at += sprintf(*at, ",\"lookups\":[");
	for (unsigned dir = 0; dir < 4; dir++) {
		if (random_below(2))
			continue;
		*at += sprintf(*at, "%s[\"/%u\",%u", comma, dir, 1 + random_below(n_runs));
		for (unsigned name = 0; name < 4; name++)
			if (random_below(2))
				*at += sprintf(*at, ",[%u,\"\\\"\\\"\\\"%u\"]",
					       1 + random_below(n_runs), name);
		*at += sprintf(*at, "]");
		comma = ",";
	}
	*at += sprintf(*at, "]");
}

/* Few paths, build-ids and values, so that profiles meet in all of them. */
static struct profile *random_profile(void)
{
	static const char *const kernels[] = { "6.9", "6.18", "6.18.44" };
	static const char *const methods[] = { "uffd", "pagemap" };
	static const char *const digests[] = { "", ",\"digest\":\"x:00\"",
					       ",\"digest\":\"x:11\"" };
	static const char *const ids[] = { "\"build_id\":\"00\"", "\"build_id\":\"0000\"" };
	char text[16384], *at = text;
	uint32_t n_runs = 1 + random_below(5);
	const char *comma = "";

	at += sprintf(
		at,
		"{\"elfcast\":1,\"program\":\"/p\",\"arch\":\"a\",\"trained\":{\"runs\":%u,"
		"\"window_ms\":%u,\"method\":\"%s\",\"kernel\":\"%s\",\"t%u\":%u},"
		"\"objects\":[",
		n_runs, 1 + random_below(3), methods[random_below(2)],
		kernels[random_below(3)], random_below(3), random_below(20));
	for (unsigned i = 0; i < 18; i++) {
		unsigned kind = i % 3, size = 1 + i / 3 % 2 + 40000;

		if (random_below(2))
			continue;
		at += sprintf(
			at,
			"%s{\"path\":\"/%u\",%s%s\"size\":%u%s,\"o%u\":[%u],\"pages\":[",
			comma, i / 6, kind < 2 ? ids[kind] : "", kind < 2 ? "," : "", size,
			kind < 2 ? "" : digests[random_below(3)], random_below(2),
			random_below(20));
		append_random_pages(&at, 10, n_runs);
		at += sprintf(at, "]}");
		comma = ",";
	}
	at += sprintf(at, "]");
	append_random_lookups(&at, n_runs);
	sprintf(at, ",\"e%u\":%u,\"f\":{\"g\":%u}}", random_below(3), random_below(20),
		random_below(20));
	return parse(text);
}

static struct profile *merge(const struct profile *a, const struct profile *b)
{
	struct profile *p = NULL;
	struct diag diag = { 0 };

	if (profile_merge(a, b, &p, &diag) != 0)
		fail_msg("%s", diag.message);
	return p;
}

static void test_merge_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		_cleanup_(profile_freep) struct profile *a = random_profile();
		_cleanup_(profile_freep) struct profile *b = random_profile();
		_cleanup_(profile_freep) struct profile *c = random_profile();
		_cleanup_(profile_freep) struct profile *ab = merge(a, b),
							*ba = merge(b, a);
		_cleanup_(profile_freep) struct profile *bc = merge(b, c);
		_cleanup_(profile_freep) struct profile *ab_c = merge(ab, c),
							*a_bc = merge(a, bc);
		_cleanup_free_ char *t1 = write_text(ab), *t2 = write_text(ba);
		_cleanup_free_ char *t3 = write_text(ab_c), *t4 = write_text(a_bc);
		_cleanup_(profile_freep) struct profile *again = parse(t3);
		_cleanup_free_ char *t5 = write_text(again);

		assert_string_equal(t1, t2);
		assert_string_equal(t3, t4);
		assert_string_equal(t3, t5);
	}
}

static void test_merge_rules(void **state)
{
	_cleanup_(profile_freep) struct profile *a = parse(
		"{\"elfcast\":1,\"program\":\"/p\",\"arch\":\"a\",\"trained\":{\"runs\":3,"
		"\"window_ms\":5,\"method\":\"uffd\",\"kernel\":\"6.9\",\"t\":1},"
		"\"objects\":["
		"{\"path\":\"/"
		"d\",\"size\":8192,\"digest\":\"x:22\",\"o\":\"b\",\"pages\":[[0,2,3,7]]},"
		"{\"path\":\"/e\",\"size\":1,\"pages\":[[0,1,1,1]]}],\"x\":10}");
	_cleanup_(profile_freep) struct profile *b = parse(
		"{\"elfcast\":1,\"program\":\"/p\",\"arch\":\"a\",\"trained\":{\"runs\":4,"
		"\"window_ms\":9,\"method\":\"pagemap\",\"kernel\":\"6.18\",\"u\":2},"
		"\"objects\":["
		"{\"path\":\"/"
		"d\",\"size\":8192,\"digest\":\"x:11\",\"o\":\"a\",\"pages\":[[1,1,2,5]]},"
		"{\"path\":\"/e\",\"size\":2,\"pages\":[]}],\"x\":9}");
	_cleanup_(profile_freep) struct profile *p = merge(a, b);
	_cleanup_free_ char *text = write_text(p);

	(void)state;
	assert_string_equal(
		text,
		"{\n\t\"elfcast\": 1,\n\t\"program\": \"/p\",\n\t\"scenario\": "
		"\"default\",\n"
		"\t\"arch\": \"a\",\n\t\"trained\": { \"runs\": 7, \"window_ms\": 9, "
		"\"method\": \"pagemap\", \"kernel\": \"6.18\", \"t\": 1, \"u\": 2 },\n"
		"\t\"objects\": [\n\t\t{\n\t\t\t\"path\": \"/d\",\n\t\t\t\"size\": 8192,\n"
		"\t\t\t\"digest\": \"x:11\",\n\t\t\t\"pages\": [\n\t\t\t\t[0, 1, 3, 7],\n"
		"\t\t\t\t[1, 1, 5, 5]\n\t\t\t],\n\t\t\t\"o\": \"a\"\n\t\t},\n\t\t{\n"
		"\t\t\t\"path\": \"/e\",\n\t\t\t\"size\": 1,\n\t\t\t\"pages\": [\n"
		"\t\t\t\t[0, 1, 1, 1]\n\t\t\t]\n\t\t},\n\t\t{\n\t\t\t\"path\": \"/e\",\n"
		"\t\t\t\"size\": 2,\n\t\t\t\"pages\": []\n\t\t}\n\t],\n\t\"x\": 10\n}\n");
}

/* ---- lookups ---- */

#define LOOKUPS(text) HEAD "\"objects\":[],\"lookups\":" text "}"

static void test_lookups(void **state)
{
	_cleanup_(profile_freep) struct profile *p =
		parse(LOOKUPS("[[\"/\",0,[3,\"z\",\"a\"],[1,\"m\"]],[\"/etc\",2]]"));
	const struct lookup_dir *d = p->lookups.dirs;

	(void)state;
	assert_int_equal(p->lookups.n, 2);
	assert_int_equal(lookups_count(&p->lookups), 3);
	assert_int_equal(lookups_count_listed(&p->lookups), 1);
	assert_string_equal(d[0].path, "/");
	assert_int_equal(d[0].listed, 0);
	assert_string_equal(d[0].names[0].name, "a");
	assert_int_equal(d[0].names[0].runs, 3);
	assert_string_equal(d[0].names[1].name, "m");
	assert_int_equal(d[0].names[1].runs, 1);
	assert_string_equal(d[0].names[2].name, "z");
	assert_string_equal(d[1].path, "/etc");
	assert_int_equal(d[1].listed, 2);
	assert_int_equal(d[1].n, 0);
}

/* However the groups were formed, and nothing at all where there is nothing to say. */
static void test_lookups_canonical(void **state)
{
	_cleanup_(profile_freep) struct profile
		*a = parse(LOOKUPS("[[\"/\",0,[1,\"b\"],[4,\"d\"],[1,\"a\"]]]")),
		*none = parse(LOOKUPS("[]")), *bare = parse(HEAD "\"objects\":[]}");
	_cleanup_free_ char *text = write_text(a), *t1 = write_text(none),
			    *t2 = write_text(bare);

	(void)state;
	assert_non_null(strstr(text, "\"objects\": [],\n\t\"lookups\": [\n"
				     "\t\t[\"/\", 0, [4, \"d\"], [1, \"a\", \"b\"]]\n"
				     "\t]\n}\n"));
	assert_string_equal(t1, t2);
	assert_null(strstr(t1, "lookups"));
}

static void test_lookups_merge(void **state)
{
	_cleanup_(profile_freep) struct profile
		*a = parse(LOOKUPS("[[\"/a\",1,[4,\"x\",\"y\"]],[\"/b\",4]]")),
		*b = parse(LOOKUPS("[[\"/a\",0,[3,\"y\",\"z\"]],[\"/c\",0,[1,\"q\"]]]"));
	_cleanup_(profile_freep) struct profile *p = merge(a, b);
	_cleanup_free_ char *text = write_text(p);

	(void)state;
	assert_non_null(strstr(text, "[\"/a\", 1, [7, \"y\"], [4, \"x\"], [3, \"z\"]],\n"
				     "\t\t[\"/b\", 4],\n"
				     "\t\t[\"/c\", 0, [1, \"q\"]]\n"));
}

static void test_lookups_write_refuses(void **state)
{
	static const char *const names[] = { "a/b", ".", "..", "", "\x1b", "\xff" };
	char *text;
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(profile_freep) struct profile *p = parse(LOOKUPS("[[\"/a\",1]]"));

		assert_int_equal(
			lookup_dir_add(&p->lookups.dirs[0], names[i], strlen(names[i]), 1),
			0);
		assert_int_equal(profile_write(p, &text, &bytes), -EINVAL);
	}
}

/* The largest directories go, and what stays fits to the byte. */
static void test_lookups_fit(void **state)
{
	_cleanup_(profile_freep) struct profile *p = parse(LOOKUPS(
		"[[\"/a\",1,[1,\"x\"]],[\"/b\",0,[4,\"1\",\"2\"],[1,\"\\\"\",\"3\"]],"
		"[\"/c\",2]]"));
	_cleanup_free_ char *all = write_text(p), *fewer = NULL, *same = NULL;
	size_t bytes, n_names, n_dirs;

	(void)state;
	bytes = strlen(strstr(all, "[\n\t\t[\"/a")) + 100;
	assert_int_equal(lookups_fit(&p->lookups, bytes, &n_names, &n_dirs), 0);
	assert_int_equal(n_dirs, 0);
	same = write_text(p);
	assert_string_equal(all, same);
	for (bytes = 120; n_dirs == 0; bytes--)
		assert_int_equal(lookups_fit(&p->lookups, bytes, &n_names, &n_dirs), 0);
	assert_int_equal(n_dirs, 1);
	assert_int_equal(n_names, 4);
	fewer = write_text(p);
	assert_non_null(strstr(fewer, "\t\t[\"/a\", 1, [1, \"x\"]],\n\t\t[\"/c\", 2]\n"));
	assert_int_equal(lookups_fit(&p->lookups, 0, &n_names, &n_dirs), 0);
	assert_int_equal(n_dirs, 2);
	assert_int_equal(p->lookups.n, 0);
}

static void test_lookups_fit_is_enough(void **state)
{
	size_t n_names, n_dirs;

	(void)state;
	for (size_t bytes = 0; bytes < 300; bytes++) {
		_cleanup_(profile_freep) struct profile *p = random_profile();
		_cleanup_free_ char *text = NULL;
		const char *value;

		assert_int_equal(lookups_fit(&p->lookups, bytes, &n_names, &n_dirs), 0);
		text = write_text(p);
		value = strstr(text, "\"lookups\": ");
		if (!value)
			continue;
		value += strlen("\"lookups\": ");
		assert_true((size_t)(strstr(value, "\n\t]") + 3 - value) <= bytes);
	}
}

static void test_merge_refuses(void **state)
{
	_cleanup_(profile_freep) struct profile *a = parse(HEAD "\"objects\":[]}");
	_cleanup_(profile_freep) struct profile *b = parse(HEAD "\"objects\":[]}");
	struct profile *p = NULL;
	struct diag diag;

	(void)state;
	free(b->scenario);
	b->scenario = strdup("other");
	assert_int_equal(profile_merge(a, b, &p, &diag), -EINVAL);
	assert_string_equal(diag.message,
			    "profiles of different scenarios: 'default' and 'other'");
	assert_int_equal(diag.line, 0);
	free(b->arch);
	b->arch = strdup("arm");
	free(b->scenario);
	b->scenario = strdup("default");
	assert_int_equal(profile_merge(a, b, &p, &diag), -EINVAL);
	b->program[1]++;
	assert_int_equal(profile_merge(a, b, &p, &diag), -EINVAL);
	assert_string_equal(diag.message,
			    "profiles of different programs: '/bin/p' and '/cin/p'");
	a->n_runs = LIMIT_PROFILE_RUNS;
	assert_int_equal(profile_merge(a, a, &p, &diag), -E2BIG);
	assert_string_equal(diag.message, "2000000000 runs together (at most 1000000000)");
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_error_codes),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_path_problem),
		cmocka_unit_test(test_write_refuses),
		cmocka_unit_test(test_merge_order),
		cmocka_unit_test(test_merge_rules),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_lookups_merge),
		cmocka_unit_test(test_lookups_fit),
		cmocka_unit_test(test_lookups_fit_is_enough),
		cmocka_unit_test(test_lookups_canonical),
		cmocka_unit_test(test_lookups_write_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
