// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: nanoseconds of CLOCK_MONOTONIC, each of which is an instruction if the
 * clock counts instructions. Nothing is subtracted; separate rows have the cost of a
 * touch and of zeroing a page.
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

/* A load and a store that the compiler cannot optimize away. */
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

/* Time to touch one byte of each step. */
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
 * Like clear_page() of the kernel on CPUs with fast string operations. Each byte
 * counts as one instruction if instructions are counted.
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
