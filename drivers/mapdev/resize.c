// SPDX-License-Identifier: GPL-2.0
/*
 * Change the memory of a live region: resize, and discard of a range. Both are
 * for backings whose memory is the page cache of region->inode.
 *
 * Folios leave the page cache as those of a truncated file: with
 * invalidate_lock held, which keeps new folios out, and unmapped under the
 * folio lock, so that a fault either is found or finds the folio gone. Pinned
 * folios keep their contents. A folio that is only partly within a discarded
 * range is zeroed there, and split unless it is pinned. No folio lies across
 * the end of the region: it is split first, or the resize fails.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "attrs.h"
#include "dirty.h"
#include "mapdev.h"
#include "registry.h"
#include "resize.h"
#include "stats.h"

/* Drop the folios from @start to @end; private copies stay. */
static void drop_range(struct mapdev_region *region, loff_t start, loff_t end)
{
	struct address_space *mapping = region->inode->i_mapping;

	/* For speed only: truncation unmaps what is left, folio by folio. */
	unmap_mapping_range(mapping, start, end - start, 0);
	truncate_inode_pages_range(mapping, start, end - 1);
}

/*
 * Split a folio that continues past @end or, where that fails, zero its part of
 * the range. Return the end of what is left to drop.
 *
 * mm core would split it at its first byte within the range, then at @end, and
 * drop all of the rest when the second split finds no memory (7.3:
 * truncate_inode_partial_folio()). The last byte alone has no page to drop, and
 * the first split, around its page, ends one piece at @end.
 */
static loff_t cut_end(struct mapdev_region *region, loff_t start, loff_t end)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio;

	if (IS_ALIGNED(end, region->attrs.granule))
		return end;
	truncate_inode_pages_range(mapping, end - 1, end - 1);
	folio = filemap_lock_folio(mapping, (end - 1) >> PAGE_SHIFT);
	if (IS_ERR(folio))
		return end;
	if (folio_next_pos(folio) > end) {
		loff_t from = max(start, folio_pos(folio));

		folio_zero_range(folio, from - folio_pos(folio), end - from);
		flush_dcache_folio(folio);
		end = from;
	}
	folio_unlock(folio);
	folio_put(folio);
	return end;
}

/*
 * Drop the folios from @pos up to @end, or up to the end of a piece, where the
 * caller drops the lock. Return that end.
 */
static u64 drop_piece(struct mapdev_region *region, u64 pos, u64 end)
{
	u64 piece = (u64)MAPDEV_PIECE_PAGES(region) << PAGE_SHIFT;
	pgoff_t next = pos >> PAGE_SHIFT;
	u64 to;

	/* Skip holes, except that a dirty log marks them. */
	if (!region->dirty)
		next = region->backing->next_folio(region, next,
						   end >> PAGE_SHIFT);
	to = min(end, round_down((u64)next << PAGE_SHIFT, piece) + piece);
	end = cut_end(region, pos, to);
	if (end > pos)
		drop_range(region, pos, end);
	return to;
}

/* Wait for short-lived references: tries, and milliseconds between them. */
#define SPLIT_TRIES	10
#define SPLIT_WAIT	10

/* The folio that has pages on both sides of @pos, with a reference, or NULL. */
static struct folio *folio_across(struct address_space *mapping, loff_t pos)
{
	struct folio *folio = filemap_get_folio(mapping, pos >> PAGE_SHIFT);

	if (IS_ERR(folio))
		return NULL;
	if (folio_pos(folio) < pos)
		return folio;
	folio_put(folio);
	return NULL;
}

/*
 * Split what lies across @pos. No byte changes, whether or not it can be done:
 * mm core zeroes the range before it splits, and this range is empty. A split needs
 * the only reference: paged_find() takes none meanwhile.
 */
static int split_at(struct mapdev_region *region, loff_t pos)
{
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio;
	int tries = 0, err = 0;

	WRITE_ONCE(region->splitting, true);
	while ((folio = folio_across(mapping, pos))) {
		bool pinned = folio_maybe_dma_pinned(folio);

		folio_put(folio);
		if (pinned || tries == SPLIT_TRIES) {
			err = -EBUSY;
			break;
		}
		if (tries++)
			fsleep(SPLIT_WAIT * USEC_PER_MSEC);
		truncate_inode_pages_range(mapping, pos, pos - 1);
	}
	WRITE_ONCE(region->splitting, false);
	return err;
}

/*
 * The size of the region goes first: from then on nothing is made, mapped or
 * copied past it. i_size goes last: what a split leaves past i_size,
 * mm core drops, and follows inode_to_wb(), which is NULL here (7.3:
 * __folio_freeze_and_split_unmapped()); and any program may have a folio split.
 */
static int shrink(struct mapdev_region *region, u64 size)
{
	struct address_space *mapping = region->inode->i_mapping;
	u64 old = mapdev_size(region), pos = size;
	int err;

	filemap_invalidate_lock(mapping);
	err = split_at(region, size);
	if (!err)
		WRITE_ONCE(region->attrs.size, size);
	filemap_invalidate_unlock(mapping);
	if (err)
		return err;

	while (pos < old) {
		filemap_invalidate_lock(mapping);
		pos = drop_piece(region, pos, old);
		filemap_invalidate_unlock(mapping);
		cond_resched();
	}
	i_size_write(region->inode, size);
	mapdev_bytes_give(region, old - size);
	return 0;
}

