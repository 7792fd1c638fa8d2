/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All actors in parallel. Each owns every sixth page of the region and touches no
 * other, so that it knows their contents while others map, unmap, revoke, restore and
 * collect. A touch may fail only if the region was not live at some point during the
 * touch, and may succeed only if it was live at some point.
 */
#ifndef _MAPDEV_SELFTESTS_TORTURE_RACE_H
#define _MAPDEV_SELFTESTS_TORTURE_RACE_H

#include "torture/torture.h"

#define RACERS	(PROCESSES * THREADS)
#define SLOTS	8

/* Phases follow each other: live, being revoked, revoked, being restored. */
enum { LIVE, REVOKING, REVOKED, RESTORING, PHASES };

struct board {
	u32 phase;
	u32 stop;	/* all pause */
	u32 still;	/* number of paused racers */
	u32 end;
	u32 ops;
	u32 failed;
	char why[256];
	u64 words[REGION_PAGES][SLOTS];	/* what the region holds */
};

/* race/racer.c */
u32 get(u32 *word);
void put(u32 *word, u32 value);
void bad(struct board *b, const char *what, u32 id, u32 page, long is);
int race_process(struct board *b, int fd, u32 proc, u32 seed);

#endif /* _MAPDEV_SELFTESTS_TORTURE_RACE_H */
