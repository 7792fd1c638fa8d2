/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mapdev: regions of memory for programs to map.
 *
 * A region is one mappable object: a name, a size, a backing that says where
 * the memory comes from, a state, and one inode whose address_space every
 * mapping of the region hangs from, whichever node it was opened through.
 *
 * Locks, outermost first; nothing is taken in the other direction:
 *
 *   mapdev_item->lock		one configfs directory
 *   mapdev_contig_lock		one search for contiguous memory at a time
 *   region->owner_lock		the device that a region is on is being woken up
 *   region->control		changes of one region's state and size
 *   mapdev_names		names, minors and the sum of all sizes
 *   mmap_lock, VMA lock	held by mm core around every callback
 *   region->guard		shared in faults and copies of ram and pfn
 *   mapping->invalidate_lock	shared to add a folio to paged; exclusive in
 *				discard, resize and the drain of paged
 *   region->dirty->lock	a collection of the dirty log
 *   lock of a folio		state checks of paged, until the PTE is there; a
 *				collection waits for one, and tries more
 *   mapping->i_mmap_rwsem	taken by unmap_mapping_range()
 *
 * device_add() and device_del(), which waits for sysfs readers and writers, run
 * under mapdev_item->lock only, which nothing below sysfs takes.
 *
 * A revoke sets the state, waits for tasks that saw it live (the drain of the
 * backing), and unmaps. It waits for
 *
 *   ram, pfn	the guard: the end of a fault, or of a copy
 *   paged	invalidate_lock: the end of the addition of a folio; RCU: that of
 *		map_pages; the lock of each folio: mm core unlocks it after fault()
 *		and page_mkwrite(), once the entry is there
 *
 * Not for page_mkwrite() of ram: mm core then looks whether the entry is still there.
 */
#ifndef _MAPDEV_MAPDEV_H
#define _MAPDEV_MAPDEV_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mapdev.h>
#include <linux/memory-failure.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu-rwsem.h>
#include <linux/topology.h>
#include <linux/wait.h>

#include "attrs.h"

struct iov_iter;
struct kernfs_node;
struct mapdev_dirty_log;
struct mapdev_frames;
struct mapdev_region;
struct mapdev_stats;
struct vm_area_desc;

/**
 * struct mapdev_backing - one source of memory and the way it is mapped
 * @name: as a person writes it
 * @type: as programs see it
 * @has: MAPDEV_HAS() of the attributes that it has, but for those of all
 * @cache: the cache mode when none is set
 * @counted: the memory counts for max_bytes
 * @registers: the memory is not RAM: reading it may change it, and it may lack
 *             struct pages
 * @alloc: get the memory that is allocated with the region, may sleep; NULL
 *         where the backing needs an MMU and there is none
 * @free: free it with the last reference; called after a failed @alloc, too
 * @release: give back what belongs to another driver, or to a device, when the
 *           region is retired; called before @free, which finds nothing left
 * @mmap_prepare: set vm_ops and flags; stateless, under the mmap write lock
 * @copy: move bytes between @iter and the memory at @pos without faulting
 *        pages of @iter in; returns how many (0: fault the iterator in and
 *        call again) or a negative errno
 * @drain: called after the state was set; returns when no callback that saw
 *         the old state can still install a page table entry or copy
 * @resizable: all of the memory is in the page cache of region->inode, where
 *             resize.c can drop parts of it
 * @lock_folio: for the dirty log: the folio of a page, locked and with a
 *              reference, or an ERR_PTR; NULL where there are region->pages
 * @frames: what differs between page frames, see pfn.h
 * @next_folio: where there is @lock_folio: the first page from @index on, and
 *              before @end, that there is a folio for; else @end
 */
struct mapdev_backing {
	const char *name;
	enum mapdev_backing_type type;
	unsigned long has;
	enum mapdev_cache cache;
	bool counted;
	bool registers;
	int (*alloc)(struct mapdev_region *region);
	void (*free)(struct mapdev_region *region);
	void (*release)(struct mapdev_region *region);
	int (*mmap_prepare)(struct mapdev_region *region,
			    struct vm_area_desc *desc);
	ssize_t (*copy)(struct mapdev_region *region, loff_t pos,
			struct iov_iter *iter);
	void (*drain)(struct mapdev_region *region);
	const struct mapdev_frames *frames;
	bool resizable;
	struct folio *(*lock_folio)(struct mapdev_region *region,
				    pgoff_t index);
	pgoff_t (*next_folio)(struct mapdev_region *region, pgoff_t index,
			      pgoff_t end);
};

extern const struct mapdev_backing mapdev_paged;
extern const struct mapdev_backing mapdev_ram_pages;
extern const struct mapdev_backing mapdev_ram_vmalloc;
extern const struct mapdev_backing mapdev_ram_contig;	/* pin=1 */
extern const struct mapdev_backing mapdev_pfn_contig;
extern const struct mapdev_backing mapdev_pfn_window;

/* Why a region is not live. It is live when none of these is set. */
#define MAPDEV_OFF_ROOT		BIT(0)	/* root: sysfs or ioctl */
#define MAPDEV_OFF_OWNER	BIT(1)	/* the driver that owns the memory */
#define MAPDEV_OFF_RETIRED	BIT(2)	/* for good */

