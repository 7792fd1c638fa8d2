// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a region: how each is parsed and printed, the defaults, and
 * which attributes may be combined. The module parameter, configfs, sysfs and
 * MAPDEV_IOC_INFO use this table.
 */
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <kunit/visibility.h>

#include "attrs.h"
#include "cache_names.h"
#include "mapdev.h"
#include "nommu.h"
#include "refuse.h"

/**
 * struct mapdev_attr - one attribute by name
 * @name: as a person writes it
 * @parse: set it from a string; 0 or -EINVAL
 * @show: print its value and a newline into a sysfs buffer
 * @expected: what @parse accepts, to complete "expected"
 * @offset: its field in struct mapdev_attrs, a bool if it has no @parse
 * @size: of the field
 * @bit: of a flag: the bit of mapdev_info.attributes
 */
struct mapdev_attr {
	const char *name;
	int (*parse)(struct mapdev_attrs *attrs, const char *value);
	int (*show)(const struct mapdev_attrs *attrs, char *buf);
	const char *expected;
	size_t offset;
	size_t size;
	u32 bit;
};

static const struct mapdev_backing * const *mapdev_backings;

/* All that a person can name, up to a NULL. */
void mapdev_attrs_backings(const struct mapdev_backing * const *backings)
{
	mapdev_backings = backings;
}

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

static const char size_expected[] =
	"bytes in whole pages, with K, M or G as a suffix";

static int size_parse(struct mapdev_attrs *attrs, const char *value)
{
	return parse_bytes(value, &attrs->size);
}

static int size_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(attrs->size));
}

static const char backing_expected[] =
	"paged, pages, vmalloc, contig or window";

static int backing_parse(struct mapdev_attrs *attrs, const char *value)
{
	for (size_t i = 0; mapdev_backings[i]; i++) {
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

static const char granule_expected[] =
	"a power of two from the page size to max_granule, with K, M or G as a suffix";

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

static const char numa_node_expected[] =
	"-1 or a node that has memory";

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

static const char mode_expected[] =
	"permissions in octal, up to 777";

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

static const char map_expected[] =
	"demand or eager";

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

/* The cache mode, resolved if it is the default. */
enum mapdev_cache mapdev_attrs_cache(const struct mapdev_attrs *attrs)
{
	return attrs->cache == MAPDEV_CACHE_DEFAULT ? attrs->backing->cache :
						      attrs->cache;
}

/* The backing, or its variant for pin=1. */
const struct mapdev_backing *
mapdev_attrs_backing(const struct mapdev_attrs *attrs)
{
	return attrs->pin ? &mapdev_ram_contig : attrs->backing;
}

static const char cache_expected[] =
	"wb, wc or uc";

static int cache_parse(struct mapdev_attrs *attrs, const char *value)
{
	int cache = match_string(mapdev_cache_names,
				 ARRAY_SIZE(mapdev_cache_names), value);

	if (cache < 0)
		return -EINVAL;
	attrs->cache = cache;
	return 0;
}

static int cache_show(const struct mapdev_attrs *attrs, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  mapdev_cache_names[mapdev_attrs_cache(attrs)]);
}

static const char phys_expected[] =
	"an address in whole pages";

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

#define MAPDEV_ATTR(_name, _field, ...)					\
	[MAPDEV_ID_##_name] = {						\
		.name	= #_name,					\
		.parse	= _name##_parse,				\
		.show	= _name##_show,					\
		.expected = _name##_expected,				\
		.offset	= offsetof(struct mapdev_attrs, _field),	\
		.size	= sizeof_field(struct mapdev_attrs, _field),	\
	},

#define MAPDEV_FLAG(_name, _bit)					\
	[MAPDEV_ID_##_name] = {						\
		.name	= #_name,					\
		.offset	= offsetof(struct mapdev_attrs, _name),		\
		.size	= sizeof_field(struct mapdev_attrs, _name),	\
		.bit	= (_bit),					\
	},

static const struct mapdev_attr mapdev_attr_table[] = {
	MAPDEV_ATTRIBUTES(MAPDEV_ATTR, MAPDEV_FLAG)
};

#define MAPDEV_DEFAULT(_name, _field, _default, ...)			\
	._field = (_default),

#define MAPDEV_FLAG_DEFAULT(_name, ...)					\
	._name = false,

static const struct mapdev_attrs mapdev_defaults = {
	MAPDEV_ATTRIBUTES(MAPDEV_DEFAULT, MAPDEV_FLAG_DEFAULT)
};

void mapdev_attrs_init(struct mapdev_attrs *attrs)
{
	*attrs = mapdev_defaults;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_init);

/* Does it have another value than the default? */
static bool is_set(const struct mapdev_attrs *attrs,
		   const struct mapdev_attr *attr)
{
	return memcmp((const void *)attrs + attr->offset,
		      (const void *)&mapdev_defaults + attr->offset,
		      attr->size);
}

/* The attributes that are on, as MAPDEV_IOC_INFO has them. */
u32 mapdev_attrs_bits(const struct mapdev_attrs *attrs)
{
	u32 bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(mapdev_attr_table); i++) {
		const struct mapdev_attr *attr = &mapdev_attr_table[i];

		if (is_set(attrs, attr))
			bits |= attr->bit;
	}
	return bits;
}

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
	return sysfs_emit(buf, "%d\n", is_set(attrs, attr));
}

