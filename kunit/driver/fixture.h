/* SPDX-License-Identifier: GPL-2.0 */
/* Regions that KUnit retires after the case, and their nodes. */
#ifndef _MAPDEV_KUNIT_FIXTURE_H
#define _MAPDEV_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "../mm/fixture.h"
#include "mapdev.h"

/* Memory that the kernel does not use: memmap= in scripts/vm/kernels. */
#define WINDOW "backing=window phys=0x240000000"

/* Create a region with default attributes. */
struct mapdev_region *fixture_region(struct kunit *test, u64 size);

/*
 * The same with attributes "name=value", separated by blanks. The value PAGE
 * stands for PAGE_SIZE.
 */
struct mapdev_region *fixture_region_with(struct kunit *test, u64 size,
					  const char *attrs);

/* Retire it now, and not again after the case. */
void fixture_retire(struct kunit *test, struct mapdev_region *region);

/* Open the node of @region; closed after the case. */
struct file *fixture_open(struct kunit *test, struct mapdev_region *region,
			  int flags);

/* Open and close the node of @region. Returns the errno. */
int fixture_try_open(struct mapdev_region *region, int flags);

/* Skip the case if no granule is as large as a PMD. */
void fixture_needs_huge_folios(struct kunit *test);

/* Name a parameter that is attributes and begins with "backing=". */
void fixture_backing_name(const char * const *attrs, char *desc);

#endif /* _MAPDEV_KUNIT_FIXTURE_H */
