/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#define ZLIB_CONST
#include <zlib.h>

#include "gunzip.h"

struct gunzip {
	z_stream z;
	gunzip_source read;
	void *userdata;
	bool in_member; /* between the two ends of a gzip member: more has to come */
	bool is_done;
	unsigned char out[65536];
};

static void set_input(struct gunzip *g, const void *data, size_t bytes)
{
	g->z.next_in = data;
	g->z.avail_in = (uInt)bytes; /* of buffers, far below 4 GiB */
}

struct gunzip *gunzip_new(gunzip_source read, void *userdata, const void *first,
			  size_t bytes)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->read = read;
	g->userdata = userdata;
	g->in_member = true;
	set_input(g, first, bytes);
	/* 16: gzip and nothing else, checksum and length compared at each member's end. */
	if (inflateInit2(&g->z, MAX_WBITS + 16) == Z_OK)
		return g;
	free(g);
	return NULL;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

/* 1: there is input, 0: no more, or negative errno. */
static int fill(struct gunzip *g)
{
	const void *data;
	ssize_t n;

	if (g->z.avail_in > 0)
		return 1;
	n = g->read(g->userdata, &data);
	if (n <= 0)
		return (int)n;
	set_input(g, data, (size_t)n);
	return 1;
}

/* A member has ended. As gzip does: another one follows, or it is the end, padded or not. */
static void begin_next(struct gunzip *g)
{
	g->in_member = g->z.avail_in > 0 && *g->z.next_in == 0x1f;
	g->is_done = !g->in_member;
	inflateReset(&g->z);
}

/* The end of a member coincided with the end of the input so far. */
static int look_behind_member(struct gunzip *g)
{
	int r = fill(g);

	if (r > 0)
		begin_next(g);
	g->is_done |= r == 0;
	return r;
}

ssize_t gunzip_read(struct gunzip *g, const void **ret, const char **ret_text)
{
	g->z.next_out = g->out;
	g->z.avail_out = sizeof(g->out);
	while (g->z.avail_out == sizeof(g->out) && !g->is_done) {
		int z, r = g->in_member ? fill(g) : look_behind_member(g);

		*ret_text = "gzip data ends too early";
		if (r < 0)
			return r;
		if (g->is_done)
			break;
		if (r == 0)
			return -EBADMSG;
		z = inflate(&g->z, Z_NO_FLUSH);
		if (z == Z_MEM_ERROR)
			return -ENOMEM;
		if (z == Z_STREAM_END && g->z.avail_in > 0)
			begin_next(g);
		else if (z == Z_STREAM_END)
			g->in_member = false;
		else if (z != Z_OK) {
			*ret_text = g->z.msg ? g->z.msg : "gzip data is damaged";
			return -EBADMSG;
		}
	}
	*ret = g->out;
	return (ssize_t)(sizeof(g->out) - g->z.avail_out);
}
