/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A benchmark as a picture: each way's launches, their median and its interval. */
#ifndef ELFCAST_BENCH_SVG_H
#define ELFCAST_BENCH_SVG_H

#include "bench-report.h"

/* To PATH as output_file_write() does. Problems are logged; negative errno. */
int bench_svg_write(const struct bench_report *report, const char *path);

#endif
