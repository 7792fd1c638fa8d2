// SPDX-License-Identifier: GPL-2.0
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"

KUNIT_DEFINE_ACTION_WRAPPER(retire_action, mapdev_region_retire,
			    struct mapdev_region *);

/*
 * The last put of a file is deferred in a kernel thread. It must be done
 * before the case is over: the region, and the module, hang on it.
 */
static void close_action(void *file)
{
	filp_close(file, NULL);
	flush_delayed_fput();
}

struct mapdev_region *fixture_region_with(struct kunit *test, u64 size,
					  const char *list)
{
	static atomic_t serial;
	char name[32], *rest = kunit_kstrdup(test, list, GFP_KERNEL), *item;
	struct mapdev_region *region;
	struct mapdev_attrs attrs;

	snprintf(name, sizeof(name), "kunit-%d", atomic_inc_return(&serial));
	mapdev_attrs_init(&attrs);
	attrs.size = size;
	while ((item = strsep(&rest, " ")) && *item) {
		char *key = strsep(&item, "=");

		KUNIT_ASSERT_EQ(test, 0,
				mapdev_attrs_set(&attrs, name, key, item));
	}

	region = mapdev_region_create(name, &attrs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, region);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, retire_action, region));
	return region;
}

struct mapdev_region *fixture_region(struct kunit *test, u64 size)
{
	return fixture_region_with(test, size, "");
}

void fixture_retire(struct kunit *test, struct mapdev_region *region)
{
	kunit_release_action(test, retire_action, region);
}

static struct file *open_node(struct mapdev_region *region, int flags)
{
	char path[96];

	snprintf(path, sizeof(path), "/dev/mapdev/%s", mapdev_name(region));
	return filp_open(path, flags, 0);
}

struct file *fixture_open(struct kunit *test, struct mapdev_region *region,
			  int flags)
{
	struct file *file = open_node(region, flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, close_action, file));
	return file;
}

int fixture_try_open(struct mapdev_region *region, int flags)
{
	struct file *file = open_node(region, flags);

	if (IS_ERR(file))
		return PTR_ERR(file);
	close_action(file);
	return 0;
}

unsigned long fixture_map(struct kunit *test, struct file *file, u64 offset,
			  u64 length, unsigned long prot)
{
	return kunit_vm_mmap(test, file, 0, length, prot, MAP_SHARED, offset);
}

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of mapdev");
MODULE_LICENSE("GPL");
