// SPDX-License-Identifier: GPL-2.0
/*
 * What the fault paths share: the guard, and the life of a mapping of ram.c and
 * pfn.c.
 *
 * Every fault() and copy of ram.c and pfn.c takes the guard of the region for
 * reading, checks state and range, and keeps the guard until the page table entry
 * is installed or the bytes are copied. A revoke takes it for writing. It is a
 * per-CPU rwsem, so that CPUs that fault at the same time write to no shared
 * cache line. (page_mkwrite() does not need it, since mm core installs no entry for
 * it, and map_pages() installs none here.)
 *
 * It is never held across a copy that may fault: the fault would take it again,
 * and deadlock if a writer came in between.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/percpu-rwsem.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "failure.h"
#include "fault.h"
#include "mapdev.h"
#include "race.h"
#include "stats.h"

/* --- The guard --- */

/* Return 0 with the guard held, -ENODEV, or -EINVAL past the end. */
int mapdev_enter(struct mapdev_region *region, pgoff_t index)
{
	int err;

	percpu_down_read(&region->guard);
	err = mapdev_check(region, index);
	if (err)
		percpu_up_read(&region->guard);
	return err;
}

void mapdev_leave(struct mapdev_region *region)
{
	percpu_up_read(&region->guard);
}

/* Return when every task that entered before the state was set has left. */
void mapdev_guard_drain(struct mapdev_region *region)
{
	percpu_down_write(&region->guard);
	percpu_up_write(&region->guard);
}

/* Copy within one page of the region, without faulting @iter in. */
static size_t copy_page_part(struct page *page, size_t offset, size_t bytes,
			     struct iov_iter *iter)
{
	void *from = kmap_local_page(page) + offset;
	size_t copied;

	if (iov_iter_rw(iter) == ITER_SOURCE)
		copied = copy_from_iter(from, bytes, iter);
	else
		copied = copy_to_iter(from, bytes, iter);
	kunmap_local(from);
	flush_dcache_page(page);
	return copied;
}

/*
 * Copy within one page, for mapdev_copy(). Mark first, and hold the lock over both:
 * a collection either clears the mark and waits for the copy, or comes before both.
 */
size_t mapdev_copy_page(struct mapdev_region *region, struct page *page,
			size_t offset, size_t bytes, struct iov_iter *iter)
{
	bool log = region->dirty && iov_iter_rw(iter) == ITER_SOURCE;
	size_t copied;

	if (log) {
		lock_page(page);
		set_page_dirty(page);
	}
	copied = copy_page_part(page, offset, bytes, iter);
	if (log)
		unlock_page(page);
	return copied;
}

/*
 * backing->copy under the guard. @part copies bytes that lie between two multiples
 * of @unit, a power of two and at most a page.
 */
ssize_t mapdev_copy(struct mapdev_region *region, loff_t pos,
		    struct iov_iter *iter, size_t unit,
		    size_t (*part)(struct mapdev_region *region, loff_t pos,
				   size_t bytes, struct iov_iter *iter))
{
	ssize_t sum = 0;
	int err;

	err = mapdev_enter(region, pos >> PAGE_SHIFT);
	if (err)
		return err;

	pagefault_disable();
	while (sum < SZ_64K && iov_iter_count(iter)) {
		loff_t at = pos + sum;
		pgoff_t index = at >> PAGE_SHIFT;
		size_t bytes = min(unit - (at & (unit - 1)),
				   iov_iter_count(iter));
		size_t copied;

		if (mapdev_in_hole(region, index, 1) ||
		    mapdev_has_failed(region, index, 1)) {
			sum = sum ?: -EIO;
			break;
		}
		mapdev_race(region, MAPDEV_RACE_COPY);
		copied = part(region, at, bytes, iter);
		sum += copied;
		if (copied < bytes)
			break;
	}
	pagefault_enable();

	mapdev_leave(region);
	return sum;
}

/*
 * The life of a mapping of ram.c and pfn.c. mapped() may never run: the token
 * in vm_private_data tells close() that it did.
 */
int mapdev_vma_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data)
{
	struct mapdev_region *region = file->private_data;

	mmap_assert_write_locked(current->mm);
	/*
	 * The region may have been revoked after the action checked it and before
	 * the revoke could find this mapping: then the mapping must fail here.
	 */
	if (!mapdev_is_live(region))
		return -ENODEV;
	*vm_private_data = region;
	mapdev_count(region, MAPDEV_STAT_MAPPED);
	return 0;
}

void mapdev_vma_open(struct vm_area_struct *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
	if (vma->vm_private_data)
		mapdev_count(vma->vm_private_data, MAPDEV_STAT_OPEN);
}

void mapdev_vma_close(struct vm_area_struct *vma)
{
	mmap_assert_locked(vma->vm_mm);
	if (vma->vm_private_data)
		mapdev_count(vma->vm_private_data, MAPDEV_STAT_CLOSE);
}

/* Without a map_pages, mm core takes mmap_lock for every fault. */
vm_fault_t mapdev_vma_map_pages(struct vm_fault *vmf, pgoff_t first,
				pgoff_t last)
{
	assert_map_pages_locked(vmf);
	mapdev_count_fault(vmf, MAPDEV_STAT_MAP_PAGES);
	return 0;
}
