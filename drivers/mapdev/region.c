// SPDX-License-Identifier: GPL-2.0
/*
 * A region's life: create, publish, revoke, restore, retire, last put.
 */
#define pr_fmt(fmt) "mapdev: " fmt

#include <linux/cdev.h>
#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "mapdev.h"

#define MAPDEV_MINORS	BIT(16)

static unsigned long long max_bytes;
module_param(max_bytes, ullong, 0444);
MODULE_PARM_DESC(max_bytes, "most bytes of all regions together (default: half of RAM)");

/* Protects the registry below: names and minors are given out under it. */
static DEFINE_MUTEX(mapdev_names);
static DEFINE_XARRAY_ALLOC(mapdev_minors);
static u32 mapdev_next_minor;
static u64 mapdev_bytes;

static dev_t mapdev_devt;
static struct cdev mapdev_cdev;
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

static struct mapdev_region *to_region(struct device *dev)
{
	return container_of(dev, struct mapdev_region, dev);
}

/* 0 if a region can have this name, else the errno, and why in the log. */
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

/*
 * What is not RAM of ours goes back as soon as nobody can get at it, though
 * files may be open; done twice it does nothing.
 */
static void region_forget(struct mapdev_region *region)
{
	if (region->lent)
		mapdev_give_back(region);
	else if (region->attrs.backing->type == MAPDEV_WINDOW)
		region->backing->free(region);
}

static void mapdev_region_release(struct device *dev)
{
	struct mapdev_region *region = to_region(dev);

	if (region->lent)
		mapdev_give_back(region);
	else if (region->backing->free)
		region->backing->free(region);
	/* Who has pinned a folio must not find the region by it any more. */
	if (region->inode)
		truncate_inode_pages(region->inode->i_mapping, 0);
	iput(region->inode);
	mapdev_dirty_free(region);
	percpu_free_rwsem(&region->guard);
	free_percpu(region->stats);
	put_device(region->owner);
	kfree(region);
}

/*
 * A region that nobody knows of yet, of its own memory or of what @desc lends;
 * put_device() undoes it.
 */
static struct mapdev_region *region_alloc(const char *name,
					  const struct mapdev_attrs *attrs,
					  const struct mapdev_desc *desc)
{
	struct mapdev_region *region;
	int err = -ENOMEM;

	region = kzalloc_obj(*region);
	if (!region)
		return ERR_PTR(-ENOMEM);

	device_initialize(&region->dev);
	region->dev.class = &mapdev_class;
	region->dev.release = mapdev_region_release;
	/* A parent of its own, since device_del() lets go of dev.parent. */
	if (desc && desc->parent)
		region->owner = get_device(desc->parent);
	region->dev.parent = region->owner;
	mutex_init(&region->control);
	init_waitqueue_head(&region->wait);
	region->attrs = *attrs;
	region->attrs.cache = mapdev_attrs_cache(attrs);
	region->lent = desc;
	region->backing = attrs->pin ? &mapdev_ram_contig : attrs->backing;

	region->stats = alloc_percpu(struct mapdev_stats);
	if (!region->stats || percpu_init_rwsem(&region->guard))
		goto fail;

	region->inode = alloc_anon_inode(mapdev_mnt->mnt_sb);
	if (IS_ERR(region->inode)) {
		err = PTR_ERR(region->inode);
		region->inode = NULL;
		goto fail;
	}
	region->inode->i_private = region;
	/* Core maps large folios, and keeps them, only below i_size. */
	i_size_write(region->inode, attrs->size);

	err = dev_set_name(&region->dev, "%s", name);
	if (err)
		goto fail;
	err = desc ? mapdev_borrow(region, desc) :
		     region->backing->alloc(region);
	if (err)
		goto fail;
	if (!region->attrs.granule)
		region->attrs.granule = PAGE_SIZE;
	err = mapdev_dirty_init(region);
	if (err)
		goto fail;
	return region;

fail:
	put_device(&region->dev);
	return ERR_PTR(err);
}

static bool name_is_taken(const char *name)
{
	struct mapdev_region *region;
	unsigned long minor;

	xa_for_each(&mapdev_minors, minor, region)
		if (!strcmp(mapdev_name(region), name))
			return true;
	return false;
}

/* What it takes of max_bytes: memory that mapdev has got from the kernel. */
u64 mapdev_region_bytes(const struct mapdev_region *region)
{
	bool own = !region->lent &&
		   region->attrs.backing->type != MAPDEV_WINDOW;

	return own ? mapdev_size(region) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_bytes);

