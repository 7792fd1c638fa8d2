/* SPDX-License-Identifier: GPL-2.0 */
/* Reservations of cache modes, which x86 shows in debugfs. */
#ifndef _MAPDEV_SELFTESTS_CACHE_H
#define _MAPDEV_SELFTESTS_CACHE_H

#include "region.h"

/* Other architectures do not show them. */
#ifdef __x86_64__
#define CACHE_MODES_SHOWN true
#else
#define CACHE_MODES_SHOWN false
#endif

const char *reserved_as(u64 phys, u64 size, char *mode, size_t bytes);
const char *reservation(enum mapdev_cache cache);

#endif /* _MAPDEV_SELFTESTS_CACHE_H */
