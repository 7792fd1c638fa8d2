// SPDX-License-Identifier: GPL-2.0
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"
#include "region.h"

KUNIT_DEFINE_ACTION_WRAPPER(retire_action, mapdev_region_retire,
			    struct mapdev_region *);

struct mapdev_region *fixture_region_with(struct kunit *test, u64 size,
					  const char *list)
{
	static atomic_t serial;
	char name[32], *rest = kunit_kstrdup(test, list, GFP_KERNEL), *item;
	struct mapdev_region *region;
	struct mapdev_attrs attrs;
	char page[24];

	snprintf(page, sizeof(page), "%lu", PAGE_SIZE);
	snprintf(name, sizeof(name), "kunit-%d", atomic_inc_return(&serial));
	mapdev_attrs_init(&attrs);
	attrs.size = size;
	while ((item = strsep(&rest, " ")) && *item) {
		char *key = strsep(&item, "=");

		if (!strcmp(item, "PAGE") ||
		    (!strcmp(key, "granule") &&
		     memparse(item, NULL) > mapdev_max_granule()))
			item = page;
		KUNIT_ASSERT_EQ(test, 0,
				mapdev_attrs_set(&attrs, name, key, item));
	}

	region = mapdev_region_create(name, &attrs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, region);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, retire_action, region));
	/* A window keeps its contents from one case, or one load, to the next. */
	if (region->io)
		memset_io(region->io, 0, size);
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

/*
 * The root directory of init. A kernel thread may have another one: recent
 * kernels do not move kernel threads when they mount the real root.
 */
static int init_root(struct path *root)
{
	struct task_struct *task;
	int err = -ESRCH;

	rcu_read_lock();
	task = pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	if (!task)
		return err;

	task_lock(task);
	if (task->fs) {
		get_fs_root(task->fs, root);
		err = 0;
	}
	task_unlock(task);
	put_task_struct(task);
	return err;
}

static struct file *open_node(struct mapdev_region *region, int flags)
{
	struct file *file;
	struct path root;
	char path[96];
	int err;

	err = init_root(&root);
	if (err)
		return ERR_PTR(err);
	snprintf(path, sizeof(path), "dev/mapdev/%s", mapdev_name(region));
	file = file_open_root(&root, path, flags, 0);
	path_put(&root);
	return file;
}

struct file *fixture_open(struct kunit *test, struct mapdev_region *region,
			  int flags)
{
	return fixture_keep(test, open_node(region, flags));
}

int fixture_try_open(struct mapdev_region *region, int flags)
{
	struct file *file = open_node(region, flags);

	if (IS_ERR(file))
		return PTR_ERR(file);
	filp_close(file, NULL);
	flush_delayed_fput();
	return 0;
}

void fixture_needs_huge_folios(struct kunit *test)
{
	if (mapdev_max_granule() < PMD_SIZE)
		kunit_skip(test, "no folio of the page cache is as large as a PMD");
}

void fixture_backing_name(const char * const *attrs, char *desc)
{
	strscpy(desc, *attrs + strlen("backing="), KUNIT_PARAM_DESC_SIZE);
}

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of mapdev and of the mmap hooks of mm core");
MODULE_LICENSE("GPL");
