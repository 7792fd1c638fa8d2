/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_RESIZE_H
#define _MAPDEV_RESIZE_H

#include "mapdev.h"

int mapdev_region_resize(struct mapdev_region *region, u64 size);
int mapdev_region_resize_to(struct mapdev_region *region, const char *value,
			    struct mapdev_refusal *refusal);
int mapdev_region_discard(struct mapdev_region *region, u64 offset, u64 length);

#endif /* _MAPDEV_RESIZE_H */
