// SPDX-License-Identifier: GPL-2.0
/* Fail the n-th allocation of this task. */
#include "injectors.h"
#include "region.h"

/*
 * By default the injectors spare allocations that may sleep, high memory and single
 * pages, and print a stack trace. Tasks that are not armed are not affected: the
 * probability stays 0. Return 0 or -errno; -ENOENT without injectors.
 */
int injectors_set(void)
{
	static const char * const knobs[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
	};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		int err;

		snprintf(path, sizeof(path), DEBUGFS "/%s", knobs[i][0]);
		err = write_file(path, knobs[i][1]);
		if (err)
			return err;
	}
	return 0;
}

void arm(int fd, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	pwrite(fd, text, len, 0);
}

/* Return how many allocations are left to the n-th; 0 if it was reached. */
unsigned int disarm(int fd)
{
	char text[16] = "";

	pread(fd, text, sizeof(text) - 1, 0);
	pwrite(fd, "0", 1, 0);
	return strtoul(text, NULL, 10);
}
