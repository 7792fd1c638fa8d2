/* SPDX-License-Identifier: GPL-2.0 */
/* Load and unload mapdev and the modules beside it. */
#ifndef _MAPDEV_SELFTESTS_MODULE_H
#define _MAPDEV_SELFTESTS_MODULE_H

#include <sys/syscall.h>

#include "region.h"

int module_load_file(const char *path, const char *params);
int module_load(const char *name, const char *params);
int module_load_helper(const char *name);
int module_unload(const char *name);

#endif /* _MAPDEV_SELFTESTS_MODULE_H */
