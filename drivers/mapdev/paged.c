// SPDX-License-Identifier: GPL-2.0
/*
 * paged: how the folios of folios.c are mapped, and taken away.
 */
#include <linux/folio_batch.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/userfaultfd_k.h>

#include "mapdev.h"
#include "folios.h"
#include "race.h"

/* As many as core asks map_pages for, unless it was told otherwise. */
#define PAGED_AROUND_SIZE	SZ_64K

/* --- How it is mapped --- */

static int paged_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
			const struct file *file, void **vm_private_data)
{
	struct mapdev_region *region = file->private_data;

	mmap_assert_write_locked(current->mm);
	mapdev_count(region, MAPDEV_STAT_MAPPED);
	return 0;
}

/* What is there of these pages. A fence waits for a grace period for it. */
static vm_fault_t paged_map_range(struct vm_fault *vmf, pgoff_t first,
				  pgoff_t last)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);

	guard(rcu)();
	if (!mapdev_is_live(region))
		return 0;
	mapdev_race(region, MAPDEV_RACE_MAP_PAGES);
	return filemap_map_pages(vmf, first, last);
}

/* What is there of the @size bytes around the touched one. */
static vm_fault_t paged_map_around(struct vm_fault *vmf, unsigned long size)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct mapdev_around around;

	if (!mapdev_has_pages(region, vmf->pgoff, 1))
		return 0;
	around = mapdev_around(region, vmf, size);
	return paged_map_range(vmf, around.index,
			       around.index + around.count - 1);
}

/* Does somebody want to see the first write to each page? */
static bool paged_is_watched(struct vm_area_struct *vma)
{
	return mapdev_of_vma(vma)->dirty || userfaultfd_armed(vma) ||
	       (pgtable_supports_soft_dirty() &&
		!(vma->vm_flags & VM_SOFTDIRTY));
}

/* Core maps the neighbours of what is read, and never those of a write. */
static bool paged_writes_around(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_WRITE &&
	       vmf->vma->vm_flags & VM_SHARED &&
	       mapdev_of_vma(vmf->vma)->attrs.granule < PAGED_AROUND_SIZE &&
	       !paged_is_watched(vmf->vma);
}

/*
 * For a fault core maps all of a large folio, whatever became of its pages; but
 * not for a copy, nor with userfaultfd.
 */
static bool paged_maps_failed(const struct vm_fault *vmf, struct folio *folio)
{
	bool copy = vmf->flags & FAULT_FLAG_WRITE &&
		    !(vmf->vma->vm_flags & VM_SHARED);

	return folio_test_large(folio) &&
	       folio_contain_hwpoisoned_page(folio) && !copy &&
	       !userfaultfd_armed(vmf->vma);
}

/*
 * Map what is good of the folio around the touched page, to be read: a write
 * comes again, and asks page_mkwrite. So does whoever finds the folio locked.
 */
static vm_fault_t paged_map_good(struct vm_fault *vmf)
{
	const enum fault_flag flags = vmf->flags;

	/* For the last folio core brings no page table: see upstream.rst. */
	if (pmd_none(pmdp_get(vmf->pmd)) &&
	    apply_to_page_range(vmf->vma->vm_mm, vmf->address, PAGE_SIZE, NULL,
				NULL))
		return VM_FAULT_OOM;
	vmf->flags &= ~FAULT_FLAG_WRITE;
	paged_map_range(vmf, vmf->pgoff, vmf->pgoff);
	vmf->flags = flags;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t paged_fault(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct folio *folio;

	assert_fault_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_FAULT);

	folio = mapdev_folio_find(region, vmf->pgoff, 0);
	if (!IS_ERR(folio) && paged_writes_around(vmf))
		paged_map_around(vmf, PAGED_AROUND_SIZE);
	if (folio == ERR_PTR(-ENOENT))
		folio = mapdev_folio_make(region, vmf->pgoff, vmf->vma,
					  vmf->address, NULL);
	if (IS_ERR(folio))
		return mapdev_fault_end(vmf, 0,
					mapdev_fault_error(region,
							   PTR_ERR(folio)));
	if (paged_maps_failed(vmf, folio)) {
		mapdev_folio_put(folio);
		return mapdev_fault_end(vmf, 0, paged_map_good(vmf));
	}
	mapdev_race(region, MAPDEV_RACE_FAULT);
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return mapdev_fault_end(vmf, 0, VM_FAULT_LOCKED);
}

/*
 * Map @folio as a PMD, without the page table that core allocates for fault().
 * The entry is inserted as not written to, though it is writable: with "write"
 * the helper expects to find no small page table, and another thread may have
 * installed one.
 */
static vm_fault_t paged_insert_huge(struct vm_fault *vmf, struct folio *folio)
{
	if (folio_order(folio) != PMD_ORDER ||
	    folio_contain_hwpoisoned_page(folio))
		return VM_FAULT_FALLBACK;
	mapdev_race(mapdev_of_vma(vmf->vma), MAPDEV_RACE_HUGE_FAULT);
	return vmf_insert_folio_pmd(vmf, folio, false);
}

