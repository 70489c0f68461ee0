/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of dpkg's status: every field lies in the text, and every name is a file's. */
#include <stdint.h>
#include <string.h>

#include "dpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *begin, *end;

static void check(const struct dpkg_field *f)
{
	if (!f->bytes || f->text < begin || f->text + f->bytes > end ||
	    memchr(f->text, '\n', f->bytes) || memchr(f->text, 0, f->bytes))
		abort();
}

static int look_at(const struct dpkg_package *p, _unused_ void *userdata)
{
	check(&p->name);
	check(&p->version);
	check(&p->arch);
	if (memchr(p->name.text, '/', p->name.bytes) || p->name.text[0] == '.' ||
	    memchr(p->arch.text, '/', p->arch.bytes))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin = (const char *)data;
	end = begin + size;
	return dpkg_parse_status(begin, size, look_at, NULL);
}
