/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says of cache modes on x86: who has reserved which, and what
 * stands in this process's own page tables.
 */
#ifndef _MAPDEV_SELFTESTS_CACHE_H
#define _MAPDEV_SELFTESTS_CACHE_H

#include "region.h"

/* Elsewhere the kernel shows neither. */
#ifdef __x86_64__
#define CACHE_MODES_SHOWN true
#else
#define CACHE_MODES_SHOWN false
#endif

/* The mode that exactly this range is reserved with; "" if it is not. */
static inline const char *reserved_as(u64 phys, u64 size, char *mode,
				      size_t bytes)
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

static inline const char *reservation(enum mapdev_cache cache)
{
	return cache == MAPDEV_WB ? "write-back" :
	       cache == MAPDEV_WC ? "write-combining" : "uncached-minus";
}

/*
 * The entry behind an address that was touched: its level ("pte", "pmd", "pud")
 * and its cache bits as Linux programs the PAT, "" for wb, "PWT" for wc, "PCD"
 * for uc. False if the page tables cannot be read or nothing is mapped there.
 */
struct entry {
	char level[8];
	char bits[16];
};

static inline bool entries_readable(void)
{
	return !access("/sys/kernel/debug/page_tables/current_kernel", R_OK);
}

static inline bool entry_of(const void *addr, struct entry *entry)
{
	FILE *file = fopen("/sys/kernel/debug/page_tables/current_kernel", "r");
	unsigned long first, end, at = (unsigned long)addr;
	bool found = false;
	char line[256];

	while (!found && file && fgets(line, sizeof(line), file)) {
		char *level = strrchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "0x%lx-0x%lx", &first, &end) != 2 ||
		    at < first || at >= end || !strstr(line, " USR "))
			continue;
		snprintf(entry->level, sizeof(entry->level), "%.3s", level + 1);
		snprintf(entry->bits, sizeof(entry->bits), "%s%s",
			 strstr(line, "PWT") ? "PWT" : "",
			 strstr(line, "PCD") ? "PCD" : "");
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

static inline const char *cache_bits(enum mapdev_cache cache)
{
	return cache == MAPDEV_WB ? "" : cache == MAPDEV_WC ? "PWT" : "PCD";
}

#endif /* _MAPDEV_SELFTESTS_CACHE_H */
