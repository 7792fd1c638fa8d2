/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mapdev for other drivers: export memory of a driver for programs to map.
 *
 * A driver describes its memory, calls mapdev_register(), and has a region like
 * any other: /dev/mapdev/NAME, its sysfs directory, its bounds and states. The
 * region calls no function of the driver, so there are no callbacks to get wrong
 * and no module reference to hold. What the driver promises is that the memory
 * stays what it is until mapdev_unregister() has returned; after that nothing maps
 * or touches it, though programs may still have the node open.
 *
 * Exported memory is mapped by page faults only, and does not count for max_bytes.
 *
 * All functions but mapdev_mark_dirty() are called from process context, may
 * sleep, and take the locks that drivers/mapdev/mapdev.h lists: call them under no
 * lock that a page fault could need, and not under mmap_lock.
 */
#ifndef _LINUX_MAPDEV_H
#define _LINUX_MAPDEV_H

#include <linux/security.h>
#include <linux/types.h>
#include <uapi/linux/mapdev.h>

struct device;
struct mapdev_region;
struct page;

/**
 * enum mapdev_memory - what a driver exports
 * @MAPDEV_EXPORT_PAGES: an array of struct page pointers. They are mapped one by
 *	one with a reference each, so programs can pin them (O_DIRECT, io_uring,
 *	RDMA): free them by put_page(); a pinned one lives until the last pin. So each
 *	has its own reference (split_page() for a block of a higher order), and none
 *	is of a slab, of a page cache or the zero page. Appears as backing "pages".
 * @MAPDEV_EXPORT_RANGE: physically contiguous RAM with struct pages, mapped by
 *	page frame, in PMDs where it is aligned so, and never pinned. Appears
 *	as backing "contig".
 * @MAPDEV_EXPORT_FRAMES: what is not RAM: a PCI BAR, memory on a device. The
 *	region keeps a kernel mapping of all of it, which holds its cache mode.
 *	The driver has claimed the range (request_mem_region()) and keeps the
 *	device able to answer, or revokes. Appears as backing "window".
 */
enum mapdev_memory {
	MAPDEV_EXPORT_PAGES,
	MAPDEV_EXPORT_RANGE,
	MAPDEV_EXPORT_FRAMES,
};

/**
 * struct mapdev_desc - memory to export, and how
 * @name: 1 to MAPDEV_NAME_MAX of A-Za-z0-9._- not beginning with a dot
 * @parent: the device in sysfs that the region belongs to, or NULL. An open
 *	file holds a runtime power management reference to it; mapdev_unregister()
 *	drops these, and the one to @parent itself.
 * @size: bytes, a multiple of the page size
 * @memory: which of the next three is set
 * @pages: MAPDEV_EXPORT_PAGES: @size >> PAGE_SHIFT of them; the array stays
 * @first: MAPDEV_EXPORT_RANGE: the first page
 * @phys: MAPDEV_EXPORT_FRAMES: the CPU's physical address, page aligned
 * @cache: how the CPU caches it; RAM is MAPDEV_WB
 * @hole_offset: MAPDEV_EXPORT_FRAMES: first byte of a part that no program may
 *	reach, page aligned
 * @hole_size: bytes of that, a multiple of the page size, or 0
 * @mode: permissions of the node, 0 for 0600
 * @ro: programs can only read
 * @dirty: MAPDEV_EXPORT_PAGES, single pages, of which each is in one such region
 *	only: programs can ask which were written (MAPDEV_IOC_DIRTY). Until
 *	mapdev_unregister() has returned the region uses their mapping and index.
 * @lockdown: LOCKDOWN_NONE, or what a locked down kernel refuses with this
 *	memory. Opening the node then takes CAP_SYS_RAWIO, too, unless @mode
 *	lets others than its owner in.
 *
 * It is copied; only the memory that it points to has to stay.
 */
struct mapdev_desc {
	const char *name;
	struct device *parent;
	u64 size;
	enum mapdev_memory memory;
	union {
		struct page **pages;
		struct page *first;
		phys_addr_t phys;
	};
	enum mapdev_cache cache;
	u64 hole_offset;
	u64 hole_size;
	umode_t mode;
	bool ro;
	bool dirty;
	enum lockdown_reason lockdown;
};

struct mapdev_region *mapdev_register(const struct mapdev_desc *desc);
void mapdev_unregister(struct mapdev_region *region);
int mapdev_revoke(struct mapdev_region *region);
int mapdev_restore(struct mapdev_region *region);
int mapdev_mark_dirty(struct mapdev_region *region, u64 offset, u64 length);

#endif /* _LINUX_MAPDEV_H */
