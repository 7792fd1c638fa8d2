// SPDX-License-Identifier: GPL-2.0
/* Stamps on pages, and fields of smaps. */
#include "stamp.h"

enum class class_of(enum mapdev_backing_type type, const char *attrs)
{
	if (type == MAPDEV_PAGED)
		return PAGED;
	return maps_frames(type, attrs) ? FRAMES : RAM;
}

/*
 * A stamp on each page, at a place that differs from page to page and leaves
 * the page's last word to faults_of().
 */
u64 *stamp_at(u8 *map, size_t offset)
{
	size_t word = sizeof(u64);

	return (u64 *)(map + offset + offset / page * word % (page - word));
}

/* A compiler barrier. */
void forget(void)
{
	__asm__ __volatile__("" : : : "memory");
}

void stamp(u8 *map, size_t size, u64 seed)
{
	for (size_t i = 0; i < size; i += page)
		*stamp_at(map, i) = i + seed;
	forget();
}

/* The first page without its stamp, from @offset of the region on; or size. */
size_t unstamped(u8 *map, size_t offset, size_t size, u64 seed)
{
	forget();
	for (size_t i = 0; i < size; i += page)
		if (*stamp_at(map - offset, offset + i) != offset + i + seed)
			return i;
	return size;
}

/* A place of whole huge pages that is free, or holds anonymous memory. */
u8 *reserve(size_t size, int prot)
{
	u8 *place = mmap(NULL, size + HUGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	return place + (-(uintptr_t)place & (HUGE - 1));
}

/* Minor faults of touching each page. */
long faults_of(u8 *map, size_t size, bool store)
{
	long before = minor_faults();

	for (size_t i = 0; i < size; i += page) {
		if (store)
			store_byte(map + i + page - 1, 1);
		else
			load_byte(map + i);
	}
	return minor_faults() - before;
}

/* A field of /proc/self/smaps for the mapping at @addr, in KiB; or -1. */
long smaps_field(const void *addr, const char *field)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long first, last;
	size_t length = strlen(field);
	bool found = false;
	char line[512];
	long value = -1;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			found = (unsigned long)addr == first;
		else if (found && !strncmp(line, field, length) &&
			 line[length] == ':')
			value = atol(line + length + 1);
	}
	fclose(file);
	return value;
}

bool has_flag(const void *addr, const char *flag)
{
	char flags[256], word[8];

	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(vm_flags(addr, flags, sizeof(flags)), word);
}

/* How a child ended: its exit status, or 1000 and the signal. */
int ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}
