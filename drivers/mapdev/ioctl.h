/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_IOCTL_H
#define _MAPDEV_IOCTL_H

#include <linux/fs.h>

long mapdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _MAPDEV_IOCTL_H */
