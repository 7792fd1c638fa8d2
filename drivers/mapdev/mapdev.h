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
 *   mmap_lock, VMA lock	held by core around every callback
 *   region->guard		shared in faults and copies of ram and pfn
 *   mapping->invalidate_lock	shared to add a folio to paged, exclusive to
 *				discard and resize
 *   region->dirty->lock	a collection of the dirty log
 *   lock of a folio		state checks of paged, until the PTE is there; a
 *				collection waits for one, and tries more
 *   mapping->i_mmap_rwsem	taken by unmap_mapping_range()
 *
 * device_add() and device_del(), which waits for sysfs readers and writers, run
 * under mapdev_item->lock only, which nothing below sysfs takes.
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
#include <linux/tracepoint-defs.h>
#include <linux/wait.h>

struct iov_iter;
struct kernfs_node;
struct mapdev_dirty_log;
struct mapdev_region;
struct seq_file;

/**
 * struct mapdev_attrs - what a region is asked to be
 * @size: bytes, a multiple of the page size
 * @backing: where the memory comes from
 * @granule: bytes that paged allocates and maps as one, a power of two; 0 is
 *           the default, and what all others have
 * @numa_node: node to take memory from, or NUMA_NO_NODE
 * @mode: permissions of the node when it appears
 * @cache: enum mapdev_cache, or MAPDEV_CACHE_DEFAULT
 * @phys: window: where the range begins, or MAPDEV_NO_PHYS
 * @eager: mappings are filled at mmap, not by faults, which need an MMU
 * @pin: contig by struct pages, which can be pinned
 * @dma32: contig below 4 GiB
 * @ro: shared writable mappings and write(2) are refused
 * @dirty: what is written is logged
 *
 * Fixed while the region is live, but for @size: see resize.c.
 */
struct mapdev_attrs {
	u64 size;
	const struct mapdev_backing *backing;
	u64 granule;
	int numa_node;
	umode_t mode;
	int cache;
	u64 phys;
	bool eager;
	bool pin;
	bool dma32;
	bool ro;
	bool dirty;
};

/* Write-back for what is RAM, and without an MMU; uncached for a window. */
#define MAPDEV_CACHE_DEFAULT	(-1)
#define MAPDEV_NO_PHYS		U64_MAX

void mapdev_attrs_init(struct mapdev_attrs *attrs);
int mapdev_attr_show(const struct mapdev_attrs *attrs, const char *name,
		     char *buf);
int mapdev_attrs_set(struct mapdev_attrs *attrs, const char *region,
		     const char *name, const char *value);
enum mapdev_cache mapdev_attrs_cache(const struct mapdev_attrs *attrs);
const char *mapdev_cache_name(const struct mapdev_attrs *attrs);
u64 mapdev_max_granule(void);

/* check.c */
int mapdev_attrs_check(const struct mapdev_attrs *attrs, const char *region);

/**
 * struct mapdev_backing - one source of memory and the way it is mapped
 * @name: as a person writes it
 * @type: as programs see it
 * @alloc: get the memory that is allocated with the region, may sleep; NULL
 *         where the backing needs an MMU and there is none
 * @free: give it back; called after a failed @alloc too, and for a window
 *        both when it is retired and at the end
 * @mmap_prepare: set vm_ops and flags; stateless, under the mmap write lock
 * @copy: move bytes between @iter and the memory at @pos without faulting
 *        pages of @iter in; returns how many (0: fault the iterator in and
 *        call again) or a negative errno
 * @fence: called after the state was set; returns when no callback that saw
 *         the old state can still install a page table entry or copy
 * @resizable: all of the memory is in the page cache of region->inode, where
 *             resize.c can drop parts of it
 * @lock_folio: for the dirty log: the folio of a page, locked and with a
 *              reference, or an ERR_PTR; NULL where there are region->pages
 * @next_folio: where there is @lock_folio: the first page from @index on, and
 *              before @end, that there is a folio for; else @end
 */
