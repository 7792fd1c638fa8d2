// SPDX-License-Identifier: GPL-2.0
/*
 * paged: folios in the page cache of the region's own inode, allocated at
 * first touch, one granule each.
 *
 * A folio is found, or made, and handed out locked after the region's state
 * was checked under that lock. Core keeps the lock until the page table entry
 * is there, which is what revoke waits for: see paged_fence().
 */
#include <linux/migrate.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/folio_batch.h>
#include <linux/rcupdate.h>
#include <linux/uio.h>
#include <linux/userfaultfd_k.h>

#include "mapdev.h"

/* --- The memory --- */

/* A poisoned page stays, so that its data is missed and not read as zero. */
static int paged_error_remove_folio(struct address_space *mapping,
				    struct folio *folio)
{
	return 0;
}

static const struct address_space_operations paged_aops = {
	.dirty_folio		= noop_dirty_folio,
	.migrate_folio		= filemap_migrate_folio,
	.error_remove_folio	= paged_error_remove_folio,
};

/* With dirty=1. PG_dirty is set from the start, see paged_add(). */
static const struct address_space_operations paged_dirty_aops = {
	.dirty_folio		= mapdev_dirty_folio,
	.migrate_folio		= filemap_migrate_folio,
	.error_remove_folio	= paged_error_remove_folio,
};

static int paged_alloc(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (!region->attrs.granule)
		region->attrs.granule = mapdev_default_granule();
	mapping->a_ops = region->attrs.dirty ? &paged_dirty_aops : &paged_aops;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER_MOVABLE);
	mapping_set_unevictable(mapping);
	mapping_set_folio_order_range(mapping, 0,
				      get_order(region->attrs.granule));
	return 0;
}

static struct folio *paged_lock_folio(struct mapdev_region *region,
				      pgoff_t index)
{
	return filemap_lock_folio(region->inode->i_mapping, index);
}

static void paged_put(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
}

/*
 * The folio at @index, locked and with a reference; -ENOENT if there is none
 * yet, or the errno of the state.
 */
static struct folio *paged_find(struct mapdev_region *region, pgoff_t index)
{
	struct folio *folio;
	int err;

	folio = filemap_lock_folio(region->inode->i_mapping, index);
	if (IS_ERR(folio))
		return folio;

	err = mapdev_check(region, index);
	/*
	 * Core would take a poisoned page for a clean one that it may drop,
	 * and the program would read zeros.
	 */
	if (!err && PageHWPoison(folio_file_page(folio, index)))
		err = -EHWPOISON;
	if (!err)
		return folio;

	paged_put(folio);
	return ERR_PTR(err);
}

/* A zeroed folio by the region's node, else by the policy of @vma or task. */
static struct folio *paged_new(struct mapdev_region *region, unsigned int order,
			       struct vm_area_struct *vma, unsigned long addr)
{
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_ZERO;

	if (order)
		gfp |= __GFP_NORETRY | __GFP_NOWARN;
	if (region->attrs.numa_node != NUMA_NO_NODE)
		return __folio_alloc_node(gfp, order, region->attrs.numa_node);
	if (vma)
		return vma_alloc_folio(gfp, order, vma, addr);
	return folio_alloc(gfp, order);
}

/* Add a folio of one granule around @index, or less where that cannot be. */
static struct folio *paged_add(struct mapdev_region *region, pgoff_t index,
			       struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = region->inode->i_mapping;
	unsigned int order = get_order(region->attrs.granule);

	for (;; order--) {
		/* No one is to be killed for a folio that need not be large. */
		gfp_t gfp = order ? GFP_KERNEL | __GFP_NORETRY : GFP_KERNEL;
		pgoff_t first = round_down(index, 1UL << order);
		struct folio *folio;
		int err = -ENOMEM;

		/* The last granule may be cut short by the end. */
		if (order && !mapdev_has_pages(region, first, 1UL << order))
			continue;

		folio = paged_new(region, order, vma, addr);
		if (folio) {
			err = filemap_add_folio(mapping, folio, first, gfp);
			if (!err) {
				folio_mark_uptodate(folio);
				/*
				 * Never clean: core drops clean folios when it
				 * takes a page offline, and spares a write
				 * fault its look at writeback. To the dirty
				 * log this is no write.
				 */
				noop_dirty_folio(mapping, folio);
				return folio;
			}
			folio_put(folio);
		}
		/* A neighbour stands in the way, or this very page came. */
		if (err == -EEXIST) {
			folio = paged_find(region, index);
			if (folio != ERR_PTR(-ENOENT))
				return folio;
		}
		if (!order)
			return ERR_PTR(err);
		mapdev_count(region, MAPDEV_STAT_FALLBACK);
	}
}

/*
 * As paged_find(), but make the folio. Whoever adds one has checked the state
 * with invalidate_lock held, which paged_fence() waits for.
 */
static struct folio *paged_get(struct mapdev_region *region, pgoff_t index,
			       struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio;
	int err;

	folio = paged_find(region, index);
	if (folio != ERR_PTR(-ENOENT))
		return folio;

	filemap_invalidate_lock_shared(mapping);
	err = mapdev_check(region, index);
	folio = err ? ERR_PTR(err) : paged_add(region, index, vma, addr);
	filemap_invalidate_unlock_shared(mapping);
	return folio;
}

