/* SPDX-License-Identifier: GPL-2.0 */
/* Move a mapping, and check that nothing is left at the old address. */
#ifndef _MAPDEV_SELFTESTS_MOVING_H
#define _MAPDEV_SELFTESTS_MOVING_H

#include "test.h"

/* Everywhere in it; where a touch leaves an entry, the processor has it, too. */
static inline void expect_signals(struct __test_metadata *_metadata, u8 *map,
				  size_t size, int sig)
{
	EXPECT_EQ(sig, touch_write(map));
	EXPECT_EQ(sig, touch_read(map + size / 2));
	EXPECT_EQ(sig, touch_write(map + size - 1));
}

static inline void move_from(struct __test_metadata *_metadata,
			     const struct region *r, u8 *old, u8 *new, int fd,
			     size_t size)
{
	const int prot = PROT_READ | PROT_WRITE;

	ASSERT_EQ(old, mmap(old, size, prot, MAP_SHARED | MAP_FIXED, fd, 0));
	for (size_t at = 0; at < size; at += PMD)
		store_byte(old + at, 3);
	store_byte(old + size / 2, 7);
	expect_signals(_metadata, old, size, 0);

	ASSERT_EQ(new, mremap(old, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			      new));
	expect_signals(_metadata, old, size, SIGSEGV);
	EXPECT_EQ(7, load_byte(new + size / 2));
	expect_signals(_metadata, new, size, 0);

	ASSERT_EQ(0, region_revoke(r, 1));
	expect_signals(_metadata, old, size, SIGSEGV);
	expect_signals(_metadata, new, size, SIGBUS);
	ASSERT_EQ(0, region_revoke(r, 0));
	expect_signals(_metadata, old, size, SIGSEGV);
	EXPECT_EQ(7, load_byte(new + size / 2));
	munmap(new, size);
}

/*
 * Map all of a region, where its largest entries fit and where they do not, move it
 * to the like, and revoke it: nothing is left at the old place. @size is a power of
 * two.
 */
static inline void move_and_revoke(struct __test_metadata *_metadata,
				   const struct region *r, int fd, size_t size)
{
	const int none = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	u8 *room = mmap(NULL, 4 * size + PAGE, PROT_NONE, none, -1, 0), *old;

	ASSERT_NE(MAP_FAILED, room);
	old = (u8 *)(((unsigned long)room + size - 1) & -size);
	move_from(_metadata, r, old, old + 2 * size, fd, size);
	move_from(_metadata, r, old, old + 2 * size + PAGE, fd, size);
	move_from(_metadata, r, old + PAGE, old + 2 * size + PAGE, fd, size);
	munmap(room, 4 * size + PAGE);
}

#endif /* _MAPDEV_SELFTESTS_MOVING_H */
