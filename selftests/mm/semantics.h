/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What semantics.c, madvise.c, memory.c and limits.c share: a region of each
 * backing and map mode, mapped, with a stamp on each page. They assert what
 * Documentation/userspace-api/semantics.rst says, cell by cell.
 */
#ifndef _MAPDEV_SELFTESTS_SEMANTICS_H
#define _MAPDEV_SELFTESTS_SEMANTICS_H

#include <linux/fs.h>

#include "region.h"

#define SIZE (4UL << 20)
#define HUGE (2UL << 20)

/* The columns of the table: core treats all of one class alike. */
enum class {
	PAGED,	/* folios of the page cache: an ordinary mapping */
	RAM,	/* pages, vmalloc, contig pin=1: VM_MIXEDMAP | VM_DONTEXPAND */
	FRAMES,	/* contig, window: VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP */
};

static long page;

FIXTURE(semantics) {
	struct region r;
	enum class class;
	u8 *map;
	int fd;
};

FIXTURE_VARIANT(semantics) {
	const char *attrs;
	enum mapdev_backing_type type;
	bool eager;
};

#define VARIANT(_name, _attrs, _type, _eager)				\
	FIXTURE_VARIANT_ADD(semantics, _name)				\
	{ .attrs = _attrs, .type = _type, .eager = _eager };
FOR_EACH_BACKING(VARIANT)

static inline enum class class_of(enum mapdev_backing_type type,
				  const char *attrs)
{
	if (type == MAPDEV_PAGED)
		return PAGED;
	return maps_frames(type, attrs) ? FRAMES : RAM;
}

/*
 * A stamp on each page, at a place that differs from page to page and leaves
 * the page's last word to faults_of().
 */
static inline u64 *stamp_at(u8 *map, size_t offset)
{
	size_t word = sizeof(u64);

	return (u64 *)(map + offset + offset / page * word % (page - word));
}

/* Keeps the compiler from what it knows of memory. */
static inline void forget(void)
{
	__asm__ __volatile__("" : : : "memory");
}

static inline void stamp(u8 *map, size_t size, u64 seed)
{
	for (size_t i = 0; i < size; i += page)
		*stamp_at(map, i) = i + seed;
	forget();
}

/* The first page, from @offset of the region, without its stamp; or size. */
static inline size_t unstamped(u8 *map, size_t offset, size_t size, u64 seed)
{
	forget();
	for (size_t i = 0; i < size; i += page)
		if (*stamp_at(map - offset, offset + i) != offset + i + seed)
			return i;
	return size;
}

FIXTURE_SETUP(semantics)
{
	char attrs[96];

	page = sysconf(_SC_PAGESIZE);
	self->class = class_of(variant->type, variant->attrs);
	snprintf(attrs, sizeof(attrs), "size=%lu %s", SIZE, variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	stamp(self->map, SIZE, 1);
}

FIXTURE_TEARDOWN(semantics)
{
	munmap(self->map, SIZE);
	close(self->fd);
	/* Some cases have done so themselves. */
	region_destroy(&self->r);
}

/* 0 or the errno of a call that answers -1. */
#define errno_of(call) ((call) ? errno : 0)

/* A place of whole huge pages that is free, or holds anonymous memory. */
static inline u8 *reserve(size_t size, int prot)
{
	u8 *place = mmap(NULL, size + HUGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	return place + (-(uintptr_t)place & (HUGE - 1));
}

/* Minor faults of touching each page. */
static inline long faults_of(u8 *map, size_t size, bool store)
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
static inline long smaps_field(const void *addr, const char *field)
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

static inline bool has_flag(const void *addr, const char *flag)
{
	char flags[256], word[8];

	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(vm_flags(addr, flags, sizeof(flags)), word);
}

/* How a child ended: its exit status, or 1000 and the signal. */
static inline int ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

#define KILLED_BY(sig) (1000 + (sig))

#endif /* _MAPDEV_SELFTESTS_SEMANTICS_H */
