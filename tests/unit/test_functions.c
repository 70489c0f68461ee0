/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "functions.h"
#include "unwind.h"

static struct functions functions;
static struct layout layout;
static int fd;

/* Two pages of code: functions at 0x1000, 0x1100 and 0x1ffe, gaps behind the first two, a function at 0x2400; and half a page. */
static int start(void **state)
{
	static const struct unwind_range ranges[] = { { 0x1000, 0x80 },
						      { 0x1100, 0x80 },
						      { 0x1ffe, 0x100 },
						      { 0x2400, 0x10 },
						      { 0x3000, 0x10 } };
	uint8_t content[0x3800];
	struct functions_file *file;

	(void)state;
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	fd = memfd_create("code", MFD_CLOEXEC);
	layout = (struct layout){ .file_bytes = sizeof(content) };
	if (write(fd, content, sizeof(content)) != sizeof(content) ||
	    layout_add_section(&layout, SECTION_CODE, ".text", 0x1000, 0x1000, 0x2800) <
		    0 ||
	    layout_finish_sections(&layout) < 0 || layout_set_units(&layout, ranges, 5) < 0)
		return -1;
	file = functions_add_file(&functions, "/a", fd);
	for (uint32_t i = 0; file && i < 4; i++)
		if (functions_add_page(file, fd, &layout, i) < 0)
			return -1;
	return file ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	functions_done(&functions);
	layout_done(&layout);
	close(fd);
	return 0;
}

static void test_pages(void **state)
{
	struct functions_file *file = functions_find(&functions, "/a", 0);
	struct stat st;

	(void)state;
	assert_non_null(file);
	assert_int_equal(file->n_pages, 2); /* the last one is not whole */
	assert_int_equal(file->pages[0].pgno, 1);
	assert_int_equal(file->pages[0].n, 3);
	assert_int_equal(file->functions[1].off, 0x100);
	assert_int_equal(file->functions[1].unit, 2); /* behind a gap */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(file->functions[1].code[i],
				 (uint8_t)((0x1100 + i) * 7 + 0x11));
	/* No byte of the next page. */
	assert_int_equal(file->functions[2].code[1], (uint8_t)(0x1fff * 7 + 0x1f));
	assert_int_equal(file->functions[2].code[2], 0);
	assert_int_equal(file->pages[1].n, 1);
	assert_true(file->pages[0].hash != file->pages[1].hash);
	assert_int_equal(functions_page_from(file, 0), 0);
	assert_int_equal(functions_page_from(file, 2), 1);
	assert_int_equal(functions_page_from(file, 3), 2);
	assert_ptr_equal(functions_at(file, 0x1ffe), &file->functions[2]);
	assert_ptr_equal(functions_at(file, 0x2400), &file->functions[3]);
	assert_null(functions_at(file, 0x1001));
	assert_null(functions_at(file, 0x1080));
	assert_null(functions_at(file, 0x3000));
	assert_null(functions_at(file, UINT64_MAX));
	assert_int_equal(fstat(fd, &st), 0);
	assert_ptr_equal(functions_find(&functions, "/b", st.st_ino), file);
	assert_null(functions_find(&functions, "/b", st.st_ino + 1));
	assert_null(functions_find(&functions, "/b", 0));
}

/* Those between functions that are listed: units are 0, 2, 4, 6 and 8, with gaps between. */
static void test_calls(void **state)
{
	struct functions_file *file = &functions.files[0];

	(void)state;
	assert_int_equal(layout_add_call(&layout, 0x1010, 0x1ffe), 0);
	assert_int_equal(layout_add_call(&layout, 0x1014, 0x3000), 0); /* not listed */
	assert_int_equal(layout_add_call(&layout, 0x1018, 0x1100), 0);
	assert_int_equal(layout_add_call(&layout, 0x2404, 0x1000), 0);
	assert_int_equal(functions_add_calls(file, &layout), 0);
	assert_int_equal(file->n_calls, 3);
	assert_int_equal(file->calls[0].to, 2);
	assert_int_equal(file->calls[0].place, 0);
	assert_int_equal(file->calls[1].to, 1);
	assert_int_equal(file->calls[1].place, 2);
	assert_int_equal(file->calls[2].from, 3);
	assert_int_equal(file->calls[2].to, 0);
	assert_int_equal(file->functions[0].n_calls, 3);
	assert_int_equal(file->functions[1].n_calls, 0);
}

/* Between two processes. */
static void test_pack(void **state)
{
	struct functions_file *file = &functions.files[0];
	uint8_t *data;
	size_t bytes;

	(void)state;
	file->pages[1].is_watched = file->functions[2].ran = true;
	assert_int_equal(functions_pack(&functions, &data, &bytes), 0);
	functions_forget(&functions);
	assert_false(file->pages[1].is_watched || file->functions[2].ran);
	assert_int_equal(functions_unpack(&functions, data, bytes), 0);
	assert_true(file->pages[1].is_watched && file->functions[2].ran);
	assert_false(file->pages[0].is_watched || file->functions[1].ran);
	assert_int_equal(functions_unpack(&functions, data, bytes - 1), -EBADMSG);
	assert_int_equal(functions_unpack(&functions, data, 0), -EBADMSG);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, start, end),
		cmocka_unit_test_setup_teardown(test_calls, start, end),
		cmocka_unit_test_setup_teardown(test_pack, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
