// SPDX-License-Identifier: GPL-2.0
/*
 * After mmap_prepare: how mm core unwinds a mapping that fails, and which hooks
 * it calls for one that merges or that comes from ->mmap.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

#include "mock.h"

/* --- Failure --- */

/* close is called although mapped has failed. */
/* ids: MP-5 MP-12 LK-53 */
static void mapped_failure_closes(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);

	driver->mapped_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			(long)mock_map(test, driver, 0, 0, 2));
	KUNIT_EXPECT_EQ(test, 1, driver->mapped);
	KUNIT_EXPECT_EQ(test, 1, driver->closed);
	KUNIT_EXPECT_FALSE(test, mock_is_mapped(driver->desc.start));
}

/* close is called although mapped has never run. */
/* ids: MP-41 LK-53 ME-10 */
static void action_failure_closes(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);

	driver->bad_page = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)mock_map(test, driver, 0, 0, 2));
	KUNIT_EXPECT_EQ(test, 0, driver->mapped);
	KUNIT_EXPECT_EQ(test, 1, driver->closed);
	KUNIT_EXPECT_FALSE(test, mock_is_mapped(driver->desc.start));
}

/* ids: MP-39 */
static void error_override_replaces_error(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);

	driver->override = -EAGAIN;
	driver->bad_page = true;
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			(long)mock_map(test, driver, 0, 0, 1));
	driver->bad_page = false;
	driver->mapped_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			(long)mock_map(test, driver, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, 2, driver->closed);

	/* A value that is no errno is refused before anything is mapped. */
	driver->override = 5;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				(long)mock_map(test, driver, 0, 0, 1));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, 1, driver->mapped);
	KUNIT_EXPECT_EQ(test, 2, driver->closed);
}

/*
 * Until mapped has returned, rmap cannot reach the mapping; after a failure
 * nothing stays locked. Not with an action that allocates page tables, of which
 * lockdep warns: see Documentation/testing/upstream.rst.
 */
/* ids: MP-40 PA-33 */
static void hidden_mapping_is_locked_from_rmap(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);
	struct address_space *mapping = driver->file->f_mapping;
	unsigned long addr;

	addr = mock_map(test, driver, 0, 0, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_FALSE(test, driver->hidden);
	vm_munmap(addr, PAGE_SIZE);

	driver->hide = true;
	addr = mock_map(test, driver, 0, 0, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_TRUE(test, driver->hidden);
	KUNIT_EXPECT_FALSE(test, mock_rmap_is_locked(mapping));
	vm_munmap(addr, PAGE_SIZE);

	driver->mapped_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			(long)mock_map(test, driver, 0, 0, 1));
	KUNIT_EXPECT_TRUE(test, driver->hidden);
	KUNIT_EXPECT_FALSE(test, mock_rmap_is_locked(mapping));
}

/* --- Merging --- */

/* Different private_data does not prevent a merge: the first one stays. */
/* ids: MP-10 MP-22 */
static void merge_drops_private_data(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);
	struct vm_area_struct *vma;
	unsigned long addr;

	driver->token = driver;
	addr = mock_map(test, driver, 0, 0, 4);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	vm_munmap(addr + 2 * PAGE_SIZE, 2 * PAGE_SIZE);
	driver->token = test;
	KUNIT_ASSERT_EQ(test, addr + 2 * PAGE_SIZE,
			mock_map(test, driver, addr + 2 * PAGE_SIZE, 2, 2));
	KUNIT_EXPECT_EQ(test, 1, driver->mapped);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr + 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, addr, vma->vm_start);
	KUNIT_EXPECT_PTR_EQ(test, (void *)driver, vma->vm_private_data);
	mmap_read_unlock(current->mm);
	vm_munmap(addr, 4 * PAGE_SIZE);
}

/* --- ->mmap --- */

/* mapped is not called after ->mmap. */
/* ids: MP-14 LK-19 */
static void mmap_hook_skips_mapped(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_legacy_fops);
	unsigned long addr = mock_map(test, driver, 0, 0, 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	vm_munmap(addr, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 1, driver->prepared);
	KUNIT_EXPECT_EQ(test, 0, driver->mapped);
	KUNIT_EXPECT_EQ(test, 1, driver->closed);
}

/* If mapped of the lower file fails, close is not called. */
/* ids: MP-12 MP-42 */
static void stacked_mapped_failure_skips_close(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_stacked_fops);
	struct mock_driver *under = mock_open(test, &mock_fops);
	long files = file_count(under->file);

	driver->under = under->file;
	under->mapped_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			(long)mock_map(test, driver, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, under->mapped);
	KUNIT_EXPECT_EQ(test, 0, under->closed);
	KUNIT_EXPECT_EQ(test, files, file_count(under->file));
	KUNIT_EXPECT_FALSE(test, mock_is_mapped(under->desc.start));
}

static struct kunit_case unwind_cases[] = {
	KUNIT_CASE(mapped_failure_closes),
	KUNIT_CASE(action_failure_closes),
	KUNIT_CASE(error_override_replaces_error),
	KUNIT_CASE(hidden_mapping_is_locked_from_rmap),
	KUNIT_CASE(merge_drops_private_data),
	KUNIT_CASE(mmap_hook_skips_mapped),
	KUNIT_CASE(stacked_mapped_failure_skips_close),
	{}
};

static struct kunit_suite unwind_suite = {
	.name		= "mapdev_unwind",
	.test_cases	= unwind_cases,
};

kunit_test_suite(unwind_suite);
