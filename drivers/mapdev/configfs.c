// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/config/mapdev/NAME: mkdir, write attributes, echo 1 > live.
 *
 * A directory holds what a region is asked to be. Writing 1 to live makes the
 * region, and the write fails with the errno of that; 0, or rmdir, retires it.
 * After a write that failed, the file error has the reason.
 */
#include <linux/cleanup.h>
#include <linux/configfs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attrs.h"
#include "configfs.h"
#include "mapdev.h"
#include "refuse.h"
#include "region.h"
#include "registry.h"
#include "resize.h"

/**
 * struct mapdev_item - one directory
 * @item: what configfs knows of it
 * @lock: protects the rest; device_add() and device_del() run under it, so
 *        nothing that sysfs calls may take it
 * @attrs: what the region is to be; its refusal is @refusal
 * @region: it, while it is live
 * @refusal: why the last write failed
 */
struct mapdev_item {
	struct config_item item;
	struct mutex lock;	/* see above */
	struct mapdev_attrs attrs;
	struct mapdev_region *region;
	struct mapdev_refusal refusal;
};

static struct mapdev_item *to_item(struct config_item *item)
{
	return container_of(item, struct mapdev_item, item);
}

static ssize_t attr_show(struct config_item *config, const char *name,
			 char *page)
{
	struct mapdev_item *item = to_item(config);

	guard(mutex)(&item->lock);
	return mapdev_attr_show(item->region ? &item->region->attrs :
				&item->attrs, name, page);
}

/* The end of a write: a reason for each error. */
static ssize_t store_end(struct mapdev_item *item, int err, size_t count)
{
	if (err && !item->refusal.text[0])
		snprintf(item->refusal.text, sizeof(item->refusal.text), "%pe",
			 ERR_PTR(err));
	return err ?: count;
}

static int item_set(struct mapdev_item *item, const char *name, char *value)
{
	const char *region = config_item_name(&item->item);

	item->refusal.text[0] = '\0';
	if (item->region && item->region->backing->resizable &&
	    !strcmp(name, "size"))
		return mapdev_region_resize_to(item->region, value,
					       &item->refusal);
	if (item->region) {
		mapdev_refuse_attrs(&item->attrs, region,
				    "%s cannot be changed while the region is live",
				    name);
		return -EBUSY;
	}
	return mapdev_attrs_set(&item->attrs, region, name, strstrip(value));
}

static ssize_t attr_store(struct config_item *config, const char *name,
			  const char *page, size_t count)
{
	struct mapdev_item *item = to_item(config);

	char *value __free(kfree) = kstrndup(page, count, GFP_KERNEL);
	if (!value)
		return mapdev_no_memory(config_item_name(config));

	guard(mutex)(&item->lock);
	return store_end(item, item_set(item, name, value), count);
}

