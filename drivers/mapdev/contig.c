// SPDX-License-Identifier: GPL-2.0
/*
 * Physically contiguous memory, for the two ways to map it: by page frame
 * (pfn.c) and, with pin=1, by struct page (ram.c).
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>

#include "mapdev.h"

/*
 * Two tasks that look for ranges at the same time isolate, and release, each
 * other's page blocks (7.3: VM_BUG_ON in isolate_single_pageblock()). CMA takes
 * a lock for that, too.
 */
static DEFINE_MUTEX(mapdev_contig_lock);

/*
 * Bases are aligned as the count allows, which a multiple of a PMD makes
 * enough to map PMDs. The surplus goes back at once.
 */
static unsigned long contig_round(unsigned long pages)
{
	unsigned long pmd = PMD_SIZE >> PAGE_SHIFT;

	return pages < pmd ? pages : round_up(pages, pmd);
}

/* Sets region->pfn to zeroed pages of one reference each. */
int mapdev_contig_alloc(struct mapdev_region *region)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	unsigned long pages = mapdev_pages(region);
	unsigned long rounded = contig_round(pages);
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	int node = mapdev_node(region);
	struct page *page;

	if (attrs->dma32)
		gfp |= GFP_DMA32;
	/* A node that was asked for is meant. */
	if (attrs->numa_node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;

	guard(mutex)(&mapdev_contig_lock);
	page = alloc_contig_pages(rounded, gfp, node, NULL);
	if (page) {
		if (rounded > pages)
			free_contig_range(page_to_pfn(page) + pages,
					  rounded - pages);
	} else {
		page = alloc_contig_pages(pages, gfp, node, NULL);
	}
	if (!page) {
		pr_err("%s: no %llu contiguous bytes%s on node %d%s, tried with compaction\n",
		       mapdev_name(region), attrs->size,
		       attrs->dma32 ? " below 4 GiB" : "", node,
		       attrs->numa_node == NUMA_NO_NODE ? " and others" : "");
		return -ENOMEM;
	}
	region->pfn = page_to_pfn(page);
	return 0;
}

void mapdev_contig_free(struct mapdev_region *region)
{
	if (region->pfn)
		free_contig_range(region->pfn, mapdev_pages(region));
}
