/* SPDX-License-Identifier: GPL-2.0 */
/* The counters of a region, shown in debugfs. */
#ifndef _MAPDEV_STATS_H
#define _MAPDEV_STATS_H

#include "mapdev.h"

/* What is counted for each region; debugfs shows them by name. */
enum mapdev_stat {
	MAPDEV_STAT_PREPARE,
	MAPDEV_STAT_MAPPED,
	MAPDEV_STAT_OPEN,
	MAPDEV_STAT_CLOSE,
	MAPDEV_STAT_FAULT,
	MAPDEV_STAT_FAULT_MMAP,		/* under mmap_lock, not the VMA lock */
	MAPDEV_STAT_HUGE_FAULT,
	MAPDEV_STAT_HUGE_FAULT_MMAP,
	MAPDEV_STAT_MAP_PAGES,
	MAPDEV_STAT_MAP_PAGES_MMAP,
	MAPDEV_STAT_MKWRITE,
	MAPDEV_STAT_FALLBACK,
	MAPDEV_STAT_SIGBUS,
	MAPDEV_STAT_REVOKE,
	MAPDEV_STAT_RESTORE,
	MAPDEV_STAT_RESIZE,
	MAPDEV_STAT_DISCARD,
	MAPDEV_STAT_COLLECT,
	MAPDEV_NR_STATS
};

struct mapdev_stats {
	u64 count[MAPDEV_NR_STATS];
};

static inline void mapdev_count(struct mapdev_region *region,
				enum mapdev_stat stat)
{
	this_cpu_inc(region->stats->count[stat]);
}

u64 mapdev_stat(const struct mapdev_region *region, enum mapdev_stat stat);
void mapdev_stats_init(void);
void mapdev_stats_exit(void);
void mapdev_stats_publish(struct mapdev_region *region);

#endif /* _MAPDEV_STATS_H */
