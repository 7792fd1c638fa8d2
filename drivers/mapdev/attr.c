// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a region by name: how each is read from a string, checked
 * and printed. The module parameter and sysfs speak through this one table.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <kunit/visibility.h>

#include "mapdev.h"

static const struct mapdev_backing * const mapdev_backings[] = {
	&mapdev_paged,
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
	int err;

	if (!len || len >= sizeof(digits) || value[0] == '+')
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

	err = kstrtou64(digits, 10, &number);
	if (err)
		return err;
	return check_shl_overflow(number, shift, bytes) ? -ERANGE : 0;
}

static int size_parse(struct mapdev_attrs *attrs, const char *value)
{
	return parse_bytes(value, &attrs->size);
}

static int size_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%llu\n", attrs->size);
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
	int err;

	err = parse_bytes(value, &granule);
	if (err)
		return err;
	if (!is_power_of_2(granule) || granule < PAGE_SIZE ||
	    granule > mapdev_max_granule())
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
	int node, err;

	err = kstrtoint(value, 10, &node);
	if (err)
		return err;
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
	int err;

	err = kstrtou16(value, 8, &mode);
	if (err)
		return err;
	if (mode & ~0777)
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
	int err;

	err = kstrtou8(value, 10, &number);
	if (err)
		return err;
	if (number > 1)
		return -EINVAL;
	*flag = number;
	return 0;
}

static int ro_parse(struct mapdev_attrs *attrs, const char *value)
{
	return parse_bool(value, &attrs->ro);
}

static int ro_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%d\n", attrs->ro);
}

#define MAPDEV_ATTR(_name) { #_name, _name##_parse, _name##_show }

static const struct mapdev_attr mapdev_attr_table[] = {
	MAPDEV_ATTR(size),
	MAPDEV_ATTR(backing),
	MAPDEV_ATTR(granule),
	MAPDEV_ATTR(numa_node),
	MAPDEV_ATTR(mode),
	MAPDEV_ATTR(ro),
};

const struct mapdev_attr *mapdev_attr_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapdev_attr_table); i++)
		if (!strcmp(name, mapdev_attr_table[i].name))
			return &mapdev_attr_table[i];
	return NULL;
}

void mapdev_attrs_init(struct mapdev_attrs *attrs)
{
	*attrs = (struct mapdev_attrs) {
		.backing	= &mapdev_paged,
		.granule	= clamp_t(u64, SZ_64K, PAGE_SIZE,
					  mapdev_max_granule()),
		.numa_node	= NUMA_NO_NODE,
		.mode		= 0600,
	};
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_init);

/* Set one attribute of @region (for the log only) from a string. */
int mapdev_attrs_set(struct mapdev_attrs *attrs, const char *region,
		     const char *name, const char *value)
{
	const struct mapdev_attr *attr = mapdev_attr_find(name);
	int err;

	if (!attr) {
		pr_err("%s: no attribute \"%s\"\n", region, name);
		return -EINVAL;
	}
	err = attr->parse(attrs, value);
	if (err) {
		pr_err("%s: %s cannot be \"%s\"\n", region, name, value);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_set);

/* Can there be a region like this? One log line says why not. */
int mapdev_attrs_check(const struct mapdev_attrs *attrs, const char *region)
{
	if (!attrs->size) {
		pr_err("%s: size is not set\n", region);
		return -EINVAL;
	}
	if (!PAGE_ALIGNED(attrs->size) || attrs->size > MAX_LFS_FILESIZE) {
		pr_err("%s: size %llu is not a multiple of the page size %lu, or too large\n",
		       region, attrs->size, PAGE_SIZE);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_check);
