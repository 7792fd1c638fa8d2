// SPDX-License-Identifier: GPL-2.0
/*
 * Module init and exit, the cdev, and the regions= parameter.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cdev.h>
#include <linux/cleanup.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attrs.h"
#include "configfs.h"
#include "file.h"
#include "mapdev.h"
#include "refuse.h"
#include "region.h"
#include "registry.h"
#include "stats.h"
#include "sysfs.h"

static char *regions;
module_param(regions, charp, 0444);
MODULE_PARM_DESC(regions, "regions to make at load: NAME:SIZE[:BACKING[:ATTRIBUTE=VALUE]...],...");

static struct cdev mapdev_cdev;

static const struct mapdev_backing * const backings[] = {
	&mapdev_paged,
	&mapdev_ram_pages,
	&mapdev_ram_vmalloc,
	&mapdev_pfn_contig,
	&mapdev_pfn_window,
	NULL
};

/* Turn NAME:SIZE[:BACKING[:ATTRIBUTE=VALUE]...] into a region. */
static int create_one(char *spec)
{
	struct mapdev_attrs attrs;
	struct mapdev_region *region;
	char *name, *size, *backing, *attr;
	int err;

	name = strsep(&spec, ":");
	size = strsep(&spec, ":");
	backing = strsep(&spec, ":");

	mapdev_attrs_init(&attrs);
	if (!size) {
		pr_err("regions: \"%*pE\" has no size, expected NAME:SIZE\n",
		       (int)strnlen(name, 64), name);
		return -EINVAL;
	}
	/* From here on the name may be logged. */
	err = mapdev_name_check(name);
	if (err)
		return err;
	err = mapdev_attrs_set(&attrs, name, "size", size);
	if (err)
		return err;
	if (backing && strchr(backing, '=')) {
		mapdev_refuse_attrs(&attrs, name,
				    "BACKING comes before \"%*pE\": expected NAME:SIZE:BACKING:ATTRIBUTE=VALUE",
				    (int)strnlen(backing, 64), backing);
		return -EINVAL;
	}
	if (backing) {
		err = mapdev_attrs_set(&attrs, name, "backing", backing);
		if (err)
			return err;
	}
	while ((attr = strsep(&spec, ":"))) {
		char *key = strsep(&attr, "=");

		if (!attr) {
			pr_err("%s: \"%*pE\" is not ATTRIBUTE=VALUE\n", name,
			       (int)strnlen(key, 64), key);
			return -EINVAL;
		}
		err = mapdev_attrs_set(&attrs, name, key, attr);
		if (err)
			return err;
	}

	region = mapdev_region_create(name, &attrs);
	return PTR_ERR_OR_ZERO(region);
}

static int create_all(const char *list)
{
	char *copy __free(kfree) = kstrdup(list, GFP_KERNEL);
	char *rest = copy, *spec;
	int err = 0;

	if (!copy)
		return mapdev_no_memory("regions");
	while (!err && (spec = strsep(&rest, ",")))
		err = create_one(spec);
	return err;
}

/*
 * From here on nodes can be opened. Regions that were created at load are
 * announced only now: a program that hears of one must be able to open it.
 */
static int __init add_nodes(void)
{
	int err;

	cdev_init(&mapdev_cdev, &mapdev_fops);
	mapdev_cdev.owner = THIS_MODULE;
	err = cdev_add(&mapdev_cdev, mapdev_registry_devt(), MAPDEV_MINORS);
	if (err)
		return err;
	mapdev_registry_each(mapdev_region_announce);
	mapdev_registry_open();
	return 0;
}

/* Log failures that do not belong to one region. */
static int __init say(int err)
{
	if (err)
		pr_err("not loaded: error %d\n", err);
	return err;
}

static int __init mapdev_init(void)
{
	int err;

	mapdev_stats_init();
	mapdev_attrs_backings(backings);
	err = say(class_register(&mapdev_class));
	if (err)
		goto stats;
	err = say(mapdev_registry_init());
	if (err)
		goto class;
	err = say(mapdev_configfs_init());
	if (err)
		goto registry;

	mapdev_region_init(&mapdev_class);
	/* All or nothing: a failure retires those that were created. */
	err = regions ? create_all(regions) : 0;
	/* From init, EEXIST would say that the module is loaded already. */
	if (err == -EEXIST)
		err = -EBUSY;
	if (err)
		goto control;

	/*
	 * The last step that can fail: a load that fails does not wait for open
	 * files. Until here no node can be opened, and configfs makes no directory.
	 */
	err = say(add_nodes());
	if (err)
		goto control;
	return 0;

control:
	mapdev_configfs_exit();
	mapdev_registry_each(mapdev_region_retire);
registry:
	mapdev_registry_exit();
class:
	class_unregister(&mapdev_class);
stats:
	mapdev_stats_exit();
	return err;
}
module_init(mapdev_init);

static void __exit mapdev_exit(void)
{
	mapdev_configfs_exit();
	cdev_del(&mapdev_cdev);
	mapdev_registry_each(mapdev_region_retire);
	mapdev_registry_exit();
	class_unregister(&mapdev_class);
	mapdev_stats_exit();
}
module_exit(mapdev_exit);

MODULE_DESCRIPTION("Regions of memory for programs to map");
MODULE_AUTHOR("The mapdev developers");
MODULE_LICENSE("GPL");
