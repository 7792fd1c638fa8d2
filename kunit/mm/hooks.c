// SPDX-License-Identifier: GPL-2.0
/* The hooks of a driver: their types, and what mmap(2) makes of them. */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "bare.h"
#include "mock.h"

/* Does the kernel declare the hook with this type? */
#define HOOK_IS(table, hook, type) \
	static_assert(__same_type(type, typeof_member(struct table, hook)))

/* --- file_operations --- */

/* As in the code: some types in the document are older (D-16). */
HOOK_IS(file_operations, llseek, loff_t (*)(struct file *, loff_t, int));
HOOK_IS(file_operations, read_iter,
	ssize_t (*)(struct kiocb *, struct iov_iter *));
HOOK_IS(file_operations, write_iter,
	ssize_t (*)(struct kiocb *, struct iov_iter *));
HOOK_IS(file_operations, iopoll,
	int (*)(struct kiocb *, struct io_comp_batch *, unsigned int));
HOOK_IS(file_operations, poll,
	__poll_t (*)(struct file *, struct poll_table_struct *));
HOOK_IS(file_operations, unlocked_ioctl,
	long (*)(struct file *, unsigned int, unsigned long));
HOOK_IS(file_operations, compat_ioctl,
	long (*)(struct file *, unsigned int, unsigned long));
HOOK_IS(file_operations, mmap, int (*)(struct file *, struct vm_area_struct *));
HOOK_IS(file_operations, mmap_prepare, int (*)(struct vm_area_desc *));
HOOK_IS(file_operations, open, int (*)(struct inode *, struct file *));
HOOK_IS(file_operations, flush, int (*)(struct file *, fl_owner_t));
HOOK_IS(file_operations, release, int (*)(struct inode *, struct file *));
HOOK_IS(file_operations, fsync,
	int (*)(struct file *, loff_t, loff_t, int));
HOOK_IS(file_operations, setlease,
	int (*)(struct file *, int, struct file_lease **, void **));
HOOK_IS(file_operations, get_unmapped_area,
	unsigned long (*)(struct file *, unsigned long, unsigned long,
			  unsigned long, unsigned long));
HOOK_IS(file_operations, splice_read,
	ssize_t (*)(struct file *, loff_t *, struct pipe_inode_info *, size_t,
		    unsigned int));
HOOK_IS(file_operations, splice_write,
	ssize_t (*)(struct pipe_inode_info *, struct file *, loff_t *, size_t,
		    unsigned int));
HOOK_IS(file_operations, show_fdinfo, void (*)(struct seq_file *, struct file *));

/* --- vm_operations_struct --- */

/* In the document, the *_mkwrite hooks take a VMA, too (D-8). */
HOOK_IS(vm_operations_struct, open, void (*)(struct vm_area_struct *));
HOOK_IS(vm_operations_struct, close, void (*)(struct vm_area_struct *));
HOOK_IS(vm_operations_struct, mapped,
	int (*)(unsigned long, unsigned long, pgoff_t, const struct file *,
		void **));
HOOK_IS(vm_operations_struct, may_split,
	int (*)(struct vm_area_struct *, unsigned long));
HOOK_IS(vm_operations_struct, mremap, int (*)(struct vm_area_struct *));
HOOK_IS(vm_operations_struct, fault, vm_fault_t (*)(struct vm_fault *));
HOOK_IS(vm_operations_struct, huge_fault,
	vm_fault_t (*)(struct vm_fault *, unsigned int));
HOOK_IS(vm_operations_struct, map_pages,
	vm_fault_t (*)(struct vm_fault *, pgoff_t, pgoff_t));
HOOK_IS(vm_operations_struct, page_mkwrite, vm_fault_t (*)(struct vm_fault *));
HOOK_IS(vm_operations_struct, pfn_mkwrite, vm_fault_t (*)(struct vm_fault *));
HOOK_IS(vm_operations_struct, access,
	int (*)(struct vm_area_struct *, unsigned long, void *, int, int));

/* --- mmap(2) --- */

/* ids: MP-2 LK-20 */
static void mmap_needs_one_hook(struct kunit *test)
{
	struct mock_driver *driver = mock_open(test, &mock_both_fops);

	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -ENODEV,
				(long)mock_map(test, driver, 0, 0, 1));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, 0, driver->prepared);

	driver = mock_open(test, &mock_neither_fops);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)mock_map(test, driver, 0, 0, 1));
}

struct address_case {
	const char *name;
	unsigned long addr;
	int err;
};

/* Answers that mm core refuses. */
static const struct address_case address_cases[] = {
	{ "unaligned", SZ_1G + 1, -EINVAL },
	{ "kernel address", -2 * PAGE_SIZE, -ENOMEM },
	{ "errno", -ENODEV, -ENODEV },
};

static void address_case_name(const struct address_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(address, address_cases, address_case_name);

static unsigned long bad_area(struct file *file, unsigned long addr,
			      unsigned long length, unsigned long pgoff,
			      unsigned long flags)
{
	const struct address_case *c = file->private_data;

	return c->addr;
}

static int never_prepare(struct vm_area_desc *desc)
{
	return -ENOTTY;
}

static const struct file_operations bad_area_fops = {
	.owner			= THIS_MODULE,
	.get_unmapped_area	= bad_area,
	.mmap_prepare		= never_prepare,
};

/* ids: LK-27 */
static void mmap_refuses_bad_address(struct kunit *test)
{
	const struct address_case *c = test->param_value;
	struct file *file = bare_open(test, &bad_area_fops, (void *)c);

	KUNIT_EXPECT_EQ(test, c->err,
			(long)fixture_map(test, file, 0, PAGE_SIZE, PROT_READ));
}

static struct kunit_case hooks_cases[] = {
	KUNIT_CASE(mmap_needs_one_hook),
	KUNIT_CASE_PARAM(mmap_refuses_bad_address, address_gen_params),
	{}
};

static struct kunit_suite hooks_suite = {
	.name		= "mapdev_hooks",
	.test_cases	= hooks_cases,
};

kunit_test_suite(hooks_suite);
