/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_CONTIG_H
#define _MAPDEV_CONTIG_H

#include "mapdev.h"

int mapdev_contig_alloc(struct mapdev_region *region);
void mapdev_contig_free(struct mapdev_region *region);
ssize_t mapdev_contig_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter);

extern const struct mapdev_frames mapdev_contig_frames;

#endif /* _MAPDEV_CONTIG_H */
