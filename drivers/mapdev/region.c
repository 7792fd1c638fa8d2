// SPDX-License-Identifier: GPL-2.0
/*
 * A region's life: create, publish, revoke, restore, retire, last put.
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <kunit/visibility.h>
#include <trace/events/mapdev.h>

#include "attrs.h"
#include "dirty.h"
#include "mapdev.h"
#include "nommu.h"
#include "owner.h"
#include "refuse.h"
#include "region.h"
#include "registry.h"
#include "stats.h"

const char * const mapdev_state_names[] = {
	[MAPDEV_NEW]		= "new",
	[MAPDEV_LIVE]		= "live",
	[MAPDEV_REVOKED]	= "revoked",
	[MAPDEV_RETIRED]	= "retired",
};

static const struct class *region_class;

/* The class of the devices of all regions. */
void mapdev_region_init(const struct class *class)
{
	region_class = class;
}

/*
 * Release what belongs to others as soon as nothing can reach it, though files may
 * be open. A second call does nothing.
 */
static void region_forget(struct mapdev_region *region)
{
	mapdev_owner_leave(region);
	/* Without an MMU mappings stay: release with the last reference. */
	if (mapdev_is_mapped(region))
		return;
	if (region->backing->release)
		region->backing->release(region);
}

static void region_release(struct kref *refs)
{
	struct mapdev_region *region =
		container_of(refs, struct mapdev_region, refs);

	if (region->backing->release)
		region->backing->release(region);
	if (region->backing->free)
		region->backing->free(region);
	/*
	 * Remove the folios now: a pinned folio must not keep pointing to the
	 * region.
	 */
	if (region->inode)
		truncate_inode_pages(region->inode->i_mapping, 0);
	iput(region->inode);
	sysfs_put(region->state_file);
	mapdev_dirty_free(region);
	mapdev_bytes_give(region, region->bytes);
	percpu_free_rwsem(&region->guard);
	free_percpu(region->stats);
	mapdev_owner_leave(region);
	kfree(region);
}

/* Check max_bytes first: a request that is too large takes no memory. */
static int region_get_memory(struct mapdev_region *region)
{
	int err = 0;

	if (region->backing->counted)
		err = mapdev_bytes_take(region, region->attrs.size);
	return err ?: region->backing->alloc(region);
}

/*
 * A region that is not published yet, of @backing; @desc describes memory of
 * another driver. mapdev_region_put() undoes it.
 */
static struct mapdev_region *region_alloc(const char *name,
					  const struct mapdev_attrs *attrs,
					  const struct mapdev_backing *backing,
					  const struct mapdev_desc *desc)
{
	struct mapdev_region *region;
	int err;

	region = kzalloc_obj(*region);
	if (!region)
		return ERR_PTR(mapdev_no_memory(name));

	kref_init(&region->refs);
	strscpy(region->name, name);
	if (desc) {
		region->owner = get_device(desc->parent);
		region->lockdown = desc->lockdown;
	}
	mutex_init(&region->owner_lock);
	mutex_init(&region->control);
	init_waitqueue_head(&region->wait);
	region->attrs = *attrs;
	region->attrs.cache = mapdev_attrs_cache(attrs);
	region->desc = desc;
	region->backing = backing;

	region->stats = alloc_percpu(struct mapdev_stats);
	if (!region->stats || percpu_init_rwsem(&region->guard))
		goto no_memory;

	region->inode = mapdev_inode_alloc();
	if (IS_ERR(region->inode)) {
		region->inode = NULL;
		goto no_memory;
	}
	region->inode->i_private = region;
	/* mm core maps and keeps large folios only below i_size. */
	i_size_write(region->inode, attrs->size);

	err = region_get_memory(region);
	region->desc = NULL;
	if (err)
		goto fail;
	if (!region->attrs.granule)
		region->attrs.granule = PAGE_SIZE;
	err = mapdev_dirty_init(region);
	if (err)
		goto fail;
	/* It is the caller's, and the region may outlive it. */
	region->attrs.refusal = NULL;
	return region;

no_memory:
	err = mapdev_no_memory(name);
fail:
	mapdev_region_put(region);
	return ERR_PTR(err);
}

/*
 * Poll of the node and of its state in sysfs, with any events, looks again. An
 * opener that came before the file in sysfs is told by region_show_state().
 */