/**
 * struct mapdev_region - one mappable object
 * @refs: one of the registry until it is retired, and one of each open file
 * @name: of the region
 * @devt: the number of its node
 * @dev: what stands for it in sysfs, until it is retired: see region_create()
 * @announced: uevents of @dev are sent
 * @by_name: in the registry
 * @attrs: what it is, constant once published, but for the size
 * @bytes: of max_bytes, until its memory is free; under the registry's lock
 * @inode: the inode whose mapping all VMAs of the region are in; its i_private
 *         is the region
 * @backing: @attrs.backing, or its variant for @attrs.pin or for memory of
 *           another driver
 * @pages: ram: the pages by index
 * @address: vmalloc: where the kernel finds them; without an MMU: where every
 *           program does
 * @pfn: contig and window: the first page frame
 * @io: window: where the kernel finds it
 * @hole: window: first page of a part that no program may reach
 * @hole_pages: how many there are
 * @marked: window: some of it has struct pages, which mm core marks
 * @failing: window: finds the mappings of failing memory without one
 * @watched: @failing is registered
 * @lockdown: what lockdown refuses with it; open needs CAP_SYS_RAWIO
 * @desc: memory of another driver: what it is; only for @alloc
 * @owner: the device that it is on, until it is retired, or NULL
 * @awake: how many open files keep @owner awake
 * @owner_lock: protects both
 * @dirty: the dirty log, or NULL
 * @guard: ram and pfn: held shared by faults and copies, see fault.c
 * @control: serialises state changes
 * @off: MAPDEV_OFF_*, written under @control, read anywhere
 * @splitting: paged: taking a folio reference waits for invalidate_lock
 * @wait: poll(2) sleeps here for a change of state
 * @state_file: state in sysfs, for poll(2); under @control
 * @stats: counters, one set for each CPU
 * @debugfs: the file that shows them
 *
 * VMAs hold their file. Memory goes with the last reference.
 */
struct mapdev_region {
	struct kref refs;
	char name[MAPDEV_NAME_MAX + 1];
	dev_t devt;
	struct device *dev;
	bool announced;
	struct hlist_node by_name;
	struct mapdev_attrs attrs;
	u64 bytes;
	struct inode *inode;
	const struct mapdev_backing *backing;
	struct page **pages;
	void *address;
	unsigned long pfn;
	void __iomem *io;
	pgoff_t hole;
	pgoff_t hole_pages;
	bool marked;
	struct pfn_address_space failing;
	bool watched;
	enum lockdown_reason lockdown;
	const struct mapdev_desc *desc;
	struct device *owner;
	unsigned int awake;
	struct mutex owner_lock;	/* see above */
	struct mapdev_dirty_log *dirty;
	struct percpu_rw_semaphore guard;
	struct mutex control;	/* see above */
	unsigned long off;
	bool splitting;
	wait_queue_head_t wait;
	struct kernfs_node *state_file;
	struct mapdev_stats __percpu *stats;
	struct dentry *debugfs;
};

static inline const char *mapdev_name(const struct mapdev_region *region)
{
	return region->name;
}

static inline struct mapdev_region *mapdev_of_vma(struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

static inline bool mapdev_is_live(const struct mapdev_region *region)
{
	return !READ_ONCE(region->off);
}

/* It may change at any time, but where region->control is held. */
static inline u64 mapdev_size(const struct mapdev_region *region)
{
	return READ_ONCE(region->attrs.size);
}

static inline pgoff_t mapdev_pages(const struct mapdev_region *region)
{
	return mapdev_size(region) >> PAGE_SHIFT;
}

/* Of contig and window; 0 for what has no one address. */
static inline phys_addr_t mapdev_phys_addr(const struct mapdev_region *region)
{
	return PFN_PHYS(region->pfn);
}

/* The node to take memory from where an allocator wants to be told one. */
static inline int mapdev_node(const struct mapdev_region *region)
{
	int node = region->attrs.numa_node;

	return node == NUMA_NO_NODE ? numa_mem_id() : node;
}

/*
 * The one range check, at mmap and at every fault: mremap() can grow a mapping
 * without asking the driver.
 */
static inline bool mapdev_has_pages(const struct mapdev_region *region,
				    pgoff_t first, pgoff_t count)
{
	pgoff_t pages = mapdev_pages(region);

	return first <= pages && count <= pages - first;
}

/*
 * What is done to a part of a region that may be of any size is done to so many
 * pages at a time: 4096 words of a dirty log.
 */
#define MAPDEV_PIECE_PAGES(region) \
	((pgoff_t)((region)->attrs.granule >> PAGE_SHIFT) << 18)

/* Does a window have a hole among these? */
static inline bool mapdev_in_hole(const struct mapdev_region *region,
				  pgoff_t first, pgoff_t count)
{
	return first < region->hole + region->hole_pages &&
	       region->hole < first + count;
}

/*
 * May the page at @index be reached now? An answer for good only under a lock
 * that the backing's drain waits for.
 */
static inline int mapdev_check(const struct mapdev_region *region,
			       pgoff_t index)
{
	if (!mapdev_is_live(region))
		return -ENODEV;
	return mapdev_has_pages(region, index, 1) ? 0 : -EINVAL;
}

#endif /* _MAPDEV_MAPDEV_H */
