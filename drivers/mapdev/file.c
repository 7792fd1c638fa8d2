// SPDX-License-Identifier: GPL-2.0
/*
 * The file_operations of /dev/mapdev/NAME, in the order a program meets them.
 */
#include <linux/capability.h>
#include <linux/cdev.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/pm_runtime.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/splice.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "mapdev.h"

/*
 * Who can write to a device can have it write anywhere, so the right to do so
 * counts beside the permissions of the node, unless root has widened these.
 */
static int mapdev_may_open(const struct mapdev_region *region)
{
	bool widened = region->attrs.mode & 0077;

	if (!mapdev_is_live(region))
		return -ENODEV;
	if (region->lockdown == LOCKDOWN_NONE)
		return 0;
	if (!widened && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return security_locked_down(region->lockdown);
}

/* The device that a window belongs to answers as long as a file is open. */
static int mapdev_wake(struct mapdev_region *region)
{
	return region->owner ? pm_runtime_resume_and_get(region->owner) : 0;
}

static void mapdev_let_sleep(struct mapdev_region *region)
{
	if (region->owner)
		pm_runtime_put(region->owner);
}

static int mapdev_open(struct inode *inode, struct file *file)
{
	struct mapdev_region *region = mapdev_region_get(iminor(inode));
	int err;

	if (!region)
		return -ENXIO;
	err = mapdev_wake(region);
	if (err)
		goto put;
	err = mapdev_may_open(region);
	if (err)
		goto sleep;

	/*
	 * Each node has an inode of its own; all mappings of a region hang
	 * from the one of the region, so that one revoke finds all of them.
	 */
	file->f_mapping = region->inode->i_mapping;
	file->f_wb_err = filemap_sample_wb_err(file->f_mapping);
	/* A shared write fault must not touch the mtime of the node. */
	file->f_mode |= FMODE_NOCMTIME;
	file->private_data = region;
	return 0;

sleep:
	mapdev_let_sleep(region);
put:
	mapdev_region_put(region);
	return err;
}

static int mapdev_release(struct inode *inode, struct file *file)
{
	mapdev_let_sleep(file->private_data);
	mapdev_region_put(file->private_data);
	return 0;
}

static loff_t mapdev_llseek(struct file *file, loff_t offset, int whence)
{
	struct mapdev_region *region = file->private_data;

	return fixed_size_llseek(file, offset, whence, region->attrs.size);
}

/*
 * Move bytes between the region and @iter until the end of either. Pages of
 * @iter are faulted in between two copies, never inside one: the iterator may
 * be a mapping of this very region, and the copy holds what its fault needs.
 */
static ssize_t mapdev_transfer(struct kiocb *iocb, struct iov_iter *iter)
{
	struct mapdev_region *region = iocb->ki_filp->private_data;
	const struct mapdev_backing *backing = region->backing;
	bool write = iov_iter_rw(iter) == ITER_SOURCE;
	loff_t start = iocb->ki_pos;
	ssize_t moved = 0;

	iov_iter_truncate(iter, region->attrs.size - start);
	while (iov_iter_count(iter)) {
		size_t want = min(iov_iter_count(iter), PAGE_SIZE);

		moved = backing->copy(region, iocb->ki_pos, iter);
		if (moved < 0)
			break;
		iocb->ki_pos += moved;

		if (fatal_signal_pending(current)) {
			moved = -EINTR;
			break;
		}
		cond_resched();
		if (moved)
			continue;
		moved = -EFAULT;
		if ((write ? fault_in_iov_iter_readable(iter, want) :
			     fault_in_iov_iter_writeable(iter, want)) == want)
			break;
	}
	return iocb->ki_pos > start ? iocb->ki_pos - start : moved;
}

static ssize_t mapdev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct mapdev_region *region = iocb->ki_filp->private_data;

	if (!mapdev_is_live(region))
		return -ENODEV;
	if (iocb->ki_pos >= region->attrs.size)
		return 0;
	return mapdev_transfer(iocb, to);
}

static ssize_t mapdev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct mapdev_region *region = iocb->ki_filp->private_data;

	if (!mapdev_is_live(region))
		return -ENODEV;
	if (region->attrs.ro)
		return -EACCES;
	if (!iov_iter_count(from))
		return 0;
	if (iocb->ki_pos >= region->attrs.size)
		return -ENOSPC;
	return mapdev_transfer(iocb, from);
}

