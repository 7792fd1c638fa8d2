// SPDX-License-Identifier: GPL-2.0
/*
 * The set of the dirty log, see dirty_bitmap.h. Any number of tasks may add
 * members, in any context; one at a time takes them out.
 *
 * A bit above may be set over an empty word, but the bit above a word with members
 * never stays clear: adding checks all levels from below, and removing the last
 * member checks the word again after the bit above was cleared.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <kunit/visibility.h>

#include "dirty_bitmap.h"
#include "mapdev.h"

/* kvfree() frees it. NULL if there is no memory. */
struct mapdev_bitmap *mapdev_bitmap_alloc(unsigned long limit)
{
	unsigned long bits[MAPDEV_BITMAP_LEVELS], words = 0;
	struct mapdev_bitmap *bitmap;
	unsigned int levels = 0;

	for (unsigned long count = limit; ; count = BITS_TO_LONGS(count)) {
		bits[levels++] = count;
		words += BITS_TO_LONGS(count);
		if (count <= BITS_PER_LONG)
			break;
	}

	bitmap = kvzalloc(struct_size(bitmap, words, words),
			  GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
	if (!bitmap)
		return NULL;
	bitmap->limit = limit;
	bitmap->levels = levels;
	words = 0;
	for (unsigned int i = 0; i < levels; i++) {
		bitmap->bits[i] = bits[i];
		bitmap->level[i] = bitmap->words + words;
		words += BITS_TO_LONGS(bits[i]);
	}
	return bitmap;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_alloc);

/* Add all from @nr on, before the set is published. */
void mapdev_bitmap_fill(struct mapdev_bitmap *bitmap, unsigned long nr)
{
	for (unsigned int i = 0; i < bitmap->levels && nr < bitmap->bits[i]; i++) {
		unsigned long *level = bitmap->level[i];
		unsigned long last = (bitmap->bits[i] - 1) / BITS_PER_LONG;
		unsigned long first = nr / BITS_PER_LONG;

		level[first] |= ~0UL << nr % BITS_PER_LONG;
		memset(level + first + 1, 0xff, (last - first) * sizeof(*level));
		level[last] &= BITMAP_LAST_WORD_MASK(bitmap->bits[i]);
		nr = first;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_fill);

/* How many there are from @nr on, up to @end and to the end of its word. */
unsigned long mapdev_bitmap_word(unsigned long nr, unsigned long end)
{
	return min(end - nr, BITS_PER_LONG - nr % BITS_PER_LONG);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_word);

static unsigned long mask_of(unsigned long nr, unsigned long count)
{
	return (~0UL >> (BITS_PER_LONG - count)) << nr % BITS_PER_LONG;
}

/* From the word of a bit of level @from upwards. */
static void set_above(struct mapdev_bitmap *bitmap, unsigned int from,
		      unsigned long bit)
{
	for (unsigned int i = from; i < bitmap->levels; i++) {
		bit /= BITS_PER_LONG;
		/*
		 * mapdev_bitmap_clear() restores a bit above that it clears too
		 * early.
		 */
		if (!test_bit(bit, bitmap->level[i]))
			test_and_set_bit(bit, bitmap->level[i]);
	}
}

/*
 * Add @count, from @nr on, all of one word; false if they were in the set. A full
 * barrier before and after, so that a task that removes
 * them sees what the caller wrote.
 */
bool mapdev_bitmap_set(struct mapdev_bitmap *bitmap, unsigned long nr,
		       unsigned long count)
{
	unsigned long bits = mask_of(nr, count);
	unsigned long was = atomic_long_fetch_or(bits,
			(atomic_long_t *)bitmap->level[0] + nr / BITS_PER_LONG);

	/*
	 * Even if none is new: the task that added it may not have set the
	 * levels yet.
	 */
	set_above(bitmap, 1, nr);
	return bits & ~was;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_set);

/*
 * Remove @count members from @nr on, all of one word. A full barrier before and after.
 */
void mapdev_bitmap_clear(struct mapdev_bitmap *bitmap, unsigned long nr,
			 unsigned long count)
{
	unsigned long bits = mask_of(nr, count);

	/* Full barriers, as mapdev_bitmap_set() has them. */
	smp_mb__before_atomic();
	atomic_long_andnot(bits, (atomic_long_t *)bitmap->level[0] +
				 nr / BITS_PER_LONG);
	/* The same. */
	smp_mb__after_atomic();
	for (unsigned int i = 1; i < bitmap->levels; i++) {
		const unsigned long *below;

		nr /= BITS_PER_LONG;
		below = bitmap->level[i - 1] + nr;
		if (READ_ONCE(*below))
			return;
		test_and_clear_bit(nr, bitmap->level[i]);
		if (READ_ONCE(*below)) {
			/* One was added meanwhile, and saw the bit above. */
			set_above(bitmap, i, nr * BITS_PER_LONG);
			return;
		}
	}
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_clear);

/* The first member that is not below @nr, or ULONG_MAX. */
unsigned long mapdev_bitmap_next(const struct mapdev_bitmap *bitmap,
				 unsigned long nr)
{
	unsigned int level = 0;

	while (level < bitmap->levels && nr < bitmap->bits[level]) {
		unsigned long word = READ_ONCE(bitmap->level[level]
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
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_next);

/*
 * How many members follow @nr, which is one, in its word: with it, up to
 * @limit.
 */
unsigned long mapdev_bitmap_run(const struct mapdev_bitmap *bitmap,
				unsigned long nr, unsigned long limit)
{
	unsigned long word = READ_ONCE(bitmap->level[0][nr / BITS_PER_LONG]);

	word = ~(word >> nr % BITS_PER_LONG);
	return min(word ? __ffs(word) : BITS_PER_LONG, limit);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_bitmap_run);
