/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all suites share: regions, files and mappings that go with the case
 * that made them, and expectations on addresses that may be errors.
 */
#ifndef _MAPDEV_KUNIT_FIXTURE_H
#define _MAPDEV_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "mapdev.h"

/* A region of the default attributes; retired after the case. */
struct mapdev_region *fixture_region(struct kunit *test, u64 size);

/*
 * The same with attributes "name=value", separated by blanks. The value PAGE is the
 * size of a page.
 */
struct mapdev_region *fixture_region_with(struct kunit *test, u64 size,
					  const char *attrs);

/* Retire it now, and not a second time after the case. */
void fixture_retire(struct kunit *test, struct mapdev_region *region);

/* Its node, opened; closed after the case. */
struct file *fixture_open(struct kunit *test, struct mapdev_region *region,
			  int flags);

/* A file from elsewhere, or an ERR_PTR, which fails; closed after the case. */
struct file *fixture_keep(struct kunit *test, struct file *file);

/* Close it now; what a mapping or anyone else has put goes, too. */
void fixture_close(struct kunit *test, struct file *file);

/* The errno of opening its node, and closing it again. */
int fixture_try_open(struct mapdev_region *region, int flags);

/* A shared mapping; an address, or an errno that IS_ERR_VALUE() sees. */
unsigned long fixture_map(struct kunit *test, struct file *file, u64 offset,
			  u64 length, unsigned long prot);

/* Each skips the case where the kernel has it not. */
void fixture_needs_map_pages(struct kunit *test);
void fixture_needs_huge_frames(struct kunit *test);
void fixture_needs_huge_folios(struct kunit *test);

/* A fault that comes with the VMA lock and no other: its errors, and RETRY. */
vm_fault_t fixture_fault(struct kunit *test, unsigned long addr,
			 unsigned int flags);

/* Is there a page table entry, in this thread's mm? */
bool fixture_is_present(unsigned long addr);

/* Names a parameter that is attributes beginning with "backing=". */
void fixture_backing_name(const char * const *attrs, char *desc);

#endif /* _MAPDEV_KUNIT_FIXTURE_H */
