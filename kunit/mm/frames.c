// SPDX-License-Identifier: GPL-2.0
/* Page frames, remapped by ->mmap and by mmap_prepare, and looked up. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

#define PAGES 4
#define SIZE (PAGES * PAGE_SIZE)
#define REMAP_FLAGS (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP)

/* The first PFN, and how many pages of the mapping are filled. */
struct filling {
	unsigned long pfn, pages;
};

static int old_hook(struct file *file, struct vm_area_struct *vma)
{
	const struct filling *filling = file->private_data;

	mmap_assert_write_locked(vma->vm_mm);
	return remap_pfn_range(vma, vma->vm_start, filling->pfn,
			       filling->pages << PAGE_SHIFT, vma->vm_page_prot);
}

static int new_hook(struct vm_area_desc *desc)
{
	const struct filling *filling = desc->file->private_data;

	mmap_assert_write_locked(desc->mm);
	if (filling->pages == vma_desc_pages(desc))
		mmap_action_remap_full(desc, filling->pfn);
	else
		mmap_action_remap(desc, desc->start, filling->pfn,
				  filling->pages << PAGE_SHIFT);
	return 0;
}

static const struct file_operations old_fops = {
	.owner	= THIS_MODULE,
	.mmap	= old_hook,
};

static const struct file_operations new_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= new_hook,
};

struct hook_case {
	const char *name;
	const struct file_operations *fops;
};

static const struct hook_case hook_cases[] = {
	{ "mmap", &old_fops },
	{ "mmap_prepare", &new_fops },
};

static void hook_case_name(const struct hook_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hook, hook_cases, hook_case_name);

static void fill(struct kunit *test, struct filling *filling)
{
	filling->pfn = page_to_pfn(bare_pages(test, GFP_KERNEL, 2));
	filling->pages = PAGES;
}

static unsigned long map(struct kunit *test, struct filling *filling, int flags)
{
	const struct hook_case *c = test->param_value;
	struct file *file = bare_open(test, c->fops, filling);

	return kunit_vm_mmap(test, file, 0, SIZE, PROT_READ | PROT_WRITE, flags,
			     7 << PAGE_SHIFT);
}

/* Both hooks set these flags, and map the frames before the first access. */
/* ids: MP-20 MP-30 MP-31 MP-32 LK-19 ME-26 ME-27 ME-28 */
static void remap_fills_mapping(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct filling filling;
	unsigned long addr;

	fill(test, &filling);
	addr = map(test, &filling, MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	for (int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, filling.pfn + i,
				bare_pfn(addr + i * PAGE_SIZE));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	KUNIT_EXPECT_EQ(test, REMAP_FLAGS, vma->vm_flags & REMAP_FLAGS);
	KUNIT_EXPECT_EQ(test, 7, vma->vm_pgoff);
	mmap_read_unlock(current->mm);
	vm_munmap(addr, SIZE);
}

/* Without fault(), the rest of the mapping cannot be accessed. */
/* ids: MP-34 ME-26 */
static void remap_fills_part(struct kunit *test)
{
	struct filling filling;
	unsigned long addr;

	fill(test, &filling);
	filling.pages = 1;
	addr = map(test, &filling, MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, filling.pfn, bare_pfn(addr));
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			put_user((u8)1, (u8 __user *)(addr + PAGE_SIZE)));
	vm_munmap(addr, SIZE);
}

/*
 * A private mapping must be remapped whole; a write copies the page. vm_pgoff
 * is the first PFN, and not only on architectures without special entries, as
 * the document has it (D-18). Therefore unmap_mapping_range() by offset misses
 * it.
 */
/* ids: PA-17 ME-26 ME-40 */
static void remap_of_private_sets_pgoff(struct kunit *test)
{
	const struct hook_case *c = test->param_value;
	struct vm_area_struct *vma;
	struct filling filling;
	unsigned long addr;
	struct file *file;

	fill(test, &filling);
	file = bare_open(test, c->fops, &filling);
	addr = kunit_vm_mmap(test, file, 0, SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE, 7 << PAGE_SHIFT);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	KUNIT_EXPECT_EQ(test, filling.pfn, vma->vm_pgoff);
	mmap_read_unlock(current->mm);

	unmap_mapping_range(file->f_mapping, 7 << PAGE_SHIFT, SIZE, 1);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)42, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, *(u8 *)pfn_to_kaddr(filling.pfn));
	KUNIT_EXPECT_NE(test, filling.pfn, bare_pfn(addr));
	unmap_mapping_range(file->f_mapping, (loff_t)filling.pfn << PAGE_SHIFT,
			    SIZE, 1);
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));
	vm_munmap(addr, SIZE);

	filling.pages = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map(test, &filling, MAP_PRIVATE));
}

/* The page table lock is held from start to end. */
/* ids: ME-47 */
static void follow_pfnmap_holds_ptl(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct filling filling;
	unsigned long addr;

	test->param_value = &hook_cases[1];
	fill(test, &filling);
	addr = map(test, &filling, MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	args.vma = bare_vma(test, addr);
	args.address = addr + PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, follow_pfnmap_start(&args));
	KUNIT_EXPECT_EQ(test, filling.pfn + 1, args.pfn);
	KUNIT_EXPECT_FALSE(test, spin_trylock(args.lock));
	follow_pfnmap_end(&args);
	mmap_read_unlock(current->mm);
	vm_munmap(addr, SIZE);
}

static struct kunit_case frames_cases[] = {
	KUNIT_CASE_PARAM(remap_fills_mapping, hook_gen_params),
	KUNIT_CASE_PARAM(remap_fills_part, hook_gen_params),
	KUNIT_CASE_PARAM(remap_of_private_sets_pgoff, hook_gen_params),
	KUNIT_CASE(follow_pfnmap_holds_ptl),
	{}
};

static struct kunit_suite frames_suite = {
	.name		= "mapdev_frames",
	.test_cases	= frames_cases,
};

kunit_test_suite(frames_suite);
