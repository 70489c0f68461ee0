/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "storage.h"

/*
 * The costs are those of the disks that tests/lab models: rotational: 120 MB/s
 * and half a turn plus a short seek; network: 1 ms, 3000 IOPS, 125 MB/s; flash: an SD card or
 * eMMC, 1500 IOPS, 60 MB/s (a fast NVMe needs none of this: there nothing is gained or lost);
 * image: a compressed image on flash, which is read and unpacked in blocks of 128 KiB.
 */
static const struct storage_cost costs[STORAGE_CLASSES] = {
	[STORAGE_ROTATIONAL] = { .request_us = 8000, .latency_us = 8000, .page_ns = 34000 },
	[STORAGE_NETWORK] = { .request_us = 333, .latency_us = 1000, .page_ns = 33000 },
	[STORAGE_FLASH] = { .request_us = 667, .latency_us = 667, .page_ns = 68000 },
	[STORAGE_IMAGE] = { .request_us = 667, .latency_us = 667, .page_ns = 40000 },
};

const struct storage_cost *storage_cost(enum storage_class c)
{
	return &costs[c];
}

static const char *const class_names[STORAGE_CLASSES] = {
	[STORAGE_ROTATIONAL] = "rotational",
	[STORAGE_NETWORK] = "network",
	[STORAGE_FLASH] = "flash",
	[STORAGE_IMAGE] = "image",
};

const char *storage_class_name(enum storage_class c)
{
	return (unsigned)c < STORAGE_CLASSES ? class_names[c] : "unknown";
}

int storage_class_from_name(const char *name, enum storage_class *ret)
{
	for (int i = 0; i < STORAGE_CLASSES; i++)
		if (strcmp(name, class_names[i]) == 0) {
			*ret = (enum storage_class)i;
			return 0;
		}
	return -EINVAL;
}
