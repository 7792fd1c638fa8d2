// SPDX-License-Identifier: GPL-2.0
/* The bitmap of the dirty log. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "dirty_bitmap.h"

/* Clear a run inside one word, of at most @count marks, if there is one. */
static void clear_run(struct kunit *test, struct mapdev_bitmap *marks,
		      unsigned long *bits, unsigned long nr,
		      unsigned long count)
{
	unsigned long end = min3(nr + count, marks->limit,
				 round_down(nr, BITS_PER_LONG) + BITS_PER_LONG);
	unsigned long run = find_next_zero_bit(bits, end, nr) - nr;

	if (run)
		KUNIT_ASSERT_EQ(test, run, mapdev_bitmap_run(marks, nr, count));
	/* Clearing a clear mark is harmless. */
	count = run ?: 1;
	mapdev_bitmap_clear(marks, nr, count);
	bitmap_clear(bits, nr, count);
}

/* Compare with a plain bitmap. */
static void marks_match_bitmap(struct kunit *test)
{
	static const unsigned long limits[] = {
		1, 2, BITS_PER_LONG - 1, BITS_PER_LONG, BITS_PER_LONG + 1, 4095,
		4096, 4097, 262144, 262145, 300000,
	};
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned long limit = limits[i], nr, from = 0;
		struct mapdev_bitmap *marks = mapdev_bitmap_alloc(limit);
		unsigned long *bits = kvcalloc(BITS_TO_LONGS(limit),
					       sizeof(long), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, marks);
		KUNIT_ASSERT_NOT_NULL(test, bits);
		KUNIT_EXPECT_EQ(test, ULONG_MAX, mapdev_bitmap_next(marks, 0));
		for (int step = 0; step < 3000; step++) {
			/*
			 * In clusters, and at the end, so that words become
			 * empty.
			 */
			nr = prandom_u32_state(&rnd) % min(limit, 3 + step);
			if (step % 7 == 0)
				nr = limit - 1 - nr;
			if (prandom_u32_state(&rnd) % 2) {
				KUNIT_ASSERT_EQ(test, !test_bit(nr, bits),
						mapdev_bitmap_set(marks, nr, 1));
				__set_bit(nr, bits);
			} else {
				clear_run(test, marks, bits, nr, step % 99 + 1);
			}
			nr = find_next_bit(bits, limit, from);
			KUNIT_ASSERT_EQ(test, nr < limit ? nr : ULONG_MAX,
					mapdev_bitmap_next(marks, from));
			from = nr < limit ? nr + 1 : 0;
		}
		/* All levels are empty again. */
		for_each_set_bit(nr, bits, limit)
			mapdev_bitmap_clear(marks, nr, 1);
		for (unsigned int level = 0; level < marks->levels; level++)
			KUNIT_EXPECT_EQ(test, marks->bits[level],
					find_first_bit(marks->level[level],
						       marks->bits[level]));
		kvfree(bits);
		kvfree(marks);
	}
}

/* A run ends with its word, and may fill it. */
static void run_ends_with_word(struct kunit *test)
{
	struct mapdev_bitmap *marks = mapdev_bitmap_alloc(3 * BITS_PER_LONG);

	KUNIT_ASSERT_NOT_NULL(test, marks);
	for (unsigned long nr = 0; nr < marks->limit; nr++)
		mapdev_bitmap_set(marks, nr, 1);
	for (unsigned long nr = 0; nr < marks->limit; nr++)
		KUNIT_EXPECT_EQ(test, BITS_PER_LONG - nr % BITS_PER_LONG,
				mapdev_bitmap_run(marks, nr, ULONG_MAX));
	mapdev_bitmap_clear(marks, BITS_PER_LONG, BITS_PER_LONG);
	KUNIT_EXPECT_EQ(test, BITS_PER_LONG - 1,
			mapdev_bitmap_next(marks, BITS_PER_LONG - 1));
	KUNIT_EXPECT_EQ(test, 2 * BITS_PER_LONG,
			mapdev_bitmap_next(marks, BITS_PER_LONG));
	kvfree(marks);
}

/*
 * If a mark is set while the last one of its word is cleared, the bit of the
 * upper level may be lost. The next set must repair it, even if its own bit is
 * already set.
 */
static void set_repairs_upper_level(struct kunit *test)
{
	struct mapdev_bitmap *marks = mapdev_bitmap_alloc(1000000);

	KUNIT_ASSERT_NOT_NULL(test, marks);
	set_bit(77777, marks->level[0]);
	KUNIT_EXPECT_FALSE(test, mapdev_bitmap_set(marks, 77777, 1));
	KUNIT_EXPECT_EQ(test, 77777, mapdev_bitmap_next(marks, 0));
	kvfree(marks);
}

/* Setting by words and filling give the same bits at each level. */
static void set_and_fill_words(struct kunit *test)
{
	static const unsigned long limits[] = {
		1, BITS_PER_LONG, BITS_PER_LONG + 1, 4096, 4097, 300000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned long limit = limits[i], nr, count;
		struct mapdev_bitmap *marks = mapdev_bitmap_alloc(limit);
		struct mapdev_bitmap *full = mapdev_bitmap_alloc(limit);
		unsigned long from = limit / 3;

		KUNIT_ASSERT_NOT_NULL(test, marks);
		KUNIT_ASSERT_NOT_NULL(test, full);
		for (nr = from; nr < limit; nr += count) {
			count = mapdev_bitmap_word(nr, limit);
			KUNIT_ASSERT_TRUE(test, mapdev_bitmap_set(marks, nr, count));
			KUNIT_ASSERT_FALSE(test, mapdev_bitmap_set(marks, nr, count));
		}
		mapdev_bitmap_fill(full, from);
		for (unsigned int level = 0; level < marks->levels; level++)
			KUNIT_EXPECT_MEMEQ(test, marks->level[level],
					   full->level[level],
					   BITS_TO_LONGS(marks->bits[level]) *
					   sizeof(long));
		KUNIT_EXPECT_EQ(test, from, mapdev_bitmap_next(full, 0));
		KUNIT_EXPECT_EQ(test, limit - 1,
				mapdev_bitmap_next(full, limit - 1));
		KUNIT_EXPECT_EQ(test, ULONG_MAX, mapdev_bitmap_next(full, limit));
		/* A word with one bit missing counts as new. */
		mapdev_bitmap_clear(full, limit - 1, 1);
		KUNIT_EXPECT_TRUE(test, mapdev_bitmap_set(full, nr - count, count));
		/* Filling from the limit does nothing. */
		mapdev_bitmap_fill(full, limit);
		KUNIT_EXPECT_EQ(test, from, mapdev_bitmap_next(full, 0));
		kvfree(full);
		kvfree(marks);
	}
}

static struct kunit_case marks_cases[] = {
	KUNIT_CASE(marks_match_bitmap),
	KUNIT_CASE(run_ends_with_word),
	KUNIT_CASE(set_repairs_upper_level),
	KUNIT_CASE(set_and_fill_words),
	{}
};

static struct kunit_suite marks_suite = {
	.name		= "mapdev_marks",
	.test_cases	= marks_cases,
};

kunit_test_suite(marks_suite);
