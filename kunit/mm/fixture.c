// SPDX-License-Identifier: GPL-2.0
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "fixture.h"

/*
 * A kernel thread defers the last fput(). Run it before the case ends, since the
 * file holds the region and the module.
 */
static void close_action(void *file)
{
	filp_close(file, NULL);
	flush_delayed_fput();
}

struct file *fixture_keep(struct kunit *test, struct file *file)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, close_action, file));
	return file;
}

void fixture_close(struct kunit *test, struct file *file)
{
	kunit_release_action(test, close_action, file);
}

unsigned long fixture_map(struct kunit *test, struct file *file, u64 offset,
			  u64 length, unsigned long prot)
{
	return kunit_vm_mmap(test, file, 0, length, prot, MAP_SHARED, offset);
}

void fixture_needs_map_pages(struct kunit *test)
{
	if (PAGE_SIZE == SZ_64K)
		kunit_skip(test, "mm core maps at most 64K around a fault: one page");
}

void fixture_needs_huge_frames(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP))
		kunit_skip(test, "this kernel maps no PMDs of page frames");
}

vm_fault_t fixture_fault(struct kunit *test, unsigned long addr,
			 unsigned int flags)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(current->mm, addr);
	vm_fault_t ret;

	KUNIT_ASSERT_NOT_NULL(test, vma);
	ret = handle_mm_fault(vma, addr, FAULT_FLAG_DEFAULT |
			      FAULT_FLAG_VMA_LOCK | flags, NULL);
	if (!(ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		vma_end_read(vma);
	return ret & (VM_FAULT_ERROR | VM_FAULT_RETRY);
}

/* With page faults disabled, only a present page can be copied. */
bool fixture_is_present(unsigned long addr)
{
	u8 byte;
	int err;

	pagefault_disable();
	err = __copy_from_user_inatomic(&byte, (u8 __user *)addr, 1);
	pagefault_enable();
	return !err;
}
