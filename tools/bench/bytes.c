// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel memory in addition to the memory itself, in bytes.
 *
 *   an object  of one page, before it is used (a memfd with its open file, without
 *              which it does not exist)
 *   a 4K page  of memory that was fully written and is no longer mapped
 */
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* The first objects reuse free slab objects, so they are not counted. */
#define OBJECTS		MOST_OBJECTS
#define FIRST_OBJECTS	800
/* So many that unrelated allocations do not matter. */
#define BYTES		(256 * MIB)

enum column { OBJECT, PAGE, COLUMNS };

static const char * const columns[COLUMNS] = { "an object", "a 4K page" };

/*
 * The kernel counts the memory of the last one as its own, since it is allocated
 * by vmalloc.
 */
static const struct memory rows[] = {
	{ .name = "memfd 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "memfd THP", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "always" },
	{ MAPDEV("paged 4K", "paged granule=4K") },
	{ MAPDEV("paged 64K", "paged granule=64K") },
	{ MAPDEV("paged 2M", "paged granule=2M") },
	{ MAPDEV("paged 4K, dirty log", "paged granule=4K dirty=1") },
	{ MAPDEV("pages", "pages") },
	{ MAPDEV("pages, dirty log", "pages dirty=1") },
	{ MAPDEV("contig", "contig") },
	{ MAPDEV("contig pin", "contig pin=1") },
	{ MAPDEV("vmalloc", "vmalloc") },
};

#define VMALLOC	(&rows[ARRAY_SIZE(rows) - 1])

static double kernel_bytes(void)
{
	static const char * const fields[] = {
		"Slab", "PageTables", "Percpu", "KernelStack", "VmallocUsed",
	};
	double sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		sum += 1024 * read_field("/proc/meminfo", fields[i]);
	return sum;
}

/* RCU and workers free memory, page tables included, with a delay. */
static void settle(void)
{
	for (int i = 0; i < 10; i++)
		usleep(50000);
}

static bool measure_objects(const struct memory *kind, double *bytes)
{
	double before = 0;
	bool done = true;
	int made;

	settle();
	for (made = 0; made < OBJECTS && done; made++) {
		if (made == FIRST_OBJECTS)
			before = kernel_bytes();
		done = make_object(kind->arg, made);
	}
	*bytes = (kernel_bytes() - before) / (OBJECTS - FIRST_OBJECTS);
	if (kind == VMALLOC)
		*bytes -= STEP;
	while (made--)
		end_object(kind->arg, made);
	return done;
}

/*
 * The slab cache keeps free page cache nodes, which would be reused. Allocate all of
 * them first: every 64th page of a memfd takes a node.
 */
static int take_nodes(void)
{
	int fd = sized_memfd(GIB, 0);

	for (size_t at = 0; at < GIB; at += 64 * STEP)
		if (fd >= 0 && pwrite(fd, "", 1, at) != 1)
			return -1;
	return fd;
}

static bool measure_pages(const struct memory *kind, double *bytes)
{
	struct memory large = *kind;
	struct object object;
	int nodes = take_nodes();
	double before;
	char *memory;

	large.size = BYTES;
	settle();
	before = kernel_bytes();
	if (nodes < 0 || !object_open(&large, &object))
		return false;
	memory = object_map(kind, &object);
	if (memory) {
		touch(memory, object.size, STEP, true);
		munmap(memory, object.size);
		settle();
		*bytes = (kernel_bytes() - before) / (object.size / STEP);
		if (kind == VMALLOC)
			*bytes -= STEP;
	}
	object_close(kind, &object);
	close(nodes);
	return memory;
}

static bool measure_all(const struct memory *kind, double *bytes)
{
	return measure_pages(kind, &bytes[PAGE]) &&
	       measure_objects(kind, &bytes[OBJECT]);
}

static bool bench_row(const struct memory *kind)
{
	double bytes[COLUMNS];

	none_yet(bytes, COLUMNS);
	if (!measure_row(kind, measure_all, bytes))
		return false;
	table_row(kind->name, bytes);
	return true;
}

bool bench_bytes(void)
{
	bool done = true;

	table_begin("bytes", "bytes of kernel memory, without the memory itself", columns,
		    COLUMNS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (wanted(rows[i].name))
			done &= bench_row(&rows[i]);
	return done;
}
