// SPDX-License-Identifier: GPL-2.0
/*
 * holder: hold a reference to the device of a region while this module is loaded,
 * whatever happens to the region and to mapdev. The memory is exported from here, and
 * mapdev is found by symbol_get(), so that nothing keeps mapdev loaded.
 */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/mapdev.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct page *exported;
static struct device *parent, *held;

static int export_page(void)
{
	const struct mapdev_desc desc = {
		.name	= "held",
		.parent	= parent,
		.size	= PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= &exported,
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

	exported = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!exported)
		return -ENOMEM;
	parent = root_device_register("holder");
	if (IS_ERR(parent)) {
		__free_page(exported);
		return PTR_ERR(parent);
	}
	err = export_page();
	if (err) {
		root_device_unregister(parent);
		__free_page(exported);
	}
	return err;
}
module_init(holder_init);

/* After mapdev, which retires the region when it is unloaded. */
static void __exit holder_exit(void)
{
	put_device(held);
	root_device_unregister(parent);
	__free_page(exported);
}
module_exit(holder_exit);

MODULE_DESCRIPTION("mapdev selftest: holds the device of a region");
MODULE_LICENSE("GPL");
