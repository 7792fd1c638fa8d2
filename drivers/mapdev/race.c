// SPDX-License-Identifier: GPL-2.0
#include <linux/compiler.h>
#include <linux/export.h>
#include <kunit/visibility.h>

#include "race.h"

static void (*race_hook)(struct mapdev_region *region, enum mapdev_race place);

void mapdev_race_set(void (*hook)(struct mapdev_region *region,
				  enum mapdev_race place))
{
	WRITE_ONCE(race_hook, hook);
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_race_set);

void mapdev_race(struct mapdev_region *region, enum mapdev_race place)
{
	void (*hook)(struct mapdev_region *region, enum mapdev_race place) =
		READ_ONCE(race_hook);

	if (hook)
		hook(region, place);
}
