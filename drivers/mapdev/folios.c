// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of paged: folios in the page cache of the region's own inode,
 * allocated at first touch, one granule each.
 *
 * A folio is found, or made, and handed out locked after the region's state
 * was checked under that lock. Core keeps the lock until the page table entry
 * is there, which is what revoke waits for: see paged_fence().
 */
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/sizes.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "mapdev.h"
#include "folios.h"
#include "race.h"

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
	return 0;
}

static const struct address_space_operations folios_aops = {
	.dirty_folio		= noop_dirty_folio,
	.migrate_folio		= filemap_migrate_folio,
	.error_remove_folio	= error_remove_folio,
};

/* With dirty=1. PG_dirty is set from the start, see add_folio(). */
static const struct address_space_operations folios_dirty_aops = {
	.dirty_folio		= mapdev_dirty_folio,
	.migrate_folio		= filemap_migrate_folio,
	.error_remove_folio	= error_remove_folio,
};

static u64 default_granule(void)
{
	return clamp_t(u64, SZ_64K, PAGE_SIZE, mapdev_max_granule());
}

int mapdev_folios_alloc(struct mapdev_region *region)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (!region->attrs.granule)
		region->attrs.granule = default_granule();
	mapping->a_ops = region->attrs.dirty ? &folios_dirty_aops : &folios_aops;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER_MOVABLE);
	mapping_set_unevictable(mapping);
	mapping_set_folio_order_range(mapping, 0,
				      get_order(region->attrs.granule));
	return 0;
}

struct folio *mapdev_folio_lock(struct mapdev_region *region, pgoff_t index)
{
	return filemap_lock_folio(region->inode->i_mapping, index);
}

pgoff_t mapdev_folio_next(struct mapdev_region *region, pgoff_t index,
			  pgoff_t end)
{
	struct address_space *mapping = region->inode->i_mapping;

	if (index < end &&
	    xa_find(&mapping->i_pages, &index, end - 1, XA_PRESENT))
		return index;
	return end;
}

void mapdev_folio_put(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
}

/* With invalidate_lock held nobody splits: who has it does not wait for it. */
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
struct folio *mapdev_folio_find(struct mapdev_region *region, pgoff_t index,
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
	 * Core would take a poisoned page for a clean one that it may drop,
	 * and the program would read zeros.
	 */
	if (!err && PageHWPoison(folio_file_page(folio, index)))
		err = -EHWPOISON;
	if (!err)
		return folio;

	mapdev_folio_put(folio);
	return ERR_PTR(err);
}

/* By the region's node, else by the policy of @vma or of the task. */
static struct folio *new_folio(struct mapdev_region *region, gfp_t gfp,
			       unsigned int order, struct vm_area_struct *vma,
			       unsigned long addr)
{
	if (order)
		gfp |= __GFP_NORETRY | __GFP_NOWARN;
	if (region->attrs.numa_node != NUMA_NO_NODE)
		return __folio_alloc_node(gfp, order, region->attrs.numa_node);
	if (vma)
		return vma_alloc_folio(gfp, order, vma, addr);
	return folio_alloc(gfp, order);
}

/*
 * Add a folio of one granule around @index, or less where that cannot be. It is
 * zeroed, or @raw says that it is left to the caller to fill, or zero, all of
 * it before it is unlocked.
 */
static struct folio *add_folio(struct mapdev_region *region, pgoff_t index,
			       struct vm_area_struct *vma, unsigned long addr,
			       bool *raw)
{
	gfp_t memory = GFP_HIGHUSER_MOVABLE | (raw ? 0 : __GFP_ZERO);
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

		folio = new_folio(region, memory, order, vma, addr);
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
				if (raw)
					*raw = true;
				return folio;
			}
			folio_put(folio);
		}
		/* A neighbour stands in the way, or this very page came. */
		if (err == -EEXIST) {
			folio = mapdev_folio_find(region, index, 0);
			if (folio != ERR_PTR(-ENOENT))
				return folio;
		}
		if (!order)
			return ERR_PTR(err);
		mapdev_count(region, MAPDEV_STAT_FALLBACK);
	}
}

/*
 * The folio that was not found. Whoever adds one has checked the state with
 * invalidate_lock held, which paged_fence() waits for. See add_folio() for @raw.
 */
struct folio *mapdev_folio_make(struct mapdev_region *region, pgoff_t index,
				struct vm_area_struct *vma, unsigned long addr,
				bool *raw)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio;
	int err;

	filemap_invalidate_lock_shared(mapping);
	err = mapdev_check(region, index);
	mapdev_race(region, MAPDEV_RACE_NEW_FOLIO);
	folio = err ? ERR_PTR(err) : add_folio(region, index, vma, addr, raw);
	filemap_invalidate_unlock_shared(mapping);
	return folio;
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

ssize_t mapdev_folios_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter)
{
	bool write = iov_iter_rw(iter) == ITER_SOURCE;
	pgoff_t index = pos >> PAGE_SHIFT;
	size_t offset, bytes, copied;
	struct folio *folio;
	bool raw = false;

	folio = mapdev_folio_find(region, index, 0);
	if (write && folio == ERR_PTR(-ENOENT))
		folio = mapdev_folio_make(region, index, NULL, 0, &raw);
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
		if (raw)
			folio_zero_segments(folio, 0, offset, offset + copied,
					    folio_size(folio));
		flush_dcache_folio(folio);
	} else {
		flush_dcache_folio(folio);
		copied = copy_folio_to_iter(folio, offset, bytes, iter);
	}
	pagefault_enable();

	mapdev_folio_put(folio);
	return copied;
}
