/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats of others, as their sources read them in 2026. mksquashfs 4.5.1, cpio, tar and mkfs.erofs
 * 1.8.9 were tried.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file-list.h"
#include "json-out.h"
#include "macro.h"
#include "utf8.h"

/* -32768 to 32767 are taken, and 0 for what is not named. */
#define PRIORITY_MAX 32767

/* Puts one path; false: this format has no way to say it. I: how many came before. */
typedef bool (*put_path)(FILE *f, const char *path, size_t i);

static bool put_absolute(FILE *f, const char *path, size_t i)
{
	(void)i;
	fprintf(f, "%s\n", path);
	return true;
}

static bool put_relative(FILE *f, const char *path, size_t i)
{
	(void)i;
	fprintf(f, "%s\n", path + 1);
	return true;
}

/*
 * A backslash takes the meaning from white space and from itself; a line that starts with '#' is a
 * comment. One slash and asterisk is taken off the end.
 */
static bool put_sorted(FILE *f, const char *path, size_t i)
{
	size_t n = strlen(path);

	for (const char *p = path + 1; *p; p++) {
		if (strchr(" \\", *p) || (*p == '#' && p == path + 1))
			putc('\\', f);
		putc(*p, f);
	}
	if (n > 2 && strcmp(path + n - 2, "/*") == 0)
		fputs("/*", f);
	fprintf(f, " %d\n", i < PRIORITY_MAX ? PRIORITY_MAX - (int)i : 1);
	return true;
}

static bool put_record(FILE *f, const char *path, size_t i)
{
	(void)i;
	fputs("{\"path\":", f);
	json_quote(f, path + 1);
	fputs("}\n", f);
	return true;
}

/* What Go and Rust trim; controls are in no path. */
static bool is_space(uint32_t c)
{
	return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool ends_with_space(const char *path)
{
	size_t n = strlen(path), first = n - 1;

	while (first > 0 && ((unsigned char)path[first] & 0xc0) == 0x80)
		first--;
	return is_space(utf8_decode(path + first, n - first));
}

static bool put_trimmed(FILE *f, const char *path, size_t i)
{
	return !ends_with_space(path) && put_absolute(f, path, i);
}

static bool put_item(FILE *f, const char *path, size_t i)
{
	if (ends_with_space(path))
		return false;
	fputs(i > 0 ? ",\n  " : "\n  ", f);
	json_quote(f, path);
	return true;
}

static const struct format {
	const char *name;
	put_path put;
	bool is_archive; /* with links and directories */
	const char *before, *after;
} formats[FILE_LIST_FORMATS] = {
	[FILE_LIST_PATHS] = { "paths", put_absolute },
	[FILE_LIST_SQUASHFS] = { "squashfs", put_sorted },
	[FILE_LIST_CPIO] = { "cpio", put_relative, .is_archive = true },
	[FILE_LIST_TAR] = { "tar", put_relative, .is_archive = true },
	[FILE_LIST_EROFS] = { "erofs", put_relative, .is_archive = true },
	[FILE_LIST_ESTARGZ] = { "estargz", put_record },
	[FILE_LIST_NYDUS] = { "nydus", put_trimmed },
	[FILE_LIST_SOCI] = { "soci", put_item, .before = "[", .after = "\n]\n" },
};

bool file_list_find_format(const char *name, enum file_list_format *ret)
{
	for (size_t i = 0; i < FILE_LIST_FORMATS; i++)
		if (strcmp(formats[i].name, name) == 0) {
			*ret = (enum file_list_format)i;
			return true;
		}
	return false;
}

/* ---- archives ---- */

/* Each path of FROM behind the directories that it lies in. */
static int add_members(struct file_list *l, const struct file_list *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->paths.n; i++) {
		_cleanup_free_ char *dir = strdup(from->paths.names[i]);

		if (!dir)
			return -ENOMEM;
		for (char *p = strchr(dir + 1, '/'); r == 0 && p; p = strchr(p + 1, '/')) {
			*p = '\0';
			r = file_list_add(l, dir);
			*p = '/';
		}
		if (r == 0)
			r = file_list_add(l, dir);
	}
	return r;
}

/* How many could be said. */
static size_t put_all(FILE *f, const struct file_list *l, const struct format *format)
{
	size_t n = 0;

	if (format->before)
		fputs(format->before, f);
	for (size_t i = 0; i < l->paths.n; i++)
		n += format->put(f, l->paths.names[i], n);
	if (format->after)
		fputs(format->after, f);
	return n;
}

int file_list_write(const struct file_list *files, const struct file_list *links,
		    enum file_list_format format, char **ret, size_t *ret_bytes,
		    size_t *ret_left_out)
{
	_cleanup_(file_list_done) struct file_list members = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t bytes, n;
	bool failed;
	FILE *f;

	if (formats[format].is_archive) {
		int r = add_members(&members, links);

		if (r == 0)
			r = add_members(&members, files);
		if (r < 0)
			return r;
		files = &members;
	}
	f = open_memstream(&text, &bytes);
	if (!f)
		return -ENOMEM;
	n = put_all(f, files, &formats[format]);
	failed = ferror(f);
	if (fclose(f) != 0 || failed)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	*ret_bytes = bytes;
	*ret_left_out = files->paths.n - n;
	return 0;
}
