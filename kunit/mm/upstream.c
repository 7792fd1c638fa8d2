// SPDX-License-Identifier: GPL-2.0
/*
 * What looks like a defect of mm core, see Documentation/testing/upstream.rst. If a
 * case fails, mm core has changed, and that page needs an update.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "mock.h"

/*
 * If mmap_prepare replaces the file and the mapping merges, a reference leaks.
 */
static void merge_leaks_replaced_file(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_fops);
	struct mock_driver *under = mock_open(test, &mock_fops);
	long files = file_count(under->file);
	unsigned long addr;

	driver->under = under->file;
	driver->token = driver;
	addr = mock_map(test, driver, 0, 0, 4);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, files + 1, file_count(under->file));

	vm_munmap(addr + 2 * PAGE_SIZE, 2 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, addr + 2 * PAGE_SIZE,
			mock_map(test, driver, addr + 2 * PAGE_SIZE, 2, 2));
	/* There is one mapping, with one reference. */
	KUNIT_EXPECT_EQ(test, 1, under->mapped);
	KUNIT_EXPECT_EQ(test, files + 2, file_count(under->file));
	vm_munmap(addr, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, files + 1, file_count(under->file));
	if (file_count(under->file) > files)
		fput(under->file);
}

/* kunit_vm_mmap() checks for 0, which vm_mmap() never returns on failure. */
static void kunit_vm_mmap_returns_errno(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_neither_fops);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)mock_map(test, driver, 0, 0, 1));
}

static unsigned int cached_faults;

static vm_fault_t cached_fault(struct vm_fault *vmf)
{
	cached_faults++;
	return filemap_fault(vmf);
}

static const struct vm_operations_struct cached_vm_ops = {
	.fault		= cached_fault,
	.map_pages	= filemap_map_pages,
};

static int cached_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &cached_vm_ops;
	vma_desc_set_flags(desc, VMA_HUGEPAGE_BIT);
	return 0;
}

static const struct file_operations cached_fops = {
	.owner			= THIS_MODULE,
	.mmap_prepare		= cached_mmap_prepare,
	.get_unmapped_area	= thp_get_unmapped_area,
};

/* A file of two PMD-sized folios, and an inode of its own that holds them. */
static struct file *cached_open(struct kunit *test)
{
	struct file *file = anon_inode_create_getfile("[kunit-cached]",
						      &cached_fops, NULL,
						      O_RDONLY, NULL);
	struct address_space *mapping;

	fixture_keep(test, file);
	mapping = file->f_mapping;
	mapping_set_large_folios(mapping);
	for (pgoff_t index = 0; index < 2 << PMD_ORDER; index += 1 << PMD_ORDER) {
		struct folio *folio = filemap_alloc_folio(GFP_KERNEL | __GFP_ZERO,
							  PMD_ORDER, NULL);
		int err;

		KUNIT_ASSERT_NOT_NULL(test, folio);
		err = filemap_add_folio(mapping, folio, index, GFP_KERNEL);
		if (!err) {
			folio_mark_uptodate(folio);
			folio_unlock(folio);
		}
		folio_put(folio);
		KUNIT_ASSERT_EQ(test, 0, err);
	}
	i_size_write(file_inode(file), 2 * PMD_SIZE);
	return file;
}

/*
 * filemap_map_pages() mistakes a folio that ends at the end of the file for one
 * that crosses it, and leaves it to fault().
 */
static void map_pages_skips_last_folio(struct kunit *test)
{
	unsigned long addr;
	struct file *file;

	if (mapping_max_folio_size_supported() < PMD_SIZE)
		kunit_skip(test, "no folio of the page cache is as large as a PMD");
	file = cached_open(test);
	addr = fixture_map(test, file, 0, 2 * PMD_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED(addr, PMD_SIZE));

	cached_faults = 0;
	KUNIT_EXPECT_EQ(test, 0, fault_in_readable((char __user *)addr, 1));
	KUNIT_EXPECT_EQ(test, 0, cached_faults);
	addr += PMD_SIZE;
	KUNIT_EXPECT_EQ(test, 0, fault_in_readable((char __user *)addr, 1));
	KUNIT_EXPECT_EQ(test, 1, cached_faults);
	vm_munmap(addr - PMD_SIZE, 2 * PMD_SIZE);
}

static struct kunit_case upstream_cases[] = {
	KUNIT_CASE(merge_leaks_replaced_file),
	KUNIT_CASE(kunit_vm_mmap_returns_errno),
	KUNIT_CASE(map_pages_skips_last_folio),
	{}
};

static struct kunit_suite upstream_suite = {
	.name		= "mapdev_upstream",
	.test_cases	= upstream_cases,
};

kunit_test_suite(upstream_suite);
