/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_CONFIGFS_H
#define _MAPDEV_CONFIGFS_H

#if IS_ENABLED(CONFIG_CONFIGFS_FS)
int mapdev_configfs_init(void);
void mapdev_configfs_exit(void);
#else
static inline int mapdev_configfs_init(void)
{
	return 0;
}

static inline void mapdev_configfs_exit(void)
{
}
#endif

#endif /* _MAPDEV_CONFIGFS_H */
