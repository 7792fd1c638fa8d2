/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_FAILURE_H
#define _MAPDEV_FAILURE_H

#include "mapdev.h"

#ifdef CONFIG_MEMORY_FAILURE
bool mapdev_has_failed(const struct mapdev_region *region, pgoff_t first,
		       unsigned long count);
void mapdev_failure_watch(struct mapdev_region *region);
void mapdev_failure_forget(struct mapdev_region *region);
#else
static inline bool mapdev_has_failed(const struct mapdev_region *region,
				     pgoff_t first, unsigned long count)
{
	return false;
}

static inline void mapdev_failure_watch(struct mapdev_region *region)
{
}

static inline void mapdev_failure_forget(struct mapdev_region *region)
{
}
#endif

#endif /* _MAPDEV_FAILURE_H */
