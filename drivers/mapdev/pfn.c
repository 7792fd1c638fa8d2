// SPDX-License-Identifier: GPL-2.0
/*
 * pfn: how page frames are mapped, by number and without a look at their struct
 * pages: those of contig.c, window.c and export.c. Mapped by VM_PFNMAP, in PMDs
 * where both sides are aligned, and not in PUDs: mm core takes such an entry for
 * a table, see Documentation/testing/upstream.rst. Nothing can be pinned, so that
 * after a revoke nothing reaches the memory; ptrace and gdb use ->access.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "failure.h"
#include "fault.h"
#include "mapdev.h"
#include "pfn.h"
#include "race.h"
#include "stats.h"

/*
 * The protection is computed in each fault: on some architectures mprotect()
 * drops what is not a permission.
 */
static pgprot_t pfn_prot(const struct mapdev_region *region, pgprot_t prot)
{
	return region->backing->frames->prot(region, prot);
}

static vm_fault_t pfn_insert(struct vm_area_struct *vma, unsigned long addr,
			     pgoff_t index, pgprot_t prot)
{
	struct mapdev_region *region = mapdev_of_vma(vma);

	if (mapdev_in_hole(region, index, 1))
		return VM_FAULT_SIGBUS;
	if (mapdev_has_failed(region, index, 1))
		return VM_FAULT_HWPOISON;
	mapdev_race(region, MAPDEV_RACE_FAULT);
	return vmf_insert_pfn_prot(vma, addr, region->pfn + index, prot);
}

/* Skip what cannot be mapped or is mapped already. */
static void pfn_insert_around(struct mapdev_region *region,
			      struct vm_fault *vmf, pgprot_t prot)
{
	struct mapdev_fault_around around =
		mapdev_fault_around(region, vmf, MAPDEV_FAULT_AROUND_SIZE);

	for (unsigned long i = 0; i < around.count; i++)
		pfn_insert(vmf->vma, around.addr + i * PAGE_SIZE,
			   around.index + i, prot);
}

static vm_fault_t pfn_insert_touched(struct mapdev_region *region,
				     struct vm_fault *vmf)
{
	pgprot_t prot = pfn_prot(region, vmf->vma->vm_page_prot);
	vm_fault_t ret;

	ret = pfn_insert(vmf->vma, vmf->address, vmf->pgoff, prot);
	if (ret == VM_FAULT_NOPAGE)
		pfn_insert_around(region, vmf, prot);
	return ret;
}

static vm_fault_t pfn_fault(struct vm_fault *vmf)
{
	return mapdev_guarded_fault(vmf, pfn_insert_touched);
}

/*
 * Entries are inserted as not written to, though they are writable: with
 * "write" the helpers expect to find no small page table, and another thread
 * may have installed one. An entry that is there and read-only (after
 * mprotect) is split by mm core and faults again, small, after FALLBACK.
 */
static vm_fault_t pfn_insert_huge(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	pgoff_t first = mapdev_huge_pgoff(vmf);

	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) ||
	    !pmd_none(pmdp_get(vmf->pmd)) ||
	    mapdev_has_failed(region, first, 1UL << PMD_ORDER))
		return VM_FAULT_FALLBACK;
	mapdev_race(region, MAPDEV_RACE_HUGE_FAULT);
	return vmf_insert_pfn_pmd(vmf, region->pfn + first, false);
}

/* Do the pages around the touched byte lie where one PMD maps them? */
static bool pfn_is_huge(const struct vm_fault *vmf)
{
	const unsigned long count = 1UL << PMD_ORDER;
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	pgoff_t first = mapdev_huge_pgoff(vmf);

	if (MAPDEV_PMD_HAS_FOLIO && !pfn_valid(region->pfn + first))
		return false;
	return IS_ALIGNED(region->pfn + first, count) &&
	       mapdev_has_pages(region, first, count) &&
	       !mapdev_in_hole(region, first, count);
}

/* With the guard held. */
static void pfn_insert_near(struct vm_fault *vmf)
{
	if (pfn_is_huge(vmf))
		pfn_insert_huge(vmf);
}

static vm_fault_t pfn_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	vm_fault_t ret;

	assert_fault_locked(vmf);
	if (order != PMD_ORDER || !mapdev_fits_huge(vmf) || !pfn_is_huge(vmf))
		return VM_FAULT_FALLBACK;

	/* What is wrong with the region is for fault() to say. */
	if (mapdev_enter(region, vmf->pgoff))
		return VM_FAULT_FALLBACK;
	ret = pfn_insert_huge(vmf);
	if (ret == VM_FAULT_NOPAGE)
		mapdev_huge_fault_around(vmf, pfn_insert_near);
	mapdev_leave(region);

	if (ret == VM_FAULT_FALLBACK) {
		mapdev_count(region, MAPDEV_STAT_FALLBACK);
		return ret;
	}
	mapdev_count_fault(vmf, MAPDEV_STAT_HUGE_FAULT);
	return mapdev_fault_end(vmf, order, ret);
}

/* Move bytes of one page between the region and the kernel. */
static void pfn_move(struct mapdev_region *region, pgoff_t index, size_t offset,
		     void *buf, size_t bytes, bool write)
{
	mapdev_race(region, MAPDEV_RACE_ACCESS);
	region->backing->frames->move(region,
				      ((loff_t)index << PAGE_SHIFT) + offset,
				      buf, bytes, write);
}

/* For ptrace, gdb and /proc/PID/mem: mm core has no struct page. */
static int pfn_access(struct vm_area_struct *vma, unsigned long addr, void *buf,
		      int len, int write)
{
	struct mapdev_region *region = mapdev_of_vma(vma);
	pgoff_t index = linear_page_index(vma, addr);
	size_t offset = offset_in_page(addr);

	mmap_assert_locked(vma->vm_mm);
	if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		return -EFAULT;
	/* One page; the caller comes again for the rest. */
	len = min_t(size_t, len, PAGE_SIZE - offset);

	if (mapdev_in_hole(region, index, 1) || mapdev_enter(region, index))
		return -EIO;
	if (mapdev_has_failed(region, index, 1))
		len = -EIO;
	else
		pfn_move(region, index, offset, buf, len, write);
	mapdev_leave(region);
	return len;
}

static const struct vm_operations_struct pfn_vm_ops = {
	.mapped		= mapdev_vma_mapped,
	.open		= mapdev_vma_open,
	.close		= mapdev_vma_close,
	.fault		= pfn_fault,
	.huge_fault	= pfn_huge_fault,
	.map_pages	= mapdev_vma_map_pages,
	.access		= pfn_access,
};

int mapdev_pfn_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc)
{
	/* Copy on write of page frames is a BUG_ON in vmf_insert_pfn(). */
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;

	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT, VMA_DONTEXPAND_BIT,
			   VMA_DONTDUMP_BIT);
	desc->vm_ops = &pfn_vm_ops;
	/* Huge entries are made of this one. */
	desc->page_prot = pfn_prot(region, desc->page_prot);
	/* What has failed is left to faults, which look at each page. */
	if (!region->attrs.eager ||
	    mapdev_has_failed(region, desc->pgoff, vma_desc_pages(desc)))
		return 0;
	region->backing->frames->map(region, desc);
	return 0;
}
