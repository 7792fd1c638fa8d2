// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: which units of a region were written since the last collection.
 *
 * As long as an entry of some page table lets a program write to a unit, the
 * unit is marked. Entries are made read-only; the first write comes to
 * page_mkwrite, which marks, and keeps the folio locked until the entry is
 * writable. A collection takes the mark away and makes the entries read-only
 * again, under the same lock. So the dirty bits of the hardware are not needed.
 *
 * Other writers mark, too:
 *
 *   write(2)			dirty_folio, or itself in paged.c, before the copy
 *				and under the folio lock
 *   GUP (ptrace), a zap	dirty_folio, after they wrote
 *   pins (O_DIRECT,		nothing, if mm core has the folio as dirty
 *   process_vm_writev)		already: a pinned unit stays marked
 *   other drivers		mapdev_dirty_mark(), after they wrote
 *
 * PG_dirty does not help: folios of paged always have it.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "dirty.h"
#include "dirty_bitmap.h"
#include "fault.h"
#include "mapdev.h"
#include "race.h"
#include "registry.h"
#include "stats.h"

static struct mapdev_bitmap *alloc_bitmap(struct mapdev_region *region,
					  struct mapdev_dirty_log *log,
					pgoff_t pages)
{
	struct mapdev_bitmap *bitmap;

	bitmap = mapdev_bitmap_alloc(mapdev_dirty_units(log, pages));
	if (!bitmap)
		pr_err("%s: no memory for the dirty log of %lu pages\n",
		       mapdev_name(region), pages);
	return bitmap;
}

int mapdev_dirty_init(struct mapdev_region *region)
{
	struct mapdev_bitmap *bitmap;
	struct mapdev_dirty_log *log;

	if (!region->attrs.dirty)
		return 0;
	log = kzalloc_obj(*log);
	if (!log)
		return mapdev_no_memory(mapdev_name(region));
	mutex_init(&log->lock);
	log->order = get_order(region->attrs.granule);
	bitmap = alloc_bitmap(region, log, mapdev_pages(region));
	RCU_INIT_POINTER(log->bitmap, bitmap);
	region->dirty = log;
	return bitmap ? 0 : -ENOMEM;
}

/* Last reference: nothing can mark any more. */
void mapdev_dirty_free(struct mapdev_region *region)
{
	if (!region->dirty)
		return;
	kvfree(rcu_dereference_protected(region->dirty->bitmap, true));
	kfree(region->dirty);
}

/* --- Marking --- */

static void wake_collector(struct mapdev_region *region)
{
	if (wq_has_sleeper(&region->wait))
		wake_up_interruptible_poll(&region->wait, EPOLLPRI);
}

/**
 * mapdev_dirty_mark - mark pages as written
 * @region: the region
 * @first: the first of them
 * @count: how many
 *
 * To be called after the write, or under a lock of the folio that covers both;
 * else a collection in between loses what is written after it. Does nothing
 * for a region without a log. It takes a time for each word of the log, see
 * mapdev_dirty_mark_all(). Context: any, page table locks included.
 */
void mapdev_dirty_mark(struct mapdev_region *region, pgoff_t first,
		       pgoff_t count)
{
	struct mapdev_dirty_log *log = region->dirty;
	unsigned long unit, end, units;
	bool new = false;

	if (!log || !count)
		return;
	end = mapdev_dirty_units(log, first + count);
	for (unit = first >> log->order; unit < end; unit += units) {
		struct mapdev_bitmap *bitmap;

		guard(rcu)();
		bitmap = rcu_dereference(log->bitmap);
		if (unit >= bitmap->limit)
			break;
		units = mapdev_bitmap_word(unit, min(end, bitmap->limit));
		new |= mapdev_bitmap_set(bitmap, unit, units);
	}
	if (new)
		wake_collector(region);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_mark);

/* The same for any number of pages; may sleep. */
void mapdev_dirty_mark_all(struct mapdev_region *region, pgoff_t first,
			   pgoff_t count)
{
	pgoff_t step = MAPDEV_PIECE_PAGES(region);

	if (!region->dirty)
		return;
	for (; count > step; first += step, count -= step) {
		mapdev_dirty_mark(region, first, step);
		cond_resched();
	}
	mapdev_dirty_mark(region, first, count);
}

/* a_ops->dirty_folio: return whether mm core has to account for the folio. */
bool mapdev_dirty_folio(struct address_space *mapping, struct folio *folio)
{
	mapdev_dirty_mark(mapping->host->i_private, folio->index,
			  folio_nr_pages(folio));
	return false;
}

