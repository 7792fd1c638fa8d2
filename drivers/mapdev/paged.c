// SPDX-License-Identifier: GPL-2.0
/*
 * paged: folios in the page cache of the region's own inode, one granule each,
 * allocated at first touch.
 *
 * A folio is found or made, and returned locked, after the state of the region
 * was checked under that lock. mm core keeps the lock until the page table entry
 * is installed. paged_drain() has what a revoke waits for.
 */
#include <linux/folio_batch.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/uio.h>
#include <linux/userfaultfd_k.h>
#include <linux/xarray.h>

#include "attrs.h"
#include "dirty.h"
#include "fault.h"
#include "mapdev.h"
#include "race.h"
#include "stats.h"

/* What mm core asks map_pages for by default. */
#define PAGED_FAULT_AROUND_SIZE	SZ_64K

/* --- The memory --- */

/*
 * Always dirty, large, without writeback and not shmem's: mm core has no other
 * folios that are all of it. The places of mm/ in 7.3 that ask folio_test_dirty(),
 * mapping_can_writeback() or shmem_mapping(), and what has been decided for each.
 *
 * Wanted:
 *   mapping_evict_folio(), folio_unmap_invalidate(), __remove_mapping(),
 *   reclaim_clean_pages_from_list()	A dirty folio is not dropped.
 *   hwpoison_user_mappings(),
 *   unmap_poisoned_folio()		Mappers of a dirty folio get SIGBUS.
 *   set_pte_range()			An entry that is writable is made dirty.
 *   vma_fs_can_writeback()		No: dirty=0 has no write faults to track,
 *					and long-term pins for writing work.
 *   folio_account_dirtied(), filemap_writeback(), __folio_cancel_dirty(),
 *   folio_clear_dirty_for_io(), filemap_unaccount_folio(),
 *   __folio_migrate_mapping()		Without writeback nothing is counted.
 *   folio_migrate_flags(),
 *   remove_migration_pte(), _pmd()	The new folio, and its entries, are dirty.
 *
 * Dealt with:
 *   __folio_freeze_and_split_unmapped()	Takes what is dirty past i_size from
 *					the counters of inode_to_wb(), which is
 *					NULL. resize.c: nothing is past i_size.
 *   filemap_map_pages(), filemap_map_folio_range(),
 *   finish_fault()			Map page by page what lies across
 *					i_size. The same: nothing does.
 *   truncate_inode_partial_folio(),
 *   folio_split_or_unmap()		Keep a dirty folio that cannot be split,
 *					unmapped. resize.c: cut_end(), split_at().
 *   isolate_migratepages_block()	Wants migrate_folio, which there is.
 *   unpin_user_pages_dirty_lock(), unpin_user_page_range_dirty_lock(),
 *   follow_page_pte(), __split_huge_pmd_locked(), walk_update_folio()
 *					Do not call dirty_folio for what is dirty:
 *					see dirty.c.
 *
 * Lived with:
 *   folio_can_map_prot_numa(), migrate_misplaced_folio_prepare()
 *					NUMA balancing never moves a folio;
 *					numa_node, mbind(2), move_pages(2) do.
 *   collapse_file(), collapse_single_pmd()	What was split stays so (they do
 *					not look at device files, either).
 *   gup_fast_folio_allowed()		A long-term pin for writing goes slow.
 *   me_pagecache_clean(), _dirty()	"Failed", as the folio stays: see below.
 *   filemap_cachestat()		Nothing is dirty: it asks the xarray.
 *
 * Not reached:
 *   by mapping_set_unevictable()	shrink_folio_list(), pageout(), evict_folios(),
 *					folio_check_dirty_writeback(),
 *					should_skip_vma(), lru_deactivate_file(),
 *					folio_rotate_reclaimable()
 *   by the lack of shadows and swap	mincore_page(), clear_shadow_entries(),
 *					truncate_folio_batch_exceptionals(),
 *					__filemap_add_folio(), madvise_willneed(),
 *					mapping_set_update(), do_swap_page()
 *   by a_ops and file_operations	folio_launder(), fallback_migrate_folio(),
 *					__folio_mark_dirty(), the dropbehind of
 *					filemap_read(), __filemap_get_folio() with
 *					FGP_CREAT, filemap_range_has_writeback(),
 *					filemap_get_folios_dirty(),
 *					pagecache_isize_extended(), writeback
 *   anonymous, or DAX, or KSM only	the rest
 */

