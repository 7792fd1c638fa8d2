/* SPDX-License-Identifier: GPL-2.0 */
/* What the operations of injectmap.c, injectmore.c and injectpaged.c work on. */
#ifndef _MAPDEV_SELFTESTS_SUBJECT_H
#define _MAPDEV_SELFTESTS_SUBJECT_H

#include "inject.h"

#define SIZE (2UL << 20)

/* A gibibyte without a page table, aligned for the largest entries. */
#define AREA ((u8 *)(1UL << 44))

static long page;

/* What all operations work on: a region and a mapping of it, all stamped. */
struct subject {
	struct region r;
	enum mapdev_backing_type type;
	bool frames;
	int fd;
	u8 *map;	/* in use all the time */
	u8 *other;	/* the one that comes and goes */
	int flags;	/* of that one */
	struct mapdev_run runs[16];
	unsigned int count;
	pid_t child;
	int epoll;
};

#define SEED 11

/* The first bytes of each page, which leaves room. */
static inline void stamp(u8 *map)
{
	for (size_t i = 0; i < SIZE; i += page)
		fill(map + i, i, 16, SEED);
}

static inline int subject_open(struct subject *s, const char *attrs,
			       enum mapdev_backing_type type)
{
	char all[128];
	int err;

	page = sysconf(_SC_PAGESIZE);
	snprintf(all, sizeof(all), "size=2M %s", attrs);
	err = region_create(&s->r, all);
	if (err)
		return err;
	s->type = type;
	s->frames = maps_frames(type, attrs);
	s->flags = MAP_SHARED;
	s->fd = open(s->r.node, O_RDWR);
	s->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED)
		return -errno;
	stamp(s->map);
	return 0;
}

/* The first page that has not its stamp, or SIZE. */
static inline size_t unlike(const u8 *map)
{
	for (size_t i = 0; i < SIZE; i += page)
		if (differs(map + i, i, 16, SEED) != 16)
			return i;
	return SIZE;
}

static inline void expect_as_before(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(1, region_mappings(&s->r));
	EXPECT_EQ(1, count_mappings(s->map, SIZE));
	EXPECT_EQ(0, count_mappings(AREA, SIZE));
	EXPECT_EQ(SIZE, unlike(s->map));
}

static inline void subject_close(struct __test_metadata *_metadata, struct subject *s)
{
	expect_as_before(_metadata, s);
	munmap(s->map, SIZE);
	/* What was begun with a mapping, whole or split, was ended with it. */
	if (s->type != MAPDEV_PAGED)
		EXPECT_EQ(region_stat(&s->r, "close"),
			  region_stat(&s->r, "mapped") +
			  region_stat(&s->r, "open"));
	close(s->fd);
	EXPECT_EQ(0, region_destroy(&s->r));
}

static inline int map_other(void *ctx)
{
	struct subject *s = ctx;

	s->other = mmap(AREA, SIZE, PROT_READ | PROT_WRITE,
			s->flags | MAP_FIXED_NOREPLACE, s->fd, 0);
	return s->other == MAP_FAILED ? errno : 0;
}

static inline void unmap_other(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(SIZE, unlike(s->other));
	munmap(s->other, SIZE);
	expect_as_before(_metadata, ctx);
}

static inline void prepare_other(void *ctx)
{
	map_other(ctx);
}

static inline int load_other(void *ctx)
{
	load_byte(((struct subject *)ctx)->other + SIZE - page);
	return 0;
}

static inline int store_other(void *ctx)
{
	u8 *byte = ((struct subject *)ctx)->other + SIZE - 1;

	store_byte(byte, 5);
	return 0;
}

static inline void expect_stored(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(5, load_byte(s->other + SIZE - 1));
	EXPECT_EQ(s->flags == MAP_SHARED ? 5 : 0,
		  load_byte(s->map + SIZE - 1));
	store_byte(s->map + SIZE - 1, 0);
	unmap_other(_metadata, ctx);
}

/* A touch comes again until it gets its page: no signal. */
static inline struct injected touch_with(struct __test_metadata *_metadata,
					 struct subject *s, bool store)
{
	struct operation op = {
		.name = store ? "store" : "load", .prepare = prepare_other,
		.run = store ? store_other : load_other,
		.undo = store ? expect_stored : unmap_other,
	};
	struct injected sum = inject(_metadata, &op, s);

	EXPECT_EQ(0, region_stat(&s->r, "sigbus"));
	return sum;
}

#endif /* _MAPDEV_SELFTESTS_SUBJECT_H */
