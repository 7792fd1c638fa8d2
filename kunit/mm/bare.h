/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file whose mappings hold only what a case inserts with the functions that
 * mm core has for drivers.
 */
#ifndef _MM_KUNIT_BARE_H
#define _MM_KUNIT_BARE_H

#include "fixture.h"

/* Map with no special flag, as VM_MIXEDMAP or VM_PFNMAP, without fault(). */
extern const struct file_operations bare_plain_fops;
extern const struct file_operations bare_mixed_fops;
extern const struct file_operations bare_frames_fops;

/* Open a file with @fops; closed after the case. */
struct file *bare_open(struct kunit *test, const struct file_operations *fops,
		       void *data);

/*
 * The VMA at @addr, which must exist. The caller holds mmap_lock for reading.
 */
struct vm_area_struct *bare_vma(struct kunit *test, unsigned long addr);

/* Allocate 1 << @order zeroed pages; freed after the case. */
struct page *bare_pages(struct kunit *test, gfp_t gfp, unsigned int order);

/* The PFN mapped at @addr in a VM_PFNMAP mapping, or 0. */
unsigned long bare_pfn(unsigned long addr);

#endif /* _MM_KUNIT_BARE_H */
