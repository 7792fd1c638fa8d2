/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_PFN_H
#define _MAPDEV_PFN_H

#include "mapdev.h"

int mapdev_pfn_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc);

#endif /* _MAPDEV_PFN_H */
