// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of writing to memory that exists, in the shapes that a mapping can have:
 *
 *   aligned      one mapping, aligned by 2 MiB
 *   page off     one mapping, one page beside that
 *   1M, 64K      one mapping for each piece of this size
 *   every other  64K of each 128K
 *   mprotect     after a half of the mapping was read-only for a while
 *   fork         by a child
 *   cold         after MADV_COLD for one page of each 2 MiB
 *
 * and to memory that does not:
 *
 *   hole         one page of each 2 MiB, discarded from memory that exists
 *   discard      all of it, discarded
 *   64K, 2M apart	a page of each, in new memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/mapdev.h>

#include "bench.h"

enum column {
	ALIGNED, PAGE_OFF, PIECES_1M, PIECES_64K, EVERY_OTHER, MPROTECT, FORK, COLD,
	HOLE, DISCARD, APART_64K, APART_2M, COLUMNS
};

static const char * const columns[COLUMNS] = {
	"aligned", "page off", "1M", "64K", "every other", "mprotect", "fork", "cold",
	"hole", "discard", "64K apart", "2M apart",
};

static const struct memory rows[] = {
	{ .name = "memfd 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "memfd THP", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "always" },
	{ MAPDEV("paged 4K", "paged granule=4K") },
	{ MAPDEV("paged 64K", "paged granule=64K") },
	{ MAPDEV("paged 2M", "paged granule=2M") },
};

/* Address space of all mappings: as large as an object, aligned, and 2 MiB more. */
static char *space;

static bool reserve_space(size_t size)
{
	char *all = mmap(NULL, size + 2 * HUGE_SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		return false;
	space = (char *)(((uintptr_t)all + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	return true;
}

static char *map_at(const struct object *object, size_t at, size_t size,
		    off_t offset)
{
	char *memory = mmap(space + at, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, object->fd, offset);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Keep the address space: the next mapping is at the same place. */
static bool unmap(char *memory, size_t size)
{
	return mmap(memory, size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	       memory;
}

static bool discard(const struct object *object, off_t offset, size_t size)
{
	struct mapdev_discard region = {
		.size = sizeof(region), .offset = offset, .length = size,
	};

	return !ioctl(object->fd, MAPDEV_IOC_DISCARD, &region) ||
	       (errno == ENOTTY &&
		!fallocate(object->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   offset, size));
}

/* The cost of a touch of every page of a new mapping at @at, or -1. */
static double whole(const struct object *object, size_t at)
{
	char *memory = map_at(object, at, object->size, 0);
	uint64_t cost;

	if (!memory)
		return -1;
	cost = touch(memory, object->size, STEP, true);
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / STEP) : -1;
}

static double aligned(const struct object *object)
{
	return whole(object, 0);
}

static double page_off(const struct object *object)
{
	return whole(object, STEP);
}

static double pieces(const struct object *object, size_t piece)
{
	uint64_t cost = 0;
	char *memory;

	for (size_t at = 0; at < object->size; at += piece) {
		memory = map_at(object, at % HUGE_SIZE, piece, at);
		if (!memory)
			return -1;
		cost += touch(memory, piece, STEP, true);
		if (!unmap(memory, piece))
			return -1;
	}
	return (double)cost / (object->size / STEP);
}

static double pieces_1m(const struct object *object)
{
	return pieces(object, MIB);
}

static double pieces_64k(const struct object *object)
{
	return pieces(object, MIB / 16);
}

static double every_other(const struct object *object)
{
	const size_t piece = MIB / 16;
	char *memory = map_at(object, 0, object->size, 0);
	uint64_t cost = 0;

	if (!memory)
		return -1;
	for (size_t at = 0; at < object->size; at += 2 * piece)
		cost += touch(memory + at, piece, STEP, true);
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / 2 / STEP) : -1;
}

static double after_mprotect(const struct object *object)
{
	char *memory = map_at(object, 0, object->size, 0);
	size_t half = object->size / 2;
	uint64_t cost;

	if (!memory)
		return -1;
	touch(memory, object->size, STEP, true);
	if (mprotect(memory + STEP, half, PROT_READ) ||
	    mprotect(memory + STEP, half, PROT_READ | PROT_WRITE))
		return -1;
	cost = touch(memory, object->size, STEP, true);
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / STEP) : -1;
}

static double after_fork(const struct object *object)
{
	char *memory = map_at(object, 0, object->size, 0);
	uint64_t *cost = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double each;
	int status = -1;
	pid_t child;

	if (!memory || cost == MAP_FAILED)
		return -1;
	touch(memory, object->size, STEP, true);
	child = fork();
	if (!child) {
		*cost = touch(memory, object->size, STEP, true);
		_exit(0);
	}
	waitpid(child, &status, 0);
	each = (double)*cost / (object->size / STEP);
	munmap(cost, STEP);
	return unmap(memory, object->size) && !status ? each : -1;
}

static double after_cold(const struct object *object)
{
	char *memory = map_at(object, 0, object->size, 0);

	if (!memory)
		return -1;
	touch(memory, object->size, STEP, false);
	for (size_t at = 0; at < object->size; at += HUGE_SIZE)
		madvise(memory + at + STEP, STEP, MADV_COLD);
	return unmap(memory, object->size) ? whole(object, 0) : -1;
}

/* In a granule that was split already, as it is where pages come and go. */
static double hole(const struct object *object)
{
	char *memory = map_at(object, 0, object->size, 0);
	const size_t page = 17 * STEP;
	uint64_t cost = 0;

	if (!memory)
		return -1;
	touch(memory, object->size, STEP, true);
	for (int round = 0; round < 2; round++) {
		for (size_t at = page; at < object->size; at += HUGE_SIZE)
			if (!discard(object, at, STEP))
				return -1;
		cost = touch(memory + page, object->size - HUGE_SIZE, HUGE_SIZE, true);
	}
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / HUGE_SIZE - 1) : -1;
}

static double after_discard(const struct object *object)
{
	char *memory = map_at(object, 0, object->size, 0);
	uint64_t cost;

	if (!memory)
		return -1;
	touch(memory, object->size, STEP, true);
	if (!discard(object, 0, object->size))
		return -1;
	cost = touch(memory, object->size, STEP, true);
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / STEP) : -1;
}

static double apart(const struct object *object, size_t step)
{
	char *memory = map_at(object, 0, object->size, 0);
	uint64_t cost;

	if (!memory || !discard(object, 0, object->size))
		return -1;
	cost = touch(memory, object->size, step, true);
	return unmap(memory, object->size) ?
	       (double)cost / (object->size / step) : -1;
}

static double apart_64k(const struct object *object)
{
	return apart(object, MIB / 16);
}

static double apart_2m(const struct object *object)
{
	return apart(object, HUGE_SIZE);
}

static double (* const shapes[COLUMNS])(const struct object *object) = {
	[ALIGNED] = aligned,
	[PAGE_OFF] = page_off,
	[PIECES_1M] = pieces_1m,
	[PIECES_64K] = pieces_64k,
	[EVERY_OTHER] = every_other,
	[MPROTECT] = after_mprotect,
	[FORK] = after_fork,
	[COLD] = after_cold,
	[HOLE] = hole,
	[DISCARD] = after_discard,
	[APART_64K] = apart_64k,
	[APART_2M] = apart_2m,
};

/* Each shape has memory of its own, all of it written to. */
static bool measure(const struct memory *kind, enum column column, double *least)
{
	struct object object;
	double cost;
	int error;

	if (!object_open(kind, &object))
		return false;
	cost = whole(&object, 0) < 0 ? -1 : shapes[column](&object);
	error = errno;
	object_close(kind, &object);
	errno = error;
	if (cost < 0)
		return false;
	keep_least(least, cost);
	return true;
}

static bool measure_all(const struct memory *kind, double *least)
{
	bool done = true;

	for (int column = 0; done && column < COLUMNS; column++)
		done = measure(kind, column, &least[column]);
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

bool bench_shape(void)
{
	bool done = true;

	if (!reserve_space(settings.size))
		return row_failed("address space");
	table_begin("shape", "each per touched page", columns, COLUMNS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (wanted(rows[i].name))
			done &= bench_row(&rows[i]);
	munmap(space, settings.size + HUGE_SIZE);
	return done;
}
