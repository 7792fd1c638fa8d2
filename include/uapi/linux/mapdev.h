/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mapdev: the ioctls of /dev/mapdev/NAME.
 *
 * Every structure begins with its own size in bytes, filled in by the caller.
 * The kernel answers a structure shorter than its first version with EINVAL,
 * a longer one whose unknown tail is not zero, or longer than a page, with
 * E2BIG, and fills the tail of a longer one that it does not know with zeros,
 * so that programs and modules of different age work together. Unknown flags
 * are EINVAL, an unknown command is ENOTTY. There is no implicit padding.
 *
 * Where a command needs a writable file, others are answered with EBADF; where
 * it needs CAP_SYS_ADMIN, too, tasks without it with EPERM.
 */
#ifndef _UAPI_LINUX_MAPDEV_H
#define _UAPI_LINUX_MAPDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MAPDEV_IOC_MAGIC	0xBB

/* The longest name of a region, without the terminating NUL. */
#define MAPDEV_NAME_MAX		63

/**
 * enum mapdev_backing_type - where the memory of a region comes from
 * @MAPDEV_PAGED: folios in a page cache of the region's own, at first touch
 * @MAPDEV_PAGES: single pages, allocated with the region
 * @MAPDEV_CONTIG: physically contiguous memory
 * @MAPDEV_VMALLOC: memory at one kernel address
 * @MAPDEV_WINDOW: a PCI BAR or a reserved physical range
 */
enum mapdev_backing_type {
	MAPDEV_PAGED	= 0,
	MAPDEV_PAGES	= 1,
	MAPDEV_CONTIG	= 2,
	MAPDEV_VMALLOC	= 3,
	MAPDEV_WINDOW	= 4,
};

/**
 * enum mapdev_state - where a region is in its life
 * @MAPDEV_NEW: its attributes are being set, there is no node yet
 * @MAPDEV_LIVE: it can be opened, mapped, read and written
 * @MAPDEV_REVOKED: touching a mapping raises SIGBUS until it is restored
 * @MAPDEV_RETIRED: it is gone for good, only files opened before remain
 */
enum mapdev_state {
	MAPDEV_NEW	= 0,
	MAPDEV_LIVE	= 1,
	MAPDEV_REVOKED	= 2,
	MAPDEV_RETIRED	= 3,
};

/**
 * enum mapdev_map - when page tables are filled
 * @MAPDEV_DEMAND: by page faults
 * @MAPDEV_EAGER: at mmap(2)
 */
enum mapdev_map {
	MAPDEV_DEMAND	= 0,
	MAPDEV_EAGER	= 1,
};

/**
 * enum mapdev_cache - how the CPU caches a mapping
 * @MAPDEV_WB: write-back, as ordinary memory
 * @MAPDEV_WC: write-combining
 * @MAPDEV_UC: uncached
 */
enum mapdev_cache {
	MAPDEV_WB	= 0,
	MAPDEV_WC	= 1,
	MAPDEV_UC	= 2,
};

/* Bits of mapdev_info.attributes: the attributes that are on or off. */
#define MAPDEV_ATTR_RO		(1U << 0)
#define MAPDEV_ATTR_DIRTY	(1U << 1)
#define MAPDEV_ATTR_PIN		(1U << 2)
#define MAPDEV_ATTR_DMA32	(1U << 3)

/**
 * struct mapdev_info - what a region is
 * @size: in: bytes of this structure in the caller
 * @flags: in: must be 0
 * @length: bytes of the region
 * @granule: bytes that are allocated and mapped as one (a page if not paged)
 * @dirty_unit: bytes that one bit of the dirty log stands for, 0 without it
 * @phys_addr: physical address of contig and window, 0 for all others and
 *             without CAP_SYS_RAWIO
 * @backing: enum mapdev_backing_type
 * @state: enum mapdev_state
 * @map: enum mapdev_map
 * @cache: enum mapdev_cache
 * @attributes: MAPDEV_ATTR_*
 * @numa_node: the node that memory is taken from, or -1
 */
struct mapdev_info {
	__u32 size;
	__u32 flags;
	__u64 length;
	__u64 granule;
	__u64 dirty_unit;
	__u64 phys_addr;
	__u32 backing;
	__u32 state;
	__u32 map;
	__u32 cache;
	__u32 attributes;
	__s32 numa_node;
};

/**
 * define MAPDEV_IOC_INFO - tell what the region is
 *
 * Takes a struct mapdev_info and works on every file of the region, in every
 * state. EFAULT, EINVAL, E2BIG.
 */
#define MAPDEV_IOC_INFO		_IO(MAPDEV_IOC_MAGIC, 0)

/**
 * struct mapdev_run - a range that was written
 * @offset: where it begins, in bytes
 * @length: how many bytes
 */
