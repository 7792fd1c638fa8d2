/* SPDX-License-Identifier: GPL-2.0 */
/* What a region is asked to be. */
#ifndef _MAPDEV_ATTRS_H
#define _MAPDEV_ATTRS_H

#include <linux/bits.h>
#include <linux/pagemap.h>
#include <linux/types.h>

struct mapdev_backing;
struct mapdev_refusal;

/**
 * struct mapdev_attrs - what a region is asked to be
 * @size: bytes, a multiple of the page size
 * @backing: where the memory comes from
 * @granule: bytes that paged allocates and maps as one, a power of two; 0 is
 *           the default, and all other backings have a page
 * @numa_node: node to take memory from, or NUMA_NO_NODE
 * @mode: permissions of the node when it appears
 * @cache: enum mapdev_cache, or MAPDEV_CACHE_DEFAULT
 * @phys: window: where the range begins, or MAPDEV_NO_PHYS
 * @eager: mappings are filled at mmap, not by faults, which need an MMU
 * @pin: contig by struct pages, which can be pinned
 * @dma32: contig below 4 GiB
 * @ro: shared writable mappings and write(2) are refused
 * @dirty: what is written is logged
 * @refusal: where the reason of an error goes beside the log, or NULL
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
	struct mapdev_refusal *refusal;
};

/*
 * The list of attributes: configfs, sysfs, regions=, MAPDEV_IOC_INFO and the
 * defaults are made from it. A new attribute is a field above, a row here, a bit
 * in the backings that have it, for ATTR() a NAME_parse() and a NAME_show() in
 * attrs.c, and in mapdev_attrs_check() what it cannot be combined with.
 * CONTRIBUTING.rst has the places outside of the driver.
 *
 *   ATTR(name, field, default, mode in sysfs or 0)
 *   FLAG(name, bit of mapdev_info.attributes)
 */
#define MAPDEV_ATTRIBUTES(ATTR, FLAG)					\
	ATTR(size, size, 0, 0644)					\
	ATTR(backing, backing, MAPDEV_DEFAULT_BACKING, 0444)		\
	ATTR(granule, granule, 0, 0444)					\
	ATTR(numa_node, numa_node, NUMA_NO_NODE, 0444)			\
	ATTR(mode, mode, 0600, 0)					\
	ATTR(map, eager, !IS_ENABLED(CONFIG_MMU), 0444)			\
	ATTR(cache, cache, MAPDEV_CACHE_DEFAULT, 0444)			\
	ATTR(phys, phys, MAPDEV_NO_PHYS, 0)				\
	FLAG(pin, MAPDEV_ATTR_PIN)					\
	FLAG(dma32, MAPDEV_ATTR_DMA32)					\
	FLAG(ro, MAPDEV_ATTR_RO)					\
	FLAG(dirty, MAPDEV_ATTR_DIRTY)

#define MAPDEV_ATTR_ID(_name, ...)	MAPDEV_ID_##_name,

enum { MAPDEV_ATTRIBUTES(MAPDEV_ATTR_ID, MAPDEV_ATTR_ID) };

/* A bit of mapdev_backing.has. */
#define MAPDEV_HAS(_name)	BIT(MAPDEV_ID_##_name)

/* The cache mode of the backing. */
#define MAPDEV_CACHE_DEFAULT	(-1)
#define MAPDEV_NO_PHYS		U64_MAX

/* The largest folio that the page cache takes; a page without THP. */
static inline u64 mapdev_max_granule(void)
{
	return mapping_max_folio_size_supported();
}

void mapdev_attrs_backings(const struct mapdev_backing * const *backings);
void mapdev_attrs_init(struct mapdev_attrs *attrs);
int mapdev_attr_show(const struct mapdev_attrs *attrs, const char *name,
		     char *buf);
int mapdev_attrs_set(struct mapdev_attrs *attrs, const char *region,
		     const char *name, const char *value);
u32 mapdev_attrs_bits(const struct mapdev_attrs *attrs);
enum mapdev_cache mapdev_attrs_cache(const struct mapdev_attrs *attrs);
const struct mapdev_backing *
mapdev_attrs_backing(const struct mapdev_attrs *attrs);

int mapdev_attrs_check(const struct mapdev_attrs *attrs, const char *region);

#endif /* _MAPDEV_ATTRS_H */
