// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel behaviour, see Documentation/upstream.rst: what looks like a defect of
 * core. A case that fails here means that core does it differently now, and
 * that the page wants to be looked at; nothing of it is mapdev's doing.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "driver.h"

/* mmap_prepare put another file in; the mapping merges; nobody puts it. */
static void replaced_file_is_lost_by_merging(struct kunit *test)
{
	struct driver *driver = driver_open(test, &driver_fops);
	struct driver *under = driver_open(test, &driver_fops);
	long files = file_count(under->file);
	unsigned long addr;

	driver->under = under->file;
	driver->token = driver;
	addr = driver_map(test, driver, 0, 0, 4);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, files + 1, file_count(under->file));

	vm_munmap(addr + 2 * PAGE_SIZE, 2 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, addr + 2 * PAGE_SIZE,
			driver_map(test, driver, addr + 2 * PAGE_SIZE, 2, 2));
	/* One mapping, which has one reference. */
	KUNIT_EXPECT_EQ(test, 1, under->mapped);
	KUNIT_EXPECT_EQ(test, files + 2, file_count(under->file));
	vm_munmap(addr, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, files + 1, file_count(under->file));
	if (file_count(under->file) > files)
		fput(under->file);
}

/* Its only check is for 0, which vm_mmap() never returns for a failure. */
static void kunit_vm_mmap_takes_errors_for_addresses(struct kunit *test)
{
	struct driver *driver = driver_open(test, &driver_neither_fops);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)driver_map(test, driver, 0, 0, 1));
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

/* A file that is mapped as the page cache has it. */
static const struct file_operations cached_fops = {
	.owner			= THIS_MODULE,
	.mmap_prepare		= cached_mmap_prepare,
	.get_unmapped_area	= thp_get_unmapped_area,
};

/*
 * map_pages takes the folio that ends where the file does for one across its
 * end, and leaves it to fault.
 */
static void last_folio_is_not_mapped_around(struct kunit *test)
{
	struct mapdev_region *region;
	struct file *file, *cached;
	unsigned long addr;
	loff_t pos;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "without huge pages nothing is mapped as one");
	fixture_needs_huge_folios(test);
	region = fixture_region_with(test, 2 * PMD_SIZE, "granule=2M");
	file = fixture_open(test, region, O_RDWR);
	for (pos = 0; pos < 2 * PMD_SIZE; pos += PMD_SIZE - 1)
		KUNIT_ASSERT_EQ(test, 1, kernel_write(file, "x", 1, &pos));
	cached = fixture_keep(test, anon_inode_getfile("[kunit]", &cached_fops,
						       NULL, O_RDONLY));
	cached->f_mapping = region->inode->i_mapping;
	addr = fixture_map(test, cached, 0, 2 * PMD_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED(addr, PMD_SIZE));

	cached_faults = 0;
	KUNIT_EXPECT_EQ(test, 0, fault_in_readable((char __user *)addr, 1));
	KUNIT_EXPECT_EQ(test, 0, cached_faults);
	addr += PMD_SIZE;
	KUNIT_EXPECT_EQ(test, 0, fault_in_readable((char __user *)addr, 1));
	KUNIT_EXPECT_EQ(test, 1, cached_faults);
	/* The mapping has the file, and not the region. */
	vm_munmap(addr - PMD_SIZE, 2 * PMD_SIZE);
}

static struct kunit_case upstream_cases[] = {
	KUNIT_CASE(replaced_file_is_lost_by_merging),
	KUNIT_CASE(kunit_vm_mmap_takes_errors_for_addresses),
	KUNIT_CASE(last_folio_is_not_mapped_around),
	{}
};

static struct kunit_suite upstream_suite = {
	.name		= "mapdev_upstream",
	.test_cases	= upstream_cases,
};

kunit_test_suite(upstream_suite);
