/* SPDX-License-Identifier: GPL-2.0 */
/* Futexes in a region, of one process and of several. */
#ifndef _MAPDEV_SELFTESTS_FUTEX_H
#define _MAPDEV_SELFTESTS_FUTEX_H

#include <sched.h>
#include <sys/prctl.h>

#include <linux/futex.h>

#include "region.h"

long futex(void *word, int op, unsigned int value);
pid_t futex_wait_mapped(const char *node, size_t size, size_t at);
int futex_wake_child(pid_t pid, void *word);

#endif /* _MAPDEV_SELFTESTS_FUTEX_H */
