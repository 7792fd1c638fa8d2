/* SPDX-License-Identifier: GPL-2.0 */
/* Tracking of writes by a program: userfaultfd, and soft-dirty bits. */
#ifndef _MAPDEV_SELFTESTS_TRACKING_H
#define _MAPDEV_SELFTESTS_TRACKING_H

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "region.h"

#define PAGEMAP_SOFT_DIRTY	0x0080000000000000ULL
#define PAGEMAP_PRESENT		0x8000000000000000ULL

void pagemap_read(const u8 *addr, size_t count, u64 *entries);
u64 pagemap_of(const u8 *addr);
u64 pagemap_pfn(u64 entry);
u64 pfn_of(const u8 *addr);
int uffd_open(u64 features);
int uffd_register(int fd, u8 *map, size_t size, u64 mode);

/* Memory whose first touch blocks until slow_go(). */
struct slow {
	u8 *mem;
	int fd;
};

int slow_open(struct slow *slow);
void slow_wait(struct slow *slow);
int slow_go(struct slow *slow, const void *page);
void slow_close(struct slow *slow);

#endif /* _MAPDEV_SELFTESTS_TRACKING_H */
