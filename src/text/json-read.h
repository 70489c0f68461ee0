/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values in a text that json_scan() has accepted, read where they stand: nothing here
 * allocates or fails, and nothing but this and json-scan.c knows how JSON looks. A value is
 * borrowed from the text.
 */
#ifndef ELFCAST_JSON_READ_H
#define ELFCAST_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER, /* without fraction and exponent: fits int64_t */
	JSON_FRACTION,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* The last value that was read to its end, so that who goes on behind it need not look for that. */
struct json_seen {
	const char *at, *after;
};

struct json_value {
	const char *at;	  /* its first byte */
	const char *end;  /* of the whole text */
	const char *key;  /* the opening quote of its key; NULL: no member of an object */
	const char *list; /* that it is in; NULL: in none */
	struct json_seen *seen; /* of the text */
};

/* SEEN is all zero, and there as long as the values are used. */
struct json_value json_root(const char *text, size_t bytes, struct json_seen *seen);

enum json_kind json_kind(const struct json_value *v);
int64_t json_integer(const struct json_value *v);   /* a JSON_INTEGER */
size_t json_text_bytes(const struct json_value *v); /* as it stands in the text */

/* The first value in an array or object; false: it is empty. */
bool json_first(const struct json_value *list, struct json_value *ret);
/* From a value in an array or object to the one behind it; false: it was the last. */
bool json_next(struct json_value *v);
/* Whether LIST, an array, is of exactly N numbers of at most 18 digits, without sign, fraction and exponent. */
bool json_counts(const struct json_value *list, size_t n, uint64_t *ret);
size_t json_count(const struct json_value *list);
/* The value of KEY in an object; false: there is none, or it is no object. */
bool json_member(const struct json_value *object, const char *key, struct json_value *ret);

/*
 * The string that opens at QUOTE (a JSON_STRING's first byte, or a key) of a text up to END,
 * as much of it as fits, with a NUL behind. Returns its bytes, which are BYTES or more when it
 * was cut.
 */
size_t json_copy_string(const char *quote, const char *end, char *ret, size_t bytes);
bool json_string_is(const char *quote, const char *end, const char *s);

#endif
