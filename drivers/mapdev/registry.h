/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_REGISTRY_H
#define _MAPDEV_REGISTRY_H

#include "mapdev.h"

#define MAPDEV_MINORS	BIT(16)

int mapdev_registry_init(void);
void mapdev_registry_exit(void);
dev_t mapdev_registry_devt(void);
void mapdev_registry_each(void (*what)(struct mapdev_region *region));
void mapdev_registry_open(void);
bool mapdev_registry_is_open(void);
int mapdev_registry_add(struct mapdev_region *region,
			const struct mapdev_attrs *attrs);
void mapdev_registry_remove(struct mapdev_region *region);
struct mapdev_region *mapdev_region_get(unsigned int minor);
struct inode *mapdev_inode_alloc(void);
int mapdev_name_check(const char *name);
int mapdev_no_memory(const char *name);
int mapdev_bytes_take(struct mapdev_region *region, u64 bytes);
void mapdev_bytes_give(struct mapdev_region *region, u64 bytes);

#endif /* _MAPDEV_REGISTRY_H */
