/* SPDX-License-Identifier: GPL-2.0 */
/* Shell commands, such as mapdevctl. */
#ifndef _MAPDEV_SELFTESTS_COMMAND_H
#define _MAPDEV_SELFTESTS_COMMAND_H

#include <libgen.h>
#include <limits.h>

#include "region.h"

void find_tool(void);
int run(const char *command, char *output, size_t size);

#endif /* _MAPDEV_SELFTESTS_COMMAND_H */
