/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Places where a task has seen a region live, and what it does next has to be
 * over, or to have no effect, when a revoke returns. KUnit stops it there. A module
 * for a kernel without KUnit has none of this.
 */
#ifndef _MAPDEV_RACE_H
#define _MAPDEV_RACE_H

struct mapdev_region;

enum mapdev_race {
	MAPDEV_RACE_NEW_FOLIO,	/* before a folio is added */
	MAPDEV_RACE_COMPLETE,	/* before it is zeroed, and up to date */
	MAPDEV_RACE_FAULT,	/* before fault() inserts an entry, or has mm do it */
	MAPDEV_RACE_HUGE_FAULT,
	MAPDEV_RACE_MAP_PAGES,	/* under RCU: do not sleep */
	/*
	 * Before page_mkwrite() marks the page. A revoke does not wait for that of
	 * ram: mm core then looks whether the entry is still there.
	 */
	MAPDEV_RACE_MKWRITE,
	MAPDEV_RACE_COPY,	/* before read() or write() moves a byte */
	MAPDEV_RACE_ACCESS,
	MAPDEV_RACE_COLLECT,	/* before marks are taken, and entries protected */
};

#if IS_ENABLED(CONFIG_KUNIT)
/* Have @hook called there, or nothing for NULL. */
void mapdev_race_set(void (*hook)(struct mapdev_region *region,
				  enum mapdev_race place));

void mapdev_race(struct mapdev_region *region, enum mapdev_race place);
#else
static inline void mapdev_race(struct mapdev_region *region,
			       enum mapdev_race place)
{
}
#endif

#endif /* _MAPDEV_RACE_H */
