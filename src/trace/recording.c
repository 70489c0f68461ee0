/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "recording.h"

static void free_objects(struct trace_object *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(objects[i].path);
		free(objects[i].when);
	}
	free(objects);
}

const char *trace_method_name(enum trace_method method)
{
	static const char *const names[TRACE_METHODS] = {
		[TRACE_UFFD] = "uffd",		 [TRACE_PTE] = "pte",
		[TRACE_PAGEMAP] = "pagemap",	 [TRACE_EXIT] = "exit",
		[TRACE_RESIDENCY] = "residency", [TRACE_FILEMAP] = "filemap",
		[TRACE_FAULTS] = "faults",
	};

	return names[method];
}

void trace_result_done(struct trace_result *r)
{
	free_objects(r->objects, r->n_objects);
	free_objects(r->changed, r->n_changed);
	lookups_done(&r->lookups);
	free(r->blocks);
	free(r->functions);
	free(r->program);
	free(r->interpreted);
	free(r->starts);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		free(r->left_out[i].example);
	*r = (struct trace_result){ 0 };
}
