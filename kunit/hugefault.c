// SPDX-License-Identifier: GPL-2.0
/*
 * A huge page handed out by fault(), and not by huge_fault(): core maps all of
 * it if the file is as large, and the inode of a char device never is (D-12).
 */
#include <linux/anon_inodes.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

static vm_fault_t huge_page_fault(struct vm_fault *vmf)
{
	struct page *first = vmf->vma->vm_file->private_data;

	vmf->page = first + vmf->pgoff;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct huge_page_vm_ops = {
	.fault = huge_page_fault,
};

static int huge_page_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &huge_page_vm_ops;
	return 0;
}

static const struct file_operations huge_page_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= huge_page_mmap_prepare,
};

struct size_case {
	const char *name;
	loff_t size;	/* of the inode */
	bool whole;	/* one touch maps all of it */
};

static const struct size_case size_cases[] = {
	{ "0", 0, false },
	{ "a page short", PMD_SIZE - PAGE_SIZE, false },
	{ "as large", PMD_SIZE, true },
};

static void size_case_name(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_case_name);

/* ids: LK-60 */
static void maps_what_the_inode_has(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	struct page *page = bare_pages(test, GFP_KERNEL | __GFP_COMP, PMD_ORDER);
	struct file *file;
	unsigned long addr;
	u8 byte = 1;

	page_folio(page)->index = 0;
	file = fixture_keep(test,
			    anon_inode_create_getfile("[kunit-huge]",
						      &huge_page_fops, page,
						      O_RDWR, NULL));
	i_size_write(file_inode(file), c->size);
	addr = kunit_vm_mmap(test, file, 0, 2 * PMD_SIZE, PROT_READ, MAP_SHARED,
			     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	vm_munmap(addr, 2 * PMD_SIZE);
	addr = kunit_vm_mmap(test, file, ALIGN(addr, PMD_SIZE), PMD_SIZE,
			     PROT_READ, MAP_SHARED | MAP_FIXED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_EQ(test, c->whole, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, c->whole, fixture_is_present(addr + PMD_SIZE / 2));
	vm_munmap(addr, PMD_SIZE);
}

static struct kunit_case hugefault_cases[] = {
	KUNIT_CASE_PARAM(maps_what_the_inode_has, size_gen_params),
	{}
};

static struct kunit_suite hugefault_suite = {
	.name		= "mapdev_hugefault",
	.test_cases	= hugefault_cases,
};

kunit_test_suite(hugefault_suite);
