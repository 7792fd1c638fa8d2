// SPDX-License-Identifier: GPL-2.0
/*
 * MAPDEV_IOC_DIRTY: report the marks of the dirty log, and clear them by clean.c.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "dirty.h"
#include "dirty_bitmap.h"
#include "mapdev.h"
#include "race.h"
#include "stats.h"

/* Programs of any age and word size pass the same bytes. */
static_assert(sizeof(struct mapdev_dirty) == 40);
static_assert(sizeof(struct mapdev_run) == 16);

/* Runs of one answer: a longer list comes in parts. */
#define DIRTY_RUNS	4096

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
	unsigned long end = DIV_ROUND_UP_ULL(answer->end, 1ULL << shift);
	struct mapdev_run *run = NULL;

	while (answer->offset < answer->end) {
		unsigned long unit, units;
		u64 offset;

		/* Hold the lock for some units only: a revoke waits for it. */
		cond_resched();
		guard(mutex)(&log->lock);
		unit = mapdev_bitmap_next(mapdev_dirty_bitmap(log),
					  answer->offset >> shift);
		offset = (u64)unit << shift;
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
		mapdev_race(region, MAPDEV_RACE_COLLECT);
		units = mapdev_dirty_clean(region, unit, end - unit);
		answer->offset = min((u64)(unit + units) << shift, answer->end);
		run->length = answer->offset - run->offset;
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
	/* The task dies and will not read the answer. */
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
		mapdev_dirty_mark_all(region,
				      answer->runs[i].offset >> PAGE_SHIFT,
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

	/* While one mark is cleared, poll(2) may miss another. */
	if (mapdev_dirty_pending(region))
		wake_up_interruptible_poll(&region->wait, EPOLLPRI);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_dirty_collect);

/* The number of marked units; more may be marked meanwhile. */
unsigned long mapdev_dirty_count(struct mapdev_region *region)
{
	struct mapdev_dirty_log *log = region->dirty;
	const struct mapdev_bitmap *bitmap;
	unsigned long unit = 0, count = 0;

	/* Marks are cleared under the lock, so that a run is never empty. */
	guard(mutex)(&log->lock);
	bitmap = mapdev_dirty_bitmap(log);
	while ((unit = mapdev_bitmap_next(bitmap, unit)) != ULONG_MAX) {
		unsigned long run = mapdev_bitmap_run(bitmap, unit, ULONG_MAX);

		unit += run;
		count += run;
		cond_resched();
	}
	return count;
}