struct mapdev_backing {
	const char *name;
	enum mapdev_backing_type type;
	int (*alloc)(struct mapdev_region *region);
	void (*free)(struct mapdev_region *region);
	int (*mmap_prepare)(struct mapdev_region *region,
			    struct vm_area_desc *desc);
	ssize_t (*copy)(struct mapdev_region *region, loff_t pos,
			struct iov_iter *iter);
	void (*fence)(struct mapdev_region *region);
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

/* What is counted for each region; debugfs shows them by name. */
enum mapdev_stat {
	MAPDEV_STAT_PREPARE,
	MAPDEV_STAT_MAPPED,
	MAPDEV_STAT_OPEN,
	MAPDEV_STAT_CLOSE,
	MAPDEV_STAT_FAULT,
	MAPDEV_STAT_FAULT_MMAP,		/* under mmap_lock, not the VMA lock */
	MAPDEV_STAT_HUGE_FAULT,
	MAPDEV_STAT_HUGE_FAULT_MMAP,
	MAPDEV_STAT_MAP_PAGES,
	MAPDEV_STAT_MAP_PAGES_MMAP,
	MAPDEV_STAT_MKWRITE,
	MAPDEV_STAT_FALLBACK,
	MAPDEV_STAT_SIGBUS,
	MAPDEV_STAT_REVOKE,
	MAPDEV_STAT_RESTORE,
	MAPDEV_STAT_RESIZE,
	MAPDEV_STAT_DISCARD,
	MAPDEV_STAT_COLLECT,
	MAPDEV_NR_STATS
};

struct mapdev_stats {
	u64 count[MAPDEV_NR_STATS];
};

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
 * @backing: @attrs.backing, or its variant for @attrs.pin
 * @pages: ram: the pages by index
 * @address: vmalloc: where the kernel finds them
 * @pfn: contig and window: the first page frame
 * @io: window: where the kernel finds it
 * @hole: window: first page of a part that no program may reach
 * @hole_pages: how many there are
 * @marked: window: some of it has struct pages, which core marks if they fail
 * @failing: window: where core finds the mappings of what fails without one
 * @watched: core has @failing
 * @lockdown: what lockdown refuses with it, and CAP_SYS_RAWIO is for
 * @lent: the memory is another driver's, until it retires the region
 * @owner: the device that it is on, until it is retired, or NULL
 * @awake: how many open files keep @owner awake
 * @owner_lock: protects both
 * @dirty: the dirty log, or NULL
 * @guard: ram and pfn: held shared by faults and copies, see guard.c
 * @control: serialises state changes
 * @off: MAPDEV_OFF_*, written under @control, read anywhere
 * @splitting: paged: who needs a reference to a folio waits for invalidate_lock
 * @wait: poll(2) sleeps here for a change of state
 * @state_file: state in sysfs, for those who poll that; under @control
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
	bool lent;
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

/* Is its granule one that a PMD maps? */
static inline bool mapdev_is_huge(const struct mapdev_region *region)
{
	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       region->attrs.granule == PMD_SIZE;
}

/* The address and offset where the PMD around the touched byte begins. */
static inline unsigned long mapdev_huge_addr(const struct vm_fault *vmf)
{
	return ALIGN_DOWN(vmf->address, PMD_SIZE);
}

static inline pgoff_t mapdev_huge_pgoff(const struct vm_fault *vmf)
{
	return vmf->pgoff -
	       ((vmf->address - mapdev_huge_addr(vmf)) >> PAGE_SHIFT);
}

/* Does all of it lie inside of the mapping? Core does not ask. */
static inline bool mapdev_fits_huge(const struct vm_fault *vmf)
{
	unsigned long start = mapdev_huge_addr(vmf);

	return start >= vmf->vma->vm_start &&
	       vmf->vma->vm_end - start >= PMD_SIZE;
}

/*
 * May the page at @index be reached now? An answer for good only under a lock
 * that the backing's fence waits for.
 */
static inline int mapdev_check(const struct mapdev_region *region,
			       pgoff_t index)
{
	if (!mapdev_is_live(region))
		return -ENODEV;
	return mapdev_has_pages(region, index, 1) ? 0 : -EINVAL;
}

static inline void mapdev_count(struct mapdev_region *region,
				enum mapdev_stat stat)
{
	this_cpu_inc(region->stats->count[stat]);
}

/*
 * The same for a callback of the fault path, whose counter is followed by one
 * for those that came under mmap_lock: the others, which are most, cost one.
 */
static inline void mapdev_count_fault(const struct vm_fault *vmf,
				      enum mapdev_stat stat)
{
	struct mapdev_region *region = mapdev_of_vma(vmf->vma);

