/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's fault injection, for the allocations of this task. */
#ifndef _MAPDEV_SELFTESTS_INJECTORS_H
#define _MAPDEV_SELFTESTS_INJECTORS_H

#define DEBUGFS "/sys/kernel/debug"

int injectors_set(void);
void arm(int fd, unsigned int nth);
unsigned int disarm(int fd);

#endif /* _MAPDEV_SELFTESTS_INJECTORS_H */
