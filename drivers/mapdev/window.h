/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_WINDOW_H
#define _MAPDEV_WINDOW_H

#include "mapdev.h"

int mapdev_window_map(struct mapdev_region *region);
void mapdev_window_unmap(struct mapdev_region *region);
ssize_t mapdev_window_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter);

extern const struct mapdev_frames mapdev_window_frames;

#endif /* _MAPDEV_WINDOW_H */
