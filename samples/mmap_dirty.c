// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_dirty: which pages have programs written to since we last asked?
 *
 * ioctl(fd, DIRTY_IOC_COLLECT, page) says 1 if so, and write-protects the page
 * again, so that the next write is noticed, too. Look at its data after that.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rmap.h>
#include <linux/vmalloc.h>

#define DIRTY_IOC_COLLECT	_IO('M', 0xd1)
#define DIRTY_PAGES	64

static void *dirty_buffer;
static DECLARE_BITMAP(dirty_map, DIRTY_PAGES);
static struct file *dirty_anchor;

static vm_fault_t dirty_vma_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= DIRTY_PAGES)
		return VM_FAULT_SIGBUS;
	vmf->page = vmalloc_to_page(dirty_buffer + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);	/* core maps it, and keeps this reference */
	return 0;
}

/*
 * Core makes the entry writable after this and before it unlocks the page. It
 * must be us who lock it: without page->mapping core would try again for ever.
 */
static vm_fault_t dirty_vma_page_mkwrite(struct vm_fault *vmf)
{
	lock_page(vmf->page);
	set_bit(vmf->pgoff, dirty_map);
	return VM_FAULT_LOCKED;
}

static const struct vm_operations_struct dirty_vm_ops = {
	.fault = dirty_vma_fault, .page_mkwrite = dirty_vma_page_mkwrite,
};

static int dirty_mmap_prepare(struct vm_area_desc *desc)
{
	if (desc->pgoff > DIRTY_PAGES ||
	    vma_desc_pages(desc) > DIRTY_PAGES - desc->pgoff ||
	    vma_desc_is_cow_mapping(desc))
		return -EINVAL;
	/* VM_IO: nobody pins our pages, to write to them later and unseen. */
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &dirty_vm_ops;
	return 0;
}

/* Each node (mknod makes more) has its own i_mapping; to find all we need one. */
static int dirty_open(struct inode *inode, struct file *file)
{
	file->f_mapping = dirty_anchor->f_mapping;
	return 0;
}

/* The lock keeps us out from between page_mkwrite() and the writable entry. */
static long dirty_ioctl(struct file *file, unsigned int cmd, unsigned long index)
{
	struct page *page;
	int dirty;

	if (cmd != DIRTY_IOC_COLLECT)
		return -ENOTTY;
	if (index >= DIRTY_PAGES)
		return -EINVAL;
	page = vmalloc_to_page(dirty_buffer + (index << PAGE_SHIFT));
	lock_page(page);
	dirty = test_and_clear_bit(index, dirty_map);
	if (dirty)	/* folio_mkclean() would need a page->mapping */
		mapping_wrprotect_range(file->f_mapping, index, page_to_pfn(page), 1);
	unlock_page(page);
	return dirty;
}

static const struct file_operations dirty_fops = {
	.owner = THIS_MODULE, .open = dirty_open,
	.mmap_prepare = dirty_mmap_prepare, .unlocked_ioctl = dirty_ioctl,
};

static struct miscdevice dirty_device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "mmap_dirty", .fops = &dirty_fops,
};

static int __init dirty_init(void)
{
	static const struct file_operations none;	/* so also no .owner */
	int err;

	dirty_anchor = anon_inode_create_getfile("dirty", &none, NULL, 0, NULL);
	if (IS_ERR(dirty_anchor))
		return PTR_ERR(dirty_anchor);
	dirty_buffer = vmalloc_user(DIRTY_PAGES << PAGE_SHIFT);
	err = dirty_buffer ? misc_register(&dirty_device) : -ENOMEM;
	if (err) {
		vfree(dirty_buffer);
		__fput_sync(dirty_anchor);
	}
	return err;
}

static void __exit dirty_exit(void)
{
	misc_deregister(&dirty_device);
	vfree(dirty_buffer);
	__fput_sync(dirty_anchor);	/* fput() would look at "none" later */
}
module_init(dirty_init);
module_exit(dirty_exit);
MODULE_DESCRIPTION("mmap_prepare sample: a log of written pages");
MODULE_LICENSE("GPL");
