// SPDX-License-Identifier: GPL-2.0
/*
 * Clear marks of the dirty log and make the entries of the marked units read-only,
 * both under the folio lock, the mark first. A unit is a
 * granule of the page cache, or one of region->pages.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <kunit/visibility.h>

#include "dirty.h"
#include "dirty_bitmap.h"
#include "mapdev.h"

/*
 * Make the entries of locked pages, whose frames follow each other, read-only.
 */
static void protect(struct mapdev_region *region, pgoff_t first,
		    unsigned long pfn, unsigned long count)
{
	mapping_wrprotect_range(region->inode->i_mapping, first, pfn, count);
}

/*
 * Does anything beside the page cache, the entries and clean_unit() hold a
 * reference to this locked folio?
 */
static bool is_referenced(struct folio *folio)
{
	int expected = folio_expected_ref_count(folio), refs;

	/*
	 * mm core drops the entry first and its reference after it: ask twice.
	 */
	smp_rmb();
	refs = folio_ref_count(folio);
	/* See above. */
	smp_rmb();
	return refs != expected + 1 || folio_expected_ref_count(folio) != expected;
}

/*
 * May a task write to this folio without a page table entry for it? Asked
 * after all entries were made read-only.
 *
 * A pin says so. A mere reference to a small folio does not: what writes through it
 * calls dirty_folio() afterwards. For a large folio it has to do, since
 *   nfs_direct_read_completion() marks no page of a compound one, and
 *   zap_huge_pmd() flushes the TLB after it let go of all locks; until then the
 *   folio has the reference of the entry that is gone. (The flush for small entries
 *   comes under the page table lock, but for CONFIG_PT_RECLAIM: see upstream.rst.)
 */
static bool is_in_use(struct folio *folio)
{
	/* GUP-fast: reference, then entry again. We: entry, then references. */
	smp_mb();
	return folio_maybe_dma_pinned(folio) ||
	       (folio_test_large(folio) && is_referenced(folio));
}

/*
 * Clear the mark of a unit with its first folio locked, or a hole. A task that
 * fills the hole before the mark is cleared loses its mark: look up the folio again.
 */
static struct folio *take_mark(struct mapdev_region *region, unsigned long unit,
			       pgoff_t first)
{
	struct folio *folio = region->backing->lock_folio(region, first);

	mapdev_bitmap_clear(mapdev_dirty_bitmap(region->dirty), unit, 1);
	return IS_ERR(folio) ? region->backing->lock_folio(region, first) :
			       folio;
}

/*
 * Clear the mark of a unit and make all its entries read-only. A unit has several
 * folios where memory was short: a write to one of them after the mark was
 * cleared, and before the folio is locked, is reported twice.
 */
static void clean_unit(struct mapdev_region *region, unsigned long unit)
{
	struct mapdev_dirty_log *log = region->dirty;
	pgoff_t first = unit << log->order, index = first;
	pgoff_t end = min(first + (1UL << log->order), mapdev_pages(region));
	bool in_use = false;

	while (index < end) {
		struct folio *folio = index == first ?
			take_mark(region, unit, index) :
			region->backing->lock_folio(region, index);

		if (IS_ERR(folio)) {
			index = region->backing->next_folio(region, index + 1,
							    end);
			continue;
		}
		protect(region, folio->index, folio_pfn(folio),
			folio_nr_pages(folio));
		in_use |= is_in_use(folio);
		index = folio_next_index(folio);
		folio_unlock(folio);
		folio_put(folio);
	}
	if (in_use)
		mapdev_dirty_mark(region, first, 1);
}

/*
 * Clear the marks of the holes from @unit on. Return how many there are. A write
 * that fills one before its mark is cleared loses its mark: look them up again.
 */
static unsigned long clean_holes(struct mapdev_region *region,
				 unsigned long unit, unsigned long limit)
{
	const struct mapdev_backing *backing = region->backing;
	struct mapdev_dirty_log *log = region->dirty;
	struct mapdev_bitmap *bitmap = mapdev_dirty_bitmap(log);
	unsigned long count = 0, run;
	pgoff_t index, end;

	limit = min(limit, MAPDEV_PIECE_PAGES(region) >> log->order);
	index = unit << log->order;
	end = backing->next_folio(region, index, (unit + limit) << log->order);
	limit = (end >> log->order) - unit;
	while (count < limit) {
		run = mapdev_bitmap_run(bitmap, unit + count, limit - count);
		if (!run)
			break;
		mapdev_bitmap_clear(bitmap, unit + count, run);
		count += run;
	}

	end = (unit + count) << log->order;
	while ((index = backing->next_folio(region, index, end)) < end) {
		unit = index >> log->order;
		clean_unit(region, unit);
		index = (unit + 1) << log->order;
	}
	return count;
}

/*
 * Clean a page and the marked pages behind it in the same word, as long as their
 * frames are contiguous and no other task has them locked: one page table walk
 * finds the entries of all. Return how many. No references are needed:
 * mapdev_dirty_drain() waits for this before the pages are freed.
 */
static unsigned long clean_pages(struct mapdev_region *region, pgoff_t first,
				 unsigned long limit)
{
	struct mapdev_bitmap *bitmap = mapdev_dirty_bitmap(region->dirty);
	struct page **pages = region->pages + first;
	unsigned long pfn = page_to_pfn(pages[0]), count = 1;

	lock_page(pages[0]);
	limit = mapdev_bitmap_run(bitmap, first, limit);
	/* Only trylock: the holder of one may wait for a page locked here. */
	while (count < limit && page_to_pfn(pages[count]) == pfn + count &&
	       trylock_page(pages[count]))
		count++;

	mapdev_bitmap_clear(bitmap, first, count);
	protect(region, first, pfn, count);
	for (unsigned long i = 0; i < count; i++) {
		if (is_in_use(page_folio(pages[i])))
			mapdev_dirty_mark(region, first + i, 1);
		unlock_page(pages[i]);
	}
	return count;
}

/**
 * mapdev_dirty_clean - clear marks and make the entries read-only
 * @region: the region, live, and the lock of its log held
 * @unit: one that is marked
 * @limit: how many there may be, at least one
 *
 * What is in use for writing is marked again. Context: process context, sleeps.
 * Return: of how many units, from @unit on. All were marked.
 */
unsigned long mapdev_dirty_clean(struct mapdev_region *region,
				 unsigned long unit, unsigned long limit)
{
	unsigned long holes;

	if (!region->backing->lock_folio)
		return clean_pages(region, unit, limit);
	holes = clean_holes(region, unit, limit);
	if (holes)
		return holes;
	clean_unit(region, unit);
	return 1;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_clean);
