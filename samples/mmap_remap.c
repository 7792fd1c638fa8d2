// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_remap: a contiguous buffer, mapped all at once by its page frames.
 *
 * This is what remap_pfn_range() in ->mmap becomes. It is for memory that is
 * there as long as the device can be open: what may have to go earlier needs
 * faults (mmap_fault.c). Nobody can pin page frames, so the buffer may be freed
 * when the last mapping is gone; O_DIRECT and ptrace do not work on it either.
 *
 *   insmod mmap_remap.ko [readonly=1]	makes /dev/mmap_remap
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#define REMAP_PAGES	64
#define REMAP_SIZE	(REMAP_PAGES * PAGE_SIZE)

static bool readonly;
module_param(readonly, bool, 0444);
MODULE_PARM_DESC(readonly, "programs can look, and not write");

static void *remap_buffer;

/*
 * Inside of the device? In pages and by subtraction: no sum of what the program
 * asked for, which could wrap.
 */
static bool remap_has_range(const struct vm_area_desc *desc)
{
	return desc->pgoff <= REMAP_PAGES &&
	       vma_desc_pages(desc) <= REMAP_PAGES - desc->pgoff;
}

/*
 * FMODE_WRITE is core's business: a shared mapping of a file that was opened
 * read-only never becomes writable. That the object itself is read-only is
 * ours. Refuse to write now, and forbid it to a later mprotect().
 */
static int remap_check_readonly(struct vm_area_desc *desc)
{
	if (vma_desc_test(desc, VMA_WRITE_BIT))
		return -EPERM;
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	return 0;
}

/*
 * There is no VMA yet, and there may never be one: core can still fail, or let
 * the new mapping melt into its neighbour. So nothing is allocated, counted or
 * referenced here. The mapping will hold the file, and the file this module.
 */
static int remap_mmap_prepare(struct vm_area_desc *desc)
{
	if (!remap_has_range(desc))
		return -EINVAL;
	/*
	 * No MAP_PRIVATE: a copy would cut the program off from the device. To
	 * ask for !VM_SHARED is not the same, that is clear for MAP_SHARED of
	 * a file that was opened read-only, too.
	 */
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;
	/*
	 * Another page_prot would have to be set before the action, which
	 * takes a copy of it. The action sets VM_IO, VM_PFNMAP, VM_DONTEXPAND
	 * (so mremap() cannot grow past the end) and VM_DONTDUMP.
	 */
	mmap_action_remap_full(desc, page_to_pfn(virt_to_page(remap_buffer)) +
			       desc->pgoff);
	return readonly ? remap_check_readonly(desc) : 0;
}

/* The kernel's view of the same bytes. */
static ssize_t remap_read(struct file *file, char __user *to, size_t count,
			  loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, remap_buffer, REMAP_SIZE);
}

static const struct file_operations remap_fops = {
	.owner		= THIS_MODULE,
	.read		= remap_read,
	.mmap_prepare	= remap_mmap_prepare,
};

static struct miscdevice remap_device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "mmap_remap", .fops = &remap_fops,
};

static int __init remap_init(void)
{
	int err;

	/* Zeroed, or programs would read what others left behind. */
	remap_buffer = alloc_pages_exact(REMAP_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!remap_buffer)
		return -ENOMEM;
	err = misc_register(&remap_device);
	if (err)
		free_pages_exact(remap_buffer, REMAP_SIZE);
	return err;
}

static void __exit remap_exit(void)
{
	misc_deregister(&remap_device);
	free_pages_exact(remap_buffer, REMAP_SIZE);
}

module_init(remap_init);
module_exit(remap_exit);
MODULE_DESCRIPTION("mmap_prepare sample: page frames, mapped at once");
MODULE_LICENSE("GPL");
