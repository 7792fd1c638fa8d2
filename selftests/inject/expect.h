/* SPDX-License-Identifier: GPL-2.0 */
/* Assertions about a subject, before and after a failed allocation. */
#ifndef _MAPDEV_SELFTESTS_EXPECT_H
#define _MAPDEV_SELFTESTS_EXPECT_H

#include "inject/inject.h"
#include "inject/subject.h"

static inline void expect_as_before(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(1, region_mappings(&s->r));
	EXPECT_EQ(1, count_mappings(s->map, SIZE));
	EXPECT_EQ(0, count_mappings(AREA, SIZE));
	EXPECT_EQ(SIZE, subject_unlike(s->map));
}

static inline void subject_close(struct __test_metadata *_metadata, struct subject *s)
{
	expect_as_before(_metadata, s);
	munmap(s->map, SIZE);
	/* Every mapped and open was paired with a close. */
	if (s->type != MAPDEV_PAGED)
		EXPECT_EQ(region_stat(&s->r, "close"),
			  region_stat(&s->r, "mapped") +
			  region_stat(&s->r, "open"));
	close(s->fd);
	EXPECT_EQ(0, region_destroy(&s->r));
}

static inline void unmap_other(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(SIZE, subject_unlike(s->other));
	munmap(s->other, SIZE);
	expect_as_before(_metadata, ctx);
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

/* A fault that runs out of memory is retried: no signal. */
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

#endif /* _MAPDEV_SELFTESTS_EXPECT_H */
