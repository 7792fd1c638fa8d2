// SPDX-License-Identifier: GPL-2.0
/*
 * ram: struct pages by index, of pages.c. Mapped page by page into VM_MIXEDMAP
 * mappings, so that whatever takes a reference (O_DIRECT, io_uring, RDMA) can.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>

#include "mapdev.h"
#include "pages.h"
#include "race.h"

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
	struct mapdev_around around =
		mapdev_around(region, vmf, MAPDEV_AROUND_SIZE);

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

static vm_fault_t ram_fault(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	vm_fault_t ret;
	int err;

	assert_fault_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_FAULT);

	err = mapdev_enter(region, vmf->pgoff);
	if (err)
		return mapdev_fault_end(vmf, 0, mapdev_fault_error(region, err));

	if (region->dirty && vmf->flags & FAULT_FLAG_WRITE)
		ret = ram_insert_writable(region, vmf);
	else
		ret = ram_insert_around(region, vmf);
	mapdev_leave(region);
	return mapdev_fault_end(vmf, 0, ret);
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

static int ram_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc)
{
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;

	vma_desc_set_flags(desc, VMA_MIXEDMAP_BIT, VMA_DONTEXPAND_BIT);
	desc->vm_ops = region->dirty ? &ram_dirty_vm_ops : &ram_vm_ops;
	/*
	 * Core does not add the offset itself: it maps the array from 0. What
	 * has failed is left to faults, which look at each page.
	 */
	if (region->attrs.eager &&
	    !mapdev_has_failed(region, desc->pgoff, vma_desc_pages(desc)))
		mmap_action_map_kernel_pages_full(desc, region->pages +
						  desc->pgoff);
	return 0;
}

const struct mapdev_backing mapdev_ram_pages = {
	.name		= "pages",
	.type		= MAPDEV_PAGES,
	.alloc		= mapdev_pages_alloc,
	.free		= mapdev_pages_put,
	.mmap_prepare	= ram_mmap_prepare,
	.copy		= mapdev_pages_copy,
	.fence		= mapdev_guard_fence,
};

const struct mapdev_backing mapdev_ram_vmalloc = {
	.name		= "vmalloc",
	.type		= MAPDEV_VMALLOC,
	.alloc		= mapdev_vmalloc_alloc,
	.free		= mapdev_vmalloc_free,
	.mmap_prepare	= ram_mmap_prepare,
	.copy		= mapdev_pages_copy,
	.fence		= mapdev_guard_fence,
};

const struct mapdev_backing mapdev_ram_contig = {
	.name		= "contig",
	.type		= MAPDEV_CONTIG,
	.alloc		= mapdev_contig_pin_alloc,
	.free		= mapdev_pages_put,
	.mmap_prepare	= ram_mmap_prepare,
	.copy		= mapdev_pages_copy,
	.fence		= mapdev_guard_fence,
};
