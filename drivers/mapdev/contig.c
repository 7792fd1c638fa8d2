// SPDX-License-Identifier: GPL-2.0
/*
 * Physically contiguous memory, for the two ways to map it: by page frame
 * (pfn.c) and, with pin=1, by struct page (ram.c).
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>

#include "attrs.h"
#include "compat.h"
#include "contig.h"
#include "mapdev.h"

/*
 * Two tasks that look for ranges at the same time isolate, and release, each
 * other's page blocks (7.3: VM_BUG_ON in isolate_single_pageblock()). CMA takes
 * a lock for that, too.
 */
static DEFINE_MUTEX(mapdev_contig_lock);

/* Keep the first @pages of @got. */
static struct page *contig_trim(struct page *page, unsigned long pages,
				unsigned long got)
{
	if (page && got > pages)
		free_contig_range(page_to_pfn(page) + pages, got - pages);
	return page;
}

/*
 * What the buddy allocator has in one piece it gives at once, and aligned. A
 * search begins at the bottom of memory and empties one range after another;
 * on a machine that is busy that takes seconds.
 */
static struct page *contig_take(unsigned long pages, gfp_t gfp, int node)
{
	unsigned int order = order_base_2(pages);
	struct page *page;

	if (order > MAX_PAGE_ORDER)
		return NULL;
	page = alloc_pages_node(node, gfp | __GFP_NORETRY, order);
	if (page)
		split_page(page, order);
	return contig_trim(page, pages, 1UL << order);
}

/*
 * Bases are aligned as the count allows, which a multiple of a PMD makes
 * enough to map PMDs.
 */
static struct page *contig_search(unsigned long pages, gfp_t gfp, int node)
{
	unsigned long pmd = PMD_SIZE >> PAGE_SHIFT;
	unsigned long rounded = pages < pmd ? pages : round_up(pages, pmd);
	struct page *page;

	guard(mutex)(&mapdev_contig_lock);
	page = alloc_contig_pages(rounded, gfp, node, NULL);
	if (page || rounded == pages)
		return contig_trim(page, pages, rounded);
	return alloc_contig_pages(pages, gfp, node, NULL);
}

/* Sets region->pfn to zeroed pages of one reference each. */
int mapdev_contig_alloc(struct mapdev_region *region)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	unsigned long pages = mapdev_pages(region);
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	int node = mapdev_node(region);
	struct page *page;

	if (attrs->dma32)
		gfp |= GFP_DMA32;
	/* A node that was asked for is meant. */
	if (attrs->numa_node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;

	page = contig_take(pages, gfp, node) ?:
	       contig_search(pages, gfp, node);
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
