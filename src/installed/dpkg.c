/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "dpkg.h"
#include "io.h"

#define ADMIN_DIR	 "/var/lib/dpkg"
#define NAME_LIMIT_BYTES 200

/* ---- status ---- */

/* The next line, without its end; moves *P behind it. */
static struct dpkg_field next_line(const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	struct dpkg_field line = { *p, (size_t)((newline ? newline : end) - *p) };

	*p = newline ? newline + 1 : end;
	return line;
}

/* Whether LINE is the field KEY ("Package:"); *RET is then its value. */
static bool is_field(const struct dpkg_field *line, const char *key, struct dpkg_field *ret)
{
	size_t n = strlen(key);

	if (line->bytes < n || strncasecmp(line->text, key, n) != 0)
		return false;
	*ret = (struct dpkg_field){ line->text + n, line->bytes - n };
	while (ret->bytes && (ret->text[0] == ' ' || ret->text[0] == '\t')) {
		ret->text++;
		ret->bytes--;
	}
	while (ret->bytes && strchr(" \t\r", ret->text[ret->bytes - 1]))
		ret->bytes--;
	return true;
}

/* "want flag status": files are there unless it is not-installed or config-files. */
static bool is_installed(const struct dpkg_field *status)
{
	static const char *const states[] = { "installed", "unpacked", "half-configured",
					      "triggers-awaited", "triggers-pending" };
	const char *last = memrchr(status->text, ' ', status->bytes);
	size_t n;

	if (!last)
		return false;
	n = status->bytes - (size_t)(++last - status->text);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strlen(states[i]) == n && memcmp(states[i], last, n) == 0)
			return true;
	return false;
}

/* As dpkg has it, and nothing that leaves a directory. */
static bool is_name(const struct dpkg_field *f, const char *more)
{
	for (size_t i = 0; i < f->bytes; i++) {
		char c = f->text[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || !c || !strchr(more, c))
			return false;
	}
	return f->bytes > 0 && f->bytes <= NAME_LIMIT_BYTES;
}

static bool is_version(const struct dpkg_field *f)
{
	for (size_t i = 0; i < f->bytes; i++)
		if ((unsigned char)f->text[i] <= ' ' || (unsigned char)f->text[i] >= 0x7f)
			return false;
	return f->bytes > 0 && f->bytes <= NAME_LIMIT_BYTES;
}

int dpkg_parse_status(const char *text, size_t bytes,
		      int (*fn)(const struct dpkg_package *p, void *userdata),
		      void *userdata)
{
	const char *p = text, *end = text + bytes;
	struct dpkg_package package = { 0 };
	struct dpkg_field value;
	int r = 0;

	while (r == 0 && p < end) {
		struct dpkg_field line = next_line(&p, end);

		if (is_field(&line, "Package:", &value))
			package.name = value;
		else if (is_field(&line, "Version:", &value))
			package.version = value;
		else if (is_field(&line, "Architecture:", &value))
			package.arch = value;
		else if (is_field(&line, "Status:", &value))
			package.is_installed = is_installed(&value);
		if (line.bytes > 0 && p < end)
			continue;
		if (is_name(&package.name, "+-.") && is_name(&package.arch, "-") &&
		    is_version(&package.version))
			r = fn(&package, userdata);
		package = (struct dpkg_package){ 0 };
	}
	return r;
}

/* ---- files ---- */

struct dpkg_reader {
	int rootfd;
	struct wanted *wanted;
	struct installed *installed;
};

static int read_text(int rootfd, const char *path, char **ret, size_t *ret_bytes)
{
	_cleanup_close_ int path_fd = io_open_path(rootfd, path, NULL);
	_cleanup_close_ int fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);

	return fd < 0 ? fd : io_read_file(fd, LIMIT_DPKG_BYTES, ret, ret_bytes);
}

/* Of packages that several architectures may have at once the name has theirs. */
static int read_list(int rootfd, const struct dpkg_package *p, char **ret,
		     size_t *ret_bytes)
{
	char path[3 * NAME_LIMIT_BYTES];
	int r;

	snprintf(path, sizeof(path), ADMIN_DIR "/info/%.*s.list", (int)p->name.bytes,
		 p->name.text);
	r = read_text(rootfd, path, ret, ret_bytes);
	if (r != -ENOENT)
		return r;
	snprintf(path, sizeof(path), ADMIN_DIR "/info/%.*s:%.*s.list", (int)p->name.bytes,
		 p->name.text, (int)p->arch.bytes, p->arch.text);
	return read_text(rootfd, path, ret, ret_bytes);
}

static int add_package(const struct dpkg_package *p, void *userdata)
{
	struct dpkg_reader *reader = userdata;
	_cleanup_free_ char *list = NULL;
	char name[3 * NAME_LIMIT_BYTES + 8];
	size_t bytes = 0;
	char *line;
	int r;

	if (!p->is_installed)
		return 0;
	snprintf(name, sizeof(name), "%.*s_%.*s_%.*s", (int)p->name.bytes, p->name.text,
		 (int)p->version.bytes, p->version.text, (int)p->arch.bytes, p->arch.text);
	r = name_list_add(&reader->installed->packages, name);
	if (r == 0)
		r = read_list(reader->rootfd, p, &list, &bytes);
	if (r < 0) /* without its list, a package has no files that we know of */
		return r == -ENOMEM ? r : 0;
	for (char *rest = list; (line = strsep(&rest, "\n"));)
		installed_claim(reader->installed, reader->wanted, line);
	return 0;
}

int dpkg_read_installed(int rootfd, struct wanted *w, struct installed *ret,
			struct diag *diag)
{
	struct dpkg_reader reader = { rootfd, w, ret };
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = read_text(rootfd, ADMIN_DIR "/status", &text, &bytes);

	if (r == -ENOENT)
		diag_set(diag, 0, 0, "no database of rpm or dpkg");
	else if (r < 0)
		diag_set(diag, 0, 0, ADMIN_DIR "/status: %s", strerror(-r));
	return r < 0 ? r : dpkg_parse_status(text, bytes, add_package, &reader);
}
