// SPDX-License-Identifier: GPL-2.0
/*
 * What else a fault maps. An exception and its way through core cost some
 * 1,200 instructions, an entry 30 to 600, so one visit maps the neighbours of
 * what was touched: where that costs no memory, and asks for no other lock.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "mapdev.h"

/* PMDs: within one table of them. Where one is larger, that one alone. */
#define HUGE_AROUND_SIZE	max(PMD_SIZE, SZ_16M)

/* Aligned by @size, and inside of the VMA and of the region, as the fault is. */
struct mapdev_around mapdev_around(const struct mapdev_region *region,
				   const struct vm_fault *vmf,
				   unsigned long size)
{
	unsigned long mask = size - 1;
	unsigned long start, end, room;
	struct mapdev_around around;

	start = max(vmf->address & ~mask, vmf->vma->vm_start);
	end = min((vmf->address | mask) + 1, vmf->vma->vm_end);

	around.before = (vmf->address - start) >> PAGE_SHIFT;
	around.addr = start;
	around.index = vmf->pgoff - around.before;
	room = mapdev_pages(region) - around.index;
	around.count = min((end - start) >> PAGE_SHIFT, room);
	return around;
}

/*
 * Have @insert map each PMD around that of @vmf that is not there yet. The VMA
 * is held, so its page tables stay; core looks at the entry again, locked.
 */
void mapdev_huge_around(const struct vm_fault *vmf,
			void (*insert)(struct vm_fault *near))
{
	unsigned long addr = ALIGN_DOWN(vmf->address, HUGE_AROUND_SIZE);
	pmd_t *pmd = vmf->pmd - ((vmf->address - addr) >> PMD_SHIFT);
	pmd_t *end = pmd + (HUGE_AROUND_SIZE >> PMD_SHIFT);

	for (; pmd < end; pmd++, addr += PMD_SIZE) {
		struct vm_fault near = {
			.vma = vmf->vma,
			.address = addr,
			.real_address = addr,
			.pgoff = linear_page_index(vmf->vma, addr),
			.flags = vmf->flags,
			.pmd = pmd,
		};

		if (pmd_none(pmdp_get(pmd)) && mapdev_fits_huge(&near))
			insert(&near);
	}
}
