/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dpkg.h"

static char seen[4096];

static int note(const struct dpkg_package *p, void *userdata)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "%.*s_%.*s_%.*s%s ", (int)p->name.bytes,
		 p->name.text, (int)p->version.bytes, p->version.text, (int)p->arch.bytes,
		 p->arch.text, p->is_installed ? "" : "-");
	return *(int *)userdata;
}

static void expect(const char *text, const char *packages)
{
	char *exact = strndup(text, strlen(text));
	int stop = 0;

	seen[0] = 0;
	assert_int_equal(dpkg_parse_status(exact, strlen(text), note, &stop), 0);
	assert_string_equal(seen, packages);
	free(exact);
}

#define REST "Version: 1:2-3\nArchitecture: amd64\nStatus: install ok installed\n"

static void reads_paragraphs(_unused_ void **state)
{
	expect("", "");
	expect("Package: a\n" REST, "a_1:2-3_amd64 ");
	expect("Package: a\n" REST "\n\n\nPackage: b\n" REST "\n",
	       "a_1:2-3_amd64 b_1:2-3_amd64 ");
	expect(REST "Description: x\n Package: c\n .\n more\npackage:\tlibb++1.0-d \r",
	       "libb++1.0-d_1:2-3_amd64 ");
}

static void knows_what_has_files(_unused_ void **state)
{
#define OF(status) "Package: a\nVersion: 1\nArchitecture: all\nStatus:" status "\n"
	expect(OF(" install ok installed"), "a_1_all ");
	expect(OF(" hold ok triggers-pending"), "a_1_all ");
	expect(OF(" deinstall ok config-files"), "a_1_all- ");
	expect(OF(" install ok not-installed"), "a_1_all- ");
	expect(OF(" installed"), "a_1_all- ");
	expect(OF(""), "a_1_all- ");
}

/* The name becomes a file's. */
static void passes_over_bad_names(_unused_ void **state)
{
	expect("Package: ../a\n" REST, "");
	expect("Package: a/b\n" REST, "");
	expect("Package: .a\n" REST, "");
	expect("Package: A\n" REST, "");
	expect("Package:\n" REST, "");
	expect("Package: a\nVersion: 1\nArchitecture: ../x\n", "");
	expect("Package: a\nVersion: 1 2\nArchitecture: all\n", "");
	expect("Package: a\nArchitecture: all\n", "");
	expect("Package: a\n\n" REST, "");
}

static void stops_when_told(_unused_ void **state)
{
	static const char text[] = "Package: a\n" REST "\nPackage: b\n" REST;
	int stop = -ENOMEM;

	seen[0] = 0;
	assert_int_equal(dpkg_parse_status(text, strlen(text), note, &stop), -ENOMEM);
	assert_string_equal(seen, "a_1:2-3_amd64 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_paragraphs),
		cmocka_unit_test(knows_what_has_files),
		cmocka_unit_test(passes_over_bad_names),
		cmocka_unit_test(stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
