/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "recording.h"

void trace_result_done(struct trace_result *r)
{
	for (size_t i = 0; i < r->n_objects; i++) {
		free(r->objects[i].path);
		free(r->objects[i].when);
	}
	free(r->objects);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		free(r->left_out[i].example);
	*r = (struct trace_result){ 0 };
}
