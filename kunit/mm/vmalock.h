/* SPDX-License-Identifier: GPL-2.0 */
/* A mapping in current->mm, for cases that look at its VMA lock. */
#ifndef _MM_KUNIT_VMALOCK_H
#define _MM_KUNIT_VMALOCK_H

#include <linux/mmap_lock.h>

#include "bare.h"

struct mapping {
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long end;
	struct vm_area_struct *vma;	/* stable: no other thread unmaps */
};

void mapping_init(struct kunit *test, struct mapping *m);

/* Can a fault take the VMA lock? */
static inline bool mapping_can_read(struct mapping *m)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(m->mm, m->addr);

	if (vma)
		vma_end_read(vma);
	return vma;
}

#endif /* _MM_KUNIT_VMALOCK_H */
