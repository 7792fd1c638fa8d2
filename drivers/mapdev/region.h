/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_REGION_H
#define _MAPDEV_REGION_H

#include "mapdev.h"

extern const char * const mapdev_state_names[];

void mapdev_region_init(const struct class *class);
struct mapdev_region *mapdev_region_create(const char *name,
					   const struct mapdev_attrs *attrs);
struct mapdev_region *mapdev_region_export(const struct mapdev_desc *desc,
					   const struct mapdev_attrs *attrs,
					   const struct mapdev_backing *backing);
void mapdev_region_retire(struct mapdev_region *region);
int mapdev_region_revoke(struct mapdev_region *region, unsigned long why);
int mapdev_region_restore(struct mapdev_region *region, unsigned long why);
enum mapdev_state mapdev_region_state(const struct mapdev_region *region);
void mapdev_region_announce(struct mapdev_region *region);
void mapdev_region_put(struct mapdev_region *region);

#endif /* _MAPDEV_REGION_H */
