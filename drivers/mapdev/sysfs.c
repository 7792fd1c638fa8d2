// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/mapdev/NAME: the attributes of a region, and its state.
 */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "mapdev.h"

static struct mapdev_region *to_region(struct device *dev)
{
	return container_of(dev, struct mapdev_region, dev);
}

static ssize_t attr_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	const struct mapdev_attr *found = mapdev_attr_find(attr->attr.name);

	return found->show(&to_region(dev)->attrs, buf);
}

#define MAPDEV_ATTR_SHOW(_name) \
	static struct device_attribute dev_attr_##_name = \
		__ATTR(_name, 0444, attr_show, NULL)

MAPDEV_ATTR_SHOW(size);
MAPDEV_ATTR_SHOW(backing);
MAPDEV_ATTR_SHOW(granule);
MAPDEV_ATTR_SHOW(numa_node);
MAPDEV_ATTR_SHOW(ro);

static ssize_t max_granule_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", mapdev_max_granule());
}
static DEVICE_ATTR_RO(max_granule);

static const char * const mapdev_state_names[] = {
	[MAPDEV_NEW]		= "new",
	[MAPDEV_LIVE]		= "live",
	[MAPDEV_REVOKED]	= "revoked",
	[MAPDEV_RETIRED]	= "retired",
};

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	enum mapdev_state state = mapdev_region_state(to_region(dev));

	return sysfs_emit(buf, "%s\n", mapdev_state_names[state]);
}
static DEVICE_ATTR_RO(state);

static ssize_t revoked_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	unsigned long off = READ_ONCE(to_region(dev)->off);

	return sysfs_emit(buf, "%d\n", !!(off & MAPDEV_OFF_ROOT));
}

static ssize_t revoked_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct mapdev_region *region = to_region(dev);
	bool revoke;
	int err;

	err = kstrtobool(buf, &revoke);
	if (err)
		return err;
	err = revoke ? mapdev_region_revoke(region, MAPDEV_OFF_ROOT) :
		       mapdev_region_restore(region, MAPDEV_OFF_ROOT);
	return err ?: count;
}
static DEVICE_ATTR_RW(revoked);

static struct attribute *mapdev_attrs[] = {
	&dev_attr_size.attr,
	&dev_attr_backing.attr,
	&dev_attr_granule.attr,
	&dev_attr_max_granule.attr,
	&dev_attr_numa_node.attr,
	&dev_attr_ro.attr,
	&dev_attr_state.attr,
	&dev_attr_revoked.attr,
	NULL
};
ATTRIBUTE_GROUPS(mapdev);

static char *mapdev_devnode(const struct device *dev, umode_t *mode)
{
	const struct mapdev_region *region =
		container_of_const(dev, struct mapdev_region, dev);

	if (mode)
		*mode = region->attrs.mode;
	return kasprintf(GFP_KERNEL, "mapdev/%s", mapdev_name(region));
}

const struct class mapdev_class = {
	.name		= "mapdev",
	.dev_groups	= mapdev_groups,
	.devnode	= mapdev_devnode,
};
