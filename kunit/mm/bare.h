/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bare file: its mappings hold nothing but what a case puts there by the
 * functions that core has for drivers. No region, and nothing of mapdev.
 */
#ifndef _MM_KUNIT_BARE_H
#define _MM_KUNIT_BARE_H

#include "fixture.h"

/* Mappings are VM_MIXEDMAP, or VM_PFNMAP, and have no fault(). */
extern const struct file_operations bare_mixed_fops;
extern const struct file_operations bare_frames_fops;

/* A file of these, or of a case's own hooks; closed after the case. */
struct file *bare_open(struct kunit *test, const struct file_operations *fops,
		       void *data);

/* Its VMA at @addr; the caller holds mmap_lock. */
struct vm_area_struct *bare_vma(struct kunit *test, unsigned long addr);

/* A page, or several in a row, put back after the case. */
struct page *bare_pages(struct kunit *test, gfp_t gfp, unsigned int order);

/* The page frame that the entry at @addr has, or 0. For VM_PFNMAP only. */
unsigned long bare_pfn(unsigned long addr);

#endif /* _MM_KUNIT_BARE_H */