struct mapdev_run {
	__u64 offset;
	__u64 length;
};

/**
 * struct mapdev_dirty - what was written since the last call
 * @size: in: bytes of this structure in the caller
 * @flags: in: must be 0
 * @offset: in: where the range begins, in bytes; out: where to go on
 * @length: in: bytes of the range, which may end past the region; out: bytes
 *          that are left, 0 when all of the range was looked at
 * @runs: in: address of an array of struct mapdev_run
 * @capacity: in: how many there is room for, at least 1
 * @count: out: how many there are
 *
 * The range begins and ends at multiples of mapdev_info.dirty_unit, or at the
 * end of the region. The runs are in order, do not touch, and are made of whole
 * units, of which the last may be cut short by the end of the region.
 */
struct mapdev_dirty {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 runs;
	__u32 capacity;
	__u32 count;
};

/**
 * define MAPDEV_IOC_DIRTY - get and clear the dirty log of a range
 *
 * Takes a struct mapdev_dirty, on a file that is open for writing. The call
 * reports every write completed before it, by any process and any path; later
 * writes are in the next answer. A call that fails clears nothing. A call may
 * end before the end of the range, when the list is full or a signal arrives:
 * while length is not 0, the same structure asks for the rest.
 *
 * EBADF (not open for writing), EFAULT, EINVAL, E2BIG, EOPNOTSUPP (a region
 * without dirty=1), ENODEV (revoked or retired), EBUSY (another task is
 * collecting), EINTR, ENOMEM.
 */
#define MAPDEV_IOC_DIRTY	_IO(MAPDEV_IOC_MAGIC, 1)

/**
 * struct mapdev_discard - a range to be freed
 * @size: bytes of this structure in the caller
 * @flags: must be 0
 * @offset: where the range begins, a multiple of the page size
 * @length: its bytes, a multiple of the page size and not 0
 */
struct mapdev_discard {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
};

/**
 * define MAPDEV_IOC_DISCARD - free a range of a region; it then reads as zero
 *
 * Takes a struct mapdev_discard, needs a writable file, works on paged. Private
 * copies stay. A pinned page keeps its data for the holder of the pin and no
 * longer belongs to the region; but where the range covers only a part of its
 * granule, that part is zeroed and stays. EBADF, EACCES (ro=1), EFAULT, EINVAL,
 * E2BIG, EOPNOTSUPP (another backing), ENODEV (not live), EINTR (killed). After
 * the last two a part may have been freed.
 */
#define MAPDEV_IOC_DISCARD	_IO(MAPDEV_IOC_MAGIC, 2)

/**
 * struct mapdev_resize - the size that a region is to have
 * @size: bytes of this structure in the caller
 * @flags: must be 0
 * @length: bytes of the region, a multiple of the page size and not 0
 */
struct mapdev_resize {
	__u32 size;
	__u32 flags;
	__u64 length;
};

/**
 * define MAPDEV_IOC_RESIZE - give a region another size
 *
 * Takes a struct mapdev_resize, needs a writable file and CAP_SYS_ADMIN, works
 * on paged. What lies below both sizes stays, what is past the new end is freed
 * as by MAPDEV_IOC_DISCARD and raises SIGBUS, what is past the old end is zero.
 * EBADF, EPERM, EFAULT, EINVAL, E2BIG, EOPNOTSUPP (another backing), ENODEV (not
 * live), ENOSPC (more than max_bytes), ENOMEM (for the dirty log), EBUSY (the new
 * end lies within a granule that is pinned), EINTR (killed). An errno means that
 * nothing changed.
 */
#define MAPDEV_IOC_RESIZE	_IO(MAPDEV_IOC_MAGIC, 3)

/**
 * define MAPDEV_IOC_REVOKE - take all mappings of a region away
 *
 * Takes 0, needs a writable file and CAP_SYS_ADMIN, and does what writing 1 to
 * /sys/class/mapdev/NAME/revoked does. The file stays open, and is good for
 * MAPDEV_IOC_INFO and MAPDEV_IOC_RESTORE. EBADF, EPERM, EINVAL, EALREADY, ENODEV
 * (retired), EBUSY (without an MMU, while there is a mapping).
 */
#define MAPDEV_IOC_REVOKE	_IO(MAPDEV_IOC_MAGIC, 4)

/**
 * define MAPDEV_IOC_RESTORE - let mappings of a revoked region fault in again
 *
 * Takes 0, needs a writable file and CAP_SYS_ADMIN. The region is live again
 * when the driver that owns its memory has not revoked it as well. EBADF, EPERM,
 * EINVAL, EALREADY, ENODEV (retired).
 */
#define MAPDEV_IOC_RESTORE	_IO(MAPDEV_IOC_MAGIC, 5)

#endif /* _UAPI_LINUX_MAPDEV_H */
