// SPDX-License-Identifier: GPL-2.0
#include <kunit/resource.h>
#include <linux/anon_inodes.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

static int plain_mmap_prepare(struct vm_area_desc *desc)
{
	return 0;
}

static int mixed_mmap_prepare(struct vm_area_desc *desc)
{
	vma_desc_set_flags(desc, VMA_MIXEDMAP_BIT, VMA_DONTEXPAND_BIT);
	return 0;
}

static int frames_mmap_prepare(struct vm_area_desc *desc)
{
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT, VMA_DONTEXPAND_BIT,
			   VMA_DONTDUMP_BIT);
	return 0;
}

const struct file_operations bare_plain_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= plain_mmap_prepare,
};

const struct file_operations bare_mixed_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= mixed_mmap_prepare,
};

const struct file_operations bare_frames_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= frames_mmap_prepare,
};

struct file *bare_open(struct kunit *test, const struct file_operations *fops,
		       void *data)
{
	return fixture_keep(test, anon_inode_getfile("[kunit-bare]", fops, data,
						     O_RDWR));
}

struct vm_area_struct *bare_vma(struct kunit *test, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, addr);

	if (!vma)
		mmap_read_unlock(current->mm);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	return vma;
}

struct bare_pages {
	struct page *page;
	unsigned int order;
};

static void free_pages_action(void *data)
{
	const struct bare_pages *pages = data;

	__free_pages(pages->page, pages->order);
}

struct page *bare_pages(struct kunit *test, gfp_t gfp, unsigned int order)
{
	struct bare_pages *pages = kunit_kzalloc(test, sizeof(*pages),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	pages->order = order;
	pages->page = alloc_pages(gfp | __GFP_ZERO, order);
	KUNIT_ASSERT_NOT_NULL(test, pages->page);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_pages_action,
						  pages));
	return pages->page;
}

unsigned long bare_pfn(unsigned long addr)
{
	struct follow_pfnmap_args args = { .address = addr };

	guard(mmap_read_lock)(current->mm);
	args.vma = vma_lookup(current->mm, addr);
	if (!args.vma || follow_pfnmap_start(&args))
		return 0;
	follow_pfnmap_end(&args);
	return args.pfn;
}
