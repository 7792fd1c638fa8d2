/* SPDX-License-Identifier: GPL-2.0 */
/* What the operations of injectmap.c, injectmore.c and injectpaged.c work on. */
#ifndef _MAPDEV_SELFTESTS_SUBJECT_H
#define _MAPDEV_SELFTESTS_SUBJECT_H

#include "region.h"

#define SIZE (2UL << 20)

/* The seed of the stamps. */
#define SEED 11

/* A gibibyte without a page table, aligned for the largest entries. */
#define AREA ((u8 *)(1UL << 44))

/* A region, with a stamp on each page of a mapping. */
struct subject {
	struct region r;
	enum mapdev_backing_type type;
	bool frames;
	int fd;
	u8 *map;	/* mapped all the time */
	u8 *other;	/* mapped by an attempt */
	int flags;	/* of @other */
	struct mapdev_run runs[16];
	unsigned int count;
	pid_t child;
	int epoll;
};

void subject_stamp(u8 *map);
int subject_open(struct subject *s, const char *attrs,
		 enum mapdev_backing_type type);
size_t subject_unlike(const u8 *map);

int map_other(void *ctx);

void prepare_other(void *ctx);
int load_other(void *ctx);
int store_other(void *ctx);

#endif /* _MAPDEV_SELFTESTS_SUBJECT_H */
