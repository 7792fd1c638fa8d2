// SPDX-License-Identifier: GPL-2.0
/* A pattern in which each byte depends on its offset. */
#include "region.h"

/* The byte of a filling at an offset. */
u8 pattern(size_t offset, unsigned int seed)
{
	return (offset * 2654435761u + (offset >> 12) * 40503u + seed) >> 3;
}

/*
 * Within 4096 bytes it repeats itself after 2048, of which all other fillings are
 * shifts: by the inverse of the first factor. Emulated, a copy takes a tenth of the
 * time that a multiplication for each byte does.
 */
#define PATTERN_RUN	4096
#define PATTERN_PERIOD	2048
#define PATTERN_INVERSE	1873u

static u8 pattern_bytes[PATTERN_PERIOD + PATTERN_RUN];

static __attribute__((constructor)) void pattern_init(void)
{
	for (size_t i = 0; i < sizeof(pattern_bytes); i++)
		pattern_bytes[i] = pattern(i % PATTERN_PERIOD, 0);
}

/*
 * The length of a run of the pattern from @offset on, at most @size; *@bytes points
 * to it.
 */
static size_t pattern_run(size_t offset, size_t size, unsigned int seed,
			  const u8 **bytes)
{
	size_t rest = PATTERN_RUN - offset % PATTERN_RUN;
	size_t shift = ((offset >> 12) * 40503u + seed) * PATTERN_INVERSE;

	*bytes = pattern_bytes + (offset + shift) % PATTERN_PERIOD;
	return size < rest ? size : rest;
}

void fill(u8 *buf, size_t offset, size_t size, unsigned int seed)
{
	const u8 *bytes;
	size_t run;

	for (size_t i = 0; i < size; i += run) {
		run = pattern_run(offset + i, size - i, seed, &bytes);
		memcpy(buf + i, bytes, run);
	}
}

/* The first offset that differs from fill(), or size. */
size_t differs(const u8 *buf, size_t offset, size_t size, unsigned int seed)
{
	const u8 *bytes;
	size_t run;

	for (size_t i = 0; i < size; i += run) {
		run = pattern_run(offset + i, size - i, seed, &bytes);
		if (!memcmp(buf + i, bytes, run))
			continue;
		for (size_t j = 0; j < run; j++)
			if (buf[i + j] != bytes[j])
				return i + j;
	}
	return size;
}

bool all_zero(const u8 *buf, size_t size)
{
	return !buf[0] && !memcmp(buf, buf + 1, size - 1);
}

/* Fill free memory with a pattern, so that missing zeroing is seen. */
void dirty_free_memory(void)
{
	const size_t size = 16 << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	/* As single pages, which are allocated first. */
	madvise(p, size, MADV_NOHUGEPAGE);
	memset(p, 0xa5, size);
	munmap(p, size);
}
