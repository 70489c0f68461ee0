/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instead of <cmocka.h>, where a range is asserted: cmocka 2 deprecates the name of before. */
#ifndef ELFCAST_IN_RANGE_H
#define ELFCAST_IN_RANGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef assert_uint_in_range
#define assert_uint_in_range assert_in_range
#endif

#endif
