// SPDX-License-Identifier: GPL-2.0
/*
 * window: memory that is not RAM: a PCI BAR that mapdev_pci exports, or a physical
 * range that root has reserved and names by phys=.
 *
 * All of it is mapped for the kernel as long as the region has it. That mapping
 * serves read(2), write(2) and ptrace, and on x86 it is the reservation of the
 * cache mode that every entry of a program is looked up in.
 */
#include <linux/capability.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/security.h>
#include <linux/uio.h>
#include <linux/unaligned.h>

#include "cache.h"
#include "cache_names.h"
#include "failure.h"
#include "fault.h"
#include "mapdev.h"
#include "pfn.h"
#include "refuse.h"
#include "window.h"

static bool allow_phys;
module_param(allow_phys, bool, 0444);
MODULE_PARM_DESC(allow_phys, "let root make regions of physical ranges that are not RAM (default: 0)");

/* --- The memory --- */

/* Map region->pfn for the kernel in the mode that the region is to have. */
int mapdev_window_map(struct mapdev_region *region)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	phys_addr_t phys = mapdev_phys_addr(region);

	if (!mapdev_cache_exists(attrs->cache))
		goto refuse;
	region->io = mapdev_ioremap(phys, attrs->size, attrs->cache);
	if (!region->io) {
		mapdev_refuse(region,
			      "cannot map %llu bytes at %pa in the kernel: no address space, or the cache mode is not %s elsewhere",
			      attrs->size, &phys,
			      mapdev_cache_names[attrs->cache]);
		return -ENOMEM;
	}
	/* Without an MMU, programs use the address that the kernel has. */
	region->address = (__force void *)region->io;
	if (mapdev_cache_is(region->io, attrs->cache)) {
		mapdev_failure_watch(region);
		return 0;
	}
	mapdev_window_unmap(region);
refuse:
	mapdev_refuse(region, "this machine cannot map %pa with cache mode %s",
		      &phys, mapdev_cache_names[attrs->cache]);
	return -EOPNOTSUPP;
}

void mapdev_window_unmap(struct mapdev_region *region)
{
	mapdev_failure_forget(region);
	if (region->io)
		iounmap(region->io);
	region->io = NULL;
	region->address = NULL;
}

/* Check if this task may have the range; log why not. */
static int phys_check(struct mapdev_region *region)
{
	const struct mapdev_attrs *attrs = &region->attrs;

	if (!allow_phys) {
		mapdev_refuse(region,
			      "phys needs the module parameter allow_phys=1");
		return -EPERM;
	}
	if (!capable(CAP_SYS_RAWIO)) {
		mapdev_refuse(region, "phys needs CAP_SYS_RAWIO");
		return -EPERM;
	}
	if (security_locked_down(LOCKDOWN_DEV_MEM)) {
		mapdev_refuse(region, "phys is refused by kernel lockdown");
		return -EPERM;
	}
	if (attrs->phys > iomem_resource.end ||
	    attrs->size - 1 > iomem_resource.end - attrs->phys) {
		mapdev_refuse(region,
			      "%llu bytes at %#llx end past the last physical address %pa",
			      attrs->size, attrs->phys, &iomem_resource.end);
		return -EINVAL;
	}
	if (region_intersects(attrs->phys, attrs->size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		mapdev_refuse(region, "%llu bytes at %#llx overlap System RAM",
			      attrs->size, attrs->phys);
		return -EPERM;
	}
	return 0;
}

static int window_alloc(struct mapdev_region *region)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	int err;

	err = phys_check(region);
	if (err)
		return err;
	/* Its name in /proc/iomem lives as long as the region. */
	if (!request_mem_region(attrs->phys, attrs->size,
				mapdev_name(region))) {
		mapdev_refuse(region,
			      "%llu bytes at %#llx are claimed already, see /proc/iomem",
			      attrs->size, attrs->phys);
		return -EBUSY;
	}
	region->pfn = PHYS_PFN(attrs->phys);
	region->lockdown = LOCKDOWN_DEV_MEM;
	err = mapdev_window_map(region);
	if (err)
		release_mem_region(attrs->phys, attrs->size);
	return err;
}

