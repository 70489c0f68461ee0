/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json-c brings the value of an unknown key to one form, and lives only in here. It gets no
 * more than LIMIT_EXTRA_BYTES at once, because its trees take up to 300 times the text, and
 * what it gives back is held against what it got: up to 0.19 it may drop a key, an item or a
 * part of a string when memory ends, and report success.
 */
#include <errno.h>
#include <json.h>
#include <string.h>

#include "bounds.h"
#include "extra.h"
#include "json-read.h"
#include "json-scan.h"
#include "macro.h"
#include "vec.h"

/* json_tokener_error_memory, which is there since json-c 0.18 only. */
#define ERROR_MEMORY (json_tokener_error_size + 1)

/*
 * *RET is NULL for null. Not strict, which json_scan() has been: json-c 0.18 then refuses all
 * that is not ASCII where char is signed.
 */
static int parse_tree(const char *text, size_t bytes, struct json_object **ret)
{
	struct json_tokener *tok = json_tokener_new_ex(LIMIT_JSON_DEPTH + 1);
	int e;

	if (!tok)
		return -ENOMEM;
	*ret = json_tokener_parse_ex(tok, text, (int)bytes);
	/* "1" may go on until a NUL says that it ends. */
	if (json_tokener_get_error(tok) == json_tokener_continue)
		*ret = json_tokener_parse_ex(tok, "", 1);
	e = (int)json_tokener_get_error(tok);
	json_tokener_free(tok);
	if (e == json_tokener_success)
		return 0;
	return e == ERROR_MEMORY ? -ENOMEM : -EINVAL;
}

/* Whether the text COPY holds all that TEXT does. */
static bool is_complete(const char *copy, const char *text, size_t bytes)
{
	struct json_size a, b;
	struct diag unused;

	return json_scan(copy, strlen(copy), &a, &unused) == 0 &&
	       json_scan(text, bytes, &b, &unused) == 0 && a.n_values == b.n_values &&
	       a.n_nulls == b.n_nulls && a.n_bytes == b.n_bytes;
}

static int compact_text(const char *text, size_t bytes, char **ret)
{
	struct json_object *tree = NULL;
	int r = parse_tree(text, bytes, &tree);
	const char *copy;

	if (r < 0)
		return r;
	copy = json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	*ret = copy && is_complete(copy, text, bytes) ? strdup(copy) : NULL;
	json_object_put(tree);
	return *ret ? 0 : -ENOMEM;
}

static char *copy_key(const struct json_value *v)
{
	size_t bytes = json_copy_string(v->key, v->end, NULL, 0) + 1;
	char *key = malloc(bytes);

	if (key)
		json_copy_string(v->key, v->end, key, bytes);
	return key;
}

/* Empty; NULL: no memory. */
static struct extra_item *append(struct extra *e)
{
	if (VEC_RESERVE_ONE(e->items, e->n, e->capacity) < 0)
		return NULL;
	e->items[e->n] = (struct extra_item){ 0 };
	return &e->items[e->n++];
}

int extra_add(struct extra *e, const struct json_value *v)
{
	struct extra_item *item = append(e);

	if (!item)
		return -ENOMEM;
	item->key = copy_key(v);
	return item->key ? compact_text(v->at, json_text_bytes(v), &item->value) : -ENOMEM;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct extra_item *)a)->key,
		      ((const struct extra_item *)b)->key);
}

void extra_sort(struct extra *e)
{
	if (e->n > 1)
		qsort(e->items, e->n, sizeof(*e->items), compare_items);
}

static int append_copy(struct extra *e, const struct extra_item *from)
{
	struct extra_item *item = append(e);

	if (!item)
		return -ENOMEM;
	item->key = strdup(from->key);
	item->value = strdup(from->value);
	return item->key && item->value ? 0 : -ENOMEM;
}

int extra_merge(const struct extra *a, const struct extra *b, struct extra *ret)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->n || j < b->n)) {
		const struct extra_item *x = &a->items[i], *y = &b->items[j];
		int c = i == a->n ? 1 : j == b->n ? -1 : compare_items(x, y);

		i += c <= 0;
		j += c >= 0;
		if (c == 0)
			c = strcmp(x->value, y->value);
		r = append_copy(ret, c <= 0 ? x : y);
	}
	return r;
}

void extra_remove(struct extra *e, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->items[i].key, key) != 0) {
			e->items[n++] = e->items[i];
		} else {
			free(e->items[i].key);
			free(e->items[i].value);
		}
	e->n = n;
}

void extra_done(struct extra *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->items[i].key);
		free(e->items[i].value);
	}
	free(e->items);
}
