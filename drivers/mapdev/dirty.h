/* SPDX-License-Identifier: GPL-2.0 */
/* What dirty.c, which marks, collect.c and clean.c, which takes marks out, share. */
#ifndef _MAPDEV_DIRTY_H
#define _MAPDEV_DIRTY_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "mapdev.h"
#include "marks.h"

/**
 * struct mapdev_dirty_log - the log of one region
 * @marks: the units; exchanged when the region grows
 * @lock: held to take marks out, and to exchange them
 * @order: of pages in a unit
 * @busy: bit 0: there is a collector
 */
struct mapdev_dirty_log {
	struct mapdev_marks __rcu *marks;
	struct mutex lock;	/* see above */
	unsigned int order;
	unsigned long busy;
};

static inline struct mapdev_marks *
mapdev_dirty_marks(struct mapdev_dirty_log *log)
{
	return rcu_dereference_protected(log->marks,
					 lockdep_is_held(&log->lock));
}

static inline unsigned long
mapdev_dirty_units(const struct mapdev_dirty_log *log, pgoff_t pages)
{
	return DIV_ROUND_UP(pages, 1UL << log->order);
}

unsigned long mapdev_dirty_clean(struct mapdev_region *region,
				 unsigned long unit, unsigned long limit);

#endif /* _MAPDEV_DIRTY_H */
