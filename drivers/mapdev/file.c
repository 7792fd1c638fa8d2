// SPDX-License-Identifier: GPL-2.0
/*
 * The file_operations of /dev/mapdev/NAME, in the order a program meets them.
 */
#include <linux/cdev.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <trace/events/mapdev.h>

#include "dirty.h"
#include "file.h"
#include "ioctl.h"
#include "mapdev.h"
#include "nommu.h"
#include "owner.h"
#include "region.h"
#include "registry.h"
#include "stats.h"

/*
 * A device that can be written to can be made to write anywhere. So opening needs
 * CAP_SYS_RAWIO beside the permissions of the node, unless root has widened these.
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

static int mapdev_open(struct inode *inode, struct file *file)
{
	struct mapdev_region *region = mapdev_region_get(iminor(inode));
	int err;

	if (!region)
		return -ENXIO;
	err = mapdev_owner_wake(region);
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
	/* As for regular files: one task at a time moves a shared position. */
	file->f_mode |= FMODE_ATOMIC_POS;
	file->private_data = region;
	return 0;

sleep:
	mapdev_owner_let_sleep(region);
put:
	mapdev_region_put(region);
	return err;
}

static int mapdev_release(struct inode *inode, struct file *file)
{
	mapdev_owner_let_sleep(file->private_data);
	mapdev_region_put(file->private_data);
	return 0;
}

static loff_t mapdev_llseek(struct file *file, loff_t offset, int whence)
{
	struct mapdev_region *region = file->private_data;

	return fixed_size_llseek(file, offset, whence, mapdev_size(region));
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
	loff_t start = iocb->ki_pos, size = mapdev_size(region);
	ssize_t moved = 0;

	if (start >= size)
		return write ? -ENOSPC : 0;
	iov_iter_truncate(iter, size - start);
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
	/* The region was shrunk to end here. */
	if (moved == -EINVAL)
		moved = write ? -ENOSPC : 0;
	return iocb->ki_pos > start ? iocb->ki_pos - start : moved;
}

static ssize_t mapdev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct mapdev_region *region = iocb->ki_filp->private_data;

	if (!mapdev_is_live(region))
		return -ENODEV;
	/*
	 * Reading a register may change it. mm core reads mapped files by
	 * __kernel_read(), for a build ID (PROCMAP_QUERY); programs have other
	 * iterators. Without an MMU, this is how mm core makes private copies.
	 */
	if (IS_ENABLED(CONFIG_MMU) &&
	    region->backing->registers && iov_iter_is_kvec(to))
		return -EOPNOTSUPP;
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
	/* O_APPEND, RWF_APPEND: at the end, where there is no room. */
	if (iocb->ki_flags & IOCB_APPEND)
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

/* Where the region is, and what it allows; then what its backing does. */
static int mapdev_prepare(struct mapdev_region *region,
			  struct vm_area_desc *desc)
{
	/* For a clear errno only: each fault checks again. */
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

/* Stateless: the mapping may still be merged, or fail. */
static int mapdev_mmap_prepare(struct vm_area_desc *desc)
{
	struct mapdev_region *region = desc->file->private_data;
	int err;

	mmap_assert_write_locked(desc->mm);
	mapdev_count(region, MAPDEV_STAT_PREPARE);
	err = mapdev_prepare(region, desc);
	trace_mapdev_map(mapdev_name(region), desc->start, desc->end,
			 desc->pgoff, err);
	return err;
}

/* /proc/PID/fdinfo/FD, for lsof and people. */
static void mapdev_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct mapdev_region *region = file->private_data;
	enum mapdev_state state = mapdev_region_state(region);

	seq_printf(seq, "mapdev-region:\t%s\n", mapdev_name(region));
	seq_printf(seq, "mapdev-backing:\t%s\n", region->attrs.backing->name);
	seq_printf(seq, "mapdev-size:\t%llu\n", mapdev_size(region));
	seq_printf(seq, "mapdev-state:\t%s\n", mapdev_state_names[state]);
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
	.show_fdinfo	= mapdev_show_fdinfo,
	.get_unmapped_area = mapdev_get_unmapped_area,
	MAPDEV_NOMMU_FOPS
	.mmap_prepare	= mapdev_mmap_prepare,
	.unlocked_ioctl	= mapdev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
