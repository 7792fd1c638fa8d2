/* SPDX-License-Identifier: GPL-2.0 */
/* The cache modes as a person writes them. */
#ifndef _MAPDEV_CACHE_NAMES_H
#define _MAPDEV_CACHE_NAMES_H

#include <uapi/linux/mapdev.h>

static const char * const mapdev_cache_names[] = {
	[MAPDEV_WB] = "wb",
	[MAPDEV_WC] = "wc",
	[MAPDEV_UC] = "uc",
};

#endif /* _MAPDEV_CACHE_NAMES_H */
