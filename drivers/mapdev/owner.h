/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_OWNER_H
#define _MAPDEV_OWNER_H

#include "mapdev.h"

int mapdev_owner_wake(struct mapdev_region *region);
void mapdev_owner_let_sleep(struct mapdev_region *region);
void mapdev_owner_leave(struct mapdev_region *region);

#endif /* _MAPDEV_OWNER_H */
