// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_bar: a PCI BAR, mapped by faults since it can be unplugged while in use.
 * The driver takes only what driver_override gives it, and makes /dev/ADDRESS.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

/* Freed with the anchor, of which the driver and each file hold a reference. */
struct bar {
	struct file *anchor;		/* its f_mapping is that of all nodes */
	struct rw_semaphore lock;	/* comes after mmap_lock */
	unsigned long pfn, pages;	/* by lock; 0 pages: the device is gone */
	struct miscdevice misc;
};

/* The lock makes bar_remove() wait, so that it finds the entries of all faults. */
static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	struct bar *bar = vmf->vma->vm_file->private_data;

	guard(rwsem_read)(&bar->lock);
	return vmf->pgoff >= bar->pages ? VM_FAULT_SIGBUS :
		vmf_insert_pfn(vmf->vma, vmf->address, bar->pfn + vmf->pgoff);
}

static const struct vm_operations_struct bar_vm_ops = { .fault = bar_fault };

static int bar_mmap_prepare(struct vm_area_desc *desc)
{
	struct bar *bar = desc->file->private_data;
	unsigned long pages = READ_ONCE(bar->pages);

	if (vma_desc_is_cow_mapping(desc) || desc->pgoff >= pages ||
	    vma_desc_pages(desc) > pages - desc->pgoff)
		return pages ? -EINVAL : -ENODEV;
	/* x86 goes by what ioremap_wc() has reserved, others go by this. */
	desc->page_prot = pgprot_decrypted(pgprot_writecombine(desc->page_prot));
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT, VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);
	desc->vm_ops = &bar_vm_ops;
	return 0;
}

/* Core calls this under a lock that misc_deregister() takes: there is a bar. */
static int bar_open(struct inode *inode, struct file *file)
{
	struct bar *bar = container_of(file->private_data, struct bar, misc);

	file->private_data = bar;
	file->f_mapping = get_file(bar->anchor)->f_mapping;
	return 0;
}

static int bar_release(struct inode *inode, struct file *file)
{
	__fput_sync(((struct bar *)file->private_data)->anchor);
	return 0;
}

static const struct file_operations bar_fops = {
	.owner = THIS_MODULE, .open = bar_open, .release = bar_release,
	.mmap_prepare = bar_mmap_prepare,
};

static int bar_free(struct inode *inode, struct file *anchor)
{
	kfree(anchor->private_data);
	return 0;
}

/* No owner: a device is no reason to keep the module. (And so no late fput().) */
static const struct file_operations bar_anchor_fops = { .release = bar_free };

static int bar_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct resource *res = pci_resource_n(pdev, 2);	/* ivshmem: its memory */
	int err = res->flags & IORESOURCE_PREFETCH ? pcim_enable_device(pdev) : -ENODEV;
	struct bar *bar;

	/* By devres it is enabled, reserved for us, and WC, until after bar_remove(). */
	err = err ?: PTR_ERR_OR_ZERO(devm_ioremap_resource_wc(&pdev->dev, res));
	bar = err ? NULL : kzalloc_obj(*bar);
	if (!bar)
		return err ?: -ENOMEM;
	init_rwsem(&bar->lock);
	bar->pfn = PHYS_PFN(res->start);
	bar->pages = PHYS_PFN(resource_size(res));	/* no part of a page */
	bar->misc = (struct miscdevice){ .minor = MISC_DYNAMIC_MINOR,
					 .name = pci_name(pdev), .fops = &bar_fops };
	pci_set_drvdata(pdev, bar);
	bar->anchor = anon_inode_create_getfile("bar", &bar_anchor_fops, bar, 0, NULL);
	err = PTR_ERR_OR_ZERO(bar->anchor) ?: misc_register(&bar->misc);
	if (IS_ERR(bar->anchor))
		kfree(bar);
	else if (err)
		__fput_sync(bar->anchor);
	return err;
}

static void bar_remove(struct pci_dev *pdev)
{
	struct bar *bar = pci_get_drvdata(pdev);

	misc_deregister(&bar->misc);
	scoped_guard(rwsem_write, &bar->lock)
		bar->pages = 0;
	unmap_mapping_range(bar->anchor->f_mapping, 0, 0, 1);
	__fput_sync(bar->anchor);
}

static struct pci_driver bar_driver = {
	.name = "mmap_bar", .probe = bar_probe, .remove = bar_remove,
};
module_pci_driver(bar_driver);
MODULE_DESCRIPTION("mmap_prepare sample: a PCI BAR that can be unplugged");
MODULE_LICENSE("GPL");
