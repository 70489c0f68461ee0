/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cursor.h"
#include "macro.h"
#include "watch-state.h"

#define HEADER	"elfcast-watch 3\n"
#define LARGEST 999999999999999999u

static const struct field {
	const char *name;
	size_t offset;
} fields[] = {
	{ "pid ", offsetof(struct watch_state, pid) },
	{ "start ", offsetof(struct watch_state, start_ticks) },
	{ "programs ", offsetof(struct watch_state, n_programs) },
	{ "unwatched ", offsetof(struct watch_state, n_unwatched) },
	{ "overflows ", offsetof(struct watch_state, n_overflows) },
	{ "error ", offsetof(struct watch_state, last_error) },
	{ "read ", offsetof(struct watch_state, n_read) },
	{ "alone ", offsetof(struct watch_state, n_alone) },
	{ "resident ", offsetof(struct watch_state, n_resident) },
	{ "again ", offsetof(struct watch_state, n_again) },
	{ "dropped ", offsetof(struct watch_state, n_dropped) },
	{ "pages ", offsetof(struct watch_state, n_pages) },
	{ "timed ", offsetof(struct watch_state, n_timed) },
	{ "timed-ms ", offsetof(struct watch_state, timed_ms) },
};

int watch_state_parse(const char *text, size_t bytes, struct watch_state *ret)
{
	struct cursor c = { text, text + bytes };
	struct watch_state w;

	if (!cursor_take_text(&c, HEADER))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t *value = (uint64_t *)(void *)((char *)&w + fields[i].offset);

		if (!cursor_take_text(&c, fields[i].name) ||
		    !cursor_take_number(&c, LARGEST, value) || !cursor_take_text(&c, "\n"))
			return -EBADMSG;
	}
	if (c.p != c.end)
		return -EBADMSG;
	*ret = w;
	return 0;
}

size_t watch_state_format(const struct watch_state *w, char *ret, size_t bytes)
{
	size_t n = (size_t)snprintf(ret, bytes, HEADER);

	for (size_t i = 0; i < ARRAY_SIZE(fields) && n < bytes; i++) {
		uint64_t value;

		memcpy(&value, (const char *)w + fields[i].offset, sizeof(value));
		n += (size_t)snprintf(ret + n, bytes - n, "%s%" PRIu64 "\n", fields[i].name,
				      value);
	}
	return MIN(n, bytes);
}

int watch_state_load(const struct store *s, struct watch_state *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_WATCH, NULL, &data, &bytes);

	return r < 0 ? r : watch_state_parse((const char *)data, bytes, ret);
}

int watch_state_save(const struct store *s, const struct watch_state *w)
{
	char text[512];
	size_t n = watch_state_format(w, text, sizeof(text));
	bool written;

	return store_put(s, STORE_WATCH, NULL, text, n, &written);
}

/* Field 22 of /proc/PID/stat, in ticks of CLOCK_BOOTTIME; the name before, in brackets, may hold anything. */
static int read_ticks(uint64_t pid, uint64_t *ret)
{
	_cleanup_close_ int fd = -1;
	char path[64], text[1024];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	p = strrchr(text, ')');
	for (unsigned field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EBADMSG;
	*ret = strtoull(p, NULL, 10);
	return 0;
}

uint64_t watch_state_process_us(uint64_t pid, uint64_t otherwise)
{
	uint64_t up_us = clock_boottime_ms() * 1000, now_us = clock_us(), ticks, us;

	if (read_ticks(pid, &ticks) < 0)
		return otherwise;
	us = ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	return now_us - MIN(now_us, up_us - MIN(up_us, us));
}

/* 0: there is none. */
static uint64_t start_of(uint64_t pid)
{
	uint64_t ticks;

	return read_ticks(pid, &ticks) < 0 ? 0 : ticks;
}

void watch_state_set_self(struct watch_state *w)
{
	w->pid = (uint64_t)getpid();
	w->start_ticks = start_of(w->pid);
}

uint64_t watch_state_start_s(const struct watch_state *w)
{
	return w->start_ticks / (uint64_t)sysconf(_SC_CLK_TCK);
}

bool watch_state_is_running(const struct watch_state *w)
{
	uint64_t start = start_of(w->pid);

	return start != 0 && start == w->start_ticks;
}
