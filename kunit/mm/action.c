// SPDX-License-Identifier: GPL-2.0
/* mmap_action_map_kernel_pages(): pages that mmap maps, from any page on. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

#define PAGES	4
#define SIZE	(PAGES * PAGE_SIZE)

/* Map @count pages from page @first of the mapping. */
struct part {
	long first;
	unsigned long count;
	struct page *pages[PAGES];
	unsigned int mapped;
	bool complete;
};

/* Has the action been completed, and the VMA been stored? */
static int part_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		       const struct file *file, void **vm_private_data)
{
	struct part *part = file->private_data;
	struct vm_area_struct *vma = vma_lookup(current->mm, start);

	part->mapped++;
	part->complete = vma && vma->vm_end == end && vma_is_attached(vma) &&
			 fixture_is_present(end - PAGE_SIZE);
	return 0;
}

static const struct vm_operations_struct part_vm_ops = {
	.mapped = part_mapped,
};

static int part_mmap_prepare(struct vm_area_desc *desc)
{
	struct part *part = desc->file->private_data;

	desc->vm_ops = &part_vm_ops;
	mmap_action_map_kernel_pages(desc, desc->start + part->first * PAGE_SIZE,
				     part->pages, part->count);
	return 0;
}

static const struct file_operations part_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= part_mmap_prepare,
};

/* The pages hold 1, 2, 3, ... The offset in the file is that of the last page. */
static unsigned long map_part(struct kunit *test, struct part *part)
{
	struct file *file = bare_open(test, &part_fops, part);

	for (int i = 0; i < PAGES; i++) {
		part->pages[i] = bare_pages(test, GFP_KERNEL, 0);
		*(u8 *)page_address(part->pages[i]) = i + 1;
	}
	return kunit_vm_mmap(test, file, 0, SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, SIZE - PAGE_SIZE);
}

static void part_name(const struct part *part, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu from %ld", part->count,
		 part->first);
}

static const struct part parts[] = {
	{ 0, PAGES }, { 0, 1 }, { 1, 2 }, { PAGES - 1, 1 }, { 0, 0 },
};

KUNIT_ARRAY_PARAM(part, parts, part_name);

/*
 * The first page of the array goes to the first address, wherever in the file
 * that is (D-6). Without fault(), an access to the others fails.
 */
/* ids: MP-36 */
static void map_kernel_pages_fills_part(struct kunit *test)
{
	struct part part = *(const struct part *)test->param_value;
	struct vm_area_struct *vma;
	unsigned long addr;

	addr = map_part(test, &part);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	for (int i = 0; i < PAGES; i++) {
		u8 __user *user = (u8 __user *)addr + i * PAGE_SIZE;
		bool inside = i - part.first < part.count;
		u8 byte = 0;

		KUNIT_EXPECT_EQ(test, inside, fixture_is_present((unsigned long)user));
		KUNIT_EXPECT_EQ(test, inside ? 0 : -EFAULT, get_user(byte, user));
		KUNIT_EXPECT_EQ(test, inside ? i - part.first + 1 : 0, byte);
	}
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	KUNIT_EXPECT_EQ(test, VM_MIXEDMAP, vma->vm_flags & VM_SPECIAL);
	mmap_read_unlock(current->mm);
	vm_munmap(addr, SIZE);
	for (int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, 1, page_count(part.pages[i]));
}

static const struct part outside[] = {
	{ 0, PAGES + 1 }, { 1, PAGES }, { PAGES, 1 }, { -1, 1 }, { -1, PAGES },
};

KUNIT_ARRAY_PARAM(outside, outside, part_name);

/* What does not fit is refused before the pages are looked at. */
/* ids: MP-36 MP-41 */
static void map_kernel_pages_refuses_outside(struct kunit *test)
{
	struct part part = *(const struct part *)test->param_value;

	KUNIT_EXPECT_EQ(test, -EFAULT, (long)map_part(test, &part));
	KUNIT_EXPECT_EQ(test, 0, part.mapped);
	for (int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, 1, page_count(part.pages[i]));
}

/* Nothing is left to fail: the VMA is in the tree, and its pages are mapped. */
/* ids: MP-11 MP-20 */
static void mapped_comes_last(struct kunit *test)
{
	struct part part = { .count = PAGES };
	unsigned long addr = map_part(test, &part);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 1, part.mapped);
	KUNIT_EXPECT_TRUE(test, part.complete);
	vm_munmap(addr, SIZE);
}

static struct kunit_case action_cases[] = {
	KUNIT_CASE(mapped_comes_last),
	KUNIT_CASE_PARAM(map_kernel_pages_fills_part, part_gen_params),
	KUNIT_CASE_PARAM(map_kernel_pages_refuses_outside, outside_gen_params),
	{}
};

static struct kunit_suite action_suite = {
	.name		= "mapdev_action",
	.test_cases	= action_cases,
};

kunit_test_suite(action_suite);
