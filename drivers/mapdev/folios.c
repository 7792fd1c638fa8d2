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

#include "mapdev.h"
#include "folios.h"

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

void mapdev_folio_put(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
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
	/* A folio that is pinned may lie across a new end. */
	bytes = min3(bytes, iov_iter_count(iter), mapdev_size(region) - pos);

	pagefault_disable();
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
