// SPDX-License-Identifier: GPL-2.0
/*
 * Cost by size: many mappings of one object, and many objects. A quadratic cost
 * grows with the number. (For many dirty pages see dirty.c.)
 *
 *   make    mapping an object once more, and the first touch; creating an object
 *   end     unmapping it; destroying the object
 *   revoke  revoke, for each mapping
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/mapdev.h>

#include "bench.h"

#define MOST	10000

enum column { MAKE, END, REVOKE, COLUMNS };

static const char * const columns[COLUMNS] = { "make", "end", "revoke" };

static const struct memory kinds[] = {
	{ .name = "memfd 4K", .create = create_memfd, .size = HUGE_SIZE },
	{ MAPDEV("paged 4K", "paged granule=4K"), .size = HUGE_SIZE },
	{ MAPDEV("pages", "pages"), .size = HUGE_SIZE },
	{ MAPDEV("contig", "contig"), .size = HUGE_SIZE },
};

static char *maps[MOST];

/* All map the same page of the object, so that no two merge. */
static bool map_all(const struct object *object, int count)
{
	for (int i = 0; i < count; i++) {
		maps[i] = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_SHARED,
			       object->fd, 0);
		if (maps[i] == MAP_FAILED)
			return false;
		*maps[i] = 1;
	}
	return true;
}

static bool measure_maps(const struct memory *kind, const struct object *object,
			 int count, double *values)
{
	uint64_t start = now();

	if (!map_all(object, count))
		return false;
	values[MAKE] = (double)(now() - start) / count;
	if (kind->arg) {
		start = now();
		if (ioctl(object->fd, MAPDEV_IOC_REVOKE, 0))
			return false;
		values[REVOKE] = (double)(now() - start) / count;
		if (ioctl(object->fd, MAPDEV_IOC_RESTORE, 0))
			return false;
		for (int i = 0; i < count; i++)
			*maps[i] = 1;
	}
	start = now();
	for (int i = 0; i < count; i++)
		munmap(maps[i], STEP);
	values[END] = (double)(now() - start) / count;
	return true;
}

static bool bench_maps(const struct memory *kind, int count)
{
	double values[COLUMNS];
	struct object object;
	char name[80];
	bool done;

	snprintf(name, sizeof(name), "%s, %d mappings", kind->name, count);
	if (!wanted(name))
		return true;
	none_yet(values, COLUMNS);
	if (!object_open(kind, &object))
		return row_failed(name);
	done = measure_maps(kind, &object, count, values);
	if (done)
		table_row(name, values);
	else
		row_failed(name);
	object_close(kind, &object);
	return done;
}

/* Objects of one page: memfds, or regions. */
static bool bench_objects(bool regions, int count)
{
	double values[COLUMNS];
	bool done = true;
	uint64_t start;
	char name[80];
	int made;

	snprintf(name, sizeof(name), "%s, %d objects",
		 regions ? "mapdev paged 4K" : "memfd 4K", count);
	if (!wanted(name))
		return true;
	none_yet(values, COLUMNS);
	start = now();
	for (made = 0; made < count && done; made++)
		done = make_object(regions ? "backing=paged granule=4K" : NULL,
				   made);
	values[MAKE] = (double)(now() - start) / count;
	if (!done)
		row_failed(name);
	start = now();
	for (int i = 0; i < made; i++)
		end_object(regions, i);
	values[END] = (double)(now() - start) / count;
	if (done)
		table_row(name, values);
	return done;
}

bool bench_scale(void)
{
	bool done = true;

	table_begin("scale", "each", columns, COLUMNS);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (int count = 10; count <= MOST; count *= 10)
			done &= bench_maps(&kinds[i], count);
	for (int count = 10; count <= MOST_OBJECTS; count *= 10) {
		done &= bench_objects(false, count);
		done &= bench_objects(true, count);
	}
	return done;
}
