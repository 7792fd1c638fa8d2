// SPDX-License-Identifier: GPL-2.0
/*
 * nommu: replaces paged.c, ram.c, pfn.c and contig.c without an MMU. Programs
 * see the memory at its only address, so it is contiguous and allocated with
 * the region. There are no faults, and mappings cannot be taken away: a revoke
 * is -EBUSY while there is one. The mappings of a retired region stay until
 * they are unmapped, and keep its memory or the range of a window.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rbtree.h>

#include "fault.h"
#include "mapdev.h"
#include "nommu.h"
#include "pfn.h"
#include "refuse.h"
#include "stats.h"

/* --- The memory --- */

/* Set region->address, to no more than the buddy allocator has in one piece. */
static int nommu_alloc(struct mapdev_region *region)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
		    __GFP_RETRY_MAYFAIL;

	if (region->attrs.dma32)
		gfp |= GFP_DMA32;
	region->address = alloc_pages_exact(region->attrs.size, gfp);
	if (!region->address) {
		mapdev_refuse(region,
			      "no %llu contiguous bytes, at most %lu are possible",
			      region->attrs.size, PAGE_SIZE << MAX_PAGE_ORDER);
		return -ENOMEM;
	}
	return 0;
}

static int nommu_contig_alloc(struct mapdev_region *region)
{
	int err = nommu_alloc(region);

	if (!err)
		region->pfn = PHYS_PFN(virt_to_phys(region->address));
	return err;
}

/* Page by page: a pinned page is freed with the last pin. */
static void nommu_free(struct mapdev_region *region)
{
	if (region->address)
		free_pages_exact(region->address, region->attrs.size);
}

static size_t nommu_copy_part(struct mapdev_region *region, loff_t pos,
			      size_t bytes, struct iov_iter *iter)
{
	return mapdev_copy_page(region, virt_to_page(region->address + pos),
				offset_in_page(pos), bytes, iter);
}

static ssize_t nommu_copy(struct mapdev_region *region, loff_t pos,
			  struct iov_iter *iter)
{
	return mapdev_copy(region, pos, iter, PAGE_SIZE, nommu_copy_part);
}

/* --- Mapping --- */

static unsigned long nommu_address(const struct mapdev_region *region,
				   pgoff_t pgoff)
{
	return (unsigned long)region->address + (pgoff << PAGE_SHIFT);
}

/*
 * Private writable mappings are copies, which mm core fills by read. Advertise
 * NOMMU_MAP_EXEC although execution is refused: without it, mm core would copy
 * private executable mappings, and hand the copy to shared mappers (7.3:
 * do_mmap()). mmap_prepare refuses them.
 */
unsigned int mapdev_mmap_capabilities(struct file *file)
{
	return NOMMU_MAP_COPY | NOMMU_MAP_DIRECT | NOMMU_MAP_READ |
	       NOMMU_MAP_WRITE | NOMMU_MAP_EXEC;
}

/*
 * mm core shares the vm_region of a mapping with mappings inside of it, but two
 * that begin at one address are a BUG(). nommu_region_sem is held here.
 */
static bool nommu_begins_at(struct mapdev_region *region, unsigned long start)
{
	struct address_space *mapping = region->inode->i_mapping;
	bool found = false;

	i_mmap_lock_read(mapping);
	for (struct rb_node *node = rb_first_cached(&mapping->i_mmap); node;
	     node = rb_next(node)) {
		struct vm_area_struct *vma =
			rb_entry(node, struct vm_area_struct, shared.rb);

		found |= vma->vm_region->vm_start == start;
	}
	i_mmap_unlock_read(mapping);
	return found;
}

/* The address of the data; mmap_prepare checks if it may be mapped. */
unsigned long mapdev_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	struct mapdev_region *region = file->private_data;
	unsigned long start;

	if (!mapdev_has_pages(region, pgoff, PAGE_ALIGN(len) >> PAGE_SHIFT))
		return -EINVAL;
	start = nommu_address(region, pgoff);
	return nommu_begins_at(region, start) ? -EBUSY : start;
}

/*
 * Count with the guard held: either a revoke, which takes it after setting the
 * state, finds the mapping, or this finds the state.
 */
static int nommu_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
			const struct file *file, void **vm_private_data)
{
	struct mapdev_region *region = file->private_data;
	int err;

	mmap_assert_write_locked(current->mm);
	err = mapdev_enter(region, pgoff);
	if (err)
		return err;
	*vm_private_data = region;
	mapdev_count(region, MAPDEV_STAT_MAPPED);
	mapdev_leave(region);
	return 0;
}

static const struct vm_operations_struct nommu_vm_ops = {
	.mapped		= nommu_mapped,
	.close		= mapdev_vma_close,
};

/*
 * A private read-only mapping is the memory itself, as a shared one: mm core
 * would share one copy with all (see above). mm core refuses any action.
 */
static int nommu_mmap_prepare(struct mapdev_region *region,
			      struct vm_area_desc *desc)
{
	/* -ENOSYS asks mm core for a copy. */
	if (!is_nommu_shared_vma_flags(&desc->vma_flags))
		return -ENOSYS;
	/* mm core would drop the existing mapping without closing it. */
	if (find_vma_intersection(desc->mm, desc->start, desc->end))
		return -EBUSY;

	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &nommu_vm_ops;
	return 0;
}

/* The same for page frames, which cannot be pinned. */
int mapdev_pfn_mmap_prepare(struct mapdev_region *region,
			    struct vm_area_desc *desc)
{
	int err = nommu_mmap_prepare(region, desc);

	if (!err)
		vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT,
				   VMA_DONTDUMP_BIT);
	return err;
}

/* --- Removal --- */

/*
 * Called when nothing can be mapped any more. Without fork and split, each
 * mapping is counted once and closed once. Read the counters in this order, so
 * that a mapping closed meanwhile does not hide another one.
 */
bool mapdev_is_mapped(const struct mapdev_region *region)
{
	u64 mapped = mapdev_stat(region, MAPDEV_STAT_MAPPED);

	return mapped > mapdev_stat(region, MAPDEV_STAT_CLOSE);
}

/* --- The backings --- */

/* Without alloc, so that creating one fails with a reason. */
const struct mapdev_backing mapdev_paged = {
	.name		= "paged",
	.type		= MAPDEV_PAGED,
};

const struct mapdev_backing mapdev_ram_pages = {
	.name		= "pages",
	.type		= MAPDEV_PAGES,
};

#define NOMMU_BACKING(_name, _type, _has, _alloc, _mmap_prepare)		\
{									\
	.name		= (_name),					\
	.type		= (_type),					\
	.has		= MAPDEV_HAS(map) | MAPDEV_HAS(numa_node) | (_has), \
	.counted	= true,						\
	.alloc		= (_alloc),					\
	.free		= nommu_free,					\
	.mmap_prepare	= (_mmap_prepare),				\
	.copy		= nommu_copy,					\
	.drain		= mapdev_guard_drain,				\
}

const struct mapdev_backing mapdev_ram_vmalloc =
	NOMMU_BACKING("vmalloc", MAPDEV_VMALLOC, 0, nommu_alloc,
		      nommu_mmap_prepare);

const struct mapdev_backing mapdev_pfn_contig =
	NOMMU_BACKING("contig", MAPDEV_CONTIG,
		      MAPDEV_HAS(pin) | MAPDEV_HAS(dma32), nommu_contig_alloc,
		      mapdev_pfn_mmap_prepare);

const struct mapdev_backing mapdev_ram_contig =
	NOMMU_BACKING("contig", MAPDEV_CONTIG, 0, nommu_contig_alloc,
		      nommu_mmap_prepare);
