/* SPDX-License-Identifier: GPL-2.0 */
/* Mapping by page frame, for contig.c, window.c and export.c. */
#ifndef _MAPDEV_PFN_H
#define _MAPDEV_PFN_H

#include "mapdev.h"

/**
 * struct mapdev_frames - what differs between page frames
 * @prot: the protection of a page table entry
 * @move: copy bytes of one page between the memory and @buf, guard held
 * @map: mmap_prepare: have mm core map all of it at mmap
 */
struct mapdev_frames {
	pgprot_t (*prot)(const struct mapdev_region *region, pgprot_t prot);
	void (*move)(struct mapdev_region *region, loff_t pos, void *buf,
		     size_t bytes, bool write);
	void (*map)(const struct mapdev_region *region,
		    struct vm_area_desc *desc);
};

int mapdev_pfn_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc);

#endif /* _MAPDEV_PFN_H */
