/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What semantics.c, madvise.c, memory.c and limits.c share: a region of each
 * backing and map mode, mapped, with a stamp on each page. They assert what
 * Documentation/userspace-api/semantics.rst says, cell by cell.
 */
#ifndef _MAPDEV_SELFTESTS_SEMANTICS_H
#define _MAPDEV_SELFTESTS_SEMANTICS_H

#include "mm/stamp.h"
#include "test.h"

#define SIZE (4UL << 20)

FIXTURE(semantics) {
	struct region r;
	enum class class;
	u8 *map;
	int fd;
};

FIXTURE_EACH_BACKING(semantics)

FIXTURE_SETUP(semantics)
{
	self->class = class_of(variant->type, variant->attrs);
	self->fd = region_open(&self->r, variant->attrs, SIZE);
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

#endif /* _MAPDEV_SELFTESTS_SEMANTICS_H */
