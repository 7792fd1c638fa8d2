/* SPDX-License-Identifier: GPL-2.0 */
/* Files and mappings that KUnit releases after the case. No header of mapdev. */
#ifndef _MM_KUNIT_FIXTURE_H
#define _MM_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/mm_types.h>

/* Close @file after the case. An ERR_PTR() fails the case. */
struct file *fixture_keep(struct kunit *test, struct file *file);

/* Close it now, and wait until every reference of this thread is put. */
void fixture_close(struct kunit *test, struct file *file);

/* Map @file shared. Returns an address, or an errno that IS_ERR_VALUE() sees. */
unsigned long fixture_map(struct kunit *test, struct file *file, u64 offset,
			  u64 length, unsigned long prot);

/* Skip the case if the kernel lacks it. */
void fixture_needs_map_pages(struct kunit *test);
void fixture_needs_huge_frames(struct kunit *test);

/* Fault @addr in under the VMA lock alone. Returns errors and VM_FAULT_RETRY. */
vm_fault_t fixture_fault(struct kunit *test, unsigned long addr,
			 unsigned int flags);

/* Is @addr present in the page table of current->mm? */
bool fixture_is_present(unsigned long addr);

#endif /* _MM_KUNIT_FIXTURE_H */
