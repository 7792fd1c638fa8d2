// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that has failed: a machine check, or a test of one. mm core marks
 * its struct page and unmaps what is in the page cache. Pages on no LRU list and
 * page frames stay mapped, and each fault, copy and access calls
 * mapdev_has_failed() first. Memory without struct pages is not marked: mm core
 * asks which programs map the page, and sends them a signal.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/fs.h>
#include <linux/memory-failure.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "failure.h"
#include "mapdev.h"

/* A window may have struct pages in part. */
static bool is_marked(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && PageHWPoison(page);
}

/**
 * mapdev_has_failed - has the memory of one of these pages failed?
 * @region: the region, not of paged, whose folios are asked themselves
 * @first: the first of them, inside of the region
 * @count: how many
 *
 * Context: any; the memory is held, by the guard or otherwise.
 */
bool mapdev_has_failed(const struct mapdev_region *region, pgoff_t first,
		       unsigned long count)
{
	unsigned long pfn = region->pfn + first;
	bool failed = false;

	/* A loop for each kind: a fault asks for all pages of a PMD. */
	if (region->pages) {
		for (unsigned long i = 0; i < count && !failed; i++)
			failed = PageHWPoison(region->pages[first + i]);
	} else if (!region->backing->registers) {
		for (unsigned long i = 0; i < count && !failed; i++)
			failed = PageHWPoison(pfn_to_page(pfn + i));
	} else if (region->marked) {
		for (unsigned long i = 0; i < count && !failed; i++)
			failed = is_marked(pfn + i);
	}
	return failed;
}

/* Called by mm core for each mapping of the region, under i_mmap_rwsem. */
static int failed_pgoff(struct vm_area_struct *vma, unsigned long pfn,
			pgoff_t *pgoff)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct mapdev_region *region = mapping->host->i_private;
	pgoff_t index = pfn - region->pfn;

	/* Not mapped anywhere. */
	if (!mapdev_is_live(region) || mapdev_in_hole(region, index, 1))
		return -ENOENT;
	if (index < vma->vm_pgoff || index - vma->vm_pgoff >= vma_pages(vma))
		return -ENOENT;
	*pgoff = index;
	return 0;
}

/* Reserved ranges may have struct pages in part. */
static bool has_struct_pages(const struct mapdev_region *region)
{
	/* Sections of memory come and go in parts of this size. */
	const unsigned long step = SZ_2M >> PAGE_SHIFT;
	unsigned long pfn = region->pfn, end = pfn + mapdev_pages(region);

	for (; pfn < end; pfn = round_down(pfn, step) + step)
		if (pfn_to_online_page(pfn))
			return true;
	return pfn_to_online_page(end - 1);
}

/* Have mm core find the mappings of a window that fails. */
void mapdev_failure_watch(struct mapdev_region *region)
{
	int err;

	region->marked = has_struct_pages(region);
	region->failing = (struct pfn_address_space) {
		.node.start	  = region->pfn,
		.node.last	  = region->pfn + mapdev_pages(region) - 1,
		.mapping	  = region->inode->i_mapping,
		.pfn_to_vma_pgoff = failed_pgoff,
	};
	err = register_pfn_address_space(&region->failing);
	region->watched = !err;
	if (err)
		pr_warn("%s: programs get no signal when memory fails: %pe\n",
			mapdev_name(region), ERR_PTR(err));
}

/*
 * mm core removes whatever is registered for the range: only what was
 * registered.
 */
void mapdev_failure_forget(struct mapdev_region *region)
{
	if (region->watched)
		unregister_pfn_address_space(&region->failing);
	region->watched = false;
}