/* A poisoned page stays, so that its data is missed and not read as zero. */
static int error_remove_folio(struct address_space *mapping,
			      struct folio *folio)
{
	WARN_ON_ONCE(!folio_test_locked(folio));
	return 0;
}

/* Both locks keep faults, copies and collections away: they lock the folio. */
static int paged_migrate_folio(struct address_space *mapping, struct folio *dst,
			       struct folio *src, enum migrate_mode mode)
{
	if (WARN_ON_ONCE(!folio_test_locked(src) || !folio_test_locked(dst)))
		return -EAGAIN;
	return filemap_migrate_folio(mapping, dst, src, mode);
}

static const struct address_space_operations paged_aops = {
	.dirty_folio		= noop_dirty_folio,
	.migrate_folio		= paged_migrate_folio,
	.error_remove_folio	= error_remove_folio,
};

/* With dirty=1. PG_dirty is set from the start, see add_folio(). */
static const struct address_space_operations paged_dirty_aops = {
	.dirty_folio		= mapdev_dirty_folio,
	.migrate_folio		= paged_migrate_folio,
	.error_remove_folio	= error_remove_folio,
};

static u64 default_granule(void)
{
	return clamp_t(u64, SZ_64K, PAGE_SIZE, mapdev_max_granule());
}

static int paged_alloc(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (!region->attrs.granule)
		region->attrs.granule = default_granule();
	mapping->a_ops = region->attrs.dirty ? &paged_dirty_aops : &paged_aops;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER_MOVABLE);
	mapping_set_unevictable(mapping);
	mapping_set_folio_order_range(mapping, 0,
				      get_order(region->attrs.granule));
	return 0;
}

static struct folio *paged_lock_folio(struct mapdev_region *region, pgoff_t index)
{
	return filemap_lock_folio(region->inode->i_mapping, index);
}

static pgoff_t paged_next_folio(struct mapdev_region *region, pgoff_t index,
				pgoff_t end)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (index < end &&
	    xa_find(&mapping->i_pages, &index, end - 1, XA_PRESENT))
		return index;
	return end;
}

static void paged_put(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
}

/* Not with invalidate_lock held: its holder excludes a split already. */
static void let_split(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (likely(!READ_ONCE(region->splitting)))
		return;
	filemap_invalidate_lock_shared(mapping);
	filemap_invalidate_unlock_shared(mapping);
}

/*
 * The folio at @index, locked and with a reference; -ENOENT if there is none
 * yet, or the errno of the state; with FGP_NOWAIT -EAGAIN if another has it
 * locked.
 */
static struct folio *paged_find(struct mapdev_region *region, pgoff_t index,
				fgf_t how)
{
	struct folio *folio;
	int err;

	let_split(region);
	folio = __filemap_get_folio(region->inode->i_mapping, index,
				    FGP_LOCK | how, 0);
	if (IS_ERR(folio))
		return folio;

	err = mapdev_check(region, index);
	/*
	 * mm core would drop a poisoned page as clean, and the program would
	 * read zeros.
	 */
	if (!err && PageHWPoison(folio_file_page(folio, index)))
		err = -EHWPOISON;
	if (!err)
		return folio;

	paged_put(folio);
	return ERR_PTR(err);
}

/* By the region's node, else by the policy of @vma or of the task. Not zeroed. */
static struct folio *new_folio(struct mapdev_region *region, unsigned int order,
			       struct vm_area_struct *vma, unsigned long addr)
{
	gfp_t gfp = GFP_HIGHUSER_MOVABLE;

	if (order)
		gfp |= __GFP_NORETRY | __GFP_NOWARN;
	if (region->attrs.numa_node != NUMA_NO_NODE)
		return __folio_alloc_node(gfp, order, region->attrs.numa_node);
	if (vma)
		return vma_alloc_folio(gfp, order, vma, addr);
	return folio_alloc(gfp, order);
}

/* The largest order around @index: the end may cut the last granule short. */
static unsigned int paged_order(const struct mapdev_region *region,
				pgoff_t index)
{
	unsigned int order = get_order(region->attrs.granule);

	while (order && !mapdev_has_pages(region, round_down(index, 1UL << order),
					  1UL << order))
		order--;
	return order;
}

