// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of mapping: one row for each kind of memory, with the same work for all.
 *
 *   create       allocating the memory, up to a file that can be mapped
 *   mmap         mmap(2) of memory that exists
 *   fresh write  first touch, by a store, of new memory through a new mapping
 *   read again   first touch, by a load, through a new mapping of memory that
 *   write again  exists; the same by a store
 *   munmap       munmap(2) of a mapping that was fully written
 *   in all       create, mmap, fresh write and munmap
 */
#include <err.h>
#include <errno.h>
#include <sys/mman.h>

#include "bench.h"

enum column { CREATE, MMAP, FRESH, READ, WRITE, MUNMAP, ALL, COLUMNS };

static const char * const columns[COLUMNS] = {
	"create", "mmap", "fresh write", "read again", "write again", "munmap",
	"in all",
};

#define PRIVATE	(MAP_PRIVATE | MAP_ANONYMOUS)

/* The two devices of scripts/bench/run: see bar.c. */
#define SMALL_BAR	"0x1498:0x30c8:4"
#define LARGE_BAR	"0x1af4:0x1110:2"
/* Memory that the test kernels do not use: memmap= in scripts/vm/kernels. */
#define RESERVED	"window cache=wb phys=0x240000000"

static const struct memory rows[] = {
	{ .name = "memfd 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "memfd THP", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "always" },
	{ .name = "hugetlbfs", .create = create_hugetlb },
	{ .name = "anonymous shared", .flags = MAP_SHARED | MAP_ANONYMOUS,
	  .own = true },
	{ .name = "anonymous private 4K", .flags = PRIVATE,
	  .knob = "enabled", .value = "never" },
	{ .name = "anonymous private THP", .flags = PRIVATE,
	  .knob = "enabled", .value = "always" },
	{ .name = "/dev/zero", .create = create_zero, .own = true },
	{ .name = "udmabuf", .create = create_udmabuf },
	{ .name = "dma-buf system heap", .create = create_heap },
	{ .name = "UIO, BAR", .create = create_bar_uio, .arg = SMALL_BAR,
	  .destroy = destroy_bar },
	{ .name = "/dev/mem, BAR", .create = create_bar_mem, .arg = SMALL_BAR,
	  .destroy = destroy_bar },
	{ .name = "mapdev window, BAR", .create = create_bar_window,
	  .arg = SMALL_BAR, .destroy = destroy_bar },
	{ .name = "mapdev window, BAR of 1 GiB", .create = create_bar_window,
	  .arg = LARGE_BAR, .destroy = destroy_bar, .align = GIB },
	{ MAPDEV("window, reserved RAM", RESERVED) },
	{ MAPDEV("window eager, reserved RAM", RESERVED " map=eager") },
	{ MAPDEV("paged 4K", "paged granule=4K") },
	{ MAPDEV("paged 64K", "paged granule=64K") },
	{ MAPDEV("paged 2M", "paged granule=2M") },
	{ MAPDEV("pages", "pages") },
	{ MAPDEV("pages eager", "pages map=eager") },
	{ MAPDEV("vmalloc", "vmalloc") },
	{ MAPDEV("vmalloc eager", "vmalloc map=eager") },
	{ MAPDEV("contig", "contig") },
	{ MAPDEV("contig eager", "contig map=eager") },
	{ MAPDEV("contig pin", "contig pin=1") },
	{ MAPDEV("contig of 1 GiB", "contig"), .size = GIB, .align = GIB },
};

/* Keep the minimum cost of 4K of the object. */
static void keep(double *least, uint64_t time, const struct object *object)
{
	keep_least(least, (double)time / (object->size / STEP));
}

/*
 * Touch a new mapping of existing memory, by loads or by stores, and unmap it.
 * Memory without a file is that of @old.
 */
static bool measure_again(const struct memory *kind, const struct object *object,
			  void *old, bool writing, double *least)
{
	uint64_t start = now(), mapping, touching;
	size_t size = object->size;
	char *memory;

	if (old)
		memory = mremap(old, 0, size, MREMAP_MAYMOVE);
	else
		memory = object_map(kind, object);
	mapping = now() - start;
	if (!memory || memory == MAP_FAILED)
		return false;
	touching = touch(memory, size, STEP, writing);
	start = now();
	munmap(memory, size);
	if (writing)
		keep(&least[MUNMAP], now() - start, object);
	keep(&least[MMAP], mapping, object);
	keep(&least[writing ? WRITE : READ], touching, object);
	return true;
}

static bool measure_mapped(const struct memory *kind,
			   const struct object *object, double *least)
{
	/* A second private mapping would be new memory. */
	bool again = !(kind->flags & MAP_PRIVATE);
	bool keeps = !kind->create || kind->own, done;
	uint64_t start = now();
	char *memory = object_map(kind, object);

	if (!memory)
		return false;
	keep(&least[MMAP], now() - start, object);
	keep(&least[FRESH], touch(memory, object->size, STEP, true), object);
	/* This mapping may be the only reference to the memory. */
	if (!keeps)
		munmap(memory, object->size);

	done = !again ||
	       (measure_again(kind, object, keeps ? memory : NULL, false, least) &&
		measure_again(kind, object, keeps ? memory : NULL, true, least));
	if (keeps) {
		start = now();
		munmap(memory, object->size);
		if (!again)
			keep(&least[MUNMAP], now() - start, object);
	}
	return done;
}

/* Measure one row once. */
static bool measure(const struct memory *kind, double *least)
{
	struct object object;
	uint64_t start = now();
	bool done;
	int error;

	if (!object_open(kind, &object))
		return false;
	if (kind->create)
		keep(&least[CREATE], now() - start, &object);
	done = measure_mapped(kind, &object, least);
	error = errno;
	object_close(kind, &object);
	errno = error;
	return done;
}

static bool measure_all(const struct memory *kind, double *least)
{
	unsigned int repeats = kind->size >= GIB ? 1 : settings.repeats;
	bool done = true;

	while (done && repeats--)
		done = measure(kind, least);
	return done;
}

static bool bench_row(const struct memory *kind)
{
	double least[COLUMNS];

	none_yet(least, COLUMNS);
	if (!measure_row(kind, measure_all, least))
		return false;
	if (kind->create)
		least[ALL] = least[CREATE] + least[MMAP] + least[FRESH] +
			     least[MUNMAP];
	table_row(kind->name, least);
	return true;
}

/* Costs that are part of all other figures: touches, and zeroing memory. */
static void bench_parts(void)
{
	const struct object object = { .fd = -1, .size = settings.size };
	const struct memory kind = { .flags = PRIVATE };
	double touches[COLUMNS], pages[COLUMNS], large[COLUMNS];
	char *memory = object_map(&kind, &object);
	uint64_t start;
	size_t done;

	if (!memory)
		err(1, "mmap");
	none_yet(touches, COLUMNS);
	none_yet(pages, COLUMNS);
	none_yet(large, COLUMNS);
	touch(memory, object.size, STEP, true);
	for (unsigned int i = 0; i < settings.repeats; i++) {
		keep(&touches[READ], touch(memory, object.size, STEP, false),
		     &object);
		keep(&touches[WRITE], touch(memory, object.size, STEP, true),
		     &object);
		start = now();
		for (done = 0; done < object.size; done += STEP)
			zero(memory + done, STEP);
		keep(&pages[FRESH], now() - start, &object);
		start = now();
		for (done = 0; done < object.size; done += HUGE_SIZE)
			zero(memory + done, HUGE_SIZE);
		keep(&large[FRESH], now() - start, &object);
	}
	munmap(memory, object.size);
	table_row("touch of mapped pages", touches);
	table_row("zeroing, 4K at a time", pages);
	table_row("zeroing, 2M at a time", large);
}

bool bench_map(void)
{
	bool done;

	table_begin("map", "each per 4K", columns, COLUMNS);
	done = reserve_huge_pages(settings.size) || row_failed("huge pages");
	bench_parts();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (wanted(rows[i].name))
			done &= bench_row(&rows[i]);
	return reserve_huge_pages(0) && done;
}
