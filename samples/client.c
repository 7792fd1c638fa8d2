// SPDX-License-Identifier: GPL-2.0
/*
 * client: a driver that has programs map its memory through mapdev, and no
 * mapping code of its own. Its "device" counts in the first word of each page
 * when somebody writes to the parameter tick; stop: it stops answering.
 */
#include <linux/highmem.h>
#include <linux/mapdev.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#define CLIENT_PAGES	16

static struct page *client_pages[CLIENT_PAGES];
static struct mapdev_region *client_region;

/* What the device does: it writes, and tells mapdev that it has. */
static int client_tick(const char *value, const struct kernel_param *kp)
{
	if (!client_region)
		return -ENODEV;
	for (int i = 0; i < CLIENT_PAGES; i++) {
		u32 *word = kmap_local_page(client_pages[i]);

		WRITE_ONCE(*word, *word + 1);
		kunmap_local(word);
	}
	return mapdev_mark_dirty(client_region, 0, CLIENT_PAGES * PAGE_SIZE);
}

static const struct kernel_param_ops client_tick_ops = { .set = client_tick };
module_param_cb(tick, &client_tick_ops, NULL, 0200);

/* A device that stops answering: programs get SIGBUS until it is back. */
static int client_stop(const char *value, const struct kernel_param *kp)
{
	bool stop;
	int err = kstrtobool(value, &stop);

	if (err)
		return err;
	if (!client_region)
		return -ENODEV;
	return stop ? mapdev_revoke(client_region) :
		      mapdev_restore(client_region);
}

static const struct kernel_param_ops client_stop_ops = { .set = client_stop };
module_param_cb(stop, &client_stop_ops, NULL, 0200);

/* Pages that programs have pinned stay theirs until they let go. */
static void client_free(void)
{
	for (int i = 0; i < CLIENT_PAGES; i++)
		if (client_pages[i])
			put_page(client_pages[i]);
}

static int __init client_init(void)
{
	const struct mapdev_desc desc = {
		.name	= "client",
		.size	= CLIENT_PAGES * PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= client_pages,
	};
	struct mapdev_region *region = ERR_PTR(-ENOMEM);
	int i;

	/* Zeroed: programs see all of it. */
	for (i = 0; i < CLIENT_PAGES; i++) {
		client_pages[i] = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
		if (!client_pages[i])
			break;
	}
	if (i == CLIENT_PAGES)
		region = mapdev_register(&desc);
	if (IS_ERR(region)) {
		client_free();
		return PTR_ERR(region);
	}
	client_region = region;
	return 0;
}
module_init(client_init);

/* After mapdev_unregister() nothing maps the pages, or is about to. */
static void __exit client_exit(void)
{
	/* Parameters can be written to until the module is gone. */
	kernel_param_lock(THIS_MODULE);
	mapdev_unregister(client_region);
	client_region = NULL;
	kernel_param_unlock(THIS_MODULE);
	client_free();
}
module_exit(client_exit);

MODULE_DESCRIPTION("mapdev sample: a driver that lends its memory");
MODULE_LICENSE("GPL");