/* Do other folios leave no room for one of this order? */
static bool paged_is_crowded(const struct mapdev_region *region, pgoff_t first,
			     unsigned int order)
{
	loff_t start = (loff_t)first << PAGE_SHIFT;

	return filemap_range_has_page(region->inode->i_mapping, start,
				      start + (PAGE_SIZE << order) - 1);
}

/*
 * Add a folio of one granule around @index, or less where that cannot be. It is
 * locked, and paged_complete() has to follow.
 */
static struct folio *add_folio(struct mapdev_region *region, pgoff_t index,
			       struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = region->inode->i_mapping;
	const unsigned int whole = paged_order(region, index);

	for (unsigned int order = whole;; order--) {
		/*
		 * Do not invoke the OOM killer for a folio that need not be
		 * large.
		 */
		gfp_t gfp = order ? GFP_KERNEL | __GFP_NORETRY : GFP_KERNEL;
		pgoff_t first = round_down(index, 1UL << order);
		struct folio *folio;
		int err = -ENOMEM;

		if (order && paged_is_crowded(region, first, order))
			continue;

		folio = new_folio(region, order, vma, addr);
		if (folio) {
			err = filemap_add_folio(mapping, folio, first, gfp);
			if (!err) {
				if (order < whole)
					mapdev_count(region,
						     MAPDEV_STAT_FALLBACK);
				return folio;
			}
			folio_put(folio);
		}
		/* A neighbour came meanwhile, or this very page. */
		if (err == -EEXIST) {
			folio = paged_find(region, index, 0);
			if (folio != ERR_PTR(-ENOENT))
				return folio;
		} else if (folio && order) {
			/* There is memory, but none for its cgroup: try a page. */
			order = 1;
		}
		if (!order)
			return ERR_PTR(err);
	}
}

/*
 * Add the folio that was not found. The state is checked under invalidate_lock,
 * which paged_drain() waits for.
 */
static struct folio *paged_make(struct mapdev_region *region, pgoff_t index,
				struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio;
	int err;

	filemap_invalidate_lock_shared(mapping);
	err = mapdev_check(region, index);
	mapdev_race(region, MAPDEV_RACE_NEW_FOLIO);
	folio = err ? ERR_PTR(err) : add_folio(region, index, vma, addr);
	filemap_invalidate_unlock_shared(mapping);
	return folio;
}

/*
 * Zero a locked folio that is new, except for the bytes between @from and @to, and
 * let those find it who do not take its lock.
 */
static void paged_complete(struct mapdev_region *region, struct folio *folio,
			   size_t from, size_t to)
{
	if (folio_test_uptodate(folio))
		return;
	mapdev_race(region, MAPDEV_RACE_COMPLETE);
	if (user_alloc_needs_zeroing())
		folio_zero_segments(folio, 0, from, to, folio_size(folio));
	folio_mark_uptodate(folio);
	/*
	 * Never clean: mm core drops clean folios when it takes a page offline, and
	 * spares a write fault its look at writeback. To the dirty log this is no
	 * write.
	 */
	noop_dirty_folio(region->inode->i_mapping, folio);
}

/* Nothing was written there yet: zeros, without making a folio of them. */
static ssize_t read_hole(struct mapdev_region *region, loff_t pos,
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
	size_t offset, bytes, copied;
	struct folio *folio;

	folio = paged_find(region, index, 0);
	if (write && folio == ERR_PTR(-ENOENT))
		folio = paged_make(region, index, NULL, 0);
	if (folio == ERR_PTR(-EHWPOISON))
		return -EIO;
	if (folio == ERR_PTR(-ENOENT))
		return read_hole(region, pos, iter);
	if (IS_ERR(folio))
		return PTR_ERR(folio);

	offset = offset_in_folio(folio, pos);
	bytes = folio_size(folio) - offset;
	/* Only the page at @pos was checked for poison. */
	if (folio_contain_hwpoisoned_page(folio))
		bytes = PAGE_SIZE - offset_in_page(pos);
	bytes = min(bytes, iov_iter_count(iter));

	pagefault_disable();
	mapdev_race(region, MAPDEV_RACE_COPY);
	if (write) {
		/* A collection takes the mark, and waits for the folio. */
		mapdev_dirty_mark(region, index, 1);
		copied = copy_folio_from_iter_atomic(folio, offset, bytes, iter);
		paged_complete(region, folio, offset, offset + copied);
		flush_dcache_folio(folio);
	} else {
		flush_dcache_folio(folio);
		copied = copy_folio_to_iter(folio, offset, bytes, iter);
	}
	pagefault_enable();

	paged_put(folio);
	return copied;
}

