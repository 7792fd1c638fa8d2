// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of read(2) and write(2) of 1 MiB; a memfd is a file of tmpfs.
 *
 *   fresh write  to memory that is not allocated yet
 *   read, write  of allocated memory
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum column { FRESH, READ, WRITE, COLUMNS };

static const char * const columns[COLUMNS] = { "fresh write", "read", "write" };

static const struct memory rows[] = {
	{ .name = "tmpfs 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "tmpfs THP", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "always" },
	{ MAPDEV("paged 4K", "paged granule=4K") },
	{ MAPDEV("paged 64K", "paged granule=64K") },
	{ MAPDEV("paged 2M", "paged granule=2M") },
	{ MAPDEV("pages", "pages") },
	{ MAPDEV("vmalloc", "vmalloc") },
	{ MAPDEV("contig", "contig") },
};

static char *buffer;

/* Transfer the whole file once. */
static bool copy(const struct object *object, bool writing, double *least)
{
	uint64_t start = now();
	ssize_t moved;

	for (size_t at = 0; at < object->size; at += MIB) {
		if (writing)
			moved = pwrite(object->fd, buffer, MIB, at);
		else
			moved = pread(object->fd, buffer, MIB, at);
		if (moved != (ssize_t)MIB) {
			errno = moved < 0 ? errno : EIO;
			return false;
		}
	}
	keep_least(least, (double)(now() - start) / (object->size / STEP));
	return true;
}

static bool measure(const struct memory *kind, double *least)
{
	struct object object;
	bool done;

	if (!object_open(kind, &object))
		return false;
	done = copy(&object, true, &least[FRESH]) &&
	       copy(&object, false, &least[READ]) &&
	       copy(&object, true, &least[WRITE]);
	object_close(kind, &object);
	return done;
}

static bool measure_all(const struct memory *kind, double *least)
{
	bool done = true;

	for (unsigned int i = 0; done && i < settings.repeats; i++)
		done = measure(kind, least);
	return done;
}

static bool bench_row(const struct memory *kind)
{
	double least[COLUMNS];

	none_yet(least, COLUMNS);
	if (!measure_row(kind, measure_all, least))
		return false;
	table_row(kind->name, least);
	return true;
}

bool bench_copy(void)
{
	bool done = true;

	buffer = malloc(MIB);
	if (!buffer)
		return row_failed("copy");
	memset(buffer, 1, MIB);
	table_begin("copy", "each per 4K of 1 MiB", columns, COLUMNS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (wanted(rows[i].name))
			done &= bench_row(&rows[i]);
	free(buffer);
	return done;
}
