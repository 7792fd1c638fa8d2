// SPDX-License-Identifier: GPL-2.0
/*
 * may_split: mm core asks the driver before it splits a mapping, and obeys. What
 * the two parts have in common.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

#define PAGES 6
#define RW (PROT_READ | PROT_WRITE)

/* What may_split returns, and how it was called. */
struct splitter {
	int err;
	unsigned int from;	/* calls before this one return 0 */
	unsigned int calls;
	unsigned long addr[2];	/* of the last two calls */
	bool attached;		/* the VMA was in its mm at each call */
	unsigned long base;
};

static int splitter_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	struct splitter *splitter = vma->vm_file->private_data;

	mmap_assert_write_locked(vma->vm_mm);
	splitter->attached &= vma_lookup(vma->vm_mm, addr) == vma;
	splitter->addr[0] = splitter->addr[1];
	splitter->addr[1] = addr;
	return splitter->calls++ >= splitter->from ? splitter->err : 0;
}

static const struct vm_operations_struct splitter_vm_ops = {
	.may_split = splitter_may_split,
};

static int splitter_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &splitter_vm_ops;
	return 0;
}

static const struct file_operations splitter_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= splitter_mmap_prepare,
};

static struct splitter *splitter_map(struct kunit *test)
{
	struct splitter *splitter = kunit_kzalloc(test, sizeof(*splitter),
						  GFP_KERNEL);
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, splitter);
	splitter->attached = true;
	file = bare_open(test, &splitter_fops, splitter);
	splitter->base = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE, RW,
				       MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(splitter->base));
	return splitter;
}

/* The size in pages of the mapping that holds @page, or 0. */
static unsigned long pages_around(const struct splitter *splitter, int page)
{
	struct vm_area_struct *vma;

	guard(mmap_read_lock)(current->mm);
	vma = vma_lookup(current->mm, splitter->base + page * PAGE_SIZE);
	return vma ? vma_pages(vma) : 0;
}

static int unmap(const struct splitter *splitter, int page, int count)
{
	return vm_munmap(splitter->base + page * PAGE_SIZE, count * PAGE_SIZE);
}

/* Called once for each split, and not for a VMA that is unmapped whole. */
/* ids: LK-48 */
static void may_split_called_at_each_split(struct kunit *test)
{
	struct splitter *splitter = splitter_map(test);

	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 2, 1));
	KUNIT_EXPECT_EQ(test, 2, splitter->calls);
	KUNIT_EXPECT_EQ(test, splitter->base + 2 * PAGE_SIZE,
			splitter->addr[0]);
	KUNIT_EXPECT_EQ(test, splitter->base + 3 * PAGE_SIZE,
			splitter->addr[1]);
	KUNIT_EXPECT_TRUE(test, splitter->attached);

	/* Unmapping one end is one split. */
	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 0, 1));
	KUNIT_EXPECT_EQ(test, 3, splitter->calls);
	KUNIT_EXPECT_EQ(test, splitter->base + PAGE_SIZE, splitter->addr[1]);

	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 0, PAGES));
	KUNIT_EXPECT_EQ(test, 3, splitter->calls);
}

/* MAP_FIXED over a part splits the mapping, too. */
/* ids: LK-48 */
static void may_split_called_by_map_fixed(struct kunit *test)
{
	struct splitter *splitter = splitter_map(test);
	unsigned long addr = splitter->base + 2 * PAGE_SIZE;

	splitter->err = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)kunit_vm_mmap(test, NULL, addr, PAGE_SIZE, RW,
					    MAP_PRIVATE | MAP_FIXED, 0));
	KUNIT_EXPECT_EQ(test, 1, splitter->calls);
	KUNIT_EXPECT_EQ(test, PAGES, pages_around(splitter, 2));

	splitter->err = 0;
	KUNIT_EXPECT_EQ(test, addr,
			kunit_vm_mmap(test, NULL, addr, PAGE_SIZE, RW,
				      MAP_PRIVATE | MAP_FIXED, 0));
	KUNIT_EXPECT_EQ(test, 3, splitter->calls);
	KUNIT_EXPECT_EQ(test, 1, pages_around(splitter, 2));
	unmap(splitter, 0, PAGES);
}

/*
 * The call returns the error of may_split, and the mapping stays. If the second
 * split is refused, the first one is not undone.
 */
/* ids: LK-48 */
static void may_split_error_keeps_mapping(struct kunit *test)
{
	struct splitter *splitter = splitter_map(test);

	splitter->err = -EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, unmap(splitter, 2, 1));
	KUNIT_EXPECT_EQ(test, 1, splitter->calls);
	KUNIT_EXPECT_EQ(test, PAGES, pages_around(splitter, 2));

	splitter->from = 2;
	KUNIT_EXPECT_EQ(test, -EPERM, unmap(splitter, 2, 1));
	KUNIT_EXPECT_EQ(test, 3, splitter->calls);
	KUNIT_EXPECT_EQ(test, 2, pages_around(splitter, 0));
	KUNIT_EXPECT_EQ(test, PAGES - 2, pages_around(splitter, 2));

	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 0, PAGES));
	KUNIT_EXPECT_EQ(test, 0, pages_around(splitter, 0));
}

/*
 * What is set once at mmap is the same in both parts; the bounds and the offset
 * are not. Each part holds the file.
 */
/* ids: PA-17 PA-18 PA-21 PA-22 PA-23 */
static void split_copies_fields(struct kunit *test)
{
	struct splitter *splitter = splitter_map(test);
	const int first_page[] = { 0, 3 };
	struct vm_area_struct *vma;
	struct file *file;
	long files;

	mmap_read_lock(current->mm);
	vma = bare_vma(test, splitter->base);
	file = vma->vm_file;
	KUNIT_EXPECT_PTR_EQ(test, (void *)splitter, file->private_data);
	vma->vm_private_data = splitter;
	mmap_read_unlock(current->mm);
	files = file_count(file);

	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 2, 1));
	KUNIT_EXPECT_EQ(test, files + 1, file_count(file));
	for (int i = 0; i < ARRAY_SIZE(first_page); i++) {
		mmap_read_lock(current->mm);
		vma = bare_vma(test, splitter->base + first_page[i] * PAGE_SIZE);
		KUNIT_EXPECT_PTR_EQ(test, current->mm, vma->vm_mm);
		KUNIT_EXPECT_PTR_EQ(test, file, vma->vm_file);
		KUNIT_EXPECT_PTR_EQ(test, &splitter_vm_ops, vma->vm_ops);
		KUNIT_EXPECT_PTR_EQ(test, (void *)splitter,
				    vma->vm_private_data);
		KUNIT_EXPECT_EQ(test, first_page[i], vma->vm_pgoff);
		mmap_read_unlock(current->mm);
	}
	KUNIT_EXPECT_EQ(test, 0, unmap(splitter, 0, PAGES));
	KUNIT_EXPECT_EQ(test, files - 1, file_count(file));
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_copies_fields),
	KUNIT_CASE(may_split_called_at_each_split),
	KUNIT_CASE(may_split_called_by_map_fixed),
	KUNIT_CASE(may_split_error_keeps_mapping),
	{}
};

static struct kunit_suite split_suite = {
	.name		= "mapdev_split",
	.test_cases	= split_cases,
};

kunit_test_suite(split_suite);
