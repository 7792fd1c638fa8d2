/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What dirty.c and dirtyask.c share: a region of each kind that has a dirty
 * log, mapped, with what its log is expected to say.
 */
#ifndef _MAPDEV_SELFTESTS_DIRTY_REGION_H
#define _MAPDEV_SELFTESTS_DIRTY_REGION_H

#include <pthread.h>

#include "dirty.h"
#include "test.h"
#include "tracking.h"

/* Not a multiple of the larger granules: the last unit is cut short. */
#define SIZE (8 * 1024 * 1024 + 5 * PAGE)

FIXTURE(dirty) {
	struct logged log;
	struct units want;
	u8 *map;
};

FIXTURE_VARIANT(dirty) {
	const char *attrs;
	enum mapdev_backing_type type;
};

#define VARIANT(_name, _attrs, _type, _fixture)				\
	FIXTURE_VARIANT_ADD(_fixture, _name) { .attrs = _attrs, .type = _type };
FOR_EACH_LOGGED(VARIANT, dirty)

static u8 *map_shared(int fd)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

FIXTURE_SETUP(dirty)
{
	memset(&self->want, 0, sizeof(self->want));
	ASSERT_EQ(0, logged_open(&self->log, variant->attrs, SIZE));
	self->map = map_shared(self->log.fd);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(dirty)
{
	munmap(self->map, SIZE);
	close(self->log.fd);
	EXPECT_EQ(0, region_destroy(&self->log.r));
}

/* The log reports exactly the expected units, and is empty then. */
#define EXPECT_DIRTY() do {						\
	static struct units got;					\
									\
	ASSERT_EQ(0, collect(&self->log, &got));			\
	EXPECT_EQ(-1, unlike(&self->log, &self->want, &got)) {		\
		TH_LOG("unit of %llu bytes", self->log.unit);		\
	}								\
	memset(&self->want, 0, sizeof(self->want));			\
	ASSERT_EQ(0, collect(&self->log, &got));			\
	EXPECT_EQ(-1, unlike(&self->log, &self->want, &got)) {		\
		TH_LOG("answered a second time");			\
	}								\
} while (0)

/* Places at both ends of units, of the region, and between. */
#define PLACES {							\
	0, PAGE - 1, 3 * PAGE, 65535, 65536, 65536 + PAGE, 2097151,	\
	2097152, 3 * 1024 * 1024 + 17, 6 * 1024 * 1024,			\
	SIZE - 5 * PAGE, SIZE - 1,					\
}

#define FOR_EACH_PLACE(_at)						\
	for (u64 _places[] = PLACES, *_i = _places, _at;		\
	     _i < _places + ARRAY_SIZE(_places) && (_at = *_i, 1); _i++)

#endif /* _MAPDEV_SELFTESTS_DIRTY_REGION_H */
