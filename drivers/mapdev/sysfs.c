// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/mapdev/NAME: the attributes of a region, and its state.
 */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "attrs.h"
#include "dirty.h"
#include "mapdev.h"
#include "region.h"
#include "resize.h"
#include "sysfs.h"

static struct mapdev_region *to_region(const struct device *dev)
{
	return dev_get_drvdata(dev);
}

static ssize_t attr_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return mapdev_attr_show(&to_region(dev)->attrs, attr->attr.name, buf);
}

/* Also for regions without a directory in configfs. */
static ssize_t size_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	return mapdev_region_resize_to(to_region(dev), buf, NULL) ?: count;
}

/* Only the size has a mode to write. Without any mode, it is hidden. */
#define MAPDEV_SYSFS_ATTR(_name, _field, _default, _mode)		\
static struct device_attribute dev_attr_##_name =			\
	__ATTR(_name, _mode, attr_show, (_mode) & 0200 ? size_store : NULL);

#define MAPDEV_SYSFS_FLAG(_name, ...)					\
	MAPDEV_SYSFS_ATTR(_name, _name, false, 0444)

MAPDEV_ATTRIBUTES(MAPDEV_SYSFS_ATTR, MAPDEV_SYSFS_FLAG)

static ssize_t max_granule_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", mapdev_max_granule());
}
static DEVICE_ATTR_RO(max_granule);

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

/* Each VMA of the region, in any process, is a node of this tree. */
static ssize_t mappings_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct address_space *mapping = to_region(dev)->inode->i_mapping;
	unsigned long count = 0;

	i_mmap_lock_read(mapping);
	for (struct rb_node *node = rb_first_cached(&mapping->i_mmap); node;
	     node = rb_next(node))
		count++;
	i_mmap_unlock_read(mapping);
	return sysfs_emit(buf, "%lu\n", count);
}

/* mmap() and munmap() of the region wait for the walk: it is for root. */
static DEVICE_ATTR_ADMIN_RO(mappings);

static ssize_t phys_addr_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%pa\n",
			  &(phys_addr_t){ mapdev_phys_addr(to_region(dev)) });
}
static DEVICE_ATTR_ADMIN_RO(phys_addr);

/* It waits for a collection, and walks the log: it is for root. */
static ssize_t dirty_pending_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", mapdev_dirty_count(to_region(dev)));
}
static DEVICE_ATTR_ADMIN_RO(dirty_pending);

#define MAPDEV_SYSFS_ROW(_name, ...)					\
	&dev_attr_##_name.attr,

static struct attribute *mapdev_attrs[] = {
	&dev_attr_max_granule.attr,
	&dev_attr_mappings.attr,
	&dev_attr_dirty_pending.attr,
	&dev_attr_phys_addr.attr,
	&dev_attr_state.attr,
	&dev_attr_revoked.attr,
	MAPDEV_ATTRIBUTES(MAPDEV_SYSFS_ROW, MAPDEV_SYSFS_ROW)
	NULL
};

/* Only contig and window have one physical address, not all have a dirty log. */
static umode_t mapdev_attr_visible(struct kobject *kobj, struct attribute *attr,
				   int index)
{
	struct mapdev_region *region = to_region(kobj_to_dev(kobj));

	if (attr == &dev_attr_phys_addr.attr && !region->pfn)
		return 0;
	if (attr == &dev_attr_dirty_pending.attr && !region->dirty)
		return 0;
	return attr->mode;
}

static const struct attribute_group mapdev_group = {
	.attrs		= mapdev_attrs,
	.is_visible	= mapdev_attr_visible,
};
__ATTRIBUTE_GROUPS(mapdev);

static char *mapdev_devnode(const struct device *dev, umode_t *mode)
{
	const struct mapdev_region *region = to_region(dev);

	if (mode)
		*mode = region->attrs.mode;
	/*
	 * The driver core ignores a failure: device_add() would succeed without a node,
	 * and device_del() leave the node of a region that is gone.
	 */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "mapdev/%s",
			 mapdev_name(region));
}

/* Do not announce a node that cannot be opened yet. */
static int mapdev_uevent(const struct device *dev, struct kobj_uevent_env *env)
{
	return READ_ONCE(to_region(dev)->announced) ? 0 : -EAGAIN;
}

const struct class mapdev_class = {
	.name		= "mapdev",
	.dev_groups	= mapdev_groups,
	.dev_uevent	= mapdev_uevent,
	.devnode	= mapdev_devnode,
};