static int bytes_take(const char *name, u64 bytes)
{
	lockdep_assert_held(&mapdev_names);
	if (bytes > max_bytes - mapdev_bytes) {
		pr_err("%s: %llu bytes are more than max_bytes leaves (%llu of %llu)\n",
		       name, bytes, max_bytes - mapdev_bytes, max_bytes);
		return -ENOSPC;
	}
	mapdev_bytes += bytes;
	return 0;
}

/* Count @bytes more against max_bytes, or say in the log that they are too many. */
int mapdev_bytes_take(const char *name, u64 bytes)
{
	guard(mutex)(&mapdev_names);
	return bytes_take(name, bytes);
}

void mapdev_bytes_give(u64 bytes)
{
	guard(mutex)(&mapdev_names);
	mapdev_bytes -= bytes;
}

/* Give the region its name, minor and share of max_bytes. */
static int region_register(struct mapdev_region *region)
{
	u64 bytes = mapdev_region_bytes(region);
	u32 minor;
	int err;

	guard(mutex)(&mapdev_names);

	if (name_is_taken(mapdev_name(region))) {
		pr_err("%s: there is a region of this name\n",
		       mapdev_name(region));
		return -EEXIST;
	}
	err = bytes_take(mapdev_name(region), bytes);
	if (err)
		return err;

	/* Cyclic, so that a stale node does not soon open another region. */
	err = xa_alloc_cyclic(&mapdev_minors, &minor, region,
			      XA_LIMIT(0, MAPDEV_MINORS - 1),
			      &mapdev_next_minor, GFP_KERNEL);
	if (err < 0) {
		mapdev_bytes -= bytes;
		return err == -EBUSY ? -ENOSPC : err;
	}

	region->dev.devt = MKDEV(MAJOR(mapdev_devt), minor);
	return 0;
}

static void region_unregister(struct mapdev_region *region)
{
	guard(mutex)(&mapdev_names);
	mapdev_bytes -= mapdev_region_bytes(region);
	xa_erase(&mapdev_minors, MINOR(region->dev.devt));
}

static struct mapdev_region *region_create(const char *name,
					   const struct mapdev_attrs *attrs,
					   const struct mapdev_desc *desc)
{
	struct mapdev_region *region;
	int err;

	err = mapdev_name_check(name);
	if (err)
		return ERR_PTR(err);
	err = mapdev_attrs_check(attrs, name);
	if (err)
		return ERR_PTR(err);

	region = region_alloc(name, attrs, desc);
	if (IS_ERR(region))
		return region;
	err = region_register(region);
	if (err)
		goto put;
	err = device_add(&region->dev);
	if (err)
		goto unregister;
	mapdev_stats_publish(region);
	return region;

unregister:
	pr_err("%s: no device: %pe\n", name, ERR_PTR(err));
	/* It could be opened by its number already. */
	mapdev_region_revoke(region, MAPDEV_OFF_RETIRED);
	region_unregister(region);
put:
	region_forget(region);
	put_device(&region->dev);
	return ERR_PTR(err);
}

/**
 * mapdev_region_create - make a region and its node
 * @name: 1 to 63 of A-Za-z0-9._- not beginning with a dot
 * @attrs: what it is to be
 *
 * Context: process context, may sleep, under none of our locks.
 * Return: the live region, with the registry's reference, or an ERR_PTR:
 * -EINVAL (name or attributes), -ENAMETOOLONG, -EEXIST (name), -ENOSPC
 * (max_bytes, minors), -ENOMEM, and for windows -EPERM, -EBUSY, -EOPNOTSUPP.
 * The log says which in one line.
 */
