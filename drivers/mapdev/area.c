// SPDX-License-Identifier: GPL-2.0
/* Where a mapping goes: to the hint, else to where huge pages fit. */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>

#include "mapdev.h"
#include "nommu.h"

/*
 * thp_get_unmapped_area() looks for room to align the mapping in, and passes over a
 * hint that has room for the mapping and no more. The search that follows a hint
 * which is not free is made twice; most programs give none.
 */
unsigned long mapdev_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	mmap_assert_write_locked(current->mm);
	if (addr && mm_get_unmapped_area(file, addr, len, pgoff, flags) == addr)
		return addr;
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}
