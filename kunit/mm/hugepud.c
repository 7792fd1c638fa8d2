// SPDX-License-Identifier: GPL-2.0
/*
 * vmf_insert_folio_pud(), which only DAX calls: mm core asks no other mapping of
 * folios for a PUD. The entry is chosen by hand.
 */
#include <kunit/resource.h>
#include <linux/gfp.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include "bare.h"

#define SIZE	(3 * PUD_SIZE)

static void put_folio(void *folio)
{
	folio_put(folio);
}

static struct folio *gigantic_folio(struct kunit *test)
{
	struct page *page = alloc_contig_frozen_pages(1UL << PUD_ORDER,
						      GFP_KERNEL | __GFP_COMP |
						      __GFP_NOWARN,
						      numa_mem_id(), NULL);

	if (!page)
		kunit_skip(test, "there is no such memory in one piece");
	set_page_count(page, 1);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_folio, page));
	return page_folio(page);
}

/* Of two PUDs that lie in @vma, one that has no table, beside one that has. */
static unsigned long empty_pud(struct kunit *test, struct vm_area_struct *vma)
{
	unsigned long with = ALIGN(vma->vm_start, PUD_SIZE);
	unsigned long without = with + PUD_SIZE;

	/* Both in one table of PUDs. */
	if (!pud_index(without))
		swap(with, without);
	KUNIT_ASSERT_EQ(test, 0, apply_to_page_range(vma->vm_mm, with, PAGE_SIZE,
						     NULL, NULL));
	return without;
}

static pud_t *pud_of(struct mm_struct *mm, unsigned long addr)
{
	return pud_offset(p4d_offset(pgd_offset(mm, addr), addr), addr);
}

/* ids: LK-59 ME-9 */
static void insert_folio_pud_maps_folio(struct kunit *test)
{
	struct file *file = bare_open(test, &bare_plain_fops, NULL);
	struct page *small = bare_pages(test, GFP_KERNEL, 0);
	struct folio *folio = gigantic_folio(test);
	struct vm_area_struct *vma;
	unsigned long addr;
	u8 byte = 0;

	*(u8 *)page_address(folio_page(folio, 3)) = 42;
	addr = fixture_map(test, file, 0, SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	addr = empty_pud(test, vma);
	{
		struct vm_fault vmf = {
			.vma = vma,
			.address = addr + PAGE_SIZE,
			.pud = pud_of(current->mm, addr),
		};
		struct vm_fault outside = {
			.vma = vma,
			.address = vma->vm_start - PAGE_SIZE,
			.pud = vmf.pud,
		};

		KUNIT_EXPECT_TRUE(test, pud_none(*vmf.pud));
		kunit_warning_suppress(test) {
			KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
					  vmf_insert_folio_pud(&vmf,
							       page_folio(small),
							       false));
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		}
		KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
				  vmf_insert_folio_pud(&outside, folio, false));
		KUNIT_EXPECT_TRUE(test, pud_none(*vmf.pud));
		KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));

		/* A present entry stays as it is. */
		for (int i = 0; i < 2; i++)
			KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE ==
					  vmf_insert_folio_pud(&vmf, folio,
							       false));
		KUNIT_EXPECT_TRUE(test, pud_trans_huge(*vmf.pud));
	}
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 2, folio_ref_count(folio));
	KUNIT_EXPECT_EQ(test, 1, folio_mapcount(folio));
	KUNIT_EXPECT_EQ(test, 0, copy_from_user_nofault(&byte,
							(u8 __user *)addr +
							3 * PAGE_SIZE, 1));
	KUNIT_EXPECT_EQ(test, 42, byte);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr + PUD_SIZE - 1));

	vm_munmap(addr, PUD_SIZE);
	KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
	KUNIT_EXPECT_EQ(test, 0, folio_mapcount(folio));
}

static struct kunit_case hugepud_cases[] = {
	KUNIT_CASE(insert_folio_pud_maps_folio),
	{}
};

static struct kunit_suite hugepud_suite = {
	.name		= "mapdev_hugepud",
	.test_cases	= hugepud_cases,
};

kunit_test_suite(hugepud_suite);
