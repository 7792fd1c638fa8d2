/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_RAM_H
#define _MAPDEV_RAM_H

#include "mapdev.h"

int mapdev_ram_own(struct mapdev_region *region);
void mapdev_ram_disown(struct mapdev_region *region);
int mapdev_ram_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc);
ssize_t mapdev_ram_copy(struct mapdev_region *region, loff_t pos,
			struct iov_iter *iter);

#endif /* _MAPDEV_RAM_H */
