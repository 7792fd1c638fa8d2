/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_EXPORT_H
#define _MAPDEV_EXPORT_H

#include "mapdev.h"

#ifdef CONFIG_MMU
int mapdev_export_take(struct mapdev_region *region, const struct mapdev_desc *desc);
void mapdev_export_return(struct mapdev_region *region);
#else
static inline int mapdev_export_take(struct mapdev_region *region,
				     const struct mapdev_desc *desc)
{
	return -EOPNOTSUPP;
}

static inline void mapdev_export_return(struct mapdev_region *region)
{
}
#endif

#endif /* _MAPDEV_EXPORT_H */
