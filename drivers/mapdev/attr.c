// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a region by name: how each is read from a string, checked
 * and printed. The module parameter, configfs and sysfs speak through this table.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <kunit/visibility.h>

#include "mapdev.h"

/**
 * struct mapdev_attr - one attribute by name
 * @name: as a person writes it
 * @parse: set it from a string; 0 or -EINVAL
 * @show: print its value and a newline into a sysfs buffer
 * @flag: without these two: where it is in struct mapdev_attrs, a bool
 */
struct mapdev_attr {
	const char *name;
	int (*parse)(struct mapdev_attrs *attrs, const char *value);
	int (*show)(const struct mapdev_attrs *attrs, char *buf);
	size_t flag;
};

static const struct mapdev_backing * const mapdev_backings[] = {
	&mapdev_paged,
	&mapdev_ram_pages,
	&mapdev_ram_vmalloc,
	&mapdev_pfn_contig,
	&mapdev_pfn_window,
};

/* The largest folio that the page cache takes; a page without THP. */
u64 mapdev_max_granule(void)
{
	return mapping_max_folio_size_supported();
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_max_granule);

/*
 * A number of bytes with an optional K, M or G. Unlike memparse() it accepts
 * nothing else before, between or after, and notices an overflow.
 */
static int parse_bytes(const char *value, u64 *bytes)
{
	char digits[24];
	size_t len = strlen(value);
	unsigned int shift = 0;
	u64 number;

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	strscpy(digits, value);

	switch (digits[len - 1]) {
	case 'G': case 'g':
		shift += 10;
		fallthrough;
	case 'M': case 'm':
		shift += 10;
		fallthrough;
	case 'K': case 'k':
		shift += 10;
		digits[len - 1] = '\0';
	}

	/* It takes a plus sign before them, and a newline behind them. */
	if (digits[strspn(digits, "0123456789")] ||
	    kstrtou64(digits, 10, &number) ||
	    check_shl_overflow(number, shift, bytes))
		return -EINVAL;
	return 0;
}

static int size_parse(struct mapdev_attrs *attrs, const char *value)
{
	return parse_bytes(value, &attrs->size);
}

static int size_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(attrs->size));
}

static int backing_parse(struct mapdev_attrs *attrs, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapdev_backings); i++) {
		if (!strcmp(value, mapdev_backings[i]->name)) {
			attrs->backing = mapdev_backings[i];
			return 0;
		}
	}
	return -EINVAL;
}

static int backing_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%s\n", attrs->backing->name);
}

static int granule_parse(struct mapdev_attrs *attrs, const char *value)
{
	u64 granule;

	if (parse_bytes(value, &granule) || !is_power_of_2(granule) ||
	    granule < PAGE_SIZE || granule > mapdev_max_granule())
		return -EINVAL;
	attrs->granule = granule;
	return 0;
}

static int granule_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%llu\n", attrs->granule);
}

static int numa_node_parse(struct mapdev_attrs *attrs, const char *value)
{
	int node;

	if (kstrtoint(value, 10, &node))
		return -EINVAL;
	if (node != NUMA_NO_NODE &&
	    (node < 0 || node >= MAX_NUMNODES || !node_state(node, N_MEMORY)))
		return -EINVAL;
	attrs->numa_node = node;
	return 0;
}

static int numa_node_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%d\n", attrs->numa_node);
}

static int mode_parse(struct mapdev_attrs *attrs, const char *value)
{
	u16 mode;

	if (kstrtou16(value, 8, &mode) || mode & ~0777)
		return -EINVAL;
	attrs->mode = mode;
	return 0;
}

static int mode_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%04o\n", attrs->mode);
}

static int parse_bool(const char *value, bool *flag)
{
	u8 number;

	if (kstrtou8(value, 10, &number) || number > 1)
		return -EINVAL;
	*flag = number;
	return 0;
}

static int map_parse(struct mapdev_attrs *attrs, const char *value)
{
	if (strcmp(value, "eager") && strcmp(value, "demand"))
		return -EINVAL;
	attrs->eager = value[0] == 'e';
	return 0;
}

