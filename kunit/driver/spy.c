// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "spy.h"

/*
 * Static: if a case fails before it unmaps, its mm outlives the case. The file
 * holds the module.
 */
static struct spy spy;
static const struct file_operations *real_fops;
static const struct vm_operations_struct *real;
static struct file_operations fops;
static struct vm_operations_struct vm_ops;

/*
 * Lockdep knows what this task holds. Without lockdep, look at the lock itself,
 * since no other task uses this mm. mm_lock_seq is odd while it is
 * write-locked.
 */
static unsigned int mm_locks(struct mm_struct *mm)
{
	unsigned int other = mm == current->mm ? 0 : SPY_OTHER_MM;
	bool write = mm->mm_lock_seq.sequence & 1;

	if (!rwsem_is_locked(&mm->mmap_lock))
		return other;
	if (IS_ENABLED(CONFIG_LOCKDEP) && !lockdep_is_held(&mm->mmap_lock))
		return other;
	if (IS_ENABLED(CONFIG_LOCKDEP))
		write = lockdep_is_held_type(&mm->mmap_lock, 0);
	return other | (write ? SPY_MMAP_WRITE : SPY_MMAP_READ);
}

static unsigned int vma_locks(struct vm_area_struct *vma)
{
	unsigned int locks = mm_locks(vma->vm_mm);

	if (refcount_read(&vma->vm_refcnt))
		locks |= SPY_ATTACHED;
	if (refcount_read(&vma->vm_refcnt) > 1)
		locks |= SPY_VMA_READ;
	if (locks & SPY_MMAP_WRITE && __is_vma_write_locked(vma))
		locks |= SPY_VMA_WRITE;
	if (SPY_RCU && rcu_read_lock_held())
		locks |= SPY_RCU;
	return locks;
}

static void note(enum spy_hook hook, unsigned int locks)
{
	spy.seen[hook].calls++;
	spy.seen[hook].locks = locks;
}

static void note_fault(enum spy_hook hook, const struct vm_fault *vmf)
{
	note(hook, vma_locks(vmf->vma));
	spy.seen[hook].flags = vmf->flags;
}

static int spy_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, start);

	note(SPY_MAPPED, vma ? vma_locks(vma) : 0);
	return real->mapped(start, end, pgoff, file, vm_private_data);
}

static void spy_open(struct vm_area_struct *vma)
{
	note(SPY_OPEN, vma_locks(vma));
	real->open(vma);
}

static void spy_close(struct vm_area_struct *vma)
{
	note(SPY_CLOSE, vma_locks(vma));
	real->close(vma);
}

static vm_fault_t spy_fault(struct vm_fault *vmf)
{
	note_fault(SPY_FAULT, vmf);
	return real->fault(vmf);
}

static vm_fault_t spy_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	note_fault(SPY_HUGE_FAULT, vmf);
	return real->huge_fault(vmf, order);
}

static vm_fault_t spy_map_pages(struct vm_fault *vmf, pgoff_t first,
				pgoff_t last)
{
	note_fault(SPY_MAP_PAGES, vmf);
	return real->map_pages(vmf, first, last);
}

static vm_fault_t spy_page_mkwrite(struct vm_fault *vmf)
{
	note_fault(SPY_PAGE_MKWRITE, vmf);
	return real->page_mkwrite(vmf);
}

/* The driver has no pfn_mkwrite. */
static vm_fault_t spy_pfn_mkwrite(struct vm_fault *vmf)
{
	note_fault(SPY_PFN_MKWRITE, vmf);
	return spy.pfn_mkwrite_ret;
}

static int spy_access(struct vm_area_struct *vma, unsigned long addr, void *buf,
		      int len, int write)
{
	note(SPY_ACCESS, vma_locks(vma));
	return real->access(vma, addr, buf, len, write);
}

/* Replace those hooks of the driver that are above. */
static void bug_vm_ops(const struct vm_operations_struct *ops)
{
	real = ops;
	vm_ops = *real;
	vm_ops.mapped = spy_mapped;
	vm_ops.open = real->open ? spy_open : NULL;
	vm_ops.close = real->close ? spy_close : NULL;
	vm_ops.fault = spy_fault;
	vm_ops.huge_fault = real->huge_fault ? spy_huge_fault : NULL;
	vm_ops.map_pages = spy.no_map_pages ? NULL : spy_map_pages;
	vm_ops.page_mkwrite = real->page_mkwrite ? spy_page_mkwrite : NULL;
	vm_ops.pfn_mkwrite = spy.pfn_mkwrite ? spy_pfn_mkwrite : NULL;
	vm_ops.access = real->access ? spy_access : NULL;
}

static int spy_mmap_prepare(struct vm_area_desc *desc)
{
	int err;

	note(SPY_MMAP_PREPARE, mm_locks(desc->mm));
	spy.found = vma_lookup(desc->mm, desc->start);
	err = real_fops->mmap_prepare(desc);
	if (err)
		return err;
	bug_vm_ops(desc->vm_ops);
	desc->vm_ops = &vm_ops;
	return 0;
}

static unsigned long spy_get_unmapped_area(struct file *file,
					   unsigned long addr,
					   unsigned long len,
					   unsigned long pgoff,
					   unsigned long flags)
{
	note(SPY_GET_UNMAPPED_AREA, mm_locks(current->mm));
	return real_fops->get_unmapped_area(file, addr, len, pgoff, flags);
}

const char * const spy_backings[3] = {
	"backing=paged", "backing=pages", "backing=contig",
};

struct spy *spy_on(struct kunit *test, u64 size, const char *attrs)
{
	spy = (struct spy){};
	spy.region = fixture_region_with(test, size, attrs);
	spy.file = fixture_open(test, spy.region, O_RDWR);
	/* The file holds the driver, and now this module, too; it puts both. */
	real_fops = spy.file->f_op;
	fops = *real_fops;
	fops.owner = THIS_MODULE;
	fops.mmap_prepare = spy_mmap_prepare;
	if (real_fops->get_unmapped_area)
		fops.get_unmapped_area = spy_get_unmapped_area;
	replace_fops(spy.file, fops_get(&fops));
	return &spy;
}

struct spy *spy_on_param(struct kunit *test)
{
	const char * const *attrs = test->param_value;

	return spy_on(test, SPY_SIZE, *attrs);
}

void spy_map(struct kunit *test, struct spy *spy)
{
	spy->addr = fixture_map(test, spy->file, 0, mapdev_size(spy->region),
				PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(spy->addr));
}

void spy_unmap(struct spy *spy)
{
	vm_munmap(spy->addr, mapdev_size(spy->region));
}

void spy_forget(struct spy *spy)
{
	memset(spy->seen, 0, sizeof(spy->seen));
}

void spy_expect(struct kunit *test, const struct spy *spy, enum spy_hook hook,
		unsigned int calls, unsigned int locks)
{
	KUNIT_EXPECT_EQ_MSG(test, calls, spy->seen[hook].calls, "hook %d", hook);
	KUNIT_EXPECT_EQ_MSG(test, locks, spy->seen[hook].locks, "hook %d", hook);
}
