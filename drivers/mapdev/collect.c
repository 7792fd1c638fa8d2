// SPDX-License-Identifier: GPL-2.0
/*
 * MAPDEV_IOC_DIRTY: take marks out of the dirty log, and tell which they were.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "dirty.h"

/* Programs of any age and word size pass the same bytes. */
static_assert(sizeof(struct mapdev_dirty) == 40);
static_assert(sizeof(struct mapdev_run) == 16);

/* Runs of one answer: a longer list comes in parts. */
#define DIRTY_RUNS	4096

/*
 * May somebody write to this folio who needs no page table entry for it? Asked
 * after all entries were made read-only.
 */
static bool dirty_in_use(struct folio *folio)
{
	int mapped, refs;

	/* GUP-fast: reference, then entry again. We: entry, then references. */
	smp_mb();
	if (folio_maybe_dma_pinned(folio))
		return true;
	if (!folio_test_pmd_mappable(folio))
		return false;
	/*
	 * Core clears a huge entry, and flushes the TLB only after it let go of
	 * all locks; until then another CPU may write, and the folio has the
	 * reference of the entry that is gone. (Of small entries, the flush
	 * comes under the page table lock.) We have one reference, too.
	 */
	mapped = folio_expected_ref_count(folio);
	/* Entries go first and references after them: so do we, twice. */
	smp_rmb();
	refs = folio_ref_count(folio);
	/* See above. */
	smp_rmb();
	return refs != mapped + 1 || folio_expected_ref_count(folio) != mapped;
}

/*
 * Take the mark of a unit away, with its first folio locked, or a hole. Who fills
 * the hole before the mark goes has marked it in vain, so it is looked for again.
 */
static struct folio *take_mark(struct mapdev_region *region, unsigned long unit,
			       pgoff_t first)
{
	struct folio *folio = region->backing->lock_folio(region, first);

	mapdev_marks_clear(mapdev_dirty_marks(region->dirty), unit);
	return IS_ERR(folio) ? region->backing->lock_folio(region, first) :
			       folio;
}

/*
 * Take the mark of a unit away and make all its entries read-only. Where memory
 * was short it has more folios than one: what is written to them after the mark
 * was cleared, and before their turn comes, is in both answers.
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
			index++;
			continue;
		}
		folio_mkclean(folio);
		in_use |= dirty_in_use(folio);
		index = folio_next_index(folio);
		folio_unlock(folio);
		folio_put(folio);
	}
	if (in_use)
		mapdev_dirty_mark(region, first, 1);
}

/* What one call collects. */
struct dirty_answer {
	struct mapdev_run *runs;	/* in bytes */
	u32 room;
	u32 count;
	u64 offset;	/* where it goes on */
	u64 end;
};

/* 0, also if the list is full or a signal ended it early. */
static int collect(struct mapdev_region *region, struct dirty_answer *answer)
{
	struct mapdev_dirty_log *log = region->dirty;
	unsigned int shift = log->order + PAGE_SHIFT;
	struct mapdev_run *run = NULL;

	guard(mutex)(&log->lock);
	while (answer->offset < answer->end) {
		unsigned long unit = mapdev_marks_next(mapdev_dirty_marks(log),
						       answer->offset >> shift);
		u64 offset = (u64)unit << shift;

		if (unit == ULONG_MAX || offset >= answer->end) {
			answer->offset = answer->end;
			break;
		}
		if (!mapdev_is_live(region))
			return -ENODEV;
		if (signal_pending(current))
			return run ? 0 : -EINTR;

		if (!run || run->offset + run->length != offset) {
			if (answer->count == answer->room)
				break;
			run = &answer->runs[answer->count++];
			*run = (struct mapdev_run) { .offset = offset };
		}
		clean_unit(region, unit);
		answer->offset = min(offset + (1ULL << shift), answer->end);
		run->length = answer->offset - run->offset;
		cond_resched();
	}
	return 0;
}

static int deliver(const struct dirty_answer *answer, struct mapdev_dirty *args,
		   void __user *arg)
{
	int err;

	if (copy_to_user(u64_to_user_ptr(args->runs), answer->runs,
			 answer->count * sizeof(*answer->runs)))
		return -EFAULT;
	args->count = answer->count;
	args->offset = answer->offset;
	args->length = answer->end - answer->offset;
	err = copy_struct_to_user(arg, args->size, args, sizeof(*args), NULL);
	if (err)
		return err;
	/* Nobody is going to read it. */
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int collect_and_deliver(struct mapdev_region *region,
			       struct dirty_answer *answer,
			       struct mapdev_dirty *args, void __user *arg)
{
	int err;

	answer->runs = kvmalloc_objs(*answer->runs, answer->room,
				     GFP_KERNEL_ACCOUNT);
	if (!answer->runs)
		return -ENOMEM;
	err = collect(region, answer);
	if (!err)
		err = deliver(answer, args, arg);
	for (u32 i = 0; err && i < answer->count; i++)
		mapdev_dirty_mark(region, answer->runs[i].offset >> PAGE_SHIFT,
				  answer->runs[i].length >> PAGE_SHIFT);
	kvfree(answer->runs);
	return err;
}

/**
 * mapdev_dirty_collect - get and clear the marks of a range
 * @region: the region
 * @args: what was asked, read from @arg
 * @arg: where the answer goes
 *
 * An errno means that nothing was cleared. Context: process context, sleeps.
 */
int mapdev_dirty_collect(struct mapdev_region *region,
			 struct mapdev_dirty *args, void __user *arg)
{
	struct mapdev_dirty_log *log = region->dirty;
	u64 size = (u64)mapdev_pages(region) << PAGE_SHIFT;
	struct dirty_answer answer = {
		.offset	= args->offset,
		.room	= min(args->capacity, DIRTY_RUNS),
	};
	const u64 start = args->offset;
	u64 mask;
	int err;

	if (!log)
		return -EOPNOTSUPP;
	if (!mapdev_is_live(region))
		return -ENODEV;
	if (args->offset > size || !args->capacity)
		return -EINVAL;
	answer.end = args->offset + min(args->length, size - args->offset);
	mask = (PAGE_SIZE << log->order) - 1;
	if ((answer.offset & mask && answer.offset != size) ||
	    (answer.end & mask && answer.end != size))
		return -EINVAL;

	if (test_and_set_bit_lock(0, &log->busy))
		return -EBUSY;
	mapdev_count(region, MAPDEV_STAT_COLLECT);
	err = collect_and_deliver(region, &answer, args, arg);
	trace_mapdev_collect(mapdev_name(region), start, answer.end,
			     answer.count, err);
	clear_bit_unlock(0, &log->busy);

	/* While a mark goes, poll(2) may miss another for a moment. */
	if (mapdev_dirty_pending(region))
		wake_up_interruptible_poll(&region->wait, EPOLLPRI);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_collect);
