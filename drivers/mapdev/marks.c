// SPDX-License-Identifier: GPL-2.0
/*
 * marks: see marks.h. Any number of tasks may add members, in any context; one
 * at a time takes them out.
 *
 * A bit above may be set over an empty word, but a word with a bit in it is
 * never left with the bit above clear: who adds looks at all levels from below,
 * and who takes the last one out looks at the word again after it has cleared
 * the bit above.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <kunit/visibility.h>

#include "marks.h"

/* kvfree() frees it. NULL if there is no memory. */
struct mapdev_marks *mapdev_marks_alloc(unsigned long limit)
{
	unsigned long bits[MAPDEV_MARK_LEVELS], words = 0;
	struct mapdev_marks *marks;
	unsigned int levels = 0;

	for (unsigned long count = limit; ; count = BITS_TO_LONGS(count)) {
		bits[levels++] = count;
		words += BITS_TO_LONGS(count);
		if (count <= BITS_PER_LONG)
			break;
	}

	marks = kvzalloc(struct_size(marks, words, words),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
	if (!marks)
		return NULL;
	marks->limit = limit;
	marks->levels = levels;
	words = 0;
	for (unsigned int i = 0; i < levels; i++) {
		marks->bits[i] = bits[i];
		marks->level[i] = marks->words + words;
		words += BITS_TO_LONGS(bits[i]);
	}
	return marks;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_alloc);

/* Add all from @nr on, as long as nobody else knows of the set. */
void mapdev_marks_fill(struct mapdev_marks *marks, unsigned long nr)
{
	for (unsigned int i = 0; i < marks->levels && nr < marks->bits[i]; i++) {
		unsigned long *level = marks->level[i];
		unsigned long last = (marks->bits[i] - 1) / BITS_PER_LONG;
		unsigned long first = nr / BITS_PER_LONG;

		level[first] |= ~0UL << nr % BITS_PER_LONG;
		memset(level + first + 1, 0xff, (last - first) * sizeof(*level));
		level[last] &= BITMAP_LAST_WORD_MASK(marks->bits[i]);
		nr = first;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_fill);

/* How many there are from @nr on, up to @end and to the end of its word. */
unsigned long mapdev_marks_word(unsigned long nr, unsigned long end)
{
	return min(end - nr, BITS_PER_LONG - nr % BITS_PER_LONG);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_word);

static unsigned long mask_of(unsigned long nr, unsigned long count)
{
	return (~0UL >> (BITS_PER_LONG - count)) << nr % BITS_PER_LONG;
}

/* From the word of a bit of level @from upwards. */
static void set_above(struct mapdev_marks *marks, unsigned int from,
		      unsigned long bit)
{
	for (unsigned int i = from; i < marks->levels; i++) {
		bit /= BITS_PER_LONG;
		/* What is above is set again by who clears it, see there. */
		if (!test_bit(bit, marks->level[i]))
			test_and_set_bit(bit, marks->level[i]);
	}
}

/*
 * Add @count, from @nr on, all of one word; false if they were in the set. A full
 * barrier before and after, so that what the caller wrote is seen by who takes
 * them out.
 */
bool mapdev_marks_set(struct mapdev_marks *marks, unsigned long nr,
		      unsigned long count)
{
	unsigned long bits = mask_of(nr, count);
	unsigned long was = atomic_long_fetch_or(bits,
			(atomic_long_t *)marks->level[0] + nr / BITS_PER_LONG);

	/* Even so: who has set it may not have come to the levels above. */
	set_above(marks, 1, nr);
	return bits & ~was;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_set);

/*
 * Take @count out, from @nr on, all of one word. A full barrier before and after.
 */
void mapdev_marks_clear(struct mapdev_marks *marks, unsigned long nr,
			unsigned long count)
{
	unsigned long bits = mask_of(nr, count);

	/* Full barriers, as mapdev_marks_set() has them. */
	smp_mb__before_atomic();
	atomic_long_andnot(bits, (atomic_long_t *)marks->level[0] +
				 nr / BITS_PER_LONG);
	/* The same. */
	smp_mb__after_atomic();
	for (unsigned int i = 1; i < marks->levels; i++) {
		const unsigned long *below;

		nr /= BITS_PER_LONG;
		below = marks->level[i - 1] + nr;
		if (READ_ONCE(*below))
			return;
		test_and_clear_bit(nr, marks->level[i]);
		if (READ_ONCE(*below)) {
			/* One was added meanwhile, and saw the bit above. */
			set_above(marks, i, nr * BITS_PER_LONG);
			return;
		}
	}
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_clear);

/* The first member that is not below @nr, or ULONG_MAX. */
unsigned long mapdev_marks_next(const struct mapdev_marks *marks,
				unsigned long nr)
{
	unsigned int level = 0;

	while (level < marks->levels && nr < marks->bits[level]) {
		unsigned long word = READ_ONCE(marks->level[level]
					       [nr / BITS_PER_LONG]);

		word >>= nr % BITS_PER_LONG;
		if (!word) {
			nr = nr / BITS_PER_LONG + 1;
			level++;
			continue;
		}
		nr += __ffs(word);
		if (!level)
			return nr;
		level--;
		nr *= BITS_PER_LONG;
	}
	return ULONG_MAX;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_next);

/* How many members follow @nr, which is one, in its word: with it, up to @limit. */
unsigned long mapdev_marks_run(const struct mapdev_marks *marks,
			       unsigned long nr, unsigned long limit)
{
	unsigned long word = READ_ONCE(marks->level[0][nr / BITS_PER_LONG]);

	word = ~(word >> nr % BITS_PER_LONG);
	return min(word ? __ffs(word) : BITS_PER_LONG, limit);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_marks_run);
