// SPDX-License-Identifier: GPL-2.0
/*
 * holder: a reference to the device of a region, from when this is loaded until
 * it is unloaded, whatever becomes of the region and of mapdev. It lends the
 * memory, and mapdev is asked by symbol_get(): nothing keeps mapdev loaded.
 */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/mapdev.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct page *lent;
static struct device *parent, *held;

static int lend(void)
{
	const struct mapdev_desc desc = {
		.name	= "held",
		.parent	= parent,
		.size	= PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= &lent,
	};
	typeof(mapdev_register) *register_region = symbol_get(mapdev_register);
	struct mapdev_region *region;

	if (!register_region)
		return -ENOENT;
	region = register_region(&desc);
	symbol_put(mapdev_register);
	if (IS_ERR(region))
		return PTR_ERR(region);
	held = device_find_child_by_name(parent, desc.name);
	return held ? 0 : -ENODEV;
}

static int __init holder_init(void)
{
	int err;

	lent = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!lent)
		return -ENOMEM;
	parent = root_device_register("holder");
	if (IS_ERR(parent)) {
		__free_page(lent);
		return PTR_ERR(parent);
	}
	err = lend();
	if (err) {
		root_device_unregister(parent);
		__free_page(lent);
	}
	return err;
}
module_init(holder_init);

/* After mapdev, which retires the region when it is unloaded. */
static void __exit holder_exit(void)
{
	put_device(held);
	root_device_unregister(parent);
	__free_page(lent);
}
module_exit(holder_exit);

MODULE_DESCRIPTION("mapdev selftest: holds the device of a region");
MODULE_LICENSE("GPL");
