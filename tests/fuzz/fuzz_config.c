/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings: whatever the text, each value stays within its bounds, messages point into
 * the text and hold nothing that a terminal obeys, and good lines alone say the same again.
 */
#include <stdint.h>
#include <string.h>

#include "bounds.h"
#include "config.h"
#include "shadow-format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	const uint8_t *data;
	size_t size;
	unsigned n_lines;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void on_problem(_unused_ const char *path, const struct diag *d, void *userdata)
{
	const struct text *t = userdata;

	check(d->line >= 1 && d->line <= t->n_lines);
	check(d->column >= 1 && d->column <= t->size + 1);
	check(d->message[0] && strlen(d->message) < sizeof(d->message));
	for (const char *c = d->message; *c; c++)
		check((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void check_programs(const struct name_list *l)
{
	check(l->n <= LIMIT_CONFIG_PROGRAMS);
	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->names[i];

		check(*name && strlen(name) <= LIMIT_PATH_BYTES);
		check(*name == '/' || !strchr(name, '/'));
		check(*name != '/' || config_lists(l, name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = { data, size, 1 };
	struct config c;

	for (size_t i = 0; i < size; i++)
		t.n_lines += data[i] == '\n';
	config_init(&c);
	check(config_parse("conf", (const char *)data, size, &c, on_problem, &t) == 0);
	check(c.budget_percent <= 50 && c.time_ms <= 3600000);
	check(c.storage >= -1 && c.storage < STORAGE_CLASSES);
	check(config_budget_bytes(&c, UINT64_MAX) <= UINT64_MAX / 2);
	check_programs(&c.always);
	check_programs(&c.never);
	config_done(&c);
	return 0;
}
