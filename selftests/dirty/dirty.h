/* SPDX-License-Identifier: GPL-2.0 */
/* Regions with a dirty log; reports as one byte for each unit. */
#ifndef _MAPDEV_SELFTESTS_DIRTY_H
#define _MAPDEV_SELFTESTS_DIRTY_H

#include "region.h"

typedef unsigned int u32;

#define FOR_EACH_LOGGED(X)						\
	X(paged_page, "backing=paged granule=PAGE", MAPDEV_PAGED)		\
	X(paged_64K, "backing=paged granule=64K", MAPDEV_PAGED)		\
	X(paged_2M, "backing=paged granule=2M", MAPDEV_PAGED)		\
	X(pages, "backing=pages", MAPDEV_PAGES)				\
	X(vmalloc, "backing=vmalloc", MAPDEV_VMALLOC)			\
	X(contig_pin, "backing=contig pin=1", MAPDEV_CONTIG)

/* The most units of a region. */
#define MAX_UNITS	4096

struct units {
	u8 is[MAX_UNITS];
};

struct logged {
	struct region r;
	int fd;
	u64 size;
	u64 unit;
	size_t count;	/* units */
};

int logged_open(struct logged *log, const char *attrs, u64 size);
int ask(int fd, struct mapdev_dirty *dirty);
int add_runs(const struct logged *log, struct units *set,
	     const struct mapdev_run *runs, u32 count);
int collect_by(const struct logged *log, struct units *set, u32 capacity);
int collect(const struct logged *log, struct units *set);
void expect(const struct logged *log, struct units *set, u64 offset,
	    u64 length);
long unlike(const struct logged *log, const struct units *a,
	    const struct units *b);

#endif /* _MAPDEV_SELFTESTS_DIRTY_H */
