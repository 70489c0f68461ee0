/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io.h"
#include "bounds.h"
#include "shadow-read.h"
#include "boot-unused.h"
#include "vec.h"

#define HEADER	    "elfcast-unused 1 "
#define HEADER_NAME "elfcast-unused "

void boot_unused_done(struct boot_unused *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->items[i].program);
	free(u->items);
	*u = (struct boot_unused){ 0 };
}

/* ---- questions ---- */

static int compare_programs(const void *key, const void *item)
{
	return strcmp(key, ((const struct unused_program *)item)->program);
}

static struct unused_program *find(const struct boot_unused *u, const char *program)
{
	return u->n ? bsearch(program, u->items, u->n, sizeof(u->items[0]),
			      compare_programs)
		    : NULL;
}

uint32_t boot_unused_boots(const struct boot_unused *u, const char *program)
{
	const struct unused_program *p = find(u, program);

	return p ? p->n_boots : 0;
}

bool boot_unused_is_hopeless(const struct boot_unused *u, const char *program)
{
	return boot_unused_boots(u, program) >= UNUSED_BOOTS;
}

/* ---- a boot ---- */

static bool was_launched(const struct launch_counts *l, const char *program,
			 uint64_t since_s)
{
	const struct launch_count *c = launch_counts_find(l, program);

	return c && c->last_s >= since_s;
}

static bool strike_off(struct boot_unused *u, uint64_t since_s,
		       const struct name_list *pack, const struct launch_counts *l)
{
	size_t kept = 0, n = u->n;

	for (size_t i = 0; i < n; i++) {
		struct unused_program *p = &u->items[i];

		if (!was_launched(l, p->program, since_s) &&
		    (p->n_boots >= UNUSED_BOOTS || name_list_has(pack, p->program)))
			u->items[kept++] = *p;
		else
			free(p->program);
	}
	u->n = kept;
	return kept < n;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct unused_program *)a)->program,
		      ((const struct unused_program *)b)->program);
}

static int append(struct boot_unused *u, char *program, uint32_t n_boots)
{
	if (!program || VEC_RESERVE_ONE(u->items, u->n, u->capacity) < 0) {
		free(program);
		return -ENOMEM;
	}
	u->items[u->n++] = (struct unused_program){ program, n_boots };
	return 0;
}

static bool is_path(const char *s, size_t bytes)
{
	if (bytes == 0 || bytes > LIMIT_LAUNCH_PATH_BYTES || s[0] != '/')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

/* One boot more for all that were not launched; the list stays sorted. */
static int add_boot(struct boot_unused *u, uint64_t since_s, const struct name_list *pack,
		    const struct launch_counts *l)
{
	size_t n_known = u->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < pack->n; i++) {
		const char *program = pack->names[i];
		struct boot_unused known = { .items = u->items, .n = n_known };
		struct unused_program *p = find(&known, program);

		if (was_launched(l, program, since_s))
			continue;
		if (p)
			p->n_boots = MIN(p->n_boots + 1, LIMIT_UNUSED_BOOTS);
		else if (u->n < LIMIT_LAUNCHES && is_path(program, strlen(program)))
			r = append(u, strdup(program), 1);
	}
	if (u->n > n_known)
		qsort(u->items, u->n, sizeof(u->items[0]), compare_items);
	return r;
}

static bool is_boot_id(const char *s)
{
	return strlen(s) == UNUSED_BOOT_ID_BYTES && s[strspn(s, "0123456789abcdef-")] == 0;
}

int boot_unused_note(struct boot_unused *u, const char *boot_id, uint64_t since_s,
		     const struct name_list *pack, const struct launch_counts *l,
		     bool *ret_changed)
{
	int r;

	if (!is_boot_id(boot_id))
		return -EINVAL;
	*ret_changed = strike_off(u, since_s, pack, l);
	if (strcmp(boot_id, u->boot_id) == 0)
		return 0;
	r = add_boot(u, since_s, pack, l);
	memcpy(u->boot_id, boot_id, sizeof(u->boot_id));
	*ret_changed = true;
	return r;
}

/* ---- text ---- */

/* The next line of TEXT without its newline; false: none that is whole. */
static bool take_line(const char **text, const char *end, const char **ret,
		      size_t *ret_bytes)
{
	const char *newline = memchr(*text, '\n', (size_t)(end - *text));

	if (!newline)
		return false;
	*ret = *text;
	*ret_bytes = (size_t)(newline - *text);
	*text = newline + 1;
	return true;
}

/* Digits without leading zeros at the start of LINE, 0 .. MAX. Returns how many; 0: none. */
static size_t parse_number(const char *line, size_t bytes, uint32_t max, uint32_t *ret)
{
	uint64_t x = 0;
	size_t i;

	for (i = 0; i < bytes && line[i] >= '0' && line[i] <= '9'; i++) {
		x = x * 10 + (uint64_t)(line[i] - '0');
		if (x > max)
			return 0;
	}
	*ret = (uint32_t)x;
	return i > 1 && line[0] == '0' ? 0 : i;
}

static int parse_header(const char *line, size_t bytes, struct boot_unused *u)
{
	size_t n = strlen(HEADER);

	if (bytes < strlen(HEADER_NAME) ||
	    memcmp(line, HEADER_NAME, strlen(HEADER_NAME)) != 0)
		return -EBADMSG;
	if (bytes < n || memcmp(line, HEADER, n) != 0)
		return -ESTALE;
	if (bytes != n + UNUSED_BOOT_ID_BYTES)
		return -EBADMSG;
	memcpy(u->boot_id, line + n, UNUSED_BOOT_ID_BYTES);
	return is_boot_id(u->boot_id) ? 0 : -EBADMSG;
}

