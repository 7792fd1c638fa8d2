/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that mapdev is for. No other file asks for a
 * version, or whether the allocator of contiguous memory was configured.
 */
#ifndef _MAPDEV_COMPAT_H
#define _MAPDEV_COMPAT_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/version.h>

/* 7.2: generic_access_phys() maps RAM as if it were a device's, which x86 warns of. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#define MAPDEV_GENERIC_ACCESS_SPARES_RAM	false
#else
#define MAPDEV_GENERIC_ACCESS_SPARES_RAM	true
#endif

/*
 * 7.2: queue_folios_pmd(), of mbind(), follows each PMD to its folio. What has no
 * struct page must not be mapped by one: any program could oops the kernel.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#define MAPDEV_PMD_HAS_FOLIO	true
#else
#define MAPDEV_PMD_HAS_FOLIO	false
#endif

/* Without it contig has what the buddy allocator has in one piece. */
#ifndef CONFIG_CONTIG_ALLOC
static inline struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp,
					      int node, nodemask_t *nodes)
{
	return NULL;
}

static inline void free_contig_range(unsigned long pfn, unsigned long nr_pages)
{
	while (nr_pages--)
		__free_page(pfn_to_page(pfn++));
}
#endif

#endif /* _MAPDEV_COMPAT_H */