/* Nothing was written there yet: zeros, without making a folio of them. */
static ssize_t paged_read_hole(struct mapdev_region *region, loff_t pos,
			       struct iov_iter *iter)
{
	int err = mapdev_check(region, pos >> PAGE_SHIFT);
	size_t copied;

	if (err)
		return err;
	pagefault_disable();
	copied = iov_iter_zero(PAGE_SIZE - offset_in_page(pos), iter);
	pagefault_enable();
	return copied;
}

static ssize_t paged_copy(struct mapdev_region *region, loff_t pos,
			  struct iov_iter *iter)
{
	bool write = iov_iter_rw(iter) == ITER_SOURCE;
	pgoff_t index = pos >> PAGE_SHIFT;
	struct folio *folio;
	size_t offset, bytes, copied;

	folio = write ? paged_get(region, index, NULL, 0) :
			paged_find(region, index);
	if (folio == ERR_PTR(-EHWPOISON))
		return -EIO;
	if (folio == ERR_PTR(-ENOENT))
		return paged_read_hole(region, pos, iter);
	if (IS_ERR(folio))
		return PTR_ERR(folio);

	offset = offset_in_folio(folio, pos);
	bytes = folio_size(folio) - offset;
	/* Only the page at @pos was checked for poison. */
	if (folio_contain_hwpoisoned_page(folio))
		bytes = PAGE_SIZE - offset_in_page(pos);
	/* A folio that is pinned may lie across a new end. */
	bytes = min3(bytes, iov_iter_count(iter), mapdev_size(region) - pos);

	pagefault_disable();
	if (write) {
		/* A collection takes the mark, and waits for the folio. */
		mapdev_dirty_mark(region, index, 1);
		copied = copy_folio_from_iter_atomic(folio, offset, bytes, iter);
		flush_dcache_folio(folio);
	} else {
		flush_dcache_folio(folio);
		copied = copy_folio_to_iter(folio, offset, bytes, iter);
	}
	pagefault_enable();

	paged_put(folio);
	return copied;
}

/* --- How it is mapped --- */

static int paged_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
			const struct file *file, void **vm_private_data)
{
	struct mapdev_region *region = file->private_data;

	mmap_assert_write_locked(current->mm);
	mapdev_count(region, MAPDEV_STAT_MAPPED);
	return 0;
}

static vm_fault_t paged_fault(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct folio *folio;

	assert_fault_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_FAULT);

	folio = paged_get(region, vmf->pgoff, vmf->vma, vmf->address);
	if (IS_ERR(folio))
		return mapdev_fault_end(vmf, 0,
					mapdev_fault_error(region,
							   PTR_ERR(folio)));
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return mapdev_fault_end(vmf, 0, VM_FAULT_LOCKED);
}

/*
 * Where the granule is a PMD, map it as one, without the page table that core
 * allocates for fault(). The entry is inserted as not written to, though it is
 * writable: with "write" the helper expects to find no small page table, and
 * another thread may have installed one. What this does not take, a read-only
 * entry that is written to included, comes again to fault().
 */
static vm_fault_t paged_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	struct folio *folio;

	assert_fault_locked(vmf);
	if (order != PMD_ORDER || !mapdev_is_huge(region) ||
	    !pmd_none(*vmf->pmd) || !mapdev_fits_huge(vmf, order) ||
	    !IS_ALIGNED(mapdev_huge_pgoff(vmf, order), 1UL << order))
		return VM_FAULT_FALLBACK;
	/* Userfaultfd wants to see small pages; a private write needs a copy. */
	if (userfaultfd_armed(vmf->vma) ||
	    (write && !(vmf->vma->vm_flags & VM_SHARED)))
		return VM_FAULT_FALLBACK;
	/* Core asks page_mkwrite, and installs the huge entry itself. */
	if (write && region->dirty)
		return VM_FAULT_FALLBACK;

	folio = paged_get(region, vmf->pgoff, vmf->vma, vmf->address);
	if (IS_ERR(folio))
		return VM_FAULT_FALLBACK;
	if (folio_order(folio) == order && !folio_contain_hwpoisoned_page(folio) &&
	    mapdev_has_pages(region, folio->index, 1UL << order)) {
		ret = vmf_insert_folio_pmd(vmf, folio, false);
		mapdev_count_fault(vmf, MAPDEV_STAT_HUGE_FAULT);
		mapdev_fault_end(vmf, order, ret);
	}
	paged_put(folio);
	return ret;
}

/* Runs under RCU and cannot sleep; paged_fence() waits for a grace period. */
static vm_fault_t paged_map_pages(struct vm_fault *vmf, pgoff_t first,
				  pgoff_t last)
{
	assert_fault_locked(vmf);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "map_pages outside of RCU");
	mapdev_count_fault(vmf, MAPDEV_STAT_MAP_PAGES);

	if (!mapdev_is_live(mapdev_of_vma(vmf->vma)))
		return 0;
	return filemap_map_pages(vmf, first, last);
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
	.alloc		= paged_alloc,
	.mmap_prepare	= paged_mmap_prepare,
	.copy		= paged_copy,
	.fence		= paged_fence,
	/* Its size is read in one piece. */
	.resizable	= IS_ENABLED(CONFIG_64BIT),
	.lock_folio	= paged_lock_folio,
};