/* "3 /usr/bin/git" */
static int parse_program(const char *line, size_t bytes, struct boot_unused *u)
{
	uint32_t n_boots = 0;
	size_t n = parse_number(line, bytes, LIMIT_UNUSED_BOOTS, &n_boots);
	char *program;

	if (n == 0 || n_boots == 0 || n == bytes || line[n] != ' ' ||
	    !is_path(line + n + 1, bytes - n - 1))
		return -EBADMSG;
	if (u->n >= LIMIT_LAUNCHES)
		return -E2BIG;
	program = strndup(line + n + 1, bytes - n - 1);
	if (program && u->n && strcmp(u->items[u->n - 1].program, program) >= 0) {
		free(program);
		return -EBADMSG;
	}
	return append(u, program, n_boots);
}

static int parse_all(const char *text, const char *end, struct boot_unused *u)
{
	const char *line;
	size_t bytes, n;
	uint32_t count;
	int r;

	if (!take_line(&text, end, &line, &bytes))
		return -EBADMSG;
	r = parse_header(line, bytes, u);
	while (r == 0) {
		if (!take_line(&text, end, &line, &bytes))
			return -EBADMSG;
		if (bytes > 4 && memcmp(line, "end ", 4) == 0) {
			/* Nothing that was cut off anywhere ends like this. */
			n = parse_number(line + 4, bytes - 4, LIMIT_LAUNCHES, &count);
			return n == bytes - 4 && count == u->n && text == end ? 0
									      : -EBADMSG;
		}
		r = parse_program(line, bytes, u);
	}
	return r;
}

int boot_unused_parse(const char *text, size_t bytes, struct boot_unused *ret)
{
	struct boot_unused u = { 0 };
	int r = parse_all(text, text + bytes, &u);

	if (r < 0) {
		boot_unused_done(&u);
		return r;
	}
	*ret = u;
	return 0;
}

int boot_unused_format(const struct boot_unused *u, char **ret, size_t *ret_bytes)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);
	bool bad;

	if (!f)
		return -ENOMEM;
	fprintf(f, HEADER "%s\n", u->boot_id);
	for (size_t i = 0; i < u->n; i++)
		fprintf(f, "%u %s\n", u->items[i].n_boots, u->items[i].program);
	fprintf(f, "end %zu\n", u->n);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_bytes = bytes;
	return 0;
}

/* ---- files ---- */

int boot_unused_load(const struct store *s, struct boot_unused *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_UNUSED, NULL, &data, &bytes);

	return r < 0 ? r : boot_unused_parse((const char *)data, bytes, ret);
}

static int add_programs(const struct shadow *pack, struct name_list *l)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < pack->n_launches; i++) {
		const struct shadow_launch *launch = &pack->launches[i];

		if (strcmp(shadow_string(pack, launch->scenario), SCENARIO_BOOT) != 0)
			r = name_list_add(l, shadow_string(pack, launch->program));
	}
	/* A program may have several scenarios. */
	name_list_sort_unique(l);
	return r;
}

int boot_unused_pack_programs(const struct store *s, struct name_list *ret)
{
	_cleanup_(name_list_done) struct name_list l = { 0 };
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	int r = store_load(s, STORE_PACK, NULL, &pack);

	if (r == 0)
		r = add_programs(&pack.shadow, &l);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct name_list){ 0 };
	return 0;
}

static int read_boot_id(char ret[UNUSED_BOOT_ID_BYTES + 1])
{
	_cleanup_close_ int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	ret[UNUSED_BOOT_ID_BYTES] = 0;
	return fd < 0 ? -errno : io_read_full(fd, ret, UNUSED_BOOT_ID_BYTES);
}

static uint64_t seconds(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) == 0 ? (uint64_t)MAX(t.tv_sec, 0) : 0;
}

int boot_unused_note_stored(const struct store *s, const struct launch_counts *l,
			    uint64_t watched_s)
{
	_cleanup_(name_list_done) struct name_list pack = { 0 };
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_free_ char *text = NULL;
	uint64_t now_s = seconds(CLOCK_REALTIME), up_s = seconds(CLOCK_BOOTTIME);
	char boot_id[UNUSED_BOOT_ID_BYTES + 1];
	bool changed = false;
	size_t bytes;
	int r = boot_unused_load(s, &u);

	if (r < 0 && r != -ENOENT && !launch_counts_are_lost(r))
		return r;
	r = boot_unused_pack_programs(s, &pack);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* nothing was read ahead */
	r = read_boot_id(boot_id);
	if (r < 0)
		return r;
	/* No evidence: as if it had counted before. Of a file that is new, nothing to strike. */
	if (up_s < UNUSED_SHORTEST_S || watched_s > UNUSED_LATEST_S ||
	    now_s < LAUNCHES_FIRST_CLOCK_S) {
		if (u.n == 0)
			return 0;
		memcpy(boot_id, u.boot_id, sizeof(boot_id));
	}
	r = boot_unused_note(&u, boot_id, now_s - MIN(up_s, now_s), &pack, l, &changed);
	if (r < 0 || !changed)
		return r;
	r = boot_unused_format(&u, &text, &bytes);
	return r < 0 ? r : store_put(s, STORE_UNUSED, NULL, text, bytes, &changed);
}
