/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "blockdev.h"
#include "macro.h"

/* device-mapper on md on partitions is three; more is a loop in what sysfs was made to say.
 */
#define DEPTH_MAX 8

int blockdev_open_sys(void)
{
	int fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One attribute as text without its newline; -errno. */
static int read_text(int dirfd, const char *name, char *ret, size_t bytes)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, bytes - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == ' '))
		n--;
	ret[n] = 0;
	return 0;
}

static int read_number(int dirfd, const char *name, unsigned *ret)
{
	char text[32], *end;
	unsigned long x;
	int r;

	r = read_text(dirfd, name, text, sizeof(text));
	if (r < 0)
		return r;
	errno = 0;
	x = strtoul(text, &end, 10);
	if (end == text || *end || errno || x > UINT32_MAX)
		return -EINVAL;
	*ret = (unsigned)x;
	return 0;
}

/* Is NAME below DEVFD the node of DEV? It may be anything else: looked at first. */
static int open_node(int devfd, const char *name, dev_t dev)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(devfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) || st.st_rdev != dev)
		return -ENOENT;
	fd = openat(devfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISBLK(st.st_mode) && st.st_rdev == dev ? TAKE_FD(fd) : -ENOENT;
}

static int open_named_node(int sysfd, int devfd, dev_t dev)
{
	char path[64], text[1024], *name;
	int r;

	snprintf(path, sizeof(path), "dev/block/%u:%u/uevent", major(dev), minor(dev));
	r = read_text(sysfd, path, text, sizeof(text));
	if (r < 0)
		return r;
	name = strstr(text, "DEVNAME=");
	if (!name)
		return -ENOENT;
	name += strlen("DEVNAME=");
	name[strcspn(name, "\n")] = 0;
	return open_node(devfd, name, dev);
}

/* Where /dev was filled by hand. */
static int find_node(int devfd, dev_t dev)
{
	int fd = fcntl(devfd, F_DUPFD_CLOEXEC, 3), r = -ENOENT;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		closep(&fd);
		return -ENOMEM;
	}
	while (r == -ENOENT && (entry = readdir(dir)))
		if (entry->d_type == DT_BLK)
			r = open_node(devfd, entry->d_name, dev);
	closedir(dir);
	return r;
}

int blockdev_open(int sysfd, dev_t dev)
{
	_cleanup_close_ int devfd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (devfd < 0)
		return -errno;
	r = open_named_node(sysfd, devfd, dev);
	return r == -ENOENT ? find_node(devfd, dev) : r;
}

/*
 * Directory of the whole disk that DEV is or is a partition of, and where it hangs in the
 * tree of devices ("…/virtio1/block/vda"), cut off behind the disk's name.
 */
static int open_disk(int sysfd, dev_t dev, char *ret_place, size_t bytes)
{
	_cleanup_close_ int fd = -1;
	char link[64], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "dev/block/%u:%u", major(dev), minor(dev));
	n = readlinkat(sysfd, link, ret_place, bytes - 1);
	if (n < 0)
		return -errno;
	ret_place[n] = 0;
	fd = openat(sysfd, link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (faccessat(fd, "partition", F_OK, 0) == 0) {
		int disk = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (disk < 0)
			return -errno;
		slash = strrchr(ret_place, '/');
		if (slash)
			*slash = 0;
		close(fd);
		fd = disk;
	}
	return TAKE_FD(fd);
}

static bool starts_with_any(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, list[i], strlen(list[i])) == 0)
			return true;
	return false;
}

static bool contains_any(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, list[i]))
			return true;
	return false;
}

/*
 * Disks behind a network, or behind a hypervisor: what those say of "rotational" describes
 * no medium (virtio_blk has no such field and leaves the kernel's default, 1; measured: 1
 * on a virtio disk kept on flash). Volumes of the clouds come this way, so they count as
 * network: about 1 ms a request, many at once. A virtual disk on local flash loses little
 * by that, one on a cloud volume taken for a spinning one would be read by a single thread.
 */
static bool is_remote(int diskfd, const char *place)
{
	static const char *const names[] = { "nbd", "rbd", "drbd" };
	/*
	 * iSCSI, NVMe over fabrics, and what hangs below a host of virtio or Xen: such a disk
	 * is the hypervisor's whatever it is called (QEMU and the clouds that use it call
	 * virtio-scsi disks as they like: BlockVolume, Volume, PersistentDisk, QEMU HARDDISK).
	 */
	static const char *const places[] = { "/session", "/nvme-fabrics/", "/virtio",
					      "/vbd-" };
	/* Where the bus tells nothing: hypervisors that imitate real hardware. */
	static const char *const models[] = {
		"Alibaba Cloud Elastic Block Storage",
		"Amazon Elastic Block Store",
		"BlockVolume", /* Oracle, where it is neither iSCSI nor virtio */
		"MSFT NVMe Accelerator",
		"PersistentDisk",
		"QEMU HARDDISK",
		"QEMU NVMe Ctrl",
		"VBOX HARDDISK",
		"VMware Virtual",
		"Virtual Disk",
		"Virtual disk",
		"nvme_card-pd",
	};
	const char *name = strrchr(place, '/');
	char model[64];

	if (name && starts_with_any(name + 1, names, ARRAY_SIZE(names)))
		return true;
	if (contains_any(place, places, ARRAY_SIZE(places)))
		return true;
	return read_text(diskfd, "device/model", model, sizeof(model)) == 0 &&
	       starts_with_any(model, models, ARRAY_SIZE(models));
}