/* Set one attribute of @region, a name for the log, from a string. */
int mapdev_attrs_set(struct mapdev_attrs *attrs, const char *region,
		     const char *name, const char *value)
{
	const struct mapdev_attr *attr = mapdev_attr_find(name);
	int err;

	if (!attr) {
		/* Escape the name: it must not look like a line of the log. */
		mapdev_refuse_attrs(attrs, region, "no attribute \"%*pE\"",
				    (int)strnlen(name, 64), name);
		return -EINVAL;
	}
	/*
	 * configfs and sysfs strip a newline at the end, and kstrtox() accepts
	 * one.
	 */
	if (strchr(value, '\n'))
		err = -EINVAL;
	else if (attr->parse)
		err = attr->parse(attrs, value);
	else
		err = parse_bool(value, (void *)attrs + attr->offset);
	if (err) {
		mapdev_refuse_attrs(attrs, region,
				    "%s cannot be \"%*pE\": expected %s", name,
				    (int)strnlen(value, 64), value,
				    attr->expected ?: "0 or 1");
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_set);

/* --- Checks --- */

/* What every backing has, and dirty, which dirty_needs() checks. */
#define HAS_ALWAYS	(MAPDEV_HAS(size) | MAPDEV_HAS(backing) |	\
			 MAPDEV_HAS(mode) | MAPDEV_HAS(ro) | MAPDEV_HAS(dirty))

/* An attribute that is set, but that this backing does not have. */
static const char *misplaced(const struct mapdev_attrs *attrs)
{
	unsigned long has = attrs->backing->has | HAS_ALWAYS;

	if (mapdev_attrs_cache(attrs) == attrs->backing->cache)
		has |= MAPDEV_HAS(cache);
	for (size_t i = 0; i < ARRAY_SIZE(mapdev_attr_table); i++)
		if (!(has & BIT(i)) && is_set(attrs, &mapdev_attr_table[i]))
			return mapdev_attr_table[i].name;
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
	if (mapdev_attrs_backing(attrs)->has & MAPDEV_HAS(dirty))
		return NULL;
	return attrs->backing->has & MAPDEV_HAS(pin) ? "pin=1" :
						       "another backing";
}

/*
 * Memory that the kernel maps, or has an array of, is limited by its address
 * space.
 */
static u64 most_bytes(const struct mapdev_attrs *attrs)
{
	if (attrs->backing->lock_folio)
		return MAX_LFS_FILESIZE;
	return min_t(u64, MAX_LFS_FILESIZE, SIZE_MAX);
}

/* Check a combination of attributes; log why it cannot be. */
int mapdev_attrs_check(const struct mapdev_attrs *attrs, const char *region)
{
	const char *attr = misplaced(attrs), *needs = dirty_needs(attrs);

	if (!attrs->backing->alloc) {
		mapdev_refuse_attrs(attrs, region,
				    "backing %s needs an MMU", attrs->backing->name);
		return -EOPNOTSUPP;
	}
	if (!IS_ENABLED(CONFIG_MMU) && !attrs->eager) {
		mapdev_refuse_attrs(attrs, region,
				    "map=demand needs an MMU");
		return -EOPNOTSUPP;
	}
	if (attr) {
		mapdev_refuse_attrs(attrs, region,
				    "%s cannot be set for backing %s", attr,
				    attrs->backing->name);
		return -EINVAL;
	}
	if (needs) {
		mapdev_refuse_attrs(attrs, region, "dirty=1 needs %s",
				    needs);
		return IS_ENABLED(CONFIG_MMU) ? -EINVAL : -EOPNOTSUPP;
	}
	if (!attrs->size) {
		mapdev_refuse_attrs(attrs, region,
				    "size is 0 or not set: expected a multiple of the page size %lu",
				    PAGE_SIZE);
		return -EINVAL;
	}
	if (!PAGE_ALIGNED(attrs->size) || attrs->size > most_bytes(attrs)) {
		mapdev_refuse_attrs(attrs, region,
				    "size %llu: expected a multiple of the page size %lu, up to %llu",
				    attrs->size, PAGE_SIZE, most_bytes(attrs));
		return -EINVAL;
	}
	if (attrs->backing->has & MAPDEV_HAS(phys) &&
	    attrs->phys == MAPDEV_NO_PHYS) {
		mapdev_refuse_attrs(attrs, region,
				    "backing %s needs phys, the physical address of its start",
				    attrs->backing->name);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_attrs_check);
