// SPDX-License-Identifier: GPL-2.0
/*
 * What all regions share: names, minors, the sum of their bytes, and the file
 * system of their inodes.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/stringhash.h>
#include <linux/xarray.h>
#include <kunit/visibility.h>

#include "mapdev.h"
#include "refuse.h"
#include "registry.h"

static unsigned long long max_bytes;
module_param(max_bytes, ullong, 0444);
MODULE_PARM_DESC(max_bytes, "most bytes of all regions together (default: half of RAM)");

/* Protects the registry below: names and minors are given out under it. */
static DEFINE_MUTEX(mapdev_names);
static DEFINE_HASHTABLE(mapdev_by_name, 10);
static DEFINE_XARRAY_ALLOC(mapdev_minors);
static u32 mapdev_next_minor;
static u64 mapdev_bytes;

static dev_t mapdev_devt;
static bool mapdev_opened;
static struct vfsmount *mapdev_mnt;

static int mapdev_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, 0x6d617064) ? 0 : -ENOMEM;
}

/*
 * No owner: the mount made at load would hold the module for ever. What keeps
 * the module while an inode is in use are open files, by the cdev's owner.
 */
static struct file_system_type mapdev_fs_type = {
	.name		= "mapdev",
	.init_fs_context = mapdev_init_fs_context,
	.kill_sb	= kill_anon_super,
};

/* An inode that is in no directory, for the mapping of one region. */
struct inode *mapdev_inode_alloc(void)
{
	return alloc_anon_inode(mapdev_mnt->mnt_sb);
}

/* Return 0 if a region can have this name; else log why not. */
int mapdev_name_check(const char *name)
{
	size_t len = strlen(name);
	bool valid = len && len <= MAPDEV_NAME_MAX && name[0] != '.';

	for (const char *c = name; *c; c++)
		valid &= isascii(*c) && (isalnum(*c) || strchr("._-", *c));
	if (valid)
		return 0;
	pr_err("\"%*pE\" cannot be a name: 1 to %d of A-Za-z0-9._- not beginning with a dot\n",
	       (int)strnlen(name, 64), name, MAPDEV_NAME_MAX);
	return len > MAPDEV_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
}

/* Log and return -ENOMEM. */
int mapdev_no_memory(const char *name)
{
	pr_err("%s: no memory\n", name);
	return -ENOMEM;
}

static unsigned int name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static bool name_is_taken(const char *name)
{
	struct mapdev_region *region;

	hash_for_each_possible(mapdev_by_name, region, by_name, name_hash(name))
		if (!strcmp(mapdev_name(region), name))
			return true;
	return false;
}

/* Count @bytes against max_bytes, or log that they are too many. */
int mapdev_bytes_take(struct mapdev_region *region, u64 bytes)
{
	guard(mutex)(&mapdev_names);
	if (bytes > max_bytes - mapdev_bytes) {
		mapdev_refuse(region,
			      "%llu bytes are more than max_bytes leaves: %llu of %llu are free",
			      bytes, max_bytes - mapdev_bytes, max_bytes);
		return -ENOSPC;
	}
	mapdev_bytes += bytes;
	region->bytes += bytes;
	return 0;
}

void mapdev_bytes_give(struct mapdev_region *region, u64 bytes)
{
	guard(mutex)(&mapdev_names);
	mapdev_bytes -= bytes;
	region->bytes -= bytes;
}

/* Give the region its name and minor; 0 or the errno. */
int mapdev_registry_add(struct mapdev_region *region,
			const struct mapdev_attrs *attrs)
{
	u32 minor;
	int err;

	guard(mutex)(&mapdev_names);

	if (name_is_taken(mapdev_name(region))) {
		mapdev_refuse_attrs(attrs, mapdev_name(region),
				    "a region of this name exists");
		return -EEXIST;
	}
	/* Cyclic, so that a stale node does not soon open another region. */
	err = xa_alloc_cyclic(&mapdev_minors, &minor, region,
			      XA_LIMIT(0, MAPDEV_MINORS - 1),
			      &mapdev_next_minor, GFP_KERNEL);
	if (err < 0)
		return err == -EBUSY ? -ENOSPC :
				       mapdev_no_memory(mapdev_name(region));

	region->devt = MKDEV(MAJOR(mapdev_devt), minor);
	hash_add(mapdev_by_name, &region->by_name,
		 name_hash(mapdev_name(region)));
	return 0;
}

void mapdev_registry_remove(struct mapdev_region *region)
{
	guard(mutex)(&mapdev_names);
	hash_del(&region->by_name);
	xa_erase(&mapdev_minors, MINOR(region->devt));
}

/* The region of a node that is being opened, with a reference, or NULL. */
struct mapdev_region *mapdev_region_get(unsigned int minor)
{
	struct mapdev_region *region;

	/* The registry drops its reference only after xa_erase(). */
	xa_lock(&mapdev_minors);
	region = xa_load(&mapdev_minors, minor);
	if (region)
		kref_get(&region->refs);
	xa_unlock(&mapdev_minors);
	return region;
}

int mapdev_registry_init(void)
{
	int err;

	if (!max_bytes)
		max_bytes = ((u64)totalram_pages() << PAGE_SHIFT) / 2;

	mapdev_mnt = kern_mount(&mapdev_fs_type);
	if (IS_ERR(mapdev_mnt))
		return PTR_ERR(mapdev_mnt);

	err = alloc_chrdev_region(&mapdev_devt, 0, MAPDEV_MINORS, "mapdev");
	if (err)
		kern_unmount(mapdev_mnt);
	return err;
}

/* The number of the first node. */
dev_t mapdev_registry_devt(void)
{
	return mapdev_devt;
}

/*
 * Call @what for each region, which it may retire. Only at load and unload, when
 * nothing else creates or retires one.
 */
void mapdev_registry_each(void (*what)(struct mapdev_region *region))
{
	struct mapdev_region *region;
	unsigned long minor;

	xa_for_each(&mapdev_minors, minor, region)
		what(region);
}

/* The regions that were created at load are announced. */
void mapdev_registry_open(void)
{
	/* Pairs with mapdev_registry_is_open(): orders the above before it. */
	smp_store_release(&mapdev_opened, true);
}

/* Has loading succeeded? */
bool mapdev_registry_is_open(void)
{
	/* Pairs with mapdev_registry_open(). */
	return smp_load_acquire(&mapdev_opened);
}

/* Called when all regions are gone. */
void mapdev_registry_exit(void)
{
	unregister_chrdev_region(mapdev_devt, MAPDEV_MINORS);
	kern_unmount(mapdev_mnt);
	xa_destroy(&mapdev_minors);
}