static void window_release(struct mapdev_region *region)
{
	if (!region->io)
		return;
	mapdev_window_unmap(region);
	release_mem_region(region->attrs.phys, region->attrs.size);
}

/* --- Reading and writing --- */

/*
 * Registers are read and written whole: an aligned transfer of a register's
 * width is one access. Everything else is copied in no particular width.
 */
static void window_read(const void __iomem *from, void *to, size_t bytes)
{
	bool aligned = IS_ALIGNED((unsigned long)from, bytes);

	if (bytes == 4 && aligned)
		put_unaligned(__raw_readl(from), (u32 *)to);
	else if (bytes == 2 && aligned)
		put_unaligned(__raw_readw(from), (u16 *)to);
	else
		memcpy_fromio(to, from, bytes);
}

static void window_write(void __iomem *to, const void *from, size_t bytes)
{
	bool aligned = IS_ALIGNED((unsigned long)to, bytes);

	if (bytes == 4 && aligned)
		__raw_writel(get_unaligned((const u32 *)from), to);
	else if (bytes == 2 && aligned)
		__raw_writew(get_unaligned((const u16 *)from), to);
	else
		memcpy_toio(to, from, bytes);
	/* Flush write-combining buffers before the call returns. */
	wmb();
}

/* For ptrace, inside of one page and with the guard held. */
static void window_move(struct mapdev_region *region, loff_t pos, void *buf,
			size_t bytes, bool write)
{
	if (write)
		window_write(region->io + pos, buf, bytes);
	else
		window_read(region->io + pos, buf, bytes);
}

/* Bytes that one visit moves through the stack. */
#define WINDOW_BOUNCE	256

static size_t window_copy_part(struct mapdev_region *region, loff_t pos,
			       size_t bytes, struct iov_iter *iter)
{
	u8 bounce[WINDOW_BOUNCE] __aligned(8);
	void __iomem *io = region->io + pos;
	size_t copied;

	if (iov_iter_rw(iter) == ITER_DEST) {
		window_read(io, bounce, bytes);
		return copy_to_iter(bounce, bytes, iter);
	}
	copied = copy_from_iter(bounce, bytes, iter);
	if (copied)
		window_write(io, bounce, copied);
	return copied;
}

ssize_t mapdev_window_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter)
{
	return mapdev_copy(region, pos, iter, WINDOW_BOUNCE, window_copy_part);
}

/* --- Mapping --- */

static pgprot_t window_prot(const struct mapdev_region *region, pgprot_t prot)
{
	return mapdev_pgprot(prot, region->attrs.cache);
}

/* mm core adds the offset itself, and checks the length. */
static void window_map(const struct mapdev_region *region,
		       struct vm_area_desc *desc)
{
	mmap_action_simple_ioremap(desc, mapdev_phys_addr(region),
				   region->attrs.size);
}

const struct mapdev_frames mapdev_window_frames = {
	.prot	= window_prot,
	.move	= window_move,
	.map	= window_map,
};

const struct mapdev_backing mapdev_pfn_window = {
	.name		= "window",
	.type		= MAPDEV_WINDOW,
	.has		= MAPDEV_HAS(map) | MAPDEV_HAS(cache) |
			  MAPDEV_HAS(phys),
	.cache		= IS_ENABLED(CONFIG_MMU) ? MAPDEV_UC : MAPDEV_WB,
	.registers	= true,
	.alloc		= window_alloc,
	.release	= window_release,
	.mmap_prepare	= mapdev_pfn_mmap_prepare,
	.copy		= mapdev_window_copy,
	.drain		= mapdev_guard_drain,
	.frames		= &mapdev_window_frames,
};
