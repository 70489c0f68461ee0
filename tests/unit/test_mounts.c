/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "blockdev.h"
#include "mounts.h"
#include "storage.h"

/* Instead of the C library's: how often mounts.c has compared two names. */
int memcmp(const void *a, const void *b, size_t bytes);

static uint64_t n_compared;

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	n_compared++;
	for (size_t i = 0; i < bytes; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static struct mounts *parse(const char *text)
{
	struct mounts *m = NULL;

	assert_int_equal(mounts_parse(text, strlen(text), &m), 0);
	assert_non_null(m);
	return m;
}

static void check_type(const char *text, const char *path, const char *type, bool local)
{
	struct mounts *m = parse(text);

	assert_string_equal(mounts_fstype(m, path), type);
	assert_int_equal(mounts_is_local(m, path), local);
	mounts_free(m);
}

#define ROOT "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

static void test_longest_prefix(void **state)
{
	static const char text[] = ROOT "2 1 0:50 / /home rw - nfs4 server:/home rw\n"
					"3 1 8:2 / /homework rw - xfs /dev/sda2 rw\n"
					"4 2 8:3 / /home/local rw - btrfs /dev/sda3 rw\n"
					"5 1 0:51 / /run rw,nosuid shared:5 master:1 "
					"propagate_from:2 - tmpfs tmpfs rw\n"
					"6 1 0:52 / /proc rw - proc proc rw\n";

	(void)state;
	check_type(text, "/", "ext4", true);
	check_type(text, "/usr/bin/git", "ext4", true);
	check_type(text, "/home", "nfs4", false);
	check_type(text, "/home/a", "nfs4", false);
	check_type(text, "/homework/a", "xfs", true);
	check_type(text, "/homewor", "ext4", true);
	check_type(text, "/run/x", "tmpfs", true);
	check_type(text, "/proc/self/maps", "proc", false);
	/* A local mount that only a remote directory leads to. */
	check_type(text, "/home/local/a", "btrfs", false);
}

static void test_paths_that_mislead(void **state)
{
	static const char *const paths[] = { "",	 "usr",	    "/usr/../home/a",
					     "/usr/./a", "//usr/a", "/usr//a",
					     "/usr/..",	 "/.",	    "/..",
					     "/usr/",	 "./a" };
	struct mounts *m = parse(ROOT);

	(void)state;
	assert_true(mounts_is_local(m, "/usr/..a/...b/.c"));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (mounts_is_local(m, paths[i]))
			fail_msg("'%s' is said to be local", paths[i]);
	mounts_free(m);
}

static void test_stacked(void **state)
{
	(void)state;
	/* The second mount on the same point lies on top: its parent is the first. */
	check_type(ROOT "2 1 8:2 / /a rw - ext4 /dev/sda2 rw\n"
			"3 2 0:50 / /a rw - fuse.sshfs host: rw\n",
		   "/a/b", "fuse.sshfs", false);
	/* Local on top of a remote one: nobody asks the lower one, but its name stays. */
	check_type(ROOT "2 1 0:50 / /a rw - autofs systemd-1 rw\n"
			"3 2 8:2 / /a rw - ext4 /dev/sda2 rw\n",
		   "/a/b", "ext4", false);
	/* The real root over the initial one. */
	check_type(
		"1 1 0:2 / / rw - rootfs rootfs rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"/a", "ext4", true);
}

static void test_hidden_by_parent(void **state)
{
	static const char text[] = ROOT "2 1 8:2 / /a/b rw - ext4 /dev/sda2 rw\n"
					"3 1 0:50 / /a rw - nfs server:/ rw\n";
	static const char visible[] = ROOT "2 1 0:50 / /a/b rw - nfs server:/ rw\n"
					   "3 1 8:2 / /a rw - ext4 /dev/sda2 rw\n";

	(void)state;
	/* /a/b was mounted first and cannot be reached any more, whatever is longer. */
	check_type(text, "/a/b/c", "nfs", false);
	check_type(visible, "/a/b/c", "ext4", true);
}

static void test_bind_mount(void **state)
{
	(void)state;
	check_type(ROOT "2 1 0:50 /sub/dir /usr/share rw - fuse.portal portal rw\n",
		   "/usr/share/a", "fuse.portal", false);
	check_type(ROOT "2 1 8:1 /srv/www /var/www ro master:1 - ext4 /dev/sda1 rw\n",
		   "/var/www/a", "ext4", true);
}

static void test_escapes(void **state)
{
	static const char text[] =
		ROOT "2 1 0:50 / /a\\040b\\011\\134c\\012\\043 rw - nfs h:/x rw\n"
		     "3 1 0:51 / /odd\\04x\\9 rw - nfs h:/y rw\n";

	(void)state;
	check_type(text, "/a b\t\\c\n#/d", "nfs", false);
	check_type(text, "/a b", "ext4", true);
	check_type(text, "/odd\\04x\\9/z", "nfs", false);
}

static void test_chroot_without_root_mount(void **state)
{
	static const char text[] = "2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n";

	(void)state;
	check_type(text, "/usr/bin/git", "none", false);
	/* What holds the directory /data is not in the table. */
	check_type(text, "/data/a", "ext4", false);
	check_type("", "/", "none", false);
}

static void test_chroot_with_what_is_known_of_it(void **state)
{
	static const char text[] = "2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n"
				   "3 1 0:5 / /net rw - nfs host:/ rw\n"
				   "4 3 8:2 / /net/data rw - ext4 /dev/sda2 rw\n";
	struct mounts *m;
	dev_t dev;

	(void)state;
	assert_int_equal(mounts_parse(text, strlen(text), &m), 0);
	assert_int_equal(mounts_add_root(m, "xfs", makedev(8, 1)), 0);
	assert_true(mounts_is_local(m, "/usr/bin/git"));
	assert_string_equal(mounts_fstype(m, "/usr/bin/git"), "xfs");
	assert_int_equal(mounts_device(m, "/usr/bin/git", &dev), 0);
	assert_int_equal(dev, makedev(8, 1));
	assert_true(mounts_is_local(m, "/data/a"));
	assert_string_equal(mounts_fstype(m, "/data/a"), "ext4");
	assert_false(mounts_is_local(m, "/net/a"));
	assert_false(mounts_is_local(m, "/net/data/a"));
	/* There is one now. */
	assert_int_equal(mounts_add_root(m, "nfs", makedev(0, 9)), 0);
	assert_string_equal(mounts_fstype(m, "/"), "xfs");
	mounts_free(m);
	/* A root that is not local, and a line that may be any mount. */
	assert_int_equal(mounts_parse("", 0, &m), 0);
	assert_int_equal(mounts_add_root(m, "nfs", makedev(0, 9)), 0);
	assert_false(mounts_is_local(m, "/usr/bin/git"));
	mounts_free(m);
	assert_int_equal(mounts_parse("x\n", 2, &m), 0);
	assert_int_equal(mounts_add_root(m, "xfs", makedev(8, 1)), 0);
	assert_false(mounts_is_local(m, "/usr/bin/git"));
	mounts_free(m);
}

static void test_damaged_lines(void **state)
{
	static const char *const lines[] = {
		"x",
		"2 1 0:50 / /a rw",
		"2 1 0:50 / /a rw - ",
		"2 1 050 / /a rw - nfs h rw",
		"2 99999999999 0:5 / /a rw - nfs h rw",
		"2 1 0:5 / a rw - nfs h rw",
		" ",
		"2 1 0:5 / /a rw shared:1 nfs h rw",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[256];

		snprintf(text, sizeof(text), ROOT "%s\n", lines[i]);
		/* It may have been a remote mount anywhere. */
		check_type(text, "/a/b", "unreadable", false);
	}
	check_type(ROOT "2 1 0:5 / /a rw - tmpfs  rw\n", "/a/b", "tmpfs", true);
	/* The last line without its newline counts too. */
	check_type(ROOT "2 1 0:5 / /a rw - nfs h rw", "/a/b", "nfs", false);
}

static void test_cycles_end(void **state)
{
	(void)state;
	check_type(ROOT "2 3 8:2 / /a rw - ext4 x rw\n3 2 8:2 / /a rw - nfs x rw\n", "/a/b",
		   "ext4", true);
	check_type("1 1 8:2 / / rw - ext4 x rw\n1 1 8:2 / / rw - nfs x rw\n", "/a", "nfs",
		   false);
}

/* 2 N mounts, all right below "/": half of them on top of the other half. To be freed. */
static char *many_mounts(int n, const char *name)
{
	size_t room = (size_t)n * 2 * (strlen(name) + 100);
	char *text = malloc(room), *p = text;

	assert_non_null(text);
	p += sprintf(p, ROOT);
	for (int i = 0; i < n; i++)
		p += sprintf(p, "%d 1 0:%d / /m/%s%d rw - nfs src rw\n", i + 2, i + 2, name,
			     i);
	for (int i = n; i-- > 0;)
		p += sprintf(p, "%d 1 0:%d / /m/%s%d rw - %s src rw\n", n + i + 2, i + 2,
			     name, i, i % 2 ? "nfs" : "ext4");
	assert_true((size_t)(p - text) < room);
	return text;
}

static void test_many_and_long(void **state)
{
	enum { N = 5000, NAME = 200 };
	_cleanup_free_ char *text = NULL;
	struct mounts *m = NULL;
	char name[NAME + 1];

	(void)state;
	memset(name, 'n', NAME);
	name[NAME] = 0;
	text = many_mounts(N, name);
	m = parse(text);
	for (int i = 0; i < N; i++) {
		char path[NAME + 64];

		snprintf(path, sizeof(path), "/m/%s%d/f", name, i);
		assert_string_equal(mounts_fstype(m, path), i % 2 ? "nfs" : "ext4");
		assert_int_equal(mounts_is_local(m, path), i % 2 == 0);
	}
	mounts_free(m);
}

/*
 * Compile asks for every file of every profile. Twice the mounts may cost one comparison more
 * for each place where a path can be cut, not twice as many.
 */
static void test_many_mounts_cost_little(void **state)
{
	enum { N = 8192, LOOKUPS = 1000, PARTS = 6 };
	_cleanup_free_ char *text = many_mounts(N, "n");
	struct mounts *m;

	(void)state;
	n_compared = 0;
	m = parse(text);
	assert_true(n_compared <= 2 * N * 16);
	n_compared = 0;
	for (int i = 0; i < LOOKUPS; i++)
		assert_true(mounts_is_local(m, "/usr/share/a/b/c"));
	assert_uint_in_range(n_compared, LOOKUPS, LOOKUPS * (PARTS + 1) * 16);
	mounts_free(m);
}

static void test_this_machine(void **state)
{
	struct mounts *m = NULL;

	(void)state;
	assert_int_equal(mounts_load(&m), 0);
	assert_string_equal(mounts_fstype(m, "/proc/self/mountinfo"), "proc");
	assert_false(mounts_is_local(m, "/proc/self/mountinfo"));
	mounts_free(m);
}

static void test_class_names(void **state)
{
	enum storage_class c;

	(void)state;
	for (int i = 0; i < STORAGE_CLASSES; i++) {
		assert_int_equal(storage_class_from_name(storage_class_name(i), &c), 0);
		assert_int_equal(c, i);
	}
	assert_int_equal(storage_class_from_name("floppy", &c), -EINVAL);
	assert_string_equal(storage_class_name(STORAGE_CLASSES), "unknown");
}

/* A /sys of our own: what the devices say is written down, the reader is the real one. */
static char sys_dir[] = "/tmp/elfcast-test-sys-XXXXXX";
static int sysfd;

static void make_dirs(const char *path)
{
	char part[256];

	for (size_t i = 1; i <= strlen(path); i++)
		if (path[i] == '/' || path[i] == 0) {
			snprintf(part, sizeof(part), "%.*s", (int)i, path);
			if (mkdirat(sysfd, part, 0700) < 0)
				assert_int_equal(errno, EEXIST);
		}
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256], *slash;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	slash = strrchr(path, '/');
	*slash = 0;
	make_dirs(path);
	*slash = '/';
	fd = openat(sysfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void add_device(const char *dev, const char *dir, const char *rotational)
{
	char link[64], target[256];

	make_dirs("dev/block");
	make_dirs(dir);
	snprintf(link, sizeof(link), "dev/block/%s", dev);
	snprintf(target, sizeof(target), "../../%s", dir);
	assert_int_equal(symlinkat(target, sysfd, link), 0);
	snprintf(target, sizeof(target), "%s\n", dev);
	put(dir, "dev", target);
	if (rotational)
		put(dir, "queue/rotational", rotational);
}

static int setup_sys(void **state)
{
	(void)state;
	if (!mkdtemp(sys_dir))
		return -1;
	sysfd = open(sys_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	add_device("8:0", "devices/pci0/ata1/block/sda", "1\n");
	add_device("8:1", "devices/pci0/ata1/block/sda/sda1", NULL);
	put("devices/pci0/ata1/block/sda/sda1", "partition", "1\n");
	add_device("8:16", "devices/pci0/ata2/block/sdb", "0\n");
	add_device("8:32", "devices/platform/host2/session1/target2/block/sdc", "1\n");
	add_device("8:48", "devices/pci0/virtio3/host4/block/sdd", "1\n");
	put("devices/pci0/virtio3/host4/block/sdd", "device/model", "PersistentDisk  \n");
	add_device("254:0", "devices/pci0/virtio1/block/vda", "1\n");
	add_device("259:0", "devices/pci0/nvme/nvme0/nvme0n1", "0\n");
	add_device("259:1", "devices/pci0/nvme/nvme1/nvme1n1", "0\n");
	put("devices/pci0/nvme/nvme1/nvme1n1", "device/model",
	    "Amazon Elastic Block Store\n");
	/* As Oracle's and DigitalOcean's volumes: whatever it is called, it says it spins. */
	add_device("8:64", "devices/pci0/virtio4/host5/target5:0:1/block/sde", "1\n");
	put("devices/pci0/virtio4/host5/target5:0:1/block/sde", "device/model",
	    "BlockVolume     \n");
	add_device("8:80", "devices/pci0/virtio5/host6/target6:0:0/block/sdf", "1\n");
	put("devices/pci0/virtio5/host6/target6:0:0/block/sdf", "device/model", "Volume\n");
	add_device("8:81", "devices/pci0/virtio5/host6/target6:0:0/block/sdf/sdf1", NULL);
	put("devices/pci0/virtio5/host6/target6:0:0/block/sdf/sdf1", "partition", "1\n");
	add_device("202:0", "devices/vbd-51712/block/xvda", "1\n");
	add_device("8:96", "devices/vbd-2048/block/sdg", "1\n");
	add_device("252:0", "devices/platform/a003e00.virtio_mmio/virtio6/block/vdb",
		   "1\n");
	/* A cloud's volume, and a disk of the machine that the same cloud rents out. */
	add_device("259:2", "devices/pci0/nvme/nvme2/nvme2n1", "0\n");
	put("devices/pci0/nvme/nvme2/nvme2n1", "device/model",
	    "Alibaba Cloud Elastic Block Storage     \n");
	add_device("259:3", "devices/pci0/nvme/nvme3/nvme3n1", "0\n");
	put("devices/pci0/nvme/nvme3/nvme3n1", "device/model",
	    "Amazon EC2 NVMe Instance Storage\n");
	add_device("259:4", "devices/pci0/nvme/nvme4/nvme4n1", "0\n");
	put("devices/pci0/nvme/nvme4/nvme4n1", "device/model",
	    "Microsoft NVMe Direct Disk v2           \n");
	add_device("259:5", "devices/pci0/nvme/nvme5/nvme5n1", "0\n");
	put("devices/pci0/nvme/nvme5/nvme5n1", "device/model",
	    "VMware Virtual NVMe Disk\n");
	add_device("179:0", "devices/platform/mmc0/block/mmcblk0", "0\n");
	put("devices/platform/mmc0/block/mmcblk0", "queue/max_sectors_kb", "64\n");
	put("devices/platform/mmc0/block/mmcblk0", "queue/read_ahead_kb", "0\n");
	add_device("43:0", "devices/virtual/block/nbd0", "0\n");
	add_device("253:0", "devices/virtual/block/dm-0", "0\n");
	make_dirs("devices/virtual/block/dm-0/slaves");
	symlinkat("../../../../pci0/ata1/block/sda/sda1", sysfd,
		  "devices/virtual/block/dm-0/slaves/sda1");
	symlinkat("../../../../pci0/ata2/block/sdb", sysfd,
		  "devices/virtual/block/dm-0/slaves/sdb");
	add_device("253:1", "devices/virtual/block/dm-1", "0\n");
	make_dirs("devices/virtual/block/dm-1/slaves");
	symlinkat("../../dm-1", sysfd, "devices/virtual/block/dm-1/slaves/dm-1");
	add_device("7:3", "devices/virtual/block/loop3", "1\n");
	put("devices/virtual/block/loop3", "loop/backing_file", "/srv/root.img\n");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown_sys(void **state)
{
	(void)state;
	close(sysfd);
	return nftw(sys_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_device_classes(void **state)
{
	static const struct {
		unsigned major, minor;
		enum storage_class class;
	} devices[] = {
		{ 8, 0, STORAGE_ROTATIONAL },	{ 8, 1, STORAGE_ROTATIONAL },
		{ 8, 16, STORAGE_FLASH },	{ 8, 32, STORAGE_NETWORK },
		{ 8, 48, STORAGE_NETWORK },	{ 254, 0, STORAGE_NETWORK },
		{ 259, 0, STORAGE_FLASH },	{ 259, 1, STORAGE_NETWORK },
		{ 8, 64, STORAGE_NETWORK },	{ 8, 80, STORAGE_NETWORK },
		{ 8, 81, STORAGE_NETWORK },	{ 202, 0, STORAGE_NETWORK },
		{ 8, 96, STORAGE_NETWORK },	{ 252, 0, STORAGE_NETWORK },
		{ 259, 2, STORAGE_NETWORK },	{ 259, 3, STORAGE_FLASH },
		{ 259, 4, STORAGE_FLASH },	{ 259, 5, STORAGE_NETWORK },
		{ 179, 0, STORAGE_FLASH },	{ 43, 0, STORAGE_NETWORK },
		{ 253, 0, STORAGE_ROTATIONAL }, { 253, 1, STORAGE_FLASH },
		{ 99, 99, STORAGE_FLASH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		dev_t dev = makedev(devices[i].major, devices[i].minor);

		if (blockdev_storage(sysfd, dev) != devices[i].class)
			fail_msg("%u:%u is said to be %s", devices[i].major,
				 devices[i].minor,
				 storage_class_name(blockdev_storage(sysfd, dev)));
	}
	assert_int_equal(blockdev_storage(-1, makedev(8, 0)), STORAGE_FLASH);
}

static void test_device_facts(void **state)
{
	char path[64];
	dev_t dev;

	(void)state;
	assert_int_equal(blockdev_readahead_bytes(sysfd, makedev(179, 0)), 64 << 10);
	assert_int_equal(blockdev_readahead_bytes(sysfd, makedev(8, 0)), 0);
	assert_int_equal(blockdev_loop_file(sysfd, makedev(7, 3), path, sizeof(path)), 0);
	assert_string_equal(path, "/srv/root.img");
	assert_int_equal(blockdev_loop_file(sysfd, makedev(8, 0), path, sizeof(path)),
			 -ENOENT);
	assert_int_equal(blockdev_from_source("tmpfs", &dev), -ENOENT);
	assert_int_equal(blockdev_from_source("/dev/../etc/passwd", &dev), -EXDEV);
	assert_int_equal(blockdev_from_source("/dev/null", &dev), -ENOTBLK);
}

static void test_image_class(void **state)
{
	struct mounts *m = parse("1 0 7:0 / / ro - squashfs /dev/loop0 ro\n"
				 "2 1 0:50 / /n rw - nfs h:/ rw\n"
				 "3 1 0:51 / /t rw - tmpfs tmpfs rw\n");

	(void)state;
	assert_int_equal(mounts_storage(m, "/usr/bin/git"), STORAGE_IMAGE);
	assert_int_equal(mounts_storage(m, "/n/a"), STORAGE_NETWORK);
	assert_int_equal(mounts_storage(m, "/t/a"), STORAGE_FLASH);
	mounts_free(m);
}

/* What a sandbox shows, and where it is outside of it. */
static void test_translate(void **state)
{
	static const char ours[] = ROOT "2 1 8:2 / /home rw - ext4 /dev/sda2 rw\n"
					"3 1 8:3 /sub /data rw - btrfs /dev/sda3 rw\n"
					"4 1 8:4 / /over rw - ext4 /dev/sda4 rw\n"
					"5 1 0:9 / /over rw - tmpfs none rw\n"
					"6 1 8:4 /deep /twice rw - ext4 /dev/sda4 rw\n";
	static const char theirs[] =
		"10 9 0:50 / / rw - tmpfs tmpfs rw\n"
		"11 10 8:1 /usr /usr ro - ext4 /dev/sda1 rw\n"
		"12 10 8:1 /opt/my\\040app /app ro - ext4 /dev/sda1 rw\n"
		"13 12 8:2 /user/cache /app/cache rw - ext4 /dev/sda2 rw\n"
		"14 10 8:3 /sub/dir /d rw - btrfs /dev/sda3 rw\n"
		"15 10 8:3 /submarine /e rw - btrfs /dev/sda3 rw\n"
		"16 10 8:4 / /f rw - ext4 /dev/sda4 rw\n"
		"17 10 8:1 /usr/bin/perl /perl ro - ext4 /dev/sda1 rw\n"
		"18 10 8:5 / /g rw - ext4 /dev/sda5 rw\n"
		"19 10 8:1 mnt:[1] /h rw - ext4 /dev/sda1 rw\n";
	static const struct {
		const char *theirs, *ours; /* NULL: nowhere */
	} cases[] = {
		{ "/usr/lib/x", "/usr/lib/x" },
		{ "/usr", "/usr" },
		{ "/app/bin/x", "/opt/my app/bin/x" },
		{ "/app/cache/y", "/home/user/cache/y" },
		{ "/d/z", "/data/dir/z" },
		{ "/e/z", NULL }, /* of no directory that we have */
		{ "/perl", "/usr/bin/perl" },
		{ "/f/top", NULL }, /* something is mounted over it */
		{ "/f/deep/x", "/twice/x" },
		{ "/g/x", NULL },
		{ "/h/x", NULL },
		{ "/tmp/x", NULL }, /* the sandbox's own */
	};
	struct mounts *a = parse(ours), *b = parse(theirs);
	char path[64];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = mounts_translate(a, b, cases[i].theirs, path, sizeof(path));

		if (r != (cases[i].ours ? 0 : -ENOENT) ||
		    (r == 0 && strcmp(path, cases[i].ours) != 0))
			fail_msg("%s: %s (%d)", cases[i].theirs, r == 0 ? path : "nowhere",
				 r);
	}
	assert_int_equal(mounts_translate(a, b, "/usr/lib/x", path, 10), -ENOENT);
	mounts_free(a);
	mounts_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translate),
		cmocka_unit_test(test_longest_prefix),
		cmocka_unit_test(test_paths_that_mislead),
		cmocka_unit_test(test_stacked),
		cmocka_unit_test(test_hidden_by_parent),
		cmocka_unit_test(test_bind_mount),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_chroot_without_root_mount),
		cmocka_unit_test(test_chroot_with_what_is_known_of_it),
		cmocka_unit_test(test_damaged_lines),
		cmocka_unit_test(test_cycles_end),
		cmocka_unit_test(test_many_and_long),
		cmocka_unit_test(test_many_mounts_cost_little),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_class_names),
		cmocka_unit_test(test_device_classes),
		cmocka_unit_test(test_device_facts),
		cmocka_unit_test(test_image_class),
	};

	return cmocka_run_group_tests(tests, setup_sys, teardown_sys);
}
