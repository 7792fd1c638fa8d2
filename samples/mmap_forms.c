// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_forms: the old and the new form of the same mapping, side by side, for
 * Documentation/driver-api/porting.rst. Each has a node of its own, /dev/form-NAME, and but
 * for the vmalloc ones they all show the same buffer. (What the new forms leave
 * out, because it is the same for all, is in the other samples.)
 */
#include <linux/anon_inodes.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#define FORM_PAGES	16
#define FORM_SIZE	(FORM_PAGES << PAGE_SHIFT)
#define FORM_HALF	(FORM_PAGES / 2)

static void *buffer, *vbuffer;
static unsigned long form_pfn;
static struct page *form_pages[FORM_PAGES];

static bool vma_fits(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_SHARED && vma->vm_pgoff <= FORM_PAGES &&
	       vma_pages(vma) <= FORM_PAGES - vma->vm_pgoff;
}

static bool desc_fits(struct vm_area_desc *desc)
{
	return !vma_desc_is_cow_mapping(desc) && desc->pgoff <= FORM_PAGES &&
	       vma_desc_pages(desc) <= FORM_PAGES - desc->pgoff;
}

/* --- remap_pfn_range(): the new form is mmap_remap.c --- */

static int old_remap(struct file *file, struct vm_area_struct *vma)
{
	if (!vma_fits(vma))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, form_pfn + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

/* --- io_remap_pfn_range() --- */

static int old_io_remap(struct file *file, struct vm_area_struct *vma)
{
	if (!vma_fits(vma))
		return -EINVAL;
	return io_remap_pfn_range(vma, vma->vm_start, form_pfn + vma->vm_pgoff,
				  vma->vm_end - vma->vm_start,
				  vma->vm_page_prot);
}

static int new_io_remap(struct vm_area_desc *desc)
{
	if (!desc_fits(desc))
		return -EINVAL;
	mmap_action_ioremap_full(desc, form_pfn + desc->pgoff);
	return 0;
}

/* --- vm_iomap_memory() --- */

static int old_iomap(struct file *file, struct vm_area_struct *vma)
{
	return vm_iomap_memory(vma, virt_to_phys(buffer), FORM_SIZE);
}

/* Core adds the offset, and looks at the end. */
static int new_iomap(struct vm_area_desc *desc)
{
	mmap_action_simple_ioremap(desc, virt_to_phys(buffer), FORM_SIZE);
	return 0;
}

/* --- vm_insert_page(), vm_map_pages(): the new form is mmap_pages.c --- */

static int old_insert(struct file *file, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;
	int err = 0;

	if (!vma_fits(vma))
		return -EINVAL;
	for (pgoff_t i = vma->vm_pgoff; addr < vma->vm_end && !err; i++) {
		err = vm_insert_page(vma, addr, form_pages[i]);
		addr += PAGE_SIZE;
	}
	return err;
}

static int old_pages(struct file *file, struct vm_area_struct *vma)
{
	return vm_map_pages(vma, form_pages, FORM_PAGES);
}

/* --- remap_vmalloc_range(): the pages of the range, by faults --- */

static int old_vmalloc(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, vbuffer, vma->vm_pgoff);
}

static vm_fault_t vmalloc_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= FORM_PAGES)
		return VM_FAULT_SIGBUS;
	vmf->page = vmalloc_to_page(vbuffer + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vmalloc_vm_ops = {
	.fault = vmalloc_fault,
};

static int new_vmalloc(struct vm_area_desc *desc)
{
	if (!desc_fits(desc))
		return -EINVAL;
	/* Those that remap_vmalloc_range() sets; or none, to merge and grow. */
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);
	desc->vm_ops = &vmalloc_vm_ops;
	return 0;
}

/* --- Several extents: here two, which change places --- */

static int old_extents(struct file *file, struct vm_area_struct *vma)
{
	const unsigned long half = FORM_HALF << PAGE_SHIFT;
	int err;

	if (!vma_fits(vma) || vma_pages(vma) != FORM_PAGES)
		return -EINVAL;
	err = remap_pfn_range(vma, vma->vm_start, form_pfn + FORM_HALF, half,
			      vma->vm_page_prot);
	return err ?: remap_pfn_range(vma, vma->vm_start + half, form_pfn, half,
				      vma->vm_page_prot);
}

/* An action is one extent, but each fault can find its own. */
static vm_fault_t extents_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= FORM_PAGES)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, form_pfn +
			      (vmf->pgoff + FORM_HALF) % FORM_PAGES);
}

static const struct vm_operations_struct extents_vm_ops = {
	.fault = extents_fault,
};

static int new_extents(struct vm_area_desc *desc)
{
	if (!desc_fits(desc))
		return -EINVAL;
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT,
			   VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);
	desc->vm_ops = &extents_vm_ops;
	return 0;
}

/* --- Faults and flags only: both have the same vm_ops --- */

