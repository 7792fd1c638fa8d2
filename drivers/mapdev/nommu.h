/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_NOMMU_H
#define _MAPDEV_NOMMU_H

#include "mapdev.h"

/*
 * nommu.c: what file.c and region.c do in another way without an MMU. There,
 * mappings cannot be taken away, but one can ask whether there are any.
 */
#ifdef CONFIG_MMU
#define MAPDEV_DEFAULT_BACKING	(&mapdev_paged)
#define MAPDEV_NOMMU_FOPS

static inline void mapdev_unmap(struct mapdev_region *region)
{
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
}

static inline bool mapdev_is_mapped(const struct mapdev_region *region)
{
	return false;
}
#else
#define MAPDEV_DEFAULT_BACKING	(&mapdev_ram_vmalloc)
#define MAPDEV_NOMMU_FOPS	.mmap_capabilities = mapdev_mmap_capabilities,

unsigned int mapdev_mmap_capabilities(struct file *file);
bool mapdev_is_mapped(const struct mapdev_region *region);

static inline void mapdev_unmap(struct mapdev_region *region)
{
}
#endif

/* area.c, nommu.c; else mm core finds an address */
#if defined(CONFIG_TRANSPARENT_HUGEPAGE) || !defined(CONFIG_MMU)
unsigned long mapdev_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags);
#else
#define mapdev_get_unmapped_area	NULL
#endif

#endif /* _MAPDEV_NOMMU_H */