static __poll_t mapdev_poll(struct file *file, poll_table *wait)
{
	struct mapdev_region *region = file->private_data;

	__poll_t dirty = 0;

	poll_wait(file, &region->wait, wait);
	if (mapdev_dirty_pending(region))
		dirty = EPOLLPRI;
	switch (mapdev_region_state(region)) {
	case MAPDEV_LIVE:
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM |
		       dirty;
	case MAPDEV_RETIRED:
		return EPOLLHUP | EPOLLERR;
	default:
		return EPOLLHUP;
	}
}

/* Stateless: the mapping may still be merged, or fail. */
static int mapdev_mmap_prepare(struct vm_area_desc *desc)
{
	struct mapdev_region *region = desc->file->private_data;

	mmap_assert_write_locked(desc->mm);
	mapdev_count(region, MAPDEV_STAT_PREPARE);

	/* For a clear errno only: what counts is asked in each fault. */
	if (!mapdev_is_live(region))
		return -ENODEV;
	if (!mapdev_has_pages(region, desc->pgoff, vma_desc_pages(desc)))
		return -EINVAL;

	if (vma_desc_test(desc, VMA_EXEC_BIT))
		return -EPERM;
	vma_desc_clear_flags(desc, VMA_MAYEXEC_BIT);

	if (region->attrs.ro && vma_desc_test(desc, VMA_SHARED_BIT)) {
		if (vma_desc_test(desc, VMA_WRITE_BIT))
			return -EACCES;
		vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	}

	desc->private_data = NULL;
	return region->backing->mmap_prepare(region, desc);
}

static long mapdev_ioctl_info(struct mapdev_region *region, void __user *arg)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	struct mapdev_info info;
	u32 attributes = 0;
	u32 size;
	int err;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < sizeof(info))
		return -EINVAL;
	err = copy_struct_from_user(&info, sizeof(info), arg, size);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;

	if (attrs->ro)
		attributes |= MAPDEV_ATTR_RO;
	if (attrs->pin)
		attributes |= MAPDEV_ATTR_PIN;
	if (attrs->dma32)
		attributes |= MAPDEV_ATTR_DMA32;
	if (attrs->dirty)
		attributes |= MAPDEV_ATTR_DIRTY;

	info = (struct mapdev_info) {
		.size		= size,
		.length		= attrs->size,
		.granule	= attrs->granule,
		.dirty_unit	= attrs->dirty ? attrs->granule : 0,
		.phys_addr	= capable(CAP_SYS_RAWIO) ?
				  mapdev_phys_addr(region) : 0,
		.backing	= attrs->backing->type,
		.state		= mapdev_region_state(region),
		.map		= attrs->eager ? MAPDEV_EAGER : MAPDEV_DEMAND,
		.cache		= attrs->cache,
		.attributes	= attributes,
		.numa_node	= attrs->numa_node,
	};
	return copy_struct_to_user(arg, size, &info, sizeof(info), NULL);
}

static long mapdev_ioctl_dirty(struct file *file, void __user *arg)
{
	struct mapdev_dirty dirty;
	u32 size;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < sizeof(dirty))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&dirty, sizeof(dirty), arg, size);
	if (err)
		return err;
	if (dirty.flags)
		return -EINVAL;
	/* It may have changed meanwhile. */
	dirty.size = size;
	return mapdev_dirty_collect(file->private_data, &dirty, arg);
}

static long mapdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mapdev_region *region = file->private_data;

	switch (cmd) {
	case MAPDEV_IOC_INFO:
		return mapdev_ioctl_info(region, (void __user *)arg);
	case MAPDEV_IOC_DIRTY:
		return mapdev_ioctl_dirty(file, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

const struct file_operations mapdev_fops = {
	.owner		= THIS_MODULE,
	.open		= mapdev_open,
	.release	= mapdev_release,
	.llseek		= mapdev_llseek,
	.read_iter	= mapdev_read_iter,
	.write_iter	= mapdev_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= mapdev_poll,
	.fsync		= noop_fsync,
	.get_unmapped_area = mapdev_get_unmapped_area,
	MAPDEV_NOMMU_FOPS
	.mmap_prepare	= mapdev_mmap_prepare,
	.unlocked_ioctl	= mapdev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
