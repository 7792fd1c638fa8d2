// SPDX-License-Identifier: GPL-2.0
/*
 * What a region is that nobody has said anything of, and which attributes go
 * together: whether there can be a region like this.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <kunit/visibility.h>

#include "mapdev.h"

void mapdev_attrs_init(struct mapdev_attrs *attrs)
{
	*attrs = (struct mapdev_attrs) {
		.backing	= MAPDEV_DEFAULT_BACKING,
		.numa_node	= NUMA_NO_NODE,
		.mode		= 0600,
		.cache		= MAPDEV_CACHE_DEFAULT,
		.phys		= MAPDEV_NO_PHYS,
		.eager		= !IS_ENABLED(CONFIG_MMU),
	};
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_init);

/* An attribute that only some backings have, set on one that has it not. */
static const char *misplaced(const struct mapdev_attrs *attrs)
{
	enum mapdev_backing_type type = attrs->backing->type;

	if (attrs->granule && type != MAPDEV_PAGED)
		return "granule";
	if (attrs->eager && type == MAPDEV_PAGED)
		return "map=eager";
	if (attrs->pin && type != MAPDEV_CONTIG)
		return "pin";
	if (attrs->dma32 && type != MAPDEV_CONTIG)
		return "dma32";
	if (mapdev_attrs_cache(attrs) != MAPDEV_WB && type != MAPDEV_WINDOW)
		return "cache but wb";
	if (attrs->phys != MAPDEV_NO_PHYS && type != MAPDEV_WINDOW)
		return "phys";
	if (attrs->numa_node != NUMA_NO_NODE && type == MAPDEV_WINDOW)
		return "numa_node";
	return NULL;
}

/* Why there cannot be a dirty log, if that is so. */
static const char *dirty_needs(const struct mapdev_attrs *attrs)
{
	if (!attrs->dirty)
		return NULL;
	if (!IS_ENABLED(CONFIG_MMU))
		return "an MMU";
	if (attrs->eager)
		return "map=demand";
	if (attrs->backing->type == MAPDEV_CONTIG && !attrs->pin)
		return "pin=1 with backing contig";
	if (attrs->backing->type == MAPDEV_WINDOW)
		return "another backing than window";
	return NULL;
}

/* Memory that the kernel has to have an address for is no larger than those. */
static u64 most_bytes(const struct mapdev_attrs *attrs)
{
	if (attrs->backing->type == MAPDEV_PAGED)
		return MAX_LFS_FILESIZE;
	return min_t(u64, MAX_LFS_FILESIZE, SIZE_MAX);
}

/* Can there be a region like this? One log line says why not. */
int mapdev_attrs_check(const struct mapdev_attrs *attrs, const char *region)
{
	const char *attr = misplaced(attrs), *needs = dirty_needs(attrs);

	if (!attrs->backing->alloc) {
		pr_err("%s: backing %s needs an MMU\n", region,
		       attrs->backing->name);
		return -EOPNOTSUPP;
	}
	if (!IS_ENABLED(CONFIG_MMU) && !attrs->eager) {
		pr_err("%s: map=demand needs an MMU\n", region);
		return -EOPNOTSUPP;
	}
	if (attr) {
		pr_err("%s: a region of backing %s has no %s\n", region,
		       attrs->backing->name, attr);
		return -EINVAL;
	}
	if (needs) {
		pr_err("%s: dirty=1 needs %s\n", region, needs);
		return IS_ENABLED(CONFIG_MMU) ? -EINVAL : -EOPNOTSUPP;
	}
	if (!attrs->size) {
		pr_err("%s: size is 0 or not set\n", region);
		return -EINVAL;
	}
	if (!PAGE_ALIGNED(attrs->size) || attrs->size > most_bytes(attrs)) {
		pr_err("%s: size %llu is not a multiple of the page size %lu, or too large\n",
		       region, attrs->size, PAGE_SIZE);
		return -EINVAL;
	}
	if (attrs->backing->type == MAPDEV_WINDOW &&
	    attrs->phys == MAPDEV_NO_PHYS) {
		pr_err("%s: a window needs phys, the physical address where it begins\n",
		       region);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_check);
