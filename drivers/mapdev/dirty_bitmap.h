/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of numbers below a limit, kept as bits, whose members are found in a
 * time that depends on how many there are, not on the limit: above the bits are
 * levels that have one bit for each word of the level below.
 */
#ifndef _MAPDEV_DIRTY_BITMAP_H
#define _MAPDEV_DIRTY_BITMAP_H

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/types.h>

#define MAPDEV_BITMAP_LEVELS	DIV_ROUND_UP(BITS_PER_LONG, ilog2(BITS_PER_LONG))

/**
 * struct mapdev_bitmap - the set
 * @limit: its members are below this
 * @levels: how many there are; the last is one word
 * @level: the bits, and what is above them
 * @bits: how many each has
 * @words: where they lie
 */
struct mapdev_bitmap {
	unsigned long limit;
	unsigned int levels;
	unsigned long *level[MAPDEV_BITMAP_LEVELS];
	unsigned long bits[MAPDEV_BITMAP_LEVELS];
	unsigned long words[];
};

struct mapdev_bitmap *mapdev_bitmap_alloc(unsigned long limit);
void mapdev_bitmap_fill(struct mapdev_bitmap *bitmap, unsigned long nr);
unsigned long mapdev_bitmap_word(unsigned long nr, unsigned long end);
bool mapdev_bitmap_set(struct mapdev_bitmap *bitmap, unsigned long nr,
		       unsigned long count);
void mapdev_bitmap_clear(struct mapdev_bitmap *bitmap, unsigned long nr,
			 unsigned long count);
unsigned long mapdev_bitmap_next(const struct mapdev_bitmap *bitmap,
				 unsigned long nr);
unsigned long mapdev_bitmap_run(const struct mapdev_bitmap *bitmap,
				unsigned long nr, unsigned long limit);

#endif /* _MAPDEV_DIRTY_BITMAP_H */
