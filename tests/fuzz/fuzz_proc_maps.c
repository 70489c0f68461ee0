/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/PID/maps of a process that chose its files' names. */
#include <stdlib.h>
#include <string.h>

#include "proc-maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n_lines = 1, n = 0;
	struct proc_mapping m;
	struct proc_maps maps;
	FILE *file;

	if (size == 0)
		return 0;
	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	check(file != NULL);
	proc_maps_init(&maps, file);
	while (proc_maps_next(&maps, &m)) {
		check(++n <= n_lines && m.start < m.end && !strchr(m.name, '\n'));
		check(m.name + strlen(m.name) < maps.line + sizeof(maps.line));
	}
	proc_maps_done(&maps);
	return 0;
}
