// SPDX-License-Identifier: GPL-2.0
/*
 * The device that a region is on. Open files keep it awake until the region is
 * retired. Its driver, and the module that releases it, may be gone before they
 * are closed.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/pm_runtime.h>

#include "mapdev.h"
#include "owner.h"

/* Count an open file; 0 also if there is no device any more. */
int mapdev_owner_wake(struct mapdev_region *region)
{
	int err = 0;

	guard(mutex)(&region->owner_lock);
	if (!region->owner)
		return 0;
	/* Its driver may not use runtime PM. */
	if (!pm_runtime_enabled(region->owner))
		pm_runtime_get_noresume(region->owner);
	else
		err = pm_runtime_resume_and_get(region->owner);
	if (!err)
		region->awake++;
	return err;
}

void mapdev_owner_let_sleep(struct mapdev_region *region)
{
	guard(mutex)(&region->owner_lock);
	if (!region->owner)
		return;
	region->awake--;
	pm_runtime_put(region->owner);
}

/* Drop the references of all files. A second call does nothing. */
void mapdev_owner_leave(struct mapdev_region *region)
{
	guard(mutex)(&region->owner_lock);
	for (; region->awake; region->awake--)
		pm_runtime_put(region->owner);
	put_device(region->owner);
	region->owner = NULL;
}
