/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bench makes of its rounds, and what it asks of the block layer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bench-summary.h"
#include "macro.h"

#define N 8

static void fill(struct bench_round *rounds, enum bench_way way, const unsigned *ms)
{
	for (size_t i = 0; i < N; i++) {
		struct bench_sample *s = &rounds[i].ways[way];

		s->launch.wall_us = ms[i] * 1000;
		s->launch.n_major = way == BENCH_COLD ? 100 + i : 0;
		s->launch.n_minor = 1000 + i;
		s->reads.n_requests = 10 * i;
		s->reads.n_bytes = 4096 * i;
		s->n_kept = 7;
		s->prefetcher.cpu_us = 1500;
		s->prefetch.elapsed_us = 2500;
	}
}

static void test_summary(void **state)
{
	static const unsigned cold[N] = { 500, 520, 540, 510, 530, 520, 520, 520 },
			      before[N] = { 100, 110, 120, 110, 110, 105, 115, 110 },
			      together[N] = { 600, 450, 520, 520, 400, 640, 520, 500 },
			      warm[N] = { 620, 640, 600, 610, 630, 620, 620, 650 };
	struct bench_round rounds[N] = { 0 };
	struct bench_summary s;

	(void)state;
	fill(rounds, BENCH_COLD, cold);
	fill(rounds, BENCH_BEFORE, before);
	fill(rounds, BENCH_TOGETHER, together);
	fill(rounds, BENCH_WARM, warm);
	assert_int_equal(bench_summarise(rounds, N, &s), 0);
	assert_true(s.ways[BENCH_COLD].ms.value == 520);
	assert_true(s.ways[BENCH_BEFORE].saves.value == 410);
	assert_true(s.ways[BENCH_BEFORE].saves.low >= 395);
	assert_true(s.ways[BENCH_BEFORE].saves.high <= 420);
	assert_int_equal(s.ways[BENCH_BEFORE].verdict, VERDICT_GAIN);
	assert_int_equal(s.ways[BENCH_TOGETHER].verdict, VERDICT_NO_GAIN);
	assert_int_equal(s.ways[BENCH_WARM].verdict, VERDICT_LOSS);
	assert_true(s.ways[BENCH_COLD].n_major == 103.5);
	assert_true(s.ways[BENCH_COLD].n_requests == 35);
	assert_true(s.ways[BENCH_COLD].n_bytes == 4096 * 3.5);
	assert_true(s.ways[BENCH_COLD].n_kept == 7);
	assert_true(s.ways[BENCH_WARM].n_minor == 1003.5);
	assert_true(s.ways[BENCH_BEFORE].prefetch_cpu_ms == 1.5);
	assert_true(s.ways[BENCH_BEFORE].prefetch_ms == 2.5);
	assert_true(s.was_cold);
	/* Fewer rounds, however clear they look. */
	assert_int_equal(bench_summarise(rounds, STATS_N_MIN - 1, &s), 0);
	assert_int_equal(s.ways[BENCH_BEFORE].verdict, VERDICT_TOO_FEW);
	for (size_t i = 0; i < N; i++)
		rounds[i].ways[BENCH_COLD].launch.n_major = 0;
	assert_int_equal(bench_summarise(rounds, N, &s), 0);
	assert_false(s.was_cold);
	for (size_t i = 0; i < N; i++)
		rounds[i].ways[BENCH_WARM].reads.n_requests = 0;
	assert_int_equal(bench_summarise(rounds, N, &s), 0);
	assert_true(s.was_cold);
}

static void test_judge(void **state)
{
	const struct estimate touches = { 5, 0, 10 }, above = { 5, 0.1, 10 },
			      below = { -5, -10, -0.1 };

	(void)state;
	assert_int_equal(bench_judge(&touches, 10), VERDICT_NO_GAIN);
	assert_int_equal(bench_judge(&above, 10), VERDICT_GAIN);
	assert_int_equal(bench_judge(&below, 10), VERDICT_LOSS);
	assert_int_equal(bench_judge(&above, STATS_N_MIN - 1), VERDICT_TOO_FEW);
	assert_int_equal(bench_judge(&above, STATS_N_MIN), VERDICT_GAIN);
}

