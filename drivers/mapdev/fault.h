/* SPDX-License-Identifier: GPL-2.0 */
/* What the fault paths share: the guard, fault-around, counting. */
#ifndef _MAPDEV_FAULT_H
#define _MAPDEV_FAULT_H

#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/tracepoint-defs.h>

#include "mapdev.h"
#include "stats.h"

int mapdev_enter(struct mapdev_region *region, pgoff_t index);
void mapdev_leave(struct mapdev_region *region);
void mapdev_guard_drain(struct mapdev_region *region);
size_t mapdev_copy_page(struct mapdev_region *region, struct page *page,
			size_t offset, size_t bytes, struct iov_iter *iter);
ssize_t mapdev_copy(struct mapdev_region *region, loff_t pos,
		    struct iov_iter *iter, size_t unit,
		    size_t (*part)(struct mapdev_region *region, loff_t pos,
				   size_t bytes, struct iov_iter *iter));
int mapdev_vma_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data);
void mapdev_vma_open(struct vm_area_struct *vma);
void mapdev_vma_close(struct vm_area_struct *vma);
vm_fault_t mapdev_vma_map_pages(struct vm_fault *vmf, pgoff_t first,
				pgoff_t last);

/* --- Fault-around --- */

/* Is its granule one that a PMD maps? */
static inline bool mapdev_is_huge(const struct mapdev_region *region)
{
	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       region->attrs.granule == PMD_SIZE;
}

/* The address and offset where the PMD around the touched byte begins. */
static inline unsigned long mapdev_huge_addr(const struct vm_fault *vmf)
{
	return ALIGN_DOWN(vmf->address, PMD_SIZE);
}

static inline pgoff_t mapdev_huge_pgoff(const struct vm_fault *vmf)
{
	return vmf->pgoff -
	       ((vmf->address - mapdev_huge_addr(vmf)) >> PAGE_SHIFT);
}

/* Does all of it lie within the mapping? mm core does not check. */
static inline bool mapdev_fits_huge(const struct vm_fault *vmf)
{
	unsigned long start = mapdev_huge_addr(vmf);

	return start >= vmf->vma->vm_start &&
	       vmf->vma->vm_end - start >= PMD_SIZE;
}

/* Small pages: a PMD's worth of 4K, and never more than one page table has. */
#define MAPDEV_FAULT_AROUND_SIZE	min(SZ_2M, PMD_SIZE)

struct mapdev_fault_around {
	unsigned long addr;
	pgoff_t index;
	unsigned long before;	/* pages of it before the touched one */
	unsigned long count;
};

struct mapdev_fault_around
mapdev_fault_around(const struct mapdev_region *region,
		    const struct vm_fault *vmf, unsigned long size);
void mapdev_huge_fault_around(const struct vm_fault *vmf,
			      void (*insert)(struct vm_fault *near));

/* --- Locks --- */

/* mm core holds the RCU read lock around map_pages in addition. */
static inline void assert_map_pages_locked(const struct vm_fault *vmf)
{
	assert_fault_locked(vmf);
	lockdep_assert(rcu_read_lock_held());
}

/* --- Counting --- */

/*
 * Count a callback of the fault path. The counter after it is for those under
 * mmap_lock: the others, which are most, cost one counter.
 */
static inline void mapdev_count_fault(const struct vm_fault *vmf,
				      enum mapdev_stat stat)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);

	mapdev_count(region, stat);
	if (!(vmf->flags & FAULT_FLAG_VMA_LOCK))
		mapdev_count(region, stat + 1);
}

/* Count and return the error of a fault. */
static inline vm_fault_t mapdev_fault_error(struct mapdev_region *region,
					    int err)
{
	vm_fault_t ret = vmf_error(err);

	if (ret == VM_FAULT_SIGBUS)
		mapdev_count(region, MAPDEV_STAT_SIGBUS);
	return ret;
}

DECLARE_TRACEPOINT(mapdev_fault);

void mapdev_trace_fault(const struct vm_fault *vmf, unsigned int order,
			vm_fault_t ret);

/* The end of a counted fault; free unless the tracepoint is enabled. */
static inline vm_fault_t mapdev_fault_end(const struct vm_fault *vmf,
					  unsigned int order, vm_fault_t ret)
{
	if (tracepoint_enabled(mapdev_fault))
		mapdev_trace_fault(vmf, order, ret);
	return ret;
}

/*
 * A fault of ram.c and pfn.c: @insert with the guard held. Inlined, so that it is
 * no indirect call.
 */
static __always_inline vm_fault_t
mapdev_guarded_fault(struct vm_fault *vmf,
		     vm_fault_t (*insert)(struct mapdev_region *region,
					  struct vm_fault *vmf))
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);
	vm_fault_t ret;
	int err;

	assert_fault_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_FAULT);

	err = mapdev_enter(region, vmf->pgoff);
	if (err)
		return mapdev_fault_end(vmf, 0, mapdev_fault_error(region, err));
	ret = insert(region, vmf);
	mapdev_leave(region);
	return mapdev_fault_end(vmf, 0, ret);
}

#endif /* _MAPDEV_FAULT_H */