/* --- Mapping --- */

static int paged_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
			const struct file *file, void **vm_private_data)
{
	struct mapdev_region *region = file->private_data;

	mmap_assert_write_locked(current->mm);
	mapdev_count(region, MAPDEV_STAT_MAPPED);
	return 0;
}

/* Map those of these pages that exist. paged_drain() waits for the end of RCU. */
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

/* Map those pages that exist in the @size bytes around the touched one. */
static vm_fault_t paged_map_around(struct vm_fault *vmf, unsigned long size)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct mapdev_fault_around around;

	if (!mapdev_has_pages(region, vmf->pgoff, 1))
		return 0;
	around = mapdev_fault_around(region, vmf, size);
	return paged_map_range(vmf, around.index,
			       around.index + around.count - 1);
}

/* Must the first write to each page fault? */
static bool paged_is_watched(struct vm_area_struct *vma)
{
	return mapdev_of_vma(vma)->dirty ||
	       (pgtable_supports_soft_dirty() &&
		!(vma->vm_flags & VM_SOFTDIRTY));
}

/* mm core has fault-around for reads only. */
static bool paged_goes_around(const struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	return vma->vm_flags & VM_SHARED && !userfaultfd_armed(vma) &&
	       !(vmf->flags & FAULT_FLAG_WRITE && paged_is_watched(vma));
}

/*
 * Does mm core map a large granule with one fault? As finish_fault() has it: if
 * mapping and page table hold all of it.
 */
static bool paged_maps_granule(const struct vm_fault *vmf)
{
	u64 granule = mapdev_of_vma(vmf->vma)->attrs.granule;
	unsigned long before = (vmf->pgoff << PAGE_SHIFT) & (granule - 1);
	unsigned long start = vmf->address - before;

	return granule >= PAGED_FAULT_AROUND_SIZE &&
	       before <= vmf->address - vmf->vma->vm_start &&
	       granule <= vmf->vma->vm_end - start &&
	       granule <= PMD_SIZE - (start & ~PMD_MASK);
}

/*
 * mm core maps all of a large folio, poisoned pages included, except for a copy and
 * with userfaultfd.
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
 * Map the good pages around the touched one, read-only: a write faults again, for
 * page_mkwrite. A fault that finds the folio locked is repeated, too.
 */
static vm_fault_t paged_map_good(struct vm_fault *vmf)
{
	const enum fault_flag flags = vmf->flags;

	/*
	 * mm core allocates no page table for the last folio: see upstream.rst.
	 */
	if (pmd_none(pmdp_get(vmf->pmd)) &&
	    apply_to_page_range(vmf->vma->vm_mm, vmf->address, PAGE_SIZE, NULL,
				NULL))
		return VM_FAULT_OOM;
	vmf->flags &= ~FAULT_FLAG_WRITE;
	paged_map_range(vmf, vmf->pgoff, vmf->pgoff);
	vmf->flags = flags;
	return VM_FAULT_NOPAGE;
}

/* Are the neighbours of a write mapped before the page is looked up? */
static bool paged_writes_around(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_WRITE && !paged_maps_granule(vmf) &&
	       paged_goes_around(vmf);
}

/* The folio of a fault, locked, which is not looked up if it is known to be a hole. */
static struct folio *paged_fault_folio(struct vm_fault *vmf, bool hole)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct folio *folio = ERR_PTR(-ENOENT);

	if (!hole)
		folio = paged_find(region, vmf->pgoff, 0);
	/* A granule that was split has neighbours, too. */
	if (!IS_ERR(folio) && folio_size(folio) < PAGED_FAULT_AROUND_SIZE &&
	    paged_goes_around(vmf))
		paged_map_around(vmf, PAGED_FAULT_AROUND_SIZE);
	if (folio == ERR_PTR(-ENOENT))
		folio = paged_make(region, vmf->pgoff, vmf->vma,
				   vmf->address);
	if (!IS_ERR(folio))
		paged_complete(region, folio, 0, 0);
	return folio;
}

