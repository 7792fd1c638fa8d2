// SPDX-License-Identifier: GPL-2.0
/*
 * struct vm_area_desc: what mm core sets before mmap_prepare, what the helpers
 * change, and which actions mm core accepts.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "mock.h"

/* --- Fields --- */

/* ids: MP-17 MP-18 MP-19 */
static void mmap_fills_descriptor(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);
	const struct vm_area_desc *desc = &driver->desc;
	unsigned long addr = mock_map(test, driver, 0, 3, 2);
	vm_flags_t flags = vma_flags_to_legacy(desc->vma_flags);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_PTR_EQ(test, current->mm, desc->mm);
	KUNIT_EXPECT_PTR_EQ(test, driver->file, desc->file);
	KUNIT_EXPECT_PTR_EQ(test, driver->file, desc->vm_file);
	KUNIT_EXPECT_EQ(test, addr, desc->start);
	KUNIT_EXPECT_EQ(test, addr + 2 * PAGE_SIZE, desc->end);
	KUNIT_EXPECT_EQ(test, 2, vma_desc_pages(desc));
	KUNIT_EXPECT_EQ(test, 3, desc->pgoff);
	KUNIT_EXPECT_TRUE(test, vma_desc_test_all(desc, VMA_READ_BIT,
						  VMA_WRITE_BIT, VMA_SHARED_BIT,
						  VMA_MAYREAD_BIT,
						  VMA_MAYWRITE_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test(desc, VMA_EXEC_BIT));
	KUNIT_EXPECT_EQ(test, pgprot_val(vm_get_page_prot(flags)),
			pgprot_val(desc->page_prot));
	/* Dummy hooks, since a VMA without vm_ops is anonymous. */
	KUNIT_EXPECT_NOT_NULL(test, desc->vm_ops);
	KUNIT_EXPECT_NULL(test, desc->private_data);
	KUNIT_EXPECT_EQ(test, MMAP_NOTHING, desc->action.type);
	vm_munmap(addr, 2 * PAGE_SIZE);
}

/* With the dummy vm_ops, the mapping exists, but every access fails. */
/* ids: MP-19 */
static void default_vm_ops_map_nothing(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);
	unsigned long addr;

	driver->keep_vm_ops = true;
	addr = mock_map(test, driver, 0, 0, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_TRUE(test, mock_is_mapped(addr));
	KUNIT_EXPECT_EQ(test, -EFAULT, put_user((u8)1, (u8 __user *)addr));
	vm_munmap(addr, PAGE_SIZE);
}

/* --- Flags --- */

struct flag_case {
	bool read, io;		/* the flags that are set */
	bool any, all;		/* expected of both together */
};

static const struct flag_case flag_cases[] = {
	{ false, false, false, false },
	{ true, false, true, false },
	{ false, true, true, false },
	{ true, true, true, true },
};

static void flag_case_name(const struct flag_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "read %d io %d", c->read, c->io);
}

KUNIT_ARRAY_PARAM(flag, flag_cases, flag_case_name);

/* ids: MP-27 MP-28 MP-29 */
static void flag_helpers_test_and_set(struct kunit *test)
{
	const struct flag_case *c = test->param_value;
	struct vm_area_desc desc = {};

	vma_desc_set_flags(&desc, VMA_READ_BIT, VMA_IO_BIT, VMA_MAYEXEC_BIT);
	if (!c->read)
		vma_desc_clear_flags(&desc, VMA_READ_BIT);
	if (!c->io)
		vma_desc_clear_flags(&desc, VMA_IO_BIT);

	KUNIT_EXPECT_EQ(test, c->read, vma_desc_test(&desc, VMA_READ_BIT));
	KUNIT_EXPECT_EQ(test, c->io, vma_desc_test(&desc, VMA_IO_BIT));
	KUNIT_EXPECT_EQ(test, c->any,
			vma_desc_test_any(&desc, VMA_READ_BIT, VMA_IO_BIT));
	KUNIT_EXPECT_EQ(test, c->all,
			vma_desc_test_all(&desc, VMA_READ_BIT, VMA_IO_BIT));
	/* Other flags are not affected. */
	KUNIT_EXPECT_TRUE(test, vma_desc_test(&desc, VMA_MAYEXEC_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test(&desc, VMA_WRITE_BIT));
}

/*
 * A private mapping is COW unless it can never be written; a shared one never
 * is.
 */
/* ids: MP-29 ME-21 */
static void cow_needs_private_and_maywrite(struct kunit *test)
{
	struct vm_area_desc desc = {};

	KUNIT_EXPECT_FALSE(test, vma_desc_is_cow_mapping(&desc));
	vma_desc_set_flags(&desc, VMA_MAYWRITE_BIT);
	KUNIT_EXPECT_TRUE(test, vma_desc_is_cow_mapping(&desc));
	vma_desc_set_flags(&desc, VMA_SHARED_BIT);
	KUNIT_EXPECT_FALSE(test, vma_desc_is_cow_mapping(&desc));
	vma_desc_clear_flags(&desc, VMA_MAYWRITE_BIT);
	KUNIT_EXPECT_FALSE(test, vma_desc_is_cow_mapping(&desc));
}

/* --- Actions --- */

#define PHYS 0x240000000ULL

/* Describe a mapping of @pages, from page @pgoff of the file. */
static struct vm_area_desc desc_of(pgoff_t pgoff, unsigned long pages)
{
	struct vm_area_desc desc = {
		.start	= SZ_1G,
		.end	= SZ_1G + pages * PAGE_SIZE,
		.pgoff	= pgoff,
	};

	vma_desc_set_flags(&desc, VMA_SHARED_BIT, VMA_MAYWRITE_BIT);
	return desc;
}

struct window_case {
	pgoff_t pgoff;
	unsigned long pages;
	u64 phys;
	unsigned long size;
	int err;
};

/* Which mappings fit into @size bytes at @phys? */
static const struct window_case window_cases[] = {
	{ 0, 4, PHYS, 4 * PAGE_SIZE, 0 },
	{ 0, 5, PHYS, 4 * PAGE_SIZE, -EINVAL },
	{ 3, 1, PHYS, 4 * PAGE_SIZE, 0 },
	{ 3, 2, PHYS, 4 * PAGE_SIZE, -EINVAL },
	{ 4, 1, PHYS, 4 * PAGE_SIZE, -EINVAL },
	{ 5, 1, PHYS, 4 * PAGE_SIZE, -EINVAL },
	{ 0, 1, PHYS, 1, 0 },
	/* Two bytes on two pages. */
	{ 0, 2, PHYS + PAGE_SIZE - 1, 2, 0 },
	{ 0, 2, PHYS, PAGE_SIZE, -EINVAL },
	{ 0, 1, U64_MAX - PAGE_SIZE + 1, 2 * PAGE_SIZE, -EINVAL },
};

static void window_case_name(const struct window_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu pages at %lu of %lu at %#llx",
		 c->pages, c->pgoff, c->size, c->phys);
}

