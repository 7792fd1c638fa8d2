// SPDX-License-Identifier: GPL-2.0
/*
 * huge_fault, and a huge page that fault returns: mm core maps all of it if
 * i_size covers it, which it never does for the inode of a char device (D-12).
 */
#include <linux/anon_inodes.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "bare.h"

/* --- huge_fault() --- */

#define MOST_ORDERS 4

/* The orders that mm core asked for, in turn. 0 stands for fault(). */
struct asked {
	unsigned int orders[MOST_ORDERS];
	unsigned int count;
	struct page *page;
};

static void note_order(struct vm_fault *vmf, unsigned int order)
{
	struct asked *asked = vmf->vma->vm_file->private_data;

	if (asked->count < MOST_ORDERS)
		asked->orders[asked->count] = order;
	asked->count++;
}

static vm_fault_t asked_fault(struct vm_fault *vmf)
{
	struct asked *asked = vmf->vma->vm_file->private_data;

	note_order(vmf, 0);
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(asked->page));
}

static vm_fault_t asked_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	note_order(vmf, order);
	return VM_FAULT_FALLBACK;
}

static const struct vm_operations_struct asked_vm_ops = {
	.fault		= asked_fault,
	.huge_fault	= asked_huge_fault,
};

static int asked_mmap_prepare(struct vm_area_desc *desc)
{
	int err = bare_frames_fops.mmap_prepare(desc);

	desc->vm_ops = &asked_vm_ops;
	return err;
}

static const struct file_operations asked_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= asked_mmap_prepare,
};

/*
 * From the largest entry to the smallest, while there is no page table, even if
 * the entry does not fit into the VMA.
 */
/* ids: LK-59 */
static void huge_fault_tries_each_order(struct kunit *test)
{
	struct asked asked = { .page = bare_pages(test, GFP_KERNEL, 0) };
	unsigned int want[MOST_ORDERS] = { PUD_ORDER, PMD_ORDER, 0, 0 };
	struct file *file = bare_open(test, &asked_fops, &asked);
	const unsigned int *first = want;
	unsigned long addr;

	if (!IS_ENABLED(CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD))
		first++;
	addr = kunit_vm_mmap(test, file, 0, 2 * PMD_SIZE, PROT_READ,
			     MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	/* The second fault finds the page table of the first. */
	for (int i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, 0,
				fault_in_readable((char __user *)
						  ALIGN(addr, PMD_SIZE) +
						  i * PAGE_SIZE, 1));
	vm_munmap(addr, 2 * PMD_SIZE);

	KUNIT_ASSERT_EQ(test, want + MOST_ORDERS - first, asked.count);
	for (unsigned int i = 0; i < asked.count; i++)
		KUNIT_EXPECT_EQ(test, first[i], asked.orders[i]);
}

/* --- fault() --- */

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
	bool whole;	/* one fault maps all of it */
};

static const struct size_case size_cases[] = {
	{ "0", 0, false },
	{ "page short", PMD_SIZE - PAGE_SIZE, false },
	{ "PMD size", PMD_SIZE, true },
};

static void size_case_name(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_case_name);

/* ids: LK-60 */
static void fault_maps_folio_below_i_size(struct kunit *test)
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
	KUNIT_CASE(huge_fault_tries_each_order),
	KUNIT_CASE_PARAM(fault_maps_folio_below_i_size, size_gen_params),
	{}
};

static struct kunit_suite hugefault_suite = {
	.name		= "mapdev_hugefault",
	.test_cases	= hugefault_cases,
};

kunit_test_suite(hugefault_suite);