static vm_fault_t paged_fault(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct folio *folio;
	bool hole = false;

	assert_fault_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_FAULT);

	if (paged_writes_around(vmf)) {
		hole = !xa_load(&region->inode->i_mapping->i_pages, vmf->pgoff);
		if (!hole && paged_map_around(vmf, PAGED_FAULT_AROUND_SIZE))
			return mapdev_fault_end(vmf, 0, VM_FAULT_NOPAGE);
	}
	folio = paged_fault_folio(vmf, hole);
	if (IS_ERR(folio))
		return mapdev_fault_end(vmf, 0,
					mapdev_fault_error(region,
							   PTR_ERR(folio)));
	if (paged_maps_failed(vmf, folio)) {
		paged_put(folio);
		return mapdev_fault_end(vmf, 0, paged_map_good(vmf));
	}
	mapdev_race(region, MAPDEV_RACE_FAULT);
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return mapdev_fault_end(vmf, 0, VM_FAULT_LOCKED);
}

/*
 * Map @folio as a PMD, without the page table that mm core allocates for fault().
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

	folio = paged_find(mapdev_of_vma(vmf->vma), vmf->pgoff,
			   FGP_NOWAIT);
	if (IS_ERR(folio))
		return;
	paged_insert_huge(vmf, folio);
	paged_put(folio);
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
	/* userfaultfd needs small pages. */
	if (userfaultfd_armed(vmf->vma))
		return VM_FAULT_FALLBACK;
	/*
	 * A copy is needed, or mm core calls page_mkwrite and maps the PMD
	 * itself.
	 */
	if (write && (!(vmf->vma->vm_flags & VM_SHARED) || region->dirty))
		return VM_FAULT_FALLBACK;

	folio = paged_find(region, vmf->pgoff, 0);
	found = folio != ERR_PTR(-ENOENT);
	if (!found)
		folio = paged_make(region, vmf->pgoff, vmf->vma,
				   vmf->address);
	if (IS_ERR(folio))
		return VM_FAULT_FALLBACK;
	paged_complete(region, folio, 0, 0);
	ret = paged_insert_huge(vmf, folio);
	paged_put(folio);
	if (ret == VM_FAULT_FALLBACK)
		return ret;

	/* Around what was a hole there are likely others. */
	if (found)
		mapdev_huge_fault_around(vmf, paged_insert_near);
	mapdev_count_fault(vmf, MAPDEV_STAT_HUGE_FAULT);
	return mapdev_fault_end(vmf, order, ret);
}

/*
 * If the page table is empty, map the cached pages it covers. Otherwise map the
 * requested range, except that shared mappings leave a large granule to fault(),
 * which maps all of it faster.
 */
static vm_fault_t paged_map_pages(struct vm_fault *vmf, pgoff_t first,
				  pgoff_t last)
{
	assert_map_pages_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_MAP_PAGES);

	if (pmd_none(pmdp_get(vmf->pmd)))
		return paged_map_around(vmf, MAPDEV_FAULT_AROUND_SIZE);
	if (vmf->vma->vm_flags & VM_SHARED && paged_maps_granule(vmf))
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
	/*
	 * The granule asks for it: do not depend on the THP setting "always".
	 */
	if (mapdev_is_huge(region))
		vma_desc_set_flags(desc, VMA_HUGEPAGE_BIT);
	return 0;
}

/* --- Removal --- */

/*
 * Tasks check the state under one of three locks, and install an entry, or copy,
 * before they drop it: invalidate_lock, to add a folio; RCU, in fault-around; the
 * lock of the folio, otherwise, which mm core drops after fault(). Wait for all. The
 * folios come last: one that is being added is found only when it is there.
 */
static void paged_drain(struct mapdev_region *region)
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
	.has		= MAPDEV_HAS(granule) | MAPDEV_HAS(numa_node) |
			  MAPDEV_HAS(dirty),
	.counted	= true,
	.alloc		= paged_alloc,
	.mmap_prepare	= paged_mmap_prepare,
	.copy		= paged_copy,
	.drain		= paged_drain,
	/* Its size is read in one piece. */
	.resizable	= IS_ENABLED(CONFIG_64BIT),
	.lock_folio	= paged_lock_folio,
	.next_folio	= paged_next_folio,
};