static enum storage_class disk_storage(int sysfd, dev_t dev, int depth);

/*
 * Of the devices that this one is made of, the class that must be treated with most care;
 * the enum is in that order. -ENOENT: it is made of none.
 */
static int slaves_storage(int sysfd, int diskfd, int depth)
{
	int fd = openat(diskfd, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    worst = -ENOENT;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -ENOENT;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		char name[NAME_MAX + 8], text[32];
		unsigned maj, min;
		int class;

		snprintf(name, sizeof(name), "%s/dev", entry->d_name);
		if (entry->d_name[0] == '.' ||
		    read_text(dirfd(dir), name, text, sizeof(text)) < 0 ||
		    sscanf(text, "%u:%u", &maj, &min) != 2)
			continue;
		class = (int)disk_storage(sysfd, makedev(maj, min), depth - 1);
		if (worst < 0 || class < worst)
			worst = class;
	}
	closedir(dir);
	return worst;
}

static enum storage_class disk_storage(int sysfd, dev_t dev, int depth)
{
	_cleanup_close_ int fd = -1;
	char place[PATH_MAX];
	unsigned rotational;
	int class;

	if (depth == 0)
		return STORAGE_FLASH;
	fd = open_disk(sysfd, dev, place, sizeof(place));
	if (fd < 0)
		return STORAGE_FLASH;
	class = slaves_storage(sysfd, fd, depth);
	if (class >= 0)
		return (enum storage_class) class;
	if (is_remote(fd, place))
		return STORAGE_NETWORK;
	if (read_number(fd, "queue/rotational", &rotational) == 0 && rotational == 1)
		return STORAGE_ROTATIONAL;
	return STORAGE_FLASH;
}

enum storage_class blockdev_storage(int sysfd, dev_t dev)
{
	return disk_storage(sysfd, dev, DEPTH_MAX);
}

int blockdev_loop_file(int sysfd, dev_t dev, char *ret, size_t bytes)
{
	_cleanup_close_ int fd = -1;
	char place[PATH_MAX];

	fd = open_disk(sysfd, dev, place, sizeof(place));
	return fd < 0 ? fd : read_text(fd, "loop/backing_file", ret, bytes);
}

size_t blockdev_readahead_bytes(int sysfd, dev_t dev)
{
	_cleanup_close_ int fd = -1;
	char place[PATH_MAX];
	unsigned request_kb, readahead_kb;

	fd = open_disk(sysfd, dev, place, sizeof(place));
	if (fd < 0 || read_number(fd, "queue/max_sectors_kb", &request_kb) < 0 ||
	    read_number(fd, "queue/read_ahead_kb", &readahead_kb) < 0)
		return 0;
	return (size_t)MAX(request_kb, readahead_kb) << 10;
}

int blockdev_count_reads(int sysfd, dev_t dev, struct blockdev_reads *ret)
{
	char name[64], text[512];
	unsigned long long n_requests, n_sectors;
	int r;

	snprintf(name, sizeof(name), "dev/block/%u:%u/stat", major(dev), minor(dev));
	r = read_text(sysfd, name, text, sizeof(text));
	if (r < 0)
		return r;
	/* Documentation/block/stat.rst: reads, reads merged, sectors of 512 bytes. */
	if (sscanf(text, "%llu %*u %llu", &n_requests, &n_sectors) != 2)
		return -EINVAL;
	*ret = (struct blockdev_reads){ n_requests, n_sectors * 512 };
	return 0;
}

int blockdev_reads_in_flight(int sysfd, dev_t dev, unsigned *ret)
{
	char name[64], text[64];
	int r;

	snprintf(name, sizeof(name), "dev/block/%u:%u/inflight", major(dev), minor(dev));
	r = read_text(sysfd, name, text, sizeof(text));
	if (r < 0)
		return r;
	/* Documentation/ABI/stable/sysfs-block: reads, writes. */
	return sscanf(text, "%u", ret) == 1 ? 0 : -EINVAL;
}

int blockdev_whole(int sysfd, dev_t dev, dev_t *ret)
{
	_cleanup_close_ int fd = -1;
	char place[PATH_MAX], text[32];
	unsigned maj, min;
	int r;

	fd = open_disk(sysfd, dev, place, sizeof(place));
	r = fd < 0 ? fd : read_text(fd, "dev", text, sizeof(text));
	if (r < 0)
		return r;
	if (sscanf(text, "%u:%u", &maj, &min) != 2)
		return -EINVAL;
	*ret = makedev(maj, min);
	return 0;
}

int blockdev_start(int sysfd, dev_t dev, uint64_t *ret)
{
	char name[64], text[32];
	unsigned long long start;
	_cleanup_close_ int fd = -1;

	snprintf(name, sizeof(name), "dev/block/%u:%u", major(dev), minor(dev));
	fd = openat(sysfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = 0;
	if (faccessat(fd, "partition", F_OK, 0) < 0)
		return 0;
	if (read_text(fd, "start", text, sizeof(text)) < 0 ||
	    sscanf(text, "%llu", &start) != 1)
		return -EINVAL;
	*ret = start;
	return 0;
}

int blockdev_from_source(const char *source, dev_t *ret)
{
	/*
	 * The text is whatever was passed to mount(2): stay below /dev and its file system,
	 * where links as in /dev/disk/by-uuid may be followed without risk.
	 */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	_cleanup_close_ int dev = -1, fd = -1;
	struct stat st;

	if (strncmp(source, "/dev/", 5) != 0)
		return -ENOENT;
	dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, dev, source + 5, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	*ret = st.st_rdev;
	return 0;
}
