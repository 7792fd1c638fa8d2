// SPDX-License-Identifier: GPL-2.0
/* Page frames, remapped by ->mmap and by mmap_prepare, and looked up. */
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"
#include "worker.h"

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

static int io_hook(struct vm_area_desc *desc)
{
	const struct filling *filling = desc->file->private_data;

	if (filling->pages == vma_desc_pages(desc))
		mmap_action_ioremap_full(desc, filling->pfn);
	else
		mmap_action_ioremap(desc, desc->start, filling->pfn,
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

static const struct file_operations io_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= io_hook,
};

struct hook_case {
	const char *name;
	const struct file_operations *fops;
};

static const struct hook_case hook_cases[] = {
	{ "mmap", &old_fops },
	{ "mmap_prepare", &new_fops },
	{ "ioremap", &io_fops },
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
/* ids: MP-20 MP-30 MP-31 MP-32 MP-33 LK-19 ME-26 ME-27 ME-28 */
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
/* ids: MP-33 MP-34 ME-26 */
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
/* ids: PA-17 MP-33 ME-26 ME-40 */
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

/* The helpers warn of more than the mapping has, and mm core refuses it. */
/* ids: MP-31 MP-33 */
static void remap_refuses_more(struct kunit *test)
{
	struct filling filling;

	fill(test, &filling);
	filling.pages = PAGES + 1;
	for (int i = 1; i < ARRAY_SIZE(hook_cases); i++) {
		test->param_value = &hook_cases[i];
		kunit_warning_suppress(test) {
			KUNIT_EXPECT_EQ(test, -EFAULT,
					(long)map(test, &filling, MAP_SHARED));
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		}
	}
}

/* --- A physical range, of which a mapping has a part --- */

static int old_simple_hook(struct file *file, struct vm_area_struct *vma)
{
	const struct filling *filling = file->private_data;

	return vm_iomap_memory(vma, PFN_PHYS(filling->pfn),
			       filling->pages << PAGE_SHIFT);
}

static int new_simple_hook(struct vm_area_desc *desc)
{
	const struct filling *filling = desc->file->private_data;

	mmap_action_simple_ioremap(desc, PFN_PHYS(filling->pfn),
				   filling->pages << PAGE_SHIFT);
	return 0;
}

static const struct file_operations old_simple_fops = {
	.owner	= THIS_MODULE,
	.mmap	= old_simple_hook,
};

static const struct file_operations new_simple_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= new_simple_hook,
};

static const struct hook_case simple_cases[] = {
	{ "vm_iomap_memory", &old_simple_fops },
	{ "simple_ioremap", &new_simple_fops },
};

KUNIT_ARRAY_PARAM(simple, simple_cases, hook_case_name);

/* The driver gives the range; offset and size are those of the mapping. */
/* ids: MP-35 ME-31 */
static void simple_ioremap_maps_part(struct kunit *test)
{
	const struct hook_case *c = test->param_value;
	unsigned long addr, size = 2 * PAGE_SIZE;
	struct filling filling;
	struct file *file;

	fill(test, &filling);
	file = bare_open(test, c->fops, &filling);
	for (pgoff_t from = 0; from + 2 <= PAGES; from++) {
		addr = fixture_map(test, file, from << PAGE_SHIFT, size,
				   PROT_READ | PROT_WRITE);
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
		KUNIT_EXPECT_EQ(test, filling.pfn + from, bare_pfn(addr));
		KUNIT_EXPECT_EQ(test, filling.pfn + from + 1,
				bare_pfn(addr + PAGE_SIZE));
		vm_munmap(addr, size);
	}
	for (pgoff_t from = PAGES - 1; from < PAGES + 2; from++)
		KUNIT_EXPECT_EQ(test, -EINVAL,
				(long)fixture_map(test, file, from << PAGE_SHIFT,
						  size, PROT_READ));
}

/* --- Looking up --- */

struct unmapper {
	struct worker worker;
	struct mm_struct *mm;
	unsigned long addr;
};

static void unmap(struct work_struct *work)
{
	struct unmapper *unmapper = container_of(work, struct unmapper,
						 worker.work);

	kthread_use_mm(unmapper->mm);
	worker_begin(&unmapper->worker);
	vm_munmap(unmapper->addr + PAGE_SIZE, SIZE - PAGE_SIZE);
	kthread_unuse_mm(unmapper->mm);
	complete(&unmapper->worker.done);
}

/*
 * To walk page tables, the lock of the reverse mapping is enough (D-24), whatever
 * the mm does: here it splits the VMA. Without a lock, the lookup warns.
 */
/* ids: PA-28 PA-30 */
static void follow_pfnmap_under_rmap_lock(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct unmapper unmapper;
	struct address_space *mapping;
	struct filling filling;
	int err;

	test->param_value = &hook_cases[1];
	fill(test, &filling);
	unmapper.addr = map(test, &filling, MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(unmapper.addr));
	unmapper.mm = current->mm;
	args.address = unmapper.addr + PAGE_SIZE;
	scoped_guard(mmap_read_lock, current->mm)
		args.vma = vma_lookup(current->mm, unmapper.addr);
	mapping = args.vma->vm_file->f_mapping;
	kunit_warning_suppress(test) {
		if (!follow_pfnmap_start(&args))
			follow_pfnmap_end(&args);
		KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_LOCKDEP),
				KUNIT_SUPPRESSED_WARNING_COUNT());
	}

	i_mmap_lock_read(mapping);
	worker_start(&unmapper.worker, unmap);
	worker_wait_blocked(&unmapper.worker);
	KUNIT_EXPECT_FALSE(test, completion_done(&unmapper.worker.done));
	err = follow_pfnmap_start(&args);
	KUNIT_EXPECT_EQ(test, 0, err);
	if (!err) {
		KUNIT_EXPECT_EQ(test, filling.pfn + 1, args.pfn);
		follow_pfnmap_end(&args);
	}
	i_mmap_unlock_read(mapping);
	worker_end(&unmapper.worker);
	KUNIT_EXPECT_EQ(test, 0, bare_pfn(unmapper.addr + PAGE_SIZE));
	vm_munmap(unmapper.addr, SIZE);
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
	KUNIT_CASE(remap_refuses_more),
	KUNIT_CASE_PARAM(simple_ioremap_maps_part, simple_gen_params),
	KUNIT_CASE(follow_pfnmap_under_rmap_lock),
	KUNIT_CASE(follow_pfnmap_holds_ptl),
	{}
};

static struct kunit_suite frames_suite = {
	.name		= "mapdev_frames",
	.test_cases	= frames_cases,
};

kunit_test_suite(frames_suite);