static void region_changed(struct mapdev_region *region)
{
	lockdep_assert_held(&region->control);
	wake_up_interruptible_all(&region->wait);
	if (region->state_file)
		sysfs_notify_dirent(region->state_file);
}

/* The reference outlives the device: the end of the region is told after it. */
static void region_show_state(struct mapdev_region *region)
{
	guard(mutex)(&region->control);
	region->state_file = sysfs_get_dirent(region->dev->kobj.sd, "state");
	region_changed(region);
}

/* For regions created at load: now they can be opened. */
void mapdev_region_announce(struct mapdev_region *region)
{
	mapdev_stats_publish(region);
	WRITE_ONCE(region->announced, true);
	kobject_uevent(&region->dev->kobj, KOBJ_ADD);
}

static struct mapdev_region *region_create(const char *name,
					   const struct mapdev_attrs *attrs,
					   const struct mapdev_backing *backing,
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

	region = region_alloc(name, attrs, backing, desc);
	if (IS_ERR(region))
		return region;
	err = mapdev_registry_add(region, attrs);
	if (err)
		goto put;
	/*
	 * Not embedded: a reference to a device can outlive this module, and the
	 * driver core frees this one. Attributes do not: device_unregister() waits for their
	 * readers and writers.
	 */
	region->announced = mapdev_registry_is_open();
	region->dev = device_create(region_class, region->owner, region->devt,
				    region, "%s", name);
	if (IS_ERR(region->dev)) {
		err = PTR_ERR(region->dev);
		goto unregister;
	}
	region_show_state(region);
	if (region->announced)
		mapdev_stats_publish(region);
	return region;

unregister:
	mapdev_refuse_attrs(attrs, name, "no device: %pe", ERR_PTR(err));
	/* The node may have been opened by its number. */
	mapdev_region_revoke(region, MAPDEV_OFF_RETIRED);
	mapdev_registry_remove(region);
put:
	region_forget(region);
	mapdev_region_put(region);
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
 * One line has the reason, in the log and in the refusal of @attrs.
 */
struct mapdev_region *
mapdev_region_create(const char *name, const struct mapdev_attrs *attrs)
{
	return region_create(name, attrs, mapdev_attrs_backing(attrs), NULL);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_create);

/*
 * The same for memory of another driver: @desc describes it, @attrs say the same,
 * and @backing is the variant of @attrs->backing for it.
 */
struct mapdev_region *mapdev_region_export(const struct mapdev_desc *desc,
					   const struct mapdev_attrs *attrs,
					   const struct mapdev_backing *backing)
{
	return region_create(desc->name, attrs, backing, desc);
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
	/*
	 * Check first, so that a revoke that must fail has no visible effect.
	 */
	if (mapdev_is_mapped(region) && why != MAPDEV_OFF_RETIRED)
		return -EBUSY;
	WRITE_ONCE(region->off, region->off | why);

	/*
	 * Wait for tasks that saw the region live, before the unmap: a page table
	 * entry that one of them installs after it would stay.
	 */
	region->backing->drain(region);
	mapdev_dirty_drain(region);
	mapdev_unmap(region);
	/* A mapping came since. */
	if (mapdev_is_mapped(region) && why != MAPDEV_OFF_RETIRED) {
		WRITE_ONCE(region->off, region->off & ~why);
		region_changed(region);
		return -EBUSY;
	}

	mapdev_count(region, MAPDEV_STAT_REVOKE);
	trace_mapdev_revoke(mapdev_name(region), why, region->off);
	region_changed(region);
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
	region_changed(region);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_restore);

/**
 * mapdev_region_retire - end a region: no node, revoked for good
 * @region: the region; the registry's reference goes
 *
 * Open files keep an empty region. Nothing reaches exported memory when this
 * returns. Context: process context, sleeps, under none of our locks.
 */
void mapdev_region_retire(struct mapdev_region *region)
{
	debugfs_remove(region->debugfs);
	device_unregister(region->dev);
	mapdev_region_revoke(region, MAPDEV_OFF_RETIRED);
	mapdev_registry_remove(region);
	region_forget(region);
	mapdev_region_put(region);
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

void mapdev_region_put(struct mapdev_region *region)
{
	kref_put(&region->refs, region_release);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_region_put);
