/* SPDX-License-Identifier: GPL-2.0 */
/* A stamp on each page of a mapping; properties of a mapping. */
#ifndef _MAPDEV_SELFTESTS_STAMP_H
#define _MAPDEV_SELFTESTS_STAMP_H

#include <linux/fs.h>

#include "region.h"

#define HUGE (2UL << 20)

/* The columns of the table: mm core treats a class alike. */
enum class {
	PAGED,	/* folios of the page cache: an ordinary mapping */
	RAM,	/* pages, vmalloc, contig pin=1: VM_MIXEDMAP | VM_DONTEXPAND */
	FRAMES,	/* contig, window: VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP */
};

/* 0 or the errno of a call that answers -1. */
#define errno_of(call) ((call) ? errno : 0)

enum class class_of(enum mapdev_backing_type type, const char *attrs);
u64 *stamp_at(u8 *map, size_t offset);
void forget(void);
void stamp(u8 *map, size_t size, u64 seed);
size_t unstamped(u8 *map, size_t offset, size_t size, u64 seed);
u8 *reserve(size_t size, int prot);
long faults_of(u8 *map, size_t size, bool store);
long smaps_field(const void *addr, const char *field);
bool has_flag(const void *addr, const char *flag);
int ended(pid_t pid);

#define KILLED_BY(sig) (1000 + (sig))

#endif /* _MAPDEV_SELFTESTS_STAMP_H */
