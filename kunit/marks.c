// SPDX-License-Identifier: GPL-2.0
/* The set of marks of the dirty log. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "marks.h"

/* Those in a row, as far as they are in one word, and at most @count; or none. */
static void clear_run(struct kunit *test, struct mapdev_marks *marks,
		      unsigned long *bits, unsigned long nr,
		      unsigned long count)
{
	unsigned long end = min3(nr + count, marks->limit,
				 round_down(nr, BITS_PER_LONG) + BITS_PER_LONG);
	unsigned long run = find_next_zero_bit(bits, end, nr) - nr;

	if (run)
		KUNIT_ASSERT_EQ(test, run, mapdev_marks_run(marks, nr, count));
	/* Who takes out what is not there does no harm. */
	count = run ?: 1;
	mapdev_marks_clear(marks, nr, count);
	bitmap_clear(bits, nr, count);
}

/* The same set as mere bits, found by looking at each. */
static void marks_are_a_set(struct kunit *test)
{
	static const unsigned long limits[] = {
		1, 2, BITS_PER_LONG - 1, BITS_PER_LONG, BITS_PER_LONG + 1, 4095,
		4096, 4097, 262144, 262145, 300000,
	};
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned long limit = limits[i], nr, from = 0;
		struct mapdev_marks *marks = mapdev_marks_alloc(limit);
		unsigned long *bits = kvcalloc(BITS_TO_LONGS(limit),
					       sizeof(long), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, marks);
		KUNIT_ASSERT_NOT_NULL(test, bits);
		KUNIT_EXPECT_EQ(test, ULONG_MAX, mapdev_marks_next(marks, 0));
		for (int step = 0; step < 3000; step++) {
			/* In clusters, and at the end, so that words go empty. */
			nr = prandom_u32_state(&rnd) % min(limit, 3 + step);
			if (step % 7 == 0)
				nr = limit - 1 - nr;
			if (prandom_u32_state(&rnd) % 2) {
				KUNIT_ASSERT_EQ(test, !test_bit(nr, bits),
						mapdev_marks_set(marks, nr));
				__set_bit(nr, bits);
			} else {
				clear_run(test, marks, bits, nr, step % 99 + 1);
			}
			nr = find_next_bit(bits, limit, from);
			KUNIT_ASSERT_EQ(test, nr < limit ? nr : ULONG_MAX,
					mapdev_marks_next(marks, from));
			from = nr < limit ? nr + 1 : 0;
		}
		/* Empty again at all levels. */
		for_each_set_bit(nr, bits, limit)
			mapdev_marks_clear(marks, nr, 1);
		for (unsigned int level = 0; level < marks->levels; level++)
			KUNIT_EXPECT_EQ(test, marks->bits[level],
					find_first_bit(marks->level[level],
						       marks->bits[level]));
		kvfree(bits);
		kvfree(marks);
	}
}

/* A run ends with its word, and may be all of it. */
static void runs_are_of_one_word(struct kunit *test)
{
	struct mapdev_marks *marks = mapdev_marks_alloc(3 * BITS_PER_LONG);

	KUNIT_ASSERT_NOT_NULL(test, marks);
	for (unsigned long nr = 0; nr < marks->limit; nr++)
		mapdev_marks_set(marks, nr);
	for (unsigned long nr = 0; nr < marks->limit; nr++)
		KUNIT_EXPECT_EQ(test, BITS_PER_LONG - nr % BITS_PER_LONG,
				mapdev_marks_run(marks, nr, ULONG_MAX));
	mapdev_marks_clear(marks, BITS_PER_LONG, BITS_PER_LONG);
	KUNIT_EXPECT_EQ(test, BITS_PER_LONG - 1,
			mapdev_marks_next(marks, BITS_PER_LONG - 1));
	KUNIT_EXPECT_EQ(test, 2 * BITS_PER_LONG,
			mapdev_marks_next(marks, BITS_PER_LONG));
	kvfree(marks);
}

/*
 * Somebody adds while the last one of a word goes. The bit above may go with
 * it, and who adds next to that has to set it, even if his own bit is there.
 */
static void marks_set_all_levels(struct kunit *test)
{
	struct mapdev_marks *marks = mapdev_marks_alloc(1000000);

	KUNIT_ASSERT_NOT_NULL(test, marks);
	set_bit(77777, marks->level[0]);
	KUNIT_EXPECT_FALSE(test, mapdev_marks_set(marks, 77777));
	KUNIT_EXPECT_EQ(test, 77777, mapdev_marks_next(marks, 0));
	kvfree(marks);
}

static struct kunit_case marks_cases[] = {
	KUNIT_CASE(marks_are_a_set),
	KUNIT_CASE(runs_are_of_one_word),
	KUNIT_CASE(marks_set_all_levels),
	{}
};

static struct kunit_suite marks_suite = {
	.name		= "mapdev_marks",
	.test_cases	= marks_cases,
};

kunit_test_suite(marks_suite);