/* What is there already; a hole stays one. */
static void paged_insert_near(struct vm_fault *vmf)
{
	struct folio *folio;

	folio = mapdev_folio_find(mapdev_of_vma(vmf->vma), vmf->pgoff,
				  FGP_NOWAIT);
	if (IS_ERR(folio))
		return;
	paged_insert_huge(vmf, folio);
	mapdev_folio_put(folio);
}

/*
 * Where the granule is a PMD. What this does not take, a read-only entry that
 * is written to included, comes again to fault().
 */
static vm_fault_t paged_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	struct folio *folio;
	vm_fault_t ret;
	bool found;

	assert_fault_locked(vmf);
	if (order != PMD_ORDER || !mapdev_is_huge(region) ||
	    !pmd_none(pmdp_get(vmf->pmd)) || !mapdev_fits_huge(vmf) ||
	    !IS_ALIGNED(mapdev_huge_pgoff(vmf), 1UL << PMD_ORDER))
		return VM_FAULT_FALLBACK;
	/* Userfaultfd wants to see small pages. */
	if (userfaultfd_armed(vmf->vma))
		return VM_FAULT_FALLBACK;
	/* A copy is needed; or core asks page_mkwrite, and maps the PMD itself. */
	if (write && (!(vmf->vma->vm_flags & VM_SHARED) || region->dirty))
		return VM_FAULT_FALLBACK;

	folio = mapdev_folio_find(region, vmf->pgoff, 0);
	found = folio != ERR_PTR(-ENOENT);
	if (!found)
		folio = mapdev_folio_make(region, vmf->pgoff, vmf->vma,
					  vmf->address, NULL);
	if (IS_ERR(folio))
		return VM_FAULT_FALLBACK;
	ret = paged_insert_huge(vmf, folio);
	mapdev_folio_put(folio);
	if (ret == VM_FAULT_FALLBACK)
		return ret;

	/* Around what was a hole there are likely others. */
	if (found)
		mapdev_huge_around(vmf, paged_insert_near);
	mapdev_count_fault(vmf, MAPDEV_STAT_HUGE_FAULT);
	return mapdev_fault_end(vmf, order, ret);
}

/*
 * Where there is no page table yet, a read fills it. After that, what is missing
 * comes as core asks for it; or, a large folio, by fault(), which maps all of it
 * faster than this does, page by page; unless that meets private copies.
 */
static vm_fault_t paged_map_pages(struct vm_fault *vmf, pgoff_t first,
				  pgoff_t last)
{
	assert_fault_locked(vmf);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "map_pages outside of RCU");
	mapdev_count_fault(vmf, MAPDEV_STAT_MAP_PAGES);

	if (pmd_none(pmdp_get(vmf->pmd)))
		return paged_map_around(vmf, MAPDEV_AROUND_SIZE);
	if (mapdev_of_vma(vmf->vma)->attrs.granule >= PAGED_AROUND_SIZE &&
	    vmf->vma->vm_flags & VM_SHARED)
		return 0;
	return paged_map_range(vmf, first, last);
}

/*
 * No open, no close and no special flag: adjacent mappings merge, and grow,
 * move and split as those of a file.
 */
static const struct vm_operations_struct paged_vm_ops = {
	.mapped		= paged_mapped,
	.fault		= paged_fault,
	.huge_fault	= paged_huge_fault,
	.map_pages	= paged_map_pages,
};

static const struct vm_operations_struct paged_dirty_vm_ops = {
	.mapped		= paged_mapped,
	.fault		= paged_fault,
	.huge_fault	= paged_huge_fault,
	.map_pages	= paged_map_pages,
	.page_mkwrite	= mapdev_dirty_mkwrite,
};

static int paged_mmap_prepare(struct mapdev_region *region,
			      struct vm_area_desc *desc)
{
	desc->vm_ops = region->dirty ? &paged_dirty_vm_ops : &paged_vm_ops;
	/* The granule was asked for: core need not be told "always", too. */
	if (mapdev_is_huge(region))
		vma_desc_set_flags(desc, VMA_HUGEPAGE_BIT);
	return 0;
}

/* --- How it is taken away --- */

/*
 * Three ways lead to a page table entry or a copy, and each checks the state
 * under what is waited for here: a new folio under invalidate_lock, fault-
 * around under RCU, and whatever uses a folio under its lock.
 */
static void paged_fence(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio_batch batch;
	pgoff_t index = 0;

	filemap_invalidate_lock(mapping);
	filemap_invalidate_unlock(mapping);
	synchronize_rcu();

	folio_batch_init(&batch);
	while (filemap_get_folios(mapping, &index, ULONG_MAX, &batch)) {
		for (int i = 0; i < folio_batch_count(&batch); i++) {
			folio_lock(batch.folios[i]);
			folio_unlock(batch.folios[i]);
		}
		folio_batch_release(&batch);
		cond_resched();
	}
}

const struct mapdev_backing mapdev_paged = {
	.name		= "paged",
	.type		= MAPDEV_PAGED,
	.alloc		= mapdev_folios_alloc,
	.mmap_prepare	= paged_mmap_prepare,
	.copy		= mapdev_folios_copy,
	.fence		= paged_fence,
	/* Its size is read in one piece. */
	.resizable	= IS_ENABLED(CONFIG_64BIT),
	.lock_folio	= mapdev_folio_lock,
	.next_folio	= mapdev_folio_next,
};