/* configfs does not tell a callback which attribute it is called for. */
#define MAPDEV_CONFIG_ATTR(_name, ...)					\
static ssize_t mapdev_##_name##_show(struct config_item *item, char *page) \
{									\
	return attr_show(item, #_name, page);				\
}									\
static ssize_t mapdev_##_name##_store(struct config_item *item,		\
				      const char *page, size_t count)	\
{									\
	return attr_store(item, #_name, page, count);			\
}									\
CONFIGFS_ATTR(mapdev_, _name);

MAPDEV_ATTRIBUTES(MAPDEV_CONFIG_ATTR, MAPDEV_CONFIG_ATTR)

static ssize_t mapdev_live_show(struct config_item *config, char *page)
{
	struct mapdev_item *item = to_item(config);

	guard(mutex)(&item->lock);
	return sysfs_emit(page, "%d\n", !!item->region);
}

static int item_go_live(struct mapdev_item *item)
{
	struct mapdev_region *region;

	if (item->region)
		return -EALREADY;
	region = mapdev_region_create(config_item_name(&item->item),
				      &item->attrs);
	if (IS_ERR(region))
		return PTR_ERR(region);
	item->region = region;
	return 0;
}

static int item_retire(struct mapdev_item *item)
{
	if (!item->region)
		return -EALREADY;
	mapdev_region_retire(item->region);
	item->region = NULL;
	return 0;
}

static ssize_t mapdev_live_store(struct config_item *config, const char *page,
				 size_t count)
{
	struct mapdev_item *item = to_item(config);
	bool live;
	int err;

	guard(mutex)(&item->lock);
	item->refusal.text[0] = '\0';
	err = kstrtobool(page, &live);
	if (err)
		mapdev_refuse_attrs(&item->attrs, config_item_name(config),
				    "live: expected 0 or 1");
	else
		err = live ? item_go_live(item) : item_retire(item);
	return store_end(item, err, count);
}
CONFIGFS_ATTR(mapdev_, live);

static ssize_t mapdev_error_show(struct config_item *config, char *page)
{
	struct mapdev_item *item = to_item(config);

	guard(mutex)(&item->lock);
	return sysfs_emit(page, "%s\n", item->refusal.text);
}
CONFIGFS_ATTR_RO(mapdev_, error);

#define MAPDEV_CONFIG_ROW(_name, ...)					\
	&mapdev_attr_##_name,

static struct configfs_attribute *mapdev_item_attrs[] = {
	&mapdev_attr_live,
	&mapdev_attr_error,
	MAPDEV_ATTRIBUTES(MAPDEV_CONFIG_ROW, MAPDEV_CONFIG_ROW)
	NULL
};

static void mapdev_item_release(struct config_item *config)
{
	kfree(to_item(config));
}

static struct configfs_item_operations mapdev_item_ops = {
	.release	= mapdev_item_release,
};

static const struct config_item_type mapdev_item_type = {
	.ct_owner	= THIS_MODULE,
	.ct_item_ops	= &mapdev_item_ops,
	.ct_attrs	= mapdev_item_attrs,
};

static struct config_item *mapdev_make_item(struct config_group *group,
					    const char *name)
{
	int err;

	/* A directory would keep the module, whose load may still fail. */
	if (!mapdev_registry_is_open())
		return ERR_PTR(-EAGAIN);
	err = mapdev_name_check(name);
	if (err)
		return ERR_PTR(err);

	struct mapdev_item *item __free(kfree) = kzalloc_obj(*item);
	if (!item)
		return ERR_PTR(-ENOMEM);

	mutex_init(&item->lock);
	mapdev_attrs_init(&item->attrs);
	item->attrs.refusal = &item->refusal;
	config_item_init_type_name(&item->item, name, &mapdev_item_type);
	/* A long name is allocated, and configfs does not report a failure. */
	if (!config_item_name(&item->item))
		return ERR_PTR(-ENOMEM);
	return &no_free_ptr(item)->item;
}

static void mapdev_drop_item(struct config_group *group,
			     struct config_item *config)
{
	struct mapdev_item *item = to_item(config);

	scoped_guard(mutex, &item->lock)
		item_retire(item);
	config_item_put(config);
}

static struct configfs_group_operations mapdev_group_ops = {
	.make_item	= mapdev_make_item,
	.drop_item	= mapdev_drop_item,
};

static const struct config_item_type mapdev_group_type = {
	.ct_owner	= THIS_MODULE,
	.ct_group_ops	= &mapdev_group_ops,
};

static struct configfs_subsystem mapdev_subsys = {
	.su_group = {
		.cg_item = {
			.ci_namebuf	= "mapdev",
			.ci_type	= &mapdev_group_type,
		},
	},
};

int mapdev_configfs_init(void)
{
	config_group_init(&mapdev_subsys.su_group);
	mutex_init(&mapdev_subsys.su_mutex);
	return configfs_register_subsystem(&mapdev_subsys);
}

void mapdev_configfs_exit(void)
{
	configfs_unregister_subsystem(&mapdev_subsys);
}