struct mapdev_region *
mapdev_region_create(const char *name, const struct mapdev_attrs *attrs)
{
	return region_create(name, attrs, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_create);

/* The same over memory that @desc lends; @attrs say the same as @desc. */
struct mapdev_region *mapdev_region_lend(const struct mapdev_desc *desc,
					 const struct mapdev_attrs *attrs)
{
	return region_create(desc->name, attrs, desc);
}

/**
 * mapdev_region_revoke - take all mappings of a region away
 * @region: the region
 * @why: one of MAPDEV_OFF_*
 *
 * Context: process context, sleeps for a grace period, not under mmap_lock.
 * Return: 0 when no mapping, copy or access reaches the memory any more
 * (private copies and pinned pages stay), -EALREADY when it is revoked for
 * that reason already, -ENODEV when it is retired. Without an MMU, -EBUSY
 * while there is a mapping; it does not keep a region from being retired, and
 * stays until its end.
 */
int mapdev_region_revoke(struct mapdev_region *region, unsigned long why)
{
	guard(mutex)(&region->control);

	if (region->off & MAPDEV_OFF_RETIRED)
		return -ENODEV;
	if (region->off & why)
		return -EALREADY;
	WRITE_ONCE(region->off, region->off | why);

	/* Those who saw the region live finish; then nothing maps it again. */
	region->backing->fence(region);
	mapdev_dirty_fence(region);
	if (!mapdev_unmap(region) && why != MAPDEV_OFF_RETIRED) {
		WRITE_ONCE(region->off, region->off & ~why);
		return -EBUSY;
	}

	mapdev_count(region, MAPDEV_STAT_REVOKE);
	trace_mapdev_revoke(mapdev_name(region), why, region->off);
	wake_up_interruptible_poll(&region->wait, EPOLLHUP);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_revoke);

/**
 * mapdev_region_restore - let mappings of a revoked region fault in again
 * @region: the region
 * @why: the reason that is over, one of MAPDEV_OFF_*
 *
 * Context: process context, may sleep.
 * Return: 0, -EALREADY when it is not revoked for that reason, -ENODEV when
 * it is retired.
 */
int mapdev_region_restore(struct mapdev_region *region, unsigned long why)
{
	guard(mutex)(&region->control);

	if (region->off & MAPDEV_OFF_RETIRED)
		return -ENODEV;
	if (!(region->off & why))
		return -EALREADY;
	WRITE_ONCE(region->off, region->off & ~why);

	mapdev_count(region, MAPDEV_STAT_RESTORE);
	trace_mapdev_restore(mapdev_name(region), why, region->off);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_restore);

/**
 * mapdev_region_retire - end a region: no node, revoked for good
 * @region: the region; the registry's reference goes
 *
 * Open files keep an empty region. Nothing reaches lent memory when this
 * returns. Context: process context, sleeps, under none of our locks.
 */
void mapdev_region_retire(struct mapdev_region *region)
{
	debugfs_remove(region->debugfs);
	device_del(&region->dev);
	mapdev_region_revoke(region, MAPDEV_OFF_RETIRED);
	region_unregister(region);
	region_forget(region);
	put_device(&region->dev);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_retire);

enum mapdev_state
mapdev_region_state(const struct mapdev_region *region)
{
	unsigned long off = READ_ONCE(region->off);

	if (off & MAPDEV_OFF_RETIRED)
		return MAPDEV_RETIRED;
	return off ? MAPDEV_REVOKED : MAPDEV_LIVE;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_state);

/* The region of a node that is being opened, with a reference, or NULL. */
struct mapdev_region *mapdev_region_get(unsigned int minor)
{
	struct mapdev_region *region;

	/* The registry drops its reference only after xa_erase(). */
	xa_lock(&mapdev_minors);
	region = xa_load(&mapdev_minors, minor);
	if (region)
		get_device(&region->dev);
	xa_unlock(&mapdev_minors);
	return region;
}

void mapdev_region_put(struct mapdev_region *region)
{
	put_device(&region->dev);
}

int mapdev_regions_init(void)
{
	int err;

	if (!max_bytes)
		max_bytes = ((u64)totalram_pages() << PAGE_SHIFT) / 2;

	mapdev_mnt = kern_mount(&mapdev_fs_type);
	if (IS_ERR(mapdev_mnt))
		return PTR_ERR(mapdev_mnt);

	err = alloc_chrdev_region(&mapdev_devt, 0, MAPDEV_MINORS, "mapdev");
	if (err)
		goto unmount;

	cdev_init(&mapdev_cdev, &mapdev_fops);
	mapdev_cdev.owner = THIS_MODULE;
	err = cdev_add(&mapdev_cdev, mapdev_devt, MAPDEV_MINORS);
	if (err)
		goto numbers;
	return 0;

numbers:
	unregister_chrdev_region(mapdev_devt, MAPDEV_MINORS);
unmount:
	kern_unmount(mapdev_mnt);
	return err;
}

/* Ends every region: nothing else can, once the module is on its way out. */
void mapdev_regions_exit(void)
{
	struct mapdev_region *region;
	unsigned long minor;

	xa_for_each(&mapdev_minors, minor, region)
		mapdev_region_retire(region);

	cdev_del(&mapdev_cdev);
	unregister_chrdev_region(mapdev_devt, MAPDEV_MINORS);
	kern_unmount(mapdev_mnt);
	xa_destroy(&mapdev_minors);
}
