// SPDX-License-Identifier: GPL-2.0
/*
 * What else a fault maps. An exception and its way through mm core cost some
 * 1,200 instructions, an entry 30 to 600. So a fault maps the neighbours of the
 * touched page, too, where that needs no memory and no other lock. Built with an
 * MMU only.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "fault.h"
#include "mapdev.h"

/* PMDs: within one table of them. Where one is larger, that one alone. */
#define HUGE_FAULT_AROUND_SIZE	max(PMD_SIZE, SZ_16M)

/* Aligned by @size, and inside of the VMA and of the region, as the fault is. */
struct mapdev_fault_around
mapdev_fault_around(const struct mapdev_region *region,
		    const struct vm_fault *vmf, unsigned long size)
{
	unsigned long mask = size - 1;
	unsigned long start, end, room;
	struct mapdev_fault_around around;

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
 * Have @insert map each missing PMD around that of @vmf. The VMA lock keeps the
 * page tables; mm core checks the entry again under the page table lock.
 */
void mapdev_huge_fault_around(const struct vm_fault *vmf,
			      void (*insert)(struct vm_fault *near))
{
	unsigned long addr = ALIGN_DOWN(vmf->address, HUGE_FAULT_AROUND_SIZE);
	pmd_t *pmd = vmf->pmd - ((vmf->address - addr) >> PMD_SHIFT);
	pmd_t *end = pmd + (HUGE_FAULT_AROUND_SIZE >> PMD_SHIFT);

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
