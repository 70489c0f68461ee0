/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage classes: their names, and what reading from each costs. libc only. */
#ifndef ELFCAST_STORAGE_H
#define ELFCAST_STORAGE_H

#include <stdint.h>

#include "shadow-format.h"

/* What a class costs, as measured on models of it (the sources are in storage.c). */
struct storage_cost {
	uint32_t request_us; /* time the device is busy with a request besides its data */
	uint32_t latency_us; /* what a program that faults waits besides the data */
	uint32_t page_ns;    /* time to transfer one page */
};

const struct storage_cost *storage_cost(enum storage_class c);

/* "rotational", "network", "flash", "image"; and back, -EINVAL. */
const char *storage_class_name(enum storage_class c);
int storage_class_from_name(const char *name, enum storage_class *ret);

#endif
