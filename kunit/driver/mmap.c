// SPDX-License-Identifier: GPL-2.0
/*
 * mmap(2) of a region over a mapping, next to one, and through a stacked file.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

#include "../mm/mock.h"
#include "fixture.h"
#include "region.h"
#include "stats.h"

/* mm core has unmapped the range already when mmap_prepare refuses. */
/* ids: MP-3 MP-5 MP-43 */
static void refused_overlay_leaves_hole(struct kunit *test)
{
	struct mapdev_region *region =
		fixture_region_with(test, 3 * PAGE_SIZE, "backing=pages");
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr = fixture_map(test, file, 0, 3 * PAGE_SIZE,
					 PROT_READ | PROT_WRITE);
	u64 closed;

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	closed = mapdev_stat(region, MAPDEV_STAT_CLOSE);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)kunit_vm_mmap(test, file, addr + PAGE_SIZE,
					    PAGE_SIZE, PROT_READ,
					    MAP_SHARED | MAP_FIXED,
					    3 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, mock_is_mapped(addr));
	KUNIT_EXPECT_FALSE(test, mock_is_mapped(addr + PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, mock_is_mapped(addr + 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, closed + 1,
			mapdev_stat(region, MAPDEV_STAT_CLOSE));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(region, MAPDEV_STAT_MAPPED));
}

/* --- Merging --- */

struct merge_case {
	const char *name;
	const char *attrs;
	bool merges;
};

static const struct merge_case merge_cases[] = {
	{ "paged", "backing=paged", true },
	{ "pages", "backing=pages" },
	{ "vmalloc", "backing=vmalloc" },
	{ "contig", "backing=contig" },
	{ "contig eager", "backing=contig map=eager" },
	{ "pages eager", "backing=pages map=eager" },
};

static void merge_case_name(const struct merge_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(merge, merge_cases, merge_case_name);

/* ids: MP-4 MP-9 MP-10 */
static void merge_skips_mapped(struct kunit *test)
{
	const struct merge_case *c = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, 4 * PAGE_SIZE, c->attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr = fixture_map(test, file, 0, 4 * PAGE_SIZE,
					 PROT_READ | PROT_WRITE);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	/* Map the second half again. */
	KUNIT_ASSERT_EQ(test, addr + 2 * PAGE_SIZE,
			kunit_vm_mmap(test, file, addr + 2 * PAGE_SIZE,
				      2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 2, mapdev_stat(region, MAPDEV_STAT_PREPARE));
	KUNIT_EXPECT_EQ(test, c->merges ? 1 : 2,
			mapdev_stat(region, MAPDEV_STAT_MAPPED));

	guard(mmap_read_lock)(current->mm);
	KUNIT_EXPECT_EQ(test, c->merges, vma_lookup(current->mm, addr) ==
			vma_lookup(current->mm, addr + 3 * PAGE_SIZE));
}

/* --- Stacked files --- */

static const char * const backings[] = {
	"backing=paged", "backing=pages", "backing=pages map=eager",
	"backing=contig", "backing=contig map=eager",
};

KUNIT_ARRAY_PARAM(backing, backings, fixture_backing_name);

static struct mock_driver *stack_on(struct kunit *test,
				    struct mapdev_region **region)
{
	const char * const *attrs = test->param_value;
	struct mock_driver *driver;

	*region = fixture_region_with(test, 4 * PAGE_SIZE, *attrs);
	driver = mock_open(test, &mock_stacked_fops);
	driver->under = fixture_open(test, *region, O_RDWR);
	return driver;
}

/* A stacked file maps the region below it: the VMA is an ordinary one. */
/* ids: MP-17 MP-42 */
static void stacked_mmap_maps_region(struct kunit *test)
{
	struct mapdev_region *region;
	struct mock_driver *driver = stack_on(test, &region);
	unsigned long addr = mock_map(test, driver, 0, 1, 3);
	struct vm_area_struct *vma;
	loff_t pos = PAGE_SIZE;
	bool closes;
	u8 byte = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(region, MAPDEV_STAT_PREPARE));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(region, MAPDEV_STAT_MAPPED));
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	closes = vma->vm_ops->close;
	KUNIT_EXPECT_PTR_EQ(test, driver->under, vma->vm_file);
	KUNIT_EXPECT_FALSE(test, vma->vm_flags & VM_MAYEXEC);
	KUNIT_EXPECT_PTR_EQ(test, closes ? region : NULL,
			    vma->vm_private_data);
	mmap_read_unlock(current->mm);

	KUNIT_EXPECT_EQ(test, 0, put_user((u8)42, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 1, kernel_read(driver->under, &byte, 1, &pos));
	KUNIT_EXPECT_EQ(test, 42, byte);
	/* A revoke finds this mapping by the inode, too. */
	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_EQ(test, -EFAULT, put_user((u8)1, (u8 __user *)addr));
	vm_munmap(addr, 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, closes, mapdev_stat(region, MAPDEV_STAT_CLOSE));
}

/* A refused mapping puts the file, and close is not called. */
/* ids: MP-42 */
static void stacked_mmap_failure_puts_file(struct kunit *test)
{
	struct mapdev_region *region;
	struct mock_driver *driver = stack_on(test, &region);
	long files = file_count(driver->under);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)mock_map(test, driver, 0, 1, 4));
	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)mock_map(test, driver, 0, 0, 4));
	KUNIT_EXPECT_EQ(test, files, file_count(driver->under));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(region, MAPDEV_STAT_MAPPED));
}

static struct kunit_case mmap_cases[] = {
	KUNIT_CASE(refused_overlay_leaves_hole),
	KUNIT_CASE_PARAM(merge_skips_mapped, merge_gen_params),
	KUNIT_CASE_PARAM(stacked_mmap_maps_region, backing_gen_params),
	KUNIT_CASE_PARAM(stacked_mmap_failure_puts_file, backing_gen_params),
	{}
};

static struct kunit_suite mmap_suite = {
	.name		= "mapdev_mmap",
	.test_cases	= mmap_cases,
};

kunit_test_suite(mmap_suite);
