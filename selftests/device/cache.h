/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel says of cache modes on x86: which ranges are reserved with which. */
#ifndef _MAPDEV_SELFTESTS_CACHE_H
#define _MAPDEV_SELFTESTS_CACHE_H

#include "region.h"

/* Elsewhere the kernel does not show it. */
#ifdef __x86_64__
#define CACHE_MODES_SHOWN true
#else
#define CACHE_MODES_SHOWN false
#endif

const char *reserved_as(u64 phys, u64 size, char *mode, size_t bytes);
const char *reservation(enum mapdev_cache cache);

#endif /* _MAPDEV_SELFTESTS_CACHE_H */
