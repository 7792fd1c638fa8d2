/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread tries to open files of a module while it is being loaded. A load that
 * fails frees the module even if a file is open: no open may have succeeded.
 */
#ifndef _MAPDEV_SELFTESTS_EARLY_H
#define _MAPDEV_SELFTESTS_EARLY_H

#include <pthread.h>
#include <stdatomic.h>

#include "region.h"

/**
 * struct early - one who tries, in a thread of its own
 * @node: a node that appears while the module is being loaded
 * @file: another file of the module, or NULL
 * @directory: one to be made in configfs, or NULL
 * @refused: how often the node was there, and could not be opened
 * @told_to_wait: how often configfs was there, and made no directory
 * @got_in: how often it worked; what was opened stays open
 */
struct early {
	const char *node;
	const char *file;
	const char *directory;
	atomic_int refused;
	atomic_int told_to_wait;
	atomic_int got_in;
	atomic_bool stop;
	pthread_t thread;
};

int early_begin(struct early *early);
void early_end(struct early *early);
bool early_has_seen(struct early *early);

#endif /* _MAPDEV_SELFTESTS_EARLY_H */
