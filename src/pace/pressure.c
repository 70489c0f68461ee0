/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "macro.h"
#include "pressure.h"

#define PRESSURE_HIGH 2000u /* hundredths of a percent */
/* It has some 200 lines, of 30 bytes. */
#define VMSTAT_BYTES  32768

uint64_t pressure_count_scanned(const char *vmstat)
{
	static const char *const names[] = { "\npgscan_kswapd ", "\npgscan_direct " };
	unsigned long long n;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *line = strstr(vmstat, names[i]);

		if (line && sscanf(line + strlen(names[i]), "%llu", &n) == 1)
			sum += n;
	}
	return sum;
}

/* 0: there is no telling. */
static uint64_t scanned_now(void)
{
	_cleanup_close_ int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	char text[VMSTAT_BYTES];
	size_t used = 0;
	ssize_t n = 0;

	while (fd >= 0 && used < sizeof(text) - 1 &&
	       (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = 0;
	return pressure_count_scanned(text);
}

/*
 * When tasks have waited for memory for 5 % of a second, or of two where only such periods
 * are for everyone (Linux 6.4; before, it takes CAP_SYS_RESOURCE).
 */
static int open_trigger(void)
{
	static const char *const triggers[] = { "some 50000 1000000",
						"some 100000 2000000" };
	int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(triggers); i++)
		if (write(fd, triggers[i], strlen(triggers[i]) + 1) > 0)
			return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

struct pressure pressure_open(void)
{
	return (struct pressure){ .fd = open_trigger(), .scanned = scanned_now() };
}

unsigned pressure_of_text(const char *text)
{
	unsigned percent, hundredths;

	return sscanf(text, "some avg10=%3u.%2u", &percent, &hundredths) == 2
		       ? percent * 100 + hundredths
		       : 0;
}

bool pressure_is_high(uint64_t *scanned)
{
	_cleanup_close_ int fd = open("/proc/pressure/memory", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	uint64_t before = *scanned;

	text[MAX(n, 0)] = 0;
	if (pressure_of_text(text) < PRESSURE_HIGH)
		return false;
	*scanned = scanned_now();
	return *scanned > before;
}

bool pressure_is_everyones(const struct pressure *p)
{
	return scanned_now() > p->scanned;
}
