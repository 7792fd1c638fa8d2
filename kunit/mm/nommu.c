// SPDX-License-Identifier: GPL-2.0
/* Without an MMU: the functions that insert pages and page frames. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>

/* ids: NM-40 */
static void insert_page_fails(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct vm_area_struct vma = {};
	unsigned long one = 1;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, -EINVAL, vm_insert_page(&vma, 0, page));
	KUNIT_EXPECT_EQ(test, -EINVAL, vm_insert_pages(&vma, 0, &page, &one));
	KUNIT_EXPECT_EQ(test, -EINVAL, vm_map_pages(&vma, &page, 1));
	__free_page(page);
}

/* remap_pfn_range() compares the address with the frame, and sets flags. */
/* ids: NM-32 */
static void remap_compares_address(struct kunit *test)
{
	struct vm_area_struct vma = {};
	unsigned long pfn = PHYS_PFN(SZ_2G);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			remap_pfn_range(&vma, SZ_1G, pfn, PAGE_SIZE,
					PAGE_SHARED));
	KUNIT_EXPECT_EQ(test, 0, vma.vm_flags);
	KUNIT_EXPECT_EQ(test, 0,
			remap_pfn_range(&vma, SZ_2G, pfn, PAGE_SIZE,
					PAGE_SHARED));
	KUNIT_EXPECT_EQ(test, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP,
			vma.vm_flags);
}

static struct kunit_case nommu_mm_cases[] = {
	KUNIT_CASE(insert_page_fails),
	KUNIT_CASE(remap_compares_address),
	{}
};

static struct kunit_suite nommu_mm_suite = {
	.name		= "mapdev_nommu_mm",
	.test_cases	= nommu_mm_cases,
};

kunit_test_suite(nommu_mm_suite);
