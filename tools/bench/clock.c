// SPDX-License-Identifier: GPL-2.0
/*
 * How is measured: nanoseconds of CLOCK_MONOTONIC, each of which is an
 * instruction where the clock counts these. Nothing is subtracted; rows of
 * their own say what a touch and the zeroing of a page cost.
 */
#include <string.h>
#include <time.h>

#include "bench.h"

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* A load and a store that the compiler cannot leave out. */
static inline void load(const char *memory)
{
	char byte = *memory;

	__asm__ __volatile__("" : : "r"(byte) : "memory");
}

static inline void store(char *memory)
{
	*memory = 1;
	__asm__ __volatile__("" : : : "memory");
}

/* One byte of each step: how long that takes. */
uint64_t touch(char *memory, size_t size, size_t step, bool writing)
{
	const char *end = memory + size;
	uint64_t start = now();

	if (writing)
		for (; memory < end; memory += step)
			store(memory);
	else
		for (; memory < end; memory += step)
			load(memory);
	return now() - start;
}

/*
 * As clear_page() of the kernel does it, where the CPU calls that fast: an
 * instruction that counts as one for each byte when instructions are counted.
 */
void zero(char *memory, size_t count)
{
#ifdef __x86_64__
	__asm__ __volatile__("rep stosb" : "+D"(memory), "+c"(count) :
			     "a"(0) : "memory");
#else
	memset(memory, 0, count);
#endif
}

void keep_least(double *least, double value)
{
	if (isnan(*least) || value < *least)
		*least = value;
}

void keep_most(double *most, double value)
{
	if (isnan(*most) || value > *most)
		*most = value;
}

void none_yet(double *values, int count)
{
	while (count--)
		values[count] = NAN;
}
