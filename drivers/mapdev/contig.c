// SPDX-License-Identifier: GPL-2.0
/*
 * contig: physically contiguous memory, mapped by page frame (pfn.c). ram.c takes
 * the same memory for pin=1 and maps it by struct page.
 */
#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>

#include "compat.h"
#include "contig.h"
#include "fault.h"
#include "mapdev.h"
#include "pfn.h"
#include "refuse.h"

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
 * Try the buddy allocator first: it is fast, and its blocks are aligned. A search
 * begins at the bottom of memory and empties one range after another, which
 * takes seconds on a busy machine.
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
	/* Do not replace a requested node by another one. */
	if (attrs->numa_node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;

	page = contig_take(pages, gfp, node) ?:
	       contig_search(pages, gfp, node);
	if (!page) {
		mapdev_refuse(region,
			      "no %llu contiguous bytes%s on node %d%s, even after compaction",
			      attrs->size, attrs->dma32 ? " below 4 GiB" : "",
			      node,
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

/* --- Mapping and copying --- */

static struct page *contig_page(struct mapdev_region *region, pgoff_t index)
{
	return pfn_to_page(region->pfn + index);
}

static size_t contig_copy_part(struct mapdev_region *region, loff_t pos,
			       size_t bytes, struct iov_iter *iter)
{
	return mapdev_copy_page(region, contig_page(region, pos >> PAGE_SHIFT),
				offset_in_page(pos), bytes, iter);
}

ssize_t mapdev_contig_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter)
{
	return mapdev_copy(region, pos, iter, PAGE_SIZE, contig_copy_part);
}

/* RAM is mapped as the kernel itself maps it. */
static pgprot_t contig_prot(const struct mapdev_region *region, pgprot_t prot)
{
	return prot;
}

static void contig_move(struct mapdev_region *region, loff_t pos, void *buf,
			size_t bytes, bool write)
{
	void *page = kmap_local_page(contig_page(region, pos >> PAGE_SHIFT));
	void *from = page + offset_in_page(pos);

	if (write)
		memcpy(from, buf, bytes);
	else
		memcpy(buf, from, bytes);
	kunmap_local(page);
}

static void contig_map(const struct mapdev_region *region,
		       struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, region->pfn + desc->pgoff);
}

const struct mapdev_frames mapdev_contig_frames = {
	.prot	= contig_prot,
	.move	= contig_move,
	.map	= contig_map,
};

const struct mapdev_backing mapdev_pfn_contig = {
	.name		= "contig",
	.type		= MAPDEV_CONTIG,
	.has		= MAPDEV_HAS(map) | MAPDEV_HAS(numa_node) |
			  MAPDEV_HAS(pin) | MAPDEV_HAS(dma32),
	.counted	= true,
	.alloc		= mapdev_contig_alloc,
	.free		= mapdev_contig_free,
	.mmap_prepare	= mapdev_pfn_mmap_prepare,
	.copy		= mapdev_contig_copy,
	.drain		= mapdev_guard_drain,
	.frames		= &mapdev_contig_frames,
};
