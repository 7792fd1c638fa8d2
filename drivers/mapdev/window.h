/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_WINDOW_H
#define _MAPDEV_WINDOW_H

#include "mapdev.h"

int mapdev_window_map(struct mapdev_region *region);
void mapdev_window_unmap(struct mapdev_region *region);
void mapdev_window_move(struct mapdev_region *region, loff_t pos, void *buf,
			size_t bytes, bool write);

#endif /* _MAPDEV_WINDOW_H */
