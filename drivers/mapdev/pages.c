// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of ram: struct pages by index, allocated with the region. They are
 * single pages, the pages behind one vmalloc address, or those of a contiguous
 * range that may be pinned.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mapdev.h"
#include "pages.h"

/* Rather fail than have the OOM killer make room. */
#define PAGES_GFP	(__GFP_ZERO | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | \
			 __GFP_NOWARN)

static int pages_no_memory(const struct mapdev_region *region)
{
	pr_err("%s: no memory for %llu bytes of %s\n", mapdev_name(region),
	       region->attrs.size, region->backing->name);
	return -ENOMEM;
}

static int pages_alloc_table(struct mapdev_region *region)
{
	region->pages = kvcalloc(mapdev_pages(region), sizeof(*region->pages),
				 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return region->pages ? 0 : pages_no_memory(region);
}

static const struct address_space_operations pages_dirty_aops = {
	.dirty_folio	= mapdev_dirty_folio,
};

/*
 * With dirty=1 the pages know the region, as folios of its page cache would, so
 * that folio_mark_dirty() comes to its log, and none is pinned for long.
 * Pages that are lent may be of a kind that cannot; after that error, too,
 * mapdev_ram_disown() undoes it.
 */
int mapdev_ram_own(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (!region->attrs.dirty)
		return 0;
	mapping->a_ops = &pages_dirty_aops;
	for (pgoff_t i = 0; i < mapdev_pages(region); i++) {
		struct folio *folio = page_folio(region->pages[i]);

		if (folio_test_large(folio) || folio->mapping) {
			pr_err("%s: a dirty log needs single pages, each for itself\n",
			       mapdev_name(region));
			return -EINVAL;
		}
		folio->mapping = mapping;
		folio->index = i;
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/*
 * Core takes a page with a mapping for a bad one when it is freed. Who marks a
 * folio dirty has it locked, or mapped.
 */
void mapdev_ram_disown(struct mapdev_region *region)
{
	if (!region->attrs.dirty)
		return;
	for (pgoff_t i = 0; region->pages && i < mapdev_pages(region); i++) {
		struct folio *folio;

		if (!region->pages[i])
			continue;
		folio = page_folio(region->pages[i]);
		folio_lock(folio);
		if (folio->mapping == region->inode->i_mapping)
			folio->mapping = NULL;
		folio_unlock(folio);
		if (!(i % 1024))
			cond_resched();
	}
}

/* Drop our references; who has pinned a page keeps it. */
void mapdev_pages_put(struct mapdev_region *region)
{
	mapdev_ram_disown(region);
	for (pgoff_t i = 0; region->pages && i < mapdev_pages(region); i++) {
		if (region->pages[i])
			put_page(region->pages[i]);
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(region->pages);
}

int mapdev_pages_alloc(struct mapdev_region *region)
{
	pgoff_t have = 0, want = mapdev_pages(region);
	int err;

	err = pages_alloc_table(region);
	if (err)
		return err;
	while (have < want) {
		/* A batch at a time: it fills the array from its start. */
		pgoff_t batch = min(want - have, 512);
		pgoff_t got = alloc_pages_bulk_node(GFP_HIGHUSER | PAGES_GFP,
						    mapdev_node(region), batch,
						    region->pages + have);

		if (!got)
			return pages_no_memory(region);
		if (fatal_signal_pending(current))
			return -EINTR;
		have += got;
		cond_resched();
	}
	return mapdev_ram_own(region);
}

int mapdev_vmalloc_alloc(struct mapdev_region *region)
{
	int err;

	err = pages_alloc_table(region);
	if (err)
		return err;
	region->address = vmalloc_huge_node(region->attrs.size,
					    GFP_KERNEL | PAGES_GFP,
					    region->attrs.numa_node);
	if (!region->address)
		return pages_no_memory(region);
	/* Our own reference, so that pinned pages survive the vfree(). */
	for (pgoff_t i = 0; i < mapdev_pages(region); i++) {
		region->pages[i] = vmalloc_to_page(region->address +
						   (i << PAGE_SHIFT));
		get_page(region->pages[i]);
		if (!(i % 1024))
			cond_resched();
	}
	return mapdev_ram_own(region);
}

void mapdev_vmalloc_free(struct mapdev_region *region)
{
	mapdev_pages_put(region);
	vfree(region->address);
}

int mapdev_contig_pin_alloc(struct mapdev_region *region)
{
	int err;

	err = pages_alloc_table(region);
	if (err)
		return err;
	err = mapdev_contig_alloc(region);
	if (err)
		return err;
	for (pgoff_t i = 0; i < mapdev_pages(region); i++) {
		region->pages[i] = pfn_to_page(region->pfn + i);
		if (!(i % 1024))
			cond_resched();
	}
	return mapdev_ram_own(region);
}

static struct page *page_at(struct mapdev_region *region, pgoff_t index)
{
	return region->pages[index];
}

ssize_t mapdev_pages_copy(struct mapdev_region *region, loff_t pos,
			  struct iov_iter *iter)
{
	return mapdev_copy_pages(region, pos, iter, page_at);
}
