// SPDX-License-Identifier: GPL-2.0
#include <kunit/resource.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/io.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

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
	/* A window shows what is there: what another case has left, or another load. */
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
 * The root that programs see. That of a kernel thread need not be the same:
 * recent kernels leave it behind when they mount the real one.
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

struct file *fixture_keep(struct kunit *test, struct file *file)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, close_action, file));
	return file;
}

void fixture_close(struct kunit *test, struct file *file)
{
	kunit_release_action(test, close_action, file);
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

void fixture_needs_map_pages(struct kunit *test)
{
	if (PAGE_SIZE == SZ_64K)
		kunit_skip(test, "core maps no more than 64K around a fault: one page");
}

void fixture_needs_huge_frames(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP))
		kunit_skip(test, "this kernel maps no PMDs of page frames");
}

void fixture_needs_huge_folios(struct kunit *test)
{
	if (mapdev_max_granule() < PMD_SIZE)
		kunit_skip(test, "no folio of the page cache is as large as a PMD");
}

vm_fault_t fixture_fault(struct kunit *test, unsigned long addr,
			 unsigned int flags)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(current->mm, addr);
	vm_fault_t ret;

	KUNIT_ASSERT_NOT_NULL(test, vma);
	ret = handle_mm_fault(vma, addr, FAULT_FLAG_DEFAULT |
			      FAULT_FLAG_VMA_LOCK | flags, NULL);
	if (!(ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		vma_end_read(vma);
	return ret & (VM_FAULT_ERROR | VM_FAULT_RETRY);
}

/* Copies with page faults disabled work only then. */
bool fixture_is_present(unsigned long addr)
{
	u8 byte;
	int err;

	pagefault_disable();
	err = __copy_from_user_inatomic(&byte, (u8 __user *)addr, 1);
	pagefault_enable();
	return !err;
}

void fixture_backing_name(const char * const *attrs, char *desc)
{
	strscpy(desc, *attrs + strlen("backing="), KUNIT_PARAM_DESC_SIZE);
}

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of mapdev");
MODULE_LICENSE("GPL");
