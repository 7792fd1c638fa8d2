/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that mapdev is for. No other file asks for a version. */
#ifndef _MAPDEV_COMPAT_H
#define _MAPDEV_COMPAT_H

#include <linux/version.h>

/* 7.2: generic_access_phys() maps RAM as if it were a device's, which x86 warns of. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#define MAPDEV_GENERIC_ACCESS_SPARES_RAM	false
#else
#define MAPDEV_GENERIC_ACCESS_SPARES_RAM	true
#endif

#endif /* _MAPDEV_COMPAT_H */
