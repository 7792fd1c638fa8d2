/* SPDX-License-Identifier: GPL-2.0 */
/* The reason why a region is refused, for the log and for the caller. */
#ifndef _MAPDEV_REFUSE_H
#define _MAPDEV_REFUSE_H

#include <linux/compiler.h>

struct mapdev_attrs;
struct mapdev_region;

/**
 * struct mapdev_refusal - the reason of the last refusal
 * @text: one line without a newline, empty if nothing was refused
 */
struct mapdev_refusal {
	char text[256];
};

__printf(3, 4)
void mapdev_refuse_attrs(const struct mapdev_attrs *attrs, const char *name,
			 const char *fmt, ...);
__printf(2, 3)
void mapdev_refuse(const struct mapdev_region *region, const char *fmt, ...);

#endif /* _MAPDEV_REFUSE_H */