static int map_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%s\n", attrs->eager ? "eager" : "demand");
}

static const char * const cache_names[] = {
	[MAPDEV_WB] = "wb",
	[MAPDEV_WC] = "wc",
	[MAPDEV_UC] = "uc",
};

/* What it is, or would be if the region went live as it is described. */
enum mapdev_cache mapdev_attrs_cache(const struct mapdev_attrs *attrs)
{
	if (attrs->cache != MAPDEV_CACHE_DEFAULT)
		return attrs->cache;
	return IS_ENABLED(CONFIG_MMU) && attrs->backing->type == MAPDEV_WINDOW ?
	       MAPDEV_UC : MAPDEV_WB;
}

const char *mapdev_cache_name(const struct mapdev_attrs *attrs)
{
	return cache_names[mapdev_attrs_cache(attrs)];
}

static int cache_parse(struct mapdev_attrs *attrs, const char *value)
{
	int cache = match_string(cache_names, ARRAY_SIZE(cache_names), value);

	if (cache < 0)
		return -EINVAL;
	attrs->cache = cache;
	return 0;
}

static int cache_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%s\n", mapdev_cache_name(attrs));
}

static int phys_parse(struct mapdev_attrs *attrs, const char *value)
{
	u64 phys;

	if (kstrtou64(value, 0, &phys) || !PAGE_ALIGNED(phys))
		return -EINVAL;
	attrs->phys = phys;
	return 0;
}

static int phys_show(const struct mapdev_attrs *attrs, char *buf)
{
	if (attrs->phys == MAPDEV_NO_PHYS)
		return sysfs_emit(buf, "\n");
	return sysfs_emit(buf, "%#llx\n", attrs->phys);
}

#define MAPDEV_ATTR(_name) \
	{ .name = #_name, .parse = _name##_parse, .show = _name##_show }
#define MAPDEV_FLAG(_name) \
	{ .name = #_name, .flag = offsetof(struct mapdev_attrs, _name) }

static const struct mapdev_attr mapdev_attr_table[] = {
	MAPDEV_ATTR(size),
	MAPDEV_ATTR(backing),
	MAPDEV_ATTR(granule),
	MAPDEV_ATTR(numa_node),
	MAPDEV_ATTR(mode),
	MAPDEV_ATTR(map),
	MAPDEV_ATTR(cache),
	MAPDEV_ATTR(phys),
	MAPDEV_FLAG(pin),
	MAPDEV_FLAG(dma32),
	MAPDEV_FLAG(ro),
	MAPDEV_FLAG(dirty),
};

static const struct mapdev_attr *mapdev_attr_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapdev_attr_table); i++)
		if (!strcmp(name, mapdev_attr_table[i].name))
			return &mapdev_attr_table[i];
	return NULL;
}

/* Print one attribute, which must exist, into a page of sysfs or configfs. */
int mapdev_attr_show(const struct mapdev_attrs *attrs, const char *name,
		     char *buf)
{
	const struct mapdev_attr *attr = mapdev_attr_find(name);

	if (attr->show)
		return attr->show(attrs, buf);
	return sysfs_emit(buf, "%d\n", *(bool *)((void *)attrs + attr->flag));
}

/* Set one attribute of @region (a name, for the log only) from a string. */
int mapdev_attrs_set(struct mapdev_attrs *attrs, const char *region,
		     const char *name, const char *value)
{
	const struct mapdev_attr *attr = mapdev_attr_find(name);
	int err;

	if (!attr) {
		/* The log is read line by line: let nothing look like one. */
		pr_err("%s: no attribute \"%*pE\"\n", region,
		       (int)strnlen(name, 64), name);
		return -EINVAL;
	}
	/* configfs and sysfs strip a newline at the end, and kstrtox() accepts one. */
	if (strchr(value, '\n'))
		err = -EINVAL;
	else if (attr->parse)
		err = attr->parse(attrs, value);
	else
		err = parse_bool(value, (void *)attrs + attr->flag);
	if (err) {
		pr_err("%s: %s cannot be \"%*pE\"\n", region, name,
		       (int)strnlen(value, 64), value);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_set);
