/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the disks and the kernel have counted is written down; the reader is the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "blockdev.h"
#include "disk-reads.h"

static char dir[] = "/tmp/elfcast-test-reads-XXXXXX";
static int dirfd_, io_fd;
static struct mounts *mounts;

/* /usr lies on the second partition of the same disk, /data on another disk. */
static const char table[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
			    "2 1 8:2 / /usr rw - ext4 /dev/sda2 rw\n"
			    "3 1 8:16 / /data rw - ext4 /dev/sdb rw\n"
			    "4 1 0:50 / /live rw - overlay overlay rw\n";

static void put(const char *path, const char *text)
{
	int fd = openat(dirfd_, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void set_disk(const char *name, unsigned sectors)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "%s/stat", name);
	snprintf(text, sizeof(text), "  7  0  %u  3 0 0 0 0 0 0 0\n", sectors);
	put(path, text);
}

static void set_own(unsigned long long bytes)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: %llu\n"
		 "write_bytes: 77\ncancelled_write_bytes: 0\n",
		 bytes);
	put("io", text);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(dirfd_, "dev", 0700);
	mkdirat(dirfd_, "dev/block", 0700);
	mkdirat(dirfd_, "sda", 0700);
	mkdirat(dirfd_, "sda/sda1", 0700);
	mkdirat(dirfd_, "sda/sda2", 0700);
	mkdirat(dirfd_, "sdb", 0700);
	put("sda/dev", "8:0\n");
	put("sda/sda1/dev", "8:1\n");
	put("sda/sda1/partition", "1\n");
	put("sda/sda2/dev", "8:2\n");
	put("sda/sda2/partition", "2\n");
	put("sdb/dev", "8:16\n");
	symlinkat("../../sda", dirfd_, "dev/block/8:0");
	symlinkat("../../sda/sda1", dirfd_, "dev/block/8:1");
	symlinkat("../../sda/sda2", dirfd_, "dev/block/8:2");
	symlinkat("../../sdb", dirfd_, "dev/block/8:16");
	set_disk("sda", 0);
	set_disk("sdb", 0);
	set_own(0);
	io_fd = openat(dirfd_, "io", O_RDONLY | O_CLOEXEC);
	return mounts_parse(table, strlen(table), &mounts);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	close(dirfd_);
	close(io_fd);
	mounts_free(mounts);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Objects at PATHS, the last one NULL; one that begins with '-' has no extents. */
static struct disk_reads init(const char *root, const char *const *paths,
			      const _Atomic uint64_t *also)
{
	static struct shadow_object objects[8];
	static char strings[1024];
	struct shadow s = { .objects = objects, .strings = strings };
	struct disk_reads d;
	size_t used = 0;

	for (; *paths; paths++) {
		const char *path = *paths + (**paths == '-');

		objects[s.n_objects++] = (struct shadow_object){
			.path = le32_make((uint32_t)used),
			.first_extent = le32_make(**paths == '-' ? SHADOW_NONE : 0),
		};
		used += (size_t)sprintf(strings + used, "%s", path) + 1;
	}
	disk_reads_init(&d, io_fd, dirfd_, also);
	disk_reads_add_objects(&d, mounts, root, &s);
	return d;
}

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_which_disks(void **state)
{
	struct disk_reads d;

	(void)state;
	d = init("/", PATHS("/bin/a", "/bin/b", "/usr/bin/c", "-/data/x"), NULL);
	assert_int_equal(d.n_disks, 1);
	assert_int_equal(d.disks[0], makedev(8, 0));
	d = init("/", PATHS("/bin/a", "/data/x", "/live/y"), NULL);
	assert_int_equal(d.n_disks, 2);
	d = init("/data", PATHS("/bin/a"), NULL);
	assert_int_equal(d.n_disks, 1);
	assert_int_equal(d.disks[0], makedev(8, 16));
	d = init("/", PATHS("/live/y"), NULL);
	assert_int_equal(d.n_disks, 0);
	assert_false(disk_reads_by_others(&d));
}

static void test_others(void **state)
{
	struct disk_reads d;

	(void)state;
	set_own(1000);
	set_disk("sda", 5000);
	set_disk("sdb", 0);
	d = init("/", PATHS("/bin/a", "/data/x"), NULL);
	assert_false(disk_reads_by_others(&d));
	/* Ours, under way: counted as ours already. */
	set_own(1000 + 8192);
	assert_false(disk_reads_by_others(&d));
	set_disk("sda", 5000 + 16);
	assert_false(disk_reads_by_others(&d));
	/* One sector of others, on either disk; told once. */
	set_disk("sda", 5000 + 17);
	assert_true(disk_reads_by_others(&d));
	assert_false(disk_reads_by_others(&d));
	set_disk("sdb", 1);
	assert_true(disk_reads_by_others(&d));
	/* Hidden by ours until those have come back. */
	set_own(1000 + 8192 + 4096);
	set_disk("sdb", 2);
	assert_false(disk_reads_by_others(&d));
	set_disk("sda", 5000 + 17 + 8);
	assert_true(disk_reads_by_others(&d));
}

static void test_in_flight(void **state)
{
	struct disk_reads d;

	(void)state;
	d = init("/", PATHS("/bin/a", "/data/x"), NULL);
	assert_false(disk_reads_in_flight(&d)); /* there is no telling */
	put("sda/inflight", "       0        7\n");
	put("sdb/inflight", "       0        0\n");
	assert_false(disk_reads_in_flight(&d));
	put("sdb/inflight", "       2        0\n");
	assert_true(disk_reads_in_flight(&d));
	put("sdb/inflight", "none\n");
	assert_false(disk_reads_in_flight(&d));
}

static void test_another_process_of_ours(void **state)
{
	_Atomic uint64_t also = 0;
	struct disk_reads d;

	(void)state;
	set_own(0);
	set_disk("sda", 0);
	set_disk("sdb", 0);
	d = init("/", PATHS("/bin/a"), &also);
	also = 4096;
	set_disk("sda", 8);
	assert_false(disk_reads_by_others(&d));
	set_disk("sda", 9);
	assert_true(disk_reads_by_others(&d));
}

/* What a disk read before it was added is nobody's; what those did that were there counts. */
static void test_added_later(void **state)
{
	struct disk_reads d;

	(void)state;
	set_own(0);
	set_disk("sda", 100);
	set_disk("sdb", 7000);
	d = init("/", PATHS("/bin/a"), NULL);
	set_disk("sdb", 8000);
	disk_reads_add_path(&d, mounts, "/", "/data");
	disk_reads_add_path(&d, mounts, "/", "/usr"); /* known */
	assert_int_equal(d.n_disks, 2);
	assert_false(disk_reads_by_others(&d));
	set_disk("sdb", 8001);
	assert_true(disk_reads_by_others(&d));
	set_disk("sda", 101);
	disk_reads_add_path(&d, mounts, "/", "/live");
	assert_true(disk_reads_by_others(&d));
}

static void test_kernel_that_does_not_count(void **state)
{
	struct disk_reads d;

	(void)state;
	put("io", "rchar: 1\n");
	assert_int_equal(disk_reads_own(io_fd), 0);
	assert_int_equal(disk_reads_own(-1), 0);
	disk_reads_init(&d, -1, dirfd_, NULL);
	disk_reads_add_path(&d, mounts, "/", "/bin");
	assert_int_equal(d.n_disks, 0);
	assert_false(disk_reads_by_others(&d));
	set_own(4711);
	assert_int_equal(disk_reads_own(io_fd), 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_disks),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_another_process_of_ours),
		cmocka_unit_test(test_added_later),
		cmocka_unit_test(test_kernel_that_does_not_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