static int old_fault(struct file *file, struct vm_area_struct *vma)
{
	if (!vma_fits(vma))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &extents_vm_ops;
	return 0;
}

/* --- A wrapper around the mmap of somebody else --- */

static int inner_mmap_prepare(struct vm_area_desc *desc)
{
	return new_io_remap(desc);
}

static const struct file_operations inner_fops = {
	.mmap_prepare = inner_mmap_prepare,
};

static struct file *inner_file;

/* vfs_mmap() takes both; a wrapped mmap_prepare gets its VMA made up for it. */
static int old_wrapper(struct file *file, struct vm_area_struct *vma)
{
	return vfs_mmap(inner_file, vma);
}

static int new_wrapper(struct vm_area_desc *desc)
{
	int err = inner_mmap_prepare(desc);

	if (!err)
		vma_desc_clear_flags(desc, VMA_MAYEXEC_BIT);
	return err;
}

#define FORM(_name, _hook) {						\
	.name = "form-" #_name,						\
	.fops = { .owner = THIS_MODULE, ._hook = _name },		\
}

/* By minor. */
static const struct form {
	const char *name;
	const struct file_operations fops;
} forms[] = {
	FORM(old_remap, mmap),
	FORM(old_io_remap, mmap), FORM(new_io_remap, mmap_prepare),
	FORM(old_iomap, mmap), FORM(new_iomap, mmap_prepare),
	FORM(old_insert, mmap), FORM(old_pages, mmap),
	FORM(old_vmalloc, mmap), FORM(new_vmalloc, mmap_prepare),
	FORM(old_extents, mmap), FORM(new_extents, mmap_prepare),
	FORM(old_fault, mmap),
	FORM(old_wrapper, mmap), FORM(new_wrapper, mmap_prepare),
};

/* The owner is the same, and so is the reference that the file has. */
static int forms_open(struct inode *inode, struct file *file)
{
	file->f_op = &forms[iminor(inode)].fops;
	return 0;
}

static const struct file_operations forms_fops = {
	.owner = THIS_MODULE, .open = forms_open,
};

static const struct class forms_class = { .name = "mmap_forms" };
static struct cdev forms_cdev;
static dev_t forms_devt;

static void forms_free(void)
{
	if (!IS_ERR(inner_file))
		__fput_sync(inner_file);
	vfree(vbuffer);
	free_pages_exact(buffer, FORM_SIZE);
}

static int forms_alloc(void)
{
	buffer = alloc_pages_exact(FORM_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!buffer)
		return -ENOMEM;
	form_pfn = page_to_pfn(virt_to_page(buffer));
	for (int i = 0; i < FORM_PAGES; i++)
		form_pages[i] = pfn_to_page(form_pfn + i);
	vbuffer = vmalloc_user(FORM_SIZE);
	inner_file = anon_inode_getfile("inner", &inner_fops, NULL, 0);
	if (vbuffer && !IS_ERR(inner_file))
		return 0;
	forms_free();
	return -ENOMEM;
}

static void forms_remove_nodes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		device_destroy(&forms_class, forms_devt + i);
}

/* Nodes that cannot be opened yet. */
static int forms_add_nodes(void)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forms) && !err; i++)
		err = PTR_ERR_OR_ZERO(device_create(&forms_class, NULL,
						    forms_devt + i, NULL, "%s",
						    forms[i].name));
	if (err)
		forms_remove_nodes();
	return err;
}

static int __init forms_init(void)
{
	int err = forms_alloc();

	if (err)
		return err;
	err = alloc_chrdev_region(&forms_devt, 0, ARRAY_SIZE(forms),
				  "mmap_forms");
	if (err)
		goto memory;
	err = class_register(&forms_class);
	if (err)
		goto numbers;
	err = forms_add_nodes();
	if (err)
		goto class;
	/*
	 * The last step that can fail, and one for all nodes: a failed init frees
	 * the module without asking whether a file of it is open.
	 */
	cdev_init(&forms_cdev, &forms_fops);
	forms_cdev.owner = THIS_MODULE;
	err = cdev_add(&forms_cdev, forms_devt, ARRAY_SIZE(forms));
	if (err)
		goto nodes;
	return 0;

nodes:
	forms_remove_nodes();
class:
	class_unregister(&forms_class);
numbers:
	unregister_chrdev_region(forms_devt, ARRAY_SIZE(forms));
memory:
	forms_free();
	return err;
}

static void __exit forms_exit(void)
{
	cdev_del(&forms_cdev);
	forms_remove_nodes();
	class_unregister(&forms_class);
	unregister_chrdev_region(forms_devt, ARRAY_SIZE(forms));
	forms_free();
}

module_init(forms_init);
module_exit(forms_exit);
MODULE_DESCRIPTION("mmap_prepare sample: old and new forms side by side");
MODULE_LICENSE("GPL");