KUNIT_ARRAY_PARAM(window, window_cases, window_case_name);

/* ids: MP-33 MP-35 ME-31 */
static void simple_ioremap_checks_range(struct kunit *test)
{
	const struct window_case *c = test->param_value;
	struct vm_area_desc desc = desc_of(c->pgoff, c->pages);

	mmap_action_simple_ioremap(&desc, c->phys, c->size);
	KUNIT_EXPECT_EQ(test, c->err, mmap_action_prepare(&desc));
	if (c->err)
		return;
	KUNIT_EXPECT_EQ(test, MMAP_REMAP_PFN, desc.action.type);
	KUNIT_EXPECT_EQ(test, PHYS_PFN(c->phys) + c->pgoff,
			desc.action.remap.start_pfn);
}

/* A range inside the mapping is accepted, and sets the flags. */
/* ids: MP-31 MP-32 ME-26 */
static void remap_checks_range(struct kunit *test)
{
	struct vm_area_desc desc = desc_of(0, 4);

	mmap_action_remap_full(&desc, PHYS_PFN(PHYS));
	KUNIT_ASSERT_EQ(test, 0, mmap_action_prepare(&desc));
	KUNIT_EXPECT_TRUE(test, vma_desc_test_all(&desc, VMA_IO_BIT,
						  VMA_PFNMAP_BIT,
						  VMA_DONTEXPAND_BIT,
						  VMA_DONTDUMP_BIT));
	KUNIT_EXPECT_EQ(test, 0, desc.pgoff);

	desc = desc_of(0, 4);
	/* The helper warns, and mm core refuses. */
	kunit_warning_suppress(test) {
		mmap_action_remap(&desc, desc.start + PAGE_SIZE, PHYS_PFN(PHYS),
				  4 * PAGE_SIZE);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, -EFAULT, mmap_action_prepare(&desc));

	/*
	 * A private mapping must be remapped whole, and its pgoff becomes the
	 * PFN.
	 */
	desc = desc_of(7, 4);
	vma_desc_clear_flags(&desc, VMA_SHARED_BIT);
	mmap_action_remap(&desc, desc.start, PHYS_PFN(PHYS), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EINVAL, mmap_action_prepare(&desc));
	mmap_action_remap_full(&desc, PHYS_PFN(PHYS));
	KUNIT_EXPECT_EQ(test, 0, mmap_action_prepare(&desc));
	KUNIT_EXPECT_EQ(test, PHYS_PFN(PHYS), desc.pgoff);
}

static struct kunit_case descriptor_cases[] = {
	KUNIT_CASE(mmap_fills_descriptor),
	KUNIT_CASE(default_vm_ops_map_nothing),
	KUNIT_CASE_PARAM(flag_helpers_test_and_set, flag_gen_params),
	KUNIT_CASE(cow_needs_private_and_maywrite),
	KUNIT_CASE_PARAM(simple_ioremap_checks_range, window_gen_params),
	KUNIT_CASE(remap_checks_range),
	{}
};

static struct kunit_suite descriptor_suite = {
	.name		= "mapdev_descriptor",
	.test_cases	= descriptor_cases,
};

kunit_test_suite(descriptor_suite);