	mapdev_count(region, stat);
	if (!(vmf->flags & FAULT_FLAG_VMA_LOCK))
		mapdev_count(region, stat + 1);
}

/* What a fault that cannot be served answers, counted. */
static inline vm_fault_t mapdev_fault_error(struct mapdev_region *region,
					    int err)
{
	vm_fault_t ret = vmf_error(err);

	if (ret == VM_FAULT_SIGBUS)
		mapdev_count(region, MAPDEV_STAT_SIGBUS);
	return ret;
}

DECLARE_TRACEPOINT(mapdev_fault);

void mapdev_trace_fault(const struct vm_fault *vmf, unsigned int order,
			vm_fault_t ret);

/* The end of a fault that was counted; costs nothing when nobody traces. */
static inline vm_fault_t mapdev_fault_end(const struct vm_fault *vmf,
					  unsigned int order, vm_fault_t ret)
{
	if (tracepoint_enabled(mapdev_fault))
		mapdev_trace_fault(vmf, order, ret);
	return ret;
}

/* region.c */
struct mapdev_region *mapdev_region_create(const char *name,
					   const struct mapdev_attrs *attrs);
struct mapdev_region *mapdev_region_lend(const struct mapdev_desc *desc,
					 const struct mapdev_attrs *attrs);
void mapdev_region_retire(struct mapdev_region *region);
int mapdev_region_revoke(struct mapdev_region *region, unsigned long why);
int mapdev_region_restore(struct mapdev_region *region, unsigned long why);
enum mapdev_state mapdev_region_state(const struct mapdev_region *region);
void mapdev_region_announce(struct mapdev_region *region);
void mapdev_region_put(struct mapdev_region *region);

/* owner.c */
int mapdev_owner_wake(struct mapdev_region *region);
void mapdev_owner_let_sleep(struct mapdev_region *region);
void mapdev_owner_leave(struct mapdev_region *region);

/* registry.c */
int mapdev_registry_init(void);
void mapdev_registry_exit(void);
int mapdev_registry_open(void);
bool mapdev_registry_is_open(void);
void mapdev_registry_close(void);
int mapdev_registry_add(struct mapdev_region *region);
void mapdev_registry_remove(struct mapdev_region *region);
struct mapdev_region *mapdev_region_get(unsigned int minor);
struct inode *mapdev_inode_alloc(void);
int mapdev_name_check(const char *name);
int mapdev_no_memory(const char *name);
int mapdev_bytes_take(struct mapdev_region *region, u64 bytes);
void mapdev_bytes_give(struct mapdev_region *region, u64 bytes);

/* resize.c */
int mapdev_region_resize(struct mapdev_region *region, u64 size);
int mapdev_region_resize_to(struct mapdev_region *region, const char *value);
int mapdev_region_discard(struct mapdev_region *region, u64 offset, u64 length);

/* control.c */
#if IS_ENABLED(CONFIG_CONFIGFS_FS)
int mapdev_control_init(void);
void mapdev_control_exit(void);
#else
static inline int mapdev_control_init(void)
{
	return 0;
}

static inline void mapdev_control_exit(void)
{
}
#endif

/* file.c */
extern const struct file_operations mapdev_fops;

/* ioctl.c */
long mapdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/*
 * nommu.c: what file.c and region.c do in another way without an MMU. There,
 * mappings cannot be taken away, but one can ask whether there are any.
 */
#ifdef CONFIG_MMU
#define MAPDEV_DEFAULT_BACKING	(&mapdev_paged)
#define MAPDEV_NOMMU_FOPS

static inline void mapdev_unmap(struct mapdev_region *region)
{
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
}

static inline bool mapdev_is_mapped(const struct mapdev_region *region)
{
	return false;
}
#else
#define MAPDEV_DEFAULT_BACKING	(&mapdev_ram_vmalloc)
#define MAPDEV_NOMMU_FOPS	.mmap_capabilities = mapdev_mmap_capabilities,

unsigned int mapdev_mmap_capabilities(struct file *file);
bool mapdev_is_mapped(const struct mapdev_region *region);

static inline void mapdev_unmap(struct mapdev_region *region)
{
}
#endif

/* area.c, nommu.c; else core finds an address */
#if defined(CONFIG_TRANSPARENT_HUGEPAGE) || !defined(CONFIG_MMU)
unsigned long mapdev_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags);
#else
#define mapdev_get_unmapped_area	NULL
#endif

/* guard.c */
int mapdev_enter(struct mapdev_region *region, pgoff_t index);
void mapdev_leave(struct mapdev_region *region);
void mapdev_guard_fence(struct mapdev_region *region);
ssize_t mapdev_copy_pages(struct mapdev_region *region, loff_t pos,
			  struct iov_iter *iter,
			  struct page *(*page_at)(struct mapdev_region *region,
						  pgoff_t index));
int mapdev_vma_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data);
void mapdev_vma_open(struct vm_area_struct *vma);
void mapdev_vma_close(struct vm_area_struct *vma);
vm_fault_t mapdev_vma_map_pages(struct vm_fault *vmf, pgoff_t first,
				pgoff_t last);