/* A sysfs of our own with one device, 8:1. */
static int make_sys(char *dir, const char *stat)
{
	char path[256];
	int fd;

	strcpy(dir, "/tmp/elfcast-bench-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 3; i++) {
		static const char *const parts[] = { "dev", "dev/block", "dev/block/8:1" };

		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/dev/block/8:1/stat", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, stat, strlen(stat)), (ssize_t)strlen(stat));
	close(fd);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_sys(int fd, const char *dir)
{
	unlinkat(fd, "dev/block/8:1/partition", 0);
	unlinkat(fd, "dev/block/8:1/start", 0);
	unlinkat(fd, "dev/block/8:1/stat", 0);
	unlinkat(fd, "dev/block/8:1", AT_REMOVEDIR);
	unlinkat(fd, "dev/block", AT_REMOVEDIR);
	unlinkat(fd, "dev", AT_REMOVEDIR);
	close(fd);
	rmdir(dir);
}

static int count(const char *stat, struct blockdev_reads *ret)
{
	char dir[64];
	int fd = make_sys(dir, stat), r;

	r = blockdev_count_reads(fd, makedev(8, 1), ret);
	assert_int_equal(blockdev_count_reads(fd, makedev(8, 2), ret), -ENOENT);
	remove_sys(fd, dir);
	return r;
}

static void put_attribute(int sysfd, const char *name, const char *text)
{
	int fd = openat(sysfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_start_of_a_partition(void **state)
{
	char dir[64];
	int fd = make_sys(dir, "");
	uint64_t start = 1;

	(void)state;
	assert_int_equal(blockdev_start(fd, makedev(8, 1), &start), 0);
	assert_int_equal(start, 0); /* a whole disk */
	put_attribute(fd, "dev/block/8:1/partition", "1\n");
	assert_int_equal(blockdev_start(fd, makedev(8, 1), &start), -EINVAL);
	put_attribute(fd, "dev/block/8:1/start", "2048\n");
	assert_int_equal(blockdev_start(fd, makedev(8, 1), &start), 0);
	assert_int_equal(start, 2048);
	assert_int_equal(blockdev_start(fd, makedev(8, 2), &start), -ENOENT);
	remove_sys(fd, dir);
}

static void test_count_reads(void **state)
{
	struct blockdev_reads reads = { 0 };

	(void)state;
	assert_int_equal(count("   622333    41404 19504026   779958   525034\n", &reads),
			 0);
	assert_int_equal(reads.n_requests, 622333);
	assert_int_equal(reads.n_bytes, 19504026ull * 512);
	assert_int_equal(count("", &reads), -EINVAL);
	assert_int_equal(count("12 34\n", &reads), -EINVAL);
	assert_int_equal(count("what is this\n", &reads), -EINVAL);
}

static void test_device(void **state)
{
	static const char text[] = "1 0 8:5 / / rw - ext4 /dev/sda5 rw\n"
				   "2 1 0:30 / /overlay rw - overlay overlay rw\n"
				   "3 1 0:31 / /none rw - btrfs /dev/no-such-device rw\n";
	_cleanup_(mounts_freep) struct mounts *m = NULL;
	dev_t dev = 0;

	(void)state;
	assert_int_equal(mounts_parse(text, sizeof(text) - 1, &m), 0);
	assert_int_equal(mounts_device(m, "/usr/bin/x", &dev), 0);
	assert_int_equal(dev, makedev(8, 5));
	assert_int_equal(mounts_device(m, "/overlay/x", &dev), -ENOENT);
	assert_int_equal(mounts_device(m, "/none/x", &dev), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_count_reads),
		cmocka_unit_test(test_start_of_a_partition),
		cmocka_unit_test(test_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
