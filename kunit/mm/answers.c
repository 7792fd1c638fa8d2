// SPDX-License-Identifier: GPL-2.0
/* What fault() may answer, and what mm core makes of each answer. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

/* fault() gives @answer @times times, then inserts @page. */
struct answering {
	struct page *page;
	vm_fault_t answer;
	unsigned int times;
	unsigned int calls;
};

static vm_fault_t insert(struct vm_fault *vmf)
{
	struct answering *a = vmf->vma->vm_file->private_data;

	return vmf_insert_page(vmf->vma, vmf->address, a->page);
}

static vm_fault_t answering_fault(struct vm_fault *vmf)
{
	struct answering *a = vmf->vma->vm_file->private_data;

	if (a->calls++ >= a->times)
		return insert(vmf);
	/* A fault that is to be retried releases its lock. */
	if (a->answer & VM_FAULT_RETRY)
		release_fault_lock(vmf);
	if (a->answer & VM_FAULT_MAJOR)
		return a->answer | insert(vmf);
	return a->answer;
}

/* Has fault() be called under the VMA lock. */
static vm_fault_t no_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}

static const struct vm_operations_struct answering_vm_ops = {
	.fault		= answering_fault,
	.map_pages	= no_map_pages,
};

static int answering_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &answering_vm_ops;
	return bare_mixed_fops.mmap_prepare(desc);
}

static const struct file_operations answering_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= answering_mmap_prepare,
};

static unsigned long map_answering(struct kunit *test, struct answering *a)
{
	struct file *file = bare_open(test, &answering_fops, a);
	unsigned long addr;

	a->page = bare_pages(test, GFP_KERNEL, 0);
	addr = fixture_map(test, file, 0, PAGE_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

static const vm_fault_t errors[] = {
	VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV, VM_FAULT_OOM, VM_FAULT_HWPOISON,
};

static void error_name(const vm_fault_t *error, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%#x", (__force unsigned int)*error);
}

KUNIT_ARRAY_PARAM(error, errors, error_name);

/* The architecture gets it as it is, and nothing is mapped. */
/* ids: LK-57 */
static void fault_error_is_returned(struct kunit *test)
{
	const vm_fault_t *error = test->param_value;
	struct answering a = { .answer = *error, .times = 1 };
	unsigned long addr = map_answering(test, &a);

	KUNIT_EXPECT_TRUE(test, *error == fixture_fault(test, addr, 0));
	KUNIT_EXPECT_EQ(test, 1, a.calls);
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));
	/* The next fault asks again. */
	KUNIT_EXPECT_FALSE(test, fixture_fault(test, addr, 0));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	vm_munmap(addr, PAGE_SIZE);
}

/* NOPAGE without an entry has the access fault until there is one. */
/* ids: LK-57 */
static void nopage_faults_again(struct kunit *test)
{
	struct answering a = { .answer = VM_FAULT_NOPAGE, .times = 3 };
	unsigned long addr = map_answering(test, &a);
	u8 byte = 1;

	KUNIT_EXPECT_FALSE(test, fixture_fault(test, addr, 0));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_EQ(test, 4, a.calls);
	vm_munmap(addr, PAGE_SIZE);
}

/* RETRY: the lock is not held any more, and the fault comes again. */
/* ids: LK-54 LK-57 */
static void retry_gives_up_lock(struct kunit *test)
{
	struct answering a = { .answer = VM_FAULT_RETRY, .times = 1 };
	unsigned long addr = map_answering(test, &a);
	u8 byte = 1;

	KUNIT_EXPECT_TRUE(test, VM_FAULT_RETRY == fixture_fault(test, addr, 0));
	scoped_guard(mmap_write_lock, current->mm)
		vma_start_write(vma_lookup(current->mm, addr));

	a.calls = 0;
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_EQ(test, 2, a.calls);
	vm_munmap(addr, PAGE_SIZE);
}

/* MAJOR is for the statistics only. */
/* ids: LK-57 */
static void major_is_counted(struct kunit *test)
{
	struct answering a = { .answer = VM_FAULT_MAJOR, .times = 1 };
	unsigned long addr = map_answering(test, &a);
	unsigned long major = current->maj_flt, minor = current->min_flt;

	KUNIT_EXPECT_FALSE(test, fixture_fault(test, addr, 0));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, major + 1, current->maj_flt);
	KUNIT_EXPECT_EQ(test, minor, current->min_flt);
	vm_munmap(addr, PAGE_SIZE);
}

static struct kunit_case answers_cases[] = {
	KUNIT_CASE_PARAM(fault_error_is_returned, error_gen_params),
	KUNIT_CASE(nopage_faults_again),
	KUNIT_CASE(retry_gives_up_lock),
	KUNIT_CASE(major_is_counted),
	{}
};

static struct kunit_suite answers_suite = {
	.name		= "mapdev_answers",
	.test_cases	= answers_cases,
};

kunit_test_suite(answers_suite);
