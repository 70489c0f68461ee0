/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sysfs says about a block device: the only reader of /sys/dev/block. libc only; every
 * function takes a descriptor of /sys (-1: unknown), so that tests can build their own.
 */
#ifndef ELFCAST_BLOCKDEV_H
#define ELFCAST_BLOCKDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shadow-format.h"

/* Descriptor of /sys, or negative errno. */
int blockdev_open_sys(void);

/*
 * Open the node of DEV for reading. Found by the name that the kernel gives it and makes in
 * devtmpfs, without udev; where /dev is no devtmpfs, among the nodes in it. Descriptor,
 * -ENOENT: no node, -EACCES, …
 */
int blockdev_open(int sysfd, dev_t dev);

/* The device's class; partitions and device-mapper are looked through. FLASH when unknown.
 */
enum storage_class blockdev_storage(int sysfd, dev_t dev);

/* Path of the file below a loop device; -ENOENT: no loop device. */
int blockdev_loop_file(int sysfd, dev_t dev, char *ret, size_t bytes);

/*
 * Most that one readahead call brings in, in bytes: larger ones are cut without a word
 * (mm/readahead.c, force_page_cache_ra: max(io_pages, ra_pages)). 0: unknown.
 */
size_t blockdev_readahead_bytes(int sysfd, dev_t dev);

/* Reads that have been completed since the device appeared. */
struct blockdev_reads {
	uint64_t n_requests, n_bytes;
};

/* Of the whole device or partition. Whoever reads from it counts. 0, -ENOENT, -EINVAL. */
int blockdev_count_reads(int sysfd, dev_t dev, struct blockdev_reads *ret);

/* Reads that are under way. Block devices that other ones make up may not know. 0, -ENOENT, -EINVAL. */
int blockdev_reads_in_flight(int sysfd, dev_t dev, unsigned *ret);

/* The disk that DEV is a partition of, or DEV itself. 0, -ENOENT, -EINVAL. */
int blockdev_whole(int sysfd, dev_t dev, dev_t *ret);

/* The sector of 512 bytes at which partition DEV begins on its disk; 0 for a whole one. -ENOENT. */
int blockdev_start(int sysfd, dev_t dev, uint64_t *ret);

/* Device number of the node SOURCE below /dev, without leaving /dev. -ENOENT, -ENOTBLK. */
int blockdev_from_source(const char *source, dev_t *ret);

#endif
