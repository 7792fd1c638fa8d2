// SPDX-License-Identifier: GPL-2.0
/*
 * ram: struct pages by index, allocated with the region: single pages, the
 * pages of one vmalloc address, or those of a contiguous range that can be
 * pinned. They are mapped one by one into VM_MIXEDMAP mappings, so that
 * everything that takes a reference (O_DIRECT, io_uring, RDMA) works.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "contig.h"
#include "dirty.h"
#include "failure.h"
#include "fault.h"
#include "mapdev.h"
#include "race.h"
#include "ram.h"
#include "refuse.h"
#include "stats.h"

/* --- The memory --- */

/* Rather fail than have the OOM killer make room. */
#define PAGES_GFP	(__GFP_ZERO | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | \
			 __GFP_NOWARN)

static int pages_no_memory(const struct mapdev_region *region)
{
	mapdev_refuse(region, "no memory for %llu bytes of %s",
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
 * Exported pages may be of a kind that cannot. mapdev_ram_disown() undoes this,
 * also after an error.
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
			mapdev_refuse(region,
				      "a dirty log needs order-0 pages that are in no other log");
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
 * mm core reports a page that is freed with a mapping as bad. A folio is locked or
 * mapped while it is marked dirty.
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

/* Drop our references; a pinned page is freed with the last pin. */
static void pages_free(struct mapdev_region *region)
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

static int pages_alloc(struct mapdev_region *region)
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

static int vmalloc_alloc(struct mapdev_region *region)
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

static void vmalloc_free(struct mapdev_region *region)
{
	pages_free(region);
	vfree(region->address);
}

static int contig_pin_alloc(struct mapdev_region *region)
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

static size_t ram_copy_part(struct mapdev_region *region, loff_t pos,
			    size_t bytes, struct iov_iter *iter)
{
	return mapdev_copy_page(region, region->pages[pos >> PAGE_SHIFT],
				offset_in_page(pos), bytes, iter);
}

ssize_t mapdev_ram_copy(struct mapdev_region *region, loff_t pos,
			struct iov_iter *iter)
{
	return mapdev_copy(region, pos, iter, PAGE_SIZE, ram_copy_part);
}

/* --- Mapping --- */

/* With dirty=1 a write maps one page, marked under the lock of a collection. */
static vm_fault_t ram_insert_writable(struct mapdev_region *region,
				      struct vm_fault *vmf)
{
	struct page *page = region->pages[vmf->pgoff];
	vm_fault_t ret = VM_FAULT_HWPOISON;

	lock_page(page);
	if (!mapdev_has_failed(region, vmf->pgoff, 1)) {
		mapdev_race(region, MAPDEV_RACE_FAULT);
		set_page_dirty(page);
		ret = vmf_insert_page_mkwrite(vmf, page, true);
	}
	unlock_page(page);
	return ret;
}

/* How many pages it mapped; it stops at one that is mapped already. */
static unsigned long ram_insert(struct mapdev_region *region,
				struct vm_area_struct *vma, unsigned long addr,
				pgoff_t index, unsigned long count)
{
	unsigned long left = count;

	if (mapdev_has_failed(region, index, count))
		return 0;
	mapdev_race(region, MAPDEV_RACE_FAULT);
	vm_insert_pages(vma, addr, region->pages + index, &left);
	return count - left;
}

/* Map the touched page, and those around it, or if not that, behind it. */
static vm_fault_t ram_insert_around(struct mapdev_region *region,
				    struct vm_fault *vmf)
{
	struct mapdev_fault_around around =
		mapdev_fault_around(region, vmf, MAPDEV_FAULT_AROUND_SIZE);

	if (ram_insert(region, vmf->vma, around.addr, around.index,
		       around.count) > around.before ||
	    ram_insert(region, vmf->vma, vmf->address, vmf->pgoff,
		       around.count - around.before))
		return VM_FAULT_NOPAGE;
	if (mapdev_has_failed(region, vmf->pgoff, 1))
		return VM_FAULT_HWPOISON;
	return vmf_insert_page(vmf->vma, vmf->address,
			       region->pages[vmf->pgoff]);
}

static vm_fault_t ram_insert_touched(struct mapdev_region *region,
				     struct vm_fault *vmf)
{
	if (region->dirty && vmf->flags & FAULT_FLAG_WRITE)
		return ram_insert_writable(region, vmf);
	return ram_insert_around(region, vmf);
}

static vm_fault_t ram_fault(struct vm_fault *vmf)
{
	return mapdev_guarded_fault(vmf, ram_insert_touched);
}

static const struct vm_operations_struct ram_vm_ops = {
	.mapped		= mapdev_vma_mapped,
	.open		= mapdev_vma_open,
	.close		= mapdev_vma_close,
	.fault		= ram_fault,
	.map_pages	= mapdev_vma_map_pages,
};

static const struct vm_operations_struct ram_dirty_vm_ops = {
	.mapped		= mapdev_vma_mapped,
	.open		= mapdev_vma_open,
	.close		= mapdev_vma_close,
	.fault		= ram_fault,
	.map_pages	= mapdev_vma_map_pages,
	.page_mkwrite	= mapdev_dirty_mkwrite,
};

int mapdev_ram_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc)
{
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;

	vma_desc_set_flags(desc, VMA_MIXEDMAP_BIT, VMA_DONTEXPAND_BIT);
	desc->vm_ops = region->dirty ? &ram_dirty_vm_ops : &ram_vm_ops;
	/*
	 * mm core maps the array from 0: add the offset. Leave memory that has
	 * failed to faults, which check each page.
	 */
	if (region->attrs.eager &&
	    !mapdev_has_failed(region, desc->pgoff, vma_desc_pages(desc)))
		mmap_action_map_kernel_pages_full(desc, region->pages +
						  desc->pgoff);
	return 0;
}

#define RAM_HAS		(MAPDEV_HAS(map) | MAPDEV_HAS(numa_node) |	\
			 MAPDEV_HAS(dirty))

const struct mapdev_backing mapdev_ram_pages = {
	.name		= "pages",
	.type		= MAPDEV_PAGES,
	.has		= RAM_HAS,
	.counted	= true,
	.alloc		= pages_alloc,
	.free		= pages_free,
	.mmap_prepare	= mapdev_ram_mmap_prepare,
	.copy		= mapdev_ram_copy,
	.drain		= mapdev_guard_drain,
};

const struct mapdev_backing mapdev_ram_vmalloc = {
	.name		= "vmalloc",
	.type		= MAPDEV_VMALLOC,
	.has		= RAM_HAS,
	.counted	= true,
	.alloc		= vmalloc_alloc,
	.free		= vmalloc_free,
	.mmap_prepare	= mapdev_ram_mmap_prepare,
	.copy		= mapdev_ram_copy,
	.drain		= mapdev_guard_drain,
};

const struct mapdev_backing mapdev_ram_contig = {
	.name		= "contig",
	.type		= MAPDEV_CONTIG,
	.has		= RAM_HAS,
	.counted	= true,
	.alloc		= contig_pin_alloc,
	.free		= pages_free,
	.mmap_prepare	= mapdev_ram_mmap_prepare,
	.copy		= mapdev_ram_copy,
	.drain		= mapdev_guard_drain,
};
