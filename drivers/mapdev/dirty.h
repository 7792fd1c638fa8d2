/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dirty log: dirty.c sets marks, collect.c and clean.c report and clear
 * them.
 */
#ifndef _MAPDEV_DIRTY_H
#define _MAPDEV_DIRTY_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "mapdev.h"
#include "dirty_bitmap.h"

/**
 * struct mapdev_dirty_log - the log of one region
 * @bitmap: the units; exchanged when the region grows
 * @lock: held to clear marks and to replace @bitmap
 * @order: of pages in a unit
 * @busy: bit 0: there is a collector
 */
struct mapdev_dirty_log {
	struct mapdev_bitmap __rcu *bitmap;
	struct mutex lock;	/* see above */
	unsigned int order;
	unsigned long busy;
};

static inline struct mapdev_bitmap *
mapdev_dirty_bitmap(struct mapdev_dirty_log *log)
{
	return rcu_dereference_protected(log->bitmap,
					 lockdep_is_held(&log->lock));
}

static inline unsigned long
mapdev_dirty_units(const struct mapdev_dirty_log *log, pgoff_t pages)
{
	return DIV_ROUND_UP(pages, 1UL << log->order);
}

#ifdef CONFIG_MMU
int mapdev_dirty_init(struct mapdev_region *region);
void mapdev_dirty_free(struct mapdev_region *region);
void mapdev_dirty_mark(struct mapdev_region *region, pgoff_t first,
		       pgoff_t count);
bool mapdev_dirty_folio(struct address_space *mapping, struct folio *folio);
vm_fault_t mapdev_dirty_mkwrite(struct vm_fault *vmf);
bool mapdev_dirty_pending(struct mapdev_region *region);
void mapdev_dirty_mark_all(struct mapdev_region *region, pgoff_t first,
			   pgoff_t count);
int mapdev_dirty_grow(struct mapdev_region *region, pgoff_t pages);
void mapdev_dirty_grown(struct mapdev_region *region, pgoff_t pages);
int mapdev_dirty_collect(struct mapdev_region *region,
			 struct mapdev_dirty *args, void __user *arg);
unsigned long mapdev_dirty_count(struct mapdev_region *region);
void mapdev_dirty_drain(struct mapdev_region *region);
unsigned long mapdev_dirty_clean(struct mapdev_region *region,
				 unsigned long unit, unsigned long limit);
#else
static inline int mapdev_dirty_init(struct mapdev_region *region)
{
	return 0;
}

static inline void mapdev_dirty_free(struct mapdev_region *region)
{
}

static inline void mapdev_dirty_mark(struct mapdev_region *region,
				     pgoff_t first, pgoff_t count)
{
}

static inline bool mapdev_dirty_pending(struct mapdev_region *region)
{
	return false;
}

static inline int mapdev_dirty_grow(struct mapdev_region *region, pgoff_t pages)
{
	return 0;
}

static inline void mapdev_dirty_grown(struct mapdev_region *region,
				      pgoff_t pages)
{
}

static inline int mapdev_dirty_collect(struct mapdev_region *region,
				       struct mapdev_dirty *args,
				       void __user *arg)
{
	return -EOPNOTSUPP;
}

static inline unsigned long mapdev_dirty_count(struct mapdev_region *region)
{
	return 0;
}

static inline void mapdev_dirty_drain(struct mapdev_region *region)
{
}
#endif

#endif /* _MAPDEV_DIRTY_H */
