/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_FILE_H
#define _MAPDEV_FILE_H

#include <linux/fs.h>

extern const struct file_operations mapdev_fops;

#endif /* _MAPDEV_FILE_H */
