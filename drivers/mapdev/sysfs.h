/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_SYSFS_H
#define _MAPDEV_SYSFS_H

#include <linux/device.h>

extern const struct class mapdev_class;

#endif /* _MAPDEV_SYSFS_H */