/* failure.c */
#ifdef CONFIG_MEMORY_FAILURE
bool mapdev_has_failed(const struct mapdev_region *region, pgoff_t first,
		       unsigned long count);
void mapdev_failure_watch(struct mapdev_region *region);
void mapdev_failure_forget(struct mapdev_region *region);
#else
static inline bool mapdev_has_failed(const struct mapdev_region *region,
				     pgoff_t first, unsigned long count)
{
	return false;
}

static inline void mapdev_failure_watch(struct mapdev_region *region)
{
}

static inline void mapdev_failure_forget(struct mapdev_region *region)
{
}
#endif

/* around.c */

/* Small pages: a PMD's worth of 4K, and never more than one page table has. */
#define MAPDEV_AROUND_SIZE	min(SZ_2M, PMD_SIZE)

struct mapdev_around {
	unsigned long addr;
	pgoff_t index;
	unsigned long before;	/* pages of it before the touched one */
	unsigned long count;
};

struct mapdev_around mapdev_around(const struct mapdev_region *region,
				   const struct vm_fault *vmf,
				   unsigned long size);
void mapdev_huge_around(const struct vm_fault *vmf,
			void (*insert)(struct vm_fault *near));

/* dirty.c, collect.c */
#ifdef CONFIG_MMU
int mapdev_dirty_init(struct mapdev_region *region);
void mapdev_dirty_free(struct mapdev_region *region);
void mapdev_dirty_mark(struct mapdev_region *region, pgoff_t first,
		       pgoff_t count);
bool mapdev_dirty_folio(struct address_space *mapping, struct folio *folio);
vm_fault_t mapdev_dirty_mkwrite(struct vm_fault *vmf);
bool mapdev_dirty_pending(struct mapdev_region *region);
void mapdev_dirty_mark_all(struct mapdev_region *region, pgoff_t first,
			   pgoff_t count);
int mapdev_dirty_grow(struct mapdev_region *region, pgoff_t pages);
void mapdev_dirty_grown(struct mapdev_region *region, pgoff_t pages);
int mapdev_dirty_collect(struct mapdev_region *region,
			 struct mapdev_dirty *args, void __user *arg);
void mapdev_dirty_fence(struct mapdev_region *region);
#else
static inline int mapdev_dirty_init(struct mapdev_region *region)
{
	return 0;
}

static inline void mapdev_dirty_free(struct mapdev_region *region)
{
}

static inline void mapdev_dirty_mark(struct mapdev_region *region,
				     pgoff_t first, pgoff_t count)
{
}

static inline bool mapdev_dirty_pending(struct mapdev_region *region)
{
	return false;
}

static inline int mapdev_dirty_grow(struct mapdev_region *region, pgoff_t pages)
{
	return 0;
}

static inline void mapdev_dirty_grown(struct mapdev_region *region,
				      pgoff_t pages)
{
}

static inline int mapdev_dirty_collect(struct mapdev_region *region,
				       struct mapdev_dirty *args,
				       void __user *arg)
{
	return -EOPNOTSUPP;
}

static inline void mapdev_dirty_fence(struct mapdev_region *region)
{
}
#endif

/* pages.c */
int mapdev_ram_own(struct mapdev_region *region);
void mapdev_ram_disown(struct mapdev_region *region);

/* contig.c */
int mapdev_contig_alloc(struct mapdev_region *region);
void mapdev_contig_free(struct mapdev_region *region);

/* pfn.c, or nommu.c */
int mapdev_pfn_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc);

/* window.c */
int mapdev_window_map(struct mapdev_region *region);
void mapdev_window_unmap(struct mapdev_region *region);
void mapdev_window_move(struct mapdev_region *region, loff_t pos, void *buf,
			size_t bytes, bool write);

/* lend.c */
#ifdef CONFIG_MMU
int mapdev_borrow(struct mapdev_region *region, const struct mapdev_desc *desc);
void mapdev_give_back(struct mapdev_region *region);
#else
static inline int mapdev_borrow(struct mapdev_region *region,
				const struct mapdev_desc *desc)
{
	return -EOPNOTSUPP;
}

static inline void mapdev_give_back(struct mapdev_region *region)
{
}
#endif

/* sysfs.c */
extern const struct class mapdev_class;
extern const char * const mapdev_state_names[];

/* stats.c */
u64 mapdev_stat(const struct mapdev_region *region, enum mapdev_stat stat);
void mapdev_stats_init(void);
void mapdev_stats_exit(void);
void mapdev_stats_publish(struct mapdev_region *region);

#endif /* _MAPDEV_MAPDEV_H */
