/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "boot-training.h"
#include "cursor.h"
#include "macro.h"

#define HEADER	"elfcast-boot-training 1\n"
#define LARGEST 999999999999999999u

struct field {
	const char *name;
	size_t offset, bytes; /* bytes 0: a number */
};

#define NUMBER(name, member)                                                               \
	{                                                                                  \
		name, offsetof(struct boot_training, member), 0                            \
	}
#define TEXT(name, member)                                                                 \
	{                                                                                  \
		name, offsetof(struct boot_training, member),                              \
			sizeof(((struct boot_training *)0)->member)                        \
	}

static const struct field fields[] = {
	TEXT("profile ", profile),
	TEXT("kernel ", kernel),
	NUMBER("exact ", is_exact),
	NUMBER("boots ", n_boots),
	NUMBER("time ", time_s),
	NUMBER("pages ", n_pages),
	NUMBER("new ", n_new_pages),
	NUMBER("failed ", n_failed),
	TEXT("failed-kernel ", failed_kernel),
};

/* A word, or nothing. */
static bool take_text(struct cursor *c, char *ret, size_t bytes)
{
	const char *line;
	size_t n;

	if (!cursor_take_line(c, &line, &n) || n >= bytes)
		return false;
	for (size_t i = 0; i < n; i++)
		if (line[i] <= ' ' || line[i] >= 0x7f || line[i] == '/')
			return false;
	memset(ret, 0, bytes);
	memcpy(ret, line, n);
	return true;
}

static bool take_field(struct cursor *c, const struct field *f, struct boot_training *t)
{
	char *member = (char *)t + f->offset;

	if (!cursor_take_text(c, f->name))
		return false;
	if (f->bytes)
		return take_text(c, member, f->bytes);
	return cursor_take_number(c, LARGEST, (uint64_t *)(void *)member) &&
	       cursor_take_text(c, "\n");
}

int boot_training_parse(const char *text, size_t bytes, struct boot_training *ret)
{
	struct cursor c = { text, text + bytes };
	struct boot_training t;

	if (!cursor_take_text(&c, HEADER))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!take_field(&c, &fields[i], &t))
			return -EBADMSG;
	if (c.p != c.end)
		return -EBADMSG;
	*ret = t;
	return 0;
}

size_t boot_training_format(const struct boot_training *t, char *ret, size_t bytes)
{
	size_t n = (size_t)snprintf(ret, bytes, HEADER);

	for (size_t i = 0; i < ARRAY_SIZE(fields) && n < bytes; i++) {
		const char *member = (const char *)t + fields[i].offset;
		uint64_t number;

		if (fields[i].bytes) {
			n += (size_t)snprintf(ret + n, bytes - n, "%s%s\n", fields[i].name,
					      member);
			continue;
		}
		memcpy(&number, member, sizeof(number));
		n += (size_t)snprintf(ret + n, bytes - n, "%s%" PRIu64 "\n", fields[i].name,
				      number);
	}
	return MIN(n, bytes);
}

int boot_training_load(const struct store *s, struct boot_training *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_TRAINING, NULL, &data, &bytes);

	return r < 0 ? r : boot_training_parse((const char *)data, bytes, ret);
}

int boot_training_save(const struct store *s, const struct boot_training *t)
{
	char text[BOOT_TRAINING_BYTES];
	size_t n = boot_training_format(t, text, sizeof(text));
	bool written;

	return store_put(s, STORE_TRAINING, NULL, text, n, &written);
}
