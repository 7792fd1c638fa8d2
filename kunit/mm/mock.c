// SPDX-License-Identifier: GPL-2.0
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "mock.h"

bool mock_rmap_is_locked(struct address_space *mapping)
{
	if (!i_mmap_trylock_read(mapping))
		return true;
	i_mmap_unlock_read(mapping);
	return false;
}

static int mock_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		       const struct file *file, void **vm_private_data)
{
	struct mock_driver *driver = file->private_data;

	driver->mapped++;
	driver->hidden = mock_rmap_is_locked(file->f_mapping);
	return driver->mapped_err;
}

static void mock_close(struct vm_area_struct *vma)
{
	struct mock_driver *driver = vma->vm_file->private_data;

	driver->closed++;
}

static const struct vm_operations_struct mock_vm_ops = {
	.mapped	= mock_mapped,
	.close	= mock_close,
};

/* mm core does not merge mappings that have close. */
static const struct vm_operations_struct mock_merging_vm_ops = {
	.mapped	= mock_mapped,
};

/* A slab page, which mm core refuses to map. */
static struct page *bad_page;

static int mock_mmap_prepare(struct vm_area_desc *desc)
{
	struct mock_driver *driver = desc->file->private_data;

	driver->desc = *desc;
	driver->prepared++;
	if (!driver->keep_vm_ops)
		desc->vm_ops = driver->token ? &mock_merging_vm_ops :
					       &mock_vm_ops;
	desc->private_data = driver->token;
	desc->action.error_override = driver->override;
	desc->action.hide_from_rmap_until_complete = driver->hide;
	/* The mapping needs a reference of its own (mmap_prepare.rst). */
	if (driver->under)
		desc->vm_file = get_file(driver->under);
	if (driver->bad_page)
		mmap_action_map_kernel_pages(desc, desc->start, &bad_page, 1);
	return 0;
}

static int mock_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mock_driver *driver = file->private_data;

	driver->prepared++;
	vma->vm_ops = &mock_vm_ops;
	return 0;
}

/* As a stacked file system does. */
static int mock_stacked_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mock_driver *driver = file->private_data;

	driver->prepared++;
	vma_set_file(vma, driver->under);
	return vfs_mmap(driver->under, vma);
}

const struct file_operations mock_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= mock_mmap_prepare,
};

const struct file_operations mock_legacy_fops = {
	.owner	= THIS_MODULE,
	.mmap	= mock_mmap,
};

const struct file_operations mock_stacked_fops = {
	.owner	= THIS_MODULE,
	.mmap	= mock_stacked_mmap,
};

const struct file_operations mock_both_fops = {
	.owner		= THIS_MODULE,
	.mmap		= mock_mmap,
	.mmap_prepare	= mock_mmap_prepare,
};

const struct file_operations mock_neither_fops = {
	.owner	= THIS_MODULE,
};

struct mock_driver *mock_open(struct kunit *test,
			      const struct file_operations *fops)
{
	struct mock_driver *driver = kunit_kzalloc(test, sizeof(*driver), GFP_KERNEL);
	void *bytes = kunit_kmalloc(test, 64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, driver);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	bad_page = virt_to_page(bytes);
	driver->file = fixture_keep(test, anon_inode_getfile("[kunit]", fops,
							     driver, O_RDWR));
	return driver;
}

unsigned long mock_map(struct kunit *test, struct mock_driver *driver,
		       unsigned long addr, pgoff_t pgoff, unsigned long pages)
{
	return kunit_vm_mmap(test, driver->file, addr, pages << PAGE_SHIFT,
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | (addr ? MAP_FIXED : 0),
			     pgoff << PAGE_SHIFT);
}

bool mock_is_mapped(unsigned long addr)
{
	guard(mmap_read_lock)(current->mm);
	return vma_lookup(current->mm, addr);
}
