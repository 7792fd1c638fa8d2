// SPDX-License-Identifier: GPL-2.0
/*
 * include/linux/mapdev.h: regions over memory that another driver owns.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "attrs.h"
#include "contig.h"
#include "dirty.h"
#include "fault.h"
#include "mapdev.h"
#include "pfn.h"
#include "ram.h"
#include "region.h"
#include "registry.h"
#include "window.h"

/*
 * mm core refuses, at the fault, a page without a reference and a page that uses its
 * map count for something else. Refuse them here.
 */
static bool can_be_mapped(const struct page *page)
{
	const struct folio *folio;

	if (!page)
		return false;
	folio = page_folio(page);
	return folio_ref_count(folio) && !folio_test_anon(folio) &&
	       !page_has_type(page) && !page_has_type(&folio->page) &&
	       !is_zero_folio(folio);
}

static int check_pages(struct mapdev_region *region, struct page **pages)
{
	for (pgoff_t i = 0; i < mapdev_pages(region); i++) {
		if (!can_be_mapped(pages[i])) {
			pr_err("%s: page %lu cannot be mapped, see MAPDEV_EXPORT_PAGES\n",
			       mapdev_name(region), i);
			return -EINVAL;
		}
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/* --- The backings --- */

static int export_pages_alloc(struct mapdev_region *region)
{
	int err = check_pages(region, region->desc->pages);

	if (err)
		return err;
	region->pages = region->desc->pages;
	return mapdev_ram_own(region);
}

static void export_pages_release(struct mapdev_region *region)
{
	mapdev_ram_disown(region);
	region->pages = NULL;
}

static const struct mapdev_backing export_pages = {
	.name		= "pages",
	.type		= MAPDEV_PAGES,
	.alloc		= export_pages_alloc,
	.release	= export_pages_release,
	.mmap_prepare	= mapdev_ram_mmap_prepare,
	.copy		= mapdev_ram_copy,
	.drain		= mapdev_guard_drain,
};

static int export_range_alloc(struct mapdev_region *region)
{
	region->pfn = page_to_pfn(region->desc->first);
	return 0;
}

static const struct mapdev_backing export_range = {
	.name		= "contig",
	.type		= MAPDEV_CONTIG,
	.alloc		= export_range_alloc,
	.mmap_prepare	= mapdev_pfn_mmap_prepare,
	.copy		= mapdev_contig_copy,
	.drain		= mapdev_guard_drain,
	.frames		= &mapdev_contig_frames,
};

static int export_frames_alloc(struct mapdev_region *region)
{
	const struct mapdev_desc *desc = region->desc;

	region->pfn = PHYS_PFN(desc->phys);
	region->hole = desc->hole_offset >> PAGE_SHIFT;
	region->hole_pages = desc->hole_size >> PAGE_SHIFT;
	return mapdev_window_map(region);
}

static const struct mapdev_backing export_frames = {
	.name		= "window",
	.type		= MAPDEV_WINDOW,
	.registers	= true,
	.alloc		= export_frames_alloc,
	.release	= mapdev_window_unmap,
	.mmap_prepare	= mapdev_pfn_mmap_prepare,
	.copy		= mapdev_window_copy,
	.drain		= mapdev_guard_drain,
	.frames		= &mapdev_window_frames,
};

/* --- Register and unregister --- */

/* Why a description is invalid, for the log; or NULL. */
static const char *desc_fault(const struct mapdev_desc *desc)
{
	bool frames = desc->memory == MAPDEV_EXPORT_FRAMES;

	if (desc->memory > MAPDEV_EXPORT_FRAMES)
		return "no such kind of memory";
	if (desc->dirty && desc->memory != MAPDEV_EXPORT_PAGES)
		return "a dirty log needs MAPDEV_EXPORT_PAGES";
	if (!frames && !desc->pages)
		return "no memory";
	if (!frames && desc->cache != MAPDEV_WB)
		return "RAM is write-back";
	if (desc->cache > MAPDEV_UC)
		return "no such cache mode";
	if (frames && !PAGE_ALIGNED(desc->phys))
		return "phys is not page aligned";
	if (desc->hole_size &&
	    (!frames || !PAGE_ALIGNED(desc->hole_offset | desc->hole_size) ||
	     desc->hole_offset > desc->size ||
	     desc->hole_size > desc->size - desc->hole_offset))
		return "the hole is not of whole pages inside of the region";
	if (desc->mode & ~0777)
		return "mode has more than permissions";
	return NULL;
}

/**
 * mapdev_register - make a region of memory that the caller owns
 * @desc: the memory and how programs see it; copied
 *
 * The region is live, and /dev/mapdev/NAME is there, when this returns.
 *
 * Context: process context, may sleep.
 * Return: the region, for the other functions, or an ERR_PTR: -EINVAL (the
 * description), -ENAMETOOLONG, -EEXIST (name), -ENOMEM, -ENOSPC (minors),
 * -EOPNOTSUPP (the machine cannot map the range with this cache mode). One line
 * of the log has the reason.
 */
struct mapdev_region *mapdev_register(const struct mapdev_desc *desc)
{
	/* As programs see it, and the memory itself. */
	static const struct mapdev_backing * const backings[][2] = {
		[MAPDEV_EXPORT_PAGES]	= { &mapdev_ram_pages, &export_pages },
		[MAPDEV_EXPORT_RANGE]	= { &mapdev_pfn_contig, &export_range },
		[MAPDEV_EXPORT_FRAMES]	= { &mapdev_pfn_window, &export_frames },
	};
	const char *fault = desc_fault(desc);
	struct mapdev_attrs attrs;
	int err;

	/* From here on the name may be logged. */
	err = mapdev_name_check(desc->name);
	if (err)
		return ERR_PTR(err);
	if (fault) {
		pr_err("%s: %s\n", desc->name, fault);
		return ERR_PTR(-EINVAL);
	}
	mapdev_attrs_init(&attrs);
	attrs.size = desc->size;
	attrs.backing = backings[desc->memory][0];
	attrs.cache = desc->cache;
	attrs.ro = desc->ro;
	attrs.dirty = desc->dirty;
	if (desc->mode)
		attrs.mode = desc->mode;
	if (desc->memory == MAPDEV_EXPORT_FRAMES)
		attrs.phys = desc->phys;
	return mapdev_region_export(desc, &attrs, backings[desc->memory][1]);
}
EXPORT_SYMBOL_GPL(mapdev_register);

/**
 * mapdev_unregister - end a region and get its memory back
 * @region: what mapdev_register() returned; not to be used any more
 *
 * The node goes, mappings are taken away (touching them raises SIGBUS) and the
 * call sleeps until no fault, copy or access is inside. Pages of
 * MAPDEV_EXPORT_PAGES that are pinned are freed when the last pin is dropped.
 *
 * Context: process context, sleeps.
 */
void mapdev_unregister(struct mapdev_region *region)
{
	mapdev_region_retire(region);
}
EXPORT_SYMBOL_GPL(mapdev_unregister);

/**
 * mapdev_revoke - revoke a region for a while
 * @region: what mapdev_register() returned
 *
 * As mapdev_unregister(), but node and mappings stay, and work again after
 * mapdev_restore(). Independent of what root does by sysfs: the region is live
 * when neither has revoked it. It is one state, not a count: a driver that has
 * several reasons which overlap restores when the last is over, as mapdev_pci.
 *
 * Context: process context, sleeps.
 * Return: 0 when nothing reaches the memory, -EALREADY if that was so.
 */
int mapdev_revoke(struct mapdev_region *region)
{
	return mapdev_region_revoke(region, MAPDEV_OFF_OWNER);
}
EXPORT_SYMBOL_GPL(mapdev_revoke);

/**
 * mapdev_restore - end what mapdev_revoke() began
 * @region: what mapdev_register() returned
 *
 * Context: process context, may sleep.
 * Return: 0, or -EALREADY if the owner had not revoked it.
 */
int mapdev_restore(struct mapdev_region *region)
{
	return mapdev_region_restore(region, MAPDEV_OFF_OWNER);
}
EXPORT_SYMBOL_GPL(mapdev_restore);

/**
 * mapdev_mark_dirty - mark what the owner or its device has written
 * @region: what mapdev_register() returned, of MAPDEV_EXPORT_PAGES
 * @offset: where in the region, in bytes
 * @length: how many bytes; all pages that have one of them are marked
 *
 * To be called after the write: what comes after the mark may be missed. Does
 * nothing for a region without a dirty log. Context: any.
 * Return: 0, -EOPNOTSUPP if the memory is mapped by page frame, -EINVAL if
 * the range ends behind the region.
 */
int mapdev_mark_dirty(struct mapdev_region *region, u64 offset, u64 length)
{
	u64 size = region->attrs.size;

	if (!region->pages)
		return -EOPNOTSUPP;
	if (offset > size || length > size - offset)
		return -EINVAL;
	if (length)
		mapdev_dirty_mark(region, offset >> PAGE_SHIFT,
				  PFN_UP(offset_in_page(offset) + length));
	return 0;
}
EXPORT_SYMBOL_GPL(mapdev_mark_dirty);