/*
 * An entry becomes writable before the folio is unlocked. mm core marks the folio
 * dirty, too, but after that: another thread may have written, and the log may
 * have been collected, in between.
 */
vm_fault_t mapdev_dirty_mkwrite(struct vm_fault *vmf)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	struct folio *folio = page_folio(vmf->page);
	vm_fault_t ret = VM_FAULT_LOCKED;
	int err;

	/*
	 * Empty without DEBUG_VM, as is every assertion of mm core that accepts a
	 * VMA lock: its reference count does not tell who holds it.
	 */
	vma_assert_stabilised(vmf->vma);
	/* One counter: mm core does not pass which lock the fault holds. */
	mapdev_count(region, MAPDEV_STAT_MKWRITE);

	/*
	 * The folio was unlocked since fault(), or this is another fault: the
	 * region may be revoked.
	 */
	folio_lock(folio);
	err = mapdev_check(region, vmf->pgoff);
	if (folio->mapping != region->inode->i_mapping)
		ret = VM_FAULT_NOPAGE;
	else if (err)
		ret = mapdev_fault_error(region, err);
	else if (PageHWPoison(vmf->page))
		ret = VM_FAULT_HWPOISON;

	mapdev_race(region, MAPDEV_RACE_MKWRITE);
	if (ret == VM_FAULT_LOCKED)
		mapdev_dirty_mark(region, vmf->pgoff, 1);
	else
		folio_unlock(folio);
	trace_mapdev_mkwrite(mapdev_name(region), vmf->pgoff, ret);
	return ret;
}

/* Is there something to collect? */
bool mapdev_dirty_pending(struct mapdev_region *region)
{
	struct mapdev_dirty_log *log = region->dirty;

	if (!log)
		return false;
	guard(rcu)();
	return mapdev_bitmap_next(rcu_dereference(log->bitmap), 0) <
	       mapdev_dirty_units(log, mapdev_pages(region));
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_pending);

/* Marks that are set from now on go to @new. */
static void copy_bitmap(struct mapdev_bitmap *new, const struct mapdev_bitmap *old)
{
	unsigned long unit = 0, units;

	while ((unit = mapdev_bitmap_next(old, unit)) < new->limit) {
		units = mapdev_bitmap_run(old, unit, new->limit - unit);
		mapdev_bitmap_set(new, unit, units);
		unit += units;
		cond_resched();
	}
}

/**
 * mapdev_dirty_grow - make room in the log before the region grows
 * @region: the region, its size still the old one, region->control held
 * @pages: how many it is going to have
 *
 * New units are marked before they can be collected.
 * mapdev_dirty_grown() has to follow.
 * Return: 0, or -EINTR when the task was killed, or -ENOMEM and a line in the
 * log.
 */
int mapdev_dirty_grow(struct mapdev_region *region, pgoff_t pages)
{
	struct mapdev_dirty_log *log = region->dirty;
	struct mapdev_bitmap *old, *new;

	if (!log)
		return 0;
	new = alloc_bitmap(region, log, pages);
	if (!new)
		return -ENOMEM;
	mapdev_bitmap_fill(new, mapdev_dirty_units(log, mapdev_pages(region)));
	if (fatal_signal_pending(current)) {
		kvfree(new);
		return -EINTR;
	}

	scoped_guard(mutex, &log->lock) {
		old = mapdev_dirty_bitmap(log);
		rcu_assign_pointer(log->bitmap, new);
		/* From here on nothing marks in the old bitmap. */
		synchronize_rcu();
		copy_bitmap(new, old);
	}
	kvfree(old);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_grow);

/**
 * mapdev_dirty_grown - the size has moved
 * @region: the region, its size the new one, region->control held
 * @pages: how many it had
 *
 * The old end may lie within a unit, whose mark may have been collected.
 */
void mapdev_dirty_grown(struct mapdev_region *region, pgoff_t pages)
{
	if (!region->dirty)
		return;
	mapdev_dirty_mark(region, pages, 1);
	wake_collector(region);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_grown);

/* Return when every collection that has seen the region live is over. */
void mapdev_dirty_drain(struct mapdev_region *region)
{
	if (!region->dirty)
		return;
	mutex_lock(&region->dirty->lock);
	mutex_unlock(&region->dirty->lock);
}
