/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of boots as a file: elfcast-boots(5). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boots.h"
#include "cursor.h"
#include "io.h"
#include "macro.h"

#define HEADER	    "elfcast-boots 1\n"
#define HEADER_NAME "elfcast-boots "
#define KEY_DIGITS  16u
#define UNKNOWN	    "-"

static bool take_boot_id(struct cursor *c, char ret[static BOOT_ID_BYTES + 1])
{
	if ((size_t)(c->end - c->p) < BOOT_ID_BYTES)
		return false;
	memcpy(ret, c->p, BOOT_ID_BYTES);
	ret[BOOT_ID_BYTES] = 0;
	c->p += BOOT_ID_BYTES;
	return strspn(ret, "0123456789abcdef-") == BOOT_ID_BYTES &&
	       cursor_take_text(c, " ");
}

static bool take_number(struct cursor *c, uint64_t max, uint64_t *ret)
{
	return cursor_take_number(c, max, ret) && cursor_take_text(c, " ");
}

static bool take_plan(struct cursor *c, enum boot_plan *ret)
{
	for (*ret = 0; *ret < BOOT_PLANS; ++*ret)
		if (cursor_take_text(c, boot_plan_name(*ret)))
			return cursor_take_text(c, " ");
	return false;
}

static bool take_verdict(struct cursor *c, bool *ret)
{
	*ret = cursor_take_text(c, "off ");
	return *ret || cursor_take_text(c, UNKNOWN " ");
}

static bool take_key(struct cursor *c, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";

	*ret = 0;
	for (unsigned i = 0; i < KEY_DIGITS; i++, c->p++) {
		const char *digit = c->p < c->end && *c->p ? strchr(digits, *c->p) : NULL;

		if (!digit)
			return false;
		*ret = *ret << 4 | (uint64_t)(digit - digits);
	}
	return cursor_take_text(c, " ");
}

static bool take_used(struct cursor *c, unsigned *ret)
{
	uint64_t percent;

	*ret = BOOT_USED_UNKNOWN;
	if (cursor_take_text(c, UNKNOWN " "))
		return true;
	if (!take_number(c, 100, &percent))
		return false;
	*ret = (unsigned)percent;
	return true;
}

static bool take_kernel(struct cursor *c, char ret[static LIMIT_KERNEL_BYTES + 1])
{
	const char *line;
	size_t n;

	if (!cursor_take_line(c, &line, &n) || n == 0 || n > LIMIT_KERNEL_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (line[i] <= ' ' || line[i] >= 0x7f)
			return false;
	memcpy(ret, line, n);
	ret[n] = 0;
	return true;
}

static bool take_fields(struct cursor *c, struct boot_line *l)
{
	return take_boot_id(c, l->boot_id) && take_number(c, LIMIT_TIME_S, &l->time_s) &&
	       take_plan(c, &l->plan) && take_verdict(c, &l->turned_off) &&
	       take_key(c, &l->key) && take_number(c, LIMIT_BOOT_MS, &l->target_ms) &&
	       take_number(c, LIMIT_BOOT_BYTES, &l->eager_bytes) &&
	       take_number(c, LIMIT_BOOT_MS, &l->eager_ms) &&
	       take_number(c, LIMIT_BOOT_BYTES, &l->rest_bytes) &&
	       take_number(c, LIMIT_BOOT_MS, &l->rest_ms) &&
	       take_used(c, &l->used_percent) && take_kernel(c, l->kernel);
}

static int take_line(struct cursor *c, void *userdata)
{
	struct boots *b = userdata;
	struct boot_line *l = &b->items[b->n];

	if (!take_fields(c, l) || boots_find(b, l->boot_id))
		return -EBADMSG;
	b->n++;
	return 0;
}

static int take_all(struct cursor *c, struct boots *b)
{
	if (!cursor_take_text(c, HEADER))
		return cursor_take_text(c, HEADER_NAME) ? -ESTALE : -EBADMSG;
	return cursor_take_lines(c, LIMIT_BOOTS, take_line, b);
}

int boots_parse(const char *text, size_t bytes, struct boots *ret)
{
	struct cursor c = { text, text + bytes };
	int r;

	ret->n = 0;
	r = take_all(&c, ret);
	if (r < 0)
		ret->n = 0;
	return r;
}

static void write_line(const struct boot_line *l, FILE *f)
{
	char used[16] = UNKNOWN;

	if (l->used_percent != BOOT_USED_UNKNOWN)
		snprintf(used, sizeof(used), "%u", l->used_percent);
	fprintf(f,
		"%s %" PRIu64 " %s %s %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		" %" PRIu64 " %" PRIu64 " %s %s\n",
		l->boot_id, l->time_s, boot_plan_name(l->plan),
		l->turned_off ? "off" : UNKNOWN, l->key, l->target_ms, l->eager_bytes,
		l->eager_ms, l->rest_bytes, l->rest_ms, used, l->kernel);
}

static void write_text(const void *of, FILE *f)
{
	const struct boots *b = of;

	fputs(HEADER, f);
	for (size_t i = 0; i < b->n; i++)
		write_line(&b->items[i], f);
	fprintf(f, "end %zu\n", b->n);
}

int boots_format(const struct boots *b, char **ret, size_t *ret_bytes)
{
	return io_build_text(write_text, b, ret, ret_bytes);
}

int boots_load(const struct store *s, struct boots *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_BOOTS, NULL, &data, &bytes);

	ret->n = 0;
	return r < 0 ? r : boots_parse((const char *)data, bytes, ret);
}

int boots_save(const struct store *s, const struct boots *b)
{
	_cleanup_free_ char *text = NULL;
	bool written;
	size_t bytes;
	int r = boots_format(b, &text, &bytes);

	return r < 0 ? r : store_put(s, STORE_BOOTS, NULL, text, bytes, &written);
}
