// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_pages: single pages that lie anywhere, mapped all at once.
 *
 * This is what vm_insert_page() in a loop, vm_insert_pages() and vm_map_pages()
 * in ->mmap become. Page tables and programs that pin (O_DIRECT, RDMA) hold
 * references: give pages back by put_page(), and do not assume they are free.
 *
 * /sys/module/mmap_pages/parameters/mappings counts those of /dev/mmap_pages.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#define PAGES_COUNT	16

static struct page *pages[PAGES_COUNT];
static atomic_t pages_mappings;
module_param_named(mappings, pages_mappings.counter, int, 0444);

/*
 * Per-mapping state, if you need it (a count; a reference is the same), begins
 * in mapped(). Core calls close() also when mapped() failed or never ran: only
 * the token that mapped() left in vm_private_data tells. What fork() copies or
 * munmap() splits comes by open(), and has inherited the token.
 */
static int pages_vma_mapped(unsigned long start, unsigned long end,
			    pgoff_t pgoff, const struct file *file,
			    void **vm_private_data)
{
	atomic_inc(&pages_mappings);
	*vm_private_data = &pages_mappings;
	return 0;
}

static void pages_vma_open(struct vm_area_struct *vma)
{
	if (vma->vm_private_data)
		atomic_inc(&pages_mappings);
}

static void pages_vma_close(struct vm_area_struct *vma)
{
	if (vma->vm_private_data)
		atomic_dec(&pages_mappings);
}

/* madvise(MADV_DONTNEED) takes pages away: without this, SIGBUS from then on. */
static vm_fault_t pages_vma_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= PAGES_COUNT)
		return VM_FAULT_SIGBUS;
	vmf->page = pages[vmf->pgoff];
	get_page(vmf->page);	/* core maps it, and keeps this reference */
	return 0;
}

static const struct vm_operations_struct pages_vm_ops = {
	.mapped	= pages_vma_mapped,
	.open	= pages_vma_open,
	.close	= pages_vma_close,
	.fault	= pages_vma_fault,
};

static int pages_mmap_prepare(struct vm_area_desc *desc)
{
	if (desc->pgoff > PAGES_COUNT ||
	    vma_desc_pages(desc) > PAGES_COUNT - desc->pgoff)
		return -EINVAL;
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;
	/*
	 * The action sets VM_MIXEDMAP, which keeps mappings from merging but
	 * not from growing: mremap() would ask nobody.
	 */
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &pages_vm_ops;
	/* Core maps the array from its start: the offset is ours to add. */
	mmap_action_map_kernel_pages_full(desc, pages + desc->pgoff);
	return 0;
}

static const struct file_operations pages_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= pages_mmap_prepare,
};

static struct miscdevice pages_device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "mmap_pages", .fops = &pages_fops,
};

static void pages_put(void)
{
	for (int i = 0; i < PAGES_COUNT && pages[i]; i++)
		put_page(pages[i]);
}

static int __init pages_init(void)
{
	unsigned long got;
	int err;

	got = alloc_pages_bulk(GFP_HIGHUSER | __GFP_ZERO, PAGES_COUNT, pages);
	err = got == PAGES_COUNT ? misc_register(&pages_device) : -ENOMEM;
	if (err)
		pages_put();
	return err;
}

static void __exit pages_exit(void)
{
	misc_deregister(&pages_device);
	pages_put();
}

module_init(pages_init);
module_exit(pages_exit);
MODULE_DESCRIPTION("mmap_prepare sample: an array of pages, mapped at once");
MODULE_LICENSE("GPL");
