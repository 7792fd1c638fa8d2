/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPDEV_KUNIT_HOOKS_H
#define _MAPDEV_KUNIT_HOOKS_H

#include <linux/build_bug.h>

/* Is this the type that the kernel has for a hook? */
#define HOOK_IS(table, hook, type) \
	static_assert(__same_type(type, typeof_member(struct table, hook)))

#endif /* _MAPDEV_KUNIT_HOOKS_H */
