/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_CONTIG_H
#define _MAPDEV_CONTIG_H

#include "mapdev.h"

int mapdev_contig_alloc(struct mapdev_region *region);
void mapdev_contig_free(struct mapdev_region *region);

#endif /* _MAPDEV_CONTIG_H */
