/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "macro.h"
#include "show-pack.h"
#include "text-out.h"

static double mib(uint64_t n_pages)
{
	return (double)n_pages * PAGE_BYTES / (1 << 20);
}

static uint64_t *count_by_launch(const struct shadow *s)
{
	uint64_t *n = calloc(s->n_launches + 1u, sizeof(*n));

	for (uint32_t i = 0; n && i < s->n_extents; i++)
		n[le32_get(s->extents[i].when)] += le32_get(s->extents[i].n_pages);
	return n;
}

static void print_json(const struct shadow *s, const uint64_t *n_pages)
{
	json_open(NULL, '[');
	json_open(NULL, '{');
	json_string("kind", "pack");
	json_uint("pages", shadow_count_pages(s));
	json_uint("objects", s->n_objects);
	json_uint("extents", s->n_extents);
	json_open("launches", '[');
	for (uint32_t i = 0; i < s->n_launches; i++) {
		json_open(NULL, '{');
		json_string("program", shadow_string(s, s->launches[i].program));
		json_string("scenario", shadow_string(s, s->launches[i].scenario));
		json_string("arch", shadow_string(s, s->launches[i].arch));
		json_string("profile", shadow_string(s, s->launches[i].name));
		json_uint("pages", n_pages[i]);
		json_close('}');
	}
	json_close(']');
	json_close('}');
	json_close(']');
}

static void print_table(FILE *f, const struct shadow *s, const uint64_t *n_pages)
{
	fprintf(f, "Pack for boot: %u launch%s, %u file%s, %.1f MiB in %u extent%s\n\n",
		s->n_launches, s->n_launches == 1 ? "" : "es", s->n_objects,
		s->n_objects == 1 ? "" : "s", mib(shadow_count_pages(s)), s->n_extents,
		s->n_extents == 1 ? "" : "s");
	fprintf(f, "%6s %10s  %s\n", "RANK", "ADDS MIB", "PROGRAM");
	for (uint32_t i = 0; i < s->n_launches; i++) {
		const char *scenario = shadow_string(s, s->launches[i].scenario);

		fprintf(f, "%6u %10.1f  ", i + 1, mib(n_pages[i]));
		text_put_launch(f, shadow_string(s, s->launches[i].program), scenario,
				NULL);
		fputc('\n', f);
	}
}

static int print_text(const struct shadow *s, const uint64_t *n_pages)
{
	struct text_lines t;
	int r = text_open(&t);

	if (r < 0)
		return r;
	print_table(t.f, s, n_pages);
	return text_close(&t);
}

int show_pack(const struct shadow *pack)
{
	_cleanup_free_ uint64_t *n_pages = count_by_launch(pack);

	if (!n_pages)
		return -ENOMEM;
	if (arg_json)
		print_json(pack, n_pages);
	else
		return print_text(pack, n_pages);
	return 0;
}