static int grow(struct mapdev_region *region, u64 size)
{
	struct address_space *mapping = region->inode->i_mapping;
	u64 old = mapdev_size(region);
	int err;

	err = mapdev_bytes_take(region, size - old);
	if (err)
		return err;
	err = mapdev_dirty_grow(region, size >> PAGE_SHIFT);
	if (err) {
		mapdev_bytes_give(region, size - old);
		return err;
	}
	filemap_invalidate_lock(mapping);
	/* mm core maps and keeps large folios only below i_size. */
	i_size_write(region->inode, size);
	WRITE_ONCE(region->attrs.size, size);
	filemap_invalidate_unlock(mapping);
	mapdev_dirty_grown(region, old >> PAGE_SHIFT);
	return 0;
}

static int resize_live(struct mapdev_region *region, u64 size)
{
	struct mapdev_attrs attrs = region->attrs;
	int err;

	if (!mapdev_is_live(region))
		return -ENODEV;
	attrs.size = size;
	err = mapdev_attrs_check(&attrs, mapdev_name(region));
	if (err)
		return err;

	trace_mapdev_resize(mapdev_name(region), mapdev_size(region), size);
	if (size > mapdev_size(region))
		err = grow(region, size);
	else if (size < mapdev_size(region))
		err = shrink(region, size);
	if (!err)
		mapdev_count(region, MAPDEV_STAT_RESIZE);
	return err;
}

static int resize_or_refuse(struct mapdev_region *region, u64 size,
			    struct mapdev_refusal *refusal)
{
	int err;

	if (!region->backing->resizable)
		return -EOPNOTSUPP;

	guard(mutex)(&region->control);
	region->attrs.refusal = refusal;
	err = resize_live(region, size);
	region->attrs.refusal = NULL;
	return err;
}

/**
 * mapdev_region_resize - give a live region another size
 * @region: the region
 * @size: bytes, a multiple of the page size
 *
 * Contents below both sizes stay. After shrinking, a touch of a mapping past the
 * end raises SIGBUS, and the memory is gone except for pins and private copies.
 * After growing, memory past the old end is zero.
 *
 * Context: process context, sleeps, not under mmap_lock.
 * Return: 0, -EOPNOTSUPP (not this backing), -ENODEV (not live), -EINVAL,
 * -ENOSPC (max_bytes), -ENOMEM, with the reason in one line of the log; or
 * -EBUSY, when the folio across the new end cannot be split. After an error
 * nothing has changed.
 */
int mapdev_region_resize(struct mapdev_region *region, u64 size)
{
	return resize_or_refuse(region, size, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_resize);

/*
 * The same from text, with blanks around it; the reason of an error goes to
 * @refusal unless that is NULL.
 */
int mapdev_region_resize_to(struct mapdev_region *region, const char *value,
			    struct mapdev_refusal *refusal)
{
	struct mapdev_attrs attrs;
	int err;

	char *copy __free(kfree) = kstrdup(value, GFP_KERNEL);
	if (!copy)
		return mapdev_no_memory(mapdev_name(region));
	mapdev_attrs_init(&attrs);
	attrs.refusal = refusal;
	err = mapdev_attrs_set(&attrs, mapdev_name(region), "size",
			       strstrip(copy));
	return err ?: resize_or_refuse(region, attrs.size, refusal);
}

/* Discard one piece from @pos on, and move @pos to its end. */
static int discard_piece(struct mapdev_region *region, u64 *pos, u64 end)
{
	u64 from = *pos;

	/* A revoke waits for this lock once it has set the state. */
	guard(rwsem_write)(&region->inode->i_mapping->invalidate_lock);
	if (!mapdev_is_live(region))
		return -ENODEV;
	if (end > mapdev_size(region))
		return -EINVAL;
	*pos = drop_piece(region, from, end);
	mapdev_dirty_mark(region, from >> PAGE_SHIFT,
			  (*pos - from) >> PAGE_SHIFT);
	return 0;
}

/**
 * mapdev_region_discard - free a range of a live region, which then reads zero
 * @region: the region
 * @offset: where it begins, a multiple of the page size
 * @length: bytes, a multiple of the page size and not 0
 *
 * Between the pieces of a large range, pages may be faulted in, and the region
 * revoked or resized. Context: process context, sleeps, not under mmap_lock.
 * Return: 0, -EOPNOTSUPP (not this backing), -ENODEV (not live), -EINVAL, -EINTR
 * when the task was killed; a part may be discarded.
 */
int mapdev_region_discard(struct mapdev_region *region, u64 offset, u64 length)
{
	u64 pos = offset, end;
	int err;

	if (!region->backing->resizable)
		return -EOPNOTSUPP;
	if (!length || !PAGE_ALIGNED(offset) || !PAGE_ALIGNED(length) ||
	    check_add_overflow(offset, length, &end))
		return -EINVAL;

	trace_mapdev_discard(mapdev_name(region), offset, length);
	for (;;) {
		err = discard_piece(region, &pos, end);
		if (err || pos == end)
			break;
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	if (!err)
		mapdev_count(region, MAPDEV_STAT_DISCARD);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_discard);
