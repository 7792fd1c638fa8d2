/* SPDX-License-Identifier: GPL-2.0 */
/* Regions with a dirty log; reports as one byte for each unit. */
#ifndef _MAPDEV_SELFTESTS_DIRTY_H
#define _MAPDEV_SELFTESTS_DIRTY_H

#include "region.h"

typedef unsigned int u32;

#define FOR_EACH_LOGGED(X, ...)						\
	FOR_EACH_LOGGED_PAGE(X, ##__VA_ARGS__)				\
	FOR_EACH_LOGGED_FOLIO(X, ##__VA_ARGS__)

/* The unit of the log is a page. */
#define FOR_EACH_LOGGED_PAGE(X, ...)					\
	X(paged_page, "backing=paged granule=PAGE", MAPDEV_PAGED, ##__VA_ARGS__) \
	X(pages, "backing=pages", MAPDEV_PAGES, ##__VA_ARGS__)		\
	X(vmalloc, "backing=vmalloc", MAPDEV_VMALLOC, ##__VA_ARGS__)	\
	X(contig_pin, "backing=contig pin=1", MAPDEV_CONTIG, ##__VA_ARGS__)

#define FOR_EACH_LOGGED_FOLIO(X, ...)					\
	X(paged_64K, "backing=paged granule=64K", MAPDEV_PAGED, ##__VA_ARGS__) \
	X(paged_2M, "backing=paged granule=2M", MAPDEV_PAGED, ##__VA_ARGS__)

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
