/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_RAM_H
#define _MAPDEV_RAM_H

#include "mapdev.h"

int mapdev_ram_own(struct mapdev_region *region);
void mapdev_ram_disown(struct mapdev_region *region);

#endif /* _MAPDEV_RAM_H */
