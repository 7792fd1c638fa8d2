// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_fault: page frames mapped by faults, so that they can be taken away.
 *
 * "echo 1 > /dev/mmap_fault" takes the buffer from all programs that have it
 * mapped, and frees it: each touch is SIGBUS from then on. "echo 0" gives them a
 * new, empty one, in the same mappings. (In your driver, that is more likely to
 * be done by an unplugged cable than by a program.)
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kstrtox.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rwsem.h>

#define FAULT_PAGES	64
#define FAULT_SIZE	(FAULT_PAGES << PAGE_SHIFT)

/* Comes after mmap_lock: never held while copying to or from a program. */
static DECLARE_RWSEM(fault_lock);
static void *fault_buffer;		/* by fault_lock; NULL: revoked */
static struct file *fault_anchor;	/* see fault_open() */

/* The lock makes a revoke wait, so that it finds the entries of all faults. */
static vm_fault_t fault_vma_fault(struct vm_fault *vmf)
{
	guard(rwsem_read)(&fault_lock);
	if (!fault_buffer || vmf->pgoff >= FAULT_PAGES)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, vmf->pgoff +
			      page_to_pfn(virt_to_page(fault_buffer)));
}

static const struct vm_operations_struct fault_vm_ops = {
	.fault = fault_vma_fault,
};

/* Is it revoked? Not asked here: it may be as soon as this has returned. */
static int fault_mmap_prepare(struct vm_area_desc *desc)
{
	/* Copy on write of page frames is a BUG_ON in vmf_insert_pfn(). */
	if (desc->pgoff > FAULT_PAGES ||
	    vma_desc_pages(desc) > FAULT_PAGES - desc->pgoff ||
	    vma_desc_is_cow_mapping(desc))
		return -EINVAL;
	/* Without an action these are ours to set; a fault must not. */
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT,
			   VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);
	desc->vm_ops = &fault_vm_ops;
	return 0;
}

/* Each node (mknod makes more) has its own i_mapping; a revoke needs one. */
static int fault_open(struct inode *inode, struct file *file)
{
	file->f_mapping = fault_anchor->f_mapping;
	return 0;
}

/* The old buffer can be freed: nobody reaches it any more. */
static int fault_renew(bool revoke)
{
	guard(rwsem_write)(&fault_lock);
	if (fault_buffer) {
		unmap_mapping_range(fault_anchor->f_mapping, 0, 0, 1);
		free_pages_exact(fault_buffer, FAULT_SIZE);
	}
	fault_buffer = revoke ? NULL :
		alloc_pages_exact(FAULT_SIZE, GFP_KERNEL | __GFP_ZERO);
	return revoke || fault_buffer ? 0 : -ENOMEM;
}

static ssize_t fault_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	bool revoke;

	return kstrtobool_from_user(from, count, &revoke) ?:
	       fault_renew(revoke) ?: count;
}

static const struct file_operations fault_fops = {
	.owner		= THIS_MODULE,
	.open		= fault_open,
	.write		= fault_write,
	.mmap_prepare	= fault_mmap_prepare,
};

static struct miscdevice fault_device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "mmap_fault", .fops = &fault_fops,
};

static int __init fault_init(void)
{
	static const struct file_operations none;	/* so also no .owner */
	int err;

	fault_anchor = anon_inode_create_getfile("fault", &none, NULL, 0, NULL);
	if (IS_ERR(fault_anchor))
		return PTR_ERR(fault_anchor);
	err = fault_renew(false) ?: misc_register(&fault_device);
	if (err) {
		fault_renew(true);
		__fput_sync(fault_anchor);
	}
	return err;
}

static void __exit fault_exit(void)
{
	misc_deregister(&fault_device);
	fault_renew(true);
	__fput_sync(fault_anchor);	/* fput() would look at "none" later */
}
module_init(fault_init);
module_exit(fault_exit);
MODULE_DESCRIPTION("mmap_prepare sample: page frames by faults, with revoke");
MODULE_LICENSE("GPL");
