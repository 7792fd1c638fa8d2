// SPDX-License-Identifier: GPL-2.0
/* Reservations of cache modes. */
#include "cache.h"

/* The mode that exactly this range is reserved with; "" if it is not. */
const char *reserved_as(u64 phys, u64 size, char *mode, size_t bytes)
{
	FILE *file = fopen("/sys/kernel/debug/x86/pat_memtype_list", "r");
	unsigned long long first, end;
	char line[256], word[64];

	mode[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "PAT: [mem %llx-%llx] %63s", &first, &end,
			   word) == 3 && first == phys && end == phys + size)
			snprintf(mode, bytes, "%s", word);
	if (file)
		fclose(file);
	return mode;
}

const char *reservation(enum mapdev_cache cache)
{
	return cache == MAPDEV_WB ? "write-back" :
	       cache == MAPDEV_WC ? "write-combining" : "uncached-minus";
}
